//! Checkout.com against a scripted server: what each answer is taken for.

mod follow_ups;
mod look_ups;
mod opening;
mod saving;

use super::*;
use crate::scripted::{Asked, Scripted};
use schema::{
    ids::{BookingId, IdKey, PaymentId, RefundId},
    money::Money,
    paying::{Buyer, NextAct},
};
use serde_json::{Value, json};

const WITHIN: Duration = Duration::from_secs(5);
const CHANNEL: &str = "pc_aaaaaaaaaaaaaaaaaaaaaaaaaa";
const PAY: &str = "pay_bbbbbbbbbbbbbbbbbbbbbbbbbb";
const OTHER_PAY: &str = "pay_cccccccccccccccccccccccccc";
const ACT: &str = "act_dddddddddddddddddddddddddd";
const TOKEN: &str = "tok_eeeeeeeeeeeeeeeeeeeeeeeeee";
const CONTEXT: &str = "pct_ffffffffffffffffffffffffff";
const REFERENCE: &str = "01K9ZZZZZZZZZZZZZZZZZZZZZZ";
const REFUND: &str = "01K9RRRRRRRRRRRRRRRRRRRRRR";

fn checkout(server: &Scripted) -> Checkout {
    Checkout::new(Config {
        base_url: server.url.clone(),
        secret_key: "sk_sbox_secret".into(),
        public_key: "pk_sbox_public".into(),
        processing_channel: CHANNEL.to_owned(),
        webhook_keys: Vec::new(),
        webhook_authorizations: Vec::new(),
        challenge_life: Duration::from_mins(15),
        password_life: Duration::from_mins(2),
    })
    .unwrap()
}

fn sealed() -> schema::sealed::Sealed {
    IdKey::new(vec![7; 32]).seal("not looked at").unwrap()
}

fn charge(pay_with: PayWith, secret: &str) -> Charge {
    let at_once = matches!(pay_with, PayWith::StcPay { .. });
    let taking = if at_once { Taking::AtOnce } else { Taking::OnceConfirmed };
    Charge {
        payment: PaymentId::from_bare(REFERENCE).unwrap(),
        booking: BookingId::from_bare("01K9BBBBBBBBBBBBBBBBBBBBBB").unwrap(),
        amount: Money::sar(6_450),
        taking,
        pay_with,
        secret: Some(secret.into()),
        buyer: Buyer { email: Some("sara@example.com".to_owned()), ..Buyer::default() },
        purchases: Vec::new(),
        return_url: "https://cinema.example/return?a=b".to_owned(),
    }
}

fn by_token() -> Charge {
    charge(PayWith::Token { token: sealed() }, TOKEN)
}

fn by_stc_pay() -> Charge {
    charge(PayWith::StcPay { phone: "+966501234567".to_owned() }, "")
}

/// A payment as it is shown.
fn payment(status: &str) -> Value {
    json!({"id": PAY, "status": status, "reference": REFERENCE, "amount": 6_450, "currency": "SAR",
        "approved": true, "requested_on": "2026-11-21T10:00:00Z", "_links": {}, "unheard_of": [1],
        "source": {"type": "card", "scheme": "Mada", "last4": "0007", "name": "Sara"}})
}

fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body[field] = value.into();
    body
}

fn waiting() -> Value {
    let links = json!({"redirect": {"href": "https://3ds.example/pay"}});
    json!({"id": PAY, "status": "Pending", "reference": REFERENCE, "_links": links})
}

fn page(payments: &[Value]) -> Value {
    json!({"limit": 100, "skip": 0, "total_count": payments.len(), "data": payments})
}

fn codes(codes: &[&str]) -> Value {
    json!({"request_id": "0HL80RJLS76I7", "error_type": "request_invalid", "error_codes": codes})
}

fn answers(status: u16, body: &Value) -> Scripted {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    Scripted::new(move |_| (status, body.clone()))
}

fn session(id: &str, lives_ms: u64, next: NextAct) -> Session {
    Session { id: id.to_owned(), account: CHANNEL.to_owned(), lives_ms, next }
}

fn decided() -> Opened {
    Opened::Open(session(PAY, 900_000, NextAct::Nothing))
}

/// Answers that are none, whatever was asked.
fn lost() -> Vec<Scripted> {
    let statuses: [(u16, &str); 8] = [
        (500, ""),
        (502, "<html><body>Bad Gateway</body></html>"),
        (200, ""),
        (200, "<html>Please sign in</html>"),
        (201, "{\"id\":"),
        (302, ""),
        (409, "{\"error_codes\":[\"duplicate_request\"]}"),
        (429, "{\"error_codes\":[\"duplicate_request\"]}"),
    ];
    statuses
        .into_iter()
        .map(|(status, body)| Scripted::new(move |_| (status, body.to_owned())))
        .collect()
}

fn is_unknown<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Unknown { .. }))
}

#[test]
fn the_live_system_is_asked_under_tls_only() {
    let config = |base_url: &str, key: &str, channel: &str| Config {
        base_url: base_url.to_owned(),
        secret_key: key.into(),
        public_key: "pk_x".into(),
        processing_channel: channel.to_owned(),
        webhook_keys: Vec::new(),
        webhook_authorizations: Vec::new(),
        challenge_life: WITHIN,
        password_life: WITHIN,
    };
    assert!(Checkout::new(config("https://x.api.checkout.com", "sk_live", CHANNEL)).is_ok());
    assert!(Checkout::new(config("http://127.0.0.1:1", "sk_sbox_x", CHANNEL)).is_ok());
    assert!(Checkout::new(config("http://127.0.0.1:1", "sk_live", CHANNEL)).is_err());
    assert!(Checkout::new(config("https://x.api.checkout.com", "sk_live", "pc_1")).is_err());
}
