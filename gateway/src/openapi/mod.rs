//! The documentation: `/openapi.json`, made from the routes themselves, and `/swagger`, which shows it.
//!
//! A route says what is its own; what all of them share is said once, in `shared`.

mod shared;
mod swagger;

use axum::{Router, http::header, routing::get};
use utoipa::openapi::{
    Components, InfoBuilder, OpenApi, OpenApiBuilder, SecurityRequirement,
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    tag::TagBuilder,
};
use utoipa_axum::router::OpenApiRouter;

const ABOUT: &str = "\
Books cinema tickets: ask for seats, pay, get a ticket.

Whatever is started answers 202 and goes on by itself. Three ways to see what becomes of it: ask now \
(`GET /api/v1/orders/{booking}`), ask and wait for a change (`Prefer: wait=25`, `If-None-Match`), or listen \
(`GET /api/v1/orders/{booking}/events`). `standing` says what to show.

Every POST of a customer takes an `Idempotency-Key`. A request without an answer may be sent again with the same key: it names the \
same thing. Amounts are minor units (halalas).";

/// What every part of the API belongs to.
const TAGS: [(&str, &str); 8] = [
    ("orders", "Ask for seats, watch what becomes of them, call it off."),
    ("payments", "Pay for a booking, as often as it takes."),
    ("cards", "Save a card at a vendor, pay with it, delete it."),
    ("sessions", "What can be booked."),
    ("passes", "For the phones that keep tickets in Apple's wallet; the paths are Apple's."),
    ("staff", "What waits, and what people decide. It takes a token of staff."),
    ("webhooks", "For the payment vendors."),
    ("health", "For whoever runs it."),
];

/// An empty document that routes are added to.
pub(crate) fn document() -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("A token of the identity service."));
    let mut components = Components::new();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    let tags =
        TAGS.map(|(name, says)| TagBuilder::new().name(name).description(Some(says)).build());
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Usher")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(ABOUT))
                .build(),
        )
        .tags(Some(tags))
        .components(Some(components))
        .security(Some([SecurityRequirement::new("bearer", [""; 0])]))
        .build()
}

/// The routes, with their documentation beside them.
pub(crate) fn documented<S>(described: OpenApiRouter<S>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let (router, mut api) = described.split_for_parts();
    shared::complete(&mut api);
    // Our own types always can be written.
    let json = axum::body::Bytes::from(serde_json::to_vec(&api).unwrap_or_default());
    let kind = [(header::CONTENT_TYPE, "application/json")];
    router.route("/openapi.json", get(move || async move { (kind, json) })).merge(swagger::router())
}
