//! Checkout.com and its stand-in: cards by the common promises; saved cards, Apple Pay and STC Pay by their own.

use crate::checkout_standin::{
    PRICE, Sandbox, Standin, WITHIN, capture_of, new_ids, refund_of, until,
};
use adapters::{
    Error,
    checkout::{Checkout, Config},
    provider::{
        CaptureState, Charge, Opened, PaymentProvider, Question, RefundState, Session, Transaction,
        TransactionState,
    },
};
use async_trait::async_trait;
use reqwest::Method;
use sandbox::CheckoutAccount;
use schema::{
    ids::IdKey,
    paying::{Buyer, NextAct, PayWith},
    sealed::Sealed,
};
use serde_json::{Value, json};
use std::time::Duration;

const NAME: &str = "checkout";
const APPLE: &str = r#"{"version":"EC_v1","data":"AAAA","signature":"BBBB","header":{"ephemeralPublicKey":"CCCC","publicKeyHash":"DDDD","transactionId":"00"}}"#;

/// Cards, with the issuer's page.
pub(crate) struct Cards {
    sandbox: Sandbox,
    vendor: Checkout,
}

impl Cards {
    async fn with(account: CheckoutAccount) -> Self {
        let given = account.clone();
        let sandbox = Sandbox::start(|config| config.checkout = account).await;
        let vendor = Checkout::new(Config {
            base_url: format!("{}/checkout", sandbox.base),
            secret_key: given.secret_key.into(),
            public_key: given.public_key.into(),
            processing_channel: given.processing_channel,
            webhook_keys: Vec::new(),
            webhook_authorizations: Vec::new(),
            challenge_life: Duration::from_secs(45),
            password_life: Duration::from_secs(6),
        });
        Self { sandbox, vendor: vendor.unwrap() }
    }

    /// What the vendor's own fields in the app do.
    async fn token(&self) -> String {
        let account = CheckoutAccount::default();
        let card = json!({"type": "card", "number": "4242424242424242", "expiry_month": 5,
            "expiry_year": 2030, "cvv": "100"});
        let url = format!("{}/checkout/tokens", self.sandbox.base);
        let request = self.sandbox.client.post(url).bearer_auth(account.public_key).json(&card);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }

    /// A card that was saved before.
    async fn saved_card(&self) -> String {
        let account = CheckoutAccount::default();
        let card = json!({"type": "token", "token": self.token().await});
        let url = format!("{}/checkout/instruments", self.sandbox.base);
        let request = self.sandbox.client.post(url).bearer_auth(account.secret_key).json(&card);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["id"].as_str().unwrap().to_owned()
    }

    fn charge_with(&self, pay_with: PayWith, secret: Option<&str>) -> Charge {
        let (booking, payment) = new_ids();
        Charge {
            payment,
            booking,
            amount: PRICE,
            taking: self.vendor.taking(&pay_with).unwrap(),
            pay_with,
            secret: secret.map(Into::into),
            buyer: Buyer { email: Some("sara@example.com".to_owned()), ..Buyer::default() },
            purchases: Vec::new(),
            return_url: "https://cinema.example/return".to_owned(),
        }
    }

    async fn ask(&self, charge: &Charge) -> Vec<Transaction> {
        let question =
            Question { payment: charge.payment, session: None, account: None, transaction: None };
        self.vendor.ask(&question, WITHIN).await.unwrap()
    }

    async fn open(&self, charge: &Charge) -> Session {
        match self.vendor.open(charge, WITHIN).await.unwrap() {
            Opened::Open(session) => session,
            Opened::Rejected { code } => panic!("rejected: {code}"),
        }
    }

    /// How many payments the vendor has made under this reference.
    async fn made(&self, charge: &Charge) -> usize {
        let entries = self.sandbox.entries(NAME, &charge.payment.bare()).await;
        entries.iter().filter(|entry| entry["kind"] == "payment").count()
    }
}

fn sealed() -> Sealed {
    IdKey::new(vec![7; 32]).seal("not looked at").unwrap()
}

#[async_trait]
impl Standin for Cards {
    const NAME: &'static str = NAME;
    const CHARGE: &'static str = "create_payment";
    const CAPTURE: &'static str = "capture";
    const VOID: &'static str = "void";
    const REFUND: &'static str = "refund";

    async fn start() -> Self {
        Self::with(CheckoutAccount::default()).await
    }

    fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    fn vendor(&self) -> &dyn PaymentProvider {
        &self.vendor
    }

    async fn charge(&self) -> Charge {
        let token = self.token().await;
        self.charge_with(PayWith::Token { token: sealed() }, Some(&token))
    }

    async fn approve(&self, session: &Session) {
        assert!(matches!(session.next, NextAct::Redirect { .. }), "{session:?}");
        let path = format!("{NAME}/pay/{}", session.id);
        let done = self.sandbox.sim(Method::POST, &path, json!({"outcome": "approve"})).await;
        let back = done["redirect"].as_str().unwrap();
        assert!(back.starts_with("https://cinema.example/return?cko-session-id=sid_"), "{back}");
    }
}

