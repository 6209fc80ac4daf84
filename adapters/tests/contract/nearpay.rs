//! `NearPay` signs what it can: a card is held to a kiosk's terminal and money goes back there; a server only looks. And
//! what of the terminals, their reversals and their webhooks is believed.

use crate::{
    mailbox::{Letter, Mailbox},
    paying::{Paying, Said},
    standin::{Standin, session, until},
    vendor::{Effect, PRICE, Vendor, Verb, WITHIN, charge},
};
use adapters::{
    Error,
    nearpay::{Config, NearPay as Adapter, login},
    provider::{
        Charge, Claim, Delivery, Hint, Opened, PaymentProvider, RefundOrder, Session,
        TransactionState,
    },
};
use chrono::Utc;
use reqwest::Method;
use sandbox::nearpay::{DEFAULT_CLIENT, DEFAULT_KEY, DEFAULT_TERMINAL, login_key};
use schema::{
    money::Money,
    paying::{NextAct, PayWith, Taking},
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) struct NearPay;

fn config(base: &str, factor: u32) -> Config {
    Config {
        base_url: format!("{base}/nearpay/v1/clients-sdk"),
        api_key: DEFAULT_KEY.into(),
        key_header: "api-key".to_owned(),
        terminals_path: "terminals".to_owned(),
        transactions_path: "transactions".to_owned(),
        webhook_secrets: Vec::new(),
        live: false,
        session_life: Duration::from_mins(5) / factor,
        // The stand-in's terminal leaves a person their minute, however fast its clock is; this is what we go by.
        reversal_window: (Duration::from_mins(1) / factor).max(Duration::from_secs(5)),
        reversal_answer: Duration::from_secs(40) / factor,
    }
}

fn by_terminal() -> PayWith {
    PayWith::Terminal { terminal: DEFAULT_TERMINAL.to_owned() }
}

impl Vendor for NearPay {
    const NAME: &'static str = "nearpay";
    type Adapter = Adapter;

    /// A terminal can reverse for a minute.
    const FACTOR: u32 = 1;
    const ASKS: &'static str = "transactions";
    const FINDS: &'static str = "transactions";

    fn adapter(base: &str, factor: u32) -> Adapter {
        Adapter::new(config(base, factor)).unwrap()
    }

    fn ways() -> Vec<PayWith> {
        vec![by_terminal()]
    }

    /// No server charges, reserves or lets go; what gives back is the terminal.
    fn effect(verb: Verb, _: Taking) -> Option<Effect> {
        match verb {
            Verb::Charge | Verb::Capture | Verb::LetGo => None,
            Verb::Refund => Some(Effect::at_once("reverse", &["reversal"])),
        }
    }

    async fn acts(at: &Standin<Self>, charge: &Charge, _: &Session, outcome: &str) -> bool {
        tap(at, charge, outcome).await;
        true
    }

    async fn gives_back(at: &Standin<Self>, order: &RefundOrder) {
        reverse(at, &order.transaction).await;
    }
}

/// A card is held to the terminal: what the kiosk's app hears of it.
async fn tap(at: &Standin<NearPay>, charge: &Charge, outcome: &str) -> Value {
    let body = json!({"terminal": DEFAULT_TERMINAL, "reference": charge.payment.bare(),
        "amount_minor": charge.amount.amount_minor, "outcome": outcome});
    at.control(Method::POST, "terminal/purchase", body).await
}

async fn reverse(at: &Standin<NearPay>, transaction: &str) -> Value {
    at.control(Method::POST, "terminal/reverse", json!({ "transaction": transaction })).await
}

#[tokio::test]
async fn a_tap_is_found_under_the_reference_that_the_kiosk_was_told() {
    let at = Standin::<NearPay>::start().await;
    let mut paying = Paying::begun(&at, by_terminal()).await;
    let reference = paying.charge.payment.bare();
    let told =
        NextAct::Terminal { terminal: DEFAULT_TERMINAL.to_owned(), reference: reference.clone() };
    assert_eq!(paying.session().next, told);
    let again = at.vendor.open(&paying.charge, WITHIN).await.unwrap();
    assert_eq!(session(again).next, told);
    assert_eq!(at.did(&reference).await, [""; 0], "opening begins nothing");
    paying.act("abandon").await;
    assert_eq!(paying.all().await, []);
    paying.act("approve").await;
    let taken = paying.shown().await;
    assert_eq!(taken.state, TransactionState::Captured { review: false });
    assert_eq!((taken.brand.as_deref(), taken.last4.as_deref()), (Some("MADA"), Some("0007")));
    assert_eq!(at.did(&reference).await, ["capture"]);
}

