//! The card gateway: sessions, follow-ups, reports, and what the shopper sees.

use crate::harness::{Sandbox, code};
use reqwest::header::LOCATION;
use sandbox::{CARD_ENTITY, DEFAULT_TOKEN};
use serde_json::Value;

#[tokio::test]
async fn an_approved_checkout_gives_its_final_word_once() {
    let sandbox = Sandbox::start().await;
    let checkout = sandbox.checkout("BK-00000001-p1", "DB").await;
    let path = format!("checkouts/{checkout}/payment");
    assert_eq!(code(sandbox.hyperpay_get(&path).await).await, "000.200.000");
    sandbox.pay(&checkout, "approve").await;
    let body: Value = sandbox.hyperpay_get(&path).await.json().await.unwrap();
    assert_eq!(body["result"]["code"], "000.100.110");
    assert_eq!((&body["amount"], &body["ndc"]), (&"115.00".into(), &checkout.clone().into()));
    sandbox.switch("hyperpay", "throttle_per_minute", "0").await;
    let again = sandbox.hyperpay_get(&path).await;
    assert_eq!(again.status(), 400);
    assert_eq!(code(again).await, "200.300.404");
    let listed = sandbox.hyperpay_get("query?merchantTransactionId=BK-00000001-p1").await;
    let listed: Value = listed.json().await.unwrap();
    assert_eq!(listed["payments"][0]["id"], body["id"]);
    assert_eq!(sandbox.kinds("hyperpay", "BK-00000001-p1").await, ["checkout", "capture"]);
}

#[tokio::test]
async fn one_checkout_takes_several_attempts_and_then_no_more() {
    let sandbox = Sandbox::start().await;
    let checkout = sandbox.checkout("BK-00000002-p1", "DB").await;
    sandbox.pay(&checkout, "decline").await;
    let declined = sandbox.hyperpay_get(&format!("checkouts/{checkout}/payment")).await;
    assert_eq!(declined.status(), 400);
    assert_eq!(code(declined).await, "800.100.152");
    sandbox.pay(&checkout, "abandon").await;
    sandbox.pay(&checkout, "approve").await;
    assert!(sandbox.pay(&checkout, "approve").await["error"].is_string());
    let kinds = sandbox.kinds("hyperpay", "BK-00000002-p1").await;
    assert_eq!(kinds, ["checkout", "decline", "capture"]);
}

