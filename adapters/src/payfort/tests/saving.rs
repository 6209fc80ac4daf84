//! Saved cards: the form, what the browser brings back from it, paying with what was saved, and its end.

use super::*;
use crate::card_keeper::{Ended, KeptCard, NewCard, Saving};
use schema::ids::CardId;
use secrecy::ExposeSecret;

fn card() -> CardId {
    CardId::from_bare("01K9CCCCCCCCCCCCCCCCCCCCCC").unwrap()
}

fn vendor() -> PayFort {
    PayFort::new(config("http://127.0.0.1:9")).unwrap()
}

async fn form() -> Session {
    let return_url = "https://cinema.example/return/cards/1".to_owned();
    let new = NewCard { card: card(), token: None, return_url };
    match vendor().save(&new, WITHIN).await.unwrap() {
        Saving::Form(form) => form,
        Saving::Ended(ended) => panic!("no form: {ended:?}"),
    }
}

/// What the vendor signs for the browser to bring back.
fn tokenized(code: &str, more: &Value) -> Vec<(String, String)> {
    let mut all = json!({"response_code": code, "status": code.get(..2), "language": "ar",
        "merchant_reference": card().bare(), "service_command": "TOKENIZATION"});
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let Value::Object(fields) = signed(all, CARDS) else { panic!("an object") };
    fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn typed() -> Vec<(String, String)> {
    tokenized(
        "18000",
        &json!({"token_name": "Op9Vmp", "card_bin": "400555", "expiry_date": "3005",
            "card_number": "400555******0001"}),
    )
}

#[tokio::test]
async fn the_form_is_the_vendors_and_signed_and_nothing_is_sent() {
    let form = form().await;
    assert_eq!((form.id, form.account), (card().bare(), CARDS.to_owned()));
    assert_eq!(form.lives_ms, 1_800_000);
    let NextAct::Form { action, fields } = form.next else { panic!("a form") };
    assert_eq!(action, "https://checkout.example/FortAPI/paymentPage");
    let texts: signing::Texts = fields.into_iter().collect();
    assert_eq!(texts["service_command"], "TOKENIZATION");
    assert_eq!(texts["merchant_reference"], card().bare());
    assert_eq!(texts["signature"], channel(CARDS).sign(&texts));
    assert!(!texts.keys().any(|name| name.contains("amount") || name.contains("card")));
    let return_url = "https://cinema.example/".repeat(20);
    let new = NewCard { card: card(), token: None, return_url };
    assert!(matches!(vendor().save(&new, WITHIN).await, Err(Error::Refused { .. })));
}

#[tokio::test]
async fn of_what_comes_back_only_the_token_and_the_last_digits_are_kept() {
    let given = vendor().read_back(card(), &typed()).unwrap().unwrap();
    assert_eq!(given.expose_secret(), format!("{}:Op9Vmp:0001", card().bare()));
    let ended = vendor().finish(&form().await, &given, WITHIN).await.unwrap();
    let Ended::Kept(KeptCard { token, account, brand, last4 }) = ended else { panic!("{ended:?}") };
    assert_eq!((token.expose_secret(), account.as_str()), ("Op9Vmp", CARDS));
    assert_eq!((brand, last4.as_deref()), (None, Some("0001")));
    let bare = tokenized("18062", &json!({"token_name": "Op9Vmp"}));
    let given = vendor().read_back(card(), &bare).unwrap().unwrap();
    let ended = vendor().finish(&form().await, &given, WITHIN).await.unwrap();
    assert!(matches!(ended, Ended::Kept(KeptCard { last4: None, .. })), "{ended:?}");
}

#[tokio::test]
async fn a_card_that_the_vendor_does_not_take_is_refused_and_all_else_is_waited_for() {
    for code in ["17000", "17016", "00012"] {
        let given = vendor().read_back(card(), &tokenized(code, &json!({}))).unwrap().unwrap();
        let ended = vendor().finish(&form().await, &given, WITHIN).await.unwrap();
        assert!(matches!(ended, Ended::Refused { .. }), "{code}: {ended:?}");
    }
    let nothing = [("lang".to_owned(), "ar".to_owned())];
    for fields in [
        nothing.to_vec(),
        Vec::new(),
        // The customer left; there is no token in it; a token's name that could be a card's number.
        tokenized("00072", &json!({})),
        tokenized("18000", &json!({})),
        tokenized("18000", &json!({"token_name": "4005550000000001"})),
        tokenized("14000", &json!({"service_command": "PURCHASE", "token_name": "Op9Vmp"})),
    ] {
        assert!(vendor().read_back(card(), &fields).unwrap().is_none(), "{fields:?}");
    }
    assert!(vendor().ask_saved(&form().await, WITHIN).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_not_signed_for_this_card_is_forged() {
    let another = CardId::from_bare("01K9000000000000000000000X").unwrap();
    assert!(matches!(vendor().read_back(another, &typed()), Err(Error::Forged { .. })));
    for at in 0..typed().len() {
        let mut altered = typed();
        altered[at].1.push('x');
        let read = vendor().read_back(card(), &altered);
        assert!(matches!(read, Err(Error::Forged { .. })), "{}: {read:?}", altered[at].0);
    }
    // A payment goes on with its own token only, and a card with its own.
    assert!(vendor().read_return(payment(), &typed()).is_err());
    for given in ["01K9000000000000000000000X:Op9Vmp:0001", "Op9Vmp", ""] {
        let finished = vendor().finish(&form().await, &given.into(), WITHIN).await;
        assert!(matches!(finished, Err(Error::Refused { .. })), "{given}: {finished:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_there_is_an_unknown_card_signed_or_not() {
    let saved = charge(PayWith::SavedCard { card: "card_1".to_owned() });
    let gone = Opened::Rejected { code: "card_unknown".to_owned() };
    let mut unsigned = answer("00044", json!({}));
    unsigned.as_object_mut().unwrap().remove("signature");
    for body in [answer("00044", json!({})), answer("13044", json!({})), unsigned] {
        let opened = payfort(&server(200, &body)).open(&saved, WITHIN).await.unwrap();
        assert_eq!(opened, gone, "{body}");
    }
}

/// Only a customer who wants a card saved has its token kept.
#[tokio::test]
async fn a_saved_cards_token_is_to_be_kept_and_that_of_a_payments_own_page_is_not() {
    let declined = || server(200, answer("13666", json!({})));
    let (page, saved) = (declined(), declined());
    let of_page = charge(PayWith::Page);
    let session = |opened| match opened {
        Opened::Open(session) => session,
        Opened::Rejected { code } => panic!("rejected: {code}"),
    };
    let vendor = payfort(&page);
    let form = session(vendor.open(&of_page, WITHIN).await.unwrap());
    let given = charging::given(&payment().bare(), "Op9Vmp");
    vendor.proceed(&of_page, &form, &given, WITHIN).await.unwrap();
    assert_eq!(page.asked()[0].json()["remember_me"], "NO");
    let of_card = charge(PayWith::SavedCard { card: "card_1".to_owned() });
    payfort(&saved).open(&of_card, WITHIN).await.unwrap();
    assert_eq!(saved.asked()[0].json()["remember_me"], "YES");
}

/// The vendor's answer to a deletion: what was asked, said back.
fn deleting(code: &'static str, more: Value) -> Scripted {
    Scripted::new(move |asked| {
        let asked = asked.json();
        let mut all = json!({"response_code": code, "status": code.get(..2),
            "service_command": asked["service_command"], "token_name": asked["token_name"],
            "merchant_reference": asked["merchant_reference"]});
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        (200, signed(all, CARDS).to_string())
    })
}

async fn forget(server: &Scripted) -> Result<(), Error> {
    payfort(server).forget(&"Op9Vmp".into(), CARDS, WITHIN).await
}

#[tokio::test]
async fn a_deletion_makes_the_token_inactive_under_a_reference_of_its_own() {
    let vendor = deleting("58063", json!({"token_status": "INACTIVE", "card_brand": "VISA"}));
    for _ in 0..2 {
        forget(&vendor).await.unwrap();
    }
    let asked = vendor.asked();
    for one in &asked {
        let (line, body) = (one.line.as_str(), one.json());
        assert_eq!(line, "POST /FortAPI/paymentApi");
        let said = ["service_command", "token_name", "token_status"].map(|name| &body[name]);
        assert_eq!(said, ["UPDATE_TOKEN", "Op9Vmp", "INACTIVE"]);
        let sent = Message::read(one.body.as_bytes()).unwrap();
        assert_eq!(body["signature"], channel(CARDS).sign(sent.texts()));
    }
    let references = asked.iter().map(|one| one.json()["merchant_reference"].to_string());
    let references: std::collections::BTreeSet<String> = references.collect();
    assert_eq!(references.len(), 2);
}

#[tokio::test]
async fn only_what_says_that_the_token_is_gone_is_the_end_of_a_deletion() {
    for (code, more) in [("58000", json!({})), ("00044", json!({}))] {
        forget(&deleting(code, more)).await.unwrap();
    }
    for (code, more) in [
        ("58063", json!({"token_status": "ACTIVE"})),
        ("58063", json!({"token_name": "another"})),
        ("58063", json!({"merchant_reference": "another"})),
        ("59000", json!({})),
        ("00066", json!({})),
        ("00006", json!({})),
        ("14000", json!({})),
        ("97000", json!({})),
    ] {
        let answered = forget(&deleting(code, more.clone())).await;
        assert!(is_unknown(&answered), "{code} {more}: {answered:?}");
    }
    for code in ["00008", "00033"] {
        let answered = forget(&deleting(code, json!({}))).await;
        assert!(matches!(answered, Err(Error::Refused { .. })), "{code}: {answered:?}");
    }
    let vendor = deleting("58063", json!({}));
    let odd = payfort(&vendor).forget(&"4005550000000001".into(), CARDS, WITHIN).await;
    assert!(matches!(odd, Err(Error::Refused { .. })), "{odd:?}");
    assert!(vendor.asked().is_empty());
}
