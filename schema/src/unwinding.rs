//! How a booking ends without a ticket: expiry, the customer's cancel, and the unwinding that both start.

use crate::{
    Db, Error, Tx, bookings,
    events::{self, What},
    ids::{BookingId, RefundId},
    refunds,
    states::BookingStatus,
};
use serde::{Deserialize, Serialize};

/// What a look at a waiting booking shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Watch {
    /// Still waiting for the customer; look again after this.
    Waiting { ms: u64 },
    /// It has moved on.
    Moved { status: BookingStatus },
}

/// Why a booking is taken back: a stable word, for callers and for cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    CancelledByStaff,
    /// It has ended by itself (expired, cancelled, rejected): only what was done at Vista is taken back.
    EndedBefore,
    /// Vista could not be reached for as long as a booking may wait.
    CinemaAway,
    /// Vista will not confirm it.
    VistaRejected,
    /// Vista's order had died before it was confirmed.
    VistaOrderGone,
    /// Vista did not confirm within the bound, and provably has nothing.
    VistaSilent,
}

impl Cause {
    pub const fn name(self) -> &'static str {
        match self {
            Self::CancelledByStaff => "cancelled_by_staff",
            Self::EndedBefore => "ended_before",
            Self::CinemaAway => "cinema_away",
            Self::VistaRejected => "vista_rejected",
            Self::VistaOrderGone => "vista_order_gone",
            Self::VistaSilent => "vista_silent",
        }
    }
}

/// Claims the booking for expiry if its time is over: PENDING → EXPIRED, seats free again; and for confirming if
/// nothing is to pay. Otherwise says how long it still has, or where it has gone.
pub async fn watch(db: &Db, booking: BookingId) -> Result<Watch, Error> {
    let (kind, detail) = events::columns(&What::Expired)?;
    let expired = sqlx::query!(
        r#"
        WITH moved AS (
            UPDATE bookings SET status = 'EXPIRED', version = version + 1, updated_at = clock_timestamp()
            WHERE booking_id = $1 AND status = 'PENDING' AND expires_at <= clock_timestamp()
            RETURNING booking_id, version
        ), released AS (
            UPDATE seats SET released_at = clock_timestamp()
            FROM moved WHERE seats.booking_id = moved.booking_id AND released_at IS NULL
        )
        INSERT INTO booking_events (booking_id, version, kind, detail)
        SELECT booking_id, version, $2, $3 FROM moved
        "#,
        booking as BookingId,
        kind,
        detail
    )
    .execute(&db.0)
    .await?;
    if expired.rows_affected() == 1 {
        return Ok(Watch::Moved { status: BookingStatus::Expired });
    }
    let row = sqlx::query!(
        r#"
        SELECT status AS "status: BookingStatus", total_minor,
               CEIL(EXTRACT(EPOCH FROM expires_at - clock_timestamp()) * 1000)::bigint AS left_ms
        FROM bookings WHERE booking_id = $1
        "#,
        booking as BookingId
    )
    .fetch_optional(&db.0)
    .await?
    .ok_or_else(|| bookings::missing(booking))?;
    if row.status != BookingStatus::Pending {
        return Ok(Watch::Moved { status: row.status });
    }
    if row.total_minor == Some(0) && bookings::claim_free(db, booking).await? {
        return Ok(Watch::Moved { status: BookingStatus::Confirming });
    }
    let left = row.left_ms.unwrap_or(0).max(1);
    Ok(Watch::Waiting { ms: u64::try_from(left).unwrap_or(1) })
}

/// What became of a wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Cancel {
    /// Cancelled, now or before.
    Cancelled,
    /// Somebody else has the row; no cancel from this status.
    TooLate { status: BookingStatus },
}

/// REQUESTED, PENDING → CANCELLED, seats free again. Safe to repeat.
pub async fn cancel(db: &Db, booking: BookingId, by: &str) -> Result<Cancel, Error> {
    let mut tx = db.begin().await?;
    let cancelled = claim_cancel(&mut tx, booking, by).await?;
    tx.commit().await?;
    if cancelled {
        return Ok(Cancel::Cancelled);
    }
    let found = bookings::find(db, booking).await?.ok_or_else(|| bookings::missing(booking))?;
    if found.status == BookingStatus::Cancelled {
        return Ok(Cancel::Cancelled);
    }
    Ok(Cancel::TooLate { status: found.status })
}

