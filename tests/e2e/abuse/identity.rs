//! Who somebody is today, whatever their token said: revoked users, staff who have left, a silent identity service.

use crate::staff::{DECIDE, READ, Staff};
use harness::{Answer, Customer, Order, Visit, until, visit_alone};
use serde_json::{Value, json};
use std::sync::Arc;

/// What the identity service says of a user from now on.
async fn says(visit: &Visit, user: &str, standing: Value) {
    tells(visit, &format!("users/{user}"), standing).await;
}

async fn tells(visit: &Visit, what: &str, body: Value) {
    let url = format!("{}/_sim/identity/{what}", visit.system.sandbox);
    let answer = visit.http.post(url).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

async fn until_status(what: &str, status: u16, asks: impl AsyncFn() -> Answer) -> Answer {
    until(what, || async { Some(asks().await).filter(|answer| answer.status == status) }).await
}

#[tokio::test]
async fn who_was_revoked_is_out_within_a_minute_and_a_silent_service_keeps_no_customer_out() {
    let visit = visit_alone().await;
    customers(&visit).await;
    staff(&visit).await;
}

async fn customers(visit: &Arc<Visit>) {
    let customer = visit.customer();
    let booking = customer.books(Order::new(visit)).await;
    let path = format!("/api/v1/orders/{}", booking.id);
    let asks = async || customer.gets(&path).await;
    let user = customer.id.trim_start_matches("customer:").to_owned();

    says(visit, &user, json!({ "status": "ACTIVE", "revoked_before": "2099-01-01T00:00:00Z" }))
        .await;
    let refused = until_status("a refusal of a revoked token", 401, asks).await;
    refused.assert_problem(401, "unauthorized");
    // Silence changes nothing about what it has said.
    tells(visit, "weather", json!({ "silent": true })).await;
    assert_eq!(asks().await.status, 401);
    let neighbour = visit.customer();
    neighbour.books(Order::new(visit)).await.cancels().await;
    tells(visit, "weather", json!({})).await;

    for gone in [json!({ "status": "BLOCKED" }), Value::Null] {
        says(visit, &user, json!({ "status": "ACTIVE" })).await;
        until_status("an active user", 200, asks).await;
        says(visit, &user, gone).await;
        until_status("a user who is gone", 401, asks).await;
    }
    says(visit, &user, json!({ "status": "ACTIVE" })).await;
    until_status("an active user", 200, asks).await;
    booking.cancels().await;
    visit.assert_balanced().await;
}

async fn staff(visit: &Arc<Visit>) {
    let staff = Staff::may(visit, "agent-7", &[READ, DECIDE]);
    let reads = async || staff.gets("/api/v1/cms/cases").await;
    let body = json!({ "decision": "retry", "reason": "a test" });
    let decides =
        async || staff.posts(&format!("/api/v1/cms/cases/case_{:026}/decision", 7), &body).await;
    assert_eq!((reads().await.status, decides().await.status), (200, 404));

    tells(visit, "weather", json!({ "silent": true })).await;
    let closed = until_status("closed for money", 503, decides).await;
    closed.assert_problem(503, "identity_away");
    assert_eq!(reads().await.status, 200, "looking goes on");
    tells(visit, "weather", json!({})).await;
    until_status("open again", 404, decides).await;

    // Their token says that they may decide; the service has the last word.
    says(visit, "agent-7", json!({ "status": "ACTIVE", "permissions": [READ] })).await;
    until_status("a permission that is gone", 403, decides).await;
    assert_eq!(reads().await.status, 200);
    says(visit, "agent-7", json!({ "status": "LEFT" })).await;
    until_status("an agent who has left", 401, reads).await;

    let customer: Customer = visit.customer();
    for path in ["/api/v1/cms/cases", "/api/v1/cms/stuck", "/api/v1/cms/maintenance"] {
        customer.gets(path).await.assert_problem(403, "forbidden");
    }
}
