//! STC Pay through Checkout.com: a one-time password to a phone, and a payment that the vendor takes by itself.

use crate::{
    checkout::{Checkout, ask, made},
    standin::{Standin, is_unknown, session, until},
    vendor::{WITHIN, charge},
};
use adapters::provider::{Charge, PaymentProvider, TransactionState};
use schema::paying::{NextAct, PayWith};

async fn by_stc_pay(at: &Standin<Checkout>) -> Charge {
    charge(at, PayWith::StcPay { phone: "+966501234567".to_owned() }).await
}

#[tokio::test]
async fn a_password_in_time_pays_and_the_vendor_takes_the_money() {
    let at = Standin::<Checkout>::with(20, |_| {}).await;
    for status in ["201", "202"] {
        at.switch("stc_pay_status", status).await;
        let charge = by_stc_pay(&at).await;
        let sent = session(at.vendor.open(&charge, WITHIN).await.unwrap());
        assert_eq!(session(at.vendor.open(&charge, WITHIN).await.unwrap()), sent);
        assert_eq!(sent.next, NextAct::Otp);
        assert_eq!(at.did(&charge.payment.bare()).await, ["password_sent"], "one message");
        let given = "123456".into();
        let first = at.vendor.proceed(&charge, &sent, &given, WITHIN).await.unwrap();
        assert_eq!(at.vendor.proceed(&charge, &sent, &given, WITHIN).await.unwrap(), first);
        until("the money", async || {
            let [one] = ask(&at, &charge).await.try_into().unwrap();
            assert!(!matches!(one.state, TransactionState::Authorized), "nothing of ours to take");
            matches!(one.state, TransactionState::Captured { .. }).then_some(())
        })
        .await;
        let entries = at.entries(&charge.payment.bare()).await;
        let taken: Vec<_> = entries.iter().filter(|entry| entry["kind"] == "capture").collect();
        assert_eq!((taken.len(), made(&at, &charge).await), (1, 1));
        assert_eq!(taken[0]["amount_minor"], charge.amount.amount_minor);
    }
}

#[tokio::test]
async fn a_wrong_or_a_late_password_pays_nothing() {
    let at = Standin::<Checkout>::start().await;
    for (given, factor, code) in [("999999", 20, "20087"), ("123456", 1_000_000, "20019")] {
        at.clock(factor).await;
        let charge = by_stc_pay(&at).await;
        let sent = session(at.vendor.open(&charge, WITHIN).await.unwrap());
        at.vendor.proceed(&charge, &sent, &given.into(), WITHIN).await.unwrap();
        let declined = TransactionState::Declined { code: code.to_owned() };
        assert_eq!(ask(&at, &charge).await[0].state, declined);
    }
}

#[tokio::test]
async fn a_password_whose_answer_is_lost_has_paid_and_is_found() {
    let at = Standin::<Checkout>::with(20, |_| {}).await;
    let charge = by_stc_pay(&at).await;
    let sent = session(at.vendor.open(&charge, WITHIN).await.unwrap());
    at.fault("create_payment", "reset_after").await;
    assert!(is_unknown(&at.vendor.proceed(&charge, &sent, &"123456".into(), WITHIN).await));
    let found = at.vendor.find_opened(&charge, WITHIN).await.unwrap().unwrap();
    let again = at.vendor.proceed(&charge, &sent, &"123456".into(), WITHIN).await.unwrap();
    assert_eq!(found, again);
    assert_eq!(made(&at, &charge).await, 1);
}

#[tokio::test]
async fn stc_pay_that_is_approved_and_not_captured_is_declined() {
    let at = Standin::<Checkout>::with(20, |_| {}).await;
    let charge = by_stc_pay(&at).await;
    let sent = session(at.vendor.open(&charge, WITHIN).await.unwrap());
    at.fault("create_payment", "capture_declined").await;
    at.vendor.proceed(&charge, &sent, &"123456".into(), WITHIN).await.unwrap();
    until("the decline", async || {
        let state = ask(&at, &charge).await.into_iter().next()?.state;
        (state == TransactionState::Declined { code: "20005".to_owned() }).then_some(())
    })
    .await;
}
