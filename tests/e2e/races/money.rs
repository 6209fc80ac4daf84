//! Money against the end of its booking, and money against money.

use super::{Race, after, left_pending, row};
use harness::{Shopper, visit};
use std::sync::Arc;

#[tokio::test]
async fn the_customers_cancel_against_the_webhook() {
    let visit = visit().await;
    let race = Race::new(&visit, ["cancel", "webhook"]);
    race.run(cancels_and_pays).await.assert_close();
    visit.assert_balanced().await;
}

async fn cancels_and_pays(race: Arc<Race>, number: usize) {
    let _lane = race.lane().await;
    let page = race.page(number).await;
    let (cancel, ()) = race.both(page.booking.cancels(), page.shopper(Shopper::Approves)).await;
    let paid = left_pending(&page.booking).await != "CANCELLED";
    assert_eq!(cancel.status, if paid { 409 } else { 200 }, "{cancel:?}");
    race.has_won(usize::from(paid));
}

#[tokio::test]
async fn the_webhook_against_expiry() {
    let visit = visit().await;
    let race = Race::new(&visit, ["webhook", "expiry"]);
    race.run(pays_when_its_time_is_over).await.assert_close();
    visit.assert_balanced().await;
}

/// When so little is left of its time, it is seen by how much the last ones missed it.
const LAST_MS: i64 = 500;

async fn pays_when_its_time_is_over(race: Arc<Race>, number: usize) {
    let lane = race.lane().await;
    let page = race.page(number).await;
    drop(lane);
    let left = "SELECT CEIL(EXTRACT(EPOCH FROM expires_at - clock_timestamp()) * 1000)::int8
                FROM bookings WHERE booking_id = $1";
    let ms: i64 = row(&page.booking, left).await;
    after(ms - LAST_MS, async {}).await;
    let ms: i64 = row(&page.booking, left).await;
    after(ms + race.handicap_ms(), page.shopper(Shopper::Approves)).await;
    race.has_won(usize::from(left_pending(&page.booking).await == "EXPIRED"));
}

#[tokio::test]
async fn two_payments_at_once() {
    let visit = visit().await;
    let race = Race::new(&visit, ["first tab", "second tab"]);
    race.run(pays_in_two_tabs).await.assert_close();
    visit.assert_balanced().await;
}

async fn pays_in_two_tabs(race: Arc<Race>, number: usize) {
    let _lane = race.lane().await;
    let one = race.page(number).await;
    let other = one.booking.opens_payment().await;
    race.both(one.shopper(Shopper::Approves), other.shopper(Shopper::Approves)).await;
    let query = "SELECT payment_id::text FROM captures WHERE booking_id = $1 AND verdict = 'WON'
                 AND 2 = (SELECT count(*) FROM captures WHERE booking_id = $1)";
    let won: String = row(&one.booking, query).await;
    race.has_won(usize::from(won == other.reference()));
}
