//! What operations watch: counts of what is open, and sums of money. Each query looks at open rows or at a span of time,
//! never at everything, so that asking every few seconds costs nothing that anybody notices.

use crate::{Db, Error};
use chrono::{DateTime, Utc};

/// How many of one kind are in one state, and about how old they are.
#[derive(Clone, Debug)]
pub struct Open {
    /// `booking`, `payment`, `refund`, `webhook` or `ticket`.
    pub saga: String,
    pub state: String,
    /// One of [`AGES`].
    pub age: String,
    pub count: i64,
}

/// How long ago it was begun.
pub const AGES: [&str; 5] = ["under_1m", "1m_to_15m", "15m_to_1h", "1h_to_1d", "over_1d"];

/// Every state that something open can be in.
pub const STATES: [(&str, &str); 10] = [
    ("booking", "REQUESTED"),
    ("booking", "PENDING"),
    ("booking", "CONFIRMING"),
    ("payment", "OPEN"),
    ("payment", "FAILED"),
    ("payment", "AUTHORIZED"),
    ("refund", "REQUESTED"),
    ("refund", "SENT"),
    ("webhook", "UNFINISHED"),
    ("ticket", "WAITING"),
];

/// Everything that has no end yet. A refund that the counter is to give back waits for its customer as long as its case is
/// open, and counts as that. A ticket that a person has given up has its end, which is looked up by its key: `NOT EXISTS`
/// would read every call there ever was. What there is none of is left out.
pub async fn open(db: &Db) -> Result<Vec<Open>, Error> {
    Ok(sqlx::query_as!(
        Open,
        r#"
        SELECT saga AS "saga!", state AS "state!", age AS "age!", count(*) AS "count!"
        FROM (
            SELECT saga, state,
                   CASE WHEN begun > clock_timestamp() - interval '1 minute' THEN 'under_1m'
                        WHEN begun > clock_timestamp() - interval '15 minutes' THEN '1m_to_15m'
                        WHEN begun > clock_timestamp() - interval '1 hour' THEN '15m_to_1h'
                        WHEN begun > clock_timestamp() - interval '1 day' THEN '1h_to_1d'
                        ELSE 'over_1d' END AS age
            FROM (
                SELECT 'booking' AS saga, status AS state, created_at AS begun FROM bookings
                WHERE status IN ('REQUESTED', 'PENDING', 'CONFIRMING')
                UNION ALL
                SELECT 'payment', status, created_at FROM payments WHERE status IN ('OPEN', 'FAILED', 'AUTHORIZED')
                UNION ALL
                SELECT 'refund', status, created_at FROM refunds
                WHERE status <> 'REFUNDED'
                  AND (receipt IS NULL
                       OR NOT EXISTS (SELECT FROM cases WHERE workflow = 'Refund' AND workflow_key = refund_id
                                      AND step = 'ask_refund' AND decision IS NULL))
                UNION ALL
                SELECT 'webhook', 'UNFINISHED', received_at FROM webhook_deliveries WHERE verdict IS NULL
                UNION ALL
                SELECT 'ticket', tickets.status, tickets.created_at
                FROM tickets JOIN bookings USING (booking_id)
                WHERE tickets.status = 'WAITING' AND bookings.status = 'CONFIRMED'
                  AND NOT COALESCE((SELECT give_up_at IS NOT NULL FROM vendor_calls
                                    WHERE call_key = booking_id || ':issue_ticket'), false)
            ) everything
        ) aged
        GROUP BY saga, state, age
        "#
    )
    .fetch_all(&db.0)
    .await?)
}

/// Cases about one step that nobody has decided.
#[derive(Clone, Debug)]
pub struct OpenCases {
    pub step: String,
    pub count: i64,
    pub oldest_s: i64,
}

/// Open cases by the step, or the kind of fact, that they are about.
pub async fn open_cases(db: &Db) -> Result<Vec<OpenCases>, Error> {
    Ok(sqlx::query_as!(
        OpenCases,
        r#"
        SELECT split_part(step, ':', 1) AS "step!", count(*) AS "count!",
               extract(epoch FROM clock_timestamp() - min(opened_at))::bigint AS "oldest_s!"
        FROM cases WHERE decision IS NULL
        GROUP BY 1 ORDER BY 2 DESC LIMIT 50
        "#
    )
    .fetch_all(&db.0)
    .await?)
}

/// Captures that are kept although their booking is not confirmed, longer ago than `quiet_ms`, that no refund and no
/// open case is about. There must be none.
pub async fn paid_without_booking(db: &Db, quiet_ms: i64) -> Result<i64, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!" FROM bookings JOIN captures ON captures.payment_id = bookings.won_payment
        WHERE won_payment IS NOT NULL AND bookings.status NOT IN ('CONFIRMED', 'COMPLETED')
          AND captures.booking_id = bookings.booking_id AND captures.verdict = 'WON'
          AND settled_at < clock_timestamp() - make_interval(secs => $1::bigint / 1000.0)
          AND NOT EXISTS (SELECT FROM refunds WHERE refunds.provider = captures.provider
                          AND refunds.vendor_transaction = captures.vendor_transaction)
          AND NOT EXISTS (SELECT FROM cases WHERE cases.booking_id = bookings.booking_id AND decision IS NULL)
        "#,
        quiet_ms
    )
    .fetch_one(&db.0)
    .await?)
}

/// Money that moved, in minor units.
#[derive(Clone, Debug)]
pub struct Moved {
    /// `captured` or `refunded`.
    pub direction: String,
    pub provider: String,
    pub currency: String,
    pub amount_minor: i64,
    pub count: i64,
}

/// Money that moved (what is only reserved, or let go again, does not) after `after` and not after `until`, if those are given.
pub async fn moved(
    db: &Db,
    after: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
) -> Result<Vec<Moved>, Error> {
    Ok(sqlx::query_as!(
        Moved,
        r#"
        SELECT direction AS "direction!", provider AS "provider!", currency AS "currency!",
               sum(amount_minor)::bigint AS "amount_minor!", count(*) AS "count!"
        FROM (
            SELECT 'captured' AS direction, provider, currency, amount_minor FROM captures
            WHERE settled_at > COALESCE($1::timestamptz, '-infinity') AND settled_at <= COALESCE($2::timestamptz, 'infinity')
              AND NOT reserved
            UNION ALL
            SELECT 'captured', provider, currency, amount_minor FROM captures
            WHERE taken_at > COALESCE($1, '-infinity') AND taken_at <= COALESCE($2, 'infinity')
            UNION ALL
            SELECT 'refunded', provider, currency, amount_minor FROM refunds
            WHERE status = 'REFUNDED'
              AND updated_at > COALESCE($1, '-infinity') AND updated_at <= COALESCE($2, 'infinity')
              AND NOT EXISTS (SELECT FROM captures WHERE captures.provider = refunds.provider
                              AND captures.vendor_transaction = refunds.vendor_transaction
                              AND reserved AND taken_at IS NULL)
        ) moved
        GROUP BY direction, provider, currency
        "#,
        after,
        until
    )
    .fetch_all(&db.0)
    .await?)
}

/// The one clock.
pub async fn now(db: &Db) -> Result<DateTime<Utc>, Error> {
    Ok(sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(&db.0).await?)
}

/// The pool: how many connections it has, and how many of them nobody uses now.
pub fn connections(db: &Db) -> (u32, usize) {
    (db.0.size(), db.0.num_idle())
}
