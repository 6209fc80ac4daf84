//! `PayFort`: what it honestly says. Every message is signed within ("Request and response signature").

use crate::payments::{By, FOREIGN, Genuine, Letter, MINOR, REFERENCE, Says, Vendor, Verb};
use adapters::payfort::{Channel, Config, PayFort, ShaType};
use data_encoding::HEXLOWER;
use schema::paying::PayWith;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;

const FORT_ID: &str = "169996200000132829";
const ACCESS_CODE: &str = "cardsAccessCode1";
const MERCHANT: &str = "MxvOupuG";
const PHRASE: &str = "answers";
const BEFORE: &str = "answered";
const API: &str = "POST /FortAPI/paymentApi";

fn answer(code: &str, reference: &str, more: &Value) -> Value {
    let mut all = json!({"response_code": code, "status": code.get(..2), "fort_id": FORT_ID,
        "merchant_reference": reference, "access_code": ACCESS_CODE, "currency": "SAR",
        "merchant_identifier": MERCHANT, "response_message": "نص"});
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

/// What `CHECK_STATUS` shows: the last operation, and what was authorised, captured and refunded.
fn status(code: &str, reference: &str, totals: [i64; 3]) -> Value {
    let [authorized, captured, refunded] = totals.map(|total| total.to_string());
    answer(
        "12000",
        reference,
        &json!({"query_command": "CHECK_STATUS", "transaction_code": code,
            "authorized_amount": authorized, "captured_amount": captured,
            "refunded_amount": refunded, "card_number": "400555******0001",
            "payment_option": "MADA", "nested": {"b": 1, "a": null}}),
    )
}

fn charged(code: &str, reference: &str) -> Value {
    answer(code, reference, &json!({"amount": MINOR.to_string()}))
}

fn genuine() -> Vec<Genuine> {
    use Says::{Money, Nothing};
    let said = |body: Value| [(API, 200, body)];
    let waits = answer(
        "20064",
        REFERENCE,
        &json!({"3ds_url": "https://3ds.example/x",
        "amount": MINOR.to_string()}),
    );
    vec![
        Genuine::new(Verb::Ask, Money, &said(status("14000", REFERENCE, [MINOR, MINOR, 0]))),
        Genuine::new(Verb::Ask, Money, &said(status("02000", REFERENCE, [MINOR, 0, 0]))),
        Genuine::new(Verb::Ask, Nothing, &said(status("14000", FOREIGN, [MINOR, MINOR, 0]))),
        Genuine::new(Verb::Open, Nothing, &said(charged("14000", REFERENCE))),
        Genuine::new(Verb::Open, Nothing, &said(waits)),
        Genuine::new(Verb::Proceed, Nothing, &said(charged("02000", REFERENCE))),
        Genuine::new(Verb::FindOpened, Nothing, &said(status("14000", REFERENCE, [MINOR; 3]))),
        Genuine::new(Verb::Capture, Money, &said(charged("04000", REFERENCE))),
        Genuine::new(Verb::Capture, Nothing, &said(charged("04000", FOREIGN))),
        Genuine::new(Verb::Capture, Nothing, &said(charged("05666", REFERENCE))),
        Genuine::new(
            Verb::FindCapture,
            Money,
            &said(status("04000", REFERENCE, [MINOR, MINOR, 0])),
        ),
        Genuine::new(
            Verb::FindCapture,
            Nothing,
            &said(status("04000", FOREIGN, [MINOR, MINOR, 0])),
        ),
        Genuine::new(Verb::FindRefund, Money, &said(status("06000", REFERENCE, [MINOR; 3]))),
        Genuine::new(Verb::FindRefund, Nothing, &said(status("06000", FOREIGN, [MINOR; 3]))),
        Genuine::new(Verb::Refund, Nothing, &said(charged("06000", FOREIGN))),
        Genuine::new(Verb::LetGo, Money, &said(answer("08000", REFERENCE, &json!({})))),
        Genuine::new(Verb::LetGo, Nothing, &said(answer("08000", FOREIGN, &json!({})))),
    ]
}

/// What a browser brings back from the page that makes a token of a card.
pub(crate) fn brought_back() -> Value {
    answer("18000", REFERENCE, &json!({"service_command": "TOKENIZATION", "token_name": "Op9Vmp"}))
}

pub(crate) fn seal(mut value: Value, by: By) -> Value {
    let phrase = match by {
        By::Vendor => PHRASE,
        By::Before => BEFORE,
        By::Stranger => "a stranger's",
    };
    let Value::Object(fields) = &mut value else { return value };
    fields.remove("signature");
    let mut text = phrase.to_owned();
    for (name, value) in &*fields {
        text.extend([name, "=", &printed(value)]);
    }
    text.push_str(phrase);
    fields.insert("signature".to_owned(), json!(HEXLOWER.encode(&Sha256::digest(text))));
    value
}

/// As Java prints it.
fn printed(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(list) => {
            format!("[{}]", list.iter().map(printed).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let pair = |(name, value)| format!("{name}={}", printed(value));
            format!("{{{}}}", fields.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
    }
}

pub(crate) fn vendor(url: &str) -> Vendor {
    let config = Config {
        base_url: url.to_owned(),
        page_url: "https://checkout.example".to_owned(),
        merchant_identifier: MERCHANT.to_owned(),
        cards: Channel {
            access_code: ACCESS_CODE.to_owned(),
            sha_type: ShaType::Sha256,
            request_phrase: "asks".into(),
            response_phrases: vec![BEFORE.into(), PHRASE.into()],
        },
        apple: None,
        guest_email: "guest@cinema.example".to_owned(),
        customer_ip: "192.0.2.1".to_owned(),
        live: false,
        session_life: Duration::from_mins(30),
    };
    let told = |command: &str, code: &str| {
        answer(code, REFERENCE, &json!({"command": command, "amount": MINOR.to_string()}))
    };
    Vendor {
        provider: Box::new(PayFort::new(config).unwrap()),
        pay_with: PayWith::SavedCard { card: "card_1".to_owned() },
        given: "Op9Vmp",
        session: REFERENCE,
        account: ACCESS_CODE,
        transaction: FORT_ID,
        genuine: genuine(),
        seal,
        events: vec![
            told("PURCHASE", "14000"),
            told("CAPTURE", "04000"),
            told("REFUND", "06000"),
            told("VOID_AUTHORIZATION", "08000"),
        ],
        letter: |text, _| Letter { headers: Vec::new(), path: None, body: text.to_vec() },
    }
}
