//! Bookings and their seats. The row is where races end: every change of its status goes through `claims`.

use crate::{
    Db, Error, Tx,
    claims::{self, Change, Claim, Edge, Wish},
    error::write,
    events::{self, What},
    holds::{self, Allowance},
    ids::{BookingId, PaymentId},
    money::{Currency, Money},
    provider::{Platform, Provider},
    states::BookingStatus,
    timings::Timings,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One seat and the kind of ticket for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SeatChoice {
    /// As printed on the ticket: row and number, `A1`.
    pub seat: String,
    pub ticket_type: String,
}

/// What a customer asked for: the input of the booking's workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingRequest {
    pub booking_id: BookingId,
    /// `customer:…`, `guest:…`, `kiosk:…`.
    pub caller: String,
    pub platform: Platform,
    pub cinema_id: String,
    pub session_id: String,
    pub seats: Vec<SeatChoice>,
    /// Of the body as the caller sent it: the same key with another hash is a mistake of the caller.
    pub request_hash: String,
    /// What it is counted by. An input of before has none, and is not counted.
    #[serde(default)]
    pub allowance: Allowance,
    pub timings: Timings,
}

/// A booking's row.
#[derive(Clone, Debug)]
pub struct Booking {
    pub booking_id: BookingId,
    pub caller: String,
    pub request_hash: String,
    pub cinema_id: String,
    pub session_id: String,
    pub status: BookingStatus,
    pub version: i32,
    pub total: Option<Money>,
    pub expires_at: Option<DateTime<Utc>>,
    pub show_starts_at: Option<DateTime<Utc>>,
    /// Milliseconds until the show, by PostgreSQL's clock.
    pub show_in_ms: Option<i64>,
    pub won_payment: Option<PaymentId>,
    /// Who has taken or reserved the money that has won it, and how long ago that was, as far as we know.
    pub won_by: Option<Provider>,
    pub since_won_ms: Option<i64>,
    pub unwind_cause: Option<String>,
    pub end_reason: Option<String>,
    pub vista_booking_id: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The booking's row, whoever asks. Callers of the API see it through `find_for` only.
pub async fn find(db: &Db, booking: BookingId) -> Result<Option<Booking>, Error> {
    let row = sqlx::query!(
        r#"
        SELECT caller, request_hash, cinema_id, session_id, status AS "status: BookingStatus", version,
               total_minor, bookings.currency AS "currency: Currency", expires_at, show_starts_at,
               (EXTRACT(EPOCH FROM show_starts_at - clock_timestamp()) * 1000)::bigint AS show_in_ms,
               won_payment AS "won_payment: PaymentId", captures.provider AS "won_by?: Provider",
               (EXTRACT(EPOCH FROM clock_timestamp() - COALESCE(tapped_at, settled_at)) * 1000)::bigint
                   AS since_won_ms,
               unwind_cause, end_reason, vista_booking_id, created_at, updated_at
        FROM bookings LEFT JOIN captures ON captures.booking_id = bookings.booking_id AND verdict = 'WON'
        WHERE bookings.booking_id = $1
        "#,
        booking as BookingId
    )
    .fetch_optional(&db.0)
    .await?;
    Ok(row.map(|row| Booking {
        booking_id: booking,
        caller: row.caller,
        request_hash: row.request_hash,
        cinema_id: row.cinema_id,
        session_id: row.session_id,
        status: row.status,
        version: row.version,
        total: row.total_minor.zip(row.currency).map(|(minor, in_)| Money::new(minor, in_)),
        expires_at: row.expires_at,
        show_starts_at: row.show_starts_at,
        show_in_ms: row.show_in_ms,
        won_payment: row.won_payment,
        won_by: row.won_by,
        since_won_ms: row.since_won_ms,
        unwind_cause: row.unwind_cause,
        end_reason: row.end_reason,
        vista_booking_id: row.vista_booking_id,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }))
}

/// A booking as its caller may see it: somebody else's is a missing one, by the same query.
pub async fn find_for(db: &Db, caller: &str, booking: BookingId) -> Result<Option<Booking>, Error> {
    Ok(find(db, booking).await?.filter(|found| found.caller == caller))
}

/// The seats a booking asked for, in order of their names.
pub async fn seats(db: &Db, booking: BookingId) -> Result<Vec<SeatChoice>, Error> {
    Ok(sqlx::query_as!(
        SeatChoice,
        "SELECT seat, ticket_type FROM seats WHERE booking_id = $1 ORDER BY seat",
        booking as BookingId
    )
    .fetch_all(&db.0)
    .await?)
}

/// Where a booking stands when its story begins: usually at the beginning, sometimes in the middle of an older life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    pub status: BookingStatus,
    /// An older life has begun to take it back.
    pub unwinding: bool,
}

