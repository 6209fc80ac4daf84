//! Staff, by what they may do. As a handler's argument each is its own permission.

use crate::{
    app::App,
    auth::{Claims, Kind},
    error::Error,
};
use axum::{extract::FromRequestParts, http::request::Parts};

const READ: &str = "cases:read";
const DECIDE: &str = "cases:decide";

/// Every permission there is.
pub const PERMISSIONS: [&str; 2] = [READ, DECIDE];

/// Somebody who may see what waits, and what is to be decided.
#[derive(Clone, Debug)]
pub(crate) struct MayRead;

/// Somebody who may decide.
#[derive(Clone, Debug)]
pub(crate) struct MayDecide {
    /// `staff:…`
    pub id: String,
}

impl FromRequestParts<App> for MayRead {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        permitted(parts, app, READ).map(|_| Self)
    }
}

impl FromRequestParts<App> for MayDecide {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let claims = permitted(parts, app, DECIDE)?;
        Ok(Self { id: format!("staff:{}", claims.sub) })
    }
}

fn permitted(parts: &Parts, app: &App, permission: &'static str) -> Result<Claims, Error> {
    let claims = app.verifier.verify(&parts.headers)?;
    let may = claims.kind == Kind::Staff && claims.permissions.iter().any(|has| has == permission);
    if may { Ok(claims) } else { Err(Error::Forbidden { permission }) }
}
