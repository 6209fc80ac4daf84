//! `/api/v1/orders`: ask for seats, watch what becomes of them, call it off.

use super::{
    appears,
    body::{Body, Named},
    waiting::{is_callers_turn, look, until, version},
};
use crate::{
    app::App,
    auth::{Caller, CallerHeader, IdempotencyKey, KeyHeader},
    error::Error,
    preferences::{NoneMatch, Wait, WaitHeader, etag},
    view::BookingView,
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use schema::{
    bookings::{self, Booking, BookingRequest, SeatChoice},
    holds,
    ids::BookingId,
    snapshot,
    states::BookingStatus,
    unwinding::Cancel,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, time::Instant};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(show)).routes(routes!(cancel))
}

/// The seats a customer wants in one session.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "cinema_id": "0001", "session_id": "1001",
    "seats": [{ "seat": "C5", "ticket_type": "0001" }, { "seat": "C6", "ticket_type": "0001" }],
}))]
struct CreateOrder {
    #[schema(pattern = "^[A-Za-z0-9]{1,16}$")]
    cinema_id: String,
    #[schema(pattern = "^[A-Za-z0-9]{1,16}$")]
    session_id: String,
    /// Each seat once.
    #[schema(min_items = 1, max_items = 10)]
    seats: Vec<SeatWish>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SeatWish {
    /// As printed on the ticket: row and number.
    #[schema(pattern = "^[A-Za-z0-9]{1,8}$")]
    seat: String,
    #[schema(pattern = "^[A-Za-z0-9]{1,16}$")]
    ticket_type: String,
}

/// Order seats
///
/// Starts the booking, or finds the one that this key has started. 202 only once it is written down: what happens next
/// is in `standing`. With `Prefer: wait=N` the answer waits until the seats are held, or are not.
#[utoipa::path(post, path = "/api/v1/orders", tag = "orders", operation_id = "create_order",
    params(KeyHeader, CallerHeader, WaitHeader),
    request_body = CreateOrder,
    responses(
        (status = 202, body = BookingView, description = "It is written down, and goes on by itself.", headers(
            ("Location" = String, description = "The booking."),
            ("Retry-After" = u32, description = "Seconds until it is worth another look."),
            ("Preference-Applied" = String, description = "How long it may have waited."))),
        (status = 409, description = "You hold as much as one may without having paid: pay or cancel first."),
        (status = 422, description = "The Idempotency-Key belongs to another request."),
    ))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    wait: Wait,
    Body { value: order, hash }: Body<CreateOrder>,
) -> Result<Response, Error> {
    check(&order, app.settings.max_seats)?;
    let asked = Instant::now();
    let booking_id = app.id_key.booking(&caller.id, &key);
    let seats = order
        .seats
        .into_iter()
        .map(|SeatWish { seat, ticket_type }| SeatChoice { seat, ticket_type })
        .collect();
    let request = BookingRequest {
        booking_id,
        caller: caller.id.clone(),
        platform: caller.platform,
        cinema_id: order.cinema_id,
        session_id: order.session_id,
        seats,
        request_hash: hash.clone(),
        allowance: caller.allowance(&app.settings.limits),
        timings: app.settings.timings.on(caller.platform),
    };
    may_hold(&app, &request).await?;
    app.engine.book(request).await?;
    let written = || async { Ok(snapshot::of(&app.db, &caller.id, booking_id).await?) };
    let mut booking = appears(written).await?.ok_or(Error::Unavailable {
        code: "not_started_in_time",
        detail: "It has not started in time. Send the same request with the same Idempotency-Key again.",
    })?;
    if booking.request_hash != hash {
        return Err(Error::KeyReused);
    }
    let left = wait.time().saturating_sub(asked.elapsed());
    if !left.is_zero() {
        booking = until(&app, &caller, booking_id, left, is_callers_turn).await?;
    }
    let location = format!("/api/v1/orders/{booking_id}");
    let headers = [(header::LOCATION, location), (header::RETRY_AFTER, "1".to_owned())];
    let applied = wait.applied();
    let view = BookingView::of(&app, booking);
    Ok((StatusCode::ACCEPTED, headers, applied, Json(view)).into_response())
}

/// A clear answer before anything is started. Who is quicker than this look meets the same limit at the row.
async fn may_hold(app: &App, request: &BookingRequest) -> Result<(), Error> {
    let Some(too_much) = holds::too_much(&app.db, request).await? else { return Ok(()) };
    // The same request again is no new booking.
    if bookings::find_for(&app.db, &request.caller, request.booking_id).await?.is_some() {
        return Ok(());
    }
    Err(Error::Conflict {
        code: too_much.reason().into(),
        detail: "You hold as much as one may without having paid. Pay for a booking or cancel one first.".into(),
        retryable: true,
    })
}

