//! What waits: for a vendor that does not answer, or for a person.

use crate::{
    Db, Error,
    ids::{BookingId, CaseId},
    money::{Currency, Money},
};
use chrono::{DateTime, Utc};

/// A step that waits or backs off; or a case that nobody has decided yet.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub workflow: String,
    pub workflow_key: String,
    pub step: String,
    /// Whom it waits for: a vendor, or (None) a person, who decides the case.
    pub vendor: Option<String>,
    pub case_id: Option<CaseId>,
    pub booking: Option<BookingId>,
    pub why: String,
    pub since: DateTime<Utc>,
    pub next_try_at: Option<DateTime<Utc>>,
    /// How often it was sent.
    pub attempts: i32,
    /// Money that was taken and has neither a booking to show for it nor gone back.
    pub at_risk: Money,
}

/// At most `limit` of them, those with money at risk first, then the oldest. A call that has just been sent is no wait yet.
pub async fn waiting(db: &Db, limit: i64) -> Result<Vec<Waiting>, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT workflow AS "workflow!", workflow_key AS "workflow_key!", step AS "step!", vendor AS "vendor?",
               case_id AS "case_id?: CaseId", booking_id AS "booking?: BookingId", why AS "why!", since AS "since!",
               next_try_at AS "next_try_at?", attempts AS "attempts!", at_risk_minor AS "at_risk_minor!",
               currency AS "currency!: Currency"
        FROM (
            SELECT CASE WHEN refund_id IS NOT NULL THEN 'Refund' WHEN payments.payment_id IS NOT NULL THEN 'Payment'
                        WHEN calls.step = 'issue_ticket' THEN 'TicketGenerate' ELSE 'Booking' END AS workflow,
                   key AS workflow_key, calls.step, CASE WHEN vendor = 'payment' THEN COALESCE(refunds.provider, payments.provider, vendor)
                        ELSE vendor END AS vendor,
                   NULL AS case_id, calls.booking_id, COALESCE(waiting_for, 'nothing heard since it was sent') AS why,
                   calls.created_at AS since, next_try_at, attempts,
                   CASE WHEN refund_id IS NOT NULL THEN refunds.amount_minor
                        WHEN won_payment IS NOT NULL AND bookings.status = 'CONFIRMING' THEN total_minor
                        ELSE 0 END AS at_risk_minor,
                   COALESCE(refunds.currency, bookings.currency, 'SAR') AS currency
            FROM (SELECT *, split_part(call_key, ':', 1) AS key FROM vendor_calls WHERE outcome IS NULL) calls
            LEFT JOIN refunds ON refund_id = key
            LEFT JOIN payments ON payments.payment_id = key
            LEFT JOIN bookings ON bookings.booking_id = calls.booking_id
            WHERE (waiting_for IS NOT NULL OR calls.updated_at < clock_timestamp() - interval '1 minute')
              AND NOT EXISTS (SELECT FROM cases WHERE workflow_key = key AND cases.step = calls.step
                              AND decision IS NULL)
            UNION ALL
            SELECT 'Payment', payments.payment_id, 'ask_vendor', provider, NULL, booking_id, 'the vendor does not say how it ended',
                   session_ends_at, NULL, 0, amount_minor, COALESCE(currency, 'SAR')
            FROM payments WHERE status IN ('OPEN', 'FAILED', 'AUTHORIZED')
              AND session_ends_at < clock_timestamp() - interval '5 minutes'
              AND NOT EXISTS (SELECT FROM cases WHERE workflow_key = payments.payment_id AND decision IS NULL)
            UNION ALL
            SELECT 'Refund', refund_id, 'ask_refund', provider, NULL, booking_id, 'the vendor does not say that it is done',
                   updated_at, NULL, 0, amount_minor, currency
            FROM refunds WHERE status = 'SENT' AND updated_at < clock_timestamp() - interval '5 minutes'
              AND NOT EXISTS (SELECT FROM cases WHERE workflow_key = refund_id AND decision IS NULL)
            UNION ALL
            SELECT 'WebhookConfirm', provider || ':' || event, 'ask_vendor', provider, NULL, booking_id,
                   'a webhook without a verdict', received_at, NULL, 0, 0, 'SAR'
            FROM webhook_deliveries WHERE verdict IS NULL
              AND received_at < clock_timestamp() - interval '5 minutes'
            UNION ALL
            SELECT workflow, workflow_key, step, NULL, case_id, booking_id, cause, opened_at, NULL, 0,
                   at_risk_minor, currency
            FROM cases WHERE decision IS NULL
        ) everything
        ORDER BY at_risk_minor = 0, since LIMIT $1
        "#,
        limit
    )
    .fetch_all(&db.0)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Waiting {
            workflow: row.workflow,
            workflow_key: row.workflow_key,
            step: row.step,
            vendor: row.vendor,
            case_id: row.case_id,
            booking: row.booking,
            why: row.why,
            since: row.since,
            next_try_at: row.next_try_at,
            attempts: row.attempts,
            at_risk: Money::new(row.at_risk_minor, row.currency),
        })
        .collect())
}