#[tokio::test]
async fn the_customer_is_sent_to_a_page_that_is_there() {
    let at = Cards::start().await;
    let session = at.open(&at.charge().await).await;
    let NextAct::Redirect { url } = &session.next else { panic!("{session:?}") };
    let page = at.sandbox.client.get(url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("64.50"), "{page}");
}

#[tokio::test]
async fn a_customer_who_declines_has_paid_nothing_and_one_who_walks_away_may_still_pay() {
    let at = Cards::start().await;
    let declined = TransactionState::Declined { code: "20151".to_owned() };
    for (outcome, state) in [("decline", declined), ("abandon", TransactionState::Pending)] {
        let charge = at.charge().await;
        let session = at.open(&charge).await;
        let path = format!("{NAME}/pay/{}", session.id);
        at.sandbox.sim(Method::POST, &path, json!({ "outcome": outcome })).await;
        assert_eq!(at.ask(&charge).await[0].state, state, "{outcome}");
    }
}

#[tokio::test]
async fn a_challenge_nobody_answers_ends_by_itself() {
    let at = Cards::start().await;
    let charge = at.charge().await;
    // Fifteen minutes in half a second.
    at.sandbox.sim(Method::POST, "clock", json!({"factor": 1_800})).await;
    at.open(&charge).await;
    until("the end of the challenge", async || {
        let state = at.ask(&charge).await.into_iter().next()?.state;
        (state == TransactionState::Declined { code: "20152".to_owned() }).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_saved_card_is_charged_once_however_often_it_is_asked_for() {
    let at = Cards::start().await;
    let card = at.saved_card().await;
    let charge =
        at.charge_with(PayWith::SavedCard { card: "card_1".to_owned() }, Some(card.as_str()));
    let first = at.open(&charge).await;
    assert_eq!(at.open(&charge).await, first);
    assert_eq!(at.made(&charge).await, 1);
}

#[tokio::test]
async fn apple_pay_is_reserved_at_once_and_once() {
    let at = Cards::start().await;
    let charge = at.charge_with(PayWith::ApplePay { payment: sealed() }, Some(APPLE));
    let first = at.open(&charge).await;
    assert_eq!(first.next, NextAct::Nothing);
    assert_eq!(at.open(&charge).await, first, "another token, the same key");
    assert_eq!(at.made(&charge).await, 1);
    assert_eq!(at.ask(&charge).await[0].state, TransactionState::Authorized);
    at.sandbox.switch(NAME, "same_key_other_body", "refuse").await;
    let refused = at.vendor.open(&charge, WITHIN).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    assert_eq!(at.made(&charge).await, 1);
}

#[tokio::test]
async fn a_lost_exchange_of_apples_data_has_reserved_nothing() {
    let at = Cards::start().await;
    let charge = at.charge_with(PayWith::ApplePay { payment: sealed() }, Some(APPLE));
    for fault in ["http_500_before", "reset_after", "truncated_after", "html_200"] {
        at.sandbox.fails(NAME, "exchange", fault).await;
        let lost = at.vendor.open(&charge, WITHIN).await;
        assert!(matches!(lost, Err(Error::Unavailable { .. })), "{fault}: {lost:?}");
        assert_eq!(at.made(&charge).await, 0, "{fault}");
    }
    at.open(&charge).await;
    assert_eq!(at.made(&charge).await, 1);
}

#[tokio::test]
async fn a_used_token_leads_to_what_it_was_used_for() {
    let at = Cards::start().await;
    // The vendor has forgotten the key at once.
    at.sandbox.switch(NAME, "key_retention_ms", "0").await;
    let charge = at.charge().await;
    let first = at.open(&charge).await;
    assert_eq!(at.open(&charge).await, first);
    assert_eq!(at.made(&charge).await, 1);
    let other = at.charge_with(PayWith::Token { token: sealed() }, None);
    let other = Charge { secret: charge.secret.clone(), ..other };
    let used = at.vendor.open(&other, WITHIN).await;
    assert!(matches!(used, Err(Error::Unknown { .. })), "{used:?}");
}

#[tokio::test]
async fn a_request_still_at_work_is_unknown_under_either_status() {
    let at = Cards::start().await;
    for status in ["429", "409"] {
        at.sandbox.switch(NAME, "in_flight_status", status).await;
        let charge = at.charge().await;
        at.sandbox.fails(NAME, "create_payment", "late_commit").await;
        assert!(matches!(at.vendor.open(&charge, WITHIN).await, Err(Error::Unknown { .. })));
        let meanwhile = at.vendor.open(&charge, WITHIN).await;
        assert!(matches!(meanwhile, Err(Error::Unknown { .. })), "{status}: {meanwhile:?}");
        until("the late payment", async || {
            at.vendor.find_opened(&charge, WITHIN).await.unwrap().map(drop)
        })
        .await;
        at.open(&charge).await;
        assert_eq!(at.made(&charge).await, 1, "{status}");
    }
}

#[tokio::test]
async fn a_key_that_is_refused_is_refused_without_a_word() {
    let at = Cards::start().await;
    let charge = at.charge().await;
    at.sandbox.fails(NAME, "create_payment", "key_refused").await;
    let refused = at.vendor.open(&charge, WITHIN).await;
    assert!(matches!(&refused, Err(Error::Refused { code, .. }) if code == "401"), "{refused:?}");
}

#[tokio::test]
async fn accepted_is_not_done() {
    let at = Cards::start().await;
    let charge = at.charge().await;
    let session = at.open(&charge).await;
    at.approve(&session).await;
    let order = capture_of(&charge, &session.id, &session);
    at.sandbox.fails(NAME, "capture", "decline").await;
    assert_eq!(at.vendor.capture(&order, WITHIN).await.unwrap(), CaptureState::Pending);
    let failed =
        until("the capture's end", async || at.vendor.find_capture(&order, WITHIN).await.unwrap())
            .await;
    assert!(matches!(failed, CaptureState::Rejected { code, .. } if code == "20006"));
    assert_eq!(at.ask(&charge).await[0].state, TransactionState::Authorized);
    let void = refund_of(&order, true);
    at.vendor.refund(&void, WITHIN).await.unwrap();
    until("the void", async || {
        let found = at.vendor.find_refund(&void, WITHIN).await.unwrap();
        matches!(found, Some(RefundState::Refunded { .. })).then_some(())
    })
    .await;
    assert_eq!(at.ask(&charge).await[0].state, TransactionState::Voided);
}

fn by_stc_pay(at: &Cards) -> Charge {
    at.charge_with(PayWith::StcPay { phone: "+966501234567".to_owned() }, None)
}

#[tokio::test]
async fn a_password_in_time_pays_and_the_vendor_takes_the_money() {
    let at = Cards::start().await;
    for status in ["201", "202"] {
        at.sandbox.switch(NAME, "stc_pay_status", status).await;
        let charge = by_stc_pay(&at);
        let sent = at.open(&charge).await;
        assert_eq!((&sent.next, at.open(&charge).await), (&NextAct::Otp, sent.clone()));
        let passwords = at.sandbox.entries(NAME, &charge.payment.bare()).await.len();
        assert_eq!(passwords, 1, "no second message to the phone");
        let given = "123456".into();
        let first = at.vendor.proceed(&charge, &sent, &given, WITHIN).await.unwrap();
        assert_eq!(at.vendor.proceed(&charge, &sent, &given, WITHIN).await.unwrap(), first);
        until("the money", async || {
            let [one] = at.ask(&charge).await.try_into().unwrap();
            assert!(!matches!(one.state, TransactionState::Authorized), "nothing of ours to take");
            matches!(one.state, TransactionState::Captured { .. }).then_some(())
        })
        .await;
        let moved = at.sandbox.moved(NAME, &[&charge.payment.bare()]).await;
        assert_eq!((moved.taken, at.made(&charge).await), (PRICE.amount_minor, 1));
    }
}

#[tokio::test]
async fn a_wrong_or_a_late_password_pays_nothing() {
    let at = Cards::start().await;
    for (given, factor, code) in [("999999", 20, "20087"), ("123456", 1_000_000, "20019")] {
        at.sandbox.sim(Method::POST, "clock", json!({ "factor": factor })).await;
        let charge = by_stc_pay(&at);
        let sent = at.open(&charge).await;
        at.vendor.proceed(&charge, &sent, &given.into(), WITHIN).await.unwrap();
        let declined = TransactionState::Declined { code: code.to_owned() };
        assert_eq!(at.ask(&charge).await[0].state, declined);
    }
}

#[tokio::test]
async fn a_password_whose_answer_is_lost_has_paid_and_is_found() {
    let at = Cards::start().await;
    let charge = by_stc_pay(&at);
    let sent = at.open(&charge).await;
    at.sandbox.fails(NAME, "create_payment", "reset_after").await;
    let lost = at.vendor.proceed(&charge, &sent, &"123456".into(), WITHIN).await;
    assert!(matches!(lost, Err(Error::Unknown { .. })), "{lost:?}");
    let found = at.vendor.find_opened(&charge, WITHIN).await.unwrap().unwrap();
    let again = at.vendor.proceed(&charge, &sent, &"123456".into(), WITHIN).await.unwrap();
    assert_eq!(found, again);
    assert_eq!(at.made(&charge).await, 1);
}

#[tokio::test]
async fn stc_pay_that_is_approved_and_not_captured_is_declined() {
    let at = Cards::start().await;
    let charge = by_stc_pay(&at);
    let sent = at.open(&charge).await;
    at.sandbox.fails(NAME, "create_payment", "capture_declined").await;
    at.vendor.proceed(&charge, &sent, &"123456".into(), WITHIN).await.unwrap();
    until("the decline", async || {
        let state = at.ask(&charge).await.into_iter().next()?.state;
        (state == TransactionState::Declined { code: "20005".to_owned() }).then_some(())
    })
    .await;
}
