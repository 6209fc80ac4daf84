//! Closed for maintenance, for one platform or for all: nothing new is begun.
//!
//! What goes on: webhooks and the ways to and from a vendor's page (money that is on its way must be heard of), looking
//! at one's bookings, tickets and cards, and passes in wallets (who has paid must be able to see it), deleting a card,
//! staff, the documentation, and whether we live.

use crate::{
    app::App,
    auth::{self, Presented},
    error::Error,
    telemetry::OnPurpose,
};
use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::Utc;
use schema::{
    Db,
    maintenance::{self, Closed},
    provider::Platform,
};
use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

/// For everybody.
pub(crate) const ALL: &str = "all";

/// How long a decision may take to be known to every gateway.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(2);

/// When nobody has said how long it takes, and at most.
const RETRY_AFTER_S: (u64, u64) = (60, 3_600);

/// What was closed when it was last looked at. While the database is away, that goes on to count.
#[derive(Default)]
pub(super) struct Works(RwLock<Vec<Closed>>);

impl Works {
    pub(super) async fn look(&self, db: &Db) {
        match maintenance::closed(db).await {
            Ok(closed) => *self.0.write().unwrap_or_else(PoisonError::into_inner) = closed,
            Err(error) => tracing::warn!(%error, "what is closed is not known: {error}"),
        }
    }

    /// Seconds until it makes sense to ask again, if it is closed for this platform.
    fn closed_for(&self, platform: Option<Platform>) -> Option<u64> {
        let closed = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let name = platform.map_or(ALL, Platform::name);
        let found = closed.iter().find(|it| it.platform == ALL || it.platform == name)?;
        let (usual, most) = RETRY_AFTER_S;
        let Some(until) = found.until else { return Some(usual) };
        // Over already, and not yet looked at again: open.
        let left = u64::try_from((until - Utc::now()).num_seconds()).ok()?;
        Some(left.saturating_add(1).min(most))
    }
}

pub(super) async fn closed(State(app): State<App>, request: Request, next: Next) -> Response {
    if goes_on(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    let kiosk = request.extensions().get::<Presented>().is_some_and(Presented::is_kiosk);
    // What is no platform is refused further in; here it is closed when all are.
    let platform = auth::platform(request.headers(), kiosk).ok();
    match app.guard.works.closed_for(platform) {
        Some(retry_after_s) => {
            let mut response = Error::Maintenance { retry_after_s }.into_response();
            response.extensions_mut().insert(OnPurpose);
            response
        }
        None => next.run(request).await,
    }
}

fn goes_on(method: &Method, path: &str) -> bool {
    const OPEN: [&str; 12] = [
        "/heartbeat",
        "/readyz",
        "/metrics",
        "/webhooks/",
        "/pay/",
        "/return/",
        "/v1/",
        "/api/v1/cms/",
        "/openapi.json",
        "/swagger",
        "/.well-known/",
        // Who is signed in can give money back.
        "/api/v1/kiosk/",
    ];
    let reads = [Method::GET, Method::HEAD].contains(method);
    let own = path.starts_with("/api/v1/orders") || path.starts_with("/api/v1/cards");
    let ends = *method == Method::DELETE;
    OPEN.iter().any(|open| path.starts_with(open)) || own && (reads || ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_new_is_begun_and_all_else_goes_on() {
        for path in
            ["/v1/passes/a/b", "/v1/log", "/webhooks/hyperpay", "/swagger/", "/openapi.json"]
        {
            assert!(goes_on(&Method::POST, path), "{path}");
        }
        assert!(goes_on(&Method::GET, "/api/v1/orders/bk_1"));
        assert!(goes_on(&Method::GET, "/api/v1/cards"));
        assert!(goes_on(&Method::DELETE, "/api/v1/cards/card_1"));
        assert!(!goes_on(&Method::POST, "/api/v1/cards"));
        assert!(!goes_on(&Method::POST, "/api/v1/orders"));
        assert!(!goes_on(&Method::GET, "/api/v1/cinemas/1/sessions/1/seats"));
    }
}
