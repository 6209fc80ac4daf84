//! Wallet passes: what a pass is made from, and which devices want to hear when it changes.

use crate::{Db, Error, error::read, ids::BookingId, states::BookingStatus, tickets::Facts};
use chrono::{DateTime, Utc};

/// A pass may be on so many devices.
const DEVICES_MAX: i64 = 20;

/// What a pass is made from.
#[derive(Clone, Debug)]
pub struct Pass {
    pub facts: Facts,
    /// The booking was taken back: the pass opens nothing any more.
    pub is_void: bool,
    /// The last time that anything happened to its booking.
    pub changed_at: DateTime<Utc>,
}

/// The pass of a booking whose ticket was issued, whoever asks.
pub async fn find(db: &Db, booking: BookingId) -> Result<Option<Pass>, Error> {
    let row = sqlx::query!(
        r#"
        SELECT facts AS "facts!", bookings.status AS "status: BookingStatus", updated_at
        FROM tickets JOIN bookings USING (booking_id)
        WHERE booking_id = $1 AND facts IS NOT NULL
        "#,
        booking as BookingId
    )
    .fetch_optional(&db.0)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Pass {
        facts: read("ticket facts", row.facts)?,
        is_void: !matches!(row.status, BookingStatus::Confirmed | BookingStatus::Completed),
        changed_at: row.updated_at,
    }))
}

/// What became of a device's wish to hear of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    Now,
    Before,
    /// The pass is on as many devices as it may be.
    TooMany,
}

/// This device wants to hear of this pass, under this push token. Safe to repeat; the last token counts.
pub async fn register(
    db: &Db,
    device: &str,
    booking: BookingId,
    push_token: &str,
) -> Result<Registered, Error> {
    // A row that was just inserted was never updated: its xmax is none.
    let fresh = sqlx::query_scalar!(
        r#"
        INSERT INTO pass_registrations AS known (device, booking_id, push_token)
        SELECT $1, $2::text, $3
        WHERE (SELECT count(*) FROM pass_registrations WHERE booking_id = $2::text AND device <> $1) < $4
        ON CONFLICT (device, booking_id) DO UPDATE SET push_token = $3
        RETURNING (known.xmax = 0) AS "fresh!"
        "#,
        device,
        booking as BookingId,
        push_token,
        DEVICES_MAX
    )
    .fetch_optional(&db.0)
    .await?;
    Ok(match fresh {
        Some(true) => Registered::Now,
        Some(false) => Registered::Before,
        None => Registered::TooMany,
    })
}

/// This device does not want to hear of this pass any more. Safe to repeat.
pub async fn unregister(db: &Db, device: &str, booking: BookingId) -> Result<(), Error> {
    sqlx::query!(
        "DELETE FROM pass_registrations WHERE device = $1 AND booking_id = $2",
        device,
        booking as BookingId
    )
    .execute(&db.0)
    .await?;
    Ok(())
}

/// A device's passes that have changed after `since`, or all of them; those that changed last are last.
pub async fn changed(
    db: &Db,
    device: &str,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<(BookingId, DateTime<Utc>)>, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT booking_id AS "booking_id: BookingId", updated_at
        FROM pass_registrations JOIN bookings USING (booking_id)
        WHERE pass_registrations.device = $1 AND ($2::timestamptz IS NULL OR updated_at > $2)
        ORDER BY updated_at LIMIT 1000
        "#,
        device,
        since
    )
    .fetch_all(&db.0)
    .await?;
    Ok(rows.into_iter().map(|row| (row.booking_id, row.updated_at)).collect())
}
