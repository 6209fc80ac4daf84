//! Cases: what a person has to decide, with the cause, the money at risk and the possible decisions.

mod listing;

use crate::{
    Db, Error, Tx,
    events::{self, What},
    ids::{BookingId, CaseId},
    money::Money,
    vendor_calls,
};
pub use listing::{Case, Decided, Filter, find, list};
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
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema,
)]
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

/// Opens a case about a step, or finds the one that is open. A decided one is followed by the next occurrence, and one
/// with another cause is overtaken by this.
pub async fn open(tx: &mut Tx, case: &NewCase<'_>) -> Result<Opened, Error> {
    let last = sqlx::query!(
        r#"
        SELECT case_id AS "case_id: CaseId", occurrence, cause, decision IS NOT NULL AS "decided!" FROM cases
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
        Some(open) if !open.decided && open.cause == case.cause => {
            return Ok(Opened { occurrence: open.occurrence });
        }
        Some(other) => {
            if !other.decided {
                write(tx, other.case_id, &by_itself(case.cause)).await?;
            }
            other.occurrence + 1
        }
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

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Now,
    /// It is decided already, or does not exist.
    Before,
    /// The step has ended meanwhile: what a person did for it would be left lying. Nothing is written.
    StepHasEnded,
}

/// Decides an open case, and tells the row of its step, in one transaction: whoever runs the step next follows the
/// decision, whether it was nudged or not.
pub async fn decide(db: &Db, case: CaseId, new: &NewDecision<'_>) -> Result<Kept, Error> {
    let mut tx = db.begin().await?;
    let kept = write(&mut tx, case, new).await?;
    if kept == Kept::Now {
        tx.commit().await?;
    }
    Ok(kept)
}

async fn write(tx: &mut Tx, case: CaseId, new: &NewDecision<'_>) -> Result<Kept, Error> {
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
    .fetch_optional(&mut **tx)
    .await?;
    let Some(decided) = decided else { return Ok(Kept::Before) };
    let key = format!("{}:{}", decided.workflow_key, decided.step);
    match (new.decision, new.answer) {
        (Decision::Retry, _) => vendor_calls::retry(tx, &key, decided.opened_at).await?,
        (Decision::GiveUp, _) => vendor_calls::give_up(tx, &key).await?,
        (Decision::Settled, Some(answer)) => {
            if !vendor_calls::settle_by_hand(tx, &key, answer).await? {
                return Ok(Kept::StepHasEnded);
            }
        }
        (Decision::Settled, None) => {}
    }
    if let Some(booking) = decided.booking {
        let what = What::CaseDecided {
            case: case.to_string(),
            decision: new.decision.name().to_owned(),
            by: new.by.to_owned(),
        };
        events::note(tx, booking, &what).await?;
    }
    Ok(Kept::Now)
}

/// Why a case was closed by what happened, and not by a person.
pub const VENDOR_HAS_DECIDED: &str = "the vendor has decided since";
pub const STEP_HAS_ENDED: &str = "the step has ended since";

/// Closes the open cases of a step, and of facts about it, by what has happened since.
pub async fn overtaken(
    db: &Db,
    workflow: &str,
    workflow_key: &str,
    step: &str,
    because: &str,
) -> Result<(), Error> {
    let open = sqlx::query_scalar!(
        r#"
        SELECT case_id AS "case_id: CaseId" FROM cases
        WHERE workflow = $1 AND workflow_key = $2 AND split_part(step, ':', 1) = $3 AND decision IS NULL
        "#,
        workflow,
        workflow_key,
        step
    )
    .fetch_all(&db.0)
    .await?;
    for case in open {
        let mut tx = db.begin().await?;
        write(&mut tx, case, &by_itself(because)).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Nobody decided it. Written as *settled*, which every case has to offer for that; the evidence says that it was not.
fn by_itself(because: &str) -> NewDecision<'_> {
    NewDecision {
        decision: Decision::Settled,
        by: "usher",
        reason: because,
        evidence: Some(&Value::Null),
        answer: None,
    }
}

/// Whether a person has decided, or the step has ended meanwhile: then nobody waits for the decision any more.
pub async fn is_decided(
    db: &Db,
    workflow_key: &str,
    step: &str,
    occurrence: i32,
) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM cases WHERE workflow_key = $1 AND step = $2 AND occurrence = $3
                       AND decision IS NOT NULL)
            OR EXISTS (SELECT FROM vendor_calls WHERE call_key = $1 || ':' || $2 AND outcome IS NOT NULL) AS "so!"
        "#,
        workflow_key,
        step,
        occurrence
    )
    .fetch_one(&db.0)
    .await?)
}

/// The evidence that a person has settled this step with, if the last word about it was that.
pub async fn settled_with(
    tx: &mut Tx,
    workflow: &str,
    workflow_key: &str,
    step: &str,
) -> Result<Option<Value>, Error> {
    let last = last_word(tx, workflow, workflow_key, step).await?;
    let settled = last.filter(|last| last.decision == Decision::Settled);
    Ok(settled.and_then(|last| last.evidence))
}

/// What was decided about a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastWord {
    pub decision: Decision,
    pub evidence: Option<Value>,
    /// What the case was about.
    pub cause: String,
    pub occurrence: i32,
}

/// What was decided last about this step. None: nothing yet, or it is to be decided again. Until the transaction ends nobody
/// decides: whoever opens a case in it knows what has been decided.
pub async fn last_word(
    tx: &mut Tx,
    workflow: &str,
    workflow_key: &str,
    step: &str,
) -> Result<Option<LastWord>, Error> {
    let last = sqlx::query!(
        r#"
        SELECT decision AS "decision: Decision", evidence, cause, occurrence FROM cases
        WHERE workflow = $1 AND workflow_key = $2 AND step = $3
        ORDER BY occurrence DESC LIMIT 1 FOR UPDATE
        "#,
        workflow,
        workflow_key,
        step
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(last.and_then(|last| {
        let (evidence, cause, occurrence) = (last.evidence, last.cause, last.occurrence);
        Some(LastWord { decision: last.decision?, evidence, cause, occurrence })
    }))
}
