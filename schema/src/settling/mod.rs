//! Settling: money that a vendor has taken or reserved meets its booking, in one guarded transaction, run by whoever
//! asked the vendor. A repeat returns the stored verdict. Reserved money claims its booking as taken money does; it is
//! taken once Vista has the booking, or let go as a refund that costs nobody anything.

mod reserved;

use crate::{
    Db, Error, Tx,
    cases::{self, Decision, NewCase},
    claims::{self, Change, Claim, Edge, Paid, Row, Wish},
    events::{self, What},
    ids::{BookingId, PaymentId, RefundId},
    money::{Currency, Money, Shown},
    payments::Payment,
    provider::Provider,
    refunds::{self, NewRefund},
    states::{PaymentStatus, VendorSays, Verdict},
};
use chrono::{DateTime, Utc};
pub(crate) use reserved::let_go;
pub use reserved::{Reserved, not_collected, reserved, taken};
use serde::{Deserialize, Serialize};

/// Money as the vendor shows it.
#[derive(Clone, Debug)]
pub struct Capture {
    pub vendor_transaction: String,
    /// The vendor's account that it is under, where later calls about it must name one.
    pub account: Option<String>,
    pub amount: Shown,
    /// Reserved, and not taken yet.
    pub reserved: bool,
    /// When a card was tapped for it, as the vendor of the terminal tells.
    pub at: Option<DateTime<Utc>>,
    pub brand: Option<String>,
    pub last4: Option<String>,
}

/// What became of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    pub verdict: Verdict,
    /// The refund that a late capture owes; to be sent by id.
    pub refund: Option<RefundId>,
}

/// Writes the capture down, lets it claim its booking, and owes its refund if it comes too late. A capture of another
/// amount or currency than asked claims nothing: a case. Reserved money that was settled before and is taken now, all of
/// it, is noted as taken. Of anything else that was taken of it the step that takes it makes a case; where no step does any
/// more, it is made here.
pub async fn settle(db: &Db, payment: &Payment, capture: &Capture) -> Result<Settled, Error> {
    let mut tx = db.begin().await?;
    let row = claims::lock(&mut tx, payment.booking_id).await?;
    let written = written(&mut tx, payment, capture).await?;
    if let Some(verdict) = written.verdict {
        if written.to_take && !capture.reserved {
            taken(&mut tx, payment.booking_id, &capture.vendor_transaction, None).await?;
        } else if written.given_up && !capture.reserved {
            dispute(&mut tx, payment, capture).await?;
        }
        tx.commit().await?;
        return Ok(Settled { verdict, refund: owed(payment, capture, verdict) });
    }
    let money = capture.amount.money();
    let verdict = match money {
        Some(taken) => claim_with(&mut tx, payment, capture, (&row, taken)).await?,
        // Nobody asks for such money: it claims nothing.
        None => Verdict::Disputed,
    };
    write_down(&mut tx, payment, capture, (written.status, verdict)).await?;
    match (verdict, money) {
        (Verdict::Won, _) => {}
        (Verdict::Late, Some(taken)) => owe_refund(&mut tx, payment, capture, taken).await?,
        (Verdict::Late, None) | (Verdict::Disputed, _) => {
            paid_wrong(&mut tx, payment, capture).await?;
            dispute(&mut tx, payment, capture).await?;
        }
    }
    tx.commit().await?;
    Ok(Settled { verdict, refund: owed(payment, capture, verdict) })
}

/// Lets money claim its booking, whose row is locked.
async fn claim_with(
    tx: &mut Tx,
    payment: &Payment,
    capture: &Capture,
    (row, taken): (&Row, Money),
) -> Result<Verdict, Error> {
    let money = Paid { asked: payment.amount, taken };
    let claim = claims::decide(row, Wish::Capture(money));
    if let Claim::Moves(to) = claim {
        let edge = Edge { seen: row.status, to };
        claims::move_to(tx, payment.booking_id, edge, paid(payment, capture)).await?;
    }
    Ok(claims::verdict(money, claim))
}