/// Writes the booking down with its seats, or finds what an older life of it has written. Seats that another booking
/// holds, and more than its caller may hold, end it at once as REJECTED. Safe to repeat.
pub async fn record(db: &Db, request: &BookingRequest) -> Result<Recorded, Error> {
    let mut tx = db.begin().await?;
    let fresh = sqlx::query!(
        r#"
        INSERT INTO bookings (booking_id, caller, platform, request, request_hash, cinema_id, session_id, device,
                              status)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'REQUESTED')
        ON CONFLICT (booking_id) DO NOTHING
        "#,
        request.booking_id as BookingId,
        request.caller,
        request.platform.name(),
        write("booking request", request)?,
        request.request_hash,
        request.cinema_id,
        request.session_id,
        request.allowance.device
    )
    .execute(&mut *tx)
    .await?;
    if fresh.rows_affected() == 0 {
        tx.rollback().await?;
        let found = find(db, request.booking_id).await?;
        let found = found.ok_or_else(|| missing(request.booking_id))?;
        return Ok(Recorded { status: found.status, unwinding: found.unwind_cause.is_some() });
    }
    holds::queue_up(&mut tx, request).await?;
    let status = take_seats(&mut tx, request).await?;
    tx.commit().await?;
    Ok(Recorded { status, unwinding: false })
}

async fn take_seats(tx: &mut Tx, request: &BookingRequest) -> Result<BookingStatus, Error> {
    let (seats, types): (Vec<String>, Vec<String>) = request
        .seats
        .iter()
        .map(|choice| (choice.seat.clone(), choice.ticket_type.clone()))
        .unzip();
    // In one order for everybody, so that two bookings never wait for each other.
    let taken = sqlx::query!(
        r#"
        INSERT INTO seats (booking_id, cinema_id, session_id, seat, ticket_type)
        SELECT $1, $2, $3, seat, ticket_type FROM unnest($4::text[], $5::text[]) AS wanted (seat, ticket_type)
        ORDER BY seat
        ON CONFLICT DO NOTHING
        "#,
        request.booking_id as BookingId,
        request.cinema_id,
        request.session_id,
        &seats,
        &types
    )
    .execute(&mut **tx)
    .await?;
    // The row starts with version 1: that is this event.
    let (kind, detail) = events::columns(&What::Requested { seats })?;
    sqlx::query!(
        "INSERT INTO booking_events (booking_id, version, kind, detail) VALUES ($1, 1, $2, $3)",
        request.booking_id as BookingId,
        kind,
        detail
    )
    .execute(&mut **tx)
    .await?;
    let all =
        usize::try_from(taken.rows_affected()).is_ok_and(|taken| taken == request.seats.len());
    let reason = match holds::too_much_in(tx, request).await? {
        _ if !all => "seats_taken",
        Some(too_much) => too_much.reason(),
        None => return Ok(BookingStatus::Requested),
    };
    reject(tx, request.booking_id, reason).await?;
    Ok(BookingStatus::Rejected)
}

/// REQUESTED → REJECTED, seats free again. False: it has left REQUESTED.
pub async fn reject(tx: &mut Tx, booking: BookingId, reason: &str) -> Result<bool, Error> {
    let what = What::Rejected { reason: reason.to_owned() };
    let end_reason = Some(reason.to_owned());
    claims::claim(tx, booking, Wish::Reject, Change { end_reason, ..Change::of(what) }).await
}

/// What holding the seats at Vista has given.
#[derive(Clone, Debug)]
pub struct Hold {
    pub vista_order: String,
    pub total: Money,
    /// Vista's own time left, if it says.
    pub vista_expires_in_ms: Option<u64>,
    pub show_starts_at: Option<DateTime<Utc>>,
}

