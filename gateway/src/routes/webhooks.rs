//! `/webhooks/{vendor}`: verify on the raw bytes, hand over to the engine, answer.

use super::body::{Named, too_large};
use crate::{app::App, error::Error, telemetry};
use adapters::provider;
use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
};
use sabotage::Rule;
use schema::provider::Provider;
use utoipa_axum::{router::OpenApiRouter, routes};
use workflows::webhook_confirm::Delivery;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(hyperpay)).routes(routes!(nearpay))
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
    let body = body.map_err(|rejection| too_large(&rejection))?;
    deliver(&app, Provider::HyperPay, &headers, None, &body).await
}

/// Hear of a payment at a kiosk
///
/// Nothing is signed: who knows the address may write, and is not believed.
#[utoipa::path(post, path = "/webhooks/nearpay/{secret}", tag = "webhooks", operation_id = "hear_nearpay", security(()),
    params(("secret" = String, Path, description = "What makes the address NearPay's.")),
    request_body(content = serde_json::Value, content_type = "application/json", description = "The notification."),
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
    let body = body.map_err(|rejection| too_large(&rejection))?;
    deliver(&app, Provider::NearPay, &headers, Some(&secret), &body).await
}

/// 200 once the engine has it; 503 if it cannot be kept, so that the vendor sends it again. What its vendor did not
/// write is 401: under a wrongly configured key a genuine one is sent again, too, until the key is mended.
async fn deliver(
    app: &App,
    provider: Provider,
    headers: &HeaderMap,
    path: Option<&str>,
    body: &[u8],
) -> Result<StatusCode, Error> {
    let vendor = app.providers.get(provider).ok_or(Error::NotFound)?;
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    match vendor.read_webhook(provider::Delivery { header: &header, path, body }) {
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
