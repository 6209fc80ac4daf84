//! Cases: what a person has to decide, with the cause, the money at risk and the possible decisions.

use crate::{
    Db, Error, Tx,
    events::{self, What},
    ids::{BookingId, CaseId},
    money::{Currency, Money},
    vendor_calls,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A case to be opened.
#[derive(Clone, Debug)]
pub struct NewCase<'a> {
    pub workflow: &'a str,
    pub workflow_key: String,
    /// The step that waits for the decision; or a name for the fact, which nothing waits for.
    pub step: &'a str,
    pub booking: Option<BookingId>,
    /// Cases of one cause share it.
    pub cause: &'a str,
    pub detail: &'a str,
    pub at_risk: Money,
    pub decisions: &'a [Decision],
}

/// A case that a step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The how-manieth of its step, from 1: the promise is `decision-{step}-{n}`.
    pub occurrence: i32,
}

/// What a person may decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "kebab-case")]
#[sqlx(type_name = "text", rename_all = "kebab-case")]
pub enum Decision {
    /// Re-enter the step at its row: window, look-up, then perhaps the call.
    Retry,
    /// The evidence is the step's outcome.
    Settled,
    /// It is not to be done any more: the step ends by its proof that nothing was done.
    GiveUp,
}

impl Decision {
    const ALL: [Self; 3] = [Self::Retry, Self::Settled, Self::GiveUp];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Settled => "settled",
            Self::GiveUp => "give-up",
        }
    }
}

/// Opens a case that a step waits for, or finds the one that is open. A decided one is followed by the next occurrence.
pub async fn open(tx: &mut Tx, case: &NewCase<'_>) -> Result<Opened, Error> {
    let last = sqlx::query!(
        r#"
        SELECT occurrence, decision IS NOT NULL AS "decided!" FROM cases
        WHERE workflow = $1 AND workflow_key = $2 AND step = $3
        ORDER BY occurrence DESC LIMIT 1
        "#,
        case.workflow,
        case.workflow_key,
        case.step
    )
    .fetch_optional(&mut **tx)
    .await?;
    let occurrence = match last {
        Some(open) if !open.decided => return Ok(Opened { occurrence: open.occurrence }),
        Some(decided) => decided.occurrence + 1,
        None => 1,
    };
    insert(tx, case, occurrence).await?;
    Ok(Opened { occurrence })
}

/// Opens a case about a fact that nothing waits for: once, whatever is decided about it.
pub async fn open_once(tx: &mut Tx, case: &NewCase<'_>) -> Result<(), Error> {
    insert(tx, case, 1).await
}

async fn insert(tx: &mut Tx, case: &NewCase<'_>, occurrence: i32) -> Result<(), Error> {
    let subject = format!("{}/{}:{}", case.workflow, case.workflow_key, case.step);
    let case_id = CaseId::of(&subject, case.cause, occurrence);
    let offered: Vec<String> = case.decisions.iter().map(|it| it.name().to_owned()).collect();
    let opened = sqlx::query!(
        r#"
        INSERT INTO cases (case_id, workflow, workflow_key, step, occurrence, booking_id, cause, detail,
                           at_risk_minor, currency, decisions)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT DO NOTHING
        "#,
        case_id as CaseId,
        case.workflow,
        case.workflow_key,
        case.step,
        occurrence,
        case.booking as Option<BookingId>,
        case.cause,
        case.detail,
        case.at_risk.amount_minor,
        case.at_risk.currency.code(),
        &offered
    )
    .execute(&mut **tx)
    .await?;
    if let (Some(booking), 1) = (case.booking, opened.rows_affected()) {
        let what = What::CaseOpened { case: case_id.to_string(), cause: case.cause.to_owned() };
        events::note(tx, booking, &what).await?;
    }
    Ok(())
}

/// A decision to be written down.
#[derive(Clone, Copy, Debug)]
pub struct NewDecision<'a> {
    pub decision: Decision,
    /// `staff:…`
    pub by: &'a str,
    pub reason: &'a str,
    /// What the person has seen, in the person's words. *Settled* needs it.
    pub evidence: Option<&'a Value>,
    /// The same as the waiting step's stored answer, if a step waits.
    pub answer: Option<&'a Value>,
}

