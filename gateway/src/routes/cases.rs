//! `/api/v1/cms/cases`: what people have to decide, and their decisions.

use super::body::{Asked, Body, Named};
use crate::{
    app::App,
    error::Error,
    staff::{MayDecide, MayRead},
};
use activities::evidence;
use axum::{Json, extract::State};
use chrono::{DateTime, SecondsFormat, Utc};
use schema::{
    bookings,
    cases::{self, Case, Decided, Decision, Filter, Kept, NewDecision},
    ids::{BookingId, CaseId},
    money::Money,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use workflows::Decided as Nudge;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(decide))
}

const PAGE_MAX: u16 = 100;
const REASON_MAX: usize = 1_000;

/// Which cases; the open ones, when nothing is said.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    #[serde(default)]
    #[param(inline)]
    state: Wants,
    cause: Option<String>,
    booking: Option<BookingId>,
    /// The code that a customer shows at the counter.
    #[param(pattern = "^[0-9]{10}$")]
    receipt: Option<String>,
    /// The `next` of the page before.
    before: Option<CaseId>,
    /// At most 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Wants {
    #[default]
    Open,
    Decided,
    All,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Cases)]
struct Page {
    cases: Vec<CaseView>,
    /// There are more: `before` of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<CaseId>,
}

/// A case, as staff see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Case)]
struct CaseView {
    id: CaseId,
    workflow: String,
    workflow_key: String,
    step: String,
    /// The how-manieth case of this step, from 1.
    occurrence: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking: Option<BookingId>,
    cause: String,
    detail: String,
    at_risk: Money,
    decisions: Vec<Decision>,
    /// What *settled* needs, where it can be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_needs: Option<&'static str>,
    /// Its step has not ended.
    waits: bool,
    opened_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<Decided>,
}

impl CaseView {
    fn of(case: Case) -> Self {
        let can_settle = case.decisions.contains(&Decision::Settled);
        Self {
            settled_needs: can_settle.then(|| evidence::expected(&case.step, case.vendor)),
            id: case.case_id,
            workflow: case.workflow,
            workflow_key: case.workflow_key,
            step: case.step,
            occurrence: case.occurrence,
            booking: case.booking,
            cause: case.cause,
            detail: case.detail,
            at_risk: case.at_risk,
            decisions: case.decisions,
            waits: case.waits,
            opened_at: case.opened_at,
            decided: case.decided,
        }
    }
}

/// List cases
///
/// The youngest first; the open ones, when nothing is said.
#[utoipa::path(get, path = "/api/v1/cms/cases", tag = "staff", operation_id = "list_cases",
    params(Wanted),
    responses((status = 200, body = Page, description = "A page of them.")))]
async fn list(
    State(app): State<App>,
    _staff: MayRead,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Page>, Error> {
    let limit = wanted.limit.unwrap_or(PAGE_MAX);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Error::invalid("invalid_query", "A page has 1 to 100 cases."));
    }
    let receipt = wanted.receipt.as_deref();
    if receipt.is_some_and(|code| code.len() != 10 || !code.bytes().all(|it| it.is_ascii_digit())) {
        return Err(Error::invalid("invalid_query", "A receipt has ten digits."));
    }
    let limit = usize::from(limit);
    let filter = Filter {
        open: match wanted.state {
            Wants::Open => Some(true),
            Wants::Decided => Some(false),
            Wants::All => None,
        },
        cause: wanted.cause.filter(|cause| !cause.contains(char::is_control)),
        booking: wanted.booking,
        receipt: wanted.receipt,
        before: wanted.before,
    };
    let one_more = i64::try_from(limit).unwrap_or(0) + 1;
    let mut cases = cases::list(&app.db, &filter, one_more).await?;
    let more = cases.len() > limit;
    cases.truncate(limit);
    let next = cases.last().filter(|_| more).map(|last| last.case_id);
    Ok(Json(Page { cases: cases.into_iter().map(CaseView::of).collect(), next }))
}

/// See a case
#[utoipa::path(get, path = "/api/v1/cms/cases/{case}", tag = "staff", operation_id = "show_case",
    params(("case" = CaseId, Path, description = "The case.")),
    responses(
        (status = 200, body = CaseView, description = "The case as it stands."),
        (status = 404, description = "There is no such case."),
    ))]
async fn show(
    State(app): State<App>,
    _staff: MayRead,
    Named(case): Named<String>,
) -> Result<Json<CaseView>, Error> {
    Ok(Json(CaseView::of(find(&app, &case).await?)))
}

/// What a person decides, and why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "decision": "retry", "reason": "The token is mended." }))]
struct Decide {
    decision: Decision,
    /// It is kept, on one line.
    #[schema(min_length = 1, max_length = 1_000)]
    reason: String,
    /// What was seen: only *settled* takes it, see `settled_needs`.
    evidence: Option<Value>,
}

/// A case, decided.
#[derive(Serialize, ToSchema)]
#[schema(as = DecidedCase)]
struct DecidedView {
    #[serde(flatten)]
    case: CaseView,
    /// Whether the waiting workflow has been told. Not yet: the sweep tells it, or the same request again.
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<bool>,
}

