//! The control plane: faults around every effect, state that outlives the process.

use crate::harness::{Sandbox, completion, eventually};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_fault_before_the_effect_leaves_nothing_and_one_after_it_leaves_a_booking() {
    let sandbox = Sandbox::start().await;
    let usid = sandbox.order().await;
    sandbox.hold(&usid, "1001", &[0, 1]).await;
    let path = "RESTTicketing.svc/order/payment";
    sandbox.fault("vista", "pay_order", "http_503_before", 0).await;
    let refused = sandbox.vista_post(path, &completion(&usid, 11_500)).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(sandbox.kinds("vista", &usid).await, ["order", "hold"]);
    sandbox.fault("vista", "pay_order", "http_500_after", 0).await;
    assert_eq!(sandbox.vista_post(path, &completion(&usid, 11_500)).await.status(), 500);
    assert_eq!(sandbox.kinds("vista", &usid).await, ["order", "hold", "booking"]);
}

#[tokio::test]
async fn a_connection_can_be_held_reset_and_cut_short_after_the_effect() {
    let sandbox = Sandbox::start().await;
    for fault in ["timeout_after", "reset_after", "truncated_after"] {
        let (_, id) = sandbox.paid(&format!("BK-{fault}"), "DB").await;
        sandbox.fault("hyperpay", "refund", fault, 50).await;
        let url = format!("{}/hyperpay/v1/payments/{id}", sandbox.base);
        let form = [
            ("entityId", sandbox::MADA_ENTITY),
            ("paymentType", "RF"),
            ("amount", "1.00"),
            ("currency", "SAR"),
            ("merchantTransactionId", fault),
        ];
        let request = sandbox.client.post(url).bearer_auth(sandbox::DEFAULT_TOKEN).form(&form);
        let heard = match request.send().await {
            Ok(response) => response.json::<Value>().await.is_ok(),
            Err(_) => false,
        };
        assert!(!heard, "{fault} was heard");
        assert_eq!(sandbox.kinds("hyperpay", fault).await, ["refund"]);
    }
}

#[tokio::test]
async fn a_fault_waits_for_its_reference_and_its_turn() {
    let sandbox = Sandbox::start().await;
    let (usid, other) = (sandbox.order().await, sandbox.order().await);
    let rule = json!({"match": {"op": "get_order", "reference": usid, "nth": 2},
        "fault": "code_62"});
    sandbox.sim(Method::POST, "vista/faults", rule).await;
    let path = format!("orders/{usid}");
    let mut statuses = Vec::new();
    for _ in 0..3 {
        assert_eq!(sandbox.vista_get(&format!("orders/{other}")).await.status(), 200);
        statuses.push(sandbox.vista_get(&path).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 404, 200]);
}

#[tokio::test]
async fn unknown_faults_operations_and_switches_are_refused_with_the_known_ones() {
    let sandbox = Sandbox::start().await;
    for (path, body) in [
        ("vista/faults", json!({"match": {"op": "pay"}, "fault": "delay"})),
        ("vista/faults", json!({"match": {"op": "pay_order"}, "fault": "nonsense"})),
        ("hyperpay/switches", json!({"list_key": "rows"})),
        ("hyperpay/switches", json!({"nothing": 1})),
    ] {
        let answer = sandbox.sim(Method::POST, path, body).await;
        assert!(answer["error"].is_string(), "{answer}");
    }
    let about = sandbox.sim(Method::GET, "", Value::Null).await;
    assert_eq!(about["vendors"]["hyperpay"]["switches"]["decline_http_status"]["default"], "400");
}

#[tokio::test]
async fn everything_is_there_again_after_a_restart_and_gone_after_a_reset() {
    let file = std::env::temp_dir().join(format!("sandbox-{}.json", std::process::id()));
    let _ = std::fs::remove_file(&file);
    let keep = |config: &mut sandbox::Config| config.state_file = Some(file.clone());
    let sandbox = Sandbox::with(keep).await;
    let (usid, _) = sandbox.booking().await;
    sandbox.paid("BK-00000031-p1", "DB").await;
    sandbox.switch("vista", "double_complete", "56").await;
    eventually(async || file.exists()).await;
    sandbox.stop().await;

    let sandbox = Sandbox::with(keep).await;
    assert_eq!(sandbox.kinds("vista", &usid).await, ["order", "hold", "booking"]);
    assert_eq!(sandbox.kinds("hyperpay", "BK-00000031-p1").await, ["checkout", "capture"]);
    assert_eq!(sandbox.complete(&usid, 11_500).await["ExtendedResultCode"], 56);
    let other = sandbox.order().await;
    assert_eq!(sandbox.hold(&other, "1001", &[0]).await.status(), 409);
    sandbox.sim(Method::POST, "reset", Value::Null).await;
    assert!(sandbox.kinds("vista", &usid).await.is_empty());
    sandbox.stop().await;
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let sandbox = Sandbox::start().await;
    let long = json!({"cinemaId": "x".repeat(70_000)});
    assert_eq!(sandbox.vista_post("orders", &long).await.status(), 413);
}

#[tokio::test]
async fn the_sandbox_stops_while_a_connection_is_held() {
    let sandbox = Sandbox::start().await;
    sandbox.fault("vista", "create_order", "timeout_before", 60_000).await;
    let url = format!("{}/vista/WSVistaWebClient/orders", sandbox.base);
    let request = sandbox.client.post(url).header("connectapitoken", "vista-ios").body("{}");
    let waiting = tokio::spawn(request.send());
    tokio::time::sleep(Duration::from_millis(50)).await;
    tokio::time::timeout(Duration::from_secs(2), sandbox.stop()).await.unwrap();
    assert!(waiting.await.unwrap().is_err());
}
