//! `/api/v1/orders/{booking}/ticket.…`: the ticket for the one who booked: its code, its picture, its pass.

use super::{body::Named, orders::find};
use crate::{
    app::App,
    auth::{Caller, CallerHeader},
    error::Error,
    preferences::NoneMatch,
};
use activities::tickets::picture_name;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{TimeDelta, Utc};
use schema::{ids::BookingId, passes, tickets};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(code)).routes(routes!(picture)).routes(routes!(pass))
}

/// Nobody between us and the owner may keep it, and the owner asks whether it is still the same.
const PRIVATE: &str = "private, no-cache";

/// Get the code for the door
///
/// As SVG. It is there as soon as the booking is confirmed.
#[utoipa::path(get, path = "/api/v1/orders/{booking}/ticket.svg", tag = "orders", operation_id = "show_ticket_code",
    params(("booking" = BookingId, Path, description = "The booking."), CallerHeader),
    responses(
        (status = 200, body = String, content_type = "image/svg+xml", description = "What the cinema scans."),
        (status = 404, description = "There is nothing of yours here, or no ticket yet."),
    ))]
async fn code(
    State(app): State<App>,
    caller: Caller,
    Named(booking): Named<String>,
) -> Result<Response, Error> {
    let booking = find(&app, &caller, &booking).await?;
    let ticket = tickets::find(&app.db, booking.booking_id).await?;
    let svg = ticket.and_then(|ticket| ticket.qr_svg).ok_or(Error::NotFound)?;
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, PRIVATE)];
    Ok((headers, svg).into_response())
}

/// Get the ticket as a picture
///
/// In Arabic and English. It is there once the ticket is issued, and never changes.
#[utoipa::path(get, path = "/api/v1/orders/{booking}/ticket.png", tag = "orders", operation_id = "show_ticket_picture",
    params(
        ("booking" = BookingId, Path, description = "The booking."),
        ("If-None-Match" = Option<String>, Header, description = "The ETag you have."),
        CallerHeader,
    ),
    responses(
        (status = 200, body = [u8], content_type = "image/png", description = "The ticket."),
        (status = 304, description = "It is the one you have."),
        (status = 404, description = "There is nothing of yours here, or no ticket yet."),
    ))]
async fn picture(
    State(app): State<App>,
    caller: Caller,
    Named(booking): Named<String>,
    known: NoneMatch,
) -> Result<Response, Error> {
    let booking = find(&app, &caller, &booking).await?.booking_id;
    let ticket = tickets::find(&app.db, booking).await?;
    let picture = ticket.and_then(|ticket| ticket.picture).ok_or(Error::NotFound)?;
    let tag = format!("\"{picture}\"");
    if known.has_tag(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let bytes = stored(&app, booking, &picture).await?;
    let headers = [
        (header::CONTENT_TYPE, "image/png".to_owned()),
        (header::CACHE_CONTROL, PRIVATE.to_owned()),
        (header::ETAG, tag),
    ];
    Ok((headers, bytes).into_response())
}

async fn stored(app: &App, booking: BookingId, picture: &str) -> Result<Vec<u8>, Error> {
    const AWAY: Error = Error::Unavailable {
        code: "store_away",
        detail: "The picture cannot be read right now. The code opens the door without it.",
    };
    match app.store.get(&picture_name(booking, picture)).await {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => {
            tracing::error!(%booking, "the picture of {booking} is not in the store");
            Err(AWAY)
        }
        Err(_) => Err(AWAY),
    }
}

/// Get the ticket for Apple's wallet
///
/// There is none while passes are off.
#[utoipa::path(get, path = "/api/v1/orders/{booking}/ticket.pkpass", tag = "orders", operation_id = "show_ticket_pass",
    params(("booking" = BookingId, Path, description = "The booking."), CallerHeader),
    responses(
        (status = 200, body = [u8], content_type = "application/vnd.apple.pkpass", description = "The signed pass."),
        (status = 404, description = "There is nothing of yours here, or no ticket yet."),
    ))]
async fn pass(
    State(app): State<App>,
    caller: Caller,
    Named(booking): Named<String>,
) -> Result<Response, Error> {
    let booking = find(&app, &caller, &booking).await?.booking_id;
    let pass = passes::find(&app.db, booking).await?.ok_or(Error::NotFound)?;
    signed(&app, pass).await
}

/// Made now, of what is true now.
pub(super) async fn signed(app: &App, pass: passes::Pass) -> Result<Response, Error> {
    let maker = app.passes.as_ref().ok_or(Error::NotFound)?;
    let changed_at = told(&pass);
    let bytes = maker.make(pass, Utc::now()).await.map_err(|error| {
        tracing::error!(%error, "no pass: {error}");
        Error::Unavailable {
            code: "no_pass_now",
            detail: "There is no pass for the wallet right now. The ticket's code opens the door.",
        }
    })?;
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.apple.pkpass".to_owned()),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"ticket.pkpass\"".to_owned()),
        (header::CACHE_CONTROL, PRIVATE.to_owned()),
        (header::LAST_MODIFIED, changed_at),
    ];
    Ok((headers, bytes).into_response())
}

/// `Last-Modified`, in whole seconds as HTTP writes times. While another change may still come in the same second, it is
/// the second before: whoever has this pass has not heard of that one.
pub(super) fn told(pass: &passes::Pass) -> String {
    let unsettled = TimeDelta::seconds(i64::from(!is_settled(pass)));
    (pass.changed_at - unsettled).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// No other change comes in the second of the last one; however slowly it is written, and wherever clocks differ.
pub(super) fn is_settled(pass: &passes::Pass) -> bool {
    Utc::now() - pass.changed_at > TimeDelta::seconds(5)
}
