//! The promises, once for all vendors.

use crate::payfort_standin::{IMPATIENT, Standin, WITHIN, charge};
use adapters::{
    Error,
    provider::{
        CaptureOrder, CaptureState, Charge, Opened, Question, RefundOrder, RefundState, Session,
        Transaction, TransactionState,
    },
};
use schema::{ids::RefundId, money::Money};
use secrecy::SecretString;

/// A payment that the customer has made.
struct Purchase {
    charge: Charge,
    session: Session,
    given: SecretString,
    paid: Transaction,
}

/// An answer is lost in one of these ways.
const LOST: [&str; 5] =
    ["reset_after", "timeout_after", "http_500_after", "empty_200_after", "torn_after"];

pub(crate) async fn a_payment_is_taken_once<V: Standin>(vendor: &V) {
    let Purchase { charge, session, given, paid } = pay(vendor, (0, "taken")).await;
    assert_eq!(paid.state, TransactionState::Captured { review: false });
    let second = vendor.provider().proceed(&charge, &session, &given, WITHIN).await;
    assert!(matches!(second, Ok(Opened::Open(_)) | Err(Error::Unknown { .. })), "{second:?}");
    assert!(vendor.provider().find_opened(&charge, WITHIN).await.unwrap().is_some());
    assert_eq!(booked(vendor, &charge.payment.bare(), "capture").await, (1, 10_580));
    assert_eq!(ask(vendor, &charge, &session).await, [paid]);
}

pub(crate) async fn what_is_reserved_is_taken_once<V: Standin>(vendor: &V) {
    let Purchase { charge, session, paid: reserved, .. } = pay(vendor, (1, "captured")).await;
    assert_eq!(reserved.state, TransactionState::Authorized);
    assert_eq!(booked(vendor, &charge.payment.bare(), "capture").await, (0, 0));
    let order = capture_order(&charge, &session, &reserved);
    assert_eq!(vendor.provider().find_capture(&order, WITHIN).await.unwrap(), None);
    let first = vendor.provider().capture(&order, WITHIN).await.unwrap();
    assert_eq!(first, CaptureState::Captured);
    let second = vendor.provider().capture(&order, WITHIN).await;
    assert!(
        matches!(second, Ok(CaptureState::Captured) | Err(Error::Unknown { .. })),
        "{second:?}"
    );
    assert_eq!(booked(vendor, &charge.payment.bare(), "capture").await, (1, 10_580));
    let found = vendor.provider().find_capture(&order, WITHIN).await.unwrap();
    assert_eq!(found, Some(CaptureState::Captured));
    let [shown] = ask(vendor, &charge, &session).await.try_into().unwrap();
    assert_eq!(shown.state, TransactionState::Captured { review: false });
}

pub(crate) async fn what_is_reserved_is_let_go_once<V: Standin>(vendor: &V) {
    let Purchase { charge, session, paid: reserved, .. } = pay(vendor, (1, "voided")).await;
    let order = RefundOrder { reserved: true, ..refund_order(&charge, &session, &reserved) };
    given_back(vendor, &order).await;
    assert_eq!(booked(vendor, &charge.payment.bare(), "void").await.0, 1);
    assert_eq!(booked(vendor, &charge.payment.bare(), "capture").await, (0, 0));
    let [shown] = ask(vendor, &charge, &session).await.try_into().unwrap();
    assert_eq!(shown.state, TransactionState::Voided);
}

/// A part is sent back, so that a second time there would be enough left for it.
pub(crate) async fn money_goes_back_once<V: Standin>(vendor: &V) {
    for (name, minor) in [("refunded", 10_580), ("refunded in part", 4_000)] {
        let Purchase { charge, session, paid, .. } = pay(vendor, (0, name)).await;
        let whole = refund_order(&charge, &session, &paid);
        let order = RefundOrder { amount: Money::sar(minor), ..whole };
        given_back(vendor, &order).await;
        assert_eq!(booked(vendor, &order.refund.bare(), "refund").await, (1, minor));
    }
}

async fn given_back<V: Standin>(vendor: &V, order: &RefundOrder) {
    assert_eq!(vendor.provider().find_refund(order, WITHIN).await.unwrap(), None);
    let first = vendor.provider().refund(order, WITHIN).await.unwrap();
    assert!(matches!(first, RefundState::Refunded { .. }), "{first:?}");
    let second = vendor.provider().refund(order, WITHIN).await;
    let honest = matches!(second, Ok(RefundState::Refunded { .. }) | Err(Error::Unknown { .. }));
    assert!(honest, "{second:?}");
    assert_eq!(vendor.provider().find_refund(order, WITHIN).await.unwrap(), Some(first));
}

pub(crate) async fn a_lost_charge_is_found<V: Standin>(vendor: &V) {
    for fault in LOST {
        for at in [0, 1] {
            let charge = a_charge(vendor, (at, fault));
            let (session, given) = vendor.gives(&charge).await;
            vendor.sandbox().fault(V::NAME, V::CHARGES[at], fault).await;
            let lost = vendor.provider().proceed(&charge, &session, &given, IMPATIENT).await;
            assert!(matches!(lost, Err(Error::Unknown { .. })), "{fault}: {lost:?}");
            let found = vendor.provider().find_opened(&charge, WITHIN).await.unwrap();
            assert!(found.is_some(), "{fault}");
        }
    }
}

