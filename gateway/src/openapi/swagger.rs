//! `/swagger`: Swagger UI, from assets that are part of the program.

use crate::error::Error;
use axum::{
    Router,
    extract::{Path, rejection::PathRejection},
    http::header,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use std::sync::Arc;
use utoipa_swagger_ui::{Config, serve};

pub(super) fn router<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new()
        .route("/swagger", get(|| async { Redirect::to("/swagger/") }))
        .route("/swagger/", get(|| file("index.html".to_owned())))
        .route("/swagger/{*file}", get(named))
}

/// Nothing from elsewhere. Its styles are inline; its scripts are not.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What is no name at all names nothing.
async fn named(found: Result<Path<String>, PathRejection>) -> Result<Response, Error> {
    let Path(name) = found.map_err(|_| Error::NotFound)?;
    file(name).await
}

async fn file(name: String) -> Result<Response, Error> {
    let config = Config::from("/openapi.json").try_it_out_enabled(true).use_base_layout();
    let file =
        serve(&name, Arc::new(config)).map_err(|error| Error::Internal(error.to_string()))?;
    let file = file.ok_or(Error::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, file.content_type.as_str()),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let encoding = file.gzpipped.then_some([(header::CONTENT_ENCODING, "gzip")]);
    Ok((headers, encoding, file.bytes.into_owned()).into_response())
}
