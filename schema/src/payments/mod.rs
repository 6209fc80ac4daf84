//! Attempts to pay for a booking. What takes the money in is in `settling`.

mod no_money;

use crate::{
    Db, Error, Tx, bookings, choosing, claims,
    error::{read, write},
    events::{self, What},
    ids::{BookingId, PaymentId},
    money::{Currency, Money},
    paying::{Buyer, NextAct, PayWith, Taking},
    provider::{Platform, Provider},
    sealed::Sealed,
    states::{BookingStatus, PaymentStatus, Verdict},
    timings::Timings,
};
use chrono::{DateTime, Utc};
pub use no_money::{abandon, declined, turned_down};
use serde::{Deserialize, Serialize};

/// What a customer asked for: the input of the payment's workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRequest {
    pub payment_id: PaymentId,
    pub booking_id: BookingId,
    pub provider: Provider,
    pub platform: Platform,
    #[serde(default)]
    pub pay_with: PayWith,
    #[serde(default)]
    pub buyer: Buyer,
    /// Where the buyer asks from, for a vendor that wants it with the charge. It lives in the workflow's journal alone, as
    /// long as that does; no row has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer_address: Option<Sealed>,
    /// Where the vendor sends the browser back to.
    pub return_url: String,
    pub request_hash: String,
    pub timings: Timings,
}

/// A payment's row.
#[derive(Clone, Debug)]
pub struct Payment {
    pub payment_id: PaymentId,
    pub booking_id: BookingId,
    pub request: PaymentRequest,
    pub provider: Provider,
    pub status: PaymentStatus,
    /// A customer can pay now: the payment is open, and its booking waits for it.
    pub payable: bool,
    /// Why it was never opened.
    pub refused_because: Option<String>,
    pub amount: Option<Money>,
    /// When its money moves, as it was said before anybody was asked to pay. None: its vendor takes no such payment, and
    /// was asked for none.
    pub taking: Option<Taking>,
    pub vendor_session: Option<String>,
    pub vendor_account: Option<String>,
    /// What the customer does next, while the payment can be paid.
    pub next: Option<NextAct>,
    pub brand: Option<String>,
    pub last4: Option<String>,
    pub decline_code: Option<String>,
    /// What became of its first capture.
    pub verdict: Option<Verdict>,
    /// Milliseconds until the vendor's session is over; negative when it is. None before there is a session. At a
    /// terminal a card may be tapped as long as the booking waits, and be under way for a while then.
    pub session_left_ms: Option<i64>,
    pub created_at: DateTime<Utc>,
}

/// Everything a payment's workflow needs to find the order it pays for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Opening {
    /// To be opened (or opened by an older life).
    Open { cinema_id: String, vista_order: String, may_continue: bool },
    /// It will not be opened, or has ended.
    Ended { status: PaymentStatus },
}

/// A booking takes this many attempts to pay.
const ATTEMPTS_MAX: i64 = 10;

