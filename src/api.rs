//! The API, as a client on the command line speaks it.

use crate::{Error, home::random_hex};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use std::time::Duration;

/// Somebody with a token, and where Usher is.
pub(crate) struct Api {
    pub http: Client,
    url: String,
    token: String,
}

impl Api {
    pub(crate) fn new(url: &str, token: String) -> Result<Self, Error> {
        // A little longer than the API takes for anything.
        let http = Client::builder().timeout(Duration::from_secs(35)).build()?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), token })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Error> {
        self.send(self.http.get(format!("{}{path}", self.url))).await
    }

    pub(crate) async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Error> {
        self.send(self.http.get(format!("{}{path}", self.url)).query(query)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let request = self.http.post(format!("{}{path}", self.url)).json(body);
        self.send(request.header("Idempotency-Key", random_hex())).await
    }

    /// Whatever is no success becomes one sentence.
    async fn send(&self, request: RequestBuilder) -> Result<Value, Error> {
        let answer = request.bearer_auth(&self.token).send().await.map_err(|_| {
            format!("Usher does not answer at {}. Start it with `cargo run -- up`.", self.url)
        })?;
        let status = answer.status();
        let body: Value = answer
            .json()
            .await
            .map_err(|_| format!("What answers at {} is not Usher (HTTP {status}).", self.url))?;
        if status.is_success() {
            return Ok(body);
        }
        Err(format!("{}: {}", text(&body, "code"), text(&body, "detail")).into())
    }
}

/// A text in an answer; empty if it is not there.
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}
