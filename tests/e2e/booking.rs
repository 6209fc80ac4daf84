//! A booking's ways: to a ticket, or to nothing left behind.

use harness::{Order, Shopper, visit};

#[tokio::test]
async fn an_approved_payment_ends_in_a_ticket() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    assert_eq!(booking.status().await, "PENDING");
    let payment = booking.pays().await;

    let view = booking.until_ticket().await;
    assert_eq!(view["status"], "CONFIRMED");
    assert_eq!(view["total"]["amount_minor"], 11_500);
    assert_eq!(payment.looks().await["verdict"], "WON");
    let ticket = booking.customer.gets(&format!("/api/v1/orders/{}/ticket.svg", booking.id)).await;
    assert_eq!((ticket.status, ticket.header("content-type")), (200, "image/svg+xml"));
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_declined_customer_pays_with_another_card_on_the_same_page() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.opens_payment().await;
    payment.shopper(Shopper::Declined).await;
    let declined = payment.until("FAILED").await;
    assert_eq!(declined["reason"], "card_declined");

    payment.shopper(Shopper::Approves).await;
    booking.until_ticket().await;
    assert_eq!(payment.looks().await["status"], "CAPTURED");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_booking_can_be_called_off_before_it_is_paid_and_as_often_as_one_likes() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    for _ in 0..2 {
        let answer = booking.cancels().await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &"CANCELLED".into()));
    }
    visit.assert_balanced().await;
    // Given back by us, not left to die by itself.
    let ledger = visit.vista().about_session(&booking.order.session).await;
    assert!(ledger.iter().all(|entry| entry["kind"] != "expire"), "{ledger:#?}");
}

#[tokio::test]
async fn a_confirmed_booking_cannot_be_called_off() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    booking.pays().await;
    booking.until("CONFIRMED").await;

    let answer = booking.cancels().await;
    answer.assert_problem(409, "booking_is_confirmed");
    assert_eq!(answer.body["retryable"], false);
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_booking_nobody_pays_expires_and_frees_its_seats() {
    let visit = visit().await;
    let order = Order::new(&visit);
    let booking = visit.customer().books(order.clone()).await;
    booking.until("EXPIRED").await;

    let next = visit.customer().books(order).await;
    next.pays().await;
    next.until_ticket().await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_page_that_is_left_is_abandoned_when_the_vendors_session_is_over() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.opens_payment().await;
    payment.shopper(Shopper::Leaves).await;

    payment.until("ABANDONED").await;
    assert_eq!(booking.status().await, "EXPIRED");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn what_costs_nothing_is_confirmed_without_a_payment() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit).free()).await;

    let view = booking.until_ticket().await;
    assert_eq!(view["total"]["amount_minor"], 0);
    assert_eq!(view["payments"], serde_json::json!([]));
    visit.assert_balanced().await;
}
