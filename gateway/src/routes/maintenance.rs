//! `/api/v1/cms/maintenance`: closed for works, for one platform or for all; who said so, and why.

use super::body::Body;
use crate::{app::App, error::Error, guard::ALL, staff::MayClose};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use schema::{
    maintenance::{self, Change, Closed},
    provider::Platform,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, change))
}

const REASON_MAX: usize = 500;

/// What is closed now.
#[derive(Serialize, ToSchema)]
struct Works {
    closed: Vec<Closed>,
}

/// Close, or open again. The latest word of a platform holds; `all` and each platform are closed by themselves.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MaintenanceChange, example = json!({"platform": "huawei", "closed": false, "reason": "the works are done"}))]
struct NewChange {
    /// `ios`, `android`, `website`, `huawei`, `kiosk`, or `all`.
    platform: String,
    closed: bool,
    /// It opens by itself then. Not said: until somebody opens it.
    until: Option<DateTime<Utc>>,
    reason: String,
}

/// See what is closed
#[utoipa::path(get, path = "/api/v1/cms/maintenance", tag = "staff", operation_id = "show_maintenance",
    responses((status = 200, body = Works, description = "What is closed now.")))]
async fn show(State(app): State<App>, _staff: MayClose) -> Result<Json<Works>, Error> {
    Ok(Json(Works { closed: maintenance::closed(&app.db).await? }))
}

/// Close, or open again
///
/// Known to every gateway within seconds. The same again changes nothing.
#[utoipa::path(post, path = "/api/v1/cms/maintenance", tag = "staff", operation_id = "change_maintenance",
    request_body = NewChange,
    responses((status = 200, body = Works, description = "What is closed from now on.")))]
async fn change(
    State(app): State<App>,
    staff: MayClose,
    Body { value: new, .. }: Body<NewChange>,
) -> Result<Json<Works>, Error> {
    if new.platform != ALL && Platform::named(&new.platform).is_none() {
        return Err(Error::invalid(
            "unknown_platform",
            "platform is ios, android, website, huawei, kiosk or all.",
        ));
    }
    let reason = new.reason.trim();
    let fits = (1..=REASON_MAX).contains(&reason.chars().count());
    if !fits || reason.contains(char::is_control) {
        return Err(Error::invalid(
            "reason_missing",
            "Say why, in 1 to 500 characters on one line: it is kept.",
        ));
    }
    if new.closed && new.until.is_some_and(|until| until <= Utc::now()) {
        return Err(Error::invalid("until_is_past", "until is in the past."));
    }
    let change = Change {
        platform: &new.platform,
        closed: new.closed,
        until: new.until,
        reason,
        decided_by: &staff.id,
    };
    maintenance::change(&app.db, change).await?;
    tracing::warn!(staff = %staff.id, platform = %new.platform, closed = new.closed, "maintenance was decided by {}", staff.id);
    Ok(Json(Works { closed: maintenance::closed(&app.db).await? }))
}
