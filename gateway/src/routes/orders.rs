//! `/api/v1/orders`: ask for seats, watch what becomes of them, call it off.

use super::{appears, body::Body};
use crate::{
    app::App,
    auth::{Caller, IdempotencyKey},
    error::Error,
    view::BookingView,
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use schema::{
    bookings::{self, Booking, BookingRequest, SeatChoice},
    ids::BookingId,
    states::BookingStatus,
    unwinding::Cancel,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/orders", post(create))
        .route("/api/v1/orders/{booking}", get(show))
        .route("/api/v1/orders/{booking}/cancel", post(cancel))
}

/// The seats a customer wants in one session.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateOrder {
    cinema_id: String,
    session_id: String,
    seats: Vec<Seat>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seat {
    seat: String,
    ticket_type: String,
}

/// Starts the booking, or finds the one that this key has started. 202 only once its row is there.
async fn create(
    State(app): State<App>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body { value: order, hash }: Body<CreateOrder>,
) -> Result<Response, Error> {
    check(&order, app.settings.max_seats)?;
    let booking_id = app.id_key.booking(&caller.id, &key);
    let seats = order
        .seats
        .into_iter()
        .map(|Seat { seat, ticket_type }| SeatChoice { seat, ticket_type })
        .collect();
    let request = BookingRequest {
        booking_id,
        caller: caller.id.clone(),
        platform: caller.platform,
        cinema_id: order.cinema_id,
        session_id: order.session_id,
        seats,
        request_hash: hash.clone(),
        timings: app.settings.timings,
    };
    app.engine.book(request).await?;
    let look = || async { Ok(bookings::find_for(&app.db, &caller.id, booking_id).await?) };
    let booking = appears(look).await?.ok_or(Error::Unavailable {
        code: "not_started_in_time",
        detail: "It has not started in time. Send the same request with the same Idempotency-Key again.",
    })?;
    if booking.request_hash != hash {
        return Err(Error::KeyReused);
    }
    accepted(&app, booking).await
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

async fn accepted(app: &App, booking: Booking) -> Result<Response, Error> {
    let location = format!("/api/v1/orders/{}", booking.booking_id);
    let view = BookingView::read(app, booking).await?;
    let headers = [(header::LOCATION, location), (header::RETRY_AFTER, "1".to_owned())];
    Ok((StatusCode::ACCEPTED, headers, Json(view)).into_response())
}

/// The booking now: what it is, what happens next and by when.
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(booking): Path<String>,
) -> Result<Json<BookingView>, Error> {
    let booking = find(&app, &caller, &booking).await?;
    Ok(Json(BookingView::read(&app, booking).await?))
}

/// Calls the booking off, as long as nobody has paid.
async fn cancel(
    State(app): State<App>,
    caller: Caller,
    _key: IdempotencyKey,
    Path(booking): Path<String>,
) -> Result<Json<BookingView>, Error> {
    let id = find(&app, &caller, &booking).await?.booking_id;
    match app.engine.cancel(id, "customer").await? {
        Cancel::Cancelled => {
            let booking = find(&app, &caller, &booking).await?;
            Ok(Json(BookingView::read(&app, booking).await?))
        }
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
