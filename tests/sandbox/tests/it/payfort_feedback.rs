//! Feedback of Amazon Payment Services: signed, as JSON or as a form, ten times and no more.

use crate::{
    harness::{Sandbox, eventually},
    merchant::{Delivery, with_merchant},
    payfort::sha256,
};
use axum::http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn fields(delivery: &Delivery) -> BTreeMap<String, String> {
    let body = delivery.bytes.trim_start();
    if delivery.content_type == "application/json" {
        return serde_json::from_str(body).unwrap();
    }
    let url = reqwest::Url::parse(&format!("http://x/?{body}")).unwrap();
    url.query_pairs().into_owned().collect()
}

fn is_signed(fields: &BTreeMap<String, String>) -> bool {
    fields.get("signature") == Some(&sha256("response", fields))
}

async fn purchase(sandbox: &Sandbox, reference: &str) {
    sandbox.switch("payfort", "three_ds", "frictionless").await;
    let answer = sandbox.charged("PURCHASE", reference).await;
    assert_eq!(answer["response_code"], "14000", "{answer}");
}

async fn letters(sandbox: &Sandbox, reference: &str) -> Vec<Value> {
    let path = format!("payfort/outbox?reference={reference}");
    sandbox.sim(Method::GET, &path, Value::Null).await.as_array().unwrap().clone()
}

#[tokio::test]
async fn each_operation_is_told_as_json_or_as_a_form() {
    for format in ["json", "form"] {
        let (sandbox, merchant) = with_merchant().await;
        sandbox.switch("payfort", "feedback_format", format).await;
        purchase(&sandbox, "BK-TOLD").await;
        let refund = [
            ("command", "REFUND"),
            ("amount", "5000"),
            ("currency", "SAR"),
            ("maintenance_reference", "RF-TOLD"),
        ];
        sandbox.payfort("BK-TOLD", &refund).await;
        merchant.waits_for(2).await;
        let mut told: Vec<_> = merchant.deliveries().iter().map(fields).collect();
        told.sort_by_key(|fields| fields["command"].clone());
        assert!(told.iter().all(is_signed));
        let [bought, refunded] = told.try_into().unwrap();
        assert_eq!((bought["command"].as_str(), bought["amount"].as_str()), ("PURCHASE", "11500"));
        assert_eq!(refunded["maintenance_reference"], "RF-TOLD");
        assert_eq!(
            (refunded["amount"].as_str(), refunded["response_code"].as_str()),
            ("5000", "06000")
        );
    }
}

#[tokio::test]
async fn a_merchant_who_is_away_is_told_ten_times_and_no_more() {
    let (sandbox, merchant) = with_merchant().await;
    merchant.answers(&[StatusCode::SERVICE_UNAVAILABLE; 12]);
    purchase(&sandbox, "BK-AWAY").await;
    eventually(async || letters(&sandbox, "BK-AWAY").await[0]["fate"] == "given_up").await;
    assert_eq!(merchant.deliveries().len(), 10);
    let (sandbox, merchant) = with_merchant().await;
    merchant.answers(&[StatusCode::FOUND]);
    purchase(&sandbox, "BK-302").await;
    eventually(async || letters(&sandbox, "BK-302").await[0]["fate"] == "delivered").await;
}

#[tokio::test]
async fn a_forged_delivery_is_signed_by_nobody() {
    for fault in
        ["forged_key", "forged_amount", "forged_phrase", "unsigned", "signed_by_other_channel"]
    {
        let (sandbox, merchant) = with_merchant().await;
        sandbox.fault("payfort", "webhook", fault, 0).await;
        purchase(&sandbox, "BK-FORGED").await;
        let count = if fault.starts_with("forged") { 2 } else { 1 };
        merchant.waits_for(count).await;
        let signed: Vec<bool> =
            merchant.deliveries().iter().map(|it| is_signed(&fields(it))).collect();
        assert_eq!(signed.iter().filter(|signed| **signed).count(), count - 1, "{fault}");
    }
}

#[tokio::test]
async fn webhooks_are_lost_doubled_and_stale() {
    let codes = async |fault: &str| {
        let (sandbox, merchant) = with_merchant().await;
        sandbox.fault("payfort", "webhook", fault, 20).await;
        purchase(&sandbox, "BK-ODD").await;
        eventually(async || {
            let open = ["waiting", "in_flight"];
            letters(&sandbox, "BK-ODD")
                .await
                .iter()
                .all(|it| !open.iter().any(|f| it["fate"] == *f))
        })
        .await;
        let told = merchant.deliveries();
        told.iter().map(|it| fields(it)["response_code"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(codes("lost").await, Vec::<String>::new());
    assert_eq!(codes("duplicate").await, ["14000", "14000"]);
    assert_eq!(codes("replayed").await, ["14000", "14000"]);
    assert_eq!(codes("unheard_1").await, ["14000", "14000"]);
    assert_eq!(codes("stale_decline").await, ["14000", "13666"]);
    assert_eq!(codes("pending_last").await, ["14000", "20064"]);
    let (sandbox, merchant) = with_merchant().await;
    sandbox.switch("payfort", "feedbacks", "both").await;
    purchase(&sandbox, "BK-BOTH").await;
    merchant.waits_for(2).await;
    let order = json!({"reference": "BK-BOTH", "times": 3, "parallel": true});
    let again = sandbox.sim(Method::POST, "payfort/webhooks/redeliver", order).await;
    assert_eq!(again["delivered"], 3);
}
