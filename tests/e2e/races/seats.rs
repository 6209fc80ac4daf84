//! Two customers, one seat.

use super::{Race, row};
use harness::{Booking, Customer, Order, visit};
use std::sync::Arc;

#[tokio::test]
async fn two_customers_on_one_seat() {
    let visit = visit().await;
    let race = Race::new(&visit, ["first customer", "second customer"]);
    race.run(want_one_seat).await.assert_close();
    visit.assert_balanced().await;
}

async fn want_one_seat(race: Arc<Race>, number: usize) {
    let _lane = race.lane().await;
    // Free, so that it ends without a payment.
    let order = race.seat(number).free();
    let one = orders(race.customer(), order.clone());
    let (one, other) = race.both(one, orders(race.customer(), order)).await;
    let query = "SELECT status FROM bookings
                 WHERE booking_id = $1 AND status IN ('CONFIRMED', 'REJECTED')";
    let ends: (String, String) = tokio::join!(row(&one, query), row(&other, query));
    match (&*ends.0, &*ends.1) {
        ("CONFIRMED", "REJECTED") => race.has_won(0),
        ("REJECTED", "CONFIRMED") => race.has_won(1),
        ends => panic!("{ends:?} of {one:?} and {other:?}"),
    }
}

/// Does not wait for what becomes of it.
async fn orders(customer: Customer, order: Order) -> Booking {
    let answer = customer.orders(&order, &Customer::key()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = answer.body["id"].as_str().unwrap().to_owned();
    Booking { customer, id, order }
}
