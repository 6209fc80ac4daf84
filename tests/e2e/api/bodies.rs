//! What a request may not say.

use harness::{Answer, Customer, Order, visit};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn control_characters_unknown_fields_and_other_json_are_refused() {
    let visit = visit().await;
    let customer = visit.customer();
    let mut with_nul = Order::new(&visit).body();
    with_nul["seats"][0]["seat"] = json!("A1\u{0}");
    let mut unknown = Order::new(&visit).body();
    unknown["seats"][0]["price"] = json!(1);
    let wrong = [
        (with_nul, "control_character"),
        (unknown, "invalid_body"),
        (json!({}), "invalid_body"),
        (json!([]), "invalid_body"),
        (json!("text"), "invalid_body"),
    ];
    for (body, code) in wrong {
        let answer = customer.posts("/api/v1/orders", &Customer::key(), &body).await;
        answer.assert_problem(400, code);
    }
    let twice = "{\"seats\": [], \"seats\": []}";
    let raw = ["", "{", "\u{feff}{}", "nul"].map(|raw| (raw, "invalid_body"));
    for (raw, code) in raw.into_iter().chain([(twice, "duplicate_field")]) {
        let request = customer.request(Method::POST, "/api/v1/orders").body(raw);
        let request = request.header("idempotency-key", Customer::key());
        let answer = Answer::read(request.send().await.unwrap()).await;
        answer.assert_problem(400, code);
    }
}

#[tokio::test]
async fn a_path_that_names_nothing_and_a_method_that_does_nothing_are_told_so() {
    let customer = visit().await.customer();
    for path in ["%ff", "%00", "bk_%F0%9F%8E%AC", ".."] {
        let answer = customer.gets(&format!("/api/v1/orders/{path}")).await;
        assert!([404, 200].contains(&answer.status), "{path}: {answer:?}");
    }
    customer.gets("/swagger/%ff").await.assert_problem(404, "not_found");
    let request = customer.request(Method::DELETE, "/api/v1/orders");
    let answer = Answer::read(request.send().await.unwrap()).await;
    answer.assert_problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "POST,GET,HEAD");
}

#[tokio::test]
async fn a_path_that_is_no_text_is_told_so_by_every_route_in_the_same_way() {
    let customer = visit().await.customer();
    let document = customer.gets("/openapi.json").await.body;
    let with_names =
        document["paths"].as_object().unwrap().keys().filter(|path| path.contains('{'));
    let mut asked = 0;
    for path in with_names {
        let path: Vec<&str> =
            path.split('/').map(|part| if part.contains('{') { "%ff" } else { part }).collect();
        let path = path.join("/");
        let answer = customer.gets(&path).await;
        let kind = answer.header("content-type");
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
        assert_eq!(kind, "application/problem+json", "{path}: {answer:?}");
        asked += 1;
    }
    assert!(asked > 10, "{asked} routes have names in their paths");
}
