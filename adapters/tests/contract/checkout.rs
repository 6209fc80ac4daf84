//! Checkout.com signs the contract: the token of a card, 3-D Secure, reserved first; and saved cards, Apple Pay, and what
//! becomes of tokens and keys.

use crate::{
    paying::{Paying, Said},
    standin::{Standin, is_unknown, session, until},
    vendor::{Effect, Vendor, Verb, WITHIN, charge, ids},
};
use adapters::{
    Error,
    checkout::{Checkout as Adapter, Config},
    provider::{Charge, PaymentProvider, Question, Transaction, TransactionState},
};
use sandbox::CheckoutAccount;
use schema::{
    paying::{NextAct, PayWith, Taking},
    sealed::Sealed,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::time::Duration;

const APPLE: &str = r#"{"version":"EC_v1","data":"AAAA","signature":"BBBB","header":{"ephemeralPublicKey":"CCCC","publicKeyHash":"DDDD","transactionId":"00"}}"#;

pub(crate) struct Checkout;

impl Checkout {
    /// The adapter, asking whoever is at this address.
    pub(crate) fn adapter_at(base_url: &str, factor: u32) -> Adapter {
        let account = CheckoutAccount::default();
        Adapter::new(Config {
            base_url: base_url.to_owned(),
            secret_key: account.secret_key.into(),
            public_key: account.public_key.into(),
            processing_channel: account.processing_channel,
            webhook_keys: Vec::new(),
            webhook_authorizations: Vec::new(),
            challenge_life: Duration::from_mins(15) / factor,
            password_life: Duration::from_mins(2) / factor,
        })
        .unwrap()
    }
}

impl Vendor for Checkout {
    const NAME: &'static str = "checkout";
    type Adapter = Adapter;

    const ASKS: &'static str = "find_payments";
    const FINDS: &'static str = "get_actions";
    /// No action was taken.
    const SAYS_NONE: &'static [&'static str] =
        &["lookup_lag", "empty_array_before", "empty_array_after"];
    /// What the list shows as somebody else's, its own id shows as ours. An action has no currency: it is its payment's.
    const UNSEEN: &'static [(&'static str, &'static str)] =
        &[("find_payments", "reference_mismatch"), ("get_actions", "currency_mismatch")];
    /// `what_is_taken_although_it_was_to_be_reserved_is_known`
    const BY_ITSELF: &'static [(&'static str, &'static str)] = &[("captures_at_once", "true")];

    fn adapter(base: &str, factor: u32) -> Adapter {
        Self::adapter_at(&format!("{base}/checkout"), factor)
    }

    fn ways() -> Vec<PayWith> {
        vec![PayWith::Token { token: sealed() }]
    }

    fn effect(verb: Verb, _: Taking) -> Option<Effect> {
        let (operation, begun, done): (_, &'static [&'static str], _) = match verb {
            Verb::Charge => ("create_payment", &["payment"], "authorize"),
            Verb::Capture => ("capture", &["capture_accepted"], "capture"),
            Verb::Refund => ("refund", &["refund_accepted"], "refund"),
            Verb::LetGo => ("void", &["void_accepted"], "void"),
        };
        Some(Effect { operation, begun, done })
    }

    /// What the vendor's own fields in the app do.
    async fn token(at: &Standin<Self>) -> Option<SecretString> {
        Some(token(at).await.into())
    }
}

pub(crate) async fn token(at: &Standin<Checkout>) -> String {
    let card = json!({"type": "card", "number": "4242424242424242", "expiry_month": 5,
        "expiry_year": 2030, "cvv": "100"});
    let url = format!("{}/checkout/tokens", at.base);
    let key = CheckoutAccount::default().public_key;
    let answer = at.client.post(url).bearer_auth(key).json(&card).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
}

/// A card that was saved before.
pub(crate) async fn saved_card(at: &Standin<Checkout>) -> String {
    let card = json!({"type": "token", "token": token(at).await});
    let url = format!("{}/checkout/instruments", at.base);
    let key = CheckoutAccount::default().secret_key;
    let answer = at.client.post(url).bearer_auth(key).json(&card).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
}

fn sealed() -> Sealed {
    ids().seal("not looked at").unwrap()
}

pub(crate) async fn by_token(at: &Standin<Checkout>) -> Charge {
    charge(at, PayWith::Token { token: sealed() }).await
}

pub(crate) async fn by_saved_card(at: &Standin<Checkout>) -> Charge {
    let pay_with = PayWith::SavedCard { card: "card_1".to_owned() };
    Charge { secret: Some(saved_card(at).await.into()), ..charge(at, pay_with).await }
}

