//! What its vendor says of a payment that brings no money: declined, turned down, or over.

use super::Payment;
use crate::{
    Db, Error, Tx, claims,
    error::write,
    events::{self, What},
    ids::{BookingId, PaymentId},
    paying::NextAct,
    states::{PaymentStatus, VendorSays},
};

/// The vendor wants nothing of what the customer has given in its session: another payment has to begin. Safe to repeat.
pub async fn turned_down(
    tx: &mut Tx,
    payment: PaymentId,
    booking: BookingId,
    code: &str,
) -> Result<(), Error> {
    claims::lock(tx, booking).await?;
    let turned_down = sqlx::query!(
        r#"
        UPDATE payments SET status = 'FAILED', decline_code = $2, next_act = $3, updated_at = clock_timestamp()
        WHERE payment_id = $1 AND status IN ('OPEN', 'FAILED')
        "#,
        payment as PaymentId,
        code,
        write("next act", &NextAct::Nothing)?
    )
    .execute(&mut **tx)
    .await?;
    if turned_down.rows_affected() == 1 {
        let what = What::PaymentDeclined { payment: payment.to_string(), code: code.to_owned() };
        events::note(tx, booking, &what).await?;
    }
    Ok(())
}

/// A card was declined: OPEN → FAILED, with an event for each new decline. Another card on the same page may succeed.
pub async fn declined(db: &Db, payment: &Payment, code: &str) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    if hear(&mut tx, payment, VendorSays::Declined, Some(code)).await? {
        let what = What::PaymentDeclined {
            payment: payment.payment_id.to_string(),
            code: code.to_owned(),
        };
        events::note(&mut tx, payment.booking_id, &what).await?;
    }
    Ok(tx.commit().await?)
}

/// The session is over and the vendor says: no money. OPEN, FAILED → ABANDONED.
pub async fn abandon(db: &Db, payment: &Payment) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    if hear(&mut tx, payment, VendorSays::NoMoney, None).await? {
        let what = What::PaymentAbandoned { payment: payment.payment_id.to_string() };
        events::note(&mut tx, payment.booking_id, &what).await?;
    }
    Ok(tx.commit().await?)
}

/// Moves the payment to where the vendor's word takes it. False: nowhere, or this decline was heard before.
async fn hear(
    tx: &mut Tx,
    payment: &Payment,
    word: VendorSays,
    decline_code: Option<&str>,
) -> Result<bool, Error> {
    claims::lock(tx, payment.booking_id).await?;
    let seen = sqlx::query_scalar!(
        r#"SELECT status AS "status: PaymentStatus" FROM payments WHERE payment_id = $1"#,
        payment.payment_id as PaymentId
    )
    .fetch_one(&mut **tx)
    .await?;
    let Some(to) = seen.after(word) else { return Ok(false) };
    let moved = sqlx::query!(
        r#"
        UPDATE payments SET status = $3, decline_code = COALESCE($4, decline_code), updated_at = clock_timestamp()
        WHERE payment_id = $1 AND status = $2 AND ($4::text IS NULL OR decline_code IS DISTINCT FROM $4)
        "#,
        payment.payment_id as PaymentId,
        seen as PaymentStatus,
        to as PaymentStatus,
        decline_code
    )
    .execute(&mut **tx)
    .await?;
    Ok(moved.rows_affected() == 1)
}
