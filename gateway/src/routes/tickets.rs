//! `/api/v1/orders/{booking}/ticket.…`: the ticket for the one who booked: its code, its picture, its pass.

use super::orders::find;
use crate::{app::App, auth::Caller, error::Error};
use activities::tickets::picture_name;
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::Utc;
use schema::{ids::BookingId, passes, tickets};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/orders/{booking}/ticket.svg", get(code))
        .route("/api/v1/orders/{booking}/ticket.png", get(picture))
        .route("/api/v1/orders/{booking}/ticket.pkpass", get(pass))
}

/// Nobody between us and the owner may keep it, and the owner asks whether it is still the same.
const PRIVATE: &str = "private, no-cache";

/// The code for the door as SVG. It is there as soon as the booking is confirmed.
async fn code(
    State(app): State<App>,
    caller: Caller,
    Path(booking): Path<String>,
) -> Result<Response, Error> {
    let booking = find(&app, &caller, &booking).await?;
    let ticket = tickets::find(&app.db, booking.booking_id).await?;
    let svg = ticket.and_then(|ticket| ticket.qr_svg).ok_or(Error::NotFound)?;
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, PRIVATE)];
    Ok((headers, svg).into_response())
}

/// The ticket as a picture (PNG), in Arabic and English. It is there once the ticket is issued, and never changes.
async fn picture(
    State(app): State<App>,
    caller: Caller,
    Path(booking): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let booking = find(&app, &caller, &booking).await?.booking_id;
    let ticket = tickets::find(&app.db, booking).await?;
    let picture = ticket.and_then(|ticket| ticket.picture).ok_or(Error::NotFound)?;
    let tag = format!("\"{picture}\"");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.contains(&tag) || known.trim() == "*") {
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

/// The ticket as a pass for Apple's wallet. There is none while passes are off.
async fn pass(
    State(app): State<App>,
    caller: Caller,
    Path(booking): Path<String>,
) -> Result<Response, Error> {
    let booking = find(&app, &caller, &booking).await?.booking_id;
    let pass = passes::find(&app.db, booking).await?.ok_or(Error::NotFound)?;
    signed(&app, pass).await
}

/// Made now, of what is true now.
pub(super) async fn signed(app: &App, pass: passes::Pass) -> Result<Response, Error> {
    let maker = app.passes.as_ref().ok_or(Error::NotFound)?;
    let changed_at = http_date(pass.changed_at);
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

/// As HTTP writes times: in whole seconds.
pub(super) fn http_date(at: chrono::DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
