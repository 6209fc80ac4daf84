//! Webhooks, received by a small merchant that can open them.

use crate::harness::{Sandbox, eventually};
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use data_encoding::HEXUPPER;
use reqwest::Method;
use sandbox::DEFAULT_WEBHOOK_KEY;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// What arrived: the opened message, or null when it would not open.
#[derive(Clone, Default)]
struct Merchant(Arc<Mutex<Vec<Value>>>, Arc<Mutex<Vec<StatusCode>>>);

impl Merchant {
    async fn open() -> (Self, String) {
        let merchant = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let app = Router::new().route("/hook", post(receive)).with_state(merchant.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (merchant, url)
    }

    fn received(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    fn codes(&self) -> Vec<String> {
        let code = |message: &Value| {
            message["payload"]["result"]["code"].as_str().unwrap_or("unreadable").to_owned()
        };
        self.received().iter().map(code).collect()
    }

    async fn waits_for(&self, count: usize) {
        eventually(async || self.received().len() >= count).await;
    }

    /// The next answers, before it goes back to 200.
    fn answers(&self, statuses: &[StatusCode]) {
        self.1.lock().unwrap().extend_from_slice(statuses);
    }
}

async fn receive(State(merchant): State<Merchant>, headers: HeaderMap, body: String) -> StatusCode {
    let opened = unseal(&headers, &body).unwrap_or(Value::Null);
    merchant.0.lock().unwrap().push(opened);
    merchant.1.lock().unwrap().pop().unwrap_or(StatusCode::OK)
}

fn unseal(headers: &HeaderMap, body: &str) -> Option<Value> {
    let hex = |text: &str| HEXUPPER.decode(text.as_bytes()).ok();
    let header = |name: &str| hex(headers.get(name)?.to_str().ok()?);
    let wrapped: Option<Value> = serde_json::from_str(body).ok();
    let inner = wrapped.as_ref().and_then(|json| json.get("encryptedBody")?.as_str());
    let mut sealed = hex(inner.unwrap_or(body))?;
    sealed.extend(header("x-authentication-tag")?);
    let nonce: [u8; 12] = header("x-initialization-vector")?.try_into().ok()?;
    let key = DEFAULT_WEBHOOK_KEY.to_ascii_uppercase();
    let cipher = Aes256Gcm::new_from_slice(&hex(&key)?).ok()?;
    let plain = cipher.decrypt(&Nonce::from(nonce), sealed.as_slice()).ok()?;
    serde_json::from_slice(&plain).ok()
}

async fn with_merchant() -> (Sandbox, Merchant) {
    let (merchant, url) = Merchant::open().await;
    let sandbox = Sandbox::with(|config| {
        config.webhook_url = Some(url);
        config.factor = 600;
    })
    .await;
    (sandbox, merchant)
}

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
