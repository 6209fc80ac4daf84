//! Tabby signs the contract: a page, always reserved first; and its rejections, its closing, and what it tells.

use crate::{
    paying::{Paying, Said},
    standin::{Standin, is_unknown},
    vendor::{Effect, Vendor, Verb, WITHIN, charge},
};
use adapters::{
    provider::{
        Charge, Claim, Delivery, Opened, PaymentProvider, Question, Transaction, TransactionState,
    },
    tabby::{Config, Tabby as Adapter},
};
use reqwest::Method;
use schema::paying::{Buyer, PayWith, Taking};
use serde_json::json;
use std::time::Duration;

pub(crate) struct Tabby;

impl Tabby {
    /// The adapter, asking whoever is at this address.
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

    const ASKS: &'static str = "payment";
    const FINDS: &'static str = "payment";

    fn adapter(base: &str, _: u32) -> Adapter {
        Self::adapter_at(&format!("{base}/tabby"))
    }

    fn ways() -> Vec<PayWith> {
        vec![PayWith::Page]
    }

    fn effect(verb: Verb, _: Taking) -> Option<Effect> {
        Some(match verb {
            Verb::Charge => return None,
            Verb::Capture => Effect::at_once("capture", &["capture"]),
            Verb::Refund => Effect::at_once("refund", &["refund"]),
            Verb::LetGo => Effect::at_once("close", &["void"]),
        })
    }
}

/// What is shown under a payment of ours that a hint has named.
async fn hinted(at: &Standin<Tabby>, charge: &Charge, id: Option<String>) -> Vec<Transaction> {
    let payment = charge.payment;
    let question =
        Question { payment, session: None, account: None, transaction: id, known: Vec::new() };
    at.vendor.ask(&question, WITHIN).await.unwrap()
}

/// An opened session whose answer was lost leaves a payment that nobody can approve: it is never ours to follow, and a
/// late word about it is understood.
#[tokio::test]
async fn a_session_that_was_never_heard_of_expires_by_itself() {
    let at = Standin::<Tabby>::with(3_600, |_| {}).await;
    let charge = charge(&at, PayWith::Page).await;
    at.fault("create_session", "http_500_after").await;
    assert!(is_unknown(&at.vendor.open(&charge, WITHIN).await));
    assert_eq!(hinted(&at, &charge, None).await, []);
    let entries = at.entries(&charge.payment.bare()).await;
    let ghost = entries[0]["vendor_id"].as_str().unwrap();
    let ended = crate::standin::until("the session's end", async || {
        let [shown] = hinted(&at, &charge, Some(ghost.to_owned())).await.try_into().unwrap();
        (shown.state != TransactionState::Pending).then_some(shown.state)
    });
    assert_eq!(ended.await, TransactionState::Declined { code: "expired".to_owned() });
}

/// Half an hour of the vendor's in half a second.
#[tokio::test]
async fn a_page_that_nobody_pays_on_is_over() {
    let at = Standin::<Tabby>::with(3_600, |_| {}).await;
    let shown = Paying::begun(&at, PayWith::Page).await.shown().await;
    assert!(matches!(shown.state, TransactionState::Declined { .. }), "{shown:?}");
}

#[tokio::test]
async fn whom_tabby_does_not_want_is_told_why() {
    let at = Standin::<Tabby>::start().await;
    let wanted = charge(&at, PayWith::Page).await;
    for (fault, code) in [
        ("amount_too_high", "amount_too_high"),
        ("amount_too_low", "amount_too_low"),
        ("rejected", "not_available"),
        ("no_product", "not_available"),
    ] {
        at.fault("create_session", fault).await;
        let opened = at.vendor.open(&wanted, WITHIN).await.unwrap();
        assert_eq!(opened, Opened::Rejected { code: code.to_owned() });
    }
    let buyer = Buyer { phone: Some("+966500000002".to_owned()), ..wanted.buyer.clone() };
    let opened = at.vendor.open(&Charge { buyer, ..wanted }, WITHIN).await.unwrap();
    assert_eq!(opened, Opened::Rejected { code: "not_available".to_owned() });
}

/// A capture that nobody waits for any more arrives before the money is let go: it goes back as a refund.
#[tokio::test]
async fn what_was_taken_after_all_is_refunded() {
    let at = Standin::<Tabby>::start().await;
    let mut paying = Paying::ready(&at, Verb::LetGo, PayWith::Page).await;
    paying.say(Verb::Capture, WITHIN).await.unwrap();
    for _ in 0..2 {
        let said = paying.say(Verb::LetGo, WITHIN).await.unwrap();
        assert_eq!(paying.found(Verb::LetGo).await, said);
    }
    let price = paying.charge.amount.amount_minor;
    assert_eq!(paying.moved(&["refund", "void"]).await, [price]);
}

#[tokio::test]
async fn a_disputed_payment_is_not_refunded() {
    let at = Standin::<Tabby>::with(1, tells).await;
    let mut paying = Paying::ready(&at, Verb::Refund, PayWith::Page).await;
    let reference = paying.charge.payment.bare();
    at.control(Method::POST, "chargebacks", json!({ "reference": reference })).await;
    assert_eq!(paying.say(Verb::Refund, WITHIN).await.unwrap(), Said::No("conflict".to_owned()));
    let last = at.told().await.pop().unwrap();
    assert!(matches!(hint(&at, &last), Claim::Chargeback { .. }), "{last}");
}

/// Nobody listens there: what is told is read in the outbox.
fn tells(config: &mut sandbox::Config) {
    config.tabby_webhook_url = Some("http://127.0.0.1:9/webhooks/tabby".to_owned());
}

fn hint(at: &Standin<Tabby>, body: &str) -> Claim {
    let header = |name: &str| {
        (name == sandbox::TABBY_WEBHOOK_HEADER).then(|| sandbox::TABBY_WEBHOOK_SECRET.to_owned())
    };
    let delivery = Delivery { header: &header, path: None, body: body.as_bytes() };
    at.vendor.read_webhook(delivery).unwrap().claim
}

#[tokio::test]
async fn what_is_told_leads_to_what_happened() {
    let at = Standin::<Tabby>::with(1, tells).await;
    let mut paying = Paying::ready(&at, Verb::Refund, PayWith::Page).await;
    paying.say(Verb::Refund, WITHIN).await.unwrap();
    let told: Vec<Claim> = at.told().await.iter().map(|body| hint(&at, body)).collect();
    let came_in = Claim::Payment {
        reference: paying.charge.payment.bare(),
        transaction: Some(paying.session().id.clone()),
        final_success: true,
    };
    let [authorized, closed, refunded] = told.try_into().unwrap();
    assert_eq!((&authorized, &closed), (&came_in, &came_in));
    let Claim::Refund { reference, .. } = refunded else { panic!("{refunded:?}") };
    assert_eq!(reference, paying.refund_order(Verb::Refund).refund.bare());
}
