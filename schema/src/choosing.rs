//! What tells which vendor to open a payment with.

use crate::{Db, Error, Tx, ids::BookingId, provider::Provider};
use sqlx::PgExecutor;
use std::collections::BTreeSet;

/// A payment of this booking may still take money: its vendor's session is open and not proven to be over, it charges
/// without one, or it holds some. A page that is not open yet is nothing.
pub async fn may_take_money(db: &Db, booking: BookingId) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM payments
                       WHERE booking_id = $1 AND status IN ('OPEN', 'FAILED', 'AUTHORIZED')
                         AND (vendor_session IS NOT NULL
                              OR request #>> '{pay_with,with}' IN ('token', 'saved_card', 'apple_pay'))) AS "may!"
        "#,
        booking as BookingId
    )
    .fetch_one(&db.0)
    .await?)
}

/// Whether a charge of this booking is on its way, so that nobody knows yet if it takes money: one that was given with the
/// payment, or what the vendor's session went on with, unanswered. For an early, clear answer:
/// what counts is `payments::record`.
pub async fn is_being_charged(db: &Db, booking: BookingId) -> Result<bool, Error> {
    charge(&db.0, booking).await
}

/// The same, where nobody can come between asking and writing: behind the booking's lock.
pub(crate) async fn charge_in(tx: &mut Tx, booking: BookingId) -> Result<bool, Error> {
    charge(&mut **tx, booking).await
}

async fn charge(executor: impl PgExecutor<'_>, booking: BookingId) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM payments
                       WHERE booking_id = $1 AND status IN ('OPEN', 'AUTHORIZED')
                         AND request #>> '{pay_with,with}' IN ('token', 'saved_card', 'apple_pay'))
            OR EXISTS (SELECT FROM vendor_calls
                       WHERE booking_id = $1 AND step = 'proceed_payment' AND sent_at IS NOT NULL AND outcome IS NULL)
               AS "is!"
        "#,
        booking as BookingId
    )
    .fetch_one(executor)
    .await?)
}

/// The vendors of whom none of the last three payments within five minutes has come to be opened.
pub async fn failing(db: &Db) -> Result<BTreeSet<Provider>, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT provider AS "provider: Provider"
        FROM (SELECT provider, vendor_session IS NULL AS failed,
                     row_number() OVER (PARTITION BY provider ORDER BY created_at DESC) AS nth
              FROM payments
              WHERE created_at > clock_timestamp() - interval '5 minutes'
                AND (vendor_session IS NOT NULL OR refused_because = 'not_opened'
                     OR (refused_because IS NULL AND created_at < clock_timestamp() - interval '5 seconds'))) lately
        WHERE nth <= 3
        GROUP BY provider HAVING bool_and(failed)
        "#
    )
    .fetch_all(&db.0)
    .await?
    .into_iter()
    .collect())
}
