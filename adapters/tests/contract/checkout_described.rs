//! Checkout.com as it describes itself: what the adapter asks and what the stand-in answers are both as published. Payment
//! contexts (STC Pay) are in no published description.

use crate::{
    checkout::{Checkout, by_apple_pay, by_saved_card, by_token},
    prism::Prism,
    standin::{Standin, session, until},
    vendor::Vendor,
};
use adapters::{
    checkout::Checkout as Adapter,
    provider::{
        CaptureOrder, CaptureState, Charge, PaymentProvider, Question, RefundOrder, RefundState,
        Session, TransactionState,
    },
};
use schema::{ids::RefundId, paying::NextAct};
use std::time::Duration;

/// Prism and Node are slow to begin with.
const WITHIN: Duration = Duration::from_secs(30);
const DESCRIPTION: &str = "checkout.payments.openapi.json";

/// Known limits of the description, each a part of the violation that it makes of what is right.
const EXCEPTED: [&str; 1] = [
    // It requires an id of the balances, and lists none among their properties.
    "balances must have required property 'id'",
];

/// The stand-in, the description before it, and the adapter before that.
async fn described() -> Option<(Standin<Checkout>, Prism, Adapter)> {
    let at = Standin::<Checkout>::with(20, |_| {}).await;
    let prism = Prism::before(format!("{}/{}", at.base, Checkout::NAME), DESCRIPTION).await?;
    let through = Checkout::adapter_at(&prism.url, 1);
    Some((at, prism, through))
}

fn capture_of(charge: &Charge, session: &Session) -> CaptureOrder {
    CaptureOrder {
        payment: charge.payment,
        transaction: session.id.clone(),
        account: session.account.clone(),
        amount: charge.amount,
    }
}

fn refund_of(charge: &Charge, session: &Session, reserved: bool) -> RefundOrder {
    RefundOrder {
        refund: RefundId::automatic(charge.payment, &session.id),
        payment: charge.payment,
        transaction: session.id.clone(),
        account: session.account.clone(),
        amount: charge.amount,
        reserved,
    }
}

async fn state(through: &Adapter, charge: &Charge) -> TransactionState {
    let question = Question {
        payment: charge.payment,
        session: None,
        account: None,
        transaction: None,
        known: Vec::new(),
    };
    let [shown] = through.ask(&question, WITHIN).await.unwrap().try_into().unwrap();
    shown.state
}

async fn taken(through: &Adapter, order: &CaptureOrder) {
    through.capture(order, WITHIN).await.unwrap();
    until("the capture", async || {
        let found = through.find_capture(order, WITHIN).await.unwrap();
        (found == Some(CaptureState::Captured { transaction: None })).then_some(())
    })
    .await;
}

async fn given_back(through: &Adapter, order: &RefundOrder) {
    through.refund(order, WITHIN).await.unwrap();
    until("the refund", async || {
        let found = through.find_refund(order, WITHIN).await.unwrap();
        matches!(found, Some(RefundState::Refunded { .. })).then_some(())
    })
    .await;
}

/// A card's token, with the issuer's page: taken and sent back; what is asked of a payment there is not.
#[tokio::test]
async fn a_payment_is_as_described_from_its_token_to_its_refund() {
    let Some((at, prism, through)) = described().await else { return };
    let charge = by_token(&at).await;
    assert_eq!(through.find_opened(&charge, WITHIN).await.unwrap(), None);
    let opened = session(through.open(&charge, WITHIN).await.unwrap());
    assert!(matches!(opened.next, NextAct::Redirect { .. }), "{opened:?}");
    assert_eq!(session(through.find_opened(&charge, WITHIN).await.unwrap().unwrap()), opened);
    at.shopper(&opened.id, "approve").await;
    assert_eq!(state(&through, &charge).await, TransactionState::Authorized);
    taken(&through, &capture_of(&charge, &opened)).await;
    assert_eq!(state(&through, &charge).await, TransactionState::Captured { review: false });
    given_back(&through, &refund_of(&charge, &opened, false)).await;
    let nobodys = Question {
        payment: charge.payment,
        session: Some(format!("pay_{}", "a".repeat(26))),
        account: None,
        transaction: None,
        known: Vec::new(),
    };
    assert_eq!(through.ask(&nobodys, WITHIN).await.unwrap().len(), 1);
    prism.saw_nothing_but(&EXCEPTED, 12);
}

/// Saved cards and Apple Pay; let go again; and what the issuer declines.
#[tokio::test]
async fn every_source_is_as_described_and_so_are_a_void_and_a_decline() {
    let Some((at, prism, through)) = described().await else { return };
    at.switch("challenge", "never").await;
    for charge in [by_token(&at).await, by_saved_card(&at).await, by_apple_pay(&at).await] {
        let opened = session(through.open(&charge, WITHIN).await.unwrap());
        assert_eq!(opened.next, NextAct::Nothing);
        given_back(&through, &refund_of(&charge, &opened, true)).await;
        assert_eq!(state(&through, &charge).await, TransactionState::Voided);
        let late = through.capture(&capture_of(&charge, &opened), WITHIN).await.unwrap();
        assert!(matches!(late, CaptureState::Rejected { .. }), "{late:?}");
    }
    let charge = by_token(&at).await;
    at.fault("create_payment", "decline").await;
    through.open(&charge, WITHIN).await.unwrap();
    assert!(matches!(state(&through, &charge).await, TransactionState::Declined { .. }));
    for fault in ["token_expired", "key_refused"] {
        at.fault("create_payment", fault).await;
        let _ = through.open(&by_token(&at).await, WITHIN).await;
    }
    prism.saw_nothing_but(&EXCEPTED, 20);
}

/// The measure measures: a status that is not among the published ones is seen.
#[tokio::test]
async fn what_is_not_as_described_is_seen() {
    let Some((at, prism, through)) = described().await else { return };
    let charge = by_token(&at).await;
    at.vendor.open(&charge, WITHIN).await.unwrap();
    at.fault("find_payments", "unknown_status").await;
    assert_eq!(state(&through, &charge).await, TransactionState::Pending);
    let (requests, violations) = prism.seen();
    assert_eq!(requests, 1);
    assert!(violations.iter().any(|violation| violation.contains("status")), "{violations:#?}");
}
