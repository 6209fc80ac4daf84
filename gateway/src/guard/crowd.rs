//! How many requests are worked on at a time. Who comes beyond it is told so at once, instead of waiting with the rest.
//!
//! Working begins when all of a request is here, and ends when its answer begins: bodies that are read, and streams of
//! events, take a connection's place only. So does who waits for something to change, from then on: how many may wait
//! is a limit of its own (`changes.rs`), and they look only when there is news.

use crate::{app::App, error::Error, telemetry::WaitsSince};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{cell::Cell, future::Future, sync::Arc, time::Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Webhooks have places of their own: customers cannot take them, and they cannot take customers'.
const WEBHOOKS: usize = 1_024;

/// The places there are.
pub(super) struct Crowd {
    requests: Arc<Semaphore>,
    webhooks: Arc<Semaphore>,
}

/// The place of the request that is being served.
struct Place {
    taken: Cell<Option<OwnedSemaphorePermit>>,
    waits: Cell<Option<Instant>>,
}

tokio::task_local! {
    static PLACE: Place;
}

/// From now on this request only waits for something to change: it gives its place back.
pub(crate) fn waits() {
    // Whoever has no place has none to give.
    let _ = PLACE.try_with(|place| {
        place.waits.set(Some(Instant::now()));
        place.taken.take()
    });
}

impl Crowd {
    pub(super) fn new(requests: usize) -> Self {
        let requests = Semaphore::new(requests.min(Semaphore::MAX_PERMITS));
        Self { requests: Arc::new(requests), webhooks: Arc::new(Semaphore::new(WEBHOOKS)) }
    }

    /// `None`: all are taken.
    async fn serve(&self, path: &str, answer: impl Future<Output = Response>) -> Option<Response> {
        let places = if path.starts_with("/webhooks/") { &self.webhooks } else { &self.requests };
        let taken = Arc::clone(places).try_acquire_owned().ok()?;
        let place = Place { taken: Cell::new(Some(taken)), waits: Cell::new(None) };
        let served = async {
            let mut response = answer.await;
            if let Some(since) = PLACE.with(|place| place.waits.get()) {
                response.extensions_mut().insert(WaitsSince(since));
            }
            response
        };
        Some(PLACE.scope(place, served).await)
    }
}

pub(super) async fn bound(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    // Whoever asks whether we live must not be told that we are busy.
    if ["/heartbeat", "/readyz"].contains(&&*path) {
        return next.run(request).await;
    }
    if let Some(response) = app.guard.crowd.serve(&path, next.run(request)).await {
        return response;
    }
    metrics::counter!("usher_rate_limited_total", "limit" => "in_flight").increment(1);
    Error::Unavailable {
        code: "busy",
        detail: "Too much is asked at once. Nothing was done; send the same request again.",
    }
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::ready;

    #[tokio::test]
    async fn who_waits_gives_their_place_back_and_says_since_when() {
        let crowd = Crowd::new(1);
        let other = || crowd.serve("/api/v1/orders", ready(Response::default()));
        let works = async {
            assert!(other().await.is_none(), "the one place is taken");
            let vendor = crowd.serve("/webhooks/hyperpay", ready(Response::default()));
            assert!(vendor.await.is_some(), "webhooks have their own");
            waits();
            assert!(other().await.is_some());
            Response::default()
        };
        let answer = crowd.serve("/api/v1/orders", works).await.unwrap();
        assert!(answer.extensions().get::<WaitsSince>().is_some());
        let next = other().await.unwrap();
        assert!(next.extensions().get::<WaitsSince>().is_none());
    }
}
