//! Webhooks against each other, and against our own call.

use super::{Race, row};
use harness::{Booking, Customer, Shopper, Visit, seal, until, visit};
use schema::ids::BookingId;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;

#[tokio::test]
async fn a_hundred_copies_of_one_webhook_in_parallel() {
    let visit = visit().await;
    let race = Race::new(&visit, ["encrypted anew", "the same bytes"]);
    race.one_in(4).run(pays_and_is_told_of_it_a_hundred_times).await;
    visit.assert_balanced().await;
}

/// So many copies come encrypted anew, and so many with the very same bytes.
const COPIES: usize = 50;

async fn pays_and_is_told_of_it_a_hundred_times(race: Arc<Race>, number: usize) {
    let _lane = race.lane().await;
    let page = race.page(number).await;
    let hyperpay = race.visit.hyperpay();
    // None of them comes before the others.
    hyperpay.fails("webhook", page.reference(), "lost").await;
    page.shopper(Shopper::Approves).await;
    let letters = hyperpay.outbox(page.reference()).await;
    let anew = json!({ "reference": page.reference(), "times": COPIES, "parallel": true });
    let same = delivers_copies(&race.visit, letters[0]["body"].as_str().unwrap());
    let (anew, same) = tokio::join!(hyperpay.redelivers(&anew), same);
    assert_eq!(anew, vec![json!(200); COPIES]);
    assert_eq!(same, vec![200; COPIES]);

    let query = "SELECT count(*) FROM webhook_deliveries
                 WHERE booking_id = $1 HAVING bool_and(verdict IS NOT NULL)";
    assert_eq!(row::<i64>(&page.booking, query).await, 1, "one event, one row");
}

async fn delivers_copies(visit: &Arc<Visit>, text: &str) -> Vec<u16> {
    let sealed = Arc::new(seal(&visit.system.keys.webhook, text));
    let mut copies = JoinSet::new();
    for _ in 0..COPIES {
        let (visit, sealed) = (Arc::clone(visit), Arc::clone(&sealed));
        copies.spawn(async move { visit.hyperpay().delivers(&sealed).await.status });
    }
    copies.join_all().await
}

#[tokio::test]
async fn a_webhook_before_our_own_call_has_returned() {
    let visit = visit().await;
    let race = Race::new(&visit, ["webhook", "answer"]);
    race.run(pays_on_a_page_that_usher_does_not_know_yet).await.assert_close();
    visit.assert_balanced().await;
}

/// The vendor has opened its page, and keeps the answer to itself for about so long.
const ANSWER_MS: i64 = 200;

async fn pays_on_a_page_that_usher_does_not_know_yet(race: Arc<Race>, number: usize) {
    let _lane = race.lane().await;
    let booking = race.books(number).await;
    let key = Customer::key();
    let id = BookingId::from_bare(booking.bare()).unwrap();
    let reference = race.visit.system.id_key().payment(id, &key).bare();
    let hyperpay = race.visit.hyperpay();
    let late = u64::try_from(ANSWER_MS - race.handicap_ms()).unwrap_or(0);
    hyperpay.fails_for("create_checkout", &reference, ("slow_after", late)).await;
    let pays =
        async { hyperpay.page(&page_of(&booking, &reference).await, Shopper::Approves).await };
    let (opened, paid) = tokio::join!(booking.tries_to_pay(&key), pays);
    assert_eq!((opened.status, paid.status), (202, 200), "{opened:?} {paid:?}");
    let query = "SELECT ready.version < paid.version FROM booking_events ready, booking_events paid
                 WHERE ready.booking_id = $1 AND ready.kind = 'payment_ready'
                   AND paid.booking_id = $1 AND paid.kind = 'paid'";
    race.has_won(usize::from(row::<bool>(&booking, query).await));
}

/// The vendor's page for this reference.
async fn page_of(booking: &Booking, reference: &str) -> String {
    let hyperpay = booking.customer.visit.hyperpay();
    let look = || async {
        let ledger = hyperpay.about(reference).await;
        let opened = ledger.iter().find(|entry| entry["kind"] == "checkout")?;
        opened["vendor_id"].as_str().map(str::to_owned)
    };
    until(&format!("a page for {reference}"), look).await
}

#[tokio::test]
async fn a_pending_and_a_final_webhook_a_second_apart() {
    let visit = visit().await;
    let race = Race::new(&visit, ["pending", "final"]);
    race.run(pays_and_is_told_pending_and_final).await.assert_close();
    visit.assert_balanced().await;
}

/// A second of the vendor's.
const SECOND_MS: u64 = 1_000 / 60;
/// What the vendor takes to notice that a second has passed, on average.
const NOTICED_MS: i64 = 60;

async fn pays_and_is_told_pending_and_final(race: Arc<Race>, number: usize) {
    let _lane = race.lane().await;
    let page = race.page(number).await;
    let (hyperpay, reference) = (race.visit.hyperpay(), page.reference());
    hyperpay.fails_for("pay", reference, ("pending_10000", SECOND_MS)).await;
    // The first one, which says "pending".
    let late = u64::try_from(NOTICED_MS + race.handicap_ms()).unwrap_or(0);
    hyperpay.fails_for("webhook", reference, ("late", late)).await;
    page.shopper(Shopper::Approves).await;
    let query = "SELECT to_jsonb(array_agg(claim ORDER BY received_at)) FROM webhook_deliveries
                 WHERE booking_id = $1 HAVING count(*) = 2";
    let claims: Value = row(&page.booking, query).await;
    race.has_won(usize::from(claims[0]["final_success"] == json!(true)));
}
