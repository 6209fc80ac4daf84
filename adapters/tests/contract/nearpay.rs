//! `NearPay` against its stand-in: what is tapped, reversed and refunded at a terminal, and what of it is believed.

use crate::nearpay_standin::{Letter, Mailbox, Standin};
use adapters::{
    error::Error,
    nearpay::{Config, NearPay, login},
    provider::{
        Charge, Claim, Delivery, Hint, Opened, PaymentProvider, Question, RefundOrder, RefundState,
        Transaction, TransactionState,
    },
};
use chrono::Utc;
use reqwest::Method;
use sandbox::nearpay::{DEFAULT_CLIENT, DEFAULT_KEY, DEFAULT_TERMINAL, login_key};
use schema::{
    ids::{BookingId, PaymentId, RefundId},
    money::Money,
    paying::{Buyer, NextAct, PayWith, Taking},
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(5);
const AMOUNT: i64 = 6_450;

struct Kiosk {
    standin: Standin,
    vendor: NearPay,
}

fn payment() -> PaymentId {
    PaymentId::from_bare("01K9ZZZZZZZZZZZZZZZZZZZZZZ").unwrap()
}

fn refund_id() -> RefundId {
    RefundId::from_bare("01K9RRRRRRRRRRRRRRRRRRRRRR").unwrap()
}

fn config(standin: &Standin, factor: u32) -> Config {
    Config {
        base_url: format!("{}/nearpay/v1/clients-sdk", standin.base),
        api_key: DEFAULT_KEY.into(),
        key_header: "api-key".to_owned(),
        terminals_path: "terminals".to_owned(),
        transactions_path: "transactions".to_owned(),
        webhook_secrets: Vec::new(),
        live: false,
        session_life: Duration::from_mins(5) / factor,
        // The stand-in's terminal leaves a person five seconds, however fast it is.
        reversal_window: (Duration::from_mins(1) / factor).max(Duration::from_secs(5)),
        reversal_answer: Duration::from_secs(40) / factor,
    }
}

fn charge() -> Charge {
    Charge {
        payment: payment(),
        booking: BookingId::from_bare("01K9BBBBBBBBBBBBBBBBBBBBBB").unwrap(),
        amount: Money::sar(AMOUNT),
        taking: Taking::AtOnce,
        pay_with: PayWith::Terminal { terminal: DEFAULT_TERMINAL.to_owned() },
        secret: None,
        buyer: Buyer::default(),
        purchases: Vec::new(),
        return_url: String::new(),
    }
}

fn order(transaction: &str) -> RefundOrder {
    RefundOrder {
        refund: refund_id(),
        payment: payment(),
        transaction: transaction.to_owned(),
        account: DEFAULT_TERMINAL.to_owned(),
        amount: Money::sar(AMOUNT),
        reserved: false,
    }
}

impl Kiosk {
    async fn at(factor: u32) -> Self {
        let standin = Standin::start("nearpay", factor).await;
        let vendor = NearPay::new(config(&standin, factor)).unwrap();
        Self { standin, vendor }
    }

    async fn tap(&self, outcome: &str) -> Value {
        let body = json!({"terminal": DEFAULT_TERMINAL, "reference": payment().bare(),
            "amount_minor": AMOUNT, "outcome": outcome});
        self.standin.control(Method::POST, "terminal/purchase", body).await
    }

    async fn reverse(&self, transaction: &str) -> Value {
        let body = json!({"transaction": transaction});
        self.standin.control(Method::POST, "terminal/reverse", body).await
    }

    async fn ask(&self) -> Result<Vec<Transaction>, Error> {
        let question = Question {
            payment: payment(),
            session: Some(payment().bare()),
            account: Some(DEFAULT_TERMINAL.to_owned()),
            transaction: None,
        };
        self.vendor.ask(&question, WITHIN).await
    }

    /// The one transaction there is.
    async fn taken(&self) -> Transaction {
        let [one] = self.ask().await.unwrap().try_into().unwrap();
        one
    }

    async fn find_refund(&self, transaction: &str) -> Result<Option<RefundState>, Error> {
        self.vendor.find_refund(&order(transaction), WITHIN).await
    }
}

#[tokio::test]
async fn a_tap_is_found_under_the_reference_that_the_kiosk_was_told() {
    let kiosk = Kiosk::at(1).await;
    for _ in 0..2 {
        let Opened::Open(session) = kiosk.vendor.open(&charge(), WITHIN).await.unwrap() else {
            panic!("the terminal is there");
        };
        let (terminal, reference) = (DEFAULT_TERMINAL.to_owned(), payment().bare());
        assert_eq!(session.next, NextAct::Terminal { terminal, reference });
    }
    assert_eq!(kiosk.standin.did(&payment().bare()).await, [""; 0], "opening begins nothing");
    assert_eq!(kiosk.ask().await.unwrap(), []);
    kiosk.tap("abandon").await;
    assert_eq!(kiosk.ask().await.unwrap(), []);
    kiosk.tap("approve").await;
    let taken = kiosk.taken().await;
    assert_eq!(taken.state, TransactionState::Captured { review: false });
    assert_eq!(
        (taken.amount, taken.reference.as_str()),
        (Money::sar(AMOUNT), payment().bare().as_str())
    );
    assert_eq!((taken.brand.as_deref(), taken.last4.as_deref()), (Some("MADA"), Some("0007")));
    assert_eq!(kiosk.taken().await, taken, "asked twice, told the same");
    assert_eq!(kiosk.standin.did(&payment().bare()).await, ["capture"]);
}

#[tokio::test]
async fn a_declined_tap_is_an_answer_and_the_next_may_succeed() {
    let kiosk = Kiosk::at(1).await;
    kiosk.tap("decline").await;
    let declined = kiosk.taken().await;
    assert_eq!(declined.state, TransactionState::Declined { code: "116".to_owned() });
    kiosk.tap("approve").await;
    let all = kiosk.ask().await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(matches!(all[1].state, TransactionState::Captured { .. }));
    assert_eq!(kiosk.standin.did(&payment().bare()).await, ["decline", "capture"]);
}

#[tokio::test]
async fn a_kiosk_that_died_after_the_tap_has_still_been_paid() {
    let kiosk = Kiosk::at(1).await;
    kiosk.standin.fault("purchase", "lost_answer").await;
    assert_eq!(kiosk.tap("approve").await["status"], Value::Null);
    assert!(matches!(kiosk.taken().await.state, TransactionState::Captured { .. }));
}

#[tokio::test]
async fn what_is_not_as_it_should_be_is_not_taken() {
    for (fault, state) in [
        ("terminal_mismatch", TransactionState::Pending),
        ("reversed_by_itself", TransactionState::Voided),
        ("refunded_by_itself", TransactionState::Declined { code: "refunded".to_owned() }),
    ] {
        let kiosk = Kiosk::at(1).await;
        kiosk.standin.fault("purchase", fault).await;
        kiosk.tap("approve").await;
        assert_eq!(kiosk.taken().await.state, state, "{fault}");
    }
    let kiosk = Kiosk::at(1).await;
    kiosk.standin.fault("purchase", "amount_mismatch").await;
    kiosk.tap("approve").await;
    assert_eq!(kiosk.taken().await.amount, Money::sar(AMOUNT + 100), "whoever settles compares");
    let kiosk = Kiosk::at(1).await;
    kiosk.standin.fault("purchase", "double_tap").await;
    kiosk.tap("approve").await;
    let both = kiosk.ask().await.unwrap();
    assert!(both.len() == 2 && both[0].id != both[1].id);
}

#[tokio::test]
async fn a_look_that_failed_is_no_absence_and_the_next_one_finds_it() {
    for fault in [
        "timeout_before",
        "reset_after",
        "http_502_after",
        "html_200",
        "empty_200_after",
        "torn_after",
        "truncated_after",
        "currency_mismatch",
        "reference_mismatch",
        "no_receipt",
        "second_page",
        "not_narrowed",
    ] {
        let kiosk = Kiosk::at(1).await;
        kiosk.tap("approve").await;
        kiosk.standin.fault("transactions", fault).await;
        let error = kiosk.ask().await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{fault}: {error}");
        assert!(matches!(kiosk.taken().await.state, TransactionState::Captured { .. }), "{fault}");
    }
    let kiosk = Kiosk::at(1).await;
    kiosk.standin.fault("purchase", "shown_after_2").await;
    kiosk.tap("approve").await;
    assert_eq!(kiosk.ask().await.unwrap(), []);
    assert_eq!(kiosk.ask().await.unwrap(), []);
    assert!(matches!(kiosk.taken().await.state, TransactionState::Captured { .. }));
}

#[tokio::test]
async fn whatever_nobody_knows_about_the_vendor_a_tap_and_its_reversal_are_found() {
    let kiosk = Kiosk::at(1).await;
    let about = kiosk.standin.control(Method::GET, "", Value::Null).await;
    for (name, switch) in about["switches"].as_object().unwrap() {
        for position in switch["positions"].as_array().unwrap() {
            let kiosk = Kiosk::at(1).await;
            kiosk.standin.switch(name, position.as_str().unwrap()).await;
            let opened = kiosk.vendor.open(&charge(), WITHIN).await.unwrap();
            assert!(matches!(opened, Opened::Open(_)), "{name} {position}");
            kiosk.tap("approve").await;
            let taken = kiosk.taken().await;
            assert!(matches!(taken.state, TransactionState::Captured { .. }), "{name} {position}");
            kiosk.reverse(&taken.id).await;
            assert_eq!(kiosk.taken().await.state, TransactionState::Voided, "{name} {position}");
        }
    }
}

#[tokio::test]
async fn a_terminal_that_cannot_be_used_is_an_answer() {
    for (fault, code) in [
        ("unknown_terminal", "terminal_unknown"),
        ("not_connected", "terminal_away"),
        ("disconnected", "terminal_away"),
        ("reconciling", "terminal_busy"),
        ("updating", "terminal_busy"),
    ] {
        let kiosk = Kiosk::at(1).await;
        kiosk.standin.fault("terminals", fault).await;
        let opened = kiosk.vendor.open(&charge(), WITHIN).await.unwrap();
        assert_eq!(opened, Opened::Rejected { code: code.to_owned() }, "{fault}");
    }
    let kiosk = Kiosk::at(1).await;
    let stranger = Config { api_key: "another".into(), ..config(&kiosk.standin, 1) };
    let refused = NearPay::new(stranger).unwrap().open(&charge(), WITHIN).await.unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
}

#[tokio::test]
async fn a_reversal_at_the_terminal_is_the_refund_and_happens_once() {
    let kiosk = Kiosk::at(1).await;
    kiosk.tap("approve").await;
    let taken = kiosk.taken().await.id;
    for _ in 0..2 {
        let asked = kiosk.vendor.refund(&order(&taken), WITHIN).await.unwrap();
        assert_eq!(asked, RefundState::Pending { transaction: taken.clone() });
    }
    assert_eq!(kiosk.find_refund(&taken).await.unwrap(), None);
    for _ in 0..2 {
        kiosk.reverse(&taken).await;
    }
    let done = Some(RefundState::Refunded { transaction: taken.clone() });
    assert_eq!(kiosk.find_refund(&taken).await.unwrap(), done);
    assert_eq!(kiosk.standin.did(&payment().bare()).await, ["capture", "reversal"]);
}

#[tokio::test]
async fn a_reversal_whose_answer_is_lost_is_looked_up() {
    for fault in ["lost_answer", "late_reversal"] {
        let kiosk = Kiosk::at(1).await;
        kiosk.tap("approve").await;
        let taken = kiosk.taken().await.id;
        kiosk.standin.fault("reverse", fault).await;
        assert_eq!(kiosk.reverse(&taken).await["status"], Value::Null, "{fault}");
        let done = Some(RefundState::Refunded { transaction: taken.clone() });
        let mut looks = 0;
        while kiosk.find_refund(&taken).await.unwrap() != done {
            looks += 1;
            assert!(looks < 200, "{fault}: never found");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// At sixty times the speed: a reversal can be under way for less than six seconds.
#[tokio::test]
async fn what_was_not_reversed_in_time_is_refunded_at_the_counter() {
    let kiosk = Kiosk::at(60).await;
    kiosk.tap("approve").await;
    let taken = kiosk.taken().await.id;
    kiosk.standin.fault("reverse", "not_reversed").await;
    assert_eq!(kiosk.reverse(&taken).await["status"], Value::Null);
    let mut looks = 0;
    let found = loop {
        if let Some(found) = kiosk.find_refund(&taken).await.unwrap() {
            break found;
        }
        looks += 1;
        assert!(looks < 500, "nobody ever hears of it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(
        matches!(&found, RefundState::Rejected { code, .. } if code == "refund_at_the_counter"),
        "{found:?}"
    );
    let late = kiosk.reverse(&taken).await;
    assert_eq!(late["code_text"], "irreversible_transaction");
    let body =
        json!({"transaction": taken, "reference": refund_id().bare(), "amount_minor": AMOUNT});
    kiosk.standin.control(Method::POST, "terminal/refund", body).await;
    let found = kiosk.find_refund(&taken).await.unwrap();
    assert!(matches!(found, Some(RefundState::Refunded { .. })), "{found:?}");
    assert_eq!(kiosk.standin.did(&refund_id().bare()).await, ["refund"]);
}

#[tokio::test]
async fn a_terminal_signs_in_with_our_token_and_with_no_other() {
    let (key, strange) = (login_key().unwrap(), login_key().unwrap());
    let public = key.public.clone();
    let standin = Standin::with("nearpay", |config| config.nearpay.public_key = Some(public)).await;
    let minter = |private: &str, claim: &str| {
        login::Minter::new(&login::Config {
            private_key: private.into(),
            client_uuid: DEFAULT_CLIENT.to_owned(),
            terminal_claim: claim.to_owned(),
        })
        .unwrap()
    };
    let sign_in = async |minter: login::Minter, terminal: &str| {
        let login = minter.mint(terminal, Utc::now()).unwrap();
        let url = format!("{}/nearpay/v1/cashiers/login/jwt", standin.base);
        let body = json!({"jwt": login.jwt.expose_secret(), "device_token": "d"});
        standin.client.post(url).json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(sign_in(minter(&key.private, "terminal_id"), DEFAULT_TERMINAL).await, 200);
    assert_eq!(sign_in(minter(&key.private, "tid"), DEFAULT_TERMINAL).await, 401);
    assert_eq!(sign_in(minter(&key.private, "terminal_id"), "0211920800119999").await, 401);
    assert_eq!(sign_in(minter(&strange.private, "terminal_id"), DEFAULT_TERMINAL).await, 401);
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What became of a letter: a hint, or refused.
fn heard(vendor: &NearPay, (head, body): &Letter) -> Result<Hint, Error> {
    let path = head.split(' ').nth(1).unwrap();
    let secret = path.strip_prefix("/webhooks/nearpay/");
    vendor.read_webhook(Delivery { header: &|_: &str| None, path: secret, body })
}

#[tokio::test]
async fn a_webhook_by_the_secret_address_says_whom_to_ask_about() {
    let mailbox = Mailbox::open().await;
    let url = format!("{}/webhooks/nearpay/{SECRET}", mailbox.address);
    let standin = Standin::with("nearpay", |config| config.nearpay.webhook_url = Some(url)).await;
    let config = Config { webhook_secrets: vec![SECRET.into()], ..config(&standin, 1) };
    let kiosk = Kiosk { vendor: NearPay::new(config).unwrap(), standin };
    let claim = |transaction: &str, final_success| Claim::Payment {
        reference: payment().bare(),
        transaction: Some(transaction.to_owned()),
        final_success,
    };
    kiosk.tap("approve").await;
    let taken = kiosk.taken().await.id;
    kiosk.reverse(&taken).await;
    let letters = mailbox.letters(2).await;
    let hints: Vec<Hint> =
        letters.iter().map(|letter| heard(&kiosk.vendor, letter).unwrap()).collect();
    let claims: Vec<&Claim> = hints.iter().map(|hint| &hint.claim).collect();
    assert!(claims.contains(&&claim(&taken, true)) && claims.contains(&&claim(&taken, false)));

    kiosk.standin.fault("webhook", "duplicate").await;
    kiosk.tap("approve").await;
    let letters = mailbox.letters(4).await;
    let [first, again] = [2, 3].map(|at| heard(&kiosk.vendor, &letters[at]).unwrap());
    assert_eq!(first, again, "one event, however often it comes");
    assert_ne!(first.event, hints[0].event);

    for (fault, count) in [("forged_key", 1), ("not_json", 1), ("unknown_event", 0)] {
        let before = mailbox.letters(0).await.len();
        kiosk.standin.fault("webhook", fault).await;
        kiosk.tap("approve").await;
        let letters = mailbox.letters(before + 2).await;
        let refused = letters[before..].iter().filter(|it| heard(&kiosk.vendor, it).is_err());
        assert_eq!(refused.count(), count, "{fault}");
    }
}
