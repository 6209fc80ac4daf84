//! Tabby against a scripted server: what each answer is taken for.

mod asking;
mod changing;
mod opening;
mod webhooks;

use super::*;
use crate::scripted::Scripted;
use schema::{
    ids::{BookingId, PaymentId, RefundId},
    money::Money,
    paying::Buyer,
};
use serde_json::Value;

const WITHIN: Duration = Duration::from_secs(5);
const ID: &str = "6c1b0a5e-8f3d-4b52-9c07-2f6a1d3e4b5c";
const OTHER_ID: &str = "0f9e8d7c-6b5a-4c3d-8e1f-001122334455";
const REFUND_ID: &str = "11111111-2222-4333-8444-555555555555";

fn payment_id() -> PaymentId {
    PaymentId::from_bare("01K9ZZZZZZZZZZZZZZZZZZZZZZ").unwrap()
}

fn refund_id() -> RefundId {
    RefundId::from_bare("01K9RRRRRRRRRRRRRRRRRRRRRR").unwrap()
}

fn config(base_url: &str) -> Config {
    Config {
        base_url: base_url.to_owned(),
        key: "sk_test_0000".into(),
        merchant_code: "cinema".to_owned(),
        webhook_header: "X-Tabby-Hook".to_owned(),
        webhook_secrets: vec!["s3cr3t-standin".into()],
        live: false,
        session_life: Duration::from_mins(30),
    }
}

fn tabby(server: &Scripted) -> Tabby {
    Tabby::new(config(&server.url)).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "so that a body can be made where it is sent")]
fn answers(status: u16, body: impl ToString) -> Scripted {
    let body = body.to_string();
    Scripted::new(move |_| (status, body.clone()))
}

/// As one is answered that nobody has approved yet.
fn payment(status: &str) -> Value {
    json!({"id": ID, "created_at": "2026-11-21T08:45:03Z", "expires_at": "2026-11-21T09:15:03Z",
        "status": status, "is_test": true, "amount": "92.00", "currency": "SAR",
        "buyer": {"name": "Sara"}, "order": {"reference_id": payment_id().bare(), "items": []},
        "captures": [], "refunds": null, "randomField": 1})
}

fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body[field] = value.into();
    body
}

fn captured(amount: &str) -> Value {
    let capture = json!({"id": OTHER_ID, "amount": amount, "reference_id": payment_id().bare()});
    with(payment("CLOSED"), "captures", vec![capture])
}

fn refunded(amount: &str) -> Value {
    let refund = json!({"id": REFUND_ID, "amount": amount, "reference_id": refund_id().bare()});
    with(captured("92.00"), "refunds", vec![refund])
}

fn problem(kind: &str, error: &str) -> Value {
    json!({"status": "error", "errorType": kind, "error": error})
}

/// Whatever is not an answer, with what it says about the request.
fn no_answers() -> Vec<(u16, String)> {
    vec![
        (200, String::new()),
        (200, "<html>Please sign in</html>".to_owned()),
        (200, "{}".to_owned()),
        (200, "null".to_owned()),
        (200, "{\"id\":\"6c1b".to_owned()),
        (404, "404 page not found".to_owned()),
        (404, "\"404 page not found\"".to_owned()),
        (400, "<html></html>".to_owned()),
        (400, json!({"errorType": "never_heard_of"}).to_string()),
        (500, "Internal Server error".to_owned()),
        (500, "\"Internal Server error\"".to_owned()),
        (500, problem("bad_data", "already closed").to_string()),
        (502, "<html>Bad Gateway</html>".to_owned()),
        (302, String::new()),
    ]
}

/// What each verb has in common: nobody's answer, a throttle, and a key that is refused.
async fn fails_alike<T: std::fmt::Debug>(ask: impl AsyncFn(Tabby) -> Result<T, Error>) {
    for (status, body) in no_answers() {
        let error = ask(tabby(&answers(status, &body))).await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{status} {body}: {error}");
    }
    let error = ask(tabby(&answers(429, ""))).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    for (status, body) in [
        (401, problem("not_authorized", "auth: provided key doesn't exist").to_string()),
        (401, String::new()),
        (403, json!({"status": "error", "errorType": "no_permission"}).to_string()),
    ] {
        let error = ask(tabby(&answers(status, &body))).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{status} {body}: {error}");
    }
}

#[test]
fn a_key_of_the_other_system_starts_nothing() {
    let live = Config { live: true, key: "sk_0000".into(), ..config("https://api.tabby.sa") };
    assert!(Tabby::new(live.clone()).is_ok());
    for wrong in [
        Config { key: "sk_test_0000".into(), ..live.clone() },
        Config { live: false, ..live.clone() },
        Config { base_url: "http://api.tabby.sa".to_owned(), ..live.clone() },
        Config { merchant_code: String::new(), ..live.clone() },
        Config { webhook_header: "x tabby".to_owned(), ..live.clone() },
        Config { webhook_secrets: vec![" ".into()], ..live },
    ] {
        assert!(matches!(Tabby::new(wrong), Err(Error::Refused { .. })));
    }
}

#[test]
fn nothing_but_its_page_is_paid_with_and_a_return_is_no_proof() {
    let tabby = Tabby::new(config("http://127.0.0.1:1")).unwrap();
    assert_eq!(tabby.taking(&PayWith::Page), Some(Taking::OnceConfirmed));
    assert_eq!(tabby.taking(&PayWith::CreditCard), None);
    let back = [("payment_id".to_owned(), ID.to_owned())];
    assert!(tabby.read_return(payment_id(), &back).unwrap().is_none());
}
