//! Reserved money, once it has won its booking: taken, let go, or not collected.

use crate::{
    Db, Error, Tx, claims,
    error::read,
    events::{self, What},
    ids::{BookingId, PaymentId},
    money::{Currency, Money},
    payments::PaymentRequest,
    provider::Provider,
    timings::Timings,
};

/// Reserved money of a booking: to be taken, or let go, or taken.
#[derive(Clone, Debug)]
pub struct Reserved {
    pub payment_id: PaymentId,
    pub provider: Provider,
    pub vendor_transaction: String,
    pub vendor_account: Option<String>,
    pub amount: Money,
    /// The vendor has taken it.
    pub taken: bool,
    /// Since it was reserved.
    pub age_ms: i64,
    pub timings: Timings,
}

/// The money that has won this booking and was reserved. None: there is none, or nobody collects it any more.
pub async fn reserved(db: &Db, booking: BookingId) -> Result<Option<Reserved>, Error> {
    let row = sqlx::query!(
        r#"
        SELECT captures.payment_id AS "payment_id: PaymentId", captures.provider AS "provider: Provider",
               vendor_transaction, vendor_account, captures.amount_minor,
               captures.currency AS "currency: Currency", request, taken_at IS NOT NULL AS "taken!",
               (EXTRACT(EPOCH FROM clock_timestamp() - settled_at) * 1000)::bigint AS "age_ms!"
        FROM captures JOIN payments USING (payment_id)
        WHERE captures.booking_id = $1 AND verdict = 'WON' AND reserved
          AND payments.status <> 'VOIDED'
        "#,
        booking as BookingId
    )
    .fetch_optional(&db.0)
    .await?;
    row.map(|row| {
        let request: PaymentRequest = read("payment request", row.request)?;
        Ok(Reserved {
            payment_id: row.payment_id,
            provider: row.provider,
            vendor_transaction: row.vendor_transaction,
            vendor_account: row.vendor_account,
            amount: Money::new(row.amount_minor, row.currency),
            taken: row.taken,
            age_ms: row.age_ms,
            timings: request.timings,
        })
    })
    .transpose()
}

/// The vendor has taken what was reserved, by a transaction of its own (`taken_as`) where it says so. Safe to repeat.
pub async fn taken(
    tx: &mut Tx,
    booking: BookingId,
    transaction: &str,
    taken_as: Option<&str>,
) -> Result<(), Error> {
    claims::lock(tx, booking).await?;
    let taken = sqlx::query!(
        r#"
        WITH taken AS (
            UPDATE captures SET taken_at = clock_timestamp(), taken_as = $3
            WHERE booking_id = $1 AND vendor_transaction = $2 AND reserved AND taken_at IS NULL
            RETURNING payment_id, amount_minor
        ), captured AS (
            UPDATE payments SET status = 'CAPTURED', updated_at = clock_timestamp()
            FROM taken WHERE payments.payment_id = taken.payment_id AND status = 'AUTHORIZED'
        )
        SELECT payment_id AS "payment_id: PaymentId", amount_minor FROM taken
        "#,
        booking as BookingId,
        transaction,
        taken_as
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(taken) = taken else { return Ok(()) };
    let what =
        What::Taken { payment: taken.payment_id.to_string(), amount_minor: taken.amount_minor };
    events::note(tx, booking, &what).await
}

/// A person has seen that the reserved money of this booking is not to be had any more: the payment holds nothing, and the
/// booking says so. If the vendor has taken it after all, that is settled as ever. Safe to repeat.
pub async fn not_collected(
    tx: &mut Tx,
    booking: BookingId,
    transaction: &str,
) -> Result<(), Error> {
    claims::lock(tx, booking).await?;
    let lapsed = sqlx::query!(
        r#"
        UPDATE payments SET status = 'VOIDED', updated_at = clock_timestamp()
        FROM captures
        WHERE captures.booking_id = $1 AND vendor_transaction = $2 AND reserved AND taken_at IS NULL
          AND payments.payment_id = captures.payment_id AND payments.status = 'AUTHORIZED'
        RETURNING payments.payment_id AS "payment_id: PaymentId", captures.amount_minor
        "#,
        booking as BookingId,
        transaction
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(lapsed) = lapsed else { return Ok(()) };
    let what = What::NotCollected {
        payment: lapsed.payment_id.to_string(),
        amount_minor: lapsed.amount_minor,
    };
    events::note(tx, booking, &what).await
}

/// What was reserved is let go: its payment holds nothing of the customer's any more.
pub(crate) async fn let_go(tx: &mut Tx, payment: PaymentId) -> Result<(), Error> {
    sqlx::query!(
        r#"
        UPDATE payments SET status = 'VOIDED', updated_at = clock_timestamp()
        WHERE payment_id = $1 AND status = 'AUTHORIZED' AND NOT EXISTS (
            SELECT FROM captures WHERE captures.payment_id = payments.payment_id AND NOT EXISTS (
                SELECT FROM refunds WHERE refunds.provider = captures.provider
                AND refunds.vendor_transaction = captures.vendor_transaction AND refunds.status = 'REFUNDED'))
        "#,
        payment as PaymentId
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
