//! Asking a person about a step: with the cause, the money at risk, and what may be decided.

use super::VendorStep;
use crate::{Error, evidence};
use schema::{
    Db,
    cases::{self, Decision, NewCase, Opened, STEP_HAS_ENDED},
};

/// The step was refused, or nobody can tell what became of it: it waits for the decision.
pub(super) async fn decides<S: VendorStep>(
    db: &Db,
    step: &S,
    cause: &str,
    detail: &str,
) -> Result<Opened, Error> {
    let decisions = evidence::decisions(S::NAME);
    let refused = NewCase { cause, detail, decisions, ..case(step, S::NAME) };
    let mut tx = db.begin().await?;
    let opened = cases::open(&mut tx, &refused).await?;
    tx.commit().await.map_err(schema::Error::from)?;
    Ok(opened)
}

/// The step has ended, and another answer came after: a fact to be looked at, once. Nothing waits for it.
pub(super) async fn looks_at_another_answer<S: VendorStep>(
    db: &Db,
    step: &S,
    detail: &str,
) -> Result<(), Error> {
    let fact = format!("{}:another_answer", S::NAME);
    let differs = NewCase { cause: "answers_differ", detail, ..case(step, &fact) };
    let mut tx = db.begin().await?;
    cases::open_once(&mut tx, &differs).await?;
    Ok(tx.commit().await.map_err(schema::Error::from)?)
}

/// The step has ended without its answer: a case about it has nothing left to decide.
pub(super) async fn need_not_decide<S: VendorStep>(db: &Db, step: &S) -> Result<(), Error> {
    let (workflow, key) = (step.workflow(), step.id());
    Ok(cases::overtaken(db, workflow, &key, S::NAME, STEP_HAS_ENDED).await?)
}

fn case<'a, S: VendorStep>(step: &S, name: &'a str) -> NewCase<'a> {
    NewCase {
        workflow: step.workflow(),
        workflow_key: step.id(),
        step: name,
        booking: Some(step.booking()),
        cause: "",
        detail: "",
        at_risk: step.at_risk(),
        decisions: &[Decision::Settled],
    }
}
