//! What the database knows of a run: when each booking got where, and what that has cost it.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use std::collections::BTreeMap;

/// When a booking came where, by the clock of the transaction that brought it there: its commit, about one fsync, is
/// not in it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Moments {
    /// `bk_…`
    booking: String,
    pub settled: DateTime<Utc>,
    pub confirmed: DateTime<Utc>,
    pub ticket: DateTime<Utc>,
}

/// Of those of these bookings (`bk_…`) that came to their ticket.
pub(crate) async fn moments(db: &PgPool, bookings: &[String]) -> BTreeMap<String, Moments> {
    let query = "SELECT * FROM (
                     SELECT 'bk_' || booking_id AS booking, min(at) FILTER (WHERE kind IN ('paid', 'reserved')) AS settled,
                            min(at) FILTER (WHERE kind = 'confirmed') AS confirmed,
                            max(at) FILTER (WHERE kind = 'ticket_issued') AS ticket
                     FROM booking_events WHERE booking_id = ANY ($1) GROUP BY booking_id) moments
                 WHERE settled IS NOT NULL AND confirmed IS NOT NULL AND ticket IS NOT NULL";
    let bare: Vec<&str> = bookings.iter().map(|id| id.trim_start_matches("bk_")).collect();
    let moments: Vec<Moments> = sqlx::query_as(query).bind(bare).fetch_all(db).await.unwrap();
    moments.into_iter().map(|moments| (moments.booking.clone(), moments)).collect()
}

/// What the database has done so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Work {
    /// Reads are transactions, too.
    pub transactions: u64,
    pub log_bytes: u64,
    /// Of the log; one may serve several commits.
    pub fsyncs: u64,
}

/// The counters are a second old at most.
pub(crate) async fn work(db: &PgPool) -> Work {
    let query =
        "SELECT (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()),
                        pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
                        (SELECT sum(fsyncs)::bigint FROM pg_stat_io WHERE object = 'wal')";
    let (transactions, log_bytes, fsyncs): (i64, i64, Option<i64>) =
        sqlx::query_as(query).fetch_one(db).await.unwrap();
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    Work {
        transactions: count(transactions),
        log_bytes: count(log_bytes),
        fsyncs: count(fsyncs.unwrap_or_default()),
    }
}

pub(crate) async fn bookings(db: &PgPool) -> u64 {
    let query = "SELECT count(*) FROM bookings";
    let count: i64 = sqlx::query_scalar(query).fetch_one(db).await.unwrap();
    u64::try_from(count).unwrap_or_default()
}

/// A booking that was in the middle of something at that time.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Caught {
    pub booking: String,
    /// In the middle of a vendor's call: nobody may repeat it before its time-out and the vendor's lag are over.
    pub in_a_call: bool,
}

/// Bookings made before `since` that are in the middle of something now, and wait for no customer. Err: no database.
pub(crate) async fn caught(db: &PgPool, since: DateTime<Utc>) -> Result<Vec<Caught>, sqlx::Error> {
    let query = "SELECT booking_id::text AS booking,
                        COALESCE(bool_or(sent_at IS NOT NULL AND outcome IS NULL), false) AS in_a_call
                 FROM bookings LEFT JOIN tickets USING (booking_id) LEFT JOIN vendor_calls USING (booking_id)
                 WHERE bookings.created_at < $1
                 GROUP BY booking_id, bookings.status, issued_at
                 HAVING bookings.status IN ('REQUESTED', 'CONFIRMING')
                     OR bookings.status = 'CONFIRMED' AND issued_at IS NULL
                     OR bool_or(vendor_calls.call_key IS NOT NULL AND outcome IS NULL)";
    sqlx::query_as(query).bind(since).fetch_all(db).await
}
