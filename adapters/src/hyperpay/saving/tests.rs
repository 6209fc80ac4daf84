//! Saved cards at `HyperPay`, against a scripted server.

use super::*;
use crate::{
    hyperpay::Config,
    provider::{PaymentProvider, Session},
    scripted::Scripted,
};
use schema::{
    ids::{BookingId, CardId, PaymentId},
    money::Money,
    paying::{Buyer, PayWith, Taking},
};
use serde_json::{Value, json};

const ENTITY: &str = "8ac7a4c8000000000000000000card01";
const CHECKOUT: &str = "A1B2C3D4E5F6A7B8C9D0E1F2A3B4C5D6.uat01-vm-tx04";
const TOKEN: &str = "8ac7a49f000000010000000200000004";
const CHARGE: &str = "8ac7a4a2900000010190000000000001";
const WITHIN: Duration = Duration::from_secs(5);

fn hyperpay(server: &Scripted) -> HyperPay {
    HyperPay::new(Config {
        base_url: server.url.clone(),
        token: "dG9rZW4=".into(),
        entity_id: ENTITY.to_owned(),
        webhook_keys: Vec::new(),
        live: false,
        test_mode: None,
        read_window: Duration::ZERO,
        session_life: Duration::from_mins(30),
    })
    .unwrap()
}

fn answers(body: &Value) -> Scripted {
    let body = body.to_string();
    Scripted::new(move |_| (200, body.clone()))
}

fn result(code: &str) -> Value {
    json!({"result": {"code": code, "description": "text"}})
}

fn form() -> Session {
    let (id, account) = (CHECKOUT.to_owned(), ENTITY.to_owned());
    Session { id, account, lives_ms: 1_800_000, next: NextAct::Nothing }
}

fn charge() -> Charge {
    Charge {
        payment: PaymentId::from_bare("01K9ZZZZZZZZZZZZZZZZZZZZZZ").unwrap(),
        booking: BookingId::from_bare("01K9BBBBBBBBBBBBBBBBBBBBBB").unwrap(),
        amount: Money::sar(9_200),
        taking: Taking::AtOnce,
        pay_with: PayWith::SavedCard { card: "card_1".to_owned() },
        secret: Some(TOKEN.into()),
        buyer: Buyer::default(),
        purchases: Vec::new(),
        return_url: "https://cinema.example/back".to_owned(),
    }
}

async fn open(body: &Value) -> Result<Opened, Error> {
    hyperpay(&answers(body)).open(&charge(), WITHIN).await
}

fn charged(code: &str) -> Value {
    json!({"id": CHARGE, "paymentType": "DB", "amount": "92.00", "currency": "SAR",
        "merchantTransactionId": "01K9ZZZZZZZZZZZZZZZZZZZZZZ", "result": {"code": code}})
}

#[tokio::test]
async fn the_form_registers_a_card_and_takes_no_money() {
    let mut created = result("000.200.100");
    created["id"] = json!(CHECKOUT);
    let server = answers(&created);
    let card = NewCard {
        card: CardId::from_bare("01K9CCCCCCCCCCCCCCCCCCCCCC").unwrap(),
        token: None,
        return_url: "https://cinema.example/back".to_owned(),
    };
    let Saving::Form(opened) = hyperpay(&server).save(&card, WITHIN).await.unwrap() else {
        panic!("no form");
    };
    let script = format!("{}/v1/paymentWidgets.js?checkoutId={CHECKOUT}/registration", server.url);
    assert_eq!(opened.next, NextAct::Widget { script, brands: "VISA MASTER MADA".to_owned() });
    let asked = server.asked().pop().unwrap();
    assert_eq!(asked.line, "POST /v1/checkouts");
    assert!(asked.body.contains("createRegistration=true"), "{}", asked.body);
    assert!(!asked.body.contains("amount") && !asked.body.contains("paymentType"));
}

