//! Checkout.com: what it honestly says, and how it signs a webhook (Checkout.com docs, "Webhooks").

use crate::payments::{By, FOREIGN, Genuine, Letter, MINOR, REFERENCE, REFUND, Says, Vendor, Verb};
use adapters::checkout::{Checkout, Config};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use schema::{ids::IdKey, paying::PayWith};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;

const CHANNEL: &str = "pc_aaaaaaaaaaaaaaaaaaaaaaaaaa";
const PAY: &str = "pay_bbbbbbbbbbbbbbbbbbbbbbbbbb";
const ACT: &str = "act_dddddddddddddddddddddddddd";
const TOKEN: &str = "tok_eeeeeeeeeeeeeeeeeeeeeeeeee";
const LIST: &str = "GET /payments?";
const ONE: &str = "GET /payments/";
const ACTIONS: &str = "/actions";

fn payment(status: &str, reference: &str) -> Value {
    json!({"id": PAY, "status": status, "reference": reference, "amount": MINOR, "currency": "SAR",
        "requested_on": "2026-11-21T10:00:00Z",
        "_links": {"redirect": {"href": "https://3ds.example/pay"}},
        "source": {"type": "card", "scheme": "Mada", "last4": "0007"}})
}

fn page(payment: &Value) -> Value {
    json!({"limit": 100, "skip": 0, "total_count": 1, "data": [payment]})
}

fn action(kind: &str, reference: &str) -> Value {
    json!({"id": ACT, "type": kind, "reference": reference, "amount": MINOR, "approved": true,
        "response_code": "10000"})
}

fn genuine() -> Vec<Genuine> {
    use Says::{Money, Nothing};
    let listed = |status: &str, reference: &str| {
        let shown = payment(status, reference);
        [(ACTIONS, 200, json!([])), (LIST, 200, page(&shown)), (ONE, 200, shown)]
    };
    let found = |status: &str| {
        let none = json!({"total_count": 0, "data": []});
        [(ACTIONS, 200, json!([])), (LIST, 200, none), (ONE, 200, payment(status, REFERENCE))]
    };
    let acted = |actions: Value, status: &str| {
        [(ACTIONS, 200, actions), (ONE, 200, payment(status, REFERENCE))]
    };
    let posted = |to, status, body: Value| [(to, status, body)];
    let accepted = |reference: &str| json!({"action_id": ACT, "reference": reference});
    vec![
        Genuine::new(Verb::Ask, Money, &listed("Captured", REFERENCE)),
        Genuine::new(Verb::Ask, Money, &listed("Authorized", REFERENCE)),
        Genuine::new(Verb::Ask, Money, &found("Captured")),
        Genuine::new(Verb::Ask, Nothing, &listed("Pending", REFERENCE)),
        Genuine::new(Verb::Ask, Nothing, &listed("Declined", REFERENCE)),
        Genuine::new(Verb::Ask, Nothing, &listed("Captured", FOREIGN)),
        Genuine::new(
            Verb::Open,
            Nothing,
            &posted("POST /payments", 201, payment("Authorized", REFERENCE)),
        ),
        Genuine::new(
            Verb::Open,
            Nothing,
            &posted("POST /payments", 202, payment("Pending", REFERENCE)),
        ),
        Genuine::new(Verb::FindOpened, Nothing, &listed("Authorized", REFERENCE)),
        Genuine::new(Verb::FindOpened, Nothing, &listed("Pending", REFERENCE)),
        Genuine::new(Verb::Capture, Nothing, &posted("/captures", 202, accepted(REFERENCE))),
        Genuine::new(
            Verb::FindCapture,
            Money,
            &acted(json!([action("Capture", REFERENCE)]), "Captured"),
        ),
        Genuine::new(
            Verb::FindCapture,
            Nothing,
            &acted(json!([action("Authorization", REFERENCE)]), "Authorized"),
        ),
        Genuine::new(Verb::Refund, Nothing, &posted("/refunds", 202, accepted(REFUND))),
        Genuine::new(
            Verb::FindRefund,
            Money,
            &acted(json!([action("Refund", REFUND), action("Capture", REFERENCE)]), "Refunded"),
        ),
        Genuine::new(
            Verb::FindRefund,
            Nothing,
            &acted(json!([action("Capture", REFERENCE)]), "Captured"),
        ),
        Genuine::new(Verb::FindLetGo, Money, &acted(json!([action("Void", REFUND)]), "Voided")),
        Genuine::new(
            Verb::FindLetGo,
            Nothing,
            &acted(json!([action("Authorization", REFERENCE)]), "Authorized"),
        ),
    ]
}

fn event(kind: &str, second_envelope: bool) -> Value {
    let data = json!({"id": PAY, "action_id": ACT, "reference": REFERENCE, "amount": MINOR,
        "payment_id": PAY, "payment_reference": REFERENCE, "currency": "SAR"});
    let id = "evt_ffffffffffffffffffffffffff";
    if second_envelope {
        json!({"id": id, "type": kind, "created_on": "2026-11-21T10:00:00Z", "data": data})
    } else {
        json!({"id": id, "type": kind, "source": "gateway", "version": "1.0.29",
            "timestamp": "2026-11-21T10:00:00Z", "data": data})
    }
}

fn letter(text: &[u8], by: By) -> Letter {
    let (key, agreed) = match by {
        By::Vendor => ("the workflow's key", "as agreed on"),
        By::Before => ("its key before", "as agreed before"),
        By::Stranger => ("a stranger's key", "as agreed on"),
    };
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap().chain_update(text);
    let signature = HEXLOWER.encode(&mac.finalize().into_bytes());
    let headers = vec![("cko-signature", signature), ("authorization", agreed.to_owned())];
    Letter { headers, path: None, body: text.to_vec() }
}

pub(crate) fn vendor(url: &str) -> Vendor {
    let config = Config {
        base_url: url.to_owned(),
        secret_key: "sk_sbox_secret".into(),
        public_key: "pk_sbox_public".into(),
        processing_channel: CHANNEL.to_owned(),
        webhook_keys: vec!["its key before".into(), "the workflow's key".into()],
        webhook_authorizations: vec!["as agreed before".into(), "as agreed on".into()],
        challenge_life: Duration::from_mins(15),
        password_life: Duration::from_mins(2),
    };
    let token = IdKey::new(vec![7; 32]).seal("not looked at").unwrap();
    let kinds = ["payment_captured", "payment_refunded", "dispute_received", "card_verified"];
    let envelopes = kinds.iter().flat_map(|kind| [event(kind, false), event(kind, true)]);
    Vendor {
        provider: Box::new(Checkout::new(config).unwrap()),
        pay_with: PayWith::Token { token },
        given: TOKEN,
        session: PAY,
        account: CHANNEL,
        transaction: PAY,
        genuine: genuine(),
        seal: |value, _| value,
        events: envelopes.collect(),
        letter,
    }
}