/// The time left for the customer: the earliest of our expiry and Vista's less the margin that confirming needs.
fn time_left_ms(vista_expires_in_ms: Option<u64>, timings: &Timings) -> i64 {
    let vista = vista_expires_in_ms.map(|left| left.saturating_sub(timings.confirm_margin_ms));
    let left = vista.unwrap_or(u64::MAX).min(timings.booking_expiry_ms);
    i64::try_from(left).unwrap_or(i64::MAX)
}

/// REQUESTED → PENDING: the seats are held and the clock runs. False: it has left REQUESTED.
pub async fn hold(
    tx: &mut Tx,
    booking: BookingId,
    hold: &Hold,
    timings: &Timings,
) -> Result<bool, Error> {
    let left_ms = time_left_ms(hold.vista_expires_in_ms, timings);
    let row = claims::lock(tx, booking).await?;
    let Claim::Moves(to) = claims::decide(&row, Wish::Hold) else { return Ok(false) };
    sqlx::query!(
        r#"
        UPDATE bookings SET vista_order = $2, total_minor = $3, currency = $4, show_starts_at = $5,
               expires_at = LEAST(clock_timestamp() + make_interval(secs => $6::bigint / 1000.0), $5)
        WHERE booking_id = $1
        "#,
        booking as BookingId,
        hold.vista_order,
        hold.total.amount_minor,
        hold.total.currency.code(),
        hold.show_starts_at,
        left_ms
    )
    .execute(&mut **tx)
    .await?;
    let change = Change::of(What::Held {
        total_minor: hold.total.amount_minor,
        currency: hold.total.currency.code().to_owned(),
        expires_in_ms: left_ms,
    });
    claims::move_to(tx, booking, Edge { seen: row.status, to }, change).await?;
    Ok(true)
}

/// What opening a payment has learnt of Vista's order.
#[derive(Clone, Copy, Debug)]
pub struct Extension {
    /// Vista's timer was restarted: that is counted.
    pub continued: bool,
    pub total: Money,
    pub vista_expires_in_ms: Option<u64>,
}

/// The clock and the total become what the order says now; the clock moves on only if Vista's timer was restarted.
/// Nothing happens to a booking that is not PENDING.
pub async fn extend(
    tx: &mut Tx,
    booking: BookingId,
    extension: Extension,
    timings: &Timings,
) -> Result<(), Error> {
    let left_ms = time_left_ms(extension.vista_expires_in_ms, timings);
    let (kind, detail) = events::columns(&What::Extended { expires_in_ms: left_ms })?;
    sqlx::query!(
        r#"
        WITH moved AS (
            UPDATE bookings SET continues = continues + $5, total_minor = $2, currency = $3,
                   expires_at = LEAST(clock_timestamp() + make_interval(secs => $4::bigint / 1000.0),
                                      show_starts_at, CASE WHEN $5 = 0 THEN expires_at END),
                   version = version + 1, updated_at = clock_timestamp()
            WHERE booking_id = $1 AND status = 'PENDING'
            RETURNING booking_id, version
        )
        INSERT INTO booking_events (booking_id, version, kind, detail)
        SELECT booking_id, version, $6, $7 FROM moved
        "#,
        booking as BookingId,
        extension.total.amount_minor,
        extension.total.currency.code(),
        left_ms,
        i32::from(extension.continued),
        kind,
        detail
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// CONFIRMING → CONFIRMED: Vista's booking exists. False: it is being unwound, or confirmed already.
pub async fn confirm(
    tx: &mut Tx,
    booking: BookingId,
    vista_booking_id: &str,
    vista_booking_number: &str,
) -> Result<bool, Error> {
    let confirmed = Change {
        vista_booking_id: Some(vista_booking_id.to_owned()),
        vista_booking_number: Some(vista_booking_number.to_owned()),
        ..Change::of(What::Confirmed { vista_booking: vista_booking_id.to_owned() })
    };
    claims::claim(tx, booking, Wish::Confirm, confirmed).await
}

pub(crate) fn missing(booking: BookingId) -> Error {
    Error::Missing(booking.to_string())
}

/// Whether this booking of Vista's is the ticket of another booking than this one.
pub async fn is_of_another(
    db: &Db,
    cinema: &str,
    vista_booking: &str,
    than: Option<BookingId>,
) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM bookings WHERE cinema_id = $1 AND vista_booking_id = $2
                       AND booking_id IS DISTINCT FROM $3::text) AS "so!"
        "#,
        cinema,
        vista_booking,
        than as Option<BookingId>
    )
    .fetch_one(&db.0)
    .await?)
}
