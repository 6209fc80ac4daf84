//! Checkout.com's stand-in: what a shop sees of it, and what its webhooks look like.

use crate::harness::{Sandbox, eventually};
use axum::{Router, extract::State, http::HeaderMap, routing::post};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, RequestBuilder};
use sandbox::CheckoutAccount;
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A shop with an account.
pub(crate) struct Shop<'a>(pub &'a Sandbox);

pub(crate) fn card() -> Value {
    json!({"type": "card", "number": "4242424242424242", "expiry_month": 5, "expiry_year": 2030})
}

fn asking(reference: &str, source: &Value) -> Value {
    json!({"source": source, "amount": 11_500, "currency": "SAR", "reference": reference,
        "capture": false, "processing_channel_id": CheckoutAccount::default().processing_channel,
        "success_url": "http://127.0.0.1:1/good?a=b", "failure_url": "http://127.0.0.1:1/bad"})
}

pub(crate) fn by_stc_pay(reference: &str) -> Value {
    let mut body = asking(reference, &json!({"type": "stcpay"}));
    body["customer"] = json!({"phone": {"country_code": "+966", "number": "501234567"}});
    body
}

impl Shop<'_> {
    pub(crate) fn request(&self, op: &str, method: Method, path: &str) -> RequestBuilder {
        let account = CheckoutAccount::default();
        let key = if op == "exchange" { account.public_key } else { account.secret_key };
        self.0.client.request(method, format!("{}/checkout/{path}", self.0.base)).bearer_auth(key)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let op = if path == "tokens" { "exchange" } else { "" };
        let request = self.request(op, Method::POST, path).json(body);
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        self.request("", Method::GET, path).send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn token(&self) -> String {
        self.post("tokens", &card()).await["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn instrument(&self) -> String {
        let body = json!({"type": "token", "token": self.token().await});
        self.post("instruments", &body).await["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn by_token(&self, reference: &str) -> Value {
        asking(reference, &json!({"type": "token", "token": self.token().await}))
    }

    /// A payment whose customer is asked.
    pub(crate) async fn asked(&self, reference: &str) -> String {
        let mut body = self.by_token(reference).await;
        body["3ds"] = json!({ "enabled": true });
        self.post("payments", &body).await["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn reserved(&self, reference: &str) -> String {
        let made = self.post("payments", &self.by_token(reference).await).await;
        assert_eq!(made["status"], "Authorized", "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn captured(&self, reference: &str) -> String {
        let id = self.reserved(reference).await;
        self.0.switch("checkout", "settle_ms", "0").await;
        self.post(&format!("payments/{id}/captures"), &json!({"reference": reference})).await;
        id
    }

    async fn status(&self, id: &str) -> String {
        self.get(&format!("payments/{id}")).await["status"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_payment_is_asked_approved_captured_and_refunded() {
    let sandbox = Sandbox::start().await;
    sandbox.switch("checkout", "settle_ms", "0").await;
    let shop = Shop(&sandbox);
    let id = shop.asked("BK-1").await;
    assert_eq!(shop.status(&id).await, "Pending");
    let url = format!("{}/checkout/3ds/{id}", sandbox.base);
    let page = sandbox.client.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("115.00") && page.contains("BK-1"), "{page}");
    let back = sandbox.client.post(&url).form(&[("outcome", "approve")]).send().await.unwrap();
    let session = id.replace("pay_", "sid_");
    let expected = format!("http://127.0.0.1:1/good?a=b&cko-session-id={session}");
    assert_eq!(back.headers()["location"], expected);
    assert_eq!(shop.status(&session).await, "Authorized");
    let follow_up = async |segment: &str, amount: u32, reference: &str| {
        let body = json!({"amount": amount, "reference": reference});
        shop.post(&format!("payments/{id}/{segment}"), &body).await
    };
    let too_much = follow_up("captures", 11_501, "BK-1").await;
    let code = "capture_value_greater_than_remaining_authorized";
    assert_eq!(too_much["error_codes"][0], code);
    follow_up("captures", 11_500, "BK-1").await;
    assert_eq!(shop.status(&id).await, "Captured");
    assert_eq!(follow_up("voids", 0, "V").await["error_codes"][0], "action_not_allowed");
    follow_up("refunds", 1_500, "R-1").await;
    assert_eq!(shop.status(&id).await, "Partially Refunded");
    let over = follow_up("refunds", 10_001, "R-2").await;
    assert_eq!(over["error_codes"][0], "amount_exceeds_balance");
    follow_up("refunds", 10_000, "R-2").await;
    assert_eq!(shop.status(&id).await, "Refunded");
    assert_eq!(follow_up("refunds", 1, "R-3").await["error_codes"][0], "action_not_allowed");
    let actions = shop.get(&format!("payments/{id}/actions")).await;
    let kinds: Vec<&str> =
        actions.as_array().unwrap().iter().map(|it| it["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Refund", "Refund", "Capture", "Authorization"]);
    let kinds = sandbox.kinds("checkout", "BK-1").await;
    assert_eq!(kinds, ["payment", "authorize", "capture_accepted", "capture"]);
}

#[tokio::test]
async fn a_key_repeats_successes_only_and_for_a_while() {
    let sandbox = Sandbox::start().await;
    let shop = Shop(&sandbox);
    let pay = async |body: &Value| {
        let request = shop.request("", Method::POST, "payments").json(body);
        let answer = request.header("cko-idempotency-key", "k").send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let mut body = shop.by_token("BK-2").await;
    body["amount"] = json!("x");
    assert_eq!(pay(&body).await.0, 422);
    body["amount"] = json!(11_500);
    let (status, first) = pay(&body).await;
    assert_eq!((status, pay(&body).await.1), (201, first.clone()));
    sandbox.switch("checkout", "same_key_other_body", "refuse").await;
    let other = shop.by_token("BK-2").await;
    assert_eq!(pay(&other).await.0, 422);
    assert_eq!(sandbox.kinds("checkout", "BK-2").await, ["payment", "authorize"]);
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_path_are_answered_without_a_word() {
    let sandbox = Sandbox::start().await;
    let url = |path: &str| format!("{}/checkout/{path}", sandbox.base);
    let key = CheckoutAccount::default().secret_key;
    for (request, status) in [
        (sandbox.client.get(url("payments/x")), 401),
        (sandbox.client.get(url("payments/x")).bearer_auth("sk"), 401),
        (sandbox.client.get(url("payments/x")).header("authorization", &key), 401),
        (sandbox.client.get(url("nowhere")), 404),
        (sandbox.client.get(url("payments/x")).bearer_auth(&key), 404),
        (sandbox.client.delete(url("payments/x")).bearer_auth(&key), 405),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert!(!answer.headers().contains_key("content-type"));
        assert_eq!(answer.bytes().await.unwrap().len(), 0);
    }
}

#[tokio::test]
async fn what_is_reserved_lapses_and_is_gone() {
    let sandbox = Sandbox::start().await;
    let shop = Shop(&sandbox);
    let body = shop.by_token("BK-3").await;
    // Seven days in a tenth of a second.
    sandbox.sim(Method::POST, "clock", json!({"factor": 6_048_000})).await;
    let made = shop.post("payments", &body).await;
    let id = made["id"].as_str().unwrap().to_owned();
    eventually(async || shop.status(&id).await == "Expired").await;
    let late = shop.post(&format!("payments/{id}/captures"), &json!({})).await;
    assert_eq!(late["error_codes"][0], "action_not_allowed");
    assert_eq!(sandbox.kinds("checkout", "BK-3").await, ["payment", "authorize", "expire"]);
}

/// What arrived: signature, authorization, body.
type Arrived = Arc<Mutex<Vec<(String, String, String)>>>;

/// A sandbox whose days last two minutes, and the merchant it tells.
async fn with_merchant() -> (Sandbox, Arrived) {
    let arrived = Arrived::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let app = Router::new().route("/hook", post(receive)).with_state(Arc::clone(&arrived));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let sandbox = Sandbox::with(|config| {
        config.checkout.webhook_url = Some(url);
        config.factor = 720;
    })
    .await;
    (sandbox, arrived)
}

async fn receive(State(arrived): State<Arrived>, headers: HeaderMap, body: String) {
    let text = |name: &str| {
        headers.get(name).map(|it| it.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    arrived.lock().unwrap().push((text("cko-signature"), text("authorization"), body));
}

fn is_genuine((signature, authorization, body): &(String, String, String)) -> bool {
    let account = CheckoutAccount::default();
    let mac = Hmac::<Sha256>::new_from_slice(account.webhook_key.as_bytes()).unwrap();
    let expected = mac.chain_update(body).finalize().into_bytes();
    let expected = data_encoding::HEXLOWER.encode(&expected);
    *signature == expected && *authorization == account.webhook_authorization
}

fn types(arrived: &Arrived) -> Vec<String> {
    let kind = |(_, _, body): &(String, String, String)| {
        serde_json::from_str::<Value>(body).map_or_else(
            |_| "unreadable".to_owned(),
            |event| event["type"].as_str().unwrap().to_owned(),
        )
    };
    arrived.lock().unwrap().iter().map(kind).collect()
}

#[tokio::test]
async fn everything_that_happens_is_told_and_signed() {
    let (sandbox, arrived) = with_merchant().await;
    sandbox.switch("checkout", "envelope", "alternating").await;
    let shop = Shop(&sandbox);
    let id = shop.captured("BK-4").await;
    let refund = json!({"reference": "R-4"});
    shop.post(&format!("payments/{id}/refunds"), &refund).await;
    eventually(async || types(&arrived).len() >= 3).await;
    let mut told = types(&arrived);
    told.sort_unstable();
    assert_eq!(told, ["payment_approved", "payment_captured", "payment_refunded"]);
    let all = arrived.lock().unwrap().clone();
    assert!(all.iter().all(is_genuine), "{all:?}");
    assert!(all.iter().any(|(_, _, body)| body.contains("created_on")));
    let about_the_refund = |(_, _, body): &&(String, String, String)| body.contains("\"R-4\"");
    assert_eq!(all.iter().filter(about_the_refund).count(), 1);
    sandbox.sim(Method::POST, "checkout/chargebacks", json!({"reference": "BK-4"})).await;
    eventually(async || types(&arrived).contains(&"dispute_received".to_owned())).await;
}

#[tokio::test]
async fn forged_webhooks_come_beside_the_genuine_one() {
    for fault in [
        "forged_key",
        "forged_unsigned",
        "forged_respaced",
        "forged_truncated",
        "forged_authorization",
    ] {
        let (sandbox, arrived) = with_merchant().await;
        sandbox.fault("checkout", "webhook", fault, 0).await;
        Shop(&sandbox).reserved("BK-5").await;
        eventually(async || types(&arrived).len() == 2).await;
        let genuine = arrived.lock().unwrap().iter().filter(|it| is_genuine(it)).count();
        assert_eq!(genuine, 1, "{fault}");
    }
}

#[tokio::test]
async fn odd_webhooks_are_still_the_vendors() {
    for (fault, count) in
        [("duplicate", 2), ("other_event", 2), ("replayed", 2), ("malformed", 1), ("late", 1)]
    {
        let (sandbox, arrived) = with_merchant().await;
        sandbox.fault("checkout", "webhook", fault, 20).await;
        Shop(&sandbox).reserved("BK-6").await;
        eventually(async || types(&arrived).len() == count).await;
        let all = arrived.lock().unwrap().clone();
        assert!(all.iter().all(is_genuine), "{fault}");
        let same = all.iter().all(|one| one.2 == all[0].2);
        assert_eq!(same, fault != "other_event", "{fault}");
    }
}
