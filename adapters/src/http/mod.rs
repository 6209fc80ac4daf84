//! The one HTTP client, and what its failures mean.
//!
//! It follows no redirect, repeats nothing and asks no proxy: what happens to a request is decided by the life of a
//! step and nowhere else. Bodies, tokens and addresses are never logged.

use crate::{card_numbers, error::Error, watched};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode,
    header::{ACCEPT, DATE, HeaderMap, HeaderValue, RETRY_AFTER},
    redirect, retry,
};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    error::Error as _,
    time::{Duration, Instant},
};
use tracing::{Instrument, Span, field::Empty, info_span};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Shorter than any server's keep-alive, so that a connection is rarely reused while it is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
const IDLE_CONNECTIONS: usize = 64;
const BODY_LIMIT: usize = 1024 * 1024;

/// One vendor's server.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
    vendor: &'static str,
    base_url: String,
    /// What it answers may hold card numbers.
    masks: bool,
}

/// A request. `operation` is its name in spans and errors.
#[derive(Clone)]
pub(crate) struct Call {
    operation: &'static str,
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: HeaderMap,
    payload: Payload,
}

#[derive(Clone)]
enum Payload {
    Nothing,
    Json(Value),
    Form(Vec<(&'static str, String)>),
}

/// What a server said, whatever the status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// The server's clock when it answered; ours, if it does not show its own.
    pub(crate) now: DateTime<Utc>,
    pub(crate) retry_after: Option<Duration>,
    /// A vendor's is without any card number that may have been in it.
    body: Vec<u8>,
}

/// The end of the time that a verb has, however many calls it makes.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn after(within: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(within).unwrap_or(now))
    }

    fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

impl Call {
    pub(crate) fn get(operation: &'static str, path: impl Into<String>) -> Self {
        Self::new(operation, Method::GET, path.into(), Payload::Nothing)
    }

    pub(crate) fn post(operation: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self::new(operation, Method::POST, path.into(), Payload::Json(body))
    }

    pub(crate) fn post_bare(operation: &'static str, path: impl Into<String>) -> Self {
        Self::new(operation, Method::POST, path.into(), Payload::Nothing)
    }

