//! `GET /api/v1/orders`: the caller's own bookings, in pages.

use super::body::Asked;
use crate::{
    app::App,
    auth::{Caller, CallerHeader},
    error::Error,
    view::BookingView,
};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use schema::{
    ids::BookingId,
    snapshot::{self, Page},
    states::BookingStatus,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

const PAGE: u8 = 20;
const PAGE_MAX: u8 = 50;

/// Which of the caller's bookings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// How many on a page: 1 to 50, 20 when nothing is said.
    #[param(minimum = 1, maximum = 50)]
    limit: Option<u8>,
    /// From the `next` of the page before.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    cursor: Option<String>,
    /// Only those with this status.
    status: Option<BookingStatus>,
}

/// A page of bookings.
#[derive(Serialize, ToSchema)]
struct Orders {
    orders: Vec<BookingView>,
    /// Where the next page is. None: this is the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        example = "/api/v1/orders?limit=20&cursor=MTc5NTI4NTY0MDAwMDAwMC4wMUg0NTVWQjRQRVg1VlNLTksw"
    )]
    next: Option<String>,
}

/// List your bookings
///
/// The newest first, as `GET /api/v1/orders/{booking}` shows them. Bookings that are made meanwhile move no page.
#[utoipa::path(get, path = "/api/v1/orders", tag = "orders", operation_id = "list_orders",
    params(Wanted, CallerHeader),
    responses((status = 200, body = Orders, description = "A page of them.")))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Orders>, Error> {
    let limit = wanted.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Error::invalid("invalid_query", "A page has 1 to 50 bookings."));
    }
    let after = wanted.cursor.as_deref().map(after).transpose()?;
    let page = Page { status: wanted.status, after, limit: i64::from(limit) + 1 };
    let mut ids = snapshot::page(&app.db, &caller.id, &page).await?;
    let more = ids.len() > usize::from(limit);
    ids.truncate(usize::from(limit));
    let found = snapshot::these_of(&app.db, &caller.id, &ids).await?;
    let last = found.last().filter(|_| more);
    let next =
        last.map(|last| link(limit, wanted.status, &cursor(last.created_at, last.booking_id)));
    let orders = found.into_iter().map(|booking| BookingView::of(&app, booking)).collect();
    Ok(Json(Orders { orders, next }))
}

/// Where a page has ended. It opens nothing: whoever makes one up sees bookings of their own.
fn cursor(at: DateTime<Utc>, booking: BookingId) -> String {
    let place = format!("{}.{}", at.timestamp_micros(), booking.bare());
    BASE64URL_NOPAD.encode(place.as_bytes())
}

fn after(cursor: &str) -> Result<(DateTime<Utc>, BookingId), Error> {
    let read = || {
        let place = String::from_utf8(BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?).ok()?;
        let (at, booking) = place.split_once('.')?;
        let at = DateTime::from_timestamp_micros(at.parse().ok()?)?;
        let known = at.timestamp() >= 0 && at.timestamp() < YEAR_10_000;
        known.then_some((at, BookingId::from_bare(booking).ok()?))
    };
    read().ok_or(NO_CURSOR)
}

const NO_CURSOR: Error = Error::invalid(
    "invalid_cursor",
    "Take the cursor from the `next` of a page, or start without one.",
);

/// In seconds since 1970: what the database can compare with, too.
const YEAR_10_000: i64 = 253_402_300_800;

fn link(limit: u8, status: Option<BookingStatus>, cursor: &str) -> String {
    let status = status.map_or_else(String::new, |status| format!("&status={}", status.name()));
    format!("/api/v1/orders?limit={limit}{status}&cursor={cursor}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place_and_nothing_else_is_one() {
        let at = DateTime::from_timestamp_micros(1_795_285_640_123_456).unwrap();
        let booking = BookingId::from_bare("01H455VB4PEX5VSKNK084SN02Q").unwrap();
        assert_eq!(after(&cursor(at, booking)).unwrap(), (at, booking));
        let far = BASE64URL_NOPAD.encode(b"9223372036854775807.01H455VB4PEX5VSKNK084SN02Q");
        let odd = BASE64URL_NOPAD.encode(b"1.7");
        for wrong in ["", "x", "\0", "1.01H455VB4PEX5VSKNK084SN02Q", &far, &odd] {
            assert!(after(wrong).is_err(), "{wrong}");
        }
    }
}
