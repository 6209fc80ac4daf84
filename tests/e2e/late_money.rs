//! Money that comes after its booking was lost goes back by itself: told by a webhook, found by asking, found when the
//! vendor's session ends, and days later, when only the rows and the vendor still know of it.

use harness::{Customer, Order, Payment, Setup, Shopper, Visit, Way, until, visit, visit_with};
use schema::ids::BookingId;
use serde_json::{Value, json};
use std::{fs, sync::Arc};
use tokio::task::JoinSet;

/// How a booking is lost while somebody is still on a vendor's page.
#[derive(Clone, Copy, Debug)]
enum Lost {
    Expired,
    Cancelled,
    Unwound,
}

/// Loses a booking in every way. The pages that are still open.
async fn lost_in_every_way(visit: &Arc<Visit>) -> Vec<Payment> {
    let mut pages = JoinSet::new();
    for lost in [Lost::Expired, Lost::Cancelled, Lost::Unwound] {
        pages.spawn(lose(lost, Arc::clone(visit)));
    }
    pages.join_all().await
}

async fn lose(lost: Lost, visit: Arc<Visit>) -> Payment {
    let booking = visit.customer().books(Order::new(&visit)).await;
    let page = booking.opens_payment().await;
    match lost {
        Lost::Expired => drop(booking.until("EXPIRED").await),
        Lost::Cancelled => assert_eq!(booking.cancels().await.status, 200),
        Lost::Unwound => {
            visit.vista().fails("pay_order", booking.bare(), "code_69").await;
            booking.pays().await;
            booking.until("CANCELLED").await;
        }
    }
    page
}

/// All of it came too late, and is back.
async fn assert_back(pages: &[Payment]) {
    for page in pages {
        let late = |view: &Value| payment(view, page)["verdict"] == "LATE";
        page.booking.until_so(&format!("{} late", page.id), late).await;
        page.booking.until_refunded().await;
    }
    pages[0].booking.customer.visit.assert_balanced().await;
}

fn payment<'a>(view: &'a Value, page: &Payment) -> &'a Value {
    let mut payments = view["payments"].as_array().unwrap().iter();
    payments.find(|payment| payment["id"] == page.id).unwrap()
}

#[tokio::test]
async fn money_that_only_a_webhook_tells_of_goes_back() {
    let visit = visit().await;
    let pages = lost_in_every_way(&visit).await;
    for page in &pages {
        // Nobody asks by himself any more.
        forget(&visit, "Payment", page.reference()).await;
        page.shopper(Shopper::Approves).await;
    }
    assert_back(&pages).await;
}

#[tokio::test]
async fn money_that_only_asking_finds_goes_back() {
    let visit = visit().await;
    let pages = lost_in_every_way(&visit).await;
    for page in &pages {
        visit.hyperpay().fails("webhook", page.reference(), "lost").await;
        page.shopper(Shopper::Approves).await;
    }
    assert_back(&pages).await;
}

/// The vendor's session is over sooner, and there is still time to do everything in it.
fn brisk() -> Setup {
    Setup { factor: 120, ..Setup::default() }
}

#[tokio::test]
async fn money_that_is_only_decided_when_the_session_ends_is_found_by_the_last_look() {
    let visit = visit_with(brisk()).await;
    let pages = lost_in_every_way(&visit).await;
    let hyperpay = visit.hyperpay();
    for page in &pages {
        hyperpay.fails("pay", page.reference(), "late_success").await;
        // The one that says "pending", and the one that says "captured".
        hyperpay.fails("webhook", page.reference(), "lost").await;
        hyperpay.fails("webhook", page.reference(), "lost").await;
        page.shopper(Shopper::Approves).await;
    }
    assert_back(&pages).await;
    visit.assert_quiet().await;
}

#[tokio::test]
async fn a_payment_declined_long_after_its_session_ends_with_nothing_to_give_back() {
    let visit = visit_with(brisk()).await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let page = booking.opens_payment().await;
    let declined = ("pending_then_decline_10000", 20_000);
    visit.hyperpay().fails_for("pay", page.reference(), declined).await;
    page.shopper(Shopper::Approves).await;

    visit.until_case("payment_pending_after_its_session", &booking).await;
    page.until("ABANDONED").await;
    assert_eq!(booking.looks().await["refunds"], json!([]));
    visit.assert_balanced_but_for(&["payment_pending_after_its_session"]).await;
    visit.assert_quiet().await;
}

