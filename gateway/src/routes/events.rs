//! `/api/v1/orders/{id}/events`: a booking as a stream of server-sent events, the whole booking with each.

use super::{body::Named, waiting};
use crate::{
    app::App,
    auth::{Caller, CallerHeader},
    changes::Watching,
    error::Error,
    preferences::LastEvent,
    view::BookingView,
};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::stream;
use schema::ids::BookingId;
use std::{convert::Infallible, time::Duration};
use tokio::time::Instant;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(listen))
}

/// A stream lives no longer; its reader comes back and goes on.
const LIFE: Duration = Duration::from_mins(15);
const HEARTBEAT: Duration = Duration::from_secs(15);
/// When a reader whose stream has ended comes back.
const RETRY: Duration = Duration::from_secs(2);

/// For the documentation: one event, as its reader sees it.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it describes what `Telling` sends")]
struct StreamEvent {
    /// `booking` or `end`.
    event: Option<String>,
    /// The booking's version.
    id: Option<String>,
    /// Milliseconds after which to come back.
    retry: Option<u32>,
    /// JSON: the booking; or why the stream ends.
    data: String,
}

/// Listen to a booking
///
/// Server-sent events. `booking`: the booking (as `GET` shows it), now and after every change; its id is the version.
/// `end`: the last event, with `because`: `final`, nothing more happens, close; `time`, the stream has lived for fifteen
/// minutes; `away`, we cannot look right now. A reader that comes back with `Last-Event-ID` is told only what it has not
/// seen; when that is nothing, and nothing more will happen, the answer is 204. A comment every fifteen seconds keeps
/// the connection open.
#[utoipa::path(get, path = "/api/v1/orders/{booking}/events", tag = "orders", operation_id = "listen_to_order",
    params(
        ("booking" = BookingId, Path, description = "The booking."),
        ("Last-Event-ID" = Option<String>, Header, description = "The version that was told last."),
        CallerHeader,
    ),
    responses(
        (status = 200, body = StreamEvent, content_type = "text/event-stream", description = "The stream.",
         example = "event: booking\nid: 3\nretry: 2000\ndata: {\"id\":\"bk_…\",\"version\":3}\n\n"),
        (status = 204, description = "You have seen everything, and nothing more happens."),
        (status = 404, description = "There is nothing of yours here."),
    ))]
async fn listen(
    State(app): State<App>,
    caller: Caller,
    Named(booking): Named<String>,
    LastEvent(seen): LastEvent,
) -> Result<Response, Error> {
    let booking: BookingId = booking.parse().map_err(|_| Error::NotFound)?;
    let now = waiting::look(&app, &caller, booking).await?;
    if seen == Some(now.version) && now.standing.is_final() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let watching = app.changes.watch(&caller.id, booking).ok_or(Error::Unavailable {
        code: "too_many_streams",
        detail: "Too many wait already. Close another stream, or ask without one.",
    })?;
    let ends_at = Instant::now() + LIFE;
    let telling =
        Telling { app, caller, booking, watching, told: seen, phase: Phase::Live, ends_at };
    let events = stream::unfold(telling, Telling::next);
    let headers = [(header::CACHE_CONTROL, "private, no-cache")];
    let alive = KeepAlive::new().interval(HEARTBEAT).text("still here");
    Ok((headers, Sse::new(events).keep_alive(alive)).into_response())
}

/// One reader of one booking.
struct Telling {
    app: App,
    caller: Caller,
    booking: BookingId,
    watching: Watching,
    /// The version that the reader has.
    told: Option<i32>,
    phase: Phase,
    ends_at: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Live,
    /// The last booking is told; the end is not.
    Final,
    Over,
}

impl Telling {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let event = match self.phase {
            Phase::Live => self.change().await,
            Phase::Final => self.end("final"),
            Phase::Over => return None,
        };
        Some((Ok(event), self))
    }

    /// The booking, once it is another than the reader has.
    async fn change(&mut self) -> Event {
        loop {
            let Ok(now) = waiting::look(&self.app, &self.caller, self.booking).await else {
                return self.end("away");
            };
            let version = now.version;
            if self.told == Some(version) {
                if self.watching.past(version, self.ends_at).await.is_none() {
                    return self.end("time");
                }
                continue;
            }
            self.told = Some(version);
            if now.standing.is_final() {
                self.phase = Phase::Final;
            }
            let event = Event::default().event("booking").id(version.to_string()).retry(RETRY);
            let Ok(event) = event.json_data(BookingView::of(&self.app, now)) else {
                return self.end("away");
            };
            return event;
        }
    }

    fn end(&mut self, because: &str) -> Event {
        self.phase = Phase::Over;
        Event::default().event("end").data(format!("{{\"because\":\"{because}\"}}"))
    }
}
