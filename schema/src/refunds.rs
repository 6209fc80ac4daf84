//! Money that goes back. One refund raised by Usher for each capture, whatever its cause.

use crate::{
    Db, Error, Tx,
    error::{read, write},
    events::{self, What},
    ids::{BookingId, PaymentId, RefundId},
    money::{Currency, Money},
    provider::Provider,
    settling,
    states::RefundStatus,
    timings::Timings,
};
use chrono::{DateTime, Utc};

/// A refund to be written down.
#[derive(Clone, Copy, Debug)]
pub struct NewRefund<'a> {
    pub refund: RefundId,
    pub booking: BookingId,
    pub payment: PaymentId,
    pub provider: Provider,
    pub vendor_transaction: &'a str,
    pub amount: Money,
    pub cause: &'a str,
    pub timings: Timings,
}

/// The refund of a booking's own money, and who has that.
#[derive(Clone, Copy, Debug)]
pub struct OfWon {
    pub refund: RefundId,
    pub provider: Provider,
}

/// A refund's row.
#[derive(Clone, Debug)]
pub struct Refund {
    pub refund_id: RefundId,
    pub booking_id: BookingId,
    pub payment_id: PaymentId,
    pub provider: Provider,
    pub vendor_transaction: String,
    pub vendor_account: Option<String>,
    pub amount: Money,
    /// The money was reserved and not taken: it is let go.
    pub reserved: bool,
    pub cause: String,
    pub timings: Timings,
    pub status: RefundStatus,
    /// What the customer shows at the counter, once it is the counter's to give back.
    pub receipt: Option<String>,
    /// Since it was owed.
    pub age_ms: i64,
    pub created_at: DateTime<Utc>,
}

/// Owes a refund. Safe to repeat: the id is derived from the capture. More than was captured is refused by the table.
pub async fn owe(tx: &mut Tx, owed: &NewRefund<'_>) -> Result<(), Error> {
    sqlx::query!(
        r#"
        INSERT INTO refunds (refund_id, booking_id, payment_id, provider, vendor_transaction, amount_minor,
                             currency, cause, timings, status)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'REQUESTED')
        ON CONFLICT (refund_id) DO NOTHING
        "#,
        owed.refund as RefundId,
        owed.booking as BookingId,
        owed.payment as PaymentId,
        owed.provider.name(),
        owed.vendor_transaction,
        owed.amount.amount_minor,
        owed.amount.currency.code(),
        owed.cause,
        write("timings", &owed.timings)?
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Owes back what the booking's winning payment took, and names the refund. None: no money has won.
pub async fn owe_won(tx: &mut Tx, booking: BookingId, cause: &str) -> Result<Option<OfWon>, Error> {
    let won = sqlx::query!(
        r#"
        SELECT captures.provider AS "provider: Provider", vendor_transaction,
               captures.payment_id AS "payment_id: PaymentId", captures.amount_minor,
               captures.currency AS "currency: Currency", request
        FROM captures JOIN payments USING (payment_id)
        WHERE captures.booking_id = $1 AND verdict = 'WON'
        "#,
        booking as BookingId
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(won) = won else { return Ok(None) };
    let request: crate::payments::PaymentRequest = read("payment request", won.request)?;
    let refund = RefundId::automatic(won.payment_id, &won.vendor_transaction);
    let owed = NewRefund {
        refund,
        booking,
        payment: won.payment_id,
        provider: won.provider,
        vendor_transaction: &won.vendor_transaction,
        amount: Money::new(won.amount_minor, won.currency),
        cause,
        timings: request.timings,
    };
    owe(tx, &owed).await?;
    Ok(Some(OfWon { refund, provider: won.provider }))
}

/// The refund already owed for the booking's winning payment.
pub async fn owed_for_won(tx: &mut Tx, booking: BookingId) -> Result<Option<OfWon>, Error> {
    Ok(sqlx::query_as!(
        OfWon,
        r#"
        SELECT refund_id AS "refund: RefundId", provider AS "provider!: Provider"
        FROM refunds JOIN captures USING (provider, vendor_transaction)
        WHERE captures.booking_id = $1 AND verdict = 'WON' LIMIT 1
        "#,
        booking as BookingId
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// A refund by its id.
pub async fn find(db: &Db, refund: RefundId) -> Result<Option<Refund>, Error> {
    Ok(select(db, Some(refund), None).await?.pop())
}

/// A booking's refunds, oldest first.
pub async fn of_booking(db: &Db, booking: BookingId) -> Result<Vec<Refund>, Error> {
    select(db, None, Some(booking)).await
}

async fn select(
    db: &Db,
    refund: Option<RefundId>,
    booking: Option<BookingId>,
) -> Result<Vec<Refund>, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT refund_id AS "refund_id: RefundId", refunds.booking_id AS "booking_id: BookingId",
               payment_id AS "payment_id: PaymentId", refunds.provider AS "provider: Provider",
               vendor_transaction, vendor_account, refunds.amount_minor,
               (SELECT reserved AND taken_at IS NULL FROM captures WHERE captures.provider = refunds.provider
                AND captures.vendor_transaction = refunds.vendor_transaction) AS "reserved!",
               refunds.currency AS "currency: Currency", cause, timings,
               refunds.status AS "status: RefundStatus", receipt, refunds.created_at,
               (EXTRACT(EPOCH FROM clock_timestamp() - refunds.created_at) * 1000)::bigint AS "age_ms!"
        FROM refunds JOIN payments USING (payment_id)
        WHERE refund_id = $1 OR refunds.booking_id = $2
        ORDER BY refunds.created_at LIMIT 100
        "#,
        refund as Option<RefundId>,
        booking as Option<BookingId>
    )
    .fetch_all(&db.0)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Refund {
                refund_id: row.refund_id,
                booking_id: row.booking_id,
                payment_id: row.payment_id,
                provider: row.provider,
                vendor_transaction: row.vendor_transaction,
                vendor_account: row.vendor_account,
                amount: Money::new(row.amount_minor, row.currency),
                reserved: row.reserved,
                cause: row.cause,
                timings: read("timings", row.timings)?,
                status: row.status,
                receipt: row.receipt,
                age_ms: row.age_ms,
                created_at: row.created_at,
            })
        })
        .collect()
}

