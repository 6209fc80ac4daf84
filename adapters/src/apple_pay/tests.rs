//! Apple Pay's sessions against a stand-in that asks for a certificate.

use super::*;
use sandbox::apple_pay::{Gateway, Papers, Plays};

const MERCHANT: &str = "merchant.sa.example";

fn config(gateway: &Gateway, papers: &Papers) -> Config {
    let identity = papers.identity.clone().into();
    let merchant = Merchant { id: MERCHANT.to_owned(), identity };
    Config {
        gateway: gateway.url.clone(),
        stand_in: Some(papers.root.clone()),
        display_name: "سينما".to_owned(),
        domain: "shop.example.sa".to_owned(),
        merchants: BTreeMap::from([(Provider::Checkout, merchant)]),
    }
}

async fn asked(plays: Plays) -> (Result<Vec<u8>, Error>, Vec<Value>) {
    let papers = Papers::draw_up().unwrap();
    let gateway = Gateway::start(&papers, plays).await.unwrap();
    let apple_pay = ApplePay::new(&config(&gateway, &papers)).unwrap();
    let session = apple_pay.session(Provider::Checkout).await.unwrap();
    (session, gateway.asked())
}

#[tokio::test]
async fn apples_session_is_handed_on_byte_for_byte() {
    let (session, asked) = asked(Plays::Session).await;
    assert_eq!(session.unwrap(), sandbox::apple_pay::SESSION.as_bytes());
    let said = json!({"merchantIdentifier": MERCHANT, "displayName": "سينما", "initiative": "web",
        "initiativeContext": "shop.example.sa"});
    assert_eq!(asked, [said]);
}

#[tokio::test]
async fn what_is_no_session_opens_no_sheet() {
    for status in [400, 403, 417] {
        let (session, _) = asked(Plays::Status(status)).await;
        assert!(matches!(session, Err(Error::Refused { .. })), "{status}");
    }
    for plays in [
        Plays::Status(500),
        Plays::Redirect,
        Plays::TooMuch,
        Plays::Body("<html>"),
        Plays::Body(""),
    ] {
        let (session, asked) = asked(plays).await;
        assert!(matches!(session, Err(Error::Unknown { .. })), "{plays:?}");
        assert_eq!(asked.len(), 1, "{plays:?}: nothing is repeated, nothing is followed");
    }
}

#[tokio::test]
async fn without_the_right_papers_nobody_speaks() {
    let (papers, strange) = (Papers::draw_up().unwrap(), Papers::draw_up().unwrap());
    let gateway = Gateway::start(&papers, Plays::Session).await.unwrap();
    let right = config(&gateway, &papers);
    let not_apple = Config { stand_in: Some(strange.root.clone()), ..right.clone() };
    let merchant = Merchant { id: MERCHANT.to_owned(), identity: strange.identity.into() };
    let not_us =
        Config { merchants: BTreeMap::from([(Provider::Checkout, merchant)]), ..right.clone() };
    for wrong in [not_apple, not_us] {
        let session = ApplePay::new(&wrong).unwrap().session(Provider::Checkout).await.unwrap();
        assert!(session.is_err());
    }
    assert_eq!(gateway.asked(), Vec::<Value>::new());
    assert!(ApplePay::new(&right).unwrap().session(Provider::Tabby).await.is_none());
}

#[tokio::test]
async fn our_identity_is_shown_to_apple_alone() {
    let papers = Papers::draw_up().unwrap();
    let gateway = Gateway::start(&papers, Plays::Session).await.unwrap();
    let with = |address: &str, stand_in: bool| {
        let right = config(&gateway, &papers);
        let stand_in = right.stand_in.clone().filter(|_| stand_in);
        ApplePay::new(&Config { gateway: address.to_owned(), stand_in, ..right }).is_ok()
    };
    assert!(with("https://apple-pay-gateway.apple.com", false));
    assert!(with("https://cn-apple-pay-gateway-cert.apple.com/", false));
    for other in [
        "http://apple-pay-gateway.apple.com",
        "https://apple-pay-gateway.apple.com:8443",
        "https://user@apple-pay-gateway.apple.com",
        "https://apple-pay-gateway.apple.com/elsewhere",
        "https://apple-pay-gateway.apple.com.evil.test",
        "https://developer.apple.com",
        "https://127.0.0.1:1",
        "apple-pay-gateway.apple.com",
    ] {
        assert!(!with(other, false), "{other}");
    }
    assert!(with("https://127.0.0.1:1", true));
    assert!(!with("https://apple-pay-gateway.apple.com", true), "a stand-in is on this machine");
    assert!(!with("https://10.0.0.1", true));
}
