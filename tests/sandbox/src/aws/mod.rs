//! AWS's stand-in: the Parameter Store and the Secrets Manager, as far as a configuration is read from them.
//!
//! One address serves every region: the signature says which is meant. It is not a vendor, so it has neither ledger nor
//! control plane: a test opens one with what it needs, and says what goes wrong.

mod signature;
mod stores;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;

/// The access key that it knows.
pub const KEY_ID: &str = "AKIASTANDIN";

/// What is stored.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    pub parameters: Vec<Parameter>,
    pub secrets: Vec<Secret>,
}

#[derive(Clone, Debug)]
pub struct Parameter {
    pub region: &'static str,
    pub name: String,
    pub value: String,
    /// Encrypted: whoever does not ask for it to be decrypted gets what is stored.
    pub secure: bool,
}

#[derive(Clone, Debug)]
pub struct Secret {
    pub region: &'static str,
    pub name: String,
    pub value: String,
    /// The caller's role may list it, but not read it.
    pub denied: bool,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// Too many calls: nothing was done.
    Throttled,
    /// The caller's role may not.
    Denied,
    /// An answer that is no JSON.
    Garbled,
    /// HTTP 500.
    Broken,
}

/// A running stand-in. It ends with the test's runtime.
pub struct Aws {
    pub url: String,
    desk: Arc<Mutex<Desk>>,
}

#[derive(Default)]
struct Desk {
    contents: Contents,
    mishaps: VecDeque<Mishap>,
    /// Every page is followed by another.
    endless: bool,
    calls: Vec<String>,
}

impl Aws {
    /// On a free port of loopback.
    pub async fn open(contents: Contents) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let desk = Arc::new(Mutex::new(Desk { contents, ..Desk::default() }));
        let router = Router::new().fallback(entrance).with_state(Arc::clone(&desk));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, desk })
    }

    /// The next calls go wrong like this, one each.
    pub fn goes_wrong(&self, mishaps: &[Mishap]) {
        lock(&self.desk).mishaps.extend(mishaps);
    }

    /// Its pages never end from now on.
    pub fn never_ends(&self) {
        lock(&self.desk).endless = true;
    }

    /// `GetParametersByPath me-south-1`, in the order they came.
    pub fn calls(&self) -> Vec<String> {
        lock(&self.desk).calls.clone()
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A no, as AWS says it.
struct Refusal {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl Refusal {
    fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind, message: message.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "__type": self.kind, "message": self.message });
        (self.status, Json(body)).into_response()
    }
}

async fn entrance(
    State(desk): State<Arc<Mutex<Desk>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let asked = signature::check(&headers, &body)?;
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let target = target.unwrap_or_default();
    let (service, operation) = target.split_once('.').unwrap_or_default();
    let mut desk = lock(&desk);
    desk.calls.push(format!("{operation} {}", asked.region));
    if let Some(mishap) = desk.mishaps.pop_front() {
        return spoil(mishap, operation);
    }
    let body: Value = serde_json::from_slice(&body)
        .map_err(|error| Refusal::new("SerializationException", error.to_string()))?;
    let page = match (service, operation, asked.service.as_str()) {
        ("AmazonSSM", "GetParametersByPath", "ssm") => {
            stores::parameters(&desk.contents, &asked.region, &body)
        }
        ("secretsmanager", "BatchGetSecretValue", "secretsmanager") => {
            stores::secrets(&desk.contents, &asked.region, &body)
        }
        _ => Err(Refusal::new("UnknownOperationException", target)),
    };
    let mut page = page?;
    if desk.endless {
        page["NextToken"] = json!("0");
    }
    Ok(Json(page).into_response())
}

fn spoil(mishap: Mishap, operation: &str) -> Result<Response, Refusal> {
    match mishap {
        Mishap::Throttled => Err(Refusal::new("ThrottlingException", "Rate exceeded")),
        Mishap::Denied => {
            let role = "arn:aws:sts::123456789012:assumed-role/usher/i-0";
            let message = format!("User: {role} is not authorized to perform: {operation}");
            Err(Refusal::new("AccessDeniedException", message))
        }
        Mishap::Garbled => Ok("<html>a proxy</html>".into_response()),
        Mishap::Broken => Err(Refusal {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            kind: "InternalServerError",
            message: "An error occurred on the server side.".to_owned(),
        }),
    }
}
