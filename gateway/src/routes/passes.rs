//! `/v1/…`: what phones ask about the passes in their wallets, as Apple has specified it. A phone shows the token that is
//! in its pass; of a pass it cannot show one for, it learns nothing.
//!
//! Telling phones that a pass has changed (APNs) is not built: they ask when their owner pulls the pass down.

use super::{
    body::Body,
    tickets::{http_date, signed},
};
use crate::{app::App, error::Error};
use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, Query, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use schema::{
    ids::BookingId,
    passes::{self, Registered},
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/v1/passes/{type}/{serial}", get(newest))
        .route(
            "/v1/devices/{device}/registrations/{type}/{serial}",
            post(register).delete(unregister),
        )
        .route("/v1/devices/{device}/registrations/{type}", get(changed))
        .route("/v1/log", post(log))
}

/// A pass whose token was shown. As a handler's argument it is the permission.
struct Shown(BookingId);

impl FromRequestParts<App> for Shown {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        const UNKNOWN: Error = Error::Unauthorized { detail: "Show the pass's own token." };
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        let Path(path) = path.map_err(|_| UNKNOWN)?;
        let token = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("ApplePass ")).ok_or(UNKNOWN)?;
        let named = |name: &str| path.get(name).map(String::as_str).unwrap_or_default();
        let maker = app.passes.as_ref().ok_or(Error::NotFound)?;
        let booking = BookingId::from_bare(named("serial")).map_err(|_| UNKNOWN)?;
        if !maker.is_of_type(named("type")) || !maker.is_token(booking, token) {
            return Err(UNKNOWN);
        }
        Ok(Self(booking))
    }
}

/// The pass as it is now; 304 if the phone has it already.
async fn newest(
    State(app): State<App>,
    Shown(booking): Shown,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let pass = passes::find(&app.db, booking).await?.ok_or(Error::NotFound)?;
    let known = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let known = known.and_then(|known| DateTime::parse_from_rfc2822(known).ok());
    if known.is_some_and(|known| known.timestamp() >= pass.changed_at.timestamp()) {
        let changed_at = [(header::LAST_MODIFIED, http_date(pass.changed_at))];
        return Ok((StatusCode::NOT_MODIFIED, changed_at).into_response());
    }
    signed(&app, pass).await
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registration {
    push_token: String,
}

/// The device wants to hear of the pass: 201, or 200 if it does already.
async fn register(
    State(app): State<App>,
    Shown(booking): Shown,
    Path((device, _, _)): Path<(String, String, String)>,
    Body { value: Registration { push_token }, .. }: Body<Registration>,
) -> Result<StatusCode, Error> {
    if !is_name(&device, 128) || !is_name(&push_token, 512) {
        return Err(Error::invalid("invalid_name", "Devices and tokens are letters and digits."));
    }
    match passes::register(&app.db, &device, booking, &push_token).await? {
        Registered::Now => Ok(StatusCode::CREATED),
        Registered::Before => Ok(StatusCode::OK),
        Registered::TooMany => Err(Error::Conflict {
            code: "too_many_devices".into(),
            detail: "This pass is on as many devices as it may be.".into(),
            retryable: false,
        }),
    }
}

/// The device does not want to hear of it any more.
async fn unregister(
    State(app): State<App>,
    Shown(booking): Shown,
    Path((device, _, _)): Path<(String, String, String)>,
) -> Result<StatusCode, Error> {
    passes::unregister(&app.db, &device, booking).await?;
    Ok(StatusCode::OK)
}

/// Since when; everything, without.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Since {
    passes_updated_since: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    serial_numbers: Vec<String>,
    /// What the device says next time: microseconds since 1970.
    last_updated: String,
}

/// Which of a device's passes have changed: 204 if none has. As Apple has it, it needs no token; a device's name is
/// known to nobody else.
async fn changed(
    State(app): State<App>,
    Path((device, pass_type)): Path<(String, String)>,
    Query(Since { passes_updated_since }): Query<Since>,
) -> Result<Response, Error> {
    let maker = app.passes.as_ref().ok_or(Error::NotFound)?;
    if !maker.is_of_type(&pass_type) || !is_name(&device, 128) {
        return Err(Error::NotFound);
    }
    let micros = passes_updated_since.and_then(|tag| tag.parse().ok());
    let since: Option<DateTime<Utc>> = micros.and_then(DateTime::from_timestamp_micros);
    let changed = passes::changed(&app.db, &device, since).await?;
    let Some((_, last)) = changed.last() else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let last_updated = last.timestamp_micros().to_string();
    let serial_numbers = changed.iter().map(|(booking, _)| booking.bare()).collect();
    Ok(Json(Changed { serial_numbers, last_updated }).into_response())
}

#[derive(Serialize, Deserialize)]
struct Complaints {
    logs: Vec<String>,
}

/// What phones complain about. Anybody can send it, so only its amount is kept.
async fn log(Body { value: Complaints { logs }, .. }: Body<Complaints>) -> StatusCode {
    tracing::warn!(lines = logs.len(), "a phone complains about a pass, in {} lines", logs.len());
    StatusCode::OK
}

/// Letters and digits, as Apple's ids and tokens are; and what base64 adds to them.
fn is_name(text: &str, longest: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+/=.".contains(&byte);
    (1..=longest).contains(&text.len()) && text.bytes().all(plain)
}
