//! `HyperPay`: what it honestly says, and how it seals a webhook (OPPWA, "Webhooks").

use crate::payments::{By, FOREIGN, Genuine, Letter, REFERENCE, REFUND, Says, Vendor, Verb};
use adapters::hyperpay::{Config, HyperPay};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::Aead};
use data_encoding::HEXUPPER;
use schema::{ids::PaymentId, paying::PayWith};
use serde_json::{Value, json};
use std::time::Duration;

const ENTITY: &str = "8ac7a4c8000000000000000000mada01";
const CHECKOUT: &str = "A1B2C3D4E5F6A7B8C9D0E1F2A3B4C5D6.uat01-vm-tx04";
const TRANSACTION: &str = "8ac7a4a2900000010190000000000001";
const OTHER: &str = "8ac7a4a2900000010190000000000002";
const APPROVED: &str = "000.000.000";
const DECLINED: &str = "800.100.152";
const QUERY: &str = "GET /v1/query?";

fn transaction(kind: &str, code: &str, reference: &str) -> Value {
    json!({"id": TRANSACTION, "paymentType": kind, "paymentBrand": "MADA", "amount": "92.00",
        "currency": "SAR", "merchantTransactionId": reference,
        "result": {"code": code, "description": "text"}, "card": {"last4Digits": "0007"},
        "timestamp": "2026-11-21 08:45:03.065+0000"})
}

fn following(kind: &str, code: &str, reference: &str) -> Value {
    let mut body = transaction(kind, code, reference);
    (body["id"], body["referencedId"]) = (json!(OTHER), json!(TRANSACTION));
    body
}

fn list(transactions: &[Value]) -> Value {
    json!({"result": {"code": "000.000.100"}, "payments": transactions})
}

fn genuine() -> Vec<Genuine> {
    use Says::{Money, Nothing};
    let ours = |kind: &str, code: &str| transaction(kind, code, REFERENCE);
    let capture = PaymentId::from_bare(REFERENCE).unwrap().capture_reference();
    let none = json!({"result": {"code": "700.400.580"}});
    let listed = |body: Value| [(QUERY, 200, list(&[body]))];
    let post = |body: Value| [("POST /v1/payments/", 200, body)];
    // No capture: the money was taken by a debit.
    let refunded = |body: Value| [(QUERY, 200, none.clone()), ("POST /v1/payments/", 200, body)];
    let by_id = |body: Value| [(QUERY, 200, none.clone()), ("GET /v1/query/", 200, body)];
    let by_session = |body: Value| {
        [(QUERY, 200, none.clone()), ("GET /v1/query/", 200, none.clone()), ("/payment", 200, body)]
    };
    let opened = json!({"result": {"code": "000.200.100"}, "id": CHECKOUT});
    vec![
        Genuine::new(Verb::Ask, Money, &listed(ours("DB", APPROVED))),
        Genuine::new(Verb::Ask, Money, &listed(ours("PA", APPROVED))),
        Genuine::new(Verb::Ask, Money, &by_id(ours("DB", APPROVED))),
        Genuine::new(Verb::Ask, Money, &by_session(ours("DB", APPROVED))),
        Genuine::new(Verb::Ask, Nothing, &listed(ours("DB", DECLINED))),
        Genuine::new(Verb::Ask, Nothing, &listed(ours("DB", "000.200.000"))),
        Genuine::new(Verb::Ask, Nothing, &listed(transaction("DB", APPROVED, FOREIGN))),
        Genuine::new(Verb::Open, Nothing, &[("/v1/checkouts", 200, opened)]),
        Genuine::new(Verb::Capture, Money, &post(following("CP", APPROVED, &capture))),
        Genuine::new(Verb::Capture, Nothing, &post(following("CP", DECLINED, &capture))),
        Genuine::new(Verb::FindCapture, Money, &listed(following("CP", APPROVED, &capture))),
        Genuine::new(Verb::FindCapture, Nothing, &listed(following("CP", DECLINED, &capture))),
        Genuine::new(Verb::Refund, Money, &refunded(following("RF", APPROVED, REFUND))),
        Genuine::new(Verb::Refund, Nothing, &refunded(following("RF", DECLINED, REFUND))),
        Genuine::new(Verb::FindRefund, Money, &listed(following("RF", APPROVED, REFUND))),
        Genuine::new(Verb::FindRefund, Nothing, &listed(following("RF", APPROVED, FOREIGN))),
        Genuine::new(Verb::LetGo, Money, &post(following("RV", APPROVED, REFUND))),
    ]
}

/// Each byte of it.
const fn key(by: By) -> u8 {
    match by {
        By::Vendor => 0x5b,
        By::Before => 0x5a,
        By::Stranger => 0x7b,
    }
}

fn letter(text: &[u8], by: By) -> Letter {
    let (key, vector) = ([key(by); 32], [7; 12]);
    let cipher = Aes256Gcm::new_from_slice(&key).unwrap();
    let sealed = cipher.encrypt(&Nonce::from(vector), text).unwrap();
    let (body, tag) = sealed.split_at(sealed.len() - 16);
    let headers = vec![
        ("x-initialization-vector", HEXUPPER.encode(&vector)),
        ("x-authentication-tag", HEXUPPER.encode(tag)),
    ];
    Letter { headers, path: None, body: HEXUPPER.encode(body).into_bytes() }
}

pub(crate) fn vendor(url: &str) -> Vendor {
    let config = Config {
        base_url: url.to_owned(),
        token: "dG9rZW4=".into(),
        entity_id: ENTITY.to_owned(),
        webhook_keys: vec!["5a".repeat(32).into(), "5b".repeat(32).into()],
        live: false,
        test_mode: None,
        read_window: Duration::ZERO,
        session_life: Duration::from_mins(30),
    };
    let event = |payload: Value| json!({"type": "PAYMENT", "payload": payload});
    Vendor {
        provider: Box::new(HyperPay::new(config).unwrap()),
        pay_with: PayWith::Page,
        given: "",
        session: CHECKOUT,
        account: ENTITY,
        transaction: TRANSACTION,
        genuine: genuine(),
        seal: |value, _| value,
        events: vec![
            event(transaction("DB", APPROVED, REFERENCE)),
            event(following("RF", APPROVED, REFUND)),
            event(following("CB", APPROVED, REFERENCE)),
            json!({"type": "REGISTRATION", "action": "CREATED", "payload": {"id": OTHER}}),
        ],
        letter,
    }
}
