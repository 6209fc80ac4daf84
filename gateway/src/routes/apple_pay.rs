//! Apple Pay on the web: the session that a browser's sheet opens with, and the proof that the domain is ours.

use super::body::Body;
use crate::{
    app::App,
    auth::{Caller, CallerHeader},
    error::Error,
};
use adapters::apple_pay::is_validation_url;
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use schema::provider::Provider;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(session)).routes(routes!(association))
}

/// Which sheet.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApplePaySheet, example = json!({ "provider": "checkout" }))]
struct Sheet {
    /// The vendor that will take the money: each has a merchant of its own at Apple.
    provider: Provider,
    /// The sheet's `event.validationURL`. It need not be sent, and is never asked: it is only refused if it is not Apple's.
    #[serde(default)]
    validation_url: Option<String>,
}

/// Open Apple's payment sheet
///
/// The answer is Apple's own, for `completeMerchantValidation`: for one sheet, and at once.
#[utoipa::path(post, path = "/api/v1/payments/apple-pay/session", tag = "payments", operation_id = "open_apple_pay",
    params(CallerHeader),
    request_body = Sheet,
    responses(
        (status = 200, body = serde_json::Value, content_type = "application/json", description = "Apple's session, as it is."),
        (status = 404, description = "Apple Pay is not set up here with this vendor."),
    ))]
async fn session(
    State(app): State<App>,
    _caller: Caller,
    Body { value: Sheet { provider, validation_url }, .. }: Body<Sheet>,
) -> Result<Response, Error> {
    if validation_url.is_some_and(|url| !is_validation_url(&url)) {
        return Err(Error::invalid(
            "validation_url",
            "validation_url is the sheet's event.validationURL, or nothing.",
        ));
    }
    let apple_pay = app.apple_pay.as_ref().ok_or(Error::NotFound)?;
    match apple_pay.session(provider).await.ok_or(Error::NotFound)? {
        Ok(session) => Ok(([(header::CONTENT_TYPE, "application/json")], session).into_response()),
        Err(error) => {
            tracing::warn!(%error, "no session of Apple's for {provider}: {error}");
            Err(Error::Unavailable {
                code: "apple_pay_away",
                detail: "Apple has not answered. Nothing was begun; open the sheet again, or pay another way.",
            })
        }
    }
}

/// Prove to Apple that the domain is ours
#[utoipa::path(get, path = "/.well-known/apple-developer-merchantid-domain-association", tag = "health", security(()),
    operation_id = "show_domain_association",
    responses(
        (status = 200, body = String, content_type = "text/plain", description = "The file that Apple has given us."),
        (status = 404, description = "Apple has given us none."),
    ))]
async fn association(State(app): State<App>) -> Result<String, Error> {
    app.settings.domain_association.clone().ok_or(Error::NotFound)
}