/// What is cheap to see as wrong, before anything is started.
fn check(order: &CreateOrder, max_seats: usize) -> Result<(), Error> {
    let id = |text: &str, longest: usize| {
        (1..=longest).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let seats: BTreeSet<&str> = order.seats.iter().map(|choice| choice.seat.as_str()).collect();
    if order.seats.is_empty() || order.seats.len() > max_seats {
        return Err(Error::Invalid {
            code: "seat_count",
            detail: format!("An order has 1 to {max_seats} seats.").into(),
        });
    }
    if seats.len() != order.seats.len() {
        return Err(Error::invalid("seat_twice", "Each seat can be in an order once."));
    }
    let sound = id(&order.cinema_id, 16)
        && id(&order.session_id, 16)
        && order.seats.iter().all(|choice| id(&choice.seat, 8) && id(&choice.ticket_type, 16));
    if sound {
        Ok(())
    } else {
        Err(Error::invalid(
            "invalid_name",
            "Cinemas, sessions, seats and ticket types are letters and digits.",
        ))
    }
}

/// See a booking
///
/// What it is, what happens next and by when. With `If-None-Match`, 304 while nothing has changed; with `Prefer: wait=N`,
/// too, the answer comes at the first change. `Prefer: wait=N` alone waits until the next move is not ours: there is
/// something to pay, or it is the end.
#[utoipa::path(get, path = "/api/v1/orders/{booking}", tag = "orders", operation_id = "show_order",
    params(
        ("booking" = BookingId, Path, description = "The booking."),
        ("If-None-Match" = Option<String>, Header, description = "The ETags you have.", example = "\"3\""),
        CallerHeader, WaitHeader,
    ),
    responses(
        (status = 200, body = BookingView, description = "The booking now.", headers(
            ("ETag" = String, description = "Its version, quoted."),
            ("Cache-Control" = String, description = "private, no-cache."),
            ("Preference-Applied" = String, description = "How long it may have waited."))),
        (status = 304, description = "You have it already.", headers(
            ("ETag" = String, description = "Its version, quoted."),
            ("Preference-Applied" = String, description = "How long it may have waited."))),
        (status = 404, description = "There is nothing of yours here."),
    ))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Named(booking): Named<String>,
    wait: Wait,
    known: NoneMatch,
) -> Result<Response, Error> {
    let booking: BookingId = booking.parse().map_err(|_| Error::NotFound)?;
    let (applied, is_news) = (wait.applied(), |version| !known.has(version));
    let headers = |version| {
        let cache = "private, no-cache".to_owned();
        [(header::ETAG, etag(version)), (header::CACHE_CONTROL, cache)]
    };
    let booking = if known.is_asked() {
        let version = version(&app, &caller, booking, wait.time(), is_news).await?;
        if !is_news(version) {
            return Ok((StatusCode::NOT_MODIFIED, headers(version), applied, ()).into_response());
        }
        look(&app, &caller, booking).await?
    } else {
        until(&app, &caller, booking, wait.time(), is_callers_turn).await?
    };
    let headers = headers(booking.version);
    Ok((headers, applied, Json(BookingView::of(&app, booking))).into_response())
}

/// Call a booking off
///
/// As long as nobody has paid. Again is as good.
#[utoipa::path(post, path = "/api/v1/orders/{booking}/cancel", tag = "orders", operation_id = "cancel_order",
    params(("booking" = BookingId, Path, description = "The booking."), KeyHeader, CallerHeader),
    responses(
        (status = 200, body = BookingView, description = "It is called off."),
        (status = 404, description = "There is nothing of yours here."),
        (status = 409, description = "It cannot be called off any more, or not right now (`retryable`)."),
    ))]
async fn cancel(
    State(app): State<App>,
    caller: Caller,
    _key: IdempotencyKey,
    Named(booking): Named<String>,
) -> Result<Json<BookingView>, Error> {
    let id = find(&app, &caller, &booking).await?.booking_id;
    match app.engine.cancel(id, "customer").await? {
        Cancel::Cancelled => Ok(Json(BookingView::of(&app, look(&app, &caller, id).await?))),
        Cancel::TooLate { status } => Err(too_late(status)),
    }
}

fn too_late(status: BookingStatus) -> Error {
    let (code, detail, retryable) = match status {
        BookingStatus::Confirming => (
            "booking_is_confirming",
            "It is paid and being confirmed at the cinema. Look again in a moment.",
            true,
        ),
        BookingStatus::Confirmed | BookingStatus::Completed => {
            ("booking_is_confirmed", "It is confirmed; it cannot be called off here.", false)
        }
        BookingStatus::Requested
        | BookingStatus::Pending
        | BookingStatus::Rejected
        | BookingStatus::Cancelled
        | BookingStatus::Expired => ("booking_has_ended", "It has ended already.", false),
    };
    Error::Conflict { code: code.into(), detail: detail.into(), retryable }
}

/// The caller's booking. A missing and a foreign one take the same way to the same answer.
pub(super) async fn find(app: &App, caller: &Caller, id: &str) -> Result<Booking, Error> {
    let id: BookingId = id.parse().map_err(|_| Error::NotFound)?;
    bookings::find_for(&app.db, &caller.id, id).await?.ok_or(Error::NotFound)
}
