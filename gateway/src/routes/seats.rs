//! `/api/v1/cinemas/{c}/sessions/{s}/seats`: which seats there are, which are free, what they cost. Read from Vista.

use super::body::Named;
use crate::{
    app::App,
    auth::{Caller, CallerHeader},
    error::Error,
};
use adapters::vista::{SeatPlan, TicketType};
use axum::{Json, extract::State};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// The seats of a session, and the kinds of ticket for them.
#[derive(Serialize, ToSchema)]
struct Seats {
    #[serde(flatten)]
    plan: SeatPlan,
    ticket_types: Vec<TicketType>,
}

/// See the seats of a session
///
/// As they are now, read from the cinema.
#[utoipa::path(get, path = "/api/v1/cinemas/{cinema}/sessions/{session}/seats", tag = "sessions",
    operation_id = "show_seats",
    params(
        ("cinema" = String, Path, description = "The cinema.", example = "0001", pattern = "^[A-Za-z0-9]{1,16}$"),
        ("session" = String, Path, description = "The session.", example = "1001", pattern = "^[A-Za-z0-9]{1,16}$"),
        CallerHeader,
    ),
    responses(
        (status = 200, body = Seats, description = "The seats, and the kinds of ticket."),
        (status = 404, description = "There is no such session."),
    ))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Named((cinema, session)): Named<(String, String)>,
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
