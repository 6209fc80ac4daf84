//! Saved cards at the card gateway: typed into a form, charged by a token, deregistered.

use crate::harness::{Sandbox, code};
use reqwest::{Method, Response};
use serde_json::{Value, json};

impl Sandbox {
    async fn charges(&self, card: &str, reference: &str) -> Response {
        let form = [
            ("paymentType", "DB"),
            ("amount", "92.00"),
            ("currency", "SAR"),
            ("merchantTransactionId", reference),
            ("shopperResultUrl", "http://127.0.0.1:1/back"),
        ];
        self.hyperpay_post(&format!("registrations/{card}/payments"), &form).await
    }
}

#[tokio::test]
async fn a_card_is_registered_charged_and_deregistered() {
    let sandbox = Sandbox::start().await;
    let (form, card) = sandbox.registered("CARD-00000001").await;
    let path = format!("checkouts/{form}/registration");
    let shown: Value = sandbox.hyperpay_get(&path).await.json().await.unwrap();
    assert_eq!((&shown["id"], &shown["paymentBrand"]), (&json!(card), &json!("MADA")));
    assert!(shown["amount"].is_null(), "{shown}");

    assert_eq!(code(sandbox.charges(&card, "BK-00000001-p1").await).await, "000.100.110");
    assert_eq!(sandbox.kinds("hyperpay", "BK-00000001-p1").await, ["capture"]);

    let gone = format!("registrations/{card}");
    let again = || async { code(sandbox.hyperpay_delete(&gone).send().await.unwrap()).await };
    assert_eq!(again().await, "000.100.110");
    assert_eq!(again().await, "100.150.202");
    assert_eq!(code(sandbox.charges(&card, "BK-00000002-p1").await).await, "100.150.202");
    assert_eq!(code(sandbox.charges("none", "BK-00000003-p1").await).await, "100.150.200");
    let kinds = sandbox.kinds("hyperpay", "CARD-00000001").await;
    assert_eq!(kinds, ["card_form", "registration", "deregistration"]);
}

#[tokio::test]
async fn the_bank_may_want_to_see_the_customer() {
    let sandbox = Sandbox::start().await;
    sandbox.switch("hyperpay", "one_click_challenge", "true").await;
    let (_, card) = sandbox.registered("CARD-00000002").await;
    for (outcome, kinds) in
        [("approve", ["pending", "capture"]), ("decline", ["pending", "decline"])]
    {
        let reference = format!("BK-{outcome}-p1");
        let asked: Value = sandbox.charges(&card, &reference).await.json().await.unwrap();
        assert_eq!(asked["result"]["code"], "000.200.000");
        let page = asked["redirect"]["url"].as_str().unwrap();
        let page = sandbox.client.get(page).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("92.00"), "{page}");
        sandbox.pay(asked["id"].as_str().unwrap(), outcome).await;
        assert_eq!(sandbox.kinds("hyperpay", &reference).await, kinds);
    }
}

#[tokio::test]
async fn a_form_may_lead_to_the_bank() {
    let sandbox = Sandbox::start().await;
    sandbox.switch("hyperpay", "one_click_challenge", "form").await;
    let (_, card) = sandbox.registered("CARD-00000003").await;
    let asked: Value = sandbox.charges(&card, "BK-00000004-p1").await.json().await.unwrap();
    let id = asked["id"].as_str().unwrap();
    let led = &asked["redirect"];
    assert_eq!((&led["method"], &led["parameters"][0]["value"]), (&json!("POST"), &json!(id)));
    let page = sandbox.client.post(led["url"].as_str().unwrap()).form(&[("MD", id)]);
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("92.00"), "{page}");
    sandbox.pay(id, "approve").await;
    assert_eq!(sandbox.kinds("hyperpay", "BK-00000004-p1").await, ["pending", "capture"]);
}

#[tokio::test]
async fn a_form_that_can_be_read_once_says_nothing_the_second_time() {
    let sandbox = Sandbox::start().await;
    sandbox.switch("hyperpay", "registration_reads", "one").await;
    let (form, _) = sandbox.registered("CARD-00000003").await;
    let path = format!("checkouts/{form}/registration");
    assert_eq!(code(sandbox.hyperpay_get(&path).await).await, "000.100.110");
    assert_eq!(code(sandbox.hyperpay_get(&path).await).await, "200.300.404");
    let about = sandbox.sim(Method::GET, "hyperpay", Value::Null).await;
    assert_eq!(about["switches"]["registration_reads"]["default"], "many");
}
