//! `NearPay`: what it honestly says. It signs nothing: our secret address proves its webhooks.

use crate::payments::{By, FOREIGN, Genuine, Letter, REFERENCE, REFUND, Says, Vendor, Verb};
use adapters::nearpay::{Config, NearPay};
use schema::paying::PayWith;
use serde_json::{Value, json};
use std::time::Duration;

const TERMINAL: &str = "0211920800119208";
const UUID: &str = "0b8e9a52-6a3f-4d0f-9b57-1d1c3b0a7f11";
const SECRET: &str = "our-secret-0123456789abcdef01234567";
const BEFORE: &str = "old-secret-0123456789abcdef01234567";
const STRANGERS: &str = "his-secret-0123456789abcdef01234567";
const LIST: &str = "GET /transactions?";

fn receipt(kind: &str, terminal: &str) -> Value {
    json!({"id": "r1", "transaction_uuid": UUID, "tid": terminal,
        "transaction_type": {"id": kind}, "amount_authorized": {"value": "92.00"},
        "currency": {"english": "SAR"}, "is_approved": true, "is_reversed": false,
        "is_refunded": false, "action_code": "000", "card_scheme": {"id": "P1"},
        "pan": "5243 42** **** 9871"})
}

fn list(reference: &str, receipt: &Value) -> Value {
    json!({"transactions": [{"id": "vendor-row-1", "customer_reference_number": reference,
        "created_at": "2026-11-21T10:00:00Z", "receipts": [receipt]}],
        "pages": {"current": 1, "total": 1}})
}

fn genuine() -> Vec<Genuine> {
    use Says::{Money, Nothing};
    let listed = |reference: &str, kind: &str, terminal: &str| {
        [(LIST, 200, list(reference, &receipt(kind, terminal)))]
    };
    let mut reversed = receipt("00", TERMINAL);
    reversed["is_reversed"] = json!(true);
    let none = json!({"transactions": [], "pages": {"current": 1, "total": 0}});
    // The list of the refund's reference; that of the payment's is empty.
    let refunded =
        [(REFUND, 200, list(REFUND, &receipt("20", TERMINAL))), (LIST, 200, none.clone())];
    let there = json!({"terminals": [{"id": "t1", "tid": TERMINAL, "is_connected": true}]});
    vec![
        Genuine::new(Verb::Ask, Money, &listed(REFERENCE, "00", TERMINAL)),
        Genuine::new(Verb::Ask, Nothing, &listed(FOREIGN, "00", TERMINAL)),
        Genuine::new(Verb::Ask, Nothing, &listed(REFERENCE, "20", TERMINAL)),
        Genuine::new(Verb::Ask, Nothing, &listed(REFERENCE, "00", "another-terminal")),
        Genuine::new(Verb::Ask, Nothing, &[(LIST, 200, none.clone())]),
        Genuine::new(Verb::Open, Nothing, &[("GET /terminals?", 200, there)]),
        Genuine::new(Verb::FindRefund, Money, &[(LIST, 200, list(REFERENCE, &reversed))]),
        Genuine::new(Verb::FindRefund, Money, &refunded),
        Genuine::new(Verb::FindRefund, Nothing, &[(LIST, 200, none)]),
        Genuine::new(Verb::FindRefund, Nothing, &listed(FOREIGN, "20", TERMINAL)),
    ]
}

fn event(kind: &str) -> Value {
    json!({"event": kind, "data": {"id": UUID, "customer_reference_number": REFERENCE,
        "created_at": "2026-11-21T10:00:00.000Z", "tid": TERMINAL}})
}

fn letter(text: &[u8], by: By) -> Letter {
    let secret = match by {
        By::Vendor => SECRET,
        By::Before => BEFORE,
        By::Stranger => STRANGERS,
    };
    Letter { headers: Vec::new(), path: Some(secret.to_owned()), body: text.to_vec() }
}

pub(crate) fn vendor(url: &str) -> Vendor {
    let config = Config {
        base_url: url.to_owned(),
        api_key: "sesame".into(),
        key_header: "api-key".to_owned(),
        terminals_path: "terminals".to_owned(),
        transactions_path: "transactions".to_owned(),
        webhook_secrets: vec![BEFORE.into(), SECRET.into()],
        live: false,
        session_life: Duration::from_mins(5),
        reversal_window: Duration::from_mins(1),
        reversal_answer: Duration::from_secs(40),
    };
    Vendor {
        provider: Box::new(NearPay::new(config).unwrap()),
        pay_with: PayWith::Terminal { terminal: TERMINAL.to_owned() },
        given: "",
        session: REFERENCE,
        account: TERMINAL,
        transaction: UUID,
        genuine: genuine(),
        seal: |value, _| value,
        events: vec![event("transaction.approved"), event("transaction.reversed"), event("ping")],
        letter,
    }
}
