//! The routes, and the limits that all of them share.

mod apple_pay;
mod body;
mod card_form;
mod card_owner;
mod cards;
mod cases;
mod choosing;
mod deliveries;
mod events;
mod health;
mod kiosk;
mod maintenance;
mod order_list;
mod orders;
mod passes;
mod pay;
mod payments;
mod seats;
mod stuck;
mod tickets;
mod waiting;
mod ways_to_pay;
mod webhooks;

use crate::{
    app::App,
    error::Error,
    guard,
    openapi::{document, documented},
    telemetry,
};
use axum::{Router, extract::DefaultBodyLimit, middleware};
pub(crate) use body::too_large;
use std::{future::Future, time::Duration};
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn router(app: App) -> Router {
    let routes = OpenApiRouter::with_openapi(document())
        .merge(orders::router())
        .merge(order_list::router())
        .merge(events::router())
        .merge(tickets::router())
        .merge(passes::router())
        .merge(payments::router())
        .merge(cards::router())
        .merge(card_form::router())
        .merge(apple_pay::router())
        .merge(kiosk::router())
        .merge(seats::router())
        .merge(pay::router())
        .merge(webhooks::router())
        .merge(cases::router())
        .merge(stuck::router())
        .merge(deliveries::router())
        .merge(maintenance::router())
        .merge(health::router());
    let routes = documented(routes)
        .method_not_allowed_fallback(|| async { Error::MethodNotAllowed })
        .fallback(|| async { Error::NotFound });
    guard::around(routes, &app)
        .layer(middleware::from_fn(telemetry::watch))
        .layer(DefaultBodyLimit::max(guard::BODY_LIMIT))
        .with_state(app)
}

/// Looks until there is something to see, for a second at most: a workflow that has just been started writes its row
/// within milliseconds.
async fn appears<T, Look, Found>(mut look: Look) -> Result<Option<T>, Error>
where
    Look: FnMut() -> Found,
    Found: Future<Output = Result<Option<T>, Error>>,
{
    const WAITS_MS: [u64; 14] = [2, 3, 5, 8, 12, 20, 30, 50, 70, 100, 100, 200, 200, 200];
    for wait in WAITS_MS {
        if let Some(found) = look().await? {
            return Ok(Some(found));
        }
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
    look().await
}
