//! `/webhooks/{vendor}`: verify on the raw bytes, hand over to the engine, answer.

use super::body::too_large;
use crate::{app::App, error::Error, telemetry};
use axum::{
    Router,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use sabotage::Rule;
use schema::provider::Provider;
use workflows::webhook_confirm::Delivery;

pub(super) fn router() -> Router<App> {
    Router::new().route("/webhooks/hyperpay", post(hyperpay))
}

async fn hyperpay(
    State(app): State<App>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Error> {
    let body = body.map_err(|rejection| too_large(&rejection))?;
    deliver(&app, Provider::HyperPay, &headers, &body).await
}

/// 200 once the engine has it; 503 if it cannot be kept, so that the vendor sends it again. What its vendor did not
/// write is 401: under a wrongly configured key a genuine one is sent again, too, until the key is mended.
async fn deliver(
    app: &App,
    provider: Provider,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<StatusCode, Error> {
    let vendor = app.providers.get(provider).ok_or(Error::NotFound)?;
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    match vendor.read_webhook(&header, body) {
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
