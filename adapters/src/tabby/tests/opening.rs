//! Opening a session: what is sent, what comes back, and a no that is an answer.

use super::*;
use crate::scripted::Asked;
use chrono::{DateTime, Utc};
use schema::paying::{Language, NextAct, Purchase};

const PAGE: &str = "https://checkout.tabby.sa/?sessionId=0f9e8d7c";

fn buyer() -> Buyer {
    Buyer {
        name: Some("Sara Ali".to_owned()),
        email: Some("otp.success@tabby.ai".to_owned()),
        phone: Some("+966500000001".to_owned()),
        language: Language::En,
        ..Buyer::default()
    }
}

fn charge() -> Charge {
    Charge {
        payment: payment_id(),
        booking: BookingId::from_bare("01K9BBBBBBBBBBBBBBBBBBBBBB").unwrap(),
        amount: Money::sar(9_200),
        taking: Taking::OnceConfirmed,
        pay_with: PayWith::Page,
        secret: None,
        buyer: buyer(),
        purchases: Vec::new(),
        return_url: "https://cinema.example/paid".to_owned(),
    }
}

fn created() -> Value {
    let mut payment = payment("CREATED");
    let fields = payment.as_object_mut().unwrap();
    fields.remove("captures");
    fields.remove("refunds");
    json!({"id": OTHER_ID, "status": "created", "payment": payment,
        "configuration": {"available_products": {"installments": [{"web_url": PAGE}]},
            "products": {"installments": {"type": "installments", "is_available": true,
                "rejection_reason": null}}}})
}

fn rejected(reason: impl Into<Value>) -> Value {
    json!({"id": OTHER_ID, "status": "rejected", "payment": null,
        "configuration": {"available_products": null, "products": {"installments":
            {"type": "installments", "is_available": false, "rejection_reason": reason.into()}}}})
}

async fn open(body: &Value) -> Result<Opened, Error> {
    tabby(&answers(200, body)).open(&charge(), WITHIN).await
}

#[tokio::test]
async fn a_session_is_the_payment_that_can_be_asked_about() {
    let next = NextAct::Redirect { url: PAGE.to_owned() };
    let session =
        Session { id: ID.to_owned(), account: "cinema".to_owned(), lives_ms: 1_800_000, next };
    assert_eq!(open(&created()).await.unwrap(), Opened::Open(session));
}

#[tokio::test]
async fn buyer_order_and_history_are_told_under_our_reference() {
    let server = answers(200, created());
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let bought =
        |when: &str, refunded| Purchase { at: at(when), amount: Money::sar(5_000), refunded };
    let purchases =
        vec![bought("2026-10-01T18:00:00Z", false), bought("2026-01-02T18:00:00Z", true)];
    tabby(&server).open(&Charge { purchases, ..charge() }, WITHIN).await.unwrap();
    let [asked] = server.asked().try_into().unwrap();
    let Asked { line, head, .. } = &asked;
    assert_eq!(line, "POST /api/v2/checkout");
    assert!(head.contains("authorization: Bearer sk_test_0000\r\n"));
    let sent = asked.json();
    let (payment, urls) = (&sent["payment"], &sent["merchant_urls"]);
    assert_eq!((&sent["lang"], &sent["merchant_code"]), (&json!("en"), &json!("cinema")));
    assert_eq!((&payment["amount"], &payment["currency"]), (&json!("92.00"), &json!("SAR")));
    let person =
        json!({"name": "Sara Ali", "email": "otp.success@tabby.ai", "phone": "+966500000001"});
    assert_eq!(payment["buyer"], person);
    assert_eq!(payment["order"]["reference_id"], json!(payment_id().bare()));
    assert_eq!(payment["order"]["items"][0]["unit_price"], json!("92.00"));
    let history = json!({"registered_since": "2026-01-02T18:00:00Z", "loyalty_level": 1});
    assert_eq!(payment["buyer_history"], history);
    let statuses: Vec<&Value> =
        payment["order_history"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, [&json!("complete"), &json!("refunded")]);
    for url in ["success", "cancel", "failure"] {
        assert_eq!(urls[url], json!("https://cinema.example/paid"));
    }
}