#[tokio::test]
async fn a_declined_tap_is_an_answer_and_the_next_may_succeed() {
    let at = Standin::<NearPay>::start().await;
    let mut paying = Paying::begun(&at, by_terminal()).await;
    paying.act("decline").await;
    let declined = TransactionState::Declined { code: "116".to_owned() };
    assert_eq!(paying.shown().await.state, declined);
    paying.act("approve").await;
    let states: Vec<_> = paying.all().await.into_iter().map(|one| one.state).collect();
    assert_eq!(states, [declined, TransactionState::Captured { review: false }]);
    assert_eq!(at.did(&paying.charge.payment.bare()).await, ["decline", "capture"]);
}

#[tokio::test]
async fn a_kiosk_that_died_after_the_tap_has_still_been_paid() {
    let at = Standin::<NearPay>::start().await;
    let paying = Paying::begun(&at, by_terminal()).await;
    at.fault("purchase", "lost_answer").await;
    assert_eq!(tap(&at, &paying.charge, "approve").await["status"], Value::Null);
    assert!(matches!(paying.shown().await.state, TransactionState::Captured { .. }));
}

#[tokio::test]
async fn what_is_not_as_it_should_be_is_not_taken() {
    let at = Standin::<NearPay>::start().await;
    for (fault, state) in [
        ("terminal_mismatch", TransactionState::Pending),
        ("reversed_by_itself", TransactionState::Voided),
        ("refunded_by_itself", TransactionState::Declined { code: "refunded".to_owned() }),
    ] {
        let mut paying = Paying::begun(&at, by_terminal()).await;
        at.fault("purchase", fault).await;
        paying.act("approve").await;
        let [shown] = paying.all().await.try_into().unwrap();
        assert_eq!(shown.state, state, "{fault}");
    }
    let mut paying = Paying::begun(&at, by_terminal()).await;
    at.fault("purchase", "amount_mismatch").await;
    paying.act("approve").await;
    let other = Money::sar(PRICE.amount_minor + 100);
    assert_eq!(paying.shown().await.amount, other, "whoever settles compares");
    let mut paying = Paying::begun(&at, by_terminal()).await;
    at.fault("purchase", "double_tap").await;
    paying.act("approve").await;
    let both = paying.all().await;
    assert!(both.len() == 2 && both[0].id != both[1].id);
}

#[tokio::test]
async fn what_is_shown_late_is_found_late() {
    let at = Standin::<NearPay>::start().await;
    let mut paying = Paying::begun(&at, by_terminal()).await;
    at.fault("purchase", "shown_after_2").await;
    paying.act("approve").await;
    assert_eq!(paying.all().await, []);
    assert_eq!(paying.all().await, []);
    assert!(matches!(paying.shown().await.state, TransactionState::Captured { .. }));
}

#[tokio::test]
async fn a_terminal_that_cannot_be_used_is_an_answer() {
    let at = Standin::<NearPay>::start().await;
    let charge = charge(&at, by_terminal()).await;
    for (fault, code) in [
        ("unknown_terminal", "terminal_unknown"),
        ("not_connected", "terminal_away"),
        ("disconnected", "terminal_away"),
        ("reconciling", "terminal_busy"),
        ("updating", "terminal_busy"),
    ] {
        at.fault("terminals", fault).await;
        let opened = at.vendor.open(&charge, WITHIN).await.unwrap();
        assert_eq!(opened, Opened::Rejected { code: code.to_owned() }, "{fault}");
    }
    let stranger = Config { api_key: "another".into(), ..config(&at.base, 1) };
    let refused = Adapter::new(stranger).unwrap().open(&charge, WITHIN).await.unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
}

#[tokio::test]
async fn a_reversal_whose_answer_is_lost_is_looked_up() {
    let at = Standin::<NearPay>::start().await;
    for fault in ["lost_answer", "late_reversal"] {
        let paying = Paying::ready(&at, Verb::Refund, by_terminal()).await;
        let order = paying.refund_order(Verb::Refund);
        at.fault("reverse", fault).await;
        assert_eq!(reverse(&at, &order.transaction).await["status"], Value::Null, "{fault}");
        assert_eq!(paying.found(Verb::Refund).await, Said::Done(order.transaction), "{fault}");
        assert_eq!(paying.moved(&["reversal", "refund"]).await, [PRICE.amount_minor], "{fault}");
    }
}

/// At sixty times the speed: a reversal can be under way for less than six seconds.
#[tokio::test]
async fn what_was_not_reversed_in_time_is_refunded_at_the_counter() {
    let at = Standin::<NearPay>::with(60, |_| {}).await;
    let paying = Paying::ready(&at, Verb::Refund, by_terminal()).await;
    let RefundOrder { transaction, refund, .. } = paying.refund_order(Verb::Refund);
    at.fault("reverse", "not_reversed").await;
    assert_eq!(reverse(&at, &transaction).await["status"], Value::Null);
    let found = paying.found(Verb::Refund).await;
    assert_eq!(found, Said::No("refund_at_the_counter".to_owned()));
    at.fault("reverse", "too_late").await;
    assert_eq!(reverse(&at, &transaction).await["code_text"], "irreversible_transaction");
    refunds_by_hand(&at, &transaction, &refund.bare()).await;
    until("the refund", async || {
        matches!(paying.certain(Verb::Refund).await, Some(Said::Done(_))).then_some(())
    })
    .await;
    assert_eq!(at.did(&refund.bare()).await, ["refund"]);
}