async fn claim_cancel(tx: &mut Tx, booking: BookingId, by: &str) -> Result<bool, Error> {
    let (kind, detail) = events::columns(&What::Cancelled { by: by.to_owned() })?;
    let moved = sqlx::query!(
        r#"
        WITH moved AS (
            UPDATE bookings SET status = 'CANCELLED', end_reason = $2, version = version + 1,
                   updated_at = clock_timestamp()
            WHERE booking_id = $1 AND status IN ('REQUESTED', 'PENDING')
            RETURNING booking_id, version
        ), released AS (
            UPDATE seats SET released_at = clock_timestamp()
            FROM moved WHERE seats.booking_id = moved.booking_id AND released_at IS NULL
        )
        INSERT INTO booking_events (booking_id, version, kind, detail)
        SELECT booking_id, version, $3, $4 FROM moved
        "#,
        booking as BookingId,
        format!("cancelled_by_{by}"),
        kind,
        detail
    )
    .execute(&mut **tx)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Where an unwinding starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Unwinding {
    /// Take back what was done; `refund` is the money that goes back at the end, as the row says.
    Owed { refund: Option<RefundId> },
    /// It is confirmed: nothing is taken back.
    TooLate,
}

/// Begins to unwind, in one guarded transaction: REQUESTED and PENDING end at once, CONFIRMING gets its cause, which
/// forbids CONFIRMED, and the refund of the payment that has won is written down. Safe to repeat.
pub async fn begin(db: &Db, booking: BookingId, cause: Cause) -> Result<Unwinding, Error> {
    let mut tx = db.begin().await?;
    let row = sqlx::query!(
        r#"
        SELECT status AS "status: BookingStatus", unwind_cause FROM bookings WHERE booking_id = $1 FOR UPDATE
        "#,
        booking as BookingId
    )
    .fetch_optional(&mut *tx)
    .await?;
    // Nothing was ever written down: nothing was done.
    let Some(row) = row else { return Ok(Unwinding::Owed { refund: None }) };
    let refund = match row.status {
        BookingStatus::Requested if cause != Cause::CancelledByStaff => {
            bookings::reject(&mut tx, booking, cause.name()).await?;
            None
        }
        BookingStatus::Requested | BookingStatus::Pending => {
            claim_cancel(&mut tx, booking, "staff").await?;
            None
        }
        BookingStatus::Confirming => {
            if row.unwind_cause.is_none() {
                mark(&mut tx, booking, cause.name()).await?;
            }
            refunds::owe_won(&mut tx, booking, cause.name()).await?
        }
        BookingStatus::Confirmed | BookingStatus::Completed => return Ok(Unwinding::TooLate),
        BookingStatus::Cancelled => refunds::owed_for_won(&mut tx, booking).await?,
        BookingStatus::Rejected | BookingStatus::Expired => None,
    };
    tx.commit().await?;
    Ok(Unwinding::Owed { refund })
}

async fn mark(tx: &mut Tx, booking: BookingId, cause: &str) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE bookings SET unwind_cause = $2 WHERE booking_id = $1",
        booking as BookingId,
        cause
    )
    .execute(&mut **tx)
    .await?;
    events::note(tx, booking, &What::Unwinding { cause: cause.to_owned() }).await
}

/// CONFIRMING, unwound → CANCELLED, seats free again. Bookings that ended before are left as they are. Safe to repeat.
pub async fn finish(db: &Db, booking: BookingId) -> Result<BookingStatus, Error> {
    let (kind, detail) = events::columns(&What::Unwound)?;
    sqlx::query!(
        r#"
        WITH moved AS (
            UPDATE bookings SET status = 'CANCELLED', end_reason = unwind_cause, version = version + 1,
                   updated_at = clock_timestamp()
            WHERE booking_id = $1 AND status = 'CONFIRMING' AND unwind_cause IS NOT NULL
            RETURNING booking_id, version
        ), released AS (
            UPDATE seats SET released_at = clock_timestamp()
            FROM moved WHERE seats.booking_id = moved.booking_id AND released_at IS NULL
        )
        INSERT INTO booking_events (booking_id, version, kind, detail)
        SELECT booking_id, version, $2, $3 FROM moved
        "#,
        booking as BookingId,
        kind,
        detail
    )
    .execute(&db.0)
    .await?;
    let found = bookings::find(db, booking).await?;
    Ok(found.map_or(BookingStatus::Rejected, |found| found.status))
}
