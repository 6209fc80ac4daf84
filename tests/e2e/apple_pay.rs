//! Apple Pay on the web: the sheet opens with Apple's own session, which nobody but Apple is asked for.

use harness::{Answer, Customer, Order, Setup, Visit, visit, visit_with};
use reqwest::Method;
use sandbox::apple_pay::{Gateway, Papers, Plays, SESSION};
use serde_json::{Value, json};

const DOMAIN: &str = "shop.example.sa";
const MERCHANT: &str = "merchant.sa.example";
const ASSOCIATION: &str = "7B227073704964223A22";
const GENUINE: &str = "https://apple-pay-gateway.apple.com/paymentservices/paymentSession";

/// Checkout.com takes Apple Pay, and this is Apple.
fn with(apple: &Gateway, papers: &Papers) -> Setup {
    let with = vec![
        ("APPLE_PAY_DOMAIN_NAME", DOMAIN.to_owned()),
        ("APPLE_PAY_DISPLAY_NAME", "Cinema".to_owned()),
        ("APPLE_PAY_DOMAIN_ASSOCIATION", ASSOCIATION.to_owned()),
        ("APPLE_PAY_VALIDATE_SESSION_URL", apple.url.clone()),
        ("APPLE_PAY_STAND_IN", papers.root.clone()),
        ("APPLE_PAY_MERCHANT_ID_CHECKOUT", MERCHANT.to_owned()),
        ("APPLE_PAY_PEM_CHECKOUT", papers.identity.clone()),
    ];
    Setup { with, ..Setup::default() }
}

async fn opens(customer: &Customer, sheet: &Value) -> Answer {
    let request = customer.request(Method::POST, "/api/v1/payments/apple-pay/session");
    Answer::read(request.json(sheet).send().await.unwrap()).await
}

async fn association(visit: &Visit) -> Answer {
    let path = ".well-known/apple-developer-merchantid-domain-association";
    let url = format!("{}/{path}", visit.system.gateway);
    Answer::read(visit.http.get(url).send().await.unwrap()).await
}

#[tokio::test]
async fn a_sheet_opens_with_apples_session_and_the_browsers_address_is_never_asked() {
    let papers = Papers::draw_up().unwrap();
    let apple = Gateway::start(&papers, Plays::Session).await.unwrap();
    let visit = visit_with(with(&apple, &papers)).await;
    let customer = visit.customer();
    let booking = customer.books(Order::new(&visit)).await;
    for sheet in [
        json!({ "provider": "checkout" }),
        json!({ "provider": "checkout", "validation_url": GENUINE }),
    ] {
        let answer = opens(&customer, &sheet).await;
        assert_eq!((answer.status, &*answer.text), (200, SESSION), "to the byte");
    }
    let ours = json!({ "merchantIdentifier": MERCHANT, "displayName": "Cinema",
        "initiative": "web", "initiativeContext": DOMAIN });
    assert_eq!(apple.asked(), [ours.clone(), ours]);

    for foreign in [
        "https://apple-pay-gateway.apple.com.evil.test/paymentservices/paymentSession",
        "https://apple-pay-gateway.apple.com@127.0.0.1/paymentservices/paymentSession",
        "http://169.254.169.254/latest/meta-data/",
        &format!("{}/paymentservices/paymentSession", apple.url),
        "",
    ] {
        let sheet = json!({ "provider": "checkout", "validation_url": foreign });
        opens(&customer, &sheet).await.assert_problem(400, "validation_url");
    }
    opens(&customer, &json!({ "provider": "payfort" })).await.assert_problem(404, "not_found");
    let nobody = customer.with_token("nobody's");
    let answer = opens(&nobody, &json!({ "provider": "checkout" })).await;
    answer.assert_problem(401, "unauthorized");
    assert_eq!(apple.asked().len(), 2, "of all these Apple has heard nothing");

    let shown = association(&visit).await;
    assert_eq!((shown.status, &*shown.text), (200, ASSOCIATION));
    assert_eq!(booking.cancels().await.status, 200, "a sheet is no payment");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn where_it_is_not_set_up_no_sheet_opens() {
    let visit = visit().await;
    let answer = opens(&visit.customer(), &json!({ "provider": "checkout" })).await;
    answer.assert_problem(404, "not_found");
    association(&visit).await.assert_problem(404, "not_found");
}
