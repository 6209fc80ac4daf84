//! The documentation: complete, and its examples run.

use crate::{cases::refused, staff::Staff};
use harness::{Answer, Booking, Customer, Order, Visit, Way, visit};
use reqwest::Method;
use serde_json::Value;

async fn fetch(visit: &Visit, path: &str) -> Answer {
    let url = format!("{}{path}", visit.system.gateway);
    Answer::read(visit.http.get(url).send().await.unwrap()).await
}

/// Every operation: its method, its path, and what is said of it.
fn operations(api: &Value) -> Vec<(Method, &str, &Value)> {
    let paths = api["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter().map(move |(method, said)| {
            (Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), path.as_str(), said)
        })
    });
    all.collect()
}

fn resolve<'a>(api: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(path) => api.pointer(path.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

#[tokio::test]
async fn every_operation_says_what_it_does_and_how_it_refuses() {
    let visit = visit().await;
    let api = fetch(&visit, "/openapi.json").await;
    assert_eq!((api.status, api.header("content-type")), (200, "application/json"));
    assert_eq!(api.body["openapi"], "3.1.0");
    let operations = operations(&api.body);
    assert!(operations.len() >= 15, "{} operations", operations.len());
    for (method, path, said) in operations {
        let complete = said["summary"].is_string() && said["tags"][0].is_string();
        assert!(complete, "{method} {path} says too little");
        for (status, answer) in said["responses"].as_object().unwrap() {
            assert!(answer["description"].is_string(), "{method} {path} {status}");
            let refuses = status.starts_with(['4', '5']);
            let problem = &answer["content"]["application/problem+json"];
            assert_eq!(refuses, !problem.is_null(), "{method} {path} {status}");
        }
        let protected = said["security"].is_null();
        assert_eq!(protected, path.starts_with("/api/"), "{method} {path}");
        if protected {
            let bare =
                visit.http.request(method.clone(), format!("{}{path}", visit.system.gateway));
            assert_eq!(bare.send().await.unwrap().status(), 401, "{method} {path}");
        }
    }
    let codes = &api.body["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    assert_eq!(codes.as_array().unwrap().len(), gateway::CODES.len());
}

/// Sends the example of every body to the running system.
#[tokio::test]
async fn every_example_runs() {
    let visit = visit().await;
    let api = fetch(&visit, "/openapi.json").await.body;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let waits_for_staff = refused().await;
    let mut ran = Vec::new();
    for (method, path, said) in operations(&api) {
        // What phones say of their passes takes a pass's token (`tickets` says it), and what vendors write their keys;
        // Apple Pay is not set up here (`apple_pay` says it), and no terminal has anything to reverse (`kiosk` does).
        let content = said["requestBody"]["content"].get("application/json");
        let others = ["passes", "webhooks"].map(Value::from).contains(&said["tags"][0])
            || ["open_apple_pay", "acknowledge_reversal"]
                .map(Value::from)
                .contains(&said["operationId"]);
        let Some(content) = content.filter(|_| !others) else { continue };
        let schema = resolve(&api, &content["schema"]);
        let example = schema.get("example").or_else(|| schema["examples"].get(0));
        let example = example.unwrap_or_else(|| panic!("{method} {path} has no example"));
        let answer = sends(path, example, &booking, &waits_for_staff).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        let status = answer.status.to_string();
        assert!(said["responses"].get(&status).is_some(), "{method} {path}: {status}");
        ran.push(said["operationId"].as_str().unwrap());
    }
    let all = [
        "save_card",
        "decide_case",
        "change_maintenance",
        "create_order",
        "create_payment",
        "proceed_with_payment",
    ];
    assert_eq!(ran, all);
    waits_for_staff.until_ticket().await;
    booking.cancels().await;
    visit.assert_balanced().await;
}

async fn sends(path: &str, example: &Value, booking: &Booking, waits: &Booking) -> Answer {
    if path.starts_with("/api/v1/cms/") {
        let staff = Staff::of(waits);
        if !path.contains("{case}") {
            return staff.posts(path, example).await;
        }
        let case = staff.case(waits).await;
        let path = path.replace("{case}", case["id"].as_str().unwrap());
        return staff.posts(&path, example).await;
    }
    let mut path = path.replace("{booking}", &booking.id);
    if path.contains("{payment}") {
        let waits = booking.opens(Way::StcPay).await;
        path = path.replace("{payment}", &waits.id);
    }
    booking.customer.posts(&path, &Customer::key(), example).await
}

#[tokio::test]
async fn swagger_shows_it_without_anything_from_elsewhere() {
    let visit = visit().await;
    let page = fetch(&visit, "/swagger/").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html"));
    assert!(page.header("content-security-policy").contains("script-src 'self'"), "{page:?}");
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        let found = fetch(&visit, &format!("/swagger/{file}")).await;
        assert_eq!(found.status, 200, "{file}");
    }
    assert!(!page.text.contains("//"), "something from elsewhere: {}", page.text);
    fetch(&visit, "/swagger/nothing.js").await.assert_problem(404, "not_found");
    assert_eq!(fetch(&visit, "/swagger").await.header("location"), "/swagger/");
}