fn owed(payment: &Payment, capture: &Capture, verdict: Verdict) -> Option<RefundId> {
    (verdict == Verdict::Late)
        .then(|| RefundId::automatic(payment.payment_id, &capture.vendor_transaction))
}

/// What has become of the payment's captures so far, by the vendor's transaction.
pub async fn settled(db: &Db, payment: PaymentId) -> Result<Vec<(String, Settled)>, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT vendor_transaction, verdict AS "verdict: Verdict" FROM captures WHERE payment_id = $1
        ORDER BY settled_at LIMIT 100
        "#,
        payment as PaymentId
    )
    .fetch_all(&db.0)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let refund = (row.verdict == Verdict::Late)
                .then(|| RefundId::automatic(payment, &row.vendor_transaction));
            (row.vendor_transaction, Settled { verdict: row.verdict, refund })
        })
        .collect())
}

/// The booking whose money this transaction of the vendor's took, or reserved.
pub async fn booking_of(
    db: &Db,
    provider: Provider,
    transaction: &str,
) -> Result<Option<BookingId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT booking_id AS "booking: BookingId" FROM captures
        WHERE provider = $1 AND (vendor_transaction = $2 OR taken_as = $2) LIMIT 1
        "#,
        provider.name(),
        transaction
    )
    .fetch_optional(&db.0)
    .await?)
}

/// Money that is kept: it has won its booking and is taken, and nobody owes it back.
#[derive(Clone, Debug)]
pub struct Kept {
    pub vendor_transaction: String,
    pub amount_minor: i64,
    pub currency: Currency,
}

/// What is kept of this payment.
pub async fn kept(db: &Db, payment: PaymentId) -> Result<Option<Kept>, Error> {
    Ok(sqlx::query_as!(
        Kept,
        r#"
        SELECT vendor_transaction, amount_minor, currency AS "currency: Currency" FROM captures
        WHERE payment_id = $1 AND verdict = 'WON' AND (NOT reserved OR taken_at IS NOT NULL)
          AND NOT EXISTS (SELECT FROM refunds WHERE refunds.provider = captures.provider
                          AND refunds.vendor_transaction = captures.vendor_transaction)
        "#,
        payment as PaymentId
    )
    .fetch_optional(&db.0)
    .await?)
}

/// What an earlier question has left.
struct Written {
    status: PaymentStatus,
    verdict: Option<Verdict>,
    /// Exactly this was reserved, and is not taken yet.
    to_take: bool,
    /// Something else was reserved, and given up; nobody has been asked about this.
    given_up: bool,
}

async fn written(tx: &mut Tx, payment: &Payment, capture: &Capture) -> Result<Written, Error> {
    Ok(sqlx::query_as!(
        Written,
        r#"
        SELECT status AS "status: PaymentStatus", verdict AS "verdict?: Verdict",
               COALESCE(reserved AND taken_at IS NULL AND captures.amount_minor = $4 AND captures.currency = $5,
                        false) AS "to_take!",
               COALESCE(reserved AND taken_at IS NULL AND payments.status = 'VOIDED'
                        AND (captures.amount_minor, captures.currency) <> ($4, $5)
                        AND NOT EXISTS (SELECT FROM cases WHERE cases.booking_id = payments.booking_id
                                        AND cause = $6), false) AS "given_up!"
        FROM payments LEFT JOIN captures ON captures.provider = $2 AND vendor_transaction = $3
        WHERE payments.payment_id = $1
        "#,
        payment.payment_id as PaymentId,
        payment.provider.name(),
        capture.vendor_transaction,
        capture.amount.amount_minor(),
        capture.amount.currency(),
        ANOTHER_AMOUNT
    )
    .fetch_one(&mut **tx)
    .await?)
}

fn paid(payment: &Payment, capture: &Capture) -> Change {
    let (payment_id, amount_minor) =
        (payment.payment_id.to_string(), capture.amount.amount_minor());
    let what = if capture.reserved {
        What::Reserved { payment: payment_id, amount_minor }
    } else {
        What::Paid { payment: payment_id, amount_minor }
    };
    Change { won_payment: Some(payment.payment_id), ..Change::of(what) }
}