pub(crate) async fn a_charge_that_never_happened_is_not_found<V: Standin>(vendor: &V) {
    for fault in ["reset_before", "timeout_before", "http_503_before", "empty_object_before"] {
        let charge = a_charge(vendor, (0, fault));
        let (session, given) = vendor.gives(&charge).await;
        vendor.sandbox().fault(V::NAME, V::CHARGES[0], fault).await;
        let lost = vendor.provider().proceed(&charge, &session, &given, IMPATIENT).await;
        assert!(matches!(lost, Err(Error::Unknown { .. })), "{fault}: {lost:?}");
        assert_eq!(vendor.provider().find_opened(&charge, WITHIN).await.unwrap(), None);
        assert_eq!(ask(vendor, &charge, &session).await, []);
    }
}

pub(crate) async fn a_lost_follow_up_is_found<V: Standin>(vendor: &V) {
    for fault in LOST {
        let Purchase { charge, session, paid: reserved, .. } =
            pay(vendor, (1, &format!("capture {fault}"))).await;
        let order = capture_order(&charge, &session, &reserved);
        vendor.sandbox().fault(V::NAME, "capture", fault).await;
        let lost = vendor.provider().capture(&order, IMPATIENT).await;
        assert!(matches!(lost, Err(Error::Unknown { .. })), "{fault}: {lost:?}");
        let found = vendor.provider().find_capture(&order, WITHIN).await.unwrap();
        assert_eq!(found, Some(CaptureState::Captured), "{fault}");

        for (op, reserved) in [("refund", false), ("void", true)] {
            let at = usize::from(reserved);
            let Purchase { charge, session, paid, .. } =
                pay(vendor, (at, &format!("{op} {fault}"))).await;
            let order = RefundOrder { reserved, ..refund_order(&charge, &session, &paid) };
            vendor.sandbox().fault(V::NAME, op, fault).await;
            let lost = vendor.provider().refund(&order, IMPATIENT).await;
            assert!(matches!(lost, Err(Error::Unknown { .. })), "{op} {fault}: {lost:?}");
            let found = vendor.provider().find_refund(&order, WITHIN).await.unwrap();
            assert!(matches!(found, Some(RefundState::Refunded { .. })), "{op} {fault}: {found:?}");
        }
    }
}

pub(crate) async fn a_decline_takes_nothing<V: Standin>(vendor: &V) {
    let charge = a_charge(vendor, (0, "declined"));
    let (session, given) = vendor.gives(&charge).await;
    vendor.sandbox().fault(V::NAME, V::CHARGES[0], "decline").await;
    let opened = vendor.provider().proceed(&charge, &session, &given, WITHIN).await.unwrap();
    vendor.approves(&session_of(opened)).await;
    let [shown] = ask(vendor, &charge, &session).await.try_into().unwrap();
    assert!(matches!(shown.state, TransactionState::Declined { .. }), "{shown:?}");
    assert_eq!(booked(vendor, &charge.payment.bare(), "capture").await, (0, 0));
}

fn a_charge<V: Standin>(vendor: &V, (at, name): (usize, &str)) -> Charge {
    let pay_with = vendor.pay_with()[at].clone();
    charge(vendor.provider(), pay_with, &format!("{name} {at}"))
}

async fn pay<V: Standin>(vendor: &V, which: (usize, &str)) -> Purchase {
    let charge = a_charge(vendor, which);
    let (session, given) = vendor.gives(&charge).await;
    let opened = vendor.provider().proceed(&charge, &session, &given, WITHIN).await.unwrap();
    vendor.approves(&session_of(opened)).await;
    let [paid] = ask(vendor, &charge, &session).await.try_into().unwrap();
    assert_eq!((paid.amount, &paid.reference), (charge.amount, &charge.payment.bare()));
    Purchase { charge, session, given, paid }
}

fn session_of(opened: Opened) -> Session {
    match opened {
        Opened::Open(session) => session,
        Opened::Rejected { code } => panic!("rejected: {code}"),
    }
}

async fn ask<V: Standin>(vendor: &V, charge: &Charge, session: &Session) -> Vec<Transaction> {
    let question = Question {
        payment: charge.payment,
        session: Some(session.id.clone()),
        account: Some(session.account.clone()),
        transaction: None,
    };
    vendor.provider().ask(&question, WITHIN).await.unwrap()
}

async fn booked<V: Standin>(vendor: &V, reference: &str, kind: &str) -> (usize, i64) {
    vendor.sandbox().ledger(V::NAME, reference, kind).await
}

fn capture_order(charge: &Charge, session: &Session, reserved: &Transaction) -> CaptureOrder {
    CaptureOrder {
        payment: charge.payment,
        transaction: reserved.id.clone(),
        account: session.account.clone(),
        amount: charge.amount,
    }
}

fn refund_order(charge: &Charge, session: &Session, paid: &Transaction) -> RefundOrder {
    RefundOrder {
        refund: RefundId::automatic(charge.payment, &paid.id),
        payment: charge.payment,
        transaction: paid.id.clone(),
        account: session.account.clone(),
        amount: charge.amount,
        reserved: false,
    }
}
