//! `/heartbeat`: the process lives. `/readyz`: it can do its work.

use crate::{app::App, error::Error};
use axum::{Json, Router, extract::State, routing::get};
use serde_json::{Value, json};

pub(super) fn router() -> Router<App> {
    Router::new().route("/heartbeat", get(heartbeat)).route("/readyz", get(ready))
}

async fn heartbeat() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// The database answers. The engine is not asked: without it reads go on, and starts say so themselves.
async fn ready(State(app): State<App>) -> Result<Json<Value>, Error> {
    app.db.ping().await?;
    Ok(Json(json!({ "status": "ready" })))
}
