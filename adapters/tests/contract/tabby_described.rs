//! Tabby as it describes itself: what the adapter asks and what the stand-in answers are both as published.

use crate::{
    prism::{Prism, description},
    standin::{Standin, Vendor, session},
    tabby::{Tabby, capture_order, refund_order},
};
use adapters::provider::{CaptureState, PaymentProvider, Question, RefundState, TransactionState};
use std::time::Duration;

/// Prism and Node are slow to begin with.
const WITHIN: Duration = Duration::from_secs(30);

/// Nothing that was seen is against the description, without an exception; and something was seen.
fn as_described(prism: Prism, at_least: usize) {
    let (requests, violations) = prism.seen();
    assert!(requests >= at_least, "only {requests} requests came through");
    assert!(violations.is_empty(), "{violations:#?}");
}

#[tokio::test]
async fn sessions_are_as_described() {
    let Some(description) = description("tabby.checkout.openapi.yml") else { return };
    let standin = Standin::<Tabby>::start(1).await;
    let upstream = format!("{}/tabby", standin.base_url);
    let prism = tokio::task::spawn_blocking(move || Prism::before(&upstream, &description));
    let prism = prism.await.unwrap();
    let through = Tabby::adapter_at(&prism.url);
    session(through.open(&Tabby::charge(), WITHIN).await.unwrap());
    for fault in ["amount_too_high", "no_product"] {
        standin.fault("create_session", fault).await;
        through.open(&Tabby::charge(), WITHIN).await.unwrap();
    }
    standin.fault("create_session", "currency_clash").await;
    through.open(&Tabby::charge(), WITHIN).await.unwrap_err();
    standin.fault("create_session", "not_authorized").await;
    through.open(&Tabby::charge(), WITHIN).await.unwrap_err();
    as_described(prism, 5);
}

#[tokio::test]
async fn payments_are_as_described() {
    let Some(description) = description("tabby.payments.openapi.yml") else { return };
    let standin = Standin::<Tabby>::start(1).await;
    let upstream = format!("{}/tabby", standin.base_url);
    let prism = tokio::task::spawn_blocking(move || Prism::before(&upstream, &description));
    let prism = prism.await.unwrap();
    let through = Tabby::adapter_at(&prism.url);
    let paid = session(standin.vendor.open(&Tabby::charge(), WITHIN).await.unwrap());
    let question = Question {
        payment: Tabby::charge().payment,
        session: Some(paid.id.clone()),
        account: None,
        transaction: None,
    };
    through.ask(&question, WITHIN).await.unwrap();
    standin.shopper(&paid, "approve").await;
    let [shown] = through.ask(&question, WITHIN).await.unwrap().try_into().unwrap();
    assert_eq!(shown.state, TransactionState::Authorized);
    for _ in 0..2 {
        let state = through.capture(&capture_order(&paid.id), WITHIN).await.unwrap();
        assert_eq!(state, CaptureState::Captured);
        let state = through.refund(&refund_order(&paid.id, false), WITHIN).await.unwrap();
        assert!(matches!(state, RefundState::Refunded { .. }));
        // Closed already, so it goes back instead; and that it has.
        through.refund(&refund_order(&paid.id, true), WITHIN).await.unwrap();
    }
    let unknown =
        Question { session: Some("00000000-0000-4000-8000-000000000000".to_owned()), ..question };
    assert_eq!(through.ask(&unknown, WITHIN).await.unwrap(), []);
    as_described(prism, 10);
}

/// The measure measures: an answer without what is required is seen.
#[tokio::test]
async fn what_is_not_as_described_is_seen() {
    let Some(description) = description("tabby.checkout.openapi.yml") else { return };
    let standin = Standin::<Tabby>::start(1).await;
    let upstream = format!("{}/tabby", standin.base_url);
    let prism = tokio::task::spawn_blocking(move || Prism::before(&upstream, &description));
    let prism = prism.await.unwrap();
    standin.fault("create_session", "missing_fields").await;
    Tabby::adapter_at(&prism.url).open(&Tabby::charge(), WITHIN).await.unwrap_err();
    let (requests, violations) = prism.seen();
    assert_eq!(requests, 1);
    assert!(violations.iter().any(|violation| violation.contains("order")), "{violations:#?}");
}
