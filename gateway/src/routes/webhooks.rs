//! `/webhooks/{vendor}`: verify on the raw bytes, hand over to the engine, answer.

use super::body::{Named, too_large};
use crate::{app::App, engine::Sent, error::Error, guard::Client, refused::Knock, telemetry};
use adapters::{error::Forgery, provider};
use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode},
};
use sabotage::Rule;
use schema::{provider::Provider, states::Refusal};
use std::net::IpAddr;
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
    client: Client,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Error> {
    deliver(&app, Provider::HyperPay, (client.counted(), &headers), None, body).await
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
    client: Client,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Error> {
    deliver(&app, Provider::PayFort, (client.counted(), &headers), None, body).await
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
    client: Client,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Error> {
    deliver(&app, Provider::Checkout, (client.counted(), &headers), None, body).await
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
    client: Client,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Error> {
    deliver(&app, Provider::Tabby, (client.counted(), &headers), None, body).await
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
    client: Client,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Error> {
    deliver(&app, Provider::NearPay, (client.counted(), &headers), Some(&secret), body).await
}

/// 200 once the engine has it; 503 if it cannot be kept, so that the vendor sends it again. What its vendor did not
/// write is 401: under a wrongly configured key a genuine one is sent again, too, until the key is mended. Whatever begins
/// nothing is kept apart (`refused`).
async fn deliver(
    app: &App,
    provider: Provider,
    (address, headers): (IpAddr, &HeaderMap),
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
    let knock = Knock { provider, headers, body: Some(&body), address };
    let mut hint = match vendor.read_webhook(provider::Delivery {
        header: &header,
        path,
        body: &body,
    }) {
        Ok(hint) => hint,
        Err(error) => {
            let (refusal, reason) = refused(&error);
            telemetry::delivery(provider, "refused");
            app.refused.keep(&knock, refusal, reason);
            tracing::warn!(vendor = %provider, %error, "a webhook of {provider} was refused: {error}");
            return Err(Error::Unauthorized { detail: "The delivery could not be verified." });
        }
    };
    if Rule::WebhookDedupe.is_out() {
        hint.event = sabotage::unlike_any_other(&hint.event);
    }
    let sent = app.engine.confirm(Delivery { provider, hint }).await;
    telemetry::delivery(provider, if sent.is_ok() { "taken" } else { "not_kept" });
    let began_nothing = match &sent {
        Ok(Sent::Now) => None,
        Ok(Sent::Before) => Some((Refusal::Repeated, "the event was told before")),
        Err(_) => Some((Refusal::NotKept, "the engine did not take it")),
    };
    if let Some((refusal, reason)) = began_nothing {
        app.refused.keep(&knock, refusal, reason);
    }
    sent?;
    Ok(StatusCode::OK)
}

/// Why it was refused, in a word and in ours.
const fn refused(error: &adapters::Error) -> (Refusal, &'static str) {
    match error {
        adapters::Error::Forged { forgery, reason } => match forgery {
            Forgery::Unproven => (Refusal::Forged, *reason),
            Forgery::Elsewhere => (Refusal::WrongChannel, *reason),
            Forgery::Unreadable => (Refusal::Unreadable, *reason),
        },
        adapters::Error::Unavailable { .. }
        | adapters::Error::Unknown { .. }
        | adapters::Error::Refused { .. } => (Refusal::Unreadable, "its adapter cannot read it"),
    }
}