pub(crate) async fn by_apple_pay(at: &Standin<Checkout>) -> Charge {
    let pay_with = PayWith::ApplePay { payment: sealed() };
    Charge { secret: Some(APPLE.into()), ..charge(at, pay_with).await }
}

pub(crate) async fn ask(at: &Standin<Checkout>, charge: &Charge) -> Vec<Transaction> {
    let question = Question {
        payment: charge.payment,
        session: None,
        account: None,
        transaction: None,
        known: Vec::new(),
    };
    at.vendor.ask(&question, WITHIN).await.unwrap()
}

/// How many payments the vendor has made under this reference.
pub(crate) async fn made(at: &Standin<Checkout>, charge: &Charge) -> usize {
    let did = at.did(&charge.payment.bare()).await;
    did.iter().filter(|kind| *kind == "payment").count()
}

#[tokio::test]
async fn the_customer_is_sent_to_a_page_that_is_there_and_back() {
    let at = Standin::<Checkout>::start().await;
    let opened = session(at.vendor.open(&by_token(&at).await, WITHIN).await.unwrap());
    let NextAct::Redirect { url } = &opened.next else { panic!("{opened:?}") };
    let page = at.client.get(url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("105.80"), "{page}");
    let done = at.shopper(&opened.id, "approve").await;
    let back = done["redirect"].as_str().unwrap();
    assert!(back.starts_with("https://cinema.example/return?cko-session-id=sid_"), "{back}");
}

#[tokio::test]
async fn one_who_walks_away_may_still_pay_until_the_challenge_ends_by_itself() {
    let at = Standin::<Checkout>::start().await;
    let mut paying = Paying::begun(&at, PayWith::Token { token: sealed() }).await;
    // Fifteen minutes in two seconds.
    at.clock(450).await;
    paying.act("abandon").await;
    let [shown] = paying.all().await.try_into().unwrap();
    assert_eq!(shown.state, TransactionState::Pending);
    let over = TransactionState::Declined { code: "20152".to_owned() };
    assert_eq!(paying.shown().await.state, over);
}

#[tokio::test]
async fn a_saved_card_is_charged_once_however_often_it_is_asked_for() {
    let at = Standin::<Checkout>::start().await;
    let charge = by_saved_card(&at).await;
    let first = at.vendor.open(&charge, WITHIN).await.unwrap();
    assert_eq!(at.vendor.open(&charge, WITHIN).await.unwrap(), first);
    assert_eq!(made(&at, &charge).await, 1);
}

#[tokio::test]
async fn apple_pay_is_reserved_at_once_and_once() {
    let at = Standin::<Checkout>::start().await;
    let charge = by_apple_pay(&at).await;
    let first = at.vendor.open(&charge, WITHIN).await.unwrap();
    assert_eq!(at.vendor.open(&charge, WITHIN).await.unwrap(), first, "another token, one key");
    assert_eq!(session(first).next, NextAct::Nothing);
    assert_eq!(made(&at, &charge).await, 1);
    assert_eq!(ask(&at, &charge).await[0].state, TransactionState::Authorized);
    at.switch("same_key_other_body", "refuse").await;
    let refused = at.vendor.open(&charge, WITHIN).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    assert_eq!(made(&at, &charge).await, 1);
}

#[tokio::test]
async fn a_lost_exchange_of_apples_data_has_reserved_nothing() {
    let at = Standin::<Checkout>::start().await;
    let charge = by_apple_pay(&at).await;
    for fault in ["http_500_before", "reset_after", "truncated_after", "html_200"] {
        at.fault("exchange", fault).await;
        let lost = at.vendor.open(&charge, WITHIN).await;
        assert!(matches!(lost, Err(Error::Unavailable { .. })), "{fault}: {lost:?}");
        assert_eq!(made(&at, &charge).await, 0, "{fault}");
    }
    at.vendor.open(&charge, WITHIN).await.unwrap();
    assert_eq!(made(&at, &charge).await, 1);
}

#[tokio::test]
async fn a_used_token_leads_to_what_it_was_used_for() {
    let at = Standin::<Checkout>::start().await;
    // The vendor has forgotten the key at once.
    at.switch("key_retention_ms", "0").await;
    let charge = by_token(&at).await;
    let first = at.vendor.open(&charge, WITHIN).await.unwrap();
    assert_eq!(at.vendor.open(&charge, WITHIN).await.unwrap(), first);
    assert_eq!(made(&at, &charge).await, 1);
    let other = Charge { secret: charge.secret.clone(), ..by_token(&at).await };
    let used = at.vendor.open(&other, WITHIN).await;
    assert!(is_unknown(&used), "{used:?}");
}