#[tokio::test]
async fn of_a_registration_only_its_token_brand_and_last_digits_are_kept() {
    let shown = json!({"id": TOKEN, "paymentBrand": "VISA", "result": {"code": "000.100.110"},
        "card": {"bin": "420000", "last4Digits": "0000", "holder": "Sara", "expiryYear": "2030"}});
    let found = hyperpay(&answers(&shown)).ask_saved(&form(), WITHIN).await.unwrap();
    let Some(Ended::Kept(card)) = found else { panic!("{found:?}") };
    assert_eq!(card.token.expose_secret(), TOKEN);
    assert_eq!(card.brand.as_deref().zip(card.last4.as_deref()), Some(("VISA", "0000")));
    let told = format!("{card:?}");
    assert!(!told.contains(TOKEN) && !told.contains("420000"), "{told}");
}

#[tokio::test]
async fn a_form_waits_or_is_refused_or_nobody_knows() {
    let ask = async |code: &str| {
        let server = answers(&result(code));
        hyperpay(&server).ask_saved(&form(), WITHIN).await
    };
    for code in ["000.200.000", "200.300.404", "700.400.580"] {
        assert!(matches!(ask(code).await, Ok(None)), "{code}");
    }
    for code in ["800.100.152", "100.100.303"] {
        assert!(matches!(ask(code).await, Ok(Some(Ended::Refused { .. }))), "{code}");
    }
    // No id in a success, a broken connection, and what nobody has heard of.
    for code in ["000.100.110", "900.100.300", "999.999.999", "1"] {
        assert!(matches!(ask(code).await, Err(Error::Unknown { .. })), "{code}");
    }
}

#[tokio::test]
async fn a_card_that_the_vendor_does_not_know_is_deleted() {
    for (code, done) in [
        ("000.100.110", true),
        ("100.150.200", true),
        ("100.150.202", true),
        ("800.900.300", false),
        ("999.999.999", false),
    ] {
        let server = answers(&result(code));
        let forgotten = hyperpay(&server).forget(&TOKEN.into(), ENTITY, WITHIN).await;
        assert_eq!(forgotten.is_ok(), done, "{code}: {forgotten:?}");
        let line = format!("DELETE /v1/registrations/{TOKEN}?entityId={ENTITY}");
        assert_eq!(server.asked()[0].line, line);
    }
    let server = answers(&result("000.100.110"));
    let odd = hyperpay(&server).forget(&"../payments/1".into(), ENTITY, WITHIN).await;
    assert!(matches!(odd, Err(Error::Refused { .. })));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_charge_is_taken_or_declined_or_sent_to_the_bank() {
    let session = |lives_ms, next| {
        let (id, account) = (CHARGE.to_owned(), ENTITY.to_owned());
        Opened::Open(Session { id, account, lives_ms, next })
    };
    let taken = session(1_800_000, NextAct::Nothing);
    assert_eq!(open(&charged("000.100.110")).await.unwrap(), taken);
    let declined = session(0, NextAct::Nothing);
    assert_eq!(open(&charged("800.100.152")).await.unwrap(), declined);
    let mut waits = charged("000.200.000");
    waits["redirect"] = json!({"url": "https://bank.example/3ds", "method": "POST",
        "parameters": [{"name": "PaReq", "value": "eJxVUl=="}]});
    let fields = vec![("PaReq".to_owned(), "eJxVUl==".to_owned())];
    let bank = NextAct::Form { action: "https://bank.example/3ds".to_owned(), fields };
    assert_eq!(open(&waits).await.unwrap(), session(1_800_000, bank));
    let gone = Opened::Rejected { code: "card_unknown".to_owned() };
    assert_eq!(open(&result("100.150.202")).await.unwrap(), gone);
}

#[tokio::test]
async fn a_charge_that_is_not_this_one_is_no_answer() {
    let with = |field: &str, value: Value| {
        let mut body = charged("000.100.110");
        body[field] = value;
        body
    };
    let odd = json!({"url": "javascript:alert(1)"});
    for body in [
        with("amount", json!("92.01")),
        with("currency", json!("AED")),
        with("merchantTransactionId", json!("01K9OTHERZZZZZZZZZZZZZZZZZ")),
        with("id", Value::Null),
        // A reference that was used before: the first charge may have been taken.
        result("200.300.404"),
        result("800.110.100"),
        {
            let mut body = charged("000.200.000");
            body["redirect"] = odd;
            body
        },
    ] {
        let opened = open(&body).await;
        assert!(matches!(opened, Err(Error::Unknown { .. })), "{body}: {opened:?}");
    }
}
