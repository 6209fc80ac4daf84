//! What a buyer has bought before, for vendors who lend the money.

use crate::{
    Db, Error,
    ids::BookingId,
    money::{Currency, Money},
    paying::Purchase,
};

/// What the caller of this booking has bought before, newest first.
pub async fn before(db: &Db, booking: BookingId) -> Result<Vec<Purchase>, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT b.created_at, captures.amount_minor, captures.currency AS "currency: Currency",
               b.status = 'CANCELLED' AS "refunded!"
        FROM bookings b JOIN captures ON captures.booking_id = b.booking_id AND verdict = 'WON'
        WHERE b.caller = (SELECT caller FROM bookings WHERE booking_id = $1) AND b.booking_id <> $1
        ORDER BY b.created_at DESC LIMIT 10
        "#,
        booking as BookingId
    )
    .fetch_all(&db.0)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Purchase {
            at: row.created_at,
            amount: Money::new(row.amount_minor, row.currency),
            refunded: row.refunded,
        })
        .collect())
}
