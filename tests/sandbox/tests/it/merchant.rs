//! A small merchant that receives webhooks and can open them.

use crate::harness::{Sandbox, eventually};
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use data_encoding::HEXUPPER;
use sandbox::DEFAULT_WEBHOOK_KEY;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// One delivery.
#[derive(Clone)]
pub(crate) struct Delivery {
    /// The opened message, or null when it would not open.
    pub message: Value,
    pub content_type: String,
    /// Vector, tag and body as they came.
    pub bytes: String,
}

/// What arrived, and what will be answered.
#[derive(Clone, Default)]
pub(crate) struct Merchant {
    deliveries: Arc<Mutex<Vec<Delivery>>>,
    answers: Arc<Mutex<Vec<StatusCode>>>,
    slowness: Arc<Mutex<Duration>>,
}

impl Merchant {
    async fn open() -> (Self, String) {
        let merchant = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let app = Router::new().route("/hook", post(receive)).with_state(merchant.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (merchant, url)
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.deliveries.lock().unwrap().clone()
    }

    pub(crate) fn received(&self) -> Vec<Value> {
        self.deliveries().into_iter().map(|delivery| delivery.message).collect()
    }

    /// The result codes of what arrived.
    pub(crate) fn codes(&self) -> Vec<String> {
        let code = |message: &Value| {
            message["payload"]["result"]["code"].as_str().unwrap_or("unreadable").to_owned()
        };
        self.received().iter().map(code).collect()
    }

    /// Takes this long with each answer from now on.
    pub(crate) fn slows_down(&self, slowness: Duration) {
        *self.slowness.lock().unwrap() = slowness;
    }

    pub(crate) async fn waits_for(&self, count: usize) {
        eventually(async || self.received().len() >= count).await;
    }

    /// The next answers, before it goes back to 200.
    pub(crate) fn answers(&self, statuses: &[StatusCode]) {
        self.answers.lock().unwrap().extend_from_slice(statuses);
    }
}

async fn receive(State(merchant): State<Merchant>, headers: HeaderMap, body: String) -> StatusCode {
    let text = |name: &str| {
        let header = headers.get(name).and_then(|value| value.to_str().ok());
        header.unwrap_or_default().to_owned()
    };
    let delivery = Delivery {
        message: unseal(&headers, &body).unwrap_or(Value::Null),
        content_type: text("content-type"),
        bytes: format!(
            "{} {} {body}",
            text("x-initialization-vector"),
            text("x-authentication-tag")
        ),
    };
    merchant.deliveries.lock().unwrap().push(delivery);
    let slowness = *merchant.slowness.lock().unwrap();
    tokio::time::sleep(slowness).await;
    merchant.answers.lock().unwrap().pop().unwrap_or(StatusCode::OK)
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

/// A sandbox whose days last 2.4 minutes, and the merchant it tells.
pub(crate) async fn with_merchant() -> (Sandbox, Merchant) {
    let (merchant, url) = Merchant::open().await;
    let sandbox = Sandbox::with(|config| {
        config.webhook_url = Some(url.clone());
        config.payfort_webhook_url = Some(url);
        config.factor = 600;
    })
    .await;
    (sandbox, merchant)
}
