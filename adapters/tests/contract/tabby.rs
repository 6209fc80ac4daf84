//! Tabby signs the contract.

use crate::{
    standin::{Standin, Vendor, Verb, session},
    suite,
};
use adapters::{
    provider::{
        CaptureOrder, Charge, Claim, Delivery, Opened, PaymentProvider, Question, RefundOrder,
        RefundState, TransactionState,
    },
    tabby::{Config, Tabby as Adapter},
};
use reqwest::Method;
use schema::{
    ids::{BookingId, PaymentId, RefundId},
    money::Money,
    paying::{Buyer, PayWith, Taking},
};
use serde_json::{Value, json};
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(5);
const VERBS: [Verb; 3] = [Verb::Capture, Verb::Refund, Verb::LetGo];

pub(crate) struct Tabby;

impl Tabby {
    /// The adapter, asking somebody before the stand-in.
    pub(crate) fn adapter_at(base_url: &str) -> Adapter {
        Adapter::new(Config {
            base_url: base_url.to_owned(),
            key: sandbox::TABBY_KEY.into(),
            merchant_code: sandbox::TABBY_MERCHANT.to_owned(),
            webhook_header: sandbox::TABBY_WEBHOOK_HEADER.to_owned(),
            webhook_secrets: vec![sandbox::TABBY_WEBHOOK_SECRET.into()],
            live: false,
            session_life: Duration::from_mins(30),
        })
        .unwrap()
    }
}

impl Vendor for Tabby {
    const NAME: &'static str = "tabby";
    type Adapter = Adapter;

    fn adapter(base_url: &str) -> Adapter {
        Self::adapter_at(&format!("{base_url}/tabby"))
    }

    fn charge() -> Charge {
        Charge {
            payment: PaymentId::from_bare("01K9ZZZZZZZZZZZZZZZZZZZZZZ").unwrap(),
            booking: BookingId::from_bare("01K9BBBBBBBBBBBBBBBBBBBBBB").unwrap(),
            amount: Money::sar(11_500),
            taking: Taking::OnceConfirmed,
            pay_with: PayWith::Page,
            secret: None,
            buyer: Buyer {
                name: Some("Sara Ali".to_owned()),
                email: Some("otp.success@tabby.ai".to_owned()),
                phone: Some("+966500000001".to_owned()),
                ..Buyer::default()
            },
            purchases: Vec::new(),
            return_url: "https://cinema.example/paid".to_owned(),
        }
    }

    /// Nobody listens there: what would be told is read in the outbox.
    fn set_up(config: &mut sandbox::Config) {
        config.tabby_webhook_url = Some("http://127.0.0.1:9/webhooks/tabby".to_owned());
    }

    fn effect(verb: Verb) -> (&'static str, &'static str) {
        match verb {
            Verb::Capture => ("capture", "capture"),
            Verb::Refund => ("refund", "refund"),
            Verb::LetGo => ("close", "void"),
        }
    }

    const LOOK_UP: &'static str = "payment";
}

fn question(payment: Option<String>, hinted: Option<String>) -> Question {
    Question {
        payment: Tabby::charge().payment,
        session: payment,
        account: None,
        transaction: hinted,
    }
}

pub(crate) fn capture_order(transaction: &str) -> CaptureOrder {
    CaptureOrder {
        payment: Tabby::charge().payment,
        transaction: transaction.to_owned(),
        account: sandbox::TABBY_MERCHANT.to_owned(),
        amount: Money::sar(11_500),
    }
}

pub(crate) fn refund_order(transaction: &str, reserved: bool) -> RefundOrder {
    RefundOrder {
        refund: RefundId::from_bare("01K9RRRRRRRRRRRRRRRRRRRRRR").unwrap(),
        payment: Tabby::charge().payment,
        transaction: transaction.to_owned(),
        account: sandbox::TABBY_MERCHANT.to_owned(),
        amount: Money::sar(11_500),
        reserved,
    }
}

#[tokio::test]
async fn each_verb_twice_has_one_effect() {
    suite::each_verb_twice_has_one_effect::<Tabby>(&VERBS, &json!({})).await;
}

#[tokio::test]
async fn a_payment_is_followed_from_its_page_to_its_refund() {
    suite::a_payment_is_followed_from_its_page_to_its_refund::<Tabby>().await;
}

#[tokio::test]
async fn a_decline_is_a_value() {
    suite::a_decline_is_a_value::<Tabby>().await;
}

#[tokio::test]
async fn a_lost_capture_is_looked_up() {
    assert!(suite::a_lost_answer_is_looked_up::<Tabby>(Verb::Capture).await > 30);
}

#[tokio::test]
async fn a_lost_refund_is_looked_up() {
    assert!(suite::a_lost_answer_is_looked_up::<Tabby>(Verb::Refund).await > 30);
}

#[tokio::test]
async fn a_lost_closing_is_looked_up() {
    assert!(suite::a_lost_answer_is_looked_up::<Tabby>(Verb::LetGo).await > 30);
}

#[tokio::test]
async fn what_is_shown_oddly_is_never_paid() {
    assert!(suite::what_is_shown_oddly_is_never_paid::<Tabby>().await > 30);
}

#[tokio::test]
async fn a_throttle_is_unavailable() {
    suite::a_throttle_is_unavailable::<Tabby>(&VERBS).await;
}

/// The vendor may forget a reference: then it refuses, and the payment itself says that it was done.
#[tokio::test]
async fn a_reference_that_was_forgotten_does_no_harm() {
    let forgetful = json!({"repeated_reference": "denied"});
    suite::each_verb_twice_has_one_effect::<Tabby>(&VERBS, &forgetful).await;
}

