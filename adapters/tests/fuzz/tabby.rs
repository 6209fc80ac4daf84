//! Tabby: what it honestly says. It signs nothing: a header proves its webhooks (Tabby, "Webhooks").

use crate::payments::{By, FOREIGN, Genuine, Letter, REFERENCE, REFUND, Says, Vendor, Verb};
use adapters::tabby::{Config, Tabby};
use schema::paying::PayWith;
use serde_json::{Value, json};
use std::time::Duration;

const ID: &str = "6c1b0a5e-8f3d-4b52-9c07-2f6a1d3e4b5c";
const OTHER_ID: &str = "0f9e8d7c-6b5a-4c3d-8e1f-001122334455";
const ONE: &str = "GET /api/v2/payments/";

fn payment(status: &str, reference: &str) -> Value {
    json!({"id": ID, "created_at": "2026-11-21T08:45:03Z", "expires_at": "2026-11-21T09:15:03Z",
        "status": status, "is_test": true, "amount": "92.00", "currency": "SAR",
        "order": {"reference_id": reference, "items": []}, "captures": [], "refunds": []})
}

fn moved(captured: bool, refunded: bool) -> Value {
    let part = |reference: &str| {
        json!([{"id": OTHER_ID, "amount": "92.00", "reference_id": reference,
            "created_at": "2026-11-21T09:00:00Z"}])
    };
    let mut payment = payment("CLOSED", REFERENCE);
    if captured {
        payment["captures"] = part(REFERENCE);
    }
    if refunded {
        payment["refunds"] = part(REFUND);
    }
    payment
}

fn genuine() -> Vec<Genuine> {
    use Says::{Money, Nothing};
    let shown = |body: Value| [(ONE, 200, body)];
    let changed = |body: Value| [("POST /api/v2/payments/", 200, body)];
    let refused = |body: Value| {
        let no = json!({"status": "error", "errorType": "bad_data", "error": "already closed"});
        [("POST /api/v2/payments/", 400, no), (ONE, 200, body)]
    };
    let ours = |status: &str| payment(status, REFERENCE);
    let page = json!({"installments": [{"web_url": "https://checkout.tabby.example/x"}]});
    let opened = json!({"status": "created", "payment": ours("CREATED"),
        "configuration": {"available_products": page}});
    vec![
        Genuine::new(Verb::Ask, Money, &shown(ours("AUTHORIZED"))),
        Genuine::new(Verb::Ask, Money, &shown(moved(true, false))),
        Genuine::new(Verb::Ask, Nothing, &shown(ours("CREATED"))),
        Genuine::new(Verb::Ask, Nothing, &shown(ours("REJECTED"))),
        Genuine::new(Verb::Ask, Nothing, &shown(moved(false, false))),
        Genuine::new(Verb::Ask, Nothing, &shown(payment("AUTHORIZED", FOREIGN))),
        Genuine::new(Verb::Open, Nothing, &[("POST /api/v2/checkout", 200, opened)]),
        Genuine::new(Verb::Capture, Money, &changed(moved(true, false))),
        Genuine::new(Verb::Capture, Money, &refused(moved(true, false))),
        Genuine::new(Verb::Capture, Nothing, &refused(ours("AUTHORIZED"))),
        Genuine::new(Verb::FindCapture, Money, &shown(moved(true, false))),
        Genuine::new(Verb::FindCapture, Nothing, &shown(ours("AUTHORIZED"))),
        Genuine::new(Verb::Refund, Money, &changed(moved(true, true))),
        Genuine::new(Verb::Refund, Nothing, &refused(moved(true, false))),
        Genuine::new(Verb::FindRefund, Money, &shown(moved(true, true))),
        Genuine::new(Verb::FindRefund, Nothing, &shown(moved(true, false))),
        Genuine::new(Verb::LetGo, Money, &changed(moved(false, false))),
        Genuine::new(Verb::FindLetGo, Nothing, &shown(ours("AUTHORIZED"))),
    ]
}

fn letter(text: &[u8], by: By) -> Letter {
    let secret = match by {
        By::Vendor => "s3cr3t",
        By::Before => "0ld-s3cr3t",
        By::Stranger => "s3cr3",
    };
    let headers = vec![("x-tabby-hook", secret.to_owned())];
    Letter { headers, path: None, body: text.to_vec() }
}

pub(crate) fn vendor(url: &str) -> Vendor {
    let config = Config {
        base_url: url.to_owned(),
        key: "sk_test_0000".into(),
        merchant_code: "cinema".to_owned(),
        webhook_header: "X-Tabby-Hook".to_owned(),
        webhook_secrets: vec!["0ld-s3cr3t".into(), "s3cr3t".into()],
        live: false,
        session_life: Duration::from_mins(30),
    };
    let dispute = json!({"status": "new", "dispute_id": OTHER_ID, "payment_id": ID});
    Vendor {
        provider: Box::new(Tabby::new(config).unwrap()),
        pay_with: PayWith::Page,
        given: "",
        session: ID,
        account: "cinema",
        transaction: ID,
        genuine: genuine(),
        seal: |value, _| value,
        events: vec![payment("authorized", REFERENCE), moved(true, true), dispute],
        letter,
    }
}
