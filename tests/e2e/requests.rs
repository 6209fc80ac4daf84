//! The front door: who may ask, how, and that a wrong question leaves nothing behind.

use data_encoding::BASE64URL_NOPAD;
use gateway::{Claims, Kind, Status, sign};
use harness::{Answer, Customer, Order, Setup, Visit, in_a_day, visit, visit_with};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn the_same_key_means_the_same_booking() {
    let visit = visit().await;
    let (customer, order, key) = (visit.customer(), Order::new(&visit), Customer::key());
    let first = customer.orders(&order, &key).await;
    let again = customer.orders(&order, &key).await;
    let quoted = customer.orders(&order, &format!("\"{key}\"")).await;
    for answer in [&first, &again, &quoted] {
        assert_eq!((answer.status, &answer.body["id"]), (202, &first.body["id"]));
    }
    let other = customer.orders(&Order::of(&order.session, &["B1"]), &key).await;
    other.assert_problem(422, "idempotency_key_reused");

    let stranger = visit.customer().orders(&Order::of(&order.session, &["C1"]), &key).await;
    assert_eq!(stranger.status, 202);
    assert_ne!(stranger.body["id"], first.body["id"]);
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_double_click_is_one_booking() {
    let visit = visit().await;
    let (customer, order, key) = (visit.customer(), Order::new(&visit), Customer::key());
    let mut clicks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (customer, order, key) = (customer.clone(), order.clone(), key.clone());
        clicks.spawn(async move { customer.orders(&order, &key).await });
    }
    let answers = clicks.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == 202), "{answers:?}");
    assert_eq!(count(&visit, &customer.id).await, 1);
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_foreign_booking_looks_like_a_missing_one() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let stranger = visit.customer();
    let missing = format!("bk_{:026}", 7);
    for id in [&missing, "bk_nonsense", "7"] {
        for path in ["", "/ticket.svg"] {
            let theirs = stranger.gets(&format!("/api/v1/orders/{}{path}", booking.id)).await;
            let nobodys = stranger.gets(&format!("/api/v1/orders/{id}{path}")).await;
            assert_same(&theirs, &nobodys);
        }
        for (path, body) in [("cancel", json!({})), ("payments", json!({"provider": "hyperpay"}))] {
            let key = Customer::key();
            let theirs = format!("/api/v1/orders/{}/{path}", booking.id);
            let theirs = stranger.posts(&theirs, &key, &body).await;
            let nobodys = format!("/api/v1/orders/{id}/{path}");
            assert_same(&theirs, &stranger.posts(&nobodys, &key, &body).await);
        }
    }
    assert_eq!(booking.status().await, "PENDING");
    booking.cancels().await;
    visit.assert_balanced().await;
}

fn assert_same(theirs: &Answer, nobodys: &Answer) {
    theirs.assert_problem(404, "not_found");
    assert_eq!(theirs.but_for_its_trace(), nobodys.but_for_its_trace());
}

/// Tokens that prove nothing about this customer.
fn bad_tokens(customer: &Customer, ours: &str) -> [String; 6] {
    let claims = |kind, status, exp| Claims {
        sub: customer.id.trim_start_matches("customer:").to_owned(),
        kind,
        status,
        permissions: Vec::new(),
        exp,
    };
    let (past, future) = (1_000_000_000, in_a_day());
    let good = claims(Kind::Customer, Status::Active, future);
    let signed = |claims: &Claims, secret: &str| sign(claims, &secret.to_owned().into()).unwrap();
    let encoded = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    [
        format!("{}.{}.", encoded(&json!({"alg": "none"})), encoded(&json!(good))),
        signed(&good, "another secret"),
        signed(&claims(Kind::Customer, Status::Active, past), ours),
        signed(&claims(Kind::Customer, Status::Inactive, future), ours),
        signed(&claims(Kind::Staff, Status::Active, future), ours),
        "nonsense".to_owned(),
    ]
}