/// An opened session whose answer was lost leaves a payment that nobody can approve: it is never ours to follow, and a
/// late word about it is understood.
#[tokio::test]
async fn a_session_that_was_never_heard_of_expires_by_itself() {
    let standin = Standin::<Tabby>::start(3_600).await;
    standin.fault("create_session", "http_500_after").await;
    let lost = standin.vendor.open(&Tabby::charge(), WITHIN).await.unwrap_err();
    assert!(matches!(lost, adapters::Error::Unknown { .. }), "{lost}");
    assert_eq!(standin.vendor.ask(&question(None, None), WITHIN).await.unwrap(), []);
    let entries = standin.control(Method::GET, "ledger?kind=checkout", &Value::Null).await;
    let ghost = entries[0]["vendor_id"].as_str().unwrap().to_owned();
    for _ in 0..200 {
        let hinted = question(None, Some(ghost.clone()));
        let [shown] = standin.vendor.ask(&hinted, WITHIN).await.unwrap().try_into().unwrap();
        if shown.state != TransactionState::Pending {
            assert_eq!(shown.state, TransactionState::Declined { code: "expired".to_owned() });
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the session never expires");
}

#[tokio::test]
async fn whom_tabby_does_not_want_is_told_why() {
    let standin = Standin::<Tabby>::start(1).await;
    for (fault, code) in [
        ("amount_too_high", "amount_too_high"),
        ("amount_too_low", "amount_too_low"),
        ("rejected", "not_available"),
        ("no_product", "not_available"),
    ] {
        standin.fault("create_session", fault).await;
        let opened = standin.vendor.open(&Tabby::charge(), WITHIN).await.unwrap();
        assert_eq!(opened, Opened::Rejected { code: code.to_owned() });
    }
    let unwanted = Buyer { phone: Some("+966500000002".to_owned()), ..Tabby::charge().buyer };
    let charge = Charge { buyer: unwanted, ..Tabby::charge() };
    let opened = standin.vendor.open(&charge, WITHIN).await.unwrap();
    assert_eq!(opened, Opened::Rejected { code: "not_available".to_owned() });
}

/// A capture that nobody waits for any more arrives before the money is let go: it goes back as a refund.
#[tokio::test]
async fn what_was_taken_after_all_is_refunded() {
    let standin = Standin::<Tabby>::start(1).await;
    let paid = session(standin.vendor.open(&Tabby::charge(), WITHIN).await.unwrap());
    standin.shopper(&paid, "approve").await;
    standin.vendor.capture(&capture_order(&paid.id), WITHIN).await.unwrap();
    for _ in 0..2 {
        let state = standin.vendor.refund(&refund_order(&paid.id, true), WITHIN).await.unwrap();
        assert!(matches!(state, RefundState::Refunded { .. }), "{state:?}");
    }
    let found = standin.vendor.find_refund(&refund_order(&paid.id, true), WITHIN).await.unwrap();
    assert!(matches!(found, Some(RefundState::Refunded { .. })), "{found:?}");
    assert_eq!((standin.count("refund").await, standin.count("void").await), (1, 0));
}

#[tokio::test]
async fn a_disputed_payment_is_not_refunded() {
    let standin = Standin::<Tabby>::start(1).await;
    let paid = session(standin.vendor.open(&Tabby::charge(), WITHIN).await.unwrap());
    standin.shopper(&paid, "approve").await;
    standin.vendor.capture(&capture_order(&paid.id), WITHIN).await.unwrap();
    let reference = Tabby::charge().payment.bare();
    standin.control(Method::POST, "chargebacks", &json!({"reference": reference})).await;
    let state = standin.vendor.refund(&refund_order(&paid.id, false), WITHIN).await.unwrap();
    let RefundState::Rejected { code, .. } = state else { panic!("{state:?}") };
    assert_eq!(code, "conflict");
    let last = standin.told().await.pop().unwrap();
    assert!(matches!(hint(&standin, &last), Claim::Chargeback { .. }), "{last}");
}

fn hint(standin: &Standin<Tabby>, body: &str) -> Claim {
    let header = |name: &str| {
        (name == sandbox::TABBY_WEBHOOK_HEADER).then(|| sandbox::TABBY_WEBHOOK_SECRET.to_owned())
    };
    let delivery = Delivery { header: &header, path: None, body: body.as_bytes() };
    standin.vendor.read_webhook(delivery).unwrap().claim
}

#[tokio::test]
async fn what_is_told_leads_to_what_happened() {
    let standin = Standin::<Tabby>::start(1).await;
    let paid = session(standin.vendor.open(&Tabby::charge(), WITHIN).await.unwrap());
    standin.shopper(&paid, "approve").await;
    standin.vendor.capture(&capture_order(&paid.id), WITHIN).await.unwrap();
    standin.vendor.refund(&refund_order(&paid.id, false), WITHIN).await.unwrap();
    let told: Vec<Claim> = standin.told().await.iter().map(|body| hint(&standin, body)).collect();
    let came_in = Claim::Payment {
        reference: Tabby::charge().payment.bare(),
        transaction: Some(paid.id.clone()),
        final_success: true,
    };
    let [authorized, closed, refunded] = told.try_into().unwrap();
    assert_eq!((&authorized, &closed), (&came_in, &came_in));
    let Claim::Refund { reference, .. } = refunded else { panic!("{refunded:?}") };
    assert_eq!(reference, refund_order(&paid.id, false).refund.bare());
}
