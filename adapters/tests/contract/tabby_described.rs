//! Tabby as it describes itself: what the adapter asks and what the stand-in answers are both as published.

use crate::{
    paying::{Paying, Said},
    prism::Prism,
    standin::{Standin, session},
    tabby::Tabby,
    vendor::{Vendor, Verb, charge},
};
use adapters::provider::{PaymentProvider, Question, TransactionState};
use schema::paying::PayWith;
use std::time::Duration;

/// Prism and Node are slow to begin with.
const WITHIN: Duration = Duration::from_secs(30);

/// The stand-in in its own time, and the description before it.
async fn described(name: &'static str) -> Option<(Standin<Tabby>, Prism)> {
    let at = Standin::<Tabby>::with(1, |_| {}).await;
    let prism = Prism::before(format!("{}/{}", at.base, Tabby::NAME), name).await?;
    Some((at, prism))
}

#[tokio::test]
async fn sessions_are_as_described() {
    let Some((at, prism)) = described("tabby.checkout.openapi.yml").await else { return };
    let through = Tabby::adapter_at(&prism.url);
    let charge = charge(&at, PayWith::Page).await;
    session(through.open(&charge, WITHIN).await.unwrap());
    for fault in ["amount_too_high", "no_product"] {
        at.fault("create_session", fault).await;
        through.open(&charge, WITHIN).await.unwrap();
    }
    for fault in ["currency_clash", "not_authorized"] {
        at.fault("create_session", fault).await;
        through.open(&charge, WITHIN).await.unwrap_err();
    }
    prism.saw_nothing_but(&[], 5);
}

#[tokio::test]
async fn payments_are_as_described() {
    let Some((at, prism)) = described("tabby.payments.openapi.yml").await else { return };
    let through = Tabby::adapter_at(&prism.url);
    // The page is another description's.
    let paying = Paying::approved(&at, PayWith::Page).await;
    let question = |id: &str| Question {
        payment: paying.charge.payment,
        session: Some(id.to_owned()),
        account: None,
        transaction: None,
        known: Vec::new(),
    };
    let ours = question(&paying.session().id);
    let [shown] = through.ask(&ours, WITHIN).await.unwrap().try_into().unwrap();
    assert_eq!(shown.state, TransactionState::Authorized);
    for _ in 0..2 {
        through.capture(&paying.capture_order(), WITHIN).await.unwrap();
        through.refund(&paying.refund_order(Verb::Refund), WITHIN).await.unwrap();
        // Closed already, so it goes back instead; and that it has.
        through.refund(&paying.refund_order(Verb::LetGo), WITHIN).await.unwrap();
    }
    let refund = paying.find(Verb::Refund, WITHIN).await.unwrap();
    assert!(matches!(refund, Some(Said::Done(_))), "{refund:?}");
    let nobodys = question("00000000-0000-4000-8000-000000000000");
    assert_eq!(through.ask(&nobodys, WITHIN).await.unwrap(), []);
    prism.saw_nothing_but(&[], 9);
}

/// The measure measures: an answer without what is required is seen.
#[tokio::test]
async fn what_is_not_as_described_is_seen() {
    let Some((at, prism)) = described("tabby.checkout.openapi.yml").await else { return };
    at.fault("create_session", "missing_fields").await;
    let charge = charge(&at, PayWith::Page).await;
    Tabby::adapter_at(&prism.url).open(&charge, WITHIN).await.unwrap_err();
    let (requests, violations) = prism.seen();
    assert_eq!(requests, 1);
    assert!(violations.iter().any(|violation| violation.contains("order")), "{violations:#?}");
}
