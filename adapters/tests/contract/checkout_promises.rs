//! The promises of `PaymentProvider`, one test each, for any vendor that reserves money first.

use crate::checkout_standin::{
    BRIEFLY, Moved, PRICE, Standin, WITHIN, capture_of, refund_of, until,
};
use adapters::{
    Error,
    provider::{
        CaptureOrder, CaptureState, Charge, Opened, Question, RefundOrder, RefundState, Session,
        Transaction, TransactionState,
    },
};

/// A payment whose money is reserved.
struct Reserved {
    charge: Charge,
    capture: CaptureOrder,
}

fn session(opened: Opened) -> Session {
    match opened {
        Opened::Open(session) => session,
        Opened::Rejected { code } => panic!("rejected: {code}"),
    }
}

fn is_unknown<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Unknown { .. }))
}

async fn ask<S: Standin>(at: &S, charge: &Charge, session: &Session) -> Vec<Transaction> {
    let question = Question {
        payment: charge.payment,
        session: Some(session.id.clone()),
        account: Some(session.account.clone()),
        transaction: None,
    };
    at.vendor().ask(&question, WITHIN).await.unwrap()
}

/// The one transaction, once it is as it should be.
async fn stands<S: Standin>(
    at: &S,
    charge: &Charge,
    session: &Session,
    is: fn(&TransactionState) -> bool,
) -> Transaction {
    let found = until("the transaction", async || {
        ask(at, charge, session).await.into_iter().find(|one| is(&one.state))
    })
    .await;
    assert_eq!((&found.reference, found.amount), (&charge.payment.bare(), PRICE));
    found
}

async fn approved<S: Standin>(at: &S, charge: Charge, opened: Opened) -> Reserved {
    let session = session(opened);
    at.approve(&session).await;
    let is_reserved = |state: &TransactionState| *state == TransactionState::Authorized;
    let found = stands(at, &charge, &session, is_reserved).await;
    Reserved { capture: capture_of(&charge, &found.id, &session), charge }
}

/// Opened twice, as after a crash between the answer and its record.
async fn reserved<S: Standin>(at: &S) -> Reserved {
    let charge = at.charge().await;
    let first = at.vendor().open(&charge, WITHIN).await.unwrap();
    let again = at.vendor().open(&charge, WITHIN).await.unwrap();
    assert_eq!(first, again);
    approved(at, charge, again).await
}

async fn taken<S: Standin>(at: &S, order: &CaptureOrder) {
    until("the capture", async || {
        let found = at.vendor().find_capture(order, WITHIN).await.unwrap();
        (found == Some(CaptureState::Captured)).then_some(())
    })
    .await;
}

async fn is_back<S: Standin>(at: &S, order: &RefundOrder) {
    until("the refund", async || {
        let found = at.vendor().find_refund(order, WITHIN).await.unwrap();
        matches!(found, Some(RefundState::Refunded { .. })).then_some(())
    })
    .await;
}

async fn moved<S: Standin>(at: &S, order: &CaptureOrder) -> Moved {
    let refund = refund_of(order, false).refund.bare();
    at.sandbox().moved(S::NAME, &[&order.payment.bare(), &refund]).await
}

const RESERVED: Moved = Moved { reserved: PRICE.amount_minor, taken: 0, let_go: 0, sent_back: 0 };
const TAKEN: Moved = Moved { taken: PRICE.amount_minor, ..RESERVED };

pub(crate) async fn reserved_money_is_taken_once<S: Standin>() {
    let at = S::start().await;
    let Reserved { charge, capture } = reserved(&at).await;
    assert_eq!(moved(&at, &capture).await, RESERVED);
    for _ in 0..2 {
        let state = at.vendor().capture(&capture, WITHIN).await.unwrap();
        assert!(matches!(state, CaptureState::Captured | CaptureState::Pending), "{state:?}");
    }
    taken(&at, &capture).await;
    let again = at.vendor().capture(&capture, WITHIN).await;
    assert!(!matches!(again, Err(Error::Unavailable { .. })), "{again:?}");
    assert_eq!(moved(&at, &capture).await, TAKEN);
    let found = until("the payment", async || {
        let question = Question {
            payment: charge.payment,
            session: None,
            account: Some(capture.account.clone()),
            transaction: None,
        };
        let shown = at.vendor().ask(&question, WITHIN).await.unwrap();
        shown.into_iter().find(|one| matches!(one.state, TransactionState::Captured { .. }))
    })
    .await;
    assert_eq!((found.id, found.amount), (capture.transaction, PRICE));
}

pub(crate) async fn reserved_money_is_let_go_once<S: Standin>() {
    let at = S::start().await;
    let Reserved { capture, .. } = reserved(&at).await;
    let order = refund_of(&capture, true);
    for _ in 0..2 {
        let state = at.vendor().refund(&order, WITHIN).await.unwrap();
        assert!(!matches!(state, RefundState::Rejected { .. }), "{state:?}");
    }
    is_back(&at, &order).await;
    assert_eq!(moved(&at, &capture).await, Moved { let_go: PRICE.amount_minor, ..RESERVED });
    let late = at.vendor().capture(&capture, WITHIN).await.unwrap();
    assert!(matches!(late, CaptureState::Rejected { .. }), "{late:?}");
}

