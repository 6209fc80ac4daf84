//! `/webhooks/{vendor}`: verify on the raw bytes, hand over to the engine, answer.

use super::body::{Named, too_large};
use crate::{app::App, error::Error, telemetry};
use adapters::provider;
use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode},
};
use sabotage::Rule;
use schema::provider::Provider;
use utoipa_axum::{router::OpenApiRouter, routes};
use workflows::webhook_confirm::Delivery;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(hyperpay))
        .routes(routes!(payfort))
        .routes(routes!(checkout))
        .routes(routes!(tabby))
        .routes(routes!(nearpay))
}

/// Hear of a payment from HyperPay
///
/// The body is encrypted; what cannot be decrypted is nobody's.
#[utoipa::path(post, path = "/webhooks/hyperpay", tag = "webhooks", operation_id = "hear_hyperpay", security(()),
    params(
        ("X-Initialization-Vector" = Option<String>, Header, description = "Of the encryption, as hex."),
        ("X-Authentication-Tag" = Option<String>, Header, description = "Of the encryption, as hex."),
    ),
    request_body(content = String, content_type = "text/plain", description = "The encrypted notification, as hex."),
    responses(
        (status = 200, description = "It is kept; the vendor will be asked."),
        (status = 401, description = "HyperPay did not write this."),
        (status = 404, description = "This vendor is not set up here."),
    ))]
async fn hyperpay(
    State(app): State<App>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Error> {
    deliver(&app, Provider::HyperPay, &headers, None, body).await
}

/// Hear of a payment from PayFort
///
/// Direct and later feedback alike, signed in one of its fields.
#[utoipa::path(post, path = "/webhooks/payfort", tag = "webhooks", operation_id = "hear_payfort", security(()),
    request_body(description = "The feedback, signed with the response phrase.", content(
        (String = "application/json"), (String = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "It is kept; the vendor will be asked."),
        (status = 401, description = "PayFort did not write this."),
        (status = 404, description = "This vendor is not set up here."),
    ))]
async fn payfort(
    State(app): State<App>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Error> {
    deliver(&app, Provider::PayFort, &headers, None, body).await
}

/// Hear of a payment from Checkout.com
#[utoipa::path(post, path = "/webhooks/checkout", tag = "webhooks", operation_id = "hear_checkout", security(()),
    params(("Cko-Signature" = Option<String>, Header, description = "HMAC-SHA256 of the raw body, as hex.")),
    request_body(content = String, content_type = "application/json", description = "The event."),
    responses(
        (status = 200, description = "It is kept; the vendor will be asked."),
        (status = 401, description = "Checkout.com did not write this."),
        (status = 404, description = "This vendor is not set up here."),
    ))]
async fn checkout(
    State(app): State<App>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Error> {
    deliver(&app, Provider::Checkout, &headers, None, body).await
}

/// Hear of a payment from Tabby
///
/// Tabby signs nothing: a header agreed on at registration is all there is.
#[utoipa::path(post, path = "/webhooks/tabby", tag = "webhooks", operation_id = "hear_tabby", security(()),
    request_body(content = String, content_type = "application/json", description = "The payment as it is now."),
    responses(
        (status = 200, description = "It is kept; the vendor will be asked."),
        (status = 401, description = "Tabby did not write this."),
        (status = 404, description = "This vendor is not set up here."),
    ))]
async fn tabby(
    State(app): State<App>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Error> {
    deliver(&app, Provider::Tabby, &headers, None, body).await
}

/// Hear of a terminal's transaction
///
/// This vendor signs nothing: the last part of the path is a secret between us.
#[utoipa::path(post, path = "/webhooks/nearpay/{secret}", tag = "webhooks", operation_id = "hear_nearpay", security(()),
    params(("secret" = String, Path, description = "As it was registered.")),
    request_body(content = String, content_type = "application/json", description = "The event."),
    responses(
        (status = 200, description = "It is kept; the vendor will be asked."),
        (status = 401, description = "NearPay did not write this."),
        (status = 404, description = "This vendor is not set up here."),
    ))]
async fn nearpay(
    State(app): State<App>,
    Named(secret): Named<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Error> {
    deliver(&app, Provider::NearPay, &headers, Some(&secret), body).await
}

/// 200 once the engine has it; 503 if it cannot be kept, so that the vendor sends it again. What its vendor did not
/// write is 401: under a wrongly configured key a genuine one is sent again, too, until the key is mended.
async fn deliver(
    app: &App,
    provider: Provider,
    headers: &HeaderMap,
    path: Option<&str>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Error> {
    let body = body.map_err(|rejection| too_large(&rejection))?;
    let vendor = app.providers.get(provider).ok_or(Error::NotFound)?;
    // Of a header that comes twice nobody knows which one counts: together they are neither.
    let header = |name: &str| {
        let values: Result<Vec<_>, _> =
            headers.get_all(name).iter().map(HeaderValue::to_str).collect();
        values.ok().filter(|values| !values.is_empty()).map(|values| values.join(", "))
    };
    match vendor.read_webhook(provider::Delivery { header: &header, path, body: &body }) {
        Ok(mut hint) => {
            if Rule::WebhookDedupe.is_out() {
                hint.event = sabotage::unlike_any_other(&hint.event);
            }
            let kept = app.engine.confirm(Delivery { provider, hint }).await;
            telemetry::delivery(provider, if kept.is_ok() { "taken" } else { "not_kept" });
            kept?;
            Ok(StatusCode::OK)
        }
        Err(error) => {
            telemetry::delivery(provider, "refused");
            tracing::warn!(vendor = %provider, %error, "a webhook of {provider} was refused: {error}");
            Err(Error::Unauthorized { detail: "The delivery could not be verified." })
        }
    }
}
