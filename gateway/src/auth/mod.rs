//! Who is asking: JSON Web Tokens of the identity service.
//!
//! | | |
//! |---|---|
//! | `trust.rs`  | which keys are believed, and what a token must say beside being signed |
//! | `caller.rs` | somebody who books, as a handler's argument |
//! | `standing.rs` | what the identity service says of them now: active, permitted, revoked |

mod caller;
mod documented;
mod standing;
mod trust;

pub(crate) use caller::{Caller, IdempotencyKey, counted_as, device, platform};
pub(crate) use documented::{CallerHeader, KeyHeader};
pub(crate) use standing::{Standing, standing};
pub use trust::{Bearer, JwtKey, KeyMaterial, Trust, UnusableKey, Verifier, sign};

use crate::{app::App, error::Error};
use axum::http::{HeaderMap, header, request::Parts};
use serde::{Deserialize, Serialize};

/// What a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    pub sub: String,
    pub kind: Kind,
    /// Only ACTIVE users come in; a token that says nothing of it is taken as active.
    #[serde(default)]
    pub status: Status,
    #[serde(default)]
    pub permissions: Vec<String>,
    /// Seconds since 1970.
    pub exp: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Customer,
    Guest,
    Kiosk,
    Staff,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Guest => "guest",
            Self::Kiosk => "kiosk",
            Self::Staff => "staff",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    #[default]
    Active,
    #[serde(other)]
    Inactive,
}

/// What came with a request in place of a name: a genuine token, or why there is none. Read once, at the door.
#[derive(Clone, Debug)]
pub(crate) struct Presented(pub Result<Bearer, &'static str>);

impl Presented {
    pub(crate) fn of(verifier: &Verifier, headers: &HeaderMap) -> Self {
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        Self(match token {
            Some(token) => verifier.verify(token),
            None => Err("Send a bearer token."),
        })
    }

    /// A kiosk is one by its credential, whatever a header says.
    pub(crate) fn is_kiosk(&self) -> bool {
        self.0.as_ref().is_ok_and(|bearer| bearer.claims.kind == Kind::Kiosk)
    }
}

/// The genuine token of this request.
pub(crate) fn bearer(parts: &Parts, app: &App) -> Result<Bearer, Error> {
    let presented = match parts.extensions.get::<Presented>() {
        Some(presented) => presented.clone(),
        None => Presented::of(&app.verifier, &parts.headers),
    };
    presented.0.map_err(|detail| Error::Unauthorized { detail })
}
