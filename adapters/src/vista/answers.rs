//! What is asked of Vista and what it answers, in our words. Several of these are journaled: only add optional fields.

use schema::{
    ids::{BookingId, PaymentId},
    money::Money,
};
use serde::{Deserialize, Serialize};

/// Vista's name of an order. `user_session` is unique across cinemas and is the idempotency key of the purchase: one
/// order, at most one booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRef {
    pub cinema: String,
    pub user_session: String,
}

/// An order as Vista shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSnapshot {
    /// Everything the customer has to pay, fees and tax included.
    pub total: Money,
    /// Until Vista drops the order, measured on Vista's own clock. `None`: it does not say.
    pub expires_in_ms: Option<u64>,
    /// As printed on the ticket, `A1`, sorted.
    pub seats: Vec<String>,
}

/// A new, empty order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOrder {
    pub order: OrderRef,
    pub snapshot: OrderSnapshot,
}

/// One seat and the kind of ticket for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatRequest {
    /// Row and number as printed on the ticket: `A1`.
    pub seat: String,
    pub ticket_type: String,
}

/// The seats wanted in one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seating {
    pub session: String,
    pub seats: Vec<SeatRequest>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum HoldAnswer {
    Held(OrderSnapshot),
    SeatsTaken,
    /// The session is not on sale (any more), or does not exist.
    SessionClosed {
        code: i64,
    },
    /// There is no such seat or ticket type, or they do not go together.
    Invalid {
        reason: String,
    },
    OrderGone,
}

/// A booking at Vista. The number is unique within its cinema only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VistaBooking {
    /// The short code that is scanned at the door.
    pub booking_id: String,
    pub booking_number: String,
    pub cinema: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ConfirmAnswer {
    Booked(VistaBooking),
    /// Certainly no booking was made.
    Rejected {
        code: i64,
        name: String,
    },
    /// The order had ended before, and there is no booking of it. `pay_order` never says so by itself, because Vista
    /// uses one code for "expired" and "completed and purged": it takes `order_fate`.
    OrderGone,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Fate {
    Booked(VistaBooking),
    /// The order is still open, and no booking of it is shown.
    Open,
    /// The order is gone, and no booking of it stands.
    Gone,
    /// What Vista says does not fit together.
    Unclear {
        reason: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelAnswer {
    Cancelled,
    /// Not an order in progress: it never was, has ended, or has become a booking.
    NotFound,
}

/// What confirming an order leaves at Vista, so that people and look-ups can match it with ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentNote {
    pub booking: BookingId,
    /// `None`: there was nothing to pay.
    pub payment: Option<PaymentId>,
    pub total: Money,
}

/// A booking as Vista shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingState {
    pub booking: VistaBooking,
    pub paid: bool,
    pub cancelled: bool,
    pub current_value: Money,
    /// The groups that tickets are given back by, without duplicates.
    pub ticket_groups: Vec<i64>,
}

/// What Vista says to giving a booking back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ReleaseAnswer {
    /// Read back: it is cancelled, and its seats are free.
    Released,
    /// Vista knows no such booking.
    NotFound,
    /// Vista will not do it. The booking stands, read back. A person decides.
    Rejected { code: i64, name: String },
}

/// What Vista says to one of the verbs that `release_booking` is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum VerbAnswer {
    Done,
    NotFound,
    /// Cancelling: it is paid, it has to be refunded instead.
    Paid,
    Rejected {
        code: i64,
    },
}

/// The seats of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SeatPlan {
    pub areas: Vec<Area>,
}

/// A part of the room with a price category of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Area {
    pub category: String,
    pub name: String,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Row {
    pub name: String,
    pub seats: Vec<Seat>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Seat {
    /// As printed on the ticket: `A1`.
    pub id: String,
    pub status: SeatStatus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeatStatus {
    Free,
    Taken,
    /// Not for sale here: kept by the house, broken, not a seat.
    Blocked,
}

/// A kind of ticket on sale for a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TicketType {
    pub code: String,
    pub name: String,
    pub name_alt: Option<String>,
    /// The areas it is for. `None`: any.
    pub area_category: Option<String>,
    pub price: Money,
}

/// What a show is called: each thing by its name and its other name, one of which may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Show {
    pub film: String,
    pub film_alt: String,
    pub cinema: String,
    pub cinema_alt: String,
    pub hall: String,
    pub hall_alt: String,
    pub rating: Option<String>,
    /// How long the film is.
    pub minutes: Option<u32>,
}
