//! Taking it back after the money was taken: Vista first, then the money, whatever arrives meanwhile.

use harness::{Booking, Order, Payment, Shopper, Visit, visit};
use serde_json::Value;
use std::sync::Arc;

/// A booking whose payment was taken, while Vista keeps its answer to itself.
pub(crate) async fn confirming(visit: &Arc<Visit>, fault: &str) -> Booking {
    let booking = visit.customer().books(Order::new(visit)).await;
    visit.vista().fails("pay_order", &booking.order.session, fault).await;
    booking.pays().await;
    visit.until_under_way("confirm_order", Some(&booking)).await;
    booking
}

/// The same, of money that is only reserved.
pub(crate) async fn confirming_with(visit: &Arc<Visit>, fault: &str) -> (Booking, Payment) {
    let booking = visit.customer().books(Order::new(visit)).await;
    visit.vista().fails("pay_order", &booking.order.session, fault).await;
    let payment = booking.opens_card_payment().await;
    payment.shopper(Shopper::Approves).await;
    visit.until_under_way("confirm_order", Some(&booking)).await;
    (booking, payment)
}

#[tokio::test]
async fn staff_call_off_a_booking_that_vista_has_silently_made() {
    let visit = visit().await;
    let booking = confirming(&visit, "timeout_after").await;
    booking.at_engine("cancel").await;

    let view = booking.until("CANCELLED").await;
    assert_eq!(view["reason"], "cancelled_by_staff");
    booking.until_refunded().await;
    let ledger = visit.vista().about(booking.bare()).await;
    let kinds: Vec<&Value> = ledger.iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(kinds, ["booking", "refund"], "Vista had made it, and took it back");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn staff_call_off_a_booking_that_vista_has_never_heard_of() {
    let visit = visit().await;
    let booking = confirming(&visit, "timeout_before").await;
    booking.at_engine("cancel").await;

    booking.until("CANCELLED").await;
    assert_eq!(visit.vista().about(booking.bare()).await, Vec::<Value>::new());
    visit.assert_balanced().await;
}

#[tokio::test]
async fn cancels_that_arrive_while_it_unwinds_skip_nothing() {
    let visit = visit().await;
    let booking = confirming(&visit, "timeout_after").await;
    let answer = booking.cancels().await;
    answer.assert_problem(409, "booking_is_confirming");
    assert_eq!(answer.body["retryable"], true);

    visit.vista().fails("refund_booking", &booking.order.session, "timeout_after").await;
    while booking.status().await == "CONFIRMING" {
        booking.at_engine("cancel").await;
    }
    assert_eq!(booking.status().await, "CANCELLED");
    booking.until_refunded().await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn staff_call_off_a_booking_that_waits_for_its_customer() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.opens_payment().await;
    booking.at_engine("cancel").await;
    booking.until("CANCELLED").await;

    payment.shopper(Shopper::Approves).await;
    booking.until_refunded().await;
    visit.assert_balanced().await;
}
