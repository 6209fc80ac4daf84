//! Who is asking: JSON Web Tokens of the identity service, with the algorithm pinned to the key.

use crate::{app::App, error::Error};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use schema::provider::Platform;
use secrecy::{ExposeSecret, SecretString};
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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    #[default]
    Active,
    #[serde(other)]
    Inactive,
}

/// The key that tokens are verified with. The algorithm follows from it, never from the token.
pub enum JwtKey {
    /// HS256.
    Secret(SecretString),
    /// RS256, PEM.
    PublicKey(String),
}

/// Verifies tokens.
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl Verifier {
    /// Fails if the public key is not a PEM of an RSA key.
    pub fn new(key: &JwtKey) -> Result<Self, jsonwebtoken::errors::Error> {
        let (key, algorithm) = match key {
            JwtKey::Secret(secret) => {
                (DecodingKey::from_secret(secret.expose_secret().as_bytes()), Algorithm::HS256)
            }
            JwtKey::PublicKey(pem) => {
                (DecodingKey::from_rsa_pem(pem.as_bytes())?, Algorithm::RS256)
            }
        };
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp", "sub"]);
        validation.validate_aud = false;
        Ok(Self { key, validation })
    }

    pub(crate) fn verify(&self, headers: &HeaderMap) -> Result<Claims, Error> {
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or(Error::Unauthorized { detail: "Send a bearer token." })?;
        let claims = decode::<Claims>(token, &self.key, &self.validation)
            .map_err(|_| Error::Unauthorized { detail: "The token is not valid (any more)." })?
            .claims;
        let sound = (1..=64).contains(&claims.sub.len())
            && claims.sub.chars().all(|c| c.is_ascii_alphanumeric() || "-_.@".contains(c));
        if claims.status != Status::Active || !sound {
            return Err(Error::Unauthorized { detail: "The user is not active." });
        }
        Ok(claims)
    }
}

/// Signs a token with a development secret (HS256).
pub fn sign(claims: &Claims, secret: &SecretString) -> Result<String, jsonwebtoken::errors::Error> {
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    encode(&Header::new(Algorithm::HS256), claims, &key)
}

/// Somebody who books: a customer, a guest or a kiosk, on a platform. As a handler's argument it is the permission.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// `customer:…`, `guest:…`, `kiosk:…`.
    pub id: String,
    pub platform: Platform,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let claims = app.verifier.verify(&parts.headers)?;
        let named = parts.headers.get("x-device-platform").map(|value| value.to_str());
        let platform = match (claims.kind, named) {
            (Kind::Kiosk, None) => Platform::Kiosk,
            (Kind::Kiosk, Some(Ok(name))) if Platform::named(name).is_some() => Platform::Kiosk,
            (_, None) => Platform::Website,
            // A kiosk is one by its credential, not by what it says of itself.
            (_, Some(Ok(name))) => Platform::named(name)
                .filter(|platform| *platform != Platform::Kiosk)
                .ok_or(UNKNOWN_PLATFORM)?,
            (_, Some(Err(_))) => return Err(UNKNOWN_PLATFORM),
        };
        let kind = match claims.kind {
            Kind::Customer => "customer",
            Kind::Guest => "guest",
            Kind::Kiosk => "kiosk",
            Kind::Staff => {
                return Err(Error::Unauthorized { detail: "Staff do not book with this token." });
            }
        };
        Ok(Self { id: format!("{kind}:{}", claims.sub), platform })
    }
}

const UNKNOWN_PLATFORM: Error = Error::invalid(
    "unknown_platform",
    "x-device-platform is one of ios, android, website, huawei.",
);

/// For the documentation: who asks, and from where.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes what `Caller` reads")]
pub(crate) struct CallerHeader {
    /// The kind of app. A kiosk is one by its token, and needs no header.
    #[param(rename = "x-device-platform", inline)]
    platform: Option<AppPlatform>,
}

#[derive(utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "it describes what `Caller` reads")]
pub(crate) enum AppPlatform {
    Ios,
    Android,
    Website,
    Huawei,
}

/// For the documentation: the caller's name for what it wants.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes what `IdempotencyKey` reads")]
pub(crate) struct KeyHeader {
    /// The same key means the same thing, however often it is sent.
    #[param(
        rename = "Idempotency-Key",
        pattern = "^[!#-~]{1,255}$",
        example = "7c0e6b3e-3f0f-4d5a-9d57-1b7a6d0c8f11"
    )]
    key: String,
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
