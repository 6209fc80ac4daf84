//! Vista silent, late or garbled just when a paid booking is confirmed: one ticket, or the money back.

use harness::{Booking, Order, visit};

/// Pays a booking whose confirmation at Vista goes wrong like this.
async fn paid_with(fault: (&str, Option<u64>)) -> Booking {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let session = &booking.order.session;
    match fault {
        (fault, None) => visit.vista().fails("pay_order", session, fault).await,
        (fault, Some(ms)) => visit.vista().fails_for("pay_order", session, (fault, ms)).await,
    }
    booking.pays().await;
    booking
}

/// However it went wrong, it is confirmed once.
async fn is_confirmed_in_spite_of(fault: (&str, Option<u64>)) {
    let booking = paid_with(fault).await;
    booking.until_ticket().await;
    booking.customer.visit.assert_balanced().await;
}

#[tokio::test]
async fn a_confirmation_whose_answer_never_comes_is_looked_up() {
    is_confirmed_in_spite_of(("timeout_after", None)).await;
}

#[tokio::test]
async fn a_confirmation_that_never_arrived_is_sent_again() {
    is_confirmed_in_spite_of(("timeout_before", None)).await;
}

#[tokio::test]
async fn a_confirmation_that_fails_after_it_was_done_is_looked_up() {
    is_confirmed_in_spite_of(("http_500_after", None)).await;
}

#[tokio::test]
async fn a_confirmation_that_fails_before_it_was_done_is_sent_again() {
    is_confirmed_in_spite_of(("http_500_before", None)).await;
}

#[tokio::test]
async fn a_confirmation_that_is_done_after_its_failure_is_not_doubled() {
    is_confirmed_in_spite_of(("late_commit", Some(800))).await;
}

#[tokio::test]
async fn a_confirmation_answered_with_a_web_page_is_looked_up() {
    is_confirmed_in_spite_of(("html_200", None)).await;
}

#[tokio::test]
async fn a_confirmation_whose_answer_is_cut_off_is_looked_up() {
    is_confirmed_in_spite_of(("truncated_after", None)).await;
}

#[tokio::test]
async fn a_confirmation_that_vista_refuses_gives_the_money_back() {
    let booking = paid_with(("code_69", None)).await;
    let view = booking.until("CANCELLED").await;
    assert_eq!(view["reason"], "vista_rejected");
    booking.until_refunded().await;
    booking.customer.visit.assert_balanced().await;
}

#[tokio::test]
async fn a_hold_that_is_taken_meanwhile_is_rejected() {
    let visit = visit().await;
    let order = Order::new(&visit);
    visit.vista().fails("set_tickets", &order.session, "seat_taken").await;
    let booking = visit.customer().books(order).await;
    assert_eq!(booking.looks().await["reason"], "seats_taken");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_hold_whose_answer_never_comes_is_tried_again() {
    let visit = visit().await;
    let order = Order::new(&visit);
    visit.vista().fails("set_tickets", &order.session, "timeout_after").await;
    let booking = visit.customer().books(order).await;
    assert_eq!(booking.status().await, "PENDING");
    booking.pays().await;
    booking.until_ticket().await;
    visit.assert_balanced().await;
}
