//! Money against the end of its booking, and money against money: at every vendor, mixed in one run.

use super::{Race, after, in_all, left_pending, row};
use harness::{Payment, Shopper, Way, until, visit};
use std::sync::Arc;

/// Where the money can come late: by an act at the vendor's, which asks nobody. (A password goes through us, and is not
/// taken any more; what Apple's sheet gave is charged at once.)
const WAYS: [Way; 7] = Way::BY_AN_ACT;
/// Where one can pay until the booking's time is over: a terminal waits five minutes.
const PAGES: [Way; 6] = [
    Way::HyperPayPage,
    Way::HyperPayCard,
    Way::PayFortMada,
    Way::PayFortCard,
    Way::CheckoutCard,
    Way::Tabby,
];

#[tokio::test]
async fn the_customers_cancel_against_the_webhook() {
    let visit = visit().await;
    in_all(&visit, ["cancel", "webhook"], &WAYS, cancels_and_pays).await;
}

async fn cancels_and_pays(race: Arc<Race>, number: usize) {
    let _lane = race.lane().await;
    let (page, act) = race.last_act(number).await;
    let pays = page.does(&act, Shopper::Approves);
    let (cancel, ()) = race.both(page.booking.cancels(), pays).await;
    let paid = left_pending(&page.booking).await != "CANCELLED";
    assert_eq!(cancel.status, if paid { 409 } else { 200 }, "{cancel:?}");
    race.has_won(usize::from(paid));
    if !paid {
        page.goes_back().await;
    }
}

#[tokio::test]
async fn the_webhook_against_expiry() {
    let visit = visit().await;
    in_all(&visit, ["webhook", "expiry"], &PAGES, pays_when_its_time_is_over).await;
}

/// When so little is left of its time, it is seen by how much the last ones missed it.
const LAST_MS: i64 = 500;

async fn pays_when_its_time_is_over(race: Arc<Race>, number: usize) {
    let lane = race.lane().await;
    let (page, act) = race.last_act(number).await;
    drop(lane);
    let left = "SELECT CEIL(EXTRACT(EPOCH FROM expires_at - clock_timestamp()) * 1000)::int8
                FROM bookings WHERE booking_id = $1";
    let ms: i64 = row(&page.booking, left).await;
    after(ms - LAST_MS, async {}).await;
    let ms: i64 = row(&page.booking, left).await;
    after(ms + race.handicap_ms(), page.does(&act, Shopper::Approves)).await;
    race.has_won(usize::from(left_pending(&page.booking).await == "EXPIRED"));
}

#[tokio::test]
async fn the_webhook_against_our_own_question() {
    let visit = visit().await;
    in_all(&visit, ["webhook", "question"], &WAYS, is_told_and_asks).await;
}

/// The vendor tells of the payment while the customer, who is back, makes us ask: whichever settles it, the other finds
/// it settled.
async fn is_told_and_asks(race: Arc<Race>, number: usize) {
    let _lane = race.lane().await;
    let (page, act) = race.last_act(number).await;
    let visit = &race.visit;
    let late = u64::try_from(race.handicap_ms()).unwrap_or(0);
    let matching = serde_json::json!({ "op": "webhook", "reference": page.reference() });
    let rule = serde_json::json!({ "match": matching, "fault": "late", "delay_ms": late });
    visit.misbehaves(race.way.vendor(), &rule).await;
    let paid_at = "SELECT clock_timestamp()::text";
    let paid_at: String = sqlx::query_scalar(paid_at).fetch_one(&visit.db).await.unwrap();
    page.does(&act, Shopper::Approves).await;
    after(-race.handicap_ms(), comes_back(&page)).await;
    // A vendor may have told of the payment before it was paid, and tells of its capture later.
    let query = "SELECT min(received_at) > min(settled_at)
                 FROM webhook_deliveries JOIN captures USING (booking_id)
                 WHERE booking_id = $1 AND webhook_deliveries.verdict IS NOT NULL
                   AND received_at > $2::timestamptz";
    let settled_before_it_was_told = || async {
        let look = sqlx::query_scalar::<_, Option<bool>>(query).bind(page.booking.bare());
        look.bind(&paid_at).fetch_one(&visit.db).await.ok().flatten()
    };
    let what = format!("a settled payment of {:?}", page.booking);
    let by_a_question = until(&what, settled_before_it_was_told).await;
    race.has_won(usize::from(by_a_question));
}

/// By the address that the vendor's page sends the browser to; a kiosk's app comes back by it as well.
async fn comes_back(page: &Payment) {
    let visit = &page.booking.customer.visit;
    let url = format!("{}/return/{}/{}", visit.system.gateway, page.vendor(), page.id);
    let answer = visit.http.get(url).send().await.unwrap();
    assert!(!answer.status().is_server_error(), "{answer:?}");
}

#[tokio::test]
async fn two_payments_at_two_vendors() {
    let visit = visit().await;
    in_all(&visit, ["one vendor", "another"], &WAYS, pays_at_two_vendors).await;
}

async fn pays_at_two_vendors(race: Arc<Race>, number: usize) {
    let _lane = race.lane().await;
    let (one, act) = race.last_act(number).await;
    let other = one.booking.opens(race.way.elsewhere()).await;
    let last = other.last_act().await.unwrap();
    let pays = one.does(&act, Shopper::Approves);
    race.both(pays, other.does(&last, Shopper::Approves)).await;
    let query = "SELECT payment_id::text FROM captures WHERE booking_id = $1 AND verdict = 'WON'
                 AND 2 = (SELECT count(*) FROM captures WHERE booking_id = $1)";
    let won: String = row(&one.booking, query).await;
    let the_other = won == other.reference();
    race.has_won(usize::from(the_other));
    if the_other {
        one.goes_back().await;
    }
}
