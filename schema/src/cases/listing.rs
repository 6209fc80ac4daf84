//! Cases as people see them.

use super::Decision;
use crate::{
    Db, Error,
    ids::{BookingId, CaseId},
    money::{Currency, Money},
    provider::Provider,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// A case as it stands.
#[derive(Clone, Debug)]
pub struct Case {
    pub case_id: CaseId,
    pub workflow: String,
    pub workflow_key: String,
    pub step: String,
    pub occurrence: i32,
    pub booking: Option<BookingId>,
    /// Where its booking is for.
    pub cinema: Option<String>,
    /// Who holds, or held, the money that has won its booking.
    pub vendor: Option<Provider>,
    pub cause: String,
    pub detail: String,
    pub at_risk: Money,
    pub decisions: Vec<Decision>,
    /// Its step has not ended. False for a fact that nothing waits for, too.
    pub waits: bool,
    pub opened_at: DateTime<Utc>,
    pub decided: Option<Decided>,
}

/// Who decided what, why, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Decided {
    pub decision: Decision,
    pub by: String,
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Value>,
    pub at: DateTime<Utc>,
}

/// Which cases to list. What is None does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub open: Option<bool>,
    pub cause: Option<String>,
    pub booking: Option<BookingId>,
    /// About money that the counter gives back to whoever shows this.
    pub receipt: Option<String>,
    /// Only those opened before this one: where the last page has ended.
    pub before: Option<CaseId>,
}

/// A case by its id.
pub async fn find(db: &Db, case: CaseId) -> Result<Option<Case>, Error> {
    Ok(select(db, Some(case), &Filter::default(), 1).await?.pop())
}

/// At most `limit` cases, the youngest first.
pub async fn list(db: &Db, filter: &Filter, limit: i64) -> Result<Vec<Case>, Error> {
    select(db, None, filter, limit).await
}

async fn select(
    db: &Db,
    case: Option<CaseId>,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Case>, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT case_id AS "case_id: CaseId", workflow, workflow_key, step, occurrence,
               cases.booking_id AS "booking: BookingId", cinema_id AS "cinema?", cause, detail, at_risk_minor,
               (SELECT provider FROM captures WHERE captures.booking_id = cases.booking_id AND verdict = 'WON')
                   AS "vendor: Provider",
               cases.currency AS "currency: Currency", decisions, step_waits(workflow_key, step) AS "waits!",
               decision AS "decision: Decision", decided_by, reason, evidence, opened_at, decided_at
        FROM cases LEFT JOIN bookings USING (booking_id)
        WHERE ($1::text IS NULL OR case_id = $1)
          AND ($2::boolean IS NULL OR (decision IS NULL) = $2)
          AND ($3::text IS NULL OR cause = $3)
          AND ($4::text IS NULL OR cases.booking_id = $4)
          AND ($5::text IS NULL
               OR (opened_at, case_id) < (SELECT opened_at, case_id FROM cases WHERE case_id = $5))
          AND ($6::text IS NULL OR workflow_key IN (SELECT refund_id FROM refunds WHERE receipt = $6))
        ORDER BY opened_at DESC, case_id DESC LIMIT $7
        "#,
        case as Option<CaseId>,
        filter.open,
        filter.cause,
        filter.booking as Option<BookingId>,
        filter.before as Option<CaseId>,
        filter.receipt,
        limit
    )
    .fetch_all(&db.0)
    .await?;
    let offered = |names: &[String]| {
        Decision::ALL.into_iter().filter(|it| names.iter().any(|n| n == it.name())).collect()
    };
    Ok(rows
        .into_iter()
        .map(|row| Case {
            case_id: row.case_id,
            workflow: row.workflow,
            workflow_key: row.workflow_key,
            step: row.step,
            occurrence: row.occurrence,
            booking: row.booking,
            cinema: row.cinema,
            vendor: row.vendor,
            cause: row.cause,
            detail: row.detail,
            at_risk: Money::new(row.at_risk_minor, row.currency),
            decisions: offered(&row.decisions),
            waits: row.waits,
            opened_at: row.opened_at,
            decided: decided(row.decision, row.decided_by, row.reason, row.decided_at)
                .map(|decided| Decided { evidence: row.evidence, ..decided }),
        })
        .collect())
}

/// All of them are there, or none: the table says so.
fn decided(
    decision: Option<Decision>,
    by: Option<String>,
    reason: Option<String>,
    at: Option<DateTime<Utc>>,
) -> Option<Decided> {
    Some(Decided { decision: decision?, by: by?, reason: reason?, evidence: None, at: at? })
}
