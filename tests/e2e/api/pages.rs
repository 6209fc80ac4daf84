//! A caller's own bookings, in pages.

use harness::{Customer, Order, Visit, visit};
use serde_json::Value;
use std::{collections::BTreeSet, sync::Arc};

async fn page(customer: &Customer, path: &str) -> (Vec<String>, Option<String>) {
    let answer = customer.gets(path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let orders = answer.body["orders"].as_array().unwrap();
    let ids = orders.iter().map(|order| order["id"].as_str().unwrap().to_owned()).collect();
    (ids, answer.body["next"].as_str().map(str::to_owned))
}

/// Orders, and calls it off.
async fn makes(visit: &Arc<Visit>, customer: &Customer) -> String {
    let booking = customer.books(Order::new(visit)).await;
    booking.cancels().await;
    booking.id
}

#[tokio::test]
async fn pages_leave_nothing_out_and_repeat_nothing_while_new_bookings_arrive() {
    let visit = visit().await;
    let customer = visit.customer();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(makes(&visit, &customer).await);
    }
    let (mut seen, mut next) = page(&customer, "/api/v1/orders?limit=2").await;
    while let Some(path) = next {
        makes(&visit, &customer).await;
        let (ids, then) = page(&customer, &path).await;
        seen.extend(ids);
        next = then;
    }
    made.reverse();
    assert_eq!(seen, made, "the newest first");

    let (all, none) = page(&customer, "/api/v1/orders").await;
    assert_eq!((all.len(), none), (7, None));
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 7);
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_page_is_of_ones_own_bookings_as_they_look_alone_and_of_the_status_asked_for() {
    let visit = visit().await;
    let customer = visit.customer();
    let cancelled = makes(&visit, &customer).await;
    let pending = customer.books(Order::new(&visit)).await;
    makes(&visit, &visit.customer()).await;

    let (all, _) = page(&customer, "/api/v1/orders").await;
    assert_eq!(all, [pending.id.clone(), cancelled.clone()]);
    let (some, _) = page(&customer, "/api/v1/orders?status=CANCELLED").await;
    assert_eq!(some, [cancelled.as_str()]);
    let listed = customer.gets("/api/v1/orders?status=CANCELLED").await.body["orders"][0].clone();
    let path = format!("/api/v1/orders/{cancelled}");
    assert_eq!(listed, customer.gets(&path).await.body);
    assert_eq!(page(&visit.customer(), "/api/v1/orders").await, (Vec::new(), None));
    pending.cancels().await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_wrong_query_is_refused_and_says_why() {
    let customer = visit().await.customer();
    let wrong = [
        ("limit=0", "invalid_query"),
        ("limit=51", "invalid_query"),
        ("limit=x", "invalid_query"),
        ("limit=1&limit=2", "invalid_query"),
        ("status=LOST", "invalid_query"),
        ("page=2", "invalid_query"),
        ("cursor=bk_1", "invalid_cursor"),
        ("cursor=", "invalid_cursor"),
        ("cursor=%00", "control_character"),
        ("cursor=OTIyMzM3MjAzNjg1NDc3NTgwNy4wMUg0NTVWQjRQRVg1VlNLTkswODRTTjAyUQ", "invalid_cursor"),
    ];
    for (query, code) in wrong {
        let answer = customer.gets(&format!("/api/v1/orders?{query}")).await;
        answer.assert_problem(400, code);
        assert_ne!(answer.body["detail"], Value::Null, "{query}");
    }
}
