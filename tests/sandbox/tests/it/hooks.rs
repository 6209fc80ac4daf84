//! A merchant who keeps whatever is posted to it, with the secret it came with.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use sandbox::TABBY_WEBHOOK_HEADER;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// The secret it came with, and what it says.
type Posted = (Option<String>, Value);

#[derive(Clone, Default)]
pub(crate) struct Hooks {
    received: Arc<Mutex<Vec<Posted>>>,
    answer: Arc<Mutex<StatusCode>>,
}

impl Hooks {
    pub(crate) async fn open() -> (Self, String) {
        let hooks = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let app = Router::new().route("/hook", post(receive)).with_state(hooks.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (hooks, url)
    }

    pub(crate) fn received(&self) -> Vec<Posted> {
        self.received.lock().unwrap().clone()
    }

    /// From now on.
    pub(crate) fn answers(&self, status: StatusCode) {
        *self.answer.lock().unwrap() = status;
    }
}

async fn receive(State(hooks): State<Hooks>, headers: HeaderMap, body: String) -> StatusCode {
    let secret = headers.get(TABBY_WEBHOOK_HEADER).map(|it| it.to_str().unwrap().to_owned());
    hooks.received.lock().unwrap().push((secret, serde_json::from_str(&body).unwrap()));
    *hooks.answer.lock().unwrap()
}