#[tokio::test]
async fn a_request_still_at_work_is_unknown_under_either_status() {
    let at = Standin::<Checkout>::start().await;
    for status in ["429", "409"] {
        at.switch("in_flight_status", status).await;
        let charge = by_token(&at).await;
        at.fault("create_payment", "late_commit").await;
        assert!(is_unknown(&at.vendor.open(&charge, WITHIN).await));
        let meanwhile = at.vendor.open(&charge, WITHIN).await;
        assert!(is_unknown(&meanwhile), "{status}: {meanwhile:?}");
        let found = until("the late payment", async || {
            at.vendor.find_opened(&charge, WITHIN).await.unwrap()
        });
        assert_eq!(found.await, at.vendor.open(&charge, WITHIN).await.unwrap());
        assert_eq!(made(&at, &charge).await, 1, "{status}");
    }
}

#[tokio::test]
async fn a_key_that_is_refused_is_refused_without_a_word() {
    let at = Standin::<Checkout>::start().await;
    let charge = by_token(&at).await;
    at.fault("create_payment", "key_refused").await;
    let refused = at.vendor.open(&charge, WITHIN).await;
    assert!(matches!(&refused, Err(Error::Refused { code, .. }) if code == "401"), "{refused:?}");
}

/// Where the first answer shows no amount yet, the look-up does.
#[tokio::test]
async fn a_payment_that_is_not_the_one_asked_for_is_no_answer() {
    let at = Standin::<Checkout>::start().await;
    for challenge in ["asked", "never"] {
        at.switch("challenge", challenge).await;
        for fault in ["amount_mismatch", "currency_mismatch", "reference_mismatch"] {
            let charge = by_token(&at).await;
            at.fault("create_payment", fault).await;
            let opened = at.vendor.open(&charge, WITHIN).await;
            let found = at.vendor.find_opened(&charge, WITHIN).await;
            let seen = is_unknown(&opened) || is_unknown(&found);
            assert!(seen, "{challenge} {fault}: {opened:?}, {found:?}");
        }
    }
}

#[tokio::test]
async fn what_was_accepted_and_not_done_leaves_the_reservation() {
    let at = Standin::<Checkout>::start().await;
    let way = PayWith::Token { token: sealed() };
    let mut paying = Paying::ready(&at, Verb::Capture, way).await;
    at.fault("capture", "decline").await;
    assert_eq!(paying.say(Verb::Capture, WITHIN).await.unwrap(), Said::Pending);
    assert_eq!(paying.found(Verb::Capture).await, Said::No("20006".to_owned()));
    assert_eq!(paying.shown().await.state, TransactionState::Authorized);
    paying.say(Verb::LetGo, WITHIN).await.unwrap();
    assert!(matches!(paying.found(Verb::LetGo).await, Said::Done(_)));
    assert_eq!(paying.shown().await.state, TransactionState::Voided);
}

/// As a local scheme may: what was only to be reserved is taken, is found so, and goes back as a refund.
#[tokio::test]
async fn what_is_taken_although_it_was_to_be_reserved_is_known() {
    let at = Standin::<Checkout>::start().await;
    at.switch("captures_at_once", "true").await;
    let charge = by_token(&at).await;
    let opened = session(at.vendor.open(&charge, WITHIN).await.unwrap());
    at.shopper(&opened.id, "approve").await;
    let taken = until("the capture", async || {
        let [one] = ask(&at, &charge).await.try_into().unwrap();
        matches!(one.state, TransactionState::Captured { .. }).then_some(one)
    });
    let taken = taken.await;
    assert_eq!((taken.id.as_str(), taken.amount), (opened.id.as_str(), charge.amount.into()));
    let mut paying = Paying::of(&at, charge, opened, taken.id);
    assert!(matches!(paying.found(Verb::Capture).await, Said::Done(_)));
    assert!(matches!(paying.say(Verb::Capture, WITHIN).await, Ok(Said::No(_))));
    paying.say(Verb::Refund, WITHIN).await.unwrap();
    assert!(matches!(paying.found(Verb::Refund).await, Said::Done(_)));
    let price = paying.charge.amount.amount_minor;
    assert_eq!(paying.moved(&["capture", "refund"]).await, [price, price]);
}
