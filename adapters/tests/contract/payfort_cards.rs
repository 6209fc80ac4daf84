//! `PayFort`'s saved cards: a token that the browser brings back, signed; charged once however often it is asked for; and
//! whatever nobody knows of tokens, in every position.

use crate::{
    payfort::{PayFort, typed},
    standin::{Standin, is_unknown, session},
    vendor::{PRICE, WITHIN, ids},
};
use adapters::{
    Error,
    card_keeper::{CardKeeper, Ended, KeptCard, NewCard, Saving},
    provider::{Charge, Opened, PaymentProvider, Question, Session, TransactionState},
};
use reqwest::Method;
use schema::paying::{Buyer, NextAct, PayWith};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::sync::atomic::{AtomicU32, Ordering};

type At = Standin<PayFort>;

/// A test's own clock: its pages live for half an hour.
const SLOWLY: u32 = 1;
/// A day passes in a moment.
const A_DAY_LATER: u32 = 100_000_000;

async fn start() -> At {
    let at = At::with(SLOWLY, |_| {}).await;
    at.switch("three_ds", "frictionless").await;
    at
}

fn number() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    MADE.fetch_add(1, Ordering::Relaxed).to_string()
}

fn new_card() -> NewCard {
    let card = ids().card("customer:payfort", &number());
    NewCard { card, token: None, return_url: "https://cinema.example/back".to_owned() }
}

async fn form(at: &At, card: &NewCard) -> Session {
    match at.vendor.save(card, WITHIN).await.unwrap() {
        Saving::Form(form) => form,
        Saving::Ended(ended) => panic!("no form: {ended:?}"),
    }
}

async fn saved(at: &At) -> KeptCard {
    let card = new_card();
    let form = form(at, &card).await;
    let back = typed(at, &form, "approve").await;
    let given = at.vendor.read_back(card.card, &back).unwrap().unwrap();
    match at.vendor.finish(&form, &given, WITHIN).await.unwrap() {
        Ended::Kept(kept) => kept,
        Ended::Refused { code } => panic!("refused: {code}"),
    }
}

fn charge(at: &At, card: &KeptCard) -> Charge {
    let pay_with = PayWith::SavedCard { card: "card_1".to_owned() };
    let booking = ids().booking("customer:payfort", &number());
    Charge {
        payment: ids().payment(booking, "1"),
        booking,
        amount: PRICE,
        taking: at.vendor.taking(&pay_with).unwrap(),
        pay_with,
        secret: Some(card.token.clone()),
        buyer: Buyer::default(),
        purchases: Vec::new(),
        return_url: "https://cinema.example/return".to_owned(),
    }
}

async fn states(at: &At, charge: &Charge) -> Vec<TransactionState> {
    let payment = charge.payment;
    let question =
        Question { payment, session: None, account: None, transaction: None, known: Vec::new() };
    let shown = at.vendor.ask(&question, WITHIN).await.unwrap();
    shown.into_iter().map(|transaction| transaction.state).collect()
}

const CAPTURED: TransactionState = TransactionState::Captured { review: false };

fn unknown() -> Opened {
    Opened::Rejected { code: "card_unknown".to_owned() }
}

#[tokio::test]
async fn a_card_comes_back_signed_for_itself_alone() {
    let at = start().await;
    for method in ["post", "get"] {
        at.switch("return_method", method).await;
        let (card, other) = (new_card(), new_card());
        let form = form(&at, &card).await;
        assert!(at.vendor.ask_saved(&form, WITHIN).await.unwrap().is_none(), "it tells nobody");
        let back = typed(&at, &form, "approve").await;
        let read = |card: &NewCard| at.vendor.read_back(card.card, &back);
        assert!(read(&other).is_err(), "another card's");
        let given = read(&card).unwrap().unwrap();
        let elsewhere = Session { id: other.card.bare(), ..form.clone() };
        assert!(at.vendor.finish(&elsewhere, &given, WITHIN).await.is_err(), "another form's");
        let ended = at.vendor.finish(&form, &given, WITHIN).await.unwrap();
        let Ended::Kept(kept) = ended else { panic!("{ended:?}") };
        assert_eq!((kept.brand, kept.last4.as_deref()), (None, Some("0001")));
        assert_eq!(at.did(&card.card.bare()).await, ["page", "token"], "nothing is charged");
    }
}

#[tokio::test]
async fn a_saved_card_is_charged_once_and_found_when_its_answer_was_lost() {
    let at = start().await;
    let card = saved(&at).await;
    for fault in ["timeout_after", "reset_after", "http_500_after", "commit_15777", "unsigned"] {
        let charge = charge(&at, &card);
        assert_eq!(at.vendor.find_opened(&charge, WITHIN).await.unwrap(), None);
        at.fault("purchase", fault).await;
        let lost = at.vendor.open(&charge, WITHIN).await;
        at.has_gone_wrong().await;
        assert!(is_unknown(&lost), "{fault}: {lost:?}");
        let found = at.vendor.find_opened(&charge, WITHIN).await.unwrap().unwrap();
        assert_eq!(session(found).next, NextAct::Nothing);
        let again = at.vendor.open(&charge, WITHIN).await;
        assert!(is_unknown(&again), "{fault}: {again:?}");
        assert_eq!(states(&at, &charge).await, [CAPTURED], "{fault}");
        assert_eq!(at.did(&charge.payment.bare()).await, ["capture"], "{fault}");
    }
}

