//! What a request says, read strictly: its body with a hash (the same key with another hash is another request), its
//! query, and the names in its path.

use crate::{app::App, error::Error};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::BytesRejection},
    http::{StatusCode, request::Parts},
};
use data_encoding::HEXLOWER;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// A JSON body that is what the route expects, and nothing else.
pub(super) struct Body<T> {
    pub value: T,
    /// Of what it means, not of how it was written: white space and the order of fields do not matter.
    pub hash: String,
}

impl<T: DeserializeOwned + Serialize> FromRequest<App> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self, Error> {
        let bytes =
            Bytes::from_request(request, app).await.map_err(|rejection| too_large(&rejection))?;
        let value: T = serde_json::from_slice(&bytes).map_err(|error| Error::Invalid {
            code: "invalid_body",
            detail: Cow::Owned(format!("The body is not what this route takes: {error}.")),
        })?;
        let canonical =
            serde_json::to_vec(&value).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { value, hash: HEXLOWER.encode(&Sha256::digest(&canonical)) })
    }
}

pub(crate) fn too_large(rejection: &BytesRejection) -> Error {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Error::TooLarge
    } else {
        Error::invalid("unreadable_body", "The body could not be read to its end.")
    }
}

/// A query that is what the route expects, and nothing else.
pub(super) struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Asked<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Error> {
        let Query(value) = Query::try_from_uri(&parts.uri).map_err(|rejection| Error::Invalid {
            code: "invalid_query",
            detail: rejection.body_text().into(),
        })?;
        Ok(Self(value))
    }
}

/// The names in the path. What is no name at all names nothing.
pub(super) struct Named<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Named<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let found = Path::<T>::from_request_parts(parts, app).await;
        let Path(names) = found.map_err(|_| Error::NotFound)?;
        Ok(Self(names))
    }
}