/// Decides an open case, and tells the row of its step, in one transaction: whoever runs the step next follows the
/// decision, whether it was nudged or not. False: it is decided already, or does not exist.
pub async fn decide(db: &Db, case: CaseId, new: &NewDecision<'_>) -> Result<bool, Error> {
    let mut tx = db.begin().await?;
    let decided = sqlx::query!(
        r#"
        UPDATE cases SET decision = $2, decided_by = $3, reason = $4, evidence = $5,
               decided_at = clock_timestamp()
        WHERE case_id = $1 AND decision IS NULL
        RETURNING workflow_key, step, booking_id AS "booking: BookingId", opened_at
        "#,
        case as CaseId,
        new.decision as Decision,
        new.by,
        new.reason,
        new.evidence
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(decided) = decided else { return Ok(false) };
    let key = format!("{}:{}", decided.workflow_key, decided.step);
    match (new.decision, new.answer) {
        (Decision::Retry, _) => vendor_calls::retry(&mut tx, &key, decided.opened_at).await?,
        (Decision::GiveUp, _) => vendor_calls::give_up(&mut tx, &key).await?,
        (Decision::Settled, Some(answer)) => {
            vendor_calls::settle_by_hand(&mut tx, &key, answer).await?;
        }
        (Decision::Settled, None) => {}
    }
    if let Some(booking) = decided.booking {
        let what = What::CaseDecided {
            case: case.to_string(),
            decision: new.decision.name().to_owned(),
            by: new.by.to_owned(),
        };
        events::note(&mut tx, booking, &what).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// What was waited for has come by itself: the open case of this step, if there is one, is settled by that.
pub async fn overtaken(
    db: &Db,
    workflow: &str,
    workflow_key: &str,
    step: &str,
) -> Result<(), Error> {
    let open = sqlx::query_scalar!(
        r#"
        SELECT case_id AS "case_id: CaseId" FROM cases
        WHERE workflow = $1 AND workflow_key = $2 AND step = $3 AND decision IS NULL
        "#,
        workflow,
        workflow_key,
        step
    )
    .fetch_optional(&db.0)
    .await?;
    let Some(case) = open else { return Ok(()) };
    let reason = "the vendor has decided since";
    let evidence = Value::from(reason);
    let new = NewDecision {
        decision: Decision::Settled,
        by: "usher",
        reason,
        evidence: Some(&evidence),
        answer: None,
    };
    decide(db, case, &new).await?;
    Ok(())
}

/// The evidence that a person has settled this step with, if the last word about it was that.
pub async fn settled_with(
    tx: &mut Tx,
    workflow: &str,
    workflow_key: &str,
    step: &str,
) -> Result<Option<Value>, Error> {
    let last = sqlx::query!(
        r#"
        SELECT decision AS "decision: Decision", evidence FROM cases
        WHERE workflow = $1 AND workflow_key = $2 AND step = $3
        ORDER BY occurrence DESC LIMIT 1
        "#,
        workflow,
        workflow_key,
        step
    )
    .fetch_optional(&mut **tx)
    .await?;
    let settled = last.filter(|last| last.decision == Some(Decision::Settled));
    Ok(settled.and_then(|last| last.evidence))
}

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
               cases.currency AS "currency: Currency", decisions, step_waits(workflow_key, step) AS "waits!",
               decision AS "decision: Decision", decided_by, reason, evidence, opened_at, decided_at
        FROM cases LEFT JOIN bookings USING (booking_id)
        WHERE ($1::text IS NULL OR case_id = $1)
          AND ($2::boolean IS NULL OR (decision IS NULL) = $2)
          AND ($3::text IS NULL OR cause = $3)
          AND ($4::text IS NULL OR cases.booking_id = $4)
          AND ($5::text IS NULL
               OR (opened_at, case_id) < (SELECT opened_at, case_id FROM cases WHERE case_id = $5))
        ORDER BY opened_at DESC, case_id DESC LIMIT $6
        "#,
        case as Option<CaseId>,
        filter.open,
        filter.cause,
        filter.booking as Option<BookingId>,
        filter.before as Option<CaseId>,
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
