//! Seats that cannot be had: the customer is told why, and nothing is left behind.

use harness::{Order, visit};
use serde_json::{Value, json};

#[tokio::test]
async fn a_session_that_cannot_be_booked_is_rejected_with_its_reason() {
    let visit = visit().await;
    let cases = [
        ("1098", "A1", "seats_taken"),
        ("1097", "A1", "session_closed"),
        (&*visit.session(), "Z99", "invalid_seats"),
    ];
    for (session, seat, reason) in cases {
        let booking = visit.customer().books(Order::of(session, &[seat])).await;
        let view = booking.looks().await;
        assert_eq!((&view["status"], &view["reason"]), (&json!("REJECTED"), &json!(reason)));
    }
    visit.assert_balanced().await;
}

#[tokio::test]
async fn seats_of_another_booking_are_not_to_be_had() {
    let visit = visit().await;
    let session = visit.session();
    let first = visit.customer().books(Order::of(&session, &["B1", "B2"])).await;
    let second = visit.customer().books(Order::of(&session, &["B2", "B3"])).await;
    assert_eq!(second.looks().await["reason"], "seats_taken");

    let beside = visit.customer().books(Order::of(&session, &["B3"])).await;
    for booking in [first, beside] {
        booking.pays().await;
        booking.until_ticket().await;
    }
    visit.assert_balanced().await;
}

#[tokio::test]
async fn of_customers_who_want_one_seat_at_once_exactly_one_gets_it() {
    let visit = visit().await;
    let order = Order::of(&visit.session(), &["C7"]);
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (customer, order) = (visit.customer(), order.clone());
        racing.spawn(async move { customer.books(order).await });
    }
    let bookings = racing.join_all().await;
    let mut winners = Vec::new();
    for booking in &bookings {
        match &*booking.status().await {
            "PENDING" => winners.push(booking),
            status => assert_eq!(status, "REJECTED"),
        }
    }
    assert_eq!(winners.len(), 1);
    winners[0].pays().await;
    winners[0].until_ticket().await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn the_seat_plan_shows_what_is_free_and_what_is_taken() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::of(&visit.session(), &["D4"])).await;
    let path = format!("/api/v1/cinemas/0001/sessions/{}/seats", booking.order.session);
    let plan = visit.customer().gets(&path).await;

    assert_eq!(plan.status, 200, "{plan:?}");
    assert_eq!(seat_status(&plan.body, "D4"), "taken");
    assert_eq!(seat_status(&plan.body, "D5"), "free");
    assert_eq!(plan.body["ticket_types"].as_array().map(Vec::len), Some(3));
    booking.cancels().await;
    visit.assert_balanced().await;
}

fn seat_status<'a>(plan: &'a Value, id: &str) -> &'a str {
    let list = |value: &'a Value| value.as_array().map_or(&[][..], Vec::as_slice);
    let rows = list(&plan["areas"]).iter().flat_map(|area| list(&area["rows"]));
    let mut seats = rows.flat_map(|row| list(&row["seats"]));
    seats.find(|seat| seat["id"] == id).and_then(|seat| seat["status"].as_str()).unwrap_or_default()
}
