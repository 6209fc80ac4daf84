//! Webhooks that come late, twice, in the wrong order, or from somebody else.

use crate::harness::{Sandbox, eventually};
use crate::merchant::{Merchant, with_merchant};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const SUCCESS: &str = "000.100.110";
const PENDING: &str = "000.200.000";
const DECLINED: &str = "800.100.152";

/// An approved payment whose first webhook goes wrong like this.
async fn told_with(fault: &str, delay_ms: Option<u64>) -> (Sandbox, Merchant, String) {
    let (sandbox, merchant) = with_merchant().await;
    let rule = json!({"match": {"op": "webhook"}, "fault": fault, "delay_ms": delay_ms});
    let added = sandbox.sim(Method::POST, "hyperpay/faults", rule).await;
    assert_eq!(added["added"], true, "{added}");
    let (_, id) = sandbox.paid("BK-WEBHOOK-1", "DB").await;
    (sandbox, merchant, id)
}

async fn outbox(sandbox: &Sandbox) -> Vec<Value> {
    let letters = sandbox.sim(Method::GET, "hyperpay/outbox", Value::Null).await;
    letters.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_letter_is_late_by_days_of_the_vendors_time() {
    let (sandbox, merchant, _) = told_with("late_days_3", None).await;
    let letters = outbox(&sandbox).await;
    let wait = letters[0]["due_at"].as_i64().unwrap() - now_ms();
    let days = 3 * 24 * 3_600_000 / 600;
    assert!((days - 5_000..=days).contains(&wait), "three days at factor 600, not {wait} ms");
    assert!(merchant.received().is_empty());
}

#[tokio::test]
async fn a_letter_is_late_by_hours_of_the_vendors_time() {
    let (sandbox, merchant) = with_merchant().await;
    sandbox.sim(Method::POST, "clock", json!({"factor": 72_000})).await;
    sandbox.fault("hyperpay", "webhook", "late_hours_2", 0).await;
    sandbox.paid("BK-WEBHOOK-2", "DB").await;
    merchant.waits_for(1).await;
    assert_eq!(merchant.codes(), [SUCCESS]);
}

#[tokio::test]
async fn a_doubled_letter_has_the_same_bytes_or_other_ones() {
    for (fault, same) in [("duplicate", false), ("duplicate_same", true)] {
        let (_sandbox, merchant, _) = told_with(fault, None).await;
        merchant.waits_for(2).await;
        let both = merchant.deliveries();
        assert_eq!(both[0].message["payload"]["id"], both[1].message["payload"]["id"]);
        assert_eq!(both[0].bytes == both[1].bytes, same, "{fault}");
    }
}

#[tokio::test]
async fn a_letter_that_was_received_is_replayed_byte_for_byte() {
    let (sandbox, merchant, _) = told_with("replayed", Some(50)).await;
    merchant.waits_for(2).await;
    assert_eq!(merchant.deliveries()[0].bytes, merchant.deliveries()[1].bytes);
    // And whenever one likes, also an older one.
    sandbox.paid("BK-WEBHOOK-3", "DB").await;
    merchant.waits_for(3).await;
    let old = outbox(&sandbox).await[0]["id"].clone();
    let again = json!({"letter": old, "replay": true});
    sandbox.sim(Method::POST, "hyperpay/webhooks/redeliver", again).await;
    assert_eq!(merchant.deliveries()[0].bytes, merchant.deliveries()[3].bytes);
}

#[tokio::test]
async fn a_refund_is_told_before_its_payment() {
    let (sandbox, merchant, id) = told_with("overtaken", None).await;
    sandbox.follow_up(&id, "RF", "115.00").await;
    merchant.waits_for(2).await;
    let kinds: Vec<Value> = merchant
        .received()
        .iter()
        .map(|message| message["payload"]["paymentType"].clone())
        .collect();
    assert_eq!(kinds, ["RF", "DB"]);
}

#[tokio::test]
async fn an_older_word_comes_after_the_final_one() {
    for (fault, last) in [("pending_last", PENDING), ("stale_decline", DECLINED)] {
        let (_sandbox, merchant, _) = told_with(fault, None).await;
        merchant.waits_for(2).await;
        assert_eq!(merchant.codes(), [SUCCESS, last], "{fault}");
        let told = merchant.received();
        assert_eq!(told[0]["payload"]["id"], told[1]["payload"]["id"]);
    }
}

#[tokio::test]
async fn a_forgery_comes_beside_the_genuine_letter_and_only_once() {
    for fault in ["forged_key", "forged_tag", "forged_vector"] {
        let (sandbox, merchant, _) = told_with(fault, None).await;
        merchant.waits_for(2).await;
        let mut codes = merchant.codes();
        codes.sort();
        assert_eq!(codes, [SUCCESS, "unreadable"], "{fault}");
        let again = json!({"reference": "BK-WEBHOOK-1", "forged": "wrong_key"});
        sandbox.sim(Method::POST, "hyperpay/webhooks/redeliver", again).await;
        assert_eq!(merchant.codes()[2], "unreadable");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_heard_brings_the_letter_again() {
    let (sandbox, merchant, _) = told_with("unheard_1", None).await;
    merchant.waits_for(2).await;
    assert_eq!(merchant.codes(), [SUCCESS, SUCCESS]);
    eventually(async || outbox(&sandbox).await[0]["fate"] == "delivered").await;
}

#[tokio::test]
async fn a_merchant_slower_than_the_vendors_patience_is_told_again() {
    let (sandbox, merchant) = with_merchant().await;
    sandbox.switch("hyperpay", "webhook_patience_ms", "50").await;
    merchant.slows_down(Duration::from_millis(500));
    sandbox.paid("BK-WEBHOOK-4", "DB").await;
    merchant.waits_for(2).await;
    let attempts = outbox(&sandbox).await[0]["attempts"].clone();
    assert!(attempts[0]["error"].is_string(), "{attempts}");
}

#[tokio::test]
async fn the_wrapper_changes_from_letter_to_letter() {
    let (sandbox, merchant) = with_merchant().await;
    sandbox.switch("hyperpay", "webhook_wrapper", "alternating").await;
    sandbox.paid("BK-WEBHOOK-5", "DB").await;
    merchant.waits_for(1).await;
    sandbox.paid("BK-WEBHOOK-6", "DB").await;
    merchant.waits_for(2).await;
    let mut types: Vec<String> =
        merchant.deliveries().into_iter().map(|delivery| delivery.content_type).collect();
    types.sort();
    assert_eq!(types, ["application/json", "text/plain"]);
    assert_eq!(merchant.codes(), [SUCCESS, SUCCESS]);
}

#[tokio::test]
async fn a_genuine_letter_may_say_the_wrong_thing_or_very_little() {
    let (_sandbox, merchant, _) = told_with("entity_mismatch", None).await;
    merchant.waits_for(1).await;
    let entity = &merchant.received()[0]["payload"]["authentication"]["entityId"];
    assert_ne!(entity, sandbox::MADA_ENTITY);
    let (_sandbox, merchant, _) = told_with("bare_result", None).await;
    merchant.waits_for(1).await;
    assert_eq!(merchant.received()[0]["payload"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn a_charge_back_is_told() {
    let (sandbox, merchant) = with_merchant().await;
    sandbox.fault("hyperpay", "pay", "chargeback", 50).await;
    let (_, id) = sandbox.paid("BK-WEBHOOK-7", "DB").await;
    merchant.waits_for(2).await;
    let told = merchant.received().remove(1);
    assert_eq!(told["payload"]["paymentType"], "CB");
    assert_eq!(told["payload"]["referencedId"], id);
    assert_eq!(told["payload"]["result"]["code"], "000.100.200");
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}
