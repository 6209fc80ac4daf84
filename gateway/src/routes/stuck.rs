//! `/api/v1/cms/stuck`: everything that waits or backs off: for a vendor, for a person, or at the engine.

use crate::{app::App, error::Error, staff::MayRead};
use adapters::restate_admin::Failing;
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use schema::{
    ids::{BookingId, CaseId},
    money::Money,
    snapshot,
    standing::Stage,
    stuck::{self, Waiting},
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// More than this nobody reads: the oldest are shown.
const SHOWN_MAX: usize = 200;

#[derive(Serialize, ToSchema)]
struct Stuck {
    waiting: Vec<WaitingView>,
    /// There are more than are shown.
    more: bool,
    engine: EngineView,
}

/// A step that waits for a vendor, or a case that waits for a person. Nothing in it is a vendor's own text but `why`.
#[derive(Serialize, ToSchema)]
#[schema(as = Waiting)]
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
    /// Where the booking stands, in the word that its customer's app knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<Stage>,
    why: String,
    since: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_at: Option<DateTime<Utc>>,
    attempts: i32,
    at_risk: Money,
}

impl WaitingView {
    fn of(waiting: Waiting, stages: &BTreeMap<BookingId, Stage>) -> Self {
        Self {
            workflow: waiting.workflow,
            workflow_key: waiting.workflow_key,
            step: waiting.step,
            waits_for: waiting.vendor.unwrap_or_else(|| "person".to_owned()),
            case: waiting.case_id,
            booking: waiting.booking,
            standing: waiting.booking.and_then(|booking| stages.get(&booking).copied()),
            why: short(&waiting.why),
            since: waiting.since,
            next_try_at: waiting.next_try_at,
            attempts: waiting.attempts,
            at_risk: waiting.at_risk,
        }
    }
}

/// What the engine itself fails at and tries again.
#[derive(Serialize, ToSchema)]
#[schema(as = Engine)]
struct EngineView {
    /// False: it does not answer, and nothing moves on until it does.
    answers: bool,
    failing: Vec<Failing>,
}

/// See everything that waits
///
/// Money at risk first, then the oldest. The rows are shown whether the engine answers or not.
#[utoipa::path(get, path = "/api/v1/cms/stuck", tag = "staff", operation_id = "show_stuck",
    responses((status = 200, body = Stuck, description = "What waits, for whom, why, since when, until when.")))]
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
    let mut bookings: Vec<BookingId> = waiting.iter().filter_map(|it| it.booking).collect();
    bookings.sort_unstable();
    bookings.dedup();
    let found = snapshot::these(&app.db, &bookings).await?;
    let stages = found.iter().map(|it| (it.booking_id, it.standing.stage)).collect();
    let waiting = waiting.into_iter().map(|it| WaitingView::of(it, &stages)).collect();
    Ok(Json(Stuck { waiting, more, engine }))
}

/// The first line of it, and not all of a long one.
fn short(why: &str) -> String {
    const LONGEST: usize = 200;
    why.lines().next().unwrap_or_default().chars().take(LONGEST).collect()
}
