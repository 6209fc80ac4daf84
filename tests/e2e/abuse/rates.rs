//! Asking too often: by user, by device, by address, and what does not help against it.

use super::{bearer, from, limited};
use gateway::Kind;
use harness::{Answer, Customer, Visit, visit_with};
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;

/// How many of these are let in. The body is wrong, so nothing is booked; the try counts.
async fn let_in(tries: usize, request: impl Fn(usize) -> reqwest::RequestBuilder) -> usize {
    let mut admitted = 0;
    for n in 0..tries {
        let answer = Answer::read(request(n).send().await.unwrap()).await;
        if answer.status == 429 {
            answer.assert_problem(429, "too_many_requests");
            assert_eq!(answer.body["message"], "too many requests");
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&wait), "{answer:?}");
        } else {
            assert!(!answer.header("ratelimit").is_empty(), "{answer:?}");
            admitted += 1;
        }
    }
    admitted
}

fn order(customer: &Customer) -> reqwest::RequestBuilder {
    let request = customer.request(Method::POST, "/api/v1/orders").json(&json!({}));
    request.header("idempotency-key", "k")
}

#[tokio::test]
async fn nobody_asks_more_often_than_they_may_whatever_they_say_of_themselves() {
    let visit = visit_with(limited(&[])).await;
    orders(&visit).await;
    devices(&visit).await;
    strangers(&visit).await;
    kiosks(&visit).await;
    let reader = visit.customer();
    let admitted = let_in(104, |_| reader.request(Method::GET, "/api/v1/orders/bk_7")).await;
    // The allowance comes back evenly, one in 600 ms, while it is used up.
    assert!((100..104).contains(&admitted), "{admitted}");
}

/// Five starts; inventing devices, addresses and platforms buys none.
async fn orders(visit: &Arc<Visit>) {
    let customer = visit.customer();
    let inventive = |n: usize| {
        let request = order(&customer).header("x-device-id", format!("device-{n}"));
        let request = request.header("x-forwarded-for", format!("10.0.0.{n}"));
        request.header("x-platform", "kiosk").header("x-device-platform", "kiosk")
    };
    assert_eq!(let_in(9, inventive).await, 5);
    // Somebody else at the same address goes on.
    let neighbour = visit.customer();
    assert_eq!(let_in(1, |_| order(&neighbour)).await, 1);
}

async fn devices(visit: &Arc<Visit>) {
    let users: Vec<Customer> = (0..8).map(|_| visit.customer()).collect();
    let shared = |n: usize| order(&users[n]).header("x-device-id", "one-device");
    assert_eq!(let_in(8, shared).await, 5);
}

/// Without a genuine token the address is all one.
async fn strangers(visit: &Arc<Visit>) {
    let http = from(9);
    let url = format!("{}/api/v1/orders", visit.system.gateway);
    let stranger = |n: usize| {
        let request = http.post(&url).bearer_auth(format!("forged-{n}")).json(&json!({}));
        request.header("x-device-id", format!("device-{n}"))
    };
    assert_eq!(let_in(9, stranger).await, 5);
}

async fn kiosks(visit: &Arc<Visit>) {
    let kiosk = bearer(visit, Kind::Kiosk, "lobby-1");
    for _ in 0..9 {
        let answer = Answer::read(order(&kiosk).send().await.unwrap()).await;
        answer.assert_problem(400, "invalid_body");
    }
}

#[tokio::test]
async fn behind_proxies_the_address_is_what_they_have_written() {
    let visit = visit_with(limited(&[
        ("USHER_TRUSTED_HOPS", "1"),
        ("USHER_CORS_ORIGINS", "https://www.example"),
    ]))
    .await;
    let url = format!("{}/api/v1/orders", visit.system.gateway);
    let by_proxy = |forwarded: String| {
        visit.http.post(&url).header("x-forwarded-for", forwarded).json(&json!({}))
    };
    // What stands before our proxy's own entry is the client's invention.
    let forged = let_in(9, |n| by_proxy(format!("10.0.0.{n}, 203.0.113.5"))).await;
    assert_eq!(forged, 5);
    assert_eq!(let_in(1, |_| by_proxy("203.0.113.6".to_owned())).await, 1);
    sites(&visit).await;
}

/// Only pages of the sites on the list may ask.
async fn sites(visit: &Visit) {
    for (site, allowed) in
        [("https://www.example", "https://www.example"), ("https://evil.example", "")]
    {
        let url = format!("{}/api/v1/orders", visit.system.gateway);
        let asked = visit.http.request(Method::OPTIONS, url).header("origin", site);
        let asked = asked.header("access-control-request-method", "POST");
        let asked = asked.header("access-control-request-headers", "authorization,idempotency-key");
        let answer = Answer::read(asked.send().await.unwrap()).await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
}
