//! Webhooks, received by a small merchant that can open them.

use crate::harness::eventually;
use crate::merchant::with_merchant;
use axum::http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn an_approved_payment_and_its_refund_are_told_in_sealed_messages() {
    let (sandbox, merchant) = with_merchant().await;
    let (checkout, id) = sandbox.paid("BK-00000021-p1", "DB").await;
    merchant.waits_for(1).await;
    let first = merchant.received().remove(0);
    assert_eq!(first["type"], "PAYMENT");
    assert_eq!(first["payload"]["id"], id);
    assert_eq!(first["payload"]["ndc"], checkout);
    assert_eq!(first["payload"]["amount"], "115.00");
    sandbox.follow_up(&id, "RF", "15.00").await;
    merchant.waits_for(2).await;
    let second = merchant.received().remove(1);
    assert_eq!(second["payload"]["paymentType"], "RF");
    assert_eq!(second["payload"]["referencedId"], id);
}

#[tokio::test]
async fn a_merchant_who_fails_is_told_again_on_the_ladder() {
    let (sandbox, merchant) = with_merchant().await;
    merchant.answers(&[StatusCode::SERVICE_UNAVAILABLE, StatusCode::INTERNAL_SERVER_ERROR]);
    sandbox.paid("BK-00000022-p1", "DB").await;
    merchant.waits_for(3).await;
    let path = "hyperpay/outbox?reference=BK-00000022-p1";
    eventually(async || {
        sandbox.sim(Method::GET, path, Value::Null).await[0]["fate"] == "delivered"
    })
    .await;
    let outbox = sandbox.sim(Method::GET, path, Value::Null).await;
    assert_eq!(outbox[0]["attempts"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_pending_word_may_come_first_and_the_wrapper_may_be_json() {
    let (sandbox, merchant) = with_merchant().await;
    sandbox.switch("hyperpay", "webhook_pending_first", "true").await;
    sandbox.switch("hyperpay", "webhook_wrapper", "json").await;
    sandbox.paid("BK-00000023-p1", "DB").await;
    merchant.waits_for(2).await;
    assert_eq!(merchant.codes(), ["000.200.000", "000.100.110"]);
}

#[tokio::test]
async fn a_message_can_be_lost_doubled_repeated_and_corrupted() {
    let (sandbox, merchant) = with_merchant().await;
    sandbox.fault("hyperpay", "webhook", "lost", 0).await;
    sandbox.paid("BK-00000024-p1", "DB").await;
    sandbox.fault("hyperpay", "webhook", "duplicate", 0).await;
    sandbox.paid("BK-00000025-p1", "DB").await;
    merchant.waits_for(2).await;
    let again = json!({"reference": "BK-00000024-p1", "times": 3, "parallel": true});
    let answer = sandbox.sim(Method::POST, "hyperpay/webhooks/redeliver", again).await;
    assert_eq!(answer["statuses"], json!([200, 200, 200]));
    let references = merchant.received();
    let lost = references
        .iter()
        .filter(|message| message["payload"]["merchantTransactionId"] == "BK-00000024-p1");
    assert_eq!((references.len(), lost.count()), (5, 3));
    let corrupt = json!({"reference": "BK-00000025-p1", "corrupt": true});
    sandbox.sim(Method::POST, "hyperpay/webhooks/redeliver", corrupt).await;
    assert_eq!(merchant.codes().last().unwrap(), "unreadable");
}