/// Decide a case
///
/// Keeps the decision first, then tells the workflow that waits for it. The same again, from the same person, is as
/// good; anything else is told what was decided.
#[utoipa::path(post, path = "/api/v1/cms/cases/{case}/decision", tag = "staff", operation_id = "decide_case",
    params(("case" = CaseId, Path, description = "The case.")),
    request_body = Decide,
    responses(
        (status = 200, body = DecidedView, description = "It is decided."),
        (status = 404, description = "There is no such case."),
        (status = 409, description = "It was decided before, or cannot be decided like this any more."),
    ))]
async fn decide(
    State(app): State<App>,
    staff: MayDecide,
    Named(case): Named<String>,
    Body { value: new, .. }: Body<Decide>,
) -> Result<Json<DecidedView>, Error> {
    let open = find(&app, &case).await?;
    if open.decided.is_none() {
        keep(&app, &staff, &open, &new).await?;
    }
    // As it stands now, whoever has decided it.
    let case = find(&app, &case).await?;
    match &case.decided {
        Some(stands) if is_the_same(stands, &staff, &new) => {}
        Some(otherwise) => return Err(decided_before(otherwise)),
        None => return Err(Error::Internal(format!("{} is not decided", case.case_id))),
    }
    // A workflow that waits no more takes no harm from being told.
    let told = Some(tell(&app, &case).await).filter(|_| case.waits);
    Ok(Json(DecidedView { case: CaseView::of(case), told }))
}

/// Writes the decision down, unless somebody was quicker.
async fn keep(app: &App, staff: &MayDecide, case: &Case, new: &Decide) -> Result<(), Error> {
    let reason = new.reason.trim();
    let fits = (1..=REASON_MAX).contains(&reason.chars().count());
    if !fits || reason.contains(char::is_control) {
        return Err(Error::Invalid {
            code: "reason_missing",
            detail: format!("Say why, in 1 to {REASON_MAX} characters on one line: it is kept.")
                .into(),
        });
    }
    if !case.decisions.contains(&new.decision) {
        let offered: Vec<&str> = case.decisions.iter().map(|offered| offered.name()).collect();
        return Err(Error::Invalid {
            code: "decision_not_offered",
            detail: format!("This case can be decided as: {}.", offered.join(", ")).into(),
        });
    }
    let answer = answer(case, new)?;
    if let (Some(cinema), Some(id)) = (&case.cinema, evidence::vista_booking(new.evidence.as_ref()))
        && bookings::is_of_another(&app.db, cinema, &id, case.booking).await?
    {
        return Err(Error::Conflict {
            code: "booking_of_another".into(),
            detail: "That booking of Vista's is another customer's ticket: look again.".into(),
            retryable: false,
        });
    }
    let decision = NewDecision {
        decision: new.decision,
        by: &staff.id,
        reason,
        evidence: new.evidence.as_ref(),
        answer: answer.as_ref(),
    };
    match cases::decide(&app.db, case.case_id, &decision).await? {
        Kept::Now | Kept::Before => Ok(()),
        Kept::StepHasEnded => Err(Error::Conflict {
            code: "step_has_ended".into(),
            detail: "The step has ended meanwhile: see what became of the booking, and take back what you did for it."
                .into(),
            retryable: false,
        }),
    }
}

/// The evidence as the step's answer; refused here, where a person can still mend it.
fn answer(case: &Case, new: &Decide) -> Result<Option<Value>, Error> {
    match (new.decision, &new.evidence) {
        (Decision::Settled, evidence) => {
            let said = evidence.as_ref().unwrap_or(&Value::Null);
            evidence::answer(&case.step, said, (case.cinema.as_deref(), case.vendor)).map_err(
                |bad| {
                    let detail = format!("*settled* needs evidence: {}.", bad.expected).into();
                    Error::Invalid { code: "evidence_insufficient", detail }
                },
            )
        }
        (Decision::Retry | Decision::GiveUp, None) => Ok(None),
        (Decision::Retry | Decision::GiveUp, Some(_)) => {
            Err(Error::invalid("evidence_not_wanted", "Only *settled* takes evidence."))
        }
    }
}

fn is_the_same(stands: &Decided, staff: &MayDecide, new: &Decide) -> bool {
    (stands.decision, &stands.by, &stands.evidence) == (new.decision, &staff.id, &new.evidence)
}

fn decided_before(stands: &Decided) -> Error {
    let Decided { decision, by, reason, at, .. } = stands;
    let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    Error::Conflict {
        code: "decided_before".into(),
        detail: format!("Decided by {by} at {at}: {}. Because: {reason}", decision.name()).into(),
        retryable: false,
    }
}

async fn tell(app: &App, case: &Case) -> bool {
    let nudge = Nudge { step: case.step.clone(), occurrence: case.occurrence };
    let told = app.engine.decided(&case.workflow, case.workflow_key.clone(), nudge).await;
    told.inspect_err(|error| tracing::warn!(%error, "{} is told later: {error}", case.case_id))
        .is_ok()
}

async fn find(app: &App, case: &str) -> Result<Case, Error> {
    let case: CaseId = case.parse().map_err(|_| Error::NotFound)?;
    cases::find(&app.db, case).await?.ok_or(Error::NotFound)
}