    pub(crate) fn post_form(
        operation: &'static str,
        path: impl Into<String>,
        fields: Vec<(&'static str, String)>,
    ) -> Self {
        Self::new(operation, Method::POST, path.into(), Payload::Form(fields))
    }

    pub(crate) fn patch(operation: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self::new(operation, Method::PATCH, path.into(), Payload::Json(body))
    }

    /// A change that is all in the path.
    pub(crate) fn patch_bare(operation: &'static str, path: impl Into<String>) -> Self {
        Self::new(operation, Method::PATCH, path.into(), Payload::Nothing)
    }

    pub(crate) fn delete(operation: &'static str, path: impl Into<String>) -> Self {
        Self::new(operation, Method::DELETE, path.into(), Payload::Nothing)
    }

    fn new(operation: &'static str, method: Method, path: String, payload: Payload) -> Self {
        Self { operation, method, path, query: Vec::new(), headers: HeaderMap::new(), payload }
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// A header whose value is a secret: `prefix` and the secret, marked so that nobody prints it.
    pub(crate) fn secret(
        mut self,
        name: &'static str,
        prefix: &str,
        secret: &SecretString,
    ) -> Result<Self, Error> {
        let text = format!("{prefix}{}", secret.expose_secret());
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| Error::refused("configuration", format!("{name} is no header value")))?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Headers that were signed together with the body: they leave as they are.
    pub(crate) fn signed(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }
}

impl Http {
    /// What it says is taken as it is: a service of our own house (a number of ours can look like a card's), or a vendor
    /// that signs every field, whose adapter keeps each only in the shape it is to have.
    pub(crate) fn trusted(name: &'static str, base_url: &str) -> Result<Self, Error> {
        Ok(Self { masks: false, ..Self::new(name, base_url)? })
    }

    /// A vendor: no card number comes in with its answers. `base_url` with or without a slash at its end.
    pub(crate) fn new(vendor: &'static str, base_url: &str) -> Result<Self, Error> {
        let broken = |why: String| Error::refused("configuration", format!("{vendor}: {why}"));
        let url = reqwest::Url::parse(base_url).map_err(|error| broken(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() {
            return Err(broken("the address must be http(s), without a query".to_owned()));
        }
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .http1_only()
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build()
            .map_err(|error| broken(causes(&error)))?;
        Ok(Self {
            client,
            vendor,
            base_url: base_url.trim_end_matches('/').to_owned(),
            masks: true,
        })
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Asks once. `Unavailable`: no byte of the request left. `Unknown`: something may have, and no answer came.
    pub(crate) async fn send(&self, call: Call, until: Deadline) -> Result<Answer, Error> {
        let left = until.left();
        let (vendor, operation) = (self.vendor, call.operation);
        if left.is_zero() {
            return Err(Error::unavailable(format!("{vendor} {operation}: no time left to ask")));
        }
        let span = info_span!(
            "vendor call",
            otel.kind = "client",
            vendor,
            operation,
            status = Empty,
            elapsed_ms = Empty
        );
        let begun = Instant::now();
        let request = self.request(call).timeout(left);
        let masks = self.masks;
        async move {
            let answer =
                receive(request, masks).await.map_err(|error| error.about(vendor, operation));
            let took = begun.elapsed();
            watched::count(vendor, operation, &answer, took);
            let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            Span::current().record("elapsed_ms", elapsed_ms);
            if let Ok(answer) = &answer {
                Span::current().record("status", answer.status.as_u16());
            }
            tracing::debug!("asked {vendor}: {operation}");
            answer
        }
        .instrument(span)
        .await
    }

    fn request(&self, call: Call) -> RequestBuilder {
        let url = format!("{}/{}", self.base_url, call.path);
        let request = self.client.request(call.method, url);
        let request = request.header(ACCEPT, "application/json").headers(call.headers);
        let request = if call.query.is_empty() { request } else { request.query(&call.query) };
        match call.payload {
            Payload::Nothing => request,
            Payload::Json(body) => request.json(&body),
            Payload::Form(fields) => request.form(&fields),
        }
    }
}

impl Answer {
    /// The body as JSON, whatever its content type says; a byte order mark is no error.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        if card_numbers::hides_digits(body) {
            return Err(Error::unknown("a body that hides its digits"));
        }
        serde_json::from_slice(body).map_err(|error| {
            let (status, line, column) = (self.status.as_u16(), error.line(), error.column());
            Error::unknown(format!("unreadable body with HTTP {status} ({line}:{column})"))
        })
    }

    pub(crate) fn is_throttled(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS
    }

    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }
}

async fn receive(request: RequestBuilder, masks: bool) -> Result<Answer, Failure> {
    let mut response = request.send().await?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > BODY_LIMIT {
            return Err(Failure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let (status, now) = (response.status(), server_time(&response));
    Ok(Answer {
        status,
        now,
        retry_after: retry_after(&response),
        body: if masks { card_numbers::masked(body) } else { body },
    })
}

enum Failure {
    Request(reqwest::Error),
    TooLarge,
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::Request(error)
    }
}

impl Failure {
    fn about(self, vendor: &str, operation: &str) -> Error {
        match self {
            Self::TooLarge => {
                Error::unknown(format!("{vendor} {operation}: the answer is too large"))
            }
            Self::Request(error) => {
                let reason = format!("{vendor} {operation}: {}", causes(&error));
                if error.is_builder() {
                    Error::refused("configuration", reason)
                } else if error.is_connect() {
                    Error::unavailable(reason)
                } else {
                    Error::unknown(reason)
                }
            }
        }
    }
}

/// The chain of causes, without the first link, which names the address.
fn causes(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "timed out".to_owned() } else { "failed".to_owned() };
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// The server's time as exactly as can be known: its `Date` has whole seconds, so while our clock agrees with it,
/// ours says the rest.
fn server_time(response: &Response) -> DateTime<Utc> {
    let ours = Utc::now();
    let header = response.headers().get(DATE).and_then(|value| value.to_str().ok());
    let Some(shown) = header.and_then(|text| DateTime::parse_from_rfc2822(text).ok()) else {
        return ours;
    };
    let shown = shown.to_utc();
    let agrees = TimeDelta::zero()..TimeDelta::milliseconds(1_500);
    if agrees.contains(&(ours - shown)) { ours } else { shown + TimeDelta::milliseconds(999) }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests;