#[tokio::test]
async fn who_is_not_known_well_enough_is_told_so_and_tabby_is_not_asked() {
    let none = || None;
    let text = |text: &str| Some(text.to_owned());
    for buyer in [
        Buyer { name: none(), ..buyer() },
        Buyer { name: text("  "), ..buyer() },
        Buyer { email: none(), ..buyer() },
        Buyer { email: text("sara"), ..buyer() },
        Buyer { phone: none(), ..buyer() },
        Buyer { phone: text("+966-5"), ..buyer() },
        Buyer { phone: text("call me maybe"), ..buyer() },
    ] {
        let server = answers(200, created());
        let opened = tabby(&server).open(&Charge { buyer, ..charge() }, WITHIN).await.unwrap();
        assert_eq!(opened, Opened::Rejected { code: "buyer_incomplete".to_owned() });
        assert!(server.asked().is_empty());
    }
}

#[tokio::test]
async fn a_no_is_an_answer_with_its_reason() {
    for (reason, code) in [
        (json!("order_amount_too_high"), "amount_too_high"),
        (json!("order_amount_too_low"), "amount_too_low"),
        (json!("not_available"), "not_available"),
        (Value::Null, "not_available"),
        (json!("a reason of next year"), "not_available"),
    ] {
        let opened = open(&rejected(reason)).await.unwrap();
        assert_eq!(opened, Opened::Rejected { code: code.to_owned() });
    }
    for nothing in [json!({}), json!({"installments": null}), json!({"installments": []})] {
        let mut body = created();
        body["configuration"]["available_products"] = nothing;
        let opened = open(&body).await.unwrap();
        assert_eq!(opened, Opened::Rejected { code: "not_available".to_owned() });
    }
}

#[tokio::test]
async fn a_session_about_something_else_is_not_opened() {
    let spoiled = |field: &str, value: Value| {
        let mut body = created();
        body["payment"][field] = value;
        body
    };
    let on_page = |url: &str| {
        let mut body = created();
        body["configuration"]["available_products"]["installments"][0]["web_url"] = json!(url);
        body
    };
    for body in [
        spoiled("amount", json!("93.00")),
        spoiled("amount", json!("0.92")),
        spoiled("amount", json!(92)),
        spoiled("currency", json!("AED")),
        spoiled("order", json!({"reference_id": "another", "items": []})),
        spoiled("order", Value::Null),
        spoiled("id", json!("../webhooks")),
        spoiled("is_test", json!(false)),
        with(created(), "payment", Value::Null),
        with(created(), "status", "approved"),
        on_page("javascript:alert(1)"),
        on_page("/relative"),
    ] {
        let error = open(&body).await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{body}: {error}");
    }
    assert!(open(&spoiled("amount", json!("92"))).await.is_ok(), "the same amount, shorter");
}

#[tokio::test]
async fn a_live_page_is_a_secure_one() {
    let live = Config { live: true, key: "sk_0000".into(), ..config("https://api.tabby.sa") };
    let tabby = Tabby::new(live).unwrap();
    let opened = |url: &str| {
        let mut body = created();
        body["payment"]["is_test"] = json!(false);
        body["configuration"]["available_products"]["installments"][0]["web_url"] = json!(url);
        tabby.opened(&charge(), &serde_json::from_value(body).unwrap())
    };
    assert!(opened(PAGE).is_ok());
    assert!(opened("http://checkout.tabby.sa/?sessionId=0f9e8d7c").is_err());
}

#[tokio::test]
async fn opening_is_refused_unavailable_or_unknown() {
    fails_alike(async |tabby| tabby.open(&charge(), WITHIN).await).await;
    let clash = "could not create payment: only 'AED' is supported, but got 'SAR'";
    for (status, body) in [
        (400, problem("bad_data", clash)),
        (400, problem("bad_data", "could not decode request")),
        (404, problem("not_found", "no such payment")),
    ] {
        let error = tabby(&answers(status, body)).open(&charge(), WITHIN).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
    }
}
