//! `Prefer: wait`, entity tags, and the words for where a booking stands.

use harness::{Answer, Booking, Customer, Order, Shopper, visit};
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// Looks with these headers.
async fn looks(booking: &Booking, headers: &[(&str, &str)]) -> Answer {
    let path = format!("/api/v1/orders/{}", booking.id);
    let mut request = booking.customer.request(Method::GET, &path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::read(request.send().await.unwrap()).await
}

fn what(view: &Value) -> &str {
    view["standing"]["what"].as_str().unwrap_or_default()
}

/// Follows a booking from change to change until it is final: every answer.
async fn follows(booking: &Booking) -> Vec<Value> {
    let first = looks(booking, &[]).await;
    let (mut tag, mut seen) = (first.header("etag").to_owned(), vec![first.body]);
    while seen.last().unwrap()["standing"]["final"] == false {
        let answer = looks(booking, &[("if-none-match", &tag), ("prefer", "wait=25")]).await;
        assert_eq!(answer.header("preference-applied"), "wait=25");
        if answer.status == 304 {
            continue;
        }
        assert_ne!(answer.header("etag"), tag, "woken for nothing");
        answer.header("etag").clone_into(&mut tag);
        seen.push(answer.body);
    }
    seen
}

#[tokio::test]
async fn a_booking_is_followed_from_change_to_change_to_its_ticket() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let following = tokio::spawn({
        let booking = booking.clone();
        async move { follows(&booking).await }
    });
    booking.pays().await;
    let seen = following.await.unwrap();
    let words: Vec<&str> = seen.iter().map(what).collect();
    assert_eq!((words[0], words[words.len() - 1]), ("to_pay", "ticket_ready"), "{words:?}");
    for view in &seen {
        let standing = &view["standing"];
        assert_eq!(standing["final"] == true, standing["by"].is_null(), "{standing}");
        assert!(standing["says"]["ar"].as_str().unwrap().contains("115.00"), "{standing}");
    }
    let said = seen.last().unwrap()["standing"]["says"]["en"].as_str().unwrap();
    assert_eq!(said, "Your ticket is ready. Enjoy the show! You were charged 115.00 SAR.");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn while_nothing_has_changed_the_answer_is_304_without_a_body() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let first = looks(&booking, &[]).await;
    let (tag, version) = (first.header("etag"), &first.body["version"]);
    assert_eq!((first.status, tag), (200, format!("\"{version}\"").as_str()));
    assert_eq!(first.header("cache-control"), "private, no-cache");
    assert_eq!(first.header("preference-applied"), "");
    for headers in [
        &[("if-none-match", tag)][..],
        &[("if-none-match", "*")],
        &[("if-none-match", "\"x\", W/\"0\""), ("if-none-match", tag), ("prefer", "wait=1")],
    ] {
        let again = looks(&booking, headers).await;
        assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", tag));
    }
    assert_eq!(looks(&booking, &[("if-none-match", "\"999\"")]).await.status, 200);
    booking.cancels().await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn nobody_waits_for_what_is_the_customers_to_do_nor_longer_than_25_seconds() {
    let visit = visit().await;
    let (customer, order) = (visit.customer(), Order::new(&visit));
    let request = customer.request(Method::POST, "/api/v1/orders").json(&order.body());
    let request = request.header("idempotency-key", Customer::key()).header("prefer", "wait=600");
    let answer = Answer::read(request.send().await.unwrap()).await;
    assert_eq!((answer.status, what(&answer.body)), (202, "to_pay"), "{answer:?}");
    assert_eq!(answer.header("preference-applied"), "wait=25");

    let path = format!("/api/v1/orders/{}/cancel", answer.body["id"].as_str().unwrap());
    let cancelled = customer.posts(&path, &Customer::key(), &json!({})).await;
    assert_eq!(what(&cancelled.body), "cancelled");
    assert_eq!(cancelled.body["standing"]["final"], true);
}

#[tokio::test]
async fn paying_waits_for_the_vendors_page() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let path = format!("/api/v1/orders/{}/payments", booking.id);
    let request = booking.customer.request(Method::POST, &path).header("prefer", "wait=20");
    let request = request.header("idempotency-key", Customer::key());
    let answer = request.json(&json!({ "provider": "hyperpay" })).send().await.unwrap();
    let answer = Answer::read(answer).await;
    assert_eq!((answer.status, answer.header("preference-applied")), (202, "wait=20"));
    assert!(answer.body["vendor_session"].is_string(), "{answer:?}");
    booking.cancels().await;
    visit.assert_balanced().await;
}

/// Whatever can be seen changes only with the version: so it makes a strong entity tag.
#[tokio::test]
async fn the_same_version_is_the_same_answer_to_the_letter() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let (done, mut ended) = tokio::sync::oneshot::channel::<()>();
    let looking = tokio::spawn({
        let booking = Arc::new(booking.clone());
        async move {
            let mut seen: BTreeMap<String, String> = BTreeMap::new();
            while ended.try_recv().is_err() {
                let answer = looks(&booking, &[]).await;
                let first = seen.entry(answer.header("etag").to_owned());
                assert_eq!(*first.or_insert_with(|| answer.text.clone()), answer.text);
            }
            seen.len()
        }
    });
    // Declined, called off, and then paid after all: late money, which goes back.
    let payment = booking.opens_payment().await;
    payment.shopper(Shopper::Declined).await;
    payment.until("FAILED").await;
    assert_eq!(what(&booking.looks().await), "payment_declined");
    booking.cancels().await;
    payment.shopper(Shopper::Approves).await;
    let view = booking.until_refunded().await;
    assert_eq!((what(&view), &view["standing"]["final"]), ("refunded", &json!(true)));
    done.send(()).unwrap();
    assert!(looking.await.unwrap() > 3, "nothing has changed");
    visit.assert_balanced().await;
}