/// The vendor has it and has not said the last word: REQUESTED → SENT.
pub async fn sent(tx: &mut Tx, refund: &Refund, vendor_refund: &str) -> Result<(), Error> {
    let moved = sqlx::query!(
        r#"
        UPDATE refunds SET status = 'SENT', vendor_refund = $2, updated_at = clock_timestamp()
        WHERE refund_id = $1 AND status = 'REQUESTED'
        "#,
        refund.refund_id as RefundId,
        vendor_refund
    )
    .execute(&mut **tx)
    .await?;
    if moved.rows_affected() == 1 {
        let what = What::RefundSent { refund: refund.refund_id.to_string() };
        events::note(tx, refund.booking_id, &what).await?;
    }
    Ok(())
}

/// Nobody else can give it back any more: the counter does, to whoever shows this code. None: it is back meanwhile. Safe
/// to repeat.
pub async fn hand_to_the_counter(tx: &mut Tx, refund: &Refund) -> Result<Option<String>, Error> {
    let receipt = refund.refund_id.receipt();
    let handed = sqlx::query!(
        "UPDATE refunds SET receipt = $2 WHERE refund_id = $1 AND status <> 'REFUNDED'",
        refund.refund_id as RefundId,
        receipt
    )
    .execute(&mut **tx)
    .await?;
    Ok((handed.rows_affected() == 1).then_some(receipt))
}

/// Nobody has claimed it at the counter for long: it is left there, and asked about no more. Its case stays open. Safe to
/// repeat.
pub async fn leave_at_the_counter(tx: &mut Tx, refund: &Refund) -> Result<(), Error> {
    sqlx::query!(
        r#"
        UPDATE refunds SET left_at = clock_timestamp()
        WHERE refund_id = $1 AND status <> 'REFUNDED' AND left_at IS NULL
        "#,
        refund.refund_id as RefundId
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The vendor says that the money is back, or that what was reserved is let go: REFUNDED.
pub async fn refunded(tx: &mut Tx, refund: &Refund, vendor_refund: &str) -> Result<(), Error> {
    let moved = sqlx::query!(
        r#"
        UPDATE refunds SET status = 'REFUNDED', vendor_refund = $2, updated_at = clock_timestamp()
        WHERE refund_id = $1 AND status <> 'REFUNDED'
        "#,
        refund.refund_id as RefundId,
        vendor_refund
    )
    .execute(&mut **tx)
    .await?;
    if moved.rows_affected() == 1 {
        let what = What::Refunded {
            refund: refund.refund_id.to_string(),
            amount_minor: refund.amount.amount_minor,
        };
        events::note(tx, refund.booking_id, &what).await?;
        if refund.reserved {
            settling::let_go(tx, refund.payment_id).await?;
        }
    }
    Ok(())
}
