//! Closed for works: nothing new is begun, and nothing that was begun is lost.

use crate::staff::{CLOSE, Staff};
use harness::{Answer, Customer, Order, Visit, until, visit_alone};
use reqwest::Method;
use serde_json::Value;
use std::sync::Arc;

async fn order(customer: &Customer, visit: &Visit, platform: &str) -> Answer {
    let request = customer.request(Method::POST, "/api/v1/orders").json(&Order::new(visit).body());
    let request = request.header("idempotency-key", Customer::key());
    Answer::read(request.header("x-device-platform", platform).send().await.unwrap()).await
}

/// Until an order from this platform gets this status.
async fn until_status(visit: &Arc<Visit>, platform: &str, status: u16) -> Answer {
    let customer = visit.customer();
    let look = || async {
        let answer = order(&customer, visit, platform).await;
        Some(answer).filter(|answer| answer.status == status)
    };
    until(&format!("{status} for {platform}"), look).await
}

#[tokio::test]
async fn what_is_paid_goes_on_while_the_house_is_closed() {
    let visit = visit_alone().await;
    let staff = Staff::may(&visit, "7", &[CLOSE]);
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.opens_payment().await;

    let on = ["maintenance", "on", "--platform", "ios", "--reason", "a broken release"];
    let closed = staff.usher(&on).await.unwrap();
    assert_eq!(closed["closed"][0]["platform"], "ios");
    assert_eq!(closed["closed"][0]["decided_by"], "staff:7");
    let refused = until_status(&visit, "ios", 503).await;
    refused.assert_problem(503, "maintenance");
    assert_eq!(refused.header("retry-after"), "60");
    assert_eq!(order(&visit.customer(), &visit, "android").await.status, 202);

    let until_when = ["--until", "2099-01-01T00:00:00Z"];
    let all = [&["maintenance", "on", "--reason", "the cinema's system is moved"], &until_when[..]];
    staff.usher(&all.concat()).await.unwrap();
    until_status(&visit, "android", 503).await;
    // The customer is on the vendor's page: the webhook comes through, and they see their ticket.
    payment.shopper(harness::Shopper::Approves).await;
    booking.until_ticket().await;
    for path in ["/heartbeat", "/readyz"] {
        assert_eq!(booking.customer.gets(path).await.status, 200);
    }
    let seats = "/api/v1/cinemas/0001/sessions/3000/seats";
    booking.customer.gets(seats).await.assert_problem(503, "maintenance");

    // Whoever starts again is as closed as before.
    visit.system.kill_usher_9().await;
    visit.system.start_usher().await;
    order(&visit.customer(), &visit, "android").await.assert_problem(503, "maintenance");
    for platform in ["all", "ios"] {
        let off = ["maintenance", "off", "--platform", platform, "--reason", "done"];
        staff.usher(&off).await.unwrap();
    }
    assert_eq!(
        staff.usher(&["maintenance", "show"]).await.unwrap()["closed"],
        Value::Array(vec![])
    );
    until_status(&visit, "ios", 202).await;
}