/// Writes the payment down, or finds what an older life has written. It is refused at once when its booking takes no
/// payment any more, or not beside those that it has. When its money moves is said here once: what an open payment does changes with no configuration.
/// Safe to repeat.
pub async fn record(
    db: &Db,
    request: &PaymentRequest,
    taking: Option<Taking>,
) -> Result<Opening, Error> {
    let mut tx = db.begin().await?;
    let booking = sqlx::query!(
        r#"
        SELECT status AS "status: BookingStatus", cinema_id, vista_order, continues
        FROM bookings WHERE booking_id = $1 FOR UPDATE
        "#,
        request.booking_id as BookingId
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(|| bookings::missing(request.booking_id))?;
    let refused = refused_beside_others(&mut tx, request, booking.status).await?;
    let fresh = sqlx::query!(
        r#"
        INSERT INTO payments (payment_id, booking_id, request, request_hash, provider, status, taking)
        VALUES ($1, $2, $3, $4, $5, 'OPEN', $6)
        ON CONFLICT (payment_id) DO NOTHING
        "#,
        request.payment_id as PaymentId,
        request.booking_id as BookingId,
        write("payment request", &PaymentRequest { buyer_address: None, ..request.clone() })?,
        request.request_hash,
        request.provider.name(),
        taking as Option<Taking>
    )
    .execute(&mut *tx)
    .await?;
    if fresh.rows_affected() == 0 {
        tx.rollback().await?;
        let found = find(db, request.payment_id).await?;
        let found = found.ok_or_else(|| Error::Missing(request.payment_id.to_string()))?;
        if !matches!(found.status, PaymentStatus::Open | PaymentStatus::Failed) {
            return Ok(Opening::Ended { status: found.status });
        }
    } else if let Some(because) = refused {
        refuse(&mut tx, request.payment_id, request.booking_id, because).await?;
        tx.commit().await?;
        return Ok(Opening::Ended { status: PaymentStatus::Abandoned });
    } else {
        let opened = What::PaymentOpened {
            payment: request.payment_id.to_string(),
            provider: request.provider.name().to_owned(),
        };
        events::note(&mut tx, request.booking_id, &opened).await?;
        tx.commit().await?;
    }
    let used = u32::try_from(booking.continues).unwrap_or(u32::MAX);
    Ok(Opening::Open {
        cinema_id: booking.cinema_id,
        vista_order: booking.vista_order.unwrap_or_default(),
        may_continue: used < request.timings.continues,
    })
}

/// Why this payment is refused, if it is. Asked behind the booking's lock, by statements of their own, so that of two at
/// once the second sees the first. A saved card is charged at one tap, and so never beside a charge whose end nobody knows.
async fn refused_beside_others(
    tx: &mut Tx,
    request: &PaymentRequest,
    booking: BookingStatus,
) -> Result<Option<&'static str>, Error> {
    let attempts = sqlx::query_scalar!(
        r#"SELECT count(*) AS "attempts!" FROM payments WHERE booking_id = $1 AND payment_id <> $2"#,
        request.booking_id as BookingId,
        request.payment_id as PaymentId
    )
    .fetch_one(&mut **tx)
    .await?;
    if booking != BookingStatus::Pending || attempts >= ATTEMPTS_MAX {
        return Ok(Some("booking_takes_no_payment"));
    }
    let by_saved_card = matches!(request.pay_with, PayWith::SavedCard { .. });
    let beside = by_saved_card && choosing::charge_in(tx, request.booking_id).await?;
    Ok(beside.then_some("payment_under_way"))
}

/// Ends a payment that was never opened: no customer has seen a page of it.
pub async fn refuse(
    tx: &mut Tx,
    payment: PaymentId,
    booking: BookingId,
    because: &str,
) -> Result<(), Error> {
    claims::lock(tx, booking).await?;
    let refused = sqlx::query!(
        r#"
        UPDATE payments SET status = 'ABANDONED', refused_because = $2, updated_at = clock_timestamp()
        WHERE payment_id = $1 AND status = 'OPEN' AND vendor_session IS NULL
        "#,
        payment as PaymentId,
        because
    )
    .execute(&mut **tx)
    .await?;
    if refused.rows_affected() == 1 {
        let what =
            What::PaymentRefused { payment: payment.to_string(), reason: because.to_owned() };
        events::note(tx, booking, &what).await?;
    }
    Ok(())
}

/// Whether there is time enough to pay, and for how much; the amount is written down with the answer.
pub async fn price(
    tx: &mut Tx,
    payment: PaymentId,
    booking: BookingId,
    timings: &Timings,
) -> Result<Option<Money>, Error> {
    let row = sqlx::query!(
        r#"
        SELECT status AS "status: BookingStatus", total_minor, currency AS "currency: Currency",
               expires_at >= clock_timestamp() + make_interval(secs => $2::bigint / 1000.0) AS "time_enough"
        FROM bookings WHERE booking_id = $1 FOR UPDATE
        "#,
        booking as BookingId,
        i64::try_from(timings.pay_time_ms).unwrap_or(i64::MAX)
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or_else(|| bookings::missing(booking))?;
    let amount = match (row.status, row.total_minor.zip(row.currency)) {
        (BookingStatus::Pending, Some((0, _))) => Err("nothing_to_pay"),
        (BookingStatus::Pending, Some((minor, currency))) if row.time_enough == Some(true) => {
            Ok(Money::new(minor, currency))
        }
        (BookingStatus::Pending, _) => Err("too_late_to_pay"),
        _ => Err("booking_takes_no_payment"),
    };
    match amount {
        Err(because) => {
            refuse(tx, payment, booking, because).await?;
            Ok(None)
        }
        Ok(amount) => {
            sqlx::query!(
                "UPDATE payments SET amount_minor = $2, currency = $3 WHERE payment_id = $1",
                payment as PaymentId,
                amount.amount_minor,
                amount.currency.code()
            )
            .execute(&mut **tx)
            .await?;
            Ok(Some(amount))
        }
    }
}

/// The vendor's session a customer can pay in.
#[derive(Clone, Copy, Debug)]
pub struct OpenSession<'a> {
    pub session: &'a str,
    pub account: &'a str,
    pub lives_ms: u64,
    pub next: &'a NextAct,
    pub amount: Money,
}

