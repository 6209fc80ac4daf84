//! Rows that should have moved on long ago: the recovery sweep sends their workflow again. `quiet_ms` is how long ago.

use crate::{
    Db, Error,
    bookings::BookingRequest,
    error::read,
    ids::{BookingId, CardId, RefundId},
    payments::PaymentRequest,
    provider::Provider,
    saved_cards::CardRequest,
};
use serde_json::Value;

/// At most so many of each are sent at once (`LIMIT`): who has sent as many looks again soon.
pub const PAGE: usize = 1_000;

/// Open bookings that should have moved long ago, oldest first.
pub async fn bookings(db: &Db, quiet_ms: i64) -> Result<Vec<BookingRequest>, Error> {
    let rows = sqlx::query_scalar!(
        r#"
        SELECT request FROM bookings
        WHERE (status IN ('REQUESTED', 'CONFIRMING')
               AND updated_at < clock_timestamp() - make_interval(secs => $1::bigint / 1000.0))
           OR (status = 'PENDING'
               AND expires_at < clock_timestamp() - make_interval(secs => $1::bigint / 1000.0))
        ORDER BY updated_at LIMIT 1000
        "#,
        quiet_ms
    )
    .fetch_all(&db.0)
    .await?;
    rows.into_iter().map(|request| read("booking request", request)).collect()
}

/// Confirmed bookings whose money is reserved, and was not taken long ago, oldest first.
pub async fn untaken(db: &Db, quiet_ms: i64) -> Result<Vec<BookingRequest>, Error> {
    let rows = sqlx::query_scalar!(
        r#"
        SELECT request FROM captures JOIN bookings USING (booking_id)
        WHERE reserved AND taken_at IS NULL AND verdict = 'WON' AND status IN ('CONFIRMED', 'COMPLETED')
          AND (SELECT payments.status FROM payments WHERE payments.payment_id = captures.payment_id) <> 'VOIDED'
          AND updated_at < clock_timestamp() - make_interval(secs => $1::bigint / 1000.0)
        ORDER BY settled_at LIMIT 1000
        "#,
        quiet_ms
    )
    .fetch_all(&db.0)
    .await?;
    rows.into_iter().map(|request| read("booking request", request)).collect()
}

/// Open payments whose session has been over for long.
pub async fn payments(db: &Db, quiet_ms: i64) -> Result<Vec<PaymentRequest>, Error> {
    let rows = sqlx::query_scalar!(
        r#"
        SELECT request FROM payments
        WHERE status IN ('OPEN', 'FAILED')
          AND COALESCE(session_ends_at, updated_at) < clock_timestamp() - make_interval(secs => $1::bigint / 1000.0)
        ORDER BY updated_at LIMIT 1000
        "#,
        quiet_ms
    )
    .fetch_all(&db.0)
    .await?;
    rows.into_iter().map(|request| read("payment request", request)).collect()
}

/// Refunds that have been open for long. Not those of a booking that is still being unwound, whose release at Vista
/// comes first and whose own workflow sends them; nor those that are left at the counter: what a person decides about
/// them, [`decisions`] tells.
pub async fn refunds(db: &Db, quiet_ms: i64) -> Result<Vec<RefundId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT refund_id AS "refund_id: RefundId" FROM refunds
        WHERE status <> 'REFUNDED'
          AND updated_at < clock_timestamp() - make_interval(secs => $1::bigint / 1000.0)
          AND NOT EXISTS (SELECT FROM bookings WHERE bookings.booking_id = refunds.booking_id
                          AND bookings.status = 'CONFIRMING' AND bookings.won_payment = refunds.payment_id)
          AND left_at IS NULL
        ORDER BY updated_at LIMIT 1000
        "#,
        quiet_ms
    )
    .fetch_all(&db.0)
    .await?)
}

/// Confirmed bookings that have been without a ticket for long, unless a person has decided that they stay so.
pub async fn tickets(db: &Db, quiet_ms: i64) -> Result<Vec<BookingId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT booking_id AS "booking_id: BookingId" FROM bookings
        WHERE status = 'CONFIRMED'
          AND updated_at < clock_timestamp() - make_interval(secs => $1::bigint / 1000.0)
          AND NOT EXISTS (SELECT FROM tickets WHERE tickets.booking_id = bookings.booking_id
                          AND tickets.status = 'ISSUED')
          AND NOT EXISTS (SELECT FROM vendor_calls WHERE call_key = bookings.booking_id || ':issue_ticket'
                          AND outcome = 'GAVE_UP')
        ORDER BY updated_at LIMIT 1000
        "#,
        quiet_ms
    )
    .fetch_all(&db.0)
    .await?)
}

/// Cards that should have been saved, or not, long ago.
pub async fn cards(db: &Db, quiet_ms: i64) -> Result<Vec<CardRequest>, Error> {
    let rows = sqlx::query_scalar!(
        r#"
        SELECT request FROM saved_cards
        WHERE status = 'ADDING'
          AND COALESCE(session_ends_at, updated_at) < clock_timestamp() - make_interval(secs => $1::bigint / 1000.0)
        ORDER BY updated_at LIMIT 1000
        "#,
        quiet_ms
    )
    .fetch_all(&db.0)
    .await?;
    rows.into_iter().map(|request| read("card request", request)).collect()
}

/// Deleted cards that their vendor has long kept.
pub async fn unforgotten(db: &Db, quiet_ms: i64) -> Result<Vec<CardId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT card_id AS "card_id: CardId" FROM saved_cards
        WHERE status = 'DELETED' AND forgotten_at IS NULL
          AND updated_at < clock_timestamp() - make_interval(secs => $1::bigint / 1000.0)
        ORDER BY updated_at LIMIT 1000
        "#,
        quiet_ms
    )
    .fetch_all(&db.0)
    .await?)
}

/// A webhook that was answered 200 and has come to nothing yet.
#[derive(Clone, Debug)]
pub struct Unfinished {
    pub provider: Provider,
    pub event: String,
    pub claim: Value,
}

/// Deliveries without a verdict.
pub async fn webhooks(db: &Db, quiet_ms: i64) -> Result<Vec<Unfinished>, Error> {
    Ok(sqlx::query_as!(
        Unfinished,
        r#"
        SELECT provider AS "provider: Provider", event, claim FROM webhook_deliveries
        WHERE verdict IS NULL
          AND received_at < clock_timestamp() - make_interval(secs => $1::bigint / 1000.0)
        ORDER BY received_at LIMIT 1000
        "#,
        quiet_ms
    )
    .fetch_all(&db.0)
    .await?)
}

/// A decision whose step has not ended: its workflow may not have heard of it.
#[derive(Clone, Debug)]
pub struct Unheard {
    pub workflow: String,
    pub workflow_key: String,
    pub step: String,
    pub occurrence: i32,
}

/// The last word of a person about each step that still waits, however fresh: telling it again harms nobody.
pub async fn decisions(db: &Db) -> Result<Vec<Unheard>, Error> {
    Ok(sqlx::query_as!(
        Unheard,
        r#"
        SELECT workflow, workflow_key, step, occurrence FROM cases
        WHERE decision IS NOT NULL AND step_waits(workflow_key, step)
          AND NOT EXISTS (SELECT FROM cases later
                          WHERE later.workflow = cases.workflow AND later.workflow_key = cases.workflow_key
                            AND later.step = cases.step AND later.occurrence > cases.occurrence)
        ORDER BY decided_at LIMIT 1000
        "#
    )
    .fetch_all(&db.0)
    .await?)
}
