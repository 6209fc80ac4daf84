//! `/api/v1/cms/stuck`: everything that waits or backs off: for a vendor, for a person, or at the engine.

use crate::{app::App, error::Error, staff::MayRead};
use adapters::restate_admin::Failing;
use axum::{Json, Router, extract::State, routing::get};
use chrono::{DateTime, Utc};
use schema::{
    ids::{BookingId, CaseId},
    money::Money,
    stuck::{self, Waiting},
};
use serde::Serialize;

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/v1/cms/stuck", get(show))
}

/// More than this nobody reads: the oldest are shown.
const SHOWN_MAX: usize = 200;

#[derive(Serialize)]
struct Stuck {
    waiting: Vec<WaitingView>,
    /// There are more than are shown.
    more: bool,
    engine: EngineView,
}

/// A step that waits for a vendor, or a case that waits for a person. Nothing in it is a vendor's own text but `why`.
#[derive(Serialize)]
struct WaitingView {
    workflow: String,
    workflow_key: String,
    step: String,
    /// A vendor; or `person`, who decides the case.
    waits_for: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<CaseId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking: Option<BookingId>,
    why: String,
    since: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_at: Option<DateTime<Utc>>,
    attempts: i32,
    at_risk: Money,
}

impl WaitingView {
    fn of(waiting: Waiting) -> Self {
        Self {
            workflow: waiting.workflow,
            workflow_key: waiting.workflow_key,
            step: waiting.step,
            waits_for: waiting.vendor.unwrap_or_else(|| "person".to_owned()),
            case: waiting.case_id,
            booking: waiting.booking,
            why: short(&waiting.why),
            since: waiting.since,
            next_try_at: waiting.next_try_at,
            attempts: waiting.attempts,
            at_risk: waiting.at_risk,
        }
    }
}

/// What the engine itself fails at and tries again.
#[derive(Serialize)]
struct EngineView {
    /// False: it does not answer, and nothing moves on until it does.
    answers: bool,
    failing: Vec<Failing>,
}

/// The oldest first. The rows are shown whether the engine answers or not.
async fn show(State(app): State<App>, _staff: MayRead) -> Result<Json<Stuck>, Error> {
    let one_more = i64::try_from(SHOWN_MAX).unwrap_or(0) + 1;
    let mut waiting = stuck::waiting(&app.db, one_more).await?;
    let more = waiting.len() > SHOWN_MAX;
    waiting.truncate(SHOWN_MAX);
    let engine = match app.admin.failing(SHOWN_MAX).await {
        Ok(failing) => {
            let redacted = |it: Failing| Failing { why: it.why.as_deref().map(short), ..it };
            EngineView { answers: true, failing: failing.into_iter().map(redacted).collect() }
        }
        Err(error) => {
            tracing::warn!(%error, "the engine is not asked what it fails at: {error}");
            EngineView { answers: false, failing: Vec::new() }
        }
    };
    Ok(Json(Stuck { waiting: waiting.into_iter().map(WaitingView::of).collect(), more, engine }))
}

/// The first line of it, and not all of a long one.
fn short(why: &str) -> String {
    const LONGEST: usize = 200;
    why.lines().next().unwrap_or_default().chars().take(LONGEST).collect()
}
