//! `/api/v1/cinemas/{c}/sessions/{s}/seats`: which seats there are, which are free, what they cost. Read from Vista.

use crate::{app::App, auth::Caller, error::Error};
use adapters::vista::{SeatPlan, TicketType};
use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use serde::Serialize;
use std::time::Duration;

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/v1/cinemas/{cinema}/sessions/{session}/seats", get(show))
}

#[derive(Serialize)]
struct Seats {
    #[serde(flatten)]
    plan: SeatPlan,
    ticket_types: Vec<TicketType>,
}

/// The seats of a session as they are now.
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((cinema, session)): Path<(String, String)>,
) -> Result<Json<Seats>, Error> {
    let sound =
        |id: &str| (1..=16).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric());
    if !sound(&cinema) || !sound(&session) {
        return Err(Error::NotFound);
    }
    let within = Duration::from_secs(8);
    let plan = app.vista.seat_plan(caller.platform, &cinema, &session, within).await;
    let types = app.vista.ticket_types(caller.platform, &cinema, &session, within).await;
    match (plan, types) {
        (Ok(Some(plan)), Ok(Some(ticket_types))) => Ok(Json(Seats { plan, ticket_types })),
        (Ok(_), Ok(_)) => Err(Error::NotFound),
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, "the seat plan of {cinema}/{session} cannot be read: {error}");
            Err(Error::Unavailable {
                code: "vista_away",
                detail: "The cinema does not answer. Try again in a moment.",
            })
        }
    }
}
