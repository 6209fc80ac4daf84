//! `PayFort` against a scripted server that signs as the vendor does: what each answer is taken for.

mod charges;
mod feedback;
mod follow_ups;
mod looking_up;
mod saving;
mod signatures;

use super::*;
use crate::scripted::Scripted;
use data_encoding::HEXLOWER;
use schema::{
    ids::{BookingId, RefundId},
    money::Money,
    paying::{Buyer, NextAct},
};
use serde_json::{Map, Value, json};

const WITHIN: Duration = Duration::from_secs(5);
const MERCHANT: &str = "MxvOupuG";
const CARDS: &str = "cardsAccessCode1";
const APPLE: &str = "appleAccessCode1";
const FORT_ID: &str = "169996200000132829";
const OTHER_FORT_ID: &str = "169996200000132830";

fn payment() -> PaymentId {
    PaymentId::from_bare("01K9ZZZZZZZZZZZZZZZZZZZZZZ").unwrap()
}

fn refund_id() -> RefundId {
    RefundId::from_bare("01K9RRRRRRRRRRRRRRRRRRRRRR").unwrap()
}

fn channel(access_code: &str) -> Channel {
    let apple = access_code == APPLE;
    Channel {
        access_code: access_code.to_owned(),
        sha_type: if apple { ShaType::Hmac512 } else { ShaType::Sha256 },
        request_phrase: format!("asks as {access_code}").into(),
        response_phrases: vec![
            "an older phrase".into(),
            format!("answers as {access_code}").into(),
        ],
    }
}

fn config(url: &str) -> Config {
    Config {
        base_url: format!("{url}/{API}"),
        page_url: "https://checkout.example/".to_owned(),
        merchant_identifier: MERCHANT.to_owned(),
        cards: channel(CARDS),
        apple: Some(channel(APPLE)),
        guest_email: "guest@cinema.example".to_owned(),
        customer_ip: "192.0.2.1".to_owned(),
        live: false,
        session_life: Duration::from_mins(30),
    }
}

fn payfort(server: &Scripted) -> PayFort {
    PayFort::new(config(&server.url)).unwrap()
}

/// These fields as the vendor signs them on a channel, under its newest phrase.
fn signed(mut fields: Value, access_code: &str) -> Value {
    fields["access_code"] = access_code.into();
    fields["merchant_identifier"] = MERCHANT.into();
    fields["signature"] = Value::Null;
    let channel = channel(access_code);
    let phrase = channel.response_phrases.last().unwrap();
    let read = Message::read(fields.to_string().as_bytes()).unwrap();
    let signature = signing::signature(channel.sha_type, phrase, read.texts());
    fields["signature"] = HEXLOWER.encode(&signature).into();
    fields
}

/// `fields` and what every answer about our payment has.
fn answer(code: &str, fields: Value) -> Value {
    let mut all = Map::new();
    all.insert("response_code".to_owned(), code.into());
    all.insert("status".to_owned(), code.get(..2).unwrap_or_default().into());
    all.insert("response_message".to_owned(), "نص".into());
    all.insert("merchant_reference".to_owned(), payment().bare().into());
    let Value::Object(more) = fields else { panic!("an object") };
    all.extend(more);
    all.retain(|_, value| !value.is_null());
    signed(Value::Object(all), CARDS)
}

#[expect(clippy::needless_pass_by_value, reason = "an answer is said where it is given")]
fn server(status: u16, body: impl ToString) -> Scripted {
    let body = body.to_string();
    Scripted::new(move |_| (status, body.clone()))
}

/// Shows the order like this; answers everything else with that.
fn showing(shown: Value, body: Value) -> Scripted {
    Scripted::new(move |asked| {
        let looks = asked.json()["query_command"] == "CHECK_STATUS";
        (200, if looks { &shown } else { &body }.to_string())
    })
}

fn charge(pay_with: PayWith) -> Charge {
    let taking =
        if pay_with == PayWith::CreditCard { Taking::OnceConfirmed } else { Taking::AtOnce };
    Charge {
        payment: payment(),
        booking: BookingId::from_bare("01K9BBBBBBBBBBBBBBBBBBBBBB").unwrap(),
        amount: Money::sar(10_580),
        taking,
        pay_with,
        secret: Some("Op9Vmp".into()),
        buyer: Buyer::default(),
        purchases: Vec::new(),
        return_url: "https://cinema.example/return/payfort".to_owned(),
    }
}

fn session_next(opened: Opened) -> (NextAct, u64) {
    match opened {
        Opened::Open(session) => {
            assert_eq!((session.id, session.account), (payment().bare(), CARDS.to_owned()));
            (session.next, session.lives_ms)
        }
        Opened::Rejected { code } => panic!("rejected: {code}"),
    }
}

/// What `CHECK_STATUS` shows: the last operation, and what was authorised, captured and refunded.
fn status(code: &str, totals: [i64; 3]) -> Value {
    let [authorized, captured, refunded] = totals.map(|total| total.to_string());
    answer(
        "12000",
        json!({"query_command": "CHECK_STATUS", "fort_id": FORT_ID, "transaction_code": code,
            "transaction_status": code.get(..2), "transaction_message": "text",
            "authorized_amount": authorized, "captured_amount": captured,
            "refunded_amount": refunded, "new_param": {"b": 1, "a": null}}),
    )
}

fn is_unknown<T: std::fmt::Debug>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Unknown { .. }))
}
