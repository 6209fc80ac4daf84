//! What Sentry is told: that something went wrong, where, and in which trace. Nothing that anybody has said.

use super::listener::Listener;
use crate::sweep::Plan;
use harness::{Order, Setup, until, visit_with};
use serde_json::Value;
use std::fs;

#[tokio::test]
async fn a_panic_in_a_step_reaches_sentry_with_its_trace_and_nothing_about_people() {
    let sentry = Listener::start().await;
    let plan = Plan::new();
    plan.add_one("hold_seats.before.panic");
    let with = vec![
        ("SENTRY_DSN", format!("http://key@{}/7", sentry.address)),
        ("SENTRY_ENVIRONMENT", "tests".to_owned()),
        ("SABOTAGE_PLAN", plan.folder()),
    ];
    let visit = visit_with(Setup { with, ..Setup::default() }).await;
    let customer = visit.customer();
    let booking = customer.books(Order::new(&visit)).await;
    booking.pays().await;
    booking.until_ticket().await;
    assert!(plan.left().is_empty(), "nobody has panicked");

    let told = || async { events(&sentry).into_iter().next() };
    let event = until("an event at Sentry", told).await;
    let line = fs::read_to_string(visit.system.log()).unwrap();
    let line = line.lines().find(|line| line.contains("\"level\":\"ERROR\"")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert!(line["message"].as_str().unwrap().contains("sabotage: hold_seats"), "{line}");
    let tags = &event["tags"];
    assert_eq!((&tags["trace_id"], &tags["step"]), (&line["trace_id"], &"hold_seats".into()));
    assert_eq!(tags["workflow"], "Booking");
    assert_eq!(event["environment"], "tests");
    assert!(event["message"].as_str().unwrap().starts_with("an error at "), "{event}");

    let all = String::from_utf8_lossy(&sentry.heard("/api/7/envelope/").concat()).into_owned();
    let host = fs::read_to_string("/etc/hostname").unwrap_or_default();
    let people = [customer.id.trim_start_matches("customer:"), "sabotage:", host.trim()];
    let secrets = visit.system.secrets();
    for never in people.into_iter().chain(secrets.iter().map(String::as_str)) {
        assert!(never.is_empty() || !all.contains(never), "{never} was told to Sentry: {all}");
    }
    visit.assert_balanced().await;
}

/// An envelope is lines of JSON; an item's header says what the next line is.
fn events(sentry: &Listener) -> Vec<Value> {
    let envelopes = sentry.heard("/api/7/envelope/").into_iter();
    let texts = envelopes.map(|body| String::from_utf8(body).unwrap());
    let lines: Vec<Value> = texts
        .flat_map(|text| {
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect::<Vec<Value>>()
        })
        .collect();
    lines.into_iter().filter(|line| line["tags"].is_object()).collect()
}
