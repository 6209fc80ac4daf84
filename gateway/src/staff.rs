//! Staff, by what they may do. As a handler's argument each is its own permission.
//!
//! While the identity service is silent, looking goes on with what was known, and nobody decides about money.

use crate::{
    app::App,
    auth::{Kind, Standing, bearer, standing},
    error::Error,
};
use axum::{extract::FromRequestParts, http::request::Parts};

const READ: &str = "cases:read";
const DECIDE: &str = "cases:decide";
const CLOSE: &str = "maintenance:write";

/// Every permission there is.
pub const PERMISSIONS: [&str; 3] = [READ, DECIDE, CLOSE];

/// Somebody who may see what waits, and what is to be decided.
#[derive(Clone, Debug)]
pub(crate) struct MayRead;

/// Somebody who may decide.
#[derive(Clone, Debug)]
pub(crate) struct MayDecide {
    /// `staff:…`
    pub id: String,
}

/// Somebody who may close the house for works, and open it. It moves no money, so it goes on without identity.
#[derive(Clone, Debug)]
pub(crate) struct MayClose {
    /// `staff:…`
    pub id: String,
}

/// Whether it may be done while nobody can say how its doer stands today.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unasked {
    GoesOn,
    Waits,
}

impl FromRequestParts<App> for MayRead {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        permitted(parts, app, READ, Unasked::GoesOn).await.map(|_| Self)
    }
}

impl FromRequestParts<App> for MayDecide {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        Ok(Self { id: permitted(parts, app, DECIDE, Unasked::Waits).await? })
    }
}

impl FromRequestParts<App> for MayClose {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        Ok(Self { id: permitted(parts, app, CLOSE, Unasked::GoesOn).await? })
    }
}

/// `staff:…`, if they may.
async fn permitted(
    parts: &Parts,
    app: &App,
    permission: &'static str,
    unasked: Unasked,
) -> Result<String, Error> {
    let bearer = bearer(parts, app)?;
    if bearer.claims.kind != Kind::Staff {
        return Err(Error::Forbidden { permission });
    }
    let permissions = match standing(app, &bearer).await {
        Standing::Good { permissions } => permissions,
        Standing::Refused => {
            return Err(Error::Unauthorized { detail: "The token was taken back." });
        }
        Standing::Silent { permissions } if unasked == Unasked::GoesOn => permissions,
        Standing::Silent { .. } => {
            return Err(Error::Unavailable {
                code: "identity_away",
                detail: "Nobody can say now whether you may. Nothing was done; try again in a moment.",
            });
        }
    };
    if permissions.iter().any(|has| has == permission) {
        Ok(format!("staff:{}", bearer.claims.sub))
    } else {
        Err(Error::Forbidden { permission })
    }
}