/// The time of a tap counts as far as it can be true and matters: nobody taps before there is a payment, nor later than now;
/// and what its terminal cannot reverse any more is in no haste, so that from now on the cinema has its usual time.
async fn write_down(
    tx: &mut Tx,
    payment: &Payment,
    capture: &Capture,
    (seen, verdict): (PaymentStatus, Verdict),
) -> Result<(), Error> {
    let says = if capture.reserved { VendorSays::Authorized } else { VendorSays::Captured };
    let to = seen.after(says).unwrap_or(seen);
    sqlx::query!(
        r#"
        WITH captured AS (
            UPDATE payments SET status = $11, brand = $7, last4 = $8, updated_at = clock_timestamp(),
                   vendor_account = COALESCE(vendor_account, $13)
            WHERE payment_id = $3 AND status = $10 AND status <> $11
        )
        INSERT INTO captures (provider, vendor_transaction, payment_id, booking_id, amount_minor, currency, verdict,
                              reserved, tapped_at)
        VALUES ($1, $2, $3, $4, $5, $6, $9, $12,
                (SELECT LEAST($14::timestamptz, clock_timestamp())
                 WHERE $14 >= $15::timestamptz AND $14 > clock_timestamp() - make_interval(secs => $16::bigint / 1000.0)))
        "#,
        payment.provider.name(),
        capture.vendor_transaction,
        payment.payment_id as PaymentId,
        payment.booking_id as BookingId,
        capture.amount.amount_minor(),
        capture.amount.currency(),
        capture.brand,
        capture.last4,
        verdict.name(),
        seen as PaymentStatus,
        to as PaymentStatus,
        capture.reserved,
        capture.account,
        capture.at,
        payment.created_at,
        i64::try_from(payment.request.timings.terminal.reversal_ms).unwrap_or(i64::MAX)
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn owe_refund(
    tx: &mut Tx,
    payment: &Payment,
    capture: &Capture,
    taken: Money,
) -> Result<(), Error> {
    let refund = RefundId::automatic(payment.payment_id, &capture.vendor_transaction);
    let owed = NewRefund {
        refund,
        booking: payment.booking_id,
        payment: payment.payment_id,
        provider: payment.provider,
        vendor_transaction: &capture.vendor_transaction,
        amount: taken,
        cause: "late_money",
        timings: payment.request.timings,
    };
    refunds::owe(tx, &owed).await?;
    let late = What::PaidLate {
        payment: payment.payment_id.to_string(),
        amount_minor: taken.amount_minor,
        refund: refund.to_string(),
    };
    events::note(tx, payment.booking_id, &late).await
}

async fn paid_wrong(tx: &mut Tx, payment: &Payment, capture: &Capture) -> Result<(), Error> {
    let foreign = capture.amount.money().is_none();
    let what = What::PaidWrong {
        payment: payment.payment_id.to_string(),
        amount_minor: capture.amount.amount_minor(),
        currency: foreign.then(|| capture.amount.currency().to_owned()),
    };
    events::note(tx, payment.booking_id, &what).await
}

/// What a case about money of another amount than asked is called.
pub const ANOTHER_AMOUNT: &str = "captured_another_amount";

async fn dispute(tx: &mut Tx, payment: &Payment, capture: &Capture) -> Result<(), Error> {
    let asked = payment.amount.map_or_else(|| "nothing".to_owned(), |amount| amount.to_string());
    let did = if capture.reserved { "reserved" } else { "took" };
    let case = NewCase {
        workflow: "Payment",
        workflow_key: payment.payment_id.bare(),
        step: &format!("settle:{}", capture.vendor_transaction),
        booking: Some(payment.booking_id),
        cause: ANOTHER_AMOUNT,
        detail: &format!("asked for {asked}, the vendor {did} {}", capture.amount),
        at_risk: capture.amount.money().or(payment.amount).unwrap_or(Money::sar(0)),
        decisions: &[Decision::Settled],
    };
    cases::open_once(tx, &case).await?;
    Ok(())
}
