//! How many requests are worked on at a time. Who comes beyond it is told so at once, instead of waiting with the rest.

use crate::{app::App, error::Error};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;

/// Webhooks have places of their own: customers cannot take them, and they cannot take customers'.
const WEBHOOKS: usize = 1_024;

/// The places there are.
pub(super) struct Crowd {
    requests: Semaphore,
    webhooks: Semaphore,
}

impl Crowd {
    pub(super) fn new(requests: usize) -> Self {
        let requests = Semaphore::new(requests.min(Semaphore::MAX_PERMITS));
        Self { requests, webhooks: Semaphore::new(WEBHOOKS) }
    }
}

/// Until the answer begins: a stream of events takes no place while it is read.
pub(super) async fn bound(State(app): State<App>, request: Request, next: Next) -> Response {
    let places = match request.uri().path() {
        "/heartbeat" => return next.run(request).await,
        path if path.starts_with("/webhooks/") => &app.guard.crowd.webhooks,
        _ => &app.guard.crowd.requests,
    };
    let Ok(_place) = places.try_acquire() else {
        metrics::counter!("usher_rate_limited_total", "limit" => "in_flight").increment(1);
        return Error::Unavailable {
            code: "busy",
            detail: "Too much is asked at once. Nothing was done; send the same request again.",
        }
        .into_response();
    };
    next.run(request).await
}