#[tokio::test]
async fn a_decline_is_a_value_and_the_bank_may_ask() {
    let at = start().await;
    let card = saved(&at).await;
    let declined = charge(&at, &card);
    at.fault("purchase", "decline").await;
    let over = session(at.vendor.open(&declined, WITHIN).await.unwrap());
    assert_eq!((over.lives_ms, over.next), (0, NextAct::Nothing));

    at.switch("three_ds", "challenge").await;
    let asked = charge(&at, &card);
    let at_the_bank = session(at.vendor.open(&asked, WITHIN).await.unwrap());
    assert!(matches!(at_the_bank.next, NextAct::Redirect { .. }), "{at_the_bank:?}");
    assert!(states(&at, &asked).await.is_empty());
    at.shopper(&at_the_bank.id, "approve").await;
    assert_eq!(states(&at, &asked).await, [CAPTURED]);
}

/// We never see the code: such an account takes no saved cards, and a person is told so.
#[tokio::test]
async fn an_account_that_wants_the_security_code_refuses_and_nothing_is_charged() {
    let at = start().await;
    at.switch("security_code", "required").await;
    let card = saved(&at).await;
    session(at.vendor.open(&charge(&at, &card), WITHIN).await.unwrap());
    let again = charge(&at, &card);
    let refused = at.vendor.open(&again, WITHIN).await;
    assert!(matches!(&refused, Err(Error::Refused { code, .. }) if code == "00001"), "{refused:?}");
    assert!(at.did(&again.payment.bare()).await.is_empty());
}

#[tokio::test]
async fn a_token_that_was_never_charged_may_be_gone_and_a_charged_one_stays() {
    for kept_by in ["yes", "unless_no"] {
        let at = start().await;
        at.switch("uncharged_token", "dropped").await;
        at.switch("remember_me", kept_by).await;
        let [charged, never] = [saved(&at).await, saved(&at).await];
        at.vendor.open(&charge(&at, &charged), WITHIN).await.unwrap();
        at.clock(A_DAY_LATER).await;
        let again = charge(&at, &charged);
        session(at.vendor.open(&again, WITHIN).await.unwrap());
        assert_eq!(states(&at, &again).await, [CAPTURED], "kept by {kept_by}");
        assert_eq!(at.vendor.open(&charge(&at, &never), WITHIN).await.unwrap(), unknown());
        at.vendor.forget(&never.token, &never.account, WITHIN).await.unwrap();
    }
}

/// Also where the vendor does not sign that there is no such token.
#[tokio::test]
async fn a_deletion_ends_in_every_position_of_every_switch() {
    let positions = start().await.positions().await;
    let about = ["token", "update_reference", "sign_errors", "http_status", "dup_policy"];
    let mut tried = 0;
    for (name, position) in positions {
        if !about.iter().any(|part| name.contains(part)) {
            continue;
        }
        let at = start().await;
        at.switch(&name, &position).await;
        let card = saved(&at).await;
        for _ in 0..2 {
            at.vendor.forget(&card.token, &card.account, WITHIN).await.unwrap();
        }
        at.vendor.forget(&"nobodys-token".into(), &card.account, WITHIN).await.unwrap();
        let opened = at.vendor.open(&charge(&at, &card), WITHIN).await.unwrap();
        assert_eq!(opened, unknown(), "{name} is {position}");
        tried += 1;
    }
    assert!(tried >= 14, "{tried}");
}

/// Whatever goes wrong: it is asked for again, and then it is done, once.
#[tokio::test]
async fn a_deletion_goes_wrong_in_every_way_and_is_done_when_it_is_asked_for_again() {
    let at = start().await;
    for when in ["before", "after"] {
        for fault in at.faults("update_token", when).await {
            let card = saved(&at).await;
            at.fault("update_token", &fault).await;
            let briefly = crate::vendor::BRIEFLY;
            let first = at.vendor.forget(&card.token, &card.account, briefly).await;
            at.has_gone_wrong().await;
            let done = deactivated(&at, &card).await;
            assert!(first.is_err() || done, "{fault}: it was said to be done");
            at.vendor.forget(&card.token, &card.account, WITHIN).await.unwrap();
            assert!(deactivated(&at, &card).await, "{fault}");
        }
    }
}

async fn deactivated(at: &At, card: &KeptCard) -> bool {
    let path = "ledger?kind=deactivation";
    let done = at.control(Method::GET, path, Value::Null).await;
    let token = card.token.expose_secret();
    let about = done.as_array().unwrap().iter().filter(|entry| entry["vendor_id"] == token);
    let times = about.count();
    assert!(times < 2, "made inactive twice");
    times == 1
}
