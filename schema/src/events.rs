//! A booking's timeline: what happened to it, in order, never rewritten.

use crate::{Db, Error, Tx, error::read, ids::BookingId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that happened. `version` counts the booking's events from 1.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Event {
    pub version: i32,
    pub at: DateTime<Utc>,
    #[serde(flatten)]
    pub what: What,
}

/// Everything that can happen to a booking, with what is worth telling about it. Nothing of a card but brand and last
/// four digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    Requested {
        seats: Vec<String>,
    },
    Held {
        total_minor: i64,
        currency: String,
        expires_in_ms: i64,
    },
    /// Opening a payment has restarted Vista's timer.
    Extended {
        expires_in_ms: i64,
    },
    Rejected {
        reason: String,
    },
    PaymentOpened {
        payment: String,
        provider: String,
    },
    PaymentReady {
        payment: String,
        amount_minor: i64,
    },
    PaymentRefused {
        payment: String,
        reason: String,
    },
    PaymentDeclined {
        payment: String,
        code: String,
    },
    PaymentAbandoned {
        payment: String,
    },
    Paid {
        payment: String,
        amount_minor: i64,
    },
    /// The money is reserved; it is taken once Vista has the booking.
    Reserved {
        payment: String,
        amount_minor: i64,
    },
    /// What was reserved is taken.
    Taken {
        payment: String,
        amount_minor: i64,
    },
    /// What was reserved could not be taken, and nobody tries to any more.
    NotCollected {
        payment: String,
        amount_minor: i64,
    },
    NothingToPay,
    PaidLate {
        payment: String,
        amount_minor: i64,
        refund: String,
    },
    /// Another amount or another currency than was asked for.
    PaidWrong {
        payment: String,
        amount_minor: i64,
        /// Where it is none that we take money in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
    },
    Confirmed {
        vista_booking: String,
    },
    TicketIssued,
    Cancelled {
        by: String,
    },
    Expired,
    Unwinding {
        cause: String,
    },
    Unwound,
    RefundSent {
        refund: String,
    },
    Refunded {
        refund: String,
        amount_minor: i64,
    },
    CaseOpened {
        case: String,
        cause: String,
    },
    CaseDecided {
        case: String,
        decision: String,
        by: String,
    },
}

impl What {
    /// Whether the booking may stand elsewhere by it (`standing`): of that the log has a line.
    pub(crate) const fn moves(&self) -> bool {
        match self {
            // It stood nowhere before; the request has a line of its own.
            Self::Requested { .. }
            | Self::Extended { .. }
            | Self::PaymentReady { .. }
            | Self::PaymentRefused { .. }
            | Self::Taken { .. }
            | Self::RefundSent { .. } => false,
            Self::Held { .. }
            | Self::Rejected { .. }
            // After a decline it is to be paid again.
            | Self::PaymentOpened { .. }
            | Self::PaymentDeclined { .. }
            | Self::PaymentAbandoned { .. }
            | Self::Paid { .. }
            | Self::Reserved { .. }
            | Self::NotCollected { .. }
            | Self::NothingToPay
            | Self::PaidLate { .. }
            | Self::PaidWrong { .. }
            | Self::Confirmed { .. }
            | Self::TicketIssued
            | Self::Cancelled { .. }
            | Self::Expired
            | Self::Unwinding { .. }
            | Self::Unwound
            | Self::Refunded { .. }
            | Self::CaseOpened { .. }
            | Self::CaseDecided { .. } => true,
        }
    }
}

/// `kind` and the rest of an event, as the table has them.
pub(crate) fn columns(what: &What) -> Result<(String, serde_json::Value), Error> {
    let mut detail = crate::error::write("event", what)?;
    let kind = detail.as_object_mut().and_then(|fields| fields.remove("kind"));
    match kind {
        Some(serde_json::Value::String(kind)) => Ok((kind, detail)),
        _ => Err(Error::Unreadable { what: "event", reason: "without a kind".to_owned() }),
    }
}

/// Adds an event to a booking whose status does not change by it.
pub async fn note(tx: &mut Tx, booking: BookingId, what: &What) -> Result<(), Error> {
    let (kind, detail) = columns(what)?;
    sqlx::query!(
        r#"
        WITH noted AS (
            UPDATE bookings SET version = version + 1, updated_at = clock_timestamp()
            WHERE booking_id = $1
            RETURNING booking_id, version
        )
        INSERT INTO booking_events (booking_id, version, kind, detail)
        SELECT booking_id, version, $2, $3 FROM noted
        "#,
        booking as BookingId,
        kind,
        detail
    )
    .execute(&mut **tx)
    .await?;
    if what.moves() {
        tx.moves(booking);
    }
    Ok(())
}

/// A booking's events after `version`, oldest first.
pub async fn after(db: &Db, booking: BookingId, version: i32) -> Result<Vec<Event>, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT version, at, kind, detail FROM booking_events
        WHERE booking_id = $1 AND version > $2 ORDER BY version LIMIT 1000
        "#,
        booking as BookingId,
        version
    )
    .fetch_all(&db.0)
    .await?;
    rows.into_iter()
        .map(|row| {
            let mut stored = row.detail;
            if let Some(fields) = stored.as_object_mut() {
                fields.insert("kind".to_owned(), row.kind.into());
            }
            Ok(Event { version: row.version, at: row.at, what: read("event", stored)? })
        })
        .collect()
}
