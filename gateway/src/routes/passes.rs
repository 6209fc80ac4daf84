//! `/v1/…`: what phones ask about the passes in their wallets, as Apple has specified it. A phone shows the token that is
//! in its pass; of a pass it cannot show one for, it learns nothing.
//!
//! Telling phones that a pass has changed (APNs) is not built: they ask when their owner pulls the pass down.

use super::{
    body::{Asked, Body, Named},
    tickets::{is_settled, signed, told},
};
use crate::{app::App, error::Error};
use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use schema::{
    ids::BookingId,
    passes::{self, Registered},
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(newest))
        .routes(routes!(register, unregister))
        .routes(routes!(changed))
        .routes(routes!(log))
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

/// Get a pass as it is now
#[utoipa::path(get, path = "/v1/passes/{type}/{serial}", tag = "passes", security(()), operation_id = "show_pass",
    params(("type" = String, Path, description = "The pass type."), ("serial" = String, Path, description = "The booking, without its prefix.")),
    responses(
        (status = 200, body = [u8], content_type = "application/vnd.apple.pkpass", description = "The signed pass."),
        (status = 304, description = "The phone has it already."),
        (status = 401, description = "That is not the pass's token."),
        (status = 404, description = "There are no passes."),
    ))]
async fn newest(
    State(app): State<App>,
    Shown(booking): Shown,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let pass = passes::find(&app.db, booking).await?.ok_or(Error::NotFound)?;
    let known = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let known = known.and_then(|known| DateTime::parse_from_rfc2822(known).ok());
    let has_it = known.is_some_and(|known| known.timestamp() >= pass.changed_at.timestamp());
    if has_it && is_settled(&pass) {
        let changed_at = [(header::LAST_MODIFIED, told(&pass))];
        return Ok((StatusCode::NOT_MODIFIED, changed_at).into_response());
    }
    signed(&app, pass).await
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Registration {
    push_token: String,
}

/// Register a device for a pass
///
/// It wants to hear of it.
#[utoipa::path(post, path = "/v1/devices/{device}/registrations/{type}/{serial}", tag = "passes", security(()), operation_id = "register_pass",
    params(("device" = String, Path, description = "The device."), ("type" = String, Path, description = "The pass type."), ("serial" = String, Path, description = "The booking, without its prefix.")),
    request_body = Registration,
    responses(
        (status = 201, description = "It will."),
        (status = 200, description = "It does already."),
        (status = 401, description = "That is not the pass's token."),
        (status = 404, description = "There are no passes."),
        (status = 409, description = "The pass is on as many devices as it may be."),
    ))]
async fn register(
    State(app): State<App>,
    Shown(booking): Shown,
    Named((device, _type, _serial)): Named<(String, String, String)>,
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

/// Unregister a device
///
/// It does not want to hear of the pass any more.
#[utoipa::path(delete, path = "/v1/devices/{device}/registrations/{type}/{serial}", tag = "passes", security(()), operation_id = "unregister_pass",
    params(("device" = String, Path, description = "The device."), ("type" = String, Path, description = "The pass type."), ("serial" = String, Path, description = "The booking, without its prefix.")),
    responses(
        (status = 200, description = "It does not."),
        (status = 401, description = "That is not the pass's token."),
        (status = 404, description = "There are no passes."),
    ))]
async fn unregister(
    State(app): State<App>,
    Shown(booking): Shown,
    Named((device, _type, _serial)): Named<(String, String, String)>,
) -> Result<StatusCode, Error> {
    passes::unregister(&app.db, &device, booking).await?;
    Ok(StatusCode::OK)
}

/// Since when; everything, without.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
struct Since {
    passes_updated_since: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChangedPasses)]
#[serde(rename_all = "camelCase")]
struct Changed {
    serial_numbers: Vec<String>,
    /// What the device says next time: microseconds since 1970.
    last_updated: String,
}

/// List a device's passes that have changed
///
/// As Apple has it, it needs no token; a device's name is known to nobody else.
#[utoipa::path(get, path = "/v1/devices/{device}/registrations/{type}", tag = "passes", security(()), operation_id = "list_changed_passes",
    params(("device" = String, Path, description = "The device."), ("type" = String, Path, description = "The pass type."), Since),
    responses(
        (status = 200, body = Changed, description = "These have."),
        (status = 204, description = "None has."),
        (status = 404, description = "There are no passes."),
    ))]
async fn changed(
    State(app): State<App>,
    Named((device, pass_type)): Named<(String, String)>,
    Asked(Since { passes_updated_since }): Asked<Since>,
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

#[derive(Serialize, Deserialize, ToSchema)]
struct Complaints {
    logs: Vec<String>,
}

/// Complain, as phones do
///
/// Anybody can send it, so only its amount is kept.
#[utoipa::path(post, path = "/v1/log", tag = "passes", security(()), operation_id = "complain_about_pass",
    request_body = Complaints,
    responses((status = 200, description = "Heard.")))]
async fn log(Body { value: Complaints { logs }, .. }: Body<Complaints>) -> StatusCode {
    tracing::warn!(lines = logs.len(), "a phone complains about a pass, in {} lines", logs.len());
    StatusCode::OK
}

/// Letters and digits, as Apple's ids and tokens are; and what base64 adds to them.
fn is_name(text: &str, longest: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+/=.".contains(&byte);
    (1..=longest).contains(&text.len()) && text.bytes().all(plain)
}
