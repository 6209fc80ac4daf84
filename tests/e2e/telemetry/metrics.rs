//! `/metrics`, as Prometheus reads it: it says what has happened, names nobody, and stays small.

use super::{scrape::Scrape, shipped};
use crate::unwinding::confirming;
use harness::{Customer, Order, Shopper, Visit, until, visit_alone};
use serde_json::json;
use std::sync::Arc;

/// What one process may have to say. Each step, vendor and route brings a few dozen.
const SERIES_MAX: usize = 4_000;

/// One test, since it looks at one scrape: after a bit of everything.
#[tokio::test]
async fn a_scrape_says_what_has_happened_names_nobody_and_has_all_that_is_shipped() {
    let visit = visit_alone().await;
    let refused = a_bit_of_everything(&visit).await;
    let sums = "SELECT (SELECT sum(amount_minor)::float8 FROM captures),
                       (SELECT sum(amount_minor)::float8 FROM refunds WHERE status = 'REFUNDED')";
    let (captured, refunded): (f64, f64) = sqlx::query_as(sums).fetch_one(&visit.db).await.unwrap();
    let shown = || async {
        let scrape = Scrape::of(&visit.system).await?;
        let sar = [("provider", "hyperpay"), ("currency", "SAR")];
        let enough = scrape.value("usher_captured_minor_total", &sar)? >= captured
            && scrape.value("usher_refunded_minor_total", &sar)? >= refunded
            && scrape.value("usher_open_cases", &[("step", "confirm_order")])? > 0.0
            && scrape.value("usher_webhooks_total", &[("verdict", "APPLIED")])? > 0.0;
        enough.then_some(scrape)
    };
    let scrape = until("money, cases and webhooks in the metrics", shown).await;
    let expected: [(&str, &[(&str, &str)]); 9] = [
        ("usher_bookings_ended_total", &[("status", "CONFIRMED")]),
        ("usher_bookings_ended_total", &[("status", "CANCELLED")]),
        (
            "usher_http_requests_total",
            &[("route", "/api/v1/orders"), ("method", "POST"), ("status", "2xx")],
        ),
        (
            "usher_http_requests_total",
            &[("route", "unmatched"), ("method", "other"), ("status", "4xx")],
        ),
        ("usher_step_seconds_count", &[("step", "confirm_order"), ("outcome", "done")]),
        ("usher_vendor_step_seconds_count", &[("vendor", "vista"), ("outcome", "refused")]),
        ("usher_vendor_calls_total", &[("vendor", "hyperpay"), ("outcome", "2xx")]),
        ("usher_webhook_deliveries_total", &[("vendor", "hyperpay"), ("answer", "refused")]),
        ("usher_sagas", &[("saga", "booking"), ("state", "CONFIRMING")]),
    ];
    for (name, labels) in expected {
        let value = scrape.value(name, labels);
        assert!(value.is_some_and(|value| value > 0.0), "{name} {labels:?} is {value:?}");
    }
    for (name, well) in
        [("usher_engine_up", 1.0), ("usher_database_up", 1.0), ("usher_paid_without_booking", 0.0)]
    {
        assert_eq!(scrape.value(name, &[]), Some(well), "{name}");
    }
    scrape.assert_names_nobody();
    assert!(scrape.len() < SERIES_MAX, "{} series", scrape.len());
    shipped::assert_all_there(&scrape);
    assert_eq!(visit.customer().gets("/metrics").await.status, 404, "customers do not see it");
    drop(refused);
}

/// Sold, called off and paid late, refused, forged, and asked for what there is not. The booking that waits for a person.
async fn a_bit_of_everything(visit: &Arc<Visit>) -> harness::Booking {
    let sold = visit.customer().books(Order::new(visit)).await;
    let payment = sold.pays().await;
    sold.until_ticket().await;
    let late = visit.customer().books(Order::new(visit)).await;
    let page = late.opens_payment().await;
    late.cancels().await;
    page.shopper(Shopper::Approves).await;
    late.until_refunded().await;
    let forged = json!({ "reference": payment.reference(), "corrupt": true });
    visit.hyperpay().redelivers(&forged).await;
    let customer = visit.customer();
    customer.gets(&format!("/api/v1/orders/bk_{:026}", 7)).await;
    let made_up = reqwest::Method::from_bytes(b"X4111111111111111").unwrap();
    customer.request(made_up, "/nothing/4111111111111111").send().await.unwrap();
    let refused = visit.customer().books(Order::new(visit)).await;
    visit.vista().fails("pay_order", &refused.order.session, "code_66").await;
    refused.pays().await;
    visit.until_case("vista_refused_66", &refused).await;
    refused
}

#[tokio::test]
async fn money_without_a_booking_is_seen_until_it_is_made_good() {
    let visit = visit_alone().await;
    let booking = confirming(&visit, "timeout_after").await;
    booking.at_engine("kill").await;
    let seen = |somebody: bool| {
        let system = &visit.system;
        move || async move {
            let many = Scrape::of(system).await?.value("usher_paid_without_booking", &[])?;
            ((many > 0.0) == somebody).then_some(())
        }
    };
    until("the customer in the metrics", seen(true)).await;

    // The sweep at the start finds what the engine has forgotten.
    visit.system.kill_usher_9().await;
    visit.system.start_usher().await;
    booking.until_ticket().await;
    until("nobody in the metrics", seen(false)).await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn engines_that_are_away_are_seen_and_a_scrape_waits_for_neither() {
    let visit = visit_alone().await;
    let engines = &visit.system.engines;
    engines.restate.kill_9().await;
    let refused = visit.customer().orders(&Order::new(&visit), &Customer::key()).await;
    assert_eq!(refused.status, 503);
    engines.postgres.kill_9().await;
    let seen = || async {
        let scrape = Scrape::of(&visit.system).await?;
        let away = scrape.value("usher_engine_requests_total", &[("outcome", "away")])?;
        let (engine, tables) =
            (scrape.value("usher_engine_up", &[])?, scrape.value("usher_database_up", &[])?);
        (away > 0.0 && engine < 1.0 && tables < 1.0).then_some(())
    };
    until("what is away in the metrics", seen).await;
}
