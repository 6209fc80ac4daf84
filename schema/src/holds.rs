//! How much one caller, and one device, may hold without having paid: bots that buy a premiere are stopped here.

use crate::{Db, Error, Tx, bookings::BookingRequest, ids::BookingId};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;

/// What a booking is counted by, beside its caller. Part of the workflow's input; by default nothing is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// A hash of the device, 32 hex digits, if it said who it is.
    #[serde(default)]
    pub device: Option<String>,
    /// `None`: as much as they like. Kiosks, by their credential.
    #[serde(default)]
    pub most: Option<Most>,
}

/// At one time, of bookings that nobody has paid yet; counted for the caller and for the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Most {
    pub bookings: u32,
    pub seats: u32,
}

/// Which of the two was too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooMuch {
    Bookings,
    Seats,
}

impl TooMuch {
    /// The reason of the rejected booking, and the code of the refused request.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Bookings => "too_many_open_bookings",
            Self::Seats => "too_many_held_seats",
        }
    }
}

/// Whether this booking would be too much, as things stand: for an early, clear answer. What counts is `record`.
pub async fn too_much(db: &Db, request: &BookingRequest) -> Result<Option<TooMuch>, Error> {
    look(&db.0, request).await
}

/// Bookings of one caller, and of one device, are counted one after the other until the transaction ends. Callers come
/// before devices, and both before seats: so nobody waits in a circle.
pub(crate) async fn queue_up(tx: &mut Tx, request: &BookingRequest) -> Result<(), Error> {
    if request.allowance.most.is_none() {
        return Ok(());
    }
    let device = request.allowance.device.as_ref().map(|device| format!("device:{device}"));
    for who in std::iter::once(request.caller.clone()).chain(device) {
        sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", who)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// The same as `too_much`, where nobody can come between counting and writing.
pub(crate) async fn too_much_in(
    tx: &mut Tx,
    request: &BookingRequest,
) -> Result<Option<TooMuch>, Error> {
    look(&mut **tx, request).await
}

async fn look(
    executor: impl PgExecutor<'_>,
    request: &BookingRequest,
) -> Result<Option<TooMuch>, Error> {
    let Some(most) = request.allowance.most else { return Ok(None) };
    let held = sqlx::query!(
        r#"
        WITH unpaid AS (
            SELECT booking_id, caller = $1 AS of_caller, COALESCE(device = $2, false) AS of_device,
                   (SELECT count(*) FROM seats WHERE seats.booking_id = bookings.booking_id
                    AND released_at IS NULL) AS seats
            FROM bookings
            WHERE status IN ('REQUESTED', 'PENDING') AND (caller = $1 OR device = $2) AND booking_id <> $3
        )
        SELECT GREATEST(count(*) FILTER (WHERE of_caller), count(*) FILTER (WHERE of_device)) AS "bookings!",
               GREATEST(COALESCE(sum(seats) FILTER (WHERE of_caller), 0),
                        COALESCE(sum(seats) FILTER (WHERE of_device), 0))::bigint AS "seats!"
        FROM unpaid
        "#,
        request.caller,
        request.allowance.device,
        request.booking_id as BookingId
    )
    .fetch_one(executor)
    .await?;
    let wanted = i64::try_from(request.seats.len()).unwrap_or(i64::MAX);
    Ok(if held.bookings >= i64::from(most.bookings) {
        Some(TooMuch::Bookings)
    } else if held.seats.saturating_add(wanted) > i64::from(most.seats) {
        Some(TooMuch::Seats)
    } else {
        None
    })
}
