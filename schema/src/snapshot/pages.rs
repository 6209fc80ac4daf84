//! Which bookings a caller has, a page at a time, and which of them have changed.

use crate::{Db, Error, ids::BookingId, states::BookingStatus};
use chrono::{DateTime, Utc};

/// Which of a caller's bookings, the newest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page {
    pub status: Option<BookingStatus>,
    /// Only those older than this one: where the page before has ended.
    pub after: Option<(DateTime<Utc>, BookingId)>,
    pub limit: i64,
}

/// The ids of a page. New bookings come before all pages, so that none is shown twice and none is left out. Of each status
/// that is asked for a page is read: a kiosk's list may be long, and what is asked for rare in it.
pub async fn page(db: &Db, caller: &str, page: &Page) -> Result<Vec<BookingId>, Error> {
    let wanted = page.status.as_ref().map_or(BookingStatus::ALL, std::slice::from_ref);
    let wanted: Vec<String> = wanted.iter().map(|status| status.name().to_owned()).collect();
    Ok(sqlx::query_scalar!(
        r#"
        SELECT booking_id AS "booking_id!: BookingId" FROM unnest($2::text[]) AS statuses (wanted), LATERAL (
            SELECT booking_id, created_at FROM bookings
            WHERE caller = $1 AND status = wanted
              AND (created_at, booking_id::text) < (COALESCE($3::timestamptz, 'infinity'), COALESCE($4::text, ''))
            ORDER BY created_at DESC, booking_id DESC LIMIT $5) of_one
        ORDER BY created_at DESC, booking_id DESC LIMIT $5
        "#,
        caller,
        &wanted,
        page.after.map(|(at, _)| at),
        page.after.map(|(_, booking)| booking) as Option<BookingId>,
        page.limit
    )
    .fetch_all(&db.0)
    .await?)
}

/// The version that this caller's booking has now. Somebody else's is a missing one.
pub async fn version(db: &Db, caller: &str, booking: BookingId) -> Result<Option<i32>, Error> {
    Ok(sqlx::query_scalar!(
        "SELECT version FROM bookings WHERE booking_id = $1 AND caller = $2",
        booking as BookingId,
        caller
    )
    .fetch_optional(&db.0)
    .await?)
}

/// The versions that these bookings (bare ids) have now.
pub async fn versions(db: &Db, bare: &[String]) -> Result<Vec<(BookingId, i32)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT booking_id AS "booking_id: BookingId", version FROM bookings WHERE booking_id = ANY($1::text[])"#,
        bare
    )
    .fetch_all(&db.0)
    .await?;
    Ok(rows.into_iter().map(|row| (row.booking_id, row.version)).collect())
}
