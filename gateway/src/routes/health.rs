//! `/heartbeat`: the process lives. `/readyz`: it can do its work.

use crate::{app::App, error::Error};
use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(heartbeat)).routes(routes!(ready))
}

#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// The process lives.
#[utoipa::path(get, path = "/heartbeat", tag = "health", security(()),
    responses((status = 200, body = Health, description = "It lives.")))]
async fn heartbeat() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The database answers. The engine is not asked: without it reads go on, and starts say so themselves.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = Health, description = "It can do its work.")))]
async fn ready(State(app): State<App>) -> Result<Json<Health>, Error> {
    app.db.ping().await?;
    Ok(Json(Health { status: "ready" }))
}