pub(crate) async fn taken_money_goes_back_once<S: Standin>() {
    let at = S::start().await;
    let Reserved { capture, .. } = reserved(&at).await;
    at.vendor().capture(&capture, WITHIN).await.unwrap();
    taken(&at, &capture).await;
    let order = refund_of(&capture, false);
    for _ in 0..2 {
        let state = at.vendor().refund(&order, WITHIN).await.unwrap();
        assert!(!matches!(state, RefundState::Rejected { .. }), "{state:?}");
    }
    is_back(&at, &order).await;
    assert_eq!(moved(&at, &capture).await, Moved { sent_back: PRICE.amount_minor, ..TAKEN });
}

/// Faults that let a call take effect and lose its answer.
const LOST: [&str; 5] =
    ["timeout_after", "reset_after", "truncated_after", "http_502_after", "html_200"];

pub(crate) async fn a_lost_charge_is_found<S: Standin>() {
    let at = S::start().await;
    for fault in LOST {
        let charge = at.charge().await;
        at.sandbox().fails(S::NAME, S::CHARGE, fault).await;
        let lost = at.vendor().open(&charge, BRIEFLY).await;
        assert!(is_unknown(&lost), "{fault}: {lost:?}");
        let found = at.vendor().find_opened(&charge, WITHIN).await.unwrap().unwrap();
        let again = at.vendor().open(&charge, WITHIN).await.unwrap();
        assert_eq!(found, again, "{fault}");
        let Reserved { capture, .. } = approved(&at, charge, found).await;
        assert_eq!(moved(&at, &capture).await, RESERVED, "{fault}");
    }
}

pub(crate) async fn a_lost_follow_up_is_found<S: Standin>() {
    let at = S::start().await;
    for fault in LOST {
        let Reserved { capture, .. } = reserved(&at).await;
        at.sandbox().fails(S::NAME, S::CAPTURE, fault).await;
        let lost = at.vendor().capture(&capture, BRIEFLY).await;
        assert!(is_unknown(&lost), "{fault}: {lost:?}");
        taken(&at, &capture).await;
        let order = refund_of(&capture, false);
        at.sandbox().fails(S::NAME, S::REFUND, fault).await;
        let lost = at.vendor().refund(&order, BRIEFLY).await;
        assert!(is_unknown(&lost), "{fault}: {lost:?}");
        is_back(&at, &order).await;
        let all = Moved { sent_back: PRICE.amount_minor, ..TAKEN };
        assert_eq!(moved(&at, &capture).await, all, "{fault}");
        let Reserved { capture, .. } = reserved(&at).await;
        let order = refund_of(&capture, true);
        at.sandbox().fails(S::NAME, S::VOID, fault).await;
        let lost = at.vendor().refund(&order, BRIEFLY).await;
        assert!(is_unknown(&lost), "{fault}: {lost:?}");
        is_back(&at, &order).await;
        let all = Moved { let_go: PRICE.amount_minor, ..RESERVED };
        assert_eq!(moved(&at, &capture).await, all, "{fault}");
    }
}

pub(crate) async fn what_never_happened_is_not_found<S: Standin>() {
    let at = S::start().await;
    for fault in ["timeout_before", "reset_before", "http_500_before"] {
        let charge = at.charge().await;
        at.sandbox().fails(S::NAME, S::CHARGE, fault).await;
        let lost = at.vendor().open(&charge, BRIEFLY).await;
        assert!(is_unknown(&lost), "{fault}: {lost:?}");
        assert_eq!(at.vendor().find_opened(&charge, WITHIN).await.unwrap(), None, "{fault}");
        let opened = at.vendor().open(&charge, WITHIN).await.unwrap();
        let Reserved { capture, .. } = approved(&at, charge, opened).await;
        at.sandbox().fails(S::NAME, S::CAPTURE, fault).await;
        assert!(is_unknown(&at.vendor().capture(&capture, BRIEFLY).await), "{fault}");
        assert_eq!(at.vendor().find_capture(&capture, WITHIN).await.unwrap(), None, "{fault}");
        let order = refund_of(&capture, true);
        at.sandbox().fails(S::NAME, S::VOID, fault).await;
        assert!(is_unknown(&at.vendor().refund(&order, BRIEFLY).await), "{fault}");
        assert_eq!(at.vendor().find_refund(&order, WITHIN).await.unwrap(), None, "{fault}");
        assert_eq!(moved(&at, &capture).await, RESERVED, "{fault}");
    }
}

pub(crate) async fn a_decline_is_a_value<S: Standin>() {
    let at = S::start().await;
    let charge = at.charge().await;
    at.sandbox().fails(S::NAME, S::CHARGE, "decline").await;
    let session = session(at.vendor().open(&charge, WITHIN).await.unwrap());
    assert!(!session.next.waits_for_the_customer());
    let is_declined = |state: &TransactionState| matches!(state, TransactionState::Declined { .. });
    stands(&at, &charge, &session, is_declined).await;
    let moved = at.sandbox().moved(S::NAME, &[&charge.payment.bare()]).await;
    assert_eq!(moved, Moved::default());
}

pub(crate) async fn another_amount_is_no_answer<S: Standin>() {
    let at = S::start().await;
    let charge = at.charge().await;
    at.sandbox().fails(S::NAME, S::CHARGE, "amount_mismatch").await;
    let opened = at.vendor().open(&charge, WITHIN).await;
    // Where the answer shows no amount yet, the look-up does.
    let found = at.vendor().find_opened(&charge, WITHIN).await;
    assert!(is_unknown(&opened) || is_unknown(&found), "{opened:?}, {found:?}");
}