/// A person at the counter, on a terminal there.
async fn refunds_by_hand(at: &Standin<NearPay>, transaction: &str, reference: &str) {
    let body = json!({"transaction": transaction, "reference": reference,
        "amount_minor": PRICE.amount_minor});
    at.control(Method::POST, "terminal/refund", body).await;
}

#[tokio::test]
async fn a_refund_by_hand_is_known_by_its_transaction_whatever_it_is_called() {
    let at = Standin::<NearPay>::start().await;
    for shown in ["second_receipt", "flag"] {
        at.switch("refund_shown", shown).await;
        for as_the_payment in [true, false] {
            let paying = Paying::ready(&at, Verb::Refund, by_terminal()).await;
            let order = paying.refund_order(Verb::Refund);
            let payment = order.payment.bare();
            let reference = if as_the_payment { &payment } else { "at the counter" };
            refunds_by_hand(&at, &order.transaction, reference).await;
            let found = paying.found(Verb::Refund).await;
            if shown == "flag" && !as_the_payment {
                // Marked as refunded, and not how much.
                assert_eq!(found, Said::No("refund_amount_unsaid".to_owned()));
            } else {
                assert!(matches!(found, Said::Done(_)), "{shown} {as_the_payment}: {found:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_terminal_signs_in_with_our_token_and_with_no_other() {
    let (key, strange) = (login_key().unwrap(), login_key().unwrap());
    let public = key.public.clone();
    let at = Standin::<NearPay>::with(1, |config| config.nearpay.public_key = Some(public)).await;
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
        let url = format!("{}/nearpay/v1/cashiers/login/jwt", at.base);
        let body = json!({"jwt": login.jwt.expose_secret(), "device_token": "d"});
        at.client.post(url).json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(sign_in(minter(&key.private, "terminal_id"), DEFAULT_TERMINAL).await, 200);
    assert_eq!(sign_in(minter(&key.private, "tid"), DEFAULT_TERMINAL).await, 401);
    assert_eq!(sign_in(minter(&key.private, "terminal_id"), "0211920800119999").await, 401);
    assert_eq!(sign_in(minter(&strange.private, "terminal_id"), DEFAULT_TERMINAL).await, 401);
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What became of a letter: a hint, or refused.
fn heard(vendor: &Adapter, (head, body): &Letter) -> Result<Hint, Error> {
    let path = head.split(' ').nth(1).unwrap();
    let secret = path.strip_prefix("/webhooks/nearpay/");
    vendor.read_webhook(Delivery { header: &|_: &str| None, path: secret, body })
}

#[tokio::test]
async fn a_webhook_by_the_secret_address_says_whom_to_ask_about() {
    let mailbox = Mailbox::open().await;
    let url = format!("{}/webhooks/nearpay/{SECRET}", mailbox.address);
    let set_up = |config: &mut sandbox::Config| config.nearpay.webhook_url = Some(url);
    let mut at = Standin::<NearPay>::with(1, set_up).await;
    let secrets = vec![SECRET.into()];
    at.vendor = Adapter::new(Config { webhook_secrets: secrets, ..config(&at.base, 1) }).unwrap();
    let mut paying = Paying::begun(&at, by_terminal()).await;
    let reference = paying.charge.payment.bare();
    let claim = |transaction: &str, final_success| Claim::Payment {
        reference: reference.clone(),
        transaction: Some(transaction.to_owned()),
        final_success,
    };
    paying.act("approve").await;
    let taken = paying.shown().await.id;
    reverse(&at, &taken).await;
    let letters = mailbox.letters(2).await;
    let hints: Vec<Hint> =
        letters.iter().map(|letter| heard(&at.vendor, letter).unwrap()).collect();
    let claims: Vec<&Claim> = hints.iter().map(|hint| &hint.claim).collect();
    assert!(claims.contains(&&claim(&taken, true)) && claims.contains(&&claim(&taken, false)));

    at.fault("webhook", "duplicate").await;
    paying.act("approve").await;
    let letters = mailbox.letters(4).await;
    let [first, again] = [2, 3].map(|nth| heard(&at.vendor, &letters[nth]).unwrap());
    assert_eq!(first, again, "one event, however often it comes");
    assert_ne!(first.event, hints[0].event);

    for (fault, count) in [("forged_key", 1), ("not_json", 1), ("unknown_event", 0)] {
        let before = mailbox.letters(0).await.len();
        at.fault("webhook", fault).await;
        paying.act("approve").await;
        let letters = mailbox.letters(before + 2).await;
        let refused = letters[before..].iter().filter(|it| heard(&at.vendor, it).is_err());
        assert_eq!(refused.count(), count, "{fault}");
    }
}
