//! Answers that are whole but odd, or that stop half way: the same on every vendor's wire.

use crate::harness::Sandbox;
use reqwest::Response;
use serde_json::Value;

/// The answer to a look at an order, with this done to it.
async fn looked(sandbox: &Sandbox, fault: &str) -> Result<Response, reqwest::Error> {
    let usid = sandbox.order().await;
    sandbox.fault("vista", "get_order", fault, 100).await;
    let url = format!("{}/vista/WSVistaWebClient/orders/{usid}", sandbox.base);
    sandbox.client.get(url).header("connectapitoken", "vista-website").send().await
}

#[tokio::test]
async fn an_odd_answer_is_still_whole() {
    let sandbox = Sandbox::start().await;
    for fault in ["slow_after", "drip_after", "unknown_fields", "wrong_type_after"] {
        let answer = looked(&sandbox, fault).await.unwrap();
        let html = answer.headers()["content-type"].to_str().unwrap().starts_with("text/html");
        assert_eq!(html, fault == "wrong_type_after", "{fault}");
        let body: Value = answer.json().await.unwrap();
        assert!(body["order"]["userSessionId"].is_string(), "{fault}");
        assert_eq!(body["order"]["randomField"].is_object(), fault == "unknown_fields");
    }
    let text = looked(&sandbox, "bom_after").await.unwrap().bytes().await.unwrap();
    assert_eq!(text.get(..4).unwrap(), b"\xef\xbb\xbf{");
}

#[tokio::test]
async fn a_body_that_is_no_answer_comes_with_200() {
    let sandbox = Sandbox::start().await;
    for (fault, expected) in [
        ("empty_200_after", ""),
        ("empty_object_after", "{}"),
        ("empty_array_before", "[]"),
        ("null_after", "null"),
        ("torn_before", "{\"res"),
    ] {
        let answer = looked(&sandbox, fault).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().await.unwrap(), expected, "{fault}");
    }
    let torn = looked(&sandbox, "torn_after").await.unwrap();
    assert_eq!(torn.status(), 200);
    assert!(serde_json::from_str::<Value>(&torn.text().await.unwrap()).is_err());
}

#[tokio::test]
async fn an_answer_that_stops_half_way_has_its_head_and_no_end() {
    let sandbox = Sandbox::start().await;
    for fault in ["truncated_after", "stalled_after"] {
        let answer = looked(&sandbox, fault).await.unwrap();
        assert_eq!(answer.status(), 200, "{fault}");
        assert!(answer.bytes().await.is_err(), "{fault}");
    }
    for fault in ["reset_before", "reset_after", "timeout_before"] {
        assert!(looked(&sandbox, fault).await.is_err(), "{fault}");
    }
}
