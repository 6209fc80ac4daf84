//! Bodies that are too much of something: refused before anything is made of them.

use harness::{Answer, Customer, Visit, visit};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

fn order(customer: &Customer) -> RequestBuilder {
    customer.request(Method::POST, "/api/v1/orders").header("idempotency-key", Customer::key())
}

#[tokio::test]
async fn a_body_that_is_too_much_of_anything_is_refused() {
    let visit = visit().await;
    let customer = visit.customer();
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let wide = json!(vec![0; 300]).to_string();
    let twice = r#"{"cinema_id":"0001","cinema_id":"0002"}"#.to_owned();
    let long = format!("\"{}\"", "a".repeat(65 * 1024));
    let nul = "{\"cinema_id\":\"a\\u0000b\"}".to_owned();
    let wrong: [(Vec<u8>, u16, &str); 7] = [
        (deep.into(), 400, "body_too_complex"),
        (wide.into(), 400, "body_too_complex"),
        (twice.into(), 400, "duplicate_field"),
        (long.into(), 413, "body_too_large"),
        (nul.into(), 400, "control_character"),
        (b"{\"cinema_id\":\"\xff\xfe\"}".to_vec(), 400, "invalid_body"),
        (b"{\"a\":".to_vec(), 400, "invalid_body"),
    ];
    for (body, status, code) in wrong {
        let answer = Answer::read(order(&customer).body(body).send().await.unwrap()).await;
        answer.assert_problem(status, code);
    }
    // Ten kilobytes that would be ten megabytes.
    let bomb = order(&customer).header("content-encoding", "gzip").body(vec![0x1f; 10_000]);
    let answer = Answer::read(bomb.send().await.unwrap()).await;
    answer.assert_problem(415, "unsupported_encoding");
    let query = customer.gets("/api/v1/cms/cases?cause=%00").await;
    query.assert_problem(400, "control_character");
    assert_eq!(booked(&visit, &customer).await, 0);
}

#[tokio::test]
async fn every_answer_forbids_the_browser_everything() {
    let visit = visit().await;
    let customer = visit.customer();
    for path in ["/heartbeat", "/api/v1/nothing", "/api/v1/orders/bk_7"] {
        let answer = customer.gets(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{answer:?}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"));
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("server"), "");
        assert_eq!(answer.header("access-control-allow-origin"), "", "no site is on the list");
    }
}

async fn booked(visit: &Visit, customer: &Customer) -> i64 {
    let query = sqlx::query_scalar("SELECT count(*) FROM bookings WHERE caller = $1");
    query.bind(&customer.id).fetch_one(&visit.db).await.unwrap()
}
