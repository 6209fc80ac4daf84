//! Cases: what a person has to decide, with the cause, the money at risk and the possible decisions.

use crate::{
    Db, Error, Tx,
    events::{self, What},
    ids::{BookingId, CaseId},
    money::Money,
    vendor_calls,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A case to be opened by a step that waits for the decision.
#[derive(Clone, Debug)]
pub struct NewCase<'a> {
    pub workflow: &'a str,
    pub workflow_key: String,
    pub step: &'a str,
    pub booking: Option<BookingId>,
    /// Cases of one cause share it.
    pub cause: &'a str,
    pub detail: &'a str,
    pub at_risk: Money,
    pub decisions: &'a [&'a str],
}

/// An open or decided case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    pub case_id: CaseId,
    /// The how-manieth of its step, from 1: the promise is `decision-{step}-{n}`.
    pub occurrence: i32,
    pub decision: Option<Decision>,
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
    /// Take everything back, by the undos' proofs.
    GiveUp,
}

/// Opens a case that a step waits for, or finds the one that is open. A decided one is followed by the next occurrence.
pub async fn open(tx: &mut Tx, case: &NewCase<'_>) -> Result<Case, Error> {
    let last = last(tx, case.workflow, &case.workflow_key, case.step).await?;
    let occurrence = match last {
        Some(open) if open.decision.is_none() => return Ok(open),
        Some(decided) => decided.occurrence + 1,
        None => 1,
    };
    insert(tx, case, occurrence).await
}

/// Opens a case about a fact that nothing waits for: once, whatever is decided about it.
pub async fn open_once(tx: &mut Tx, case: &NewCase<'_>) -> Result<(), Error> {
    insert(tx, case, 1).await?;
    Ok(())
}

async fn insert(tx: &mut Tx, case: &NewCase<'_>, occurrence: i32) -> Result<Case, Error> {
    let subject = format!("{}/{}:{}", case.workflow, case.workflow_key, case.step);
    let case_id = CaseId::of(&subject, case.cause, occurrence);
    let decisions: Vec<String> = case.decisions.iter().map(|&text| text.to_owned()).collect();
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
        &decisions
    )
    .execute(&mut **tx)
    .await?;
    if let (Some(booking), 1) = (case.booking, opened.rows_affected()) {
        let what = What::CaseOpened { case: case_id.to_string(), cause: case.cause.to_owned() };
        events::note(tx, booking, &what).await?;
    }
    Ok(Case { case_id, occurrence, decision: None })
}

async fn last(
    tx: &mut Tx,
    workflow: &str,
    workflow_key: &str,
    step: &str,
) -> Result<Option<Case>, Error> {
    Ok(sqlx::query_as!(
        Case,
        r#"
        SELECT case_id AS "case_id: CaseId", occurrence, decision AS "decision: Decision" FROM cases
        WHERE workflow = $1 AND workflow_key = $2 AND step = $3
        ORDER BY occurrence DESC LIMIT 1
        "#,
        workflow,
        workflow_key,
        step
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Who decided what, and why.
#[derive(Clone, Debug)]
pub struct Decided<'a> {
    pub decision: Decision,
    pub by: &'a str,
    pub reason: &'a str,
    pub evidence: Option<Value>,
}

/// Decides an open case. False: it is decided already, or does not exist.
pub async fn decide(db: &Db, case: CaseId, decided: &Decided<'_>) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"
        UPDATE cases SET decision = $2, decided_by = $3, reason = $4, evidence = $5,
               decided_at = clock_timestamp()
        WHERE case_id = $1 AND decision IS NULL
        "#,
        case as CaseId,
        decided.decision as Decision,
        decided.by,
        decided.reason,
        decided.evidence
    )
    .execute(&db.0)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What a decision has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Followed {
    /// Back to the step: its row knows what to do now.
    Again,
    /// There is no step to go back to: it is given up.
    GivenUp,
}

/// Follows what a person has decided about a step that was refused. Safe to repeat; an undecided case changes nothing.
pub async fn follow(
    db: &Db,
    workflow: &str,
    workflow_key: &str,
    step: &str,
    occurrence: i32,
) -> Result<Followed, Error> {
    let mut tx = db.begin().await?;
    let case = sqlx::query!(
        r#"
        SELECT decision AS "decision: Decision", evidence FROM cases
        WHERE workflow = $1 AND workflow_key = $2 AND step = $3 AND occurrence = $4
        "#,
        workflow,
        workflow_key,
        step,
        occurrence
    )
    .fetch_optional(&mut *tx)
    .await?;
    let key = format!("{workflow_key}:{step}");
    let exists = match case.map(|case| (case.decision, case.evidence)) {
        Some((Some(Decision::Settled), Some(evidence))) => {
            vendor_calls::settle_by_hand(&mut tx, &key, &evidence).await?
        }
        Some((Some(Decision::GiveUp | Decision::Settled), _)) => {
            vendor_calls::give_up(&mut tx, &key).await?
        }
        Some((Some(Decision::Retry) | None, _)) | None => true,
    };
    tx.commit().await?;
    Ok(if exists { Followed::Again } else { Followed::GivenUp })
}