/// The vendor has opened its page.
pub async fn opened(
    tx: &mut Tx,
    payment: PaymentId,
    booking: BookingId,
    session: &OpenSession<'_>,
) -> Result<(), Error> {
    claims::lock(tx, booking).await?;
    sqlx::query!(
        r#"
        UPDATE payments SET vendor_session = $2, vendor_account = $3, updated_at = clock_timestamp(),
               session_ends_at = clock_timestamp() + make_interval(secs => $4::bigint / 1000.0), next_act = $5
        WHERE payment_id = $1
        "#,
        payment as PaymentId,
        session.session,
        session.account,
        i64::try_from(session.lives_ms).unwrap_or(i64::MAX),
        write("next act", session.next)?
    )
    .execute(&mut **tx)
    .await?;
    let what = What::PaymentReady {
        payment: payment.to_string(),
        amount_minor: session.amount.amount_minor,
    };
    events::note(tx, booking, &what).await
}

/// A payment by its id.
pub async fn find(db: &Db, payment: PaymentId) -> Result<Option<Payment>, Error> {
    Ok(select(db, Some(payment), None).await?.pop())
}

/// A booking's payments, oldest first.
pub async fn of_booking(db: &Db, booking: BookingId) -> Result<Vec<Payment>, Error> {
    select(db, None, Some(booking)).await
}

async fn select(
    db: &Db,
    payment: Option<PaymentId>,
    booking: Option<BookingId>,
) -> Result<Vec<Payment>, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT payment_id AS "payment_id: PaymentId", booking_id AS "booking_id: BookingId", request,
               provider AS "provider: Provider", status AS "status: PaymentStatus", refused_because,
               amount_minor, currency AS "currency: Currency", taking AS "taking: Taking", vendor_session,
               vendor_account, next_act, brand, last4, decline_code, created_at,
               (status IN ('OPEN', 'FAILED') AND COALESCE((
                   SELECT bookings.status = 'PENDING' AND bookings.expires_at > clock_timestamp()
                   FROM bookings WHERE bookings.booking_id = payments.booking_id
               ), false)) AS "payable!",
               (SELECT verdict FROM captures WHERE captures.payment_id = payments.payment_id
                ORDER BY settled_at LIMIT 1) AS "verdict: Verdict",
               CEIL(EXTRACT(EPOCH FROM GREATEST(session_ends_at, (
                   SELECT GREATEST(b.expires_at, CASE WHEN b.status = 'PENDING' THEN clock_timestamp() END)
                          + make_interval(secs => (payments.request #>> '{timings,terminal,tap_ms}')::bigint / 1000.0)
                   FROM bookings b WHERE b.booking_id = payments.booking_id AND payments.provider = 'nearpay'
                   AND session_ends_at IS NOT NULL
               )) - clock_timestamp()) * 1000)::bigint AS session_left_ms
        FROM payments WHERE payment_id = $1 OR booking_id = $2
        ORDER BY created_at LIMIT 100
        "#,
        payment as Option<PaymentId>,
        booking as Option<BookingId>
    )
    .fetch_all(&db.0)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Payment {
                payment_id: row.payment_id,
                booking_id: row.booking_id,
                request: read("payment request", row.request)?,
                provider: row.provider,
                status: row.status,
                payable: row.payable,
                refused_because: row.refused_because,
                amount: row
                    .amount_minor
                    .zip(row.currency)
                    .map(|(minor, in_)| Money::new(minor, in_)),
                taking: row.taking,
                vendor_session: row.vendor_session,
                vendor_account: row.vendor_account,
                next: row.next_act.map(|next| read("next act", next)).transpose()?,
                brand: row.brand,
                last4: row.last4,
                decline_code: row.decline_code,
                verdict: row.verdict,
                session_left_ms: row.session_left_ms,
                created_at: row.created_at,
            })
        })
        .collect()
}