#[tokio::test]
async fn money_that_shows_three_days_later_goes_back_though_the_engine_has_forgotten_everything() {
    let visit = visit_with(brisk()).await;
    let pages = lost_in_every_way(&visit).await;
    let hyperpay = visit.hyperpay();
    for page in &pages {
        let blind = ["query_reference", "query_id", "status_checkout"].map(|look_up| {
            let matching = json!({ "op": look_up, "reference": page.reference() });
            json!({ "match": matching, "fault": "lookup_lag", "times": 0 })
        });
        visit.misbehaves("hyperpay", &json!(blind)).await;
        hyperpay.fails("webhook", page.reference(), "lost").await;
        page.shopper(Shopper::Approves).await;
    }
    for page in &pages {
        page.until("ABANDONED").await;
    }
    visit.assert_quiet().await;
    three_days_pass(&visit).await;

    visit.all_goes_well().await;
    for page in &pages {
        let redelivery = json!({ "reference": page.reference() });
        assert_eq!(hyperpay.redelivers(&redelivery).await, [json!(200)]);
    }
    assert_back(&pages).await;
}

/// A charge whose answer was lost, and which was proven absent by a vendor that is slower than its lag: nobody was told the
/// account that it is under, which the vendor wants to hear with its refund.
#[tokio::test]
async fn money_of_a_charge_that_was_given_up_goes_back_by_the_account_it_is_found_under() {
    let visit = visit_with(brisk()).await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let key = Customer::key();
    let ids = visit.system.id_key();
    let payment = ids.payment(BookingId::from_bare(booking.bare()).unwrap(), &key);
    let about = |op: &str, fault: &str, times: u32| json!({ "match": { "op": op, "reference": payment.bare() }, "fault": fault, "times": times });
    let rules = [
        about("purchase", "http_500_after", 1),
        about("status", "lookup_lag", 0),
        about("webhook", "lost", 1),
    ];
    visit.misbehaves("payfort", &json!(rules)).await;
    let body = Way::PayFortApple.body(&visit, &key).await;
    assert_eq!(booking.tries_to_pay_with(&key, &body).await.status, 202);
    let charged = || async {
        let ledger = visit.ledger_of("payfort").await;
        let taken =
            |entry: &&Value| entry["kind"] == "capture" && entry["reference"] == *payment.bare();
        ledger.iter().find(taken).cloned()
    };
    until("a charge", charged).await;
    assert_eq!(booking.cancels().await.status, 200);
    let abandoned = |view: &Value| view["payments"][0]["status"] == "ABANDONED";
    booking.until_so("a charge that was given up", abandoned).await;

    visit.all_goes_well().await;
    let redelivery = json!({ "reference": payment.bare() });
    assert_eq!(visit.redelivers("payfort", &redelivery).await, [json!(200)]);
    booking.until_refunded().await;
    visit.assert_balanced().await;
}

/// Whatever the engine kept is past its retention, and the rows are old.
async fn three_days_pass(visit: &Visit) {
    let restate = &visit.system.engines.restate;
    restate.stop().await;
    fs::remove_dir_all(restate.data()).unwrap();
    restate.start().await.unwrap();
    visit.system.kill_usher_9().await;
    for query in [
        "UPDATE bookings SET created_at = created_at - interval '3 days',
         updated_at = updated_at - interval '3 days', expires_at = expires_at - interval '3 days'",
        "UPDATE payments SET created_at = created_at - interval '3 days',
         updated_at = updated_at - interval '3 days', session_ends_at = session_ends_at - interval '3 days'",
    ] {
        sqlx::query(query).execute(&visit.db).await.unwrap();
    }
    visit.system.start_usher().await;
}

#[tokio::test]
async fn a_refund_that_nobody_waits_for_any_more_ends_by_its_own_webhook() {
    let visit = visit().await;
    let page = lose(Lost::Cancelled, Arc::clone(&visit)).await;
    visit.hyperpay().fails_for("refund", page.reference(), ("pending_10000", 3_000)).await;
    page.shopper(Shopper::Approves).await;
    let query = "SELECT refund_id::text FROM refunds WHERE booking_id = $1 AND status = 'SENT'";
    let look = || async {
        let sent = sqlx::query_scalar(query).bind(page.booking.bare()).fetch_optional(&visit.db);
        sent.await.ok().flatten()
    };
    let refund: String = until("a refund under way", look).await;
    forget(&visit, "Refund", &refund).await;
    assert_back(&[page]).await;
}

/// The engine runs this workflow no more, and does not know that it ever did.
async fn forget(visit: &Visit, service: &str, key: &str) {
    let engines = &visit.system.engines;
    let (ingress, admin) = (engines.restate_ingress_url(), engines.restate_admin_url());
    let lookup = json!({ "target": "workflow", "workflowName": service, "workflowKey": key });
    let found = visit.http.post(format!("{ingress}/restate/lookup")).json(&lookup).send().await;
    let found: Value = found.unwrap().json().await.unwrap();
    let url = format!("{admin}/invocations/{}", found["invocationId"].as_str().unwrap());
    let look = || async {
        let asked = async |verb| visit.http.patch(format!("{url}/{verb}")).send().await;
        asked("kill").await.ok()?;
        (asked("purge").await.ok()?.status() == 404).then_some(())
    };
    until(&format!("{service}/{key} forgotten"), look).await;
}
