//! Card data: refused wherever a caller can put it, and nowhere afterwards.

use crate::secrets::TABLES;
use harness::{Answer, Customer, Order, visit};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

/// Numbers that vendors publish for tests, as people write them.
const CARDS: [&str; 3] = ["4012888888881881", "5105 1051 0510 5100", "3714-496353-98431"];

/// Everywhere that a caller can write.
fn places(customer: &Customer, card: &str, order: &Value) -> Vec<RequestBuilder> {
    let post = || customer.request(Method::POST, "/api/v1/orders");
    let keyed = || post().header("idempotency-key", Customer::key());
    let get = |path: String| customer.request(Method::GET, &path);
    let encoded = card.replace(' ', "%20");
    let mut seat = order.clone();
    seat["seats"][0]["seat"] = json!(card);
    let mut unknown = order.clone();
    unknown["note"] = json!(format!("please charge {card} for it"));
    let mut named = order.clone();
    named["cvv"] = json!("123");
    let mut places = vec![
        keyed().json(&seat),
        keyed().json(&unknown),
        keyed().json(&named),
        keyed().json(&json!({ card: 1 })),
        keyed().body(format!("{{\"seat\": \"{card}\"")),
        keyed().body(format!("card={card}&cvv=123")),
        post().header("idempotency-key", card).json(order),
        keyed().header("x-device-id", card).json(order),
        keyed().header("user-agent", format!("app {card}")).json(order),
        get(format!("/api/v1/orders/{encoded}")),
        get(format!("/api/v1/orders?card={encoded}")),
        get(format!("/{encoded}")),
        get("/api/v1/orders?card_number=1".to_owned()),
    ];
    if let Ok(number) = card.parse::<u64>() {
        places.push(keyed().json(&json!({ "session_id": number })));
    }
    places
}

#[tokio::test]
async fn a_card_is_refused_everywhere_and_kept_nowhere() {
    let visit = visit().await;
    let (customer, order) = (visit.customer(), Order::new(&visit).body());
    for card in CARDS {
        for (n, request) in places(&customer, card, &order).into_iter().enumerate() {
            let answer = Answer::read(request.send().await.unwrap()).await;
            assert_eq!((answer.status, n), (400, n), "{answer:?}");
            answer.assert_problem(400, "card_data_refused");
            assert!(!answer.text.contains(card), "{answer:?}");
        }
    }
    // What follows is written after whatever the refusals may have written.
    let booking = customer.books(Order::new(&visit)).await;
    booking.cancels().await;
    let log = std::fs::read_to_string(visit.system.log()).unwrap();
    for card in CARDS {
        assert!(!log.contains(card), "{card} is in the log");
        for table in TABLES {
            let query =
                format!("SELECT count(*) FROM {table} r WHERE r::text LIKE '%' || $1 || '%'");
            let query = sqlx::query_scalar(AssertSqlSafe(query)).bind(card);
            let found: i64 = query.fetch_one(&visit.db).await.unwrap();
            assert_eq!(found, 0, "{card} is in {table}");
        }
    }
    visit.assert_balanced().await;
}