#[tokio::test]
async fn only_a_genuine_token_of_somebody_who_books_comes_in() {
    let visit = visit().await;
    let customer = visit.customer();
    let (path, body) = ("/api/v1/orders", Order::new(&visit).body());
    for token in bad_tokens(&customer, &visit.system.keys.jwt) {
        let answer = customer.with_token(&token).posts(path, &Customer::key(), &body).await;
        answer.assert_problem(401, "unauthorized");
    }
    let bare = visit.http.post(format!("{}{path}", visit.system.gateway)).json(&body);
    assert_eq!(bare.send().await.unwrap().status(), 401);
    assert_eq!(count(&visit, &customer.id).await, 0);
}

#[tokio::test]
async fn a_wrong_order_is_refused_and_nothing_is_written() {
    let visit = visit().await;
    let customer = visit.customer();
    let order = |seats: Value| json!({"cinema_id": "0001", "session_id": "3000", "seats": seats});
    let seat = |seat: &str| json!({"seat": seat, "ticket_type": "0001"});
    let eleven: Vec<Value> = (1..=11).map(|n| seat(&format!("A{n}"))).collect();
    let mut priced = order(json!([seat("A1")]));
    priced["amount"] = json!(1);
    let wrong = [
        (priced, 400, "invalid_body"),
        (order(json!(eleven)), 400, "seat_count"),
        (order(json!([])), 400, "seat_count"),
        (order(json!([seat("A1"), seat("A1")])), 400, "seat_twice"),
        (order(json!([seat("A1'; --")])), 400, "invalid_name"),
        (order(json!([seat(&"A".repeat(70_000))])), 413, "body_too_large"),
    ];
    for (body, status, code) in wrong {
        let answer = customer.posts("/api/v1/orders", &Customer::key(), &body).await;
        answer.assert_problem(status, code);
    }
    assert_eq!(count(&visit, &customer.id).await, 0);
}

#[tokio::test]
async fn an_order_needs_a_sound_key_and_a_known_platform() {
    let visit = visit().await;
    let (customer, body) = (visit.customer(), Order::new(&visit).body());
    let post = || customer.request(Method::POST, "/api/v1/orders").json(&body);
    let keyless = [post(), post().header("idempotency-key", "with space")];
    let long = post().header("idempotency-key", "k".repeat(256));
    for request in keyless.into_iter().chain([long]) {
        let answer = Answer::read(request.send().await.unwrap()).await;
        answer.assert_problem(400, "idempotency_key_missing");
    }
    for platform in ["toaster", "kiosk"] {
        let request = post().header("idempotency-key", "k").header("x-device-platform", platform);
        let answer = Answer::read(request.send().await.unwrap()).await;
        answer.assert_problem(400, "unknown_platform");
    }
    assert_eq!(count(&visit, &customer.id).await, 0);
}

#[tokio::test]
async fn it_says_that_it_lives_and_that_it_is_ready() {
    let visit = visit().await;
    for path in ["/heartbeat", "/readyz"] {
        let url = format!("{}{path}", visit.system.gateway);
        assert_eq!(visit.http.get(url).send().await.unwrap().status(), 200);
    }
    visit.customer().gets("/api/v1/nothing").await.assert_problem(404, "not_found");
}

#[tokio::test]
async fn a_vendor_without_credentials_is_off() {
    let visit = visit_with(Setup { without: vec!["HYPER_PAY_TOKEN"], ..Setup::default() }).await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    booking.tries_to_pay(&Customer::key()).await.assert_problem(409, "provider_off");
    booking.cancels().await;

    let free = visit.customer().books(Order::new(&visit).free()).await;
    free.until_ticket().await;
    visit.assert_balanced().await;
}

async fn count(visit: &Visit, caller: &str) -> i64 {
    let query = sqlx::query_scalar("SELECT count(*) FROM bookings WHERE caller = $1").bind(caller);
    query.fetch_one(&visit.db).await.unwrap()
}
