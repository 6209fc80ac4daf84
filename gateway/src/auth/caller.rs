//! Somebody who books, as a handler's argument: a customer, a guest or a kiosk, on a platform and a device.

use super::{Bearer, Kind, Presented, Standing, bearer, standing};
use crate::{app::App, error::Error, guard::Limits};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use data_encoding::HEXLOWER;
use schema::{holds::Allowance, provider::Platform};
use sha2::{Digest, Sha256};

/// As a handler's argument it is the permission.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// `customer:…`, `guest:…`, `kiosk:…`.
    pub id: String,
    pub platform: Platform,
    /// A hash of what the device says of itself.
    device: Option<String>,
}

impl Caller {
    /// The kiosk's name in its token; None for everybody else.
    pub(crate) fn kiosk(&self) -> Option<&str> {
        (self.platform == Platform::Kiosk).then(|| self.id.strip_prefix("kiosk:")).flatten()
    }

    /// Somebody who comes back: guests and kiosks have no cards of their own.
    pub(crate) fn saves_cards(&self) -> bool {
        self.id.starts_with("customer:")
    }

    /// What a booking of theirs is counted by. Kiosks, by their credential, hold what their queue wants.
    pub(crate) fn allowance(&self, limits: &Limits) -> Allowance {
        let counted = self.platform != Platform::Kiosk;
        Allowance { device: self.device.clone(), most: counted.then_some(limits.held) }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let bearer = bearer(parts, app)?;
        if bearer.claims.kind == Kind::Staff {
            return Err(Error::Unauthorized { detail: "Staff do not book with this token." });
        }
        // An identity service that is silent keeps no customer from booking: then the token counts.
        if let Standing::Refused = standing(app, &bearer).await {
            return Err(Error::Unauthorized { detail: "The token was taken back." });
        }
        let device = device(&parts.headers)?;
        let Bearer { claims, .. } = &bearer;
        let platform = platform(&parts.headers, claims.kind == Kind::Kiosk)?;
        Ok(Self { id: format!("{}:{}", claims.kind.name(), claims.sub), platform, device })
    }
}

/// The platform that a request is from. A kiosk is one by its credential, not by what it says of itself.
pub(crate) fn platform(headers: &HeaderMap, is_kiosk: bool) -> Result<Platform, Error> {
    const UNKNOWN: Error = Error::invalid(
        "unknown_platform",
        "x-device-platform is one of ios, android, website, huawei.",
    );
    let named = match headers.get("x-device-platform").map(|value| value.to_str()) {
        None => None,
        Some(name) => Some(name.ok().and_then(Platform::named).ok_or(UNKNOWN)?),
    };
    match (is_kiosk, named) {
        (true, _) => Ok(Platform::Kiosk),
        (false, None) => Ok(Platform::Website),
        (false, Some(Platform::Kiosk)) => Err(UNKNOWN),
        (false, Some(platform)) => Ok(platform),
    }
}

/// A hash of `x-device-id`, if there is one: enough to count by, and nothing to follow anybody with.
pub(crate) fn device(headers: &HeaderMap) -> Result<Option<String>, Error> {
    const WRONG: Error =
        Error::invalid("invalid_device", "x-device-id is 1 to 128 printable characters.");
    let Some(said) = headers.get("x-device-id") else { return Ok(None) };
    let said = said.as_bytes();
    if !(1..=128).contains(&said.len()) || !said.iter().all(u8::is_ascii_graphic) {
        return Err(WRONG);
    }
    let hash = Sha256::digest(said);
    Ok(Some(HEXLOWER.encode(hash.get(..16).unwrap_or_default())))
}

/// The caller's name for what it wants: the same key means the same thing.
pub(crate) struct IdempotencyKey(pub String);

impl FromRequestParts<App> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Error> {
        const WRONG: Error = Error::invalid(
            "idempotency_key_missing",
            "Send an Idempotency-Key of 1 to 255 printable characters, for example a UUID, and the same one again \
             when you repeat the request.",
        );
        let value = parts.headers.get("idempotency-key").ok_or(WRONG)?;
        let text = value.to_str().map_err(|_| WRONG)?.trim();
        // A structured-field string is quoted; many clients send it bare.
        let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let sound = (1..=255).contains(&key.len()) && key.chars().all(|c| c.is_ascii_graphic());
        if sound { Ok(Self(key.to_owned())) } else { Err(WRONG) }
    }
}

/// Whose requests these are, as they are counted: `customer:…`; None for nobody in particular.
pub(crate) fn counted_as(presented: &Presented) -> Option<String> {
    let claims = &presented.0.as_ref().ok()?.claims;
    Some(format!("{}:{}", claims.kind.name(), claims.sub))
}