#[tokio::test]
async fn the_third_status_read_within_a_minute_is_throttled() {
    let sandbox = Sandbox::with(|config| config.factor = 60).await;
    let checkout = sandbox.checkout("BK-00000003-p1", "DB").await;
    let path = format!("checkouts/{checkout}/payment");
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(sandbox.hyperpay_get(&path).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(code(sandbox.hyperpay_get(&path).await).await, "800.120.100");
    // A minute at factor 60.
    tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
    assert_eq!(sandbox.hyperpay_get(&path).await.status(), 200);
}

#[tokio::test]
async fn refunds_never_exceed_what_was_captured() {
    let sandbox = Sandbox::start().await;
    let (_, id) = sandbox.paid("BK-00000004-p1", "DB").await;
    assert_eq!(sandbox.follow_up(&id, "RF", "30.00").await, "000.100.110");
    assert_eq!(sandbox.follow_up(&id, "RF", "40.00").await, "000.100.110");
    assert_eq!(sandbox.follow_up(&id, "RF", "45.01").await, "700.400.200");
    assert_eq!(sandbox.follow_up(&id, "RF", "45.00").await, "000.100.110");
    assert_eq!(sandbox.follow_up(&id, "RF", "0.01").await, "700.400.200");
    assert_eq!(sandbox.follow_up(&id, "CP", "1.00").await, "700.400.510");
    assert_eq!(sandbox.follow_up("none", "RF", "1.00").await, "700.100.100");
    let path = format!("query/{id}?includeLinkedTransactions=true&paymentTypes=RF");
    let linked: Value = sandbox.hyperpay_get(&path).await.json().await.unwrap();
    assert_eq!(linked["payments"].as_array().unwrap().len(), 3);
    assert_eq!(linked["payments"][0]["referencedId"], id);
}

#[tokio::test]
async fn an_authorisation_is_captured_or_reversed_but_not_refunded() {
    let sandbox = Sandbox::start().await;
    let (_, id) = sandbox.paid("BK-00000005-p1", "PA").await;
    assert_eq!(sandbox.follow_up(&id, "RF", "1.00").await, "700.400.520");
    assert_eq!(sandbox.follow_up(&id, "CP", "115.01").await, "700.400.100");
    assert_eq!(sandbox.follow_up(&id, "CP", "15.00").await, "000.100.110");
    assert_eq!(sandbox.follow_up(&id, "RV", "115.00").await, "700.300.700");
    let (_, other) = sandbox.paid("BK-00000006-p1", "PA").await;
    assert_eq!(sandbox.follow_up(&other, "RV", "115.00").await, "000.100.110");
    assert_eq!(sandbox.follow_up(&other, "RV", "115.00").await, "700.400.300");
    assert_eq!(sandbox.follow_up(&other, "CP", "1.00").await, "700.400.100");
    let (_, debit) = sandbox.paid("BK-00000007-p1", "DB").await;
    assert_eq!(sandbox.follow_up(&debit, "RV", "115.00").await, "700.300.100");
}

#[tokio::test]
async fn strangers_and_wrong_channels_are_refused() {
    let sandbox = Sandbox::start().await;
    let (_, id) = sandbox.paid("BK-00000008-p1", "DB").await;
    let url = |entity: &str| format!("{}/hyperpay/v1/query/{id}?entityId={entity}", sandbox.base);
    let stranger = sandbox.client.get(url(CARD_ENTITY)).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    assert_eq!(code(stranger).await, "800.900.300");
    for (entity, status, expected) in
        [("nobody", 403, "800.900.201"), (CARD_ENTITY, 400, "700.400.580")]
    {
        let request = sandbox.client.get(url(entity)).bearer_auth(DEFAULT_TOKEN);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(code(answer).await, expected);
    }
    let wrong = sandbox.hyperpay_post("checkouts", &[("amount", "1.5")]).await;
    let wrong: Value = wrong.json().await.unwrap();
    assert_eq!(wrong["result"]["parameterErrors"][0]["name"], "amount");
    assert!(wrong.get("id").is_none());
}

#[tokio::test]
async fn a_shopper_can_be_declined_try_again_and_return_to_the_merchant() {
    let sandbox = Sandbox::start().await;
    let checkout = sandbox.checkout("BK-00000009-p1", "DB").await;
    let url = format!("{}/hyperpay/page/{checkout}", sandbox.base);
    let page = sandbox.client.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("115.00") && page.contains("BK-00000009-p1"));
    let click =
        async |form: &[(&str, &str)]| sandbox.client.post(&url).form(form).send().await.unwrap();
    let declined = click(&[("outcome", "decline"), ("reason", "800.100.155")]).await;
    assert_eq!(declined.status(), 200);
    assert!(declined.text().await.unwrap().contains("amount exceeds credit"));
    let approved = click(&[("outcome", "approve")]).await;
    assert_eq!(approved.status(), 303);
    let location = approved.headers().get(LOCATION).unwrap().to_str().unwrap();
    let path = format!("%2Fv1%2Fcheckouts%2F{checkout}%2Fpayment");
    let expected = format!("http://127.0.0.1:1/back?id={checkout}&resourcePath={path}");
    assert_eq!(location, expected);
    assert!(sandbox.client.get(&url).send().await.unwrap().text().await.unwrap().contains("over"));
}

#[tokio::test]
async fn a_checkout_ends_after_thirty_minutes_divided_by_the_factor() {
    let sandbox = Sandbox::with(|config| config.factor = 18_000).await;
    let checkout = sandbox.checkout("BK-00000010-p1", "DB").await;
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    assert!(sandbox.pay(&checkout, "approve").await["error"].is_string());
    let read = sandbox.hyperpay_get(&format!("checkouts/{checkout}/payment")).await;
    assert_eq!(code(read).await, "200.300.404");
}

#[tokio::test]
async fn a_pending_payment_is_decided_after_so_many_looks() {
    let sandbox = Sandbox::start().await;
    sandbox.switch("hyperpay", "throttle_per_minute", "0").await;
    sandbox.fault("hyperpay", "pay", "pending_2", 60_000).await;
    let (checkout, _) = sandbox.paid("BK-00000011-p1", "DB").await;
    assert_eq!(sandbox.kinds("hyperpay", "BK-00000011-p1").await, ["checkout", "pending"]);
    let mut codes = Vec::new();
    for _ in 0..3 {
        let path = format!("checkouts/{checkout}/payment");
        codes.push(code(sandbox.hyperpay_get(&path).await).await);
    }
    assert_eq!(codes, ["000.200.000", "000.200.000", "000.100.110"]);
    let kinds = sandbox.kinds("hyperpay", "BK-00000011-p1").await;
    assert_eq!(kinds, ["checkout", "pending", "capture"]);
}

#[tokio::test]
async fn the_widget_is_the_script_its_digest_promises() {
    let sandbox = Sandbox::start().await;
    let form =
        [("amount", "1.00"), ("currency", "SAR"), ("paymentType", "DB"), ("integrity", "true")];
    let opened: Value = sandbox.hyperpay_post("checkouts", &form).await.json().await.unwrap();
    assert!(opened["integrity"].as_str().unwrap().starts_with("sha384-"));
    let url = format!("{}/hyperpay/v1/paymentWidgets.js?checkoutId={}", sandbox.base, opened["id"]);
    let script = sandbox.client.get(url).send().await.unwrap();
    assert!(script.text().await.unwrap().contains("form.paymentWidgets"));
}
