//! Which keys are believed, each for its own algorithm only, and what a token must say beside being signed.

use super::{Claims, Status};
use chrono::Utc;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// How far the identity service's clock may be from ours.
const LEEWAY_S: u64 = 30;
/// Tokens live 30 days; one that claims to live longer was made by a mistake or by somebody else.
const LONGEST_LIFE_S: u64 = 31 * 24 * 3_600;

const INVALID: &str = "The token is not valid (any more).";
const INACTIVE: &str = "The user is not active.";

/// A key that tokens are verified with. The algorithm follows from it, never from the token.
#[derive(Clone, Debug)]
pub struct JwtKey {
    /// The `kid` of its tokens. A key without one is tried for every token that names no other key.
    pub id: Option<String>,
    pub material: KeyMaterial,
}

#[derive(Clone, Debug)]
pub enum KeyMaterial {
    /// HS256.
    Secret(SecretString),
    /// RS256, PEM.
    PublicKey(String),
}

/// Whose tokens are believed. Several keys are valid at once while one replaces another.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    pub keys: Vec<JwtKey>,
    /// When set, a token must say so.
    pub issuer: Option<String>,
    /// When set, a token must be meant for it.
    pub audience: Option<String>,
}

/// A public key is no PEM of an RSA key.
#[derive(Debug, thiserror::Error)]
#[error("a key of the identity service cannot be used: {0}")]
pub struct UnusableKey(#[from] jsonwebtoken::errors::Error);

/// Verifies tokens.
pub struct Verifier {
    keys: Vec<(Option<String>, Algorithm, DecodingKey)>,
    trust: Trust,
}

/// A genuine token: who holds it, and which of their tokens it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bearer {
    #[serde(flatten)]
    pub claims: Claims,
    /// When it was made, in seconds since 1970.
    #[serde(default)]
    pub iat: Option<u64>,
    /// Its own name, by which it alone can be revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
}

impl Verifier {
    pub fn new(trust: &Trust) -> Result<Self, UnusableKey> {
        let mut keys = Vec::with_capacity(trust.keys.len());
        for key in &trust.keys {
            let (algorithm, decoding) = match &key.material {
                KeyMaterial::Secret(secret) => {
                    let bytes = secret.expose_secret().as_bytes();
                    (Algorithm::HS256, DecodingKey::from_secret(bytes))
                }
                KeyMaterial::PublicKey(pem) => {
                    (Algorithm::RS256, DecodingKey::from_rsa_pem(pem.as_bytes())?)
                }
            };
            keys.push((key.id.clone(), algorithm, decoding));
        }
        Ok(Self { keys, trust: trust.clone() })
    }

    /// The token, if it is genuine and of an active user; otherwise what to tell its holder.
    pub(crate) fn verify(&self, token: &str) -> Result<Bearer, &'static str> {
        let header = decode_header(token).map_err(|_| INVALID)?;
        let named = |id: &String| header.kid.as_ref() == Some(id);
        let known = self.keys.iter().any(|(id, ..)| id.as_ref().is_some_and(named));
        let bearer = self
            .keys
            .iter()
            // The token only chooses among keys of the algorithm that it claims; each key has exactly one.
            .filter(|(_, algorithm, _)| *algorithm == header.alg)
            .filter(|(id, ..)| if known { id.as_ref().is_some_and(named) } else { true })
            .find_map(|(_, algorithm, key)| {
                decode::<Bearer>(token, key, &self.validation(*algorithm)).ok()
            })
            .ok_or(INVALID)?
            .claims;
        sound(bearer, u64::try_from(Utc::now().timestamp()).unwrap_or(0))
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        let mut required = vec!["exp", "sub"];
        match &self.trust.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                required.push("aud");
            }
            None => validation.validate_aud = false,
        }
        if let Some(issuer) = &self.trust.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        validation.set_required_spec_claims(&required);
        validation
    }
}

/// What no signature makes right.
fn sound(bearer: Bearer, now: u64) -> Result<Bearer, &'static str> {
    let claims = &bearer.claims;
    let from_the_future = bearer.iat.is_some_and(|made| made > now.saturating_add(LEEWAY_S));
    let too_long = claims.exp > now.saturating_add(LONGEST_LIFE_S);
    if from_the_future || too_long || bearer.jti.as_ref().is_some_and(|jti| jti.len() > 128) {
        return Err(INVALID);
    }
    let named = (1..=64).contains(&claims.sub.len())
        && claims.sub.chars().all(|c| c.is_ascii_alphanumeric() || "-_.@".contains(c))
        // It is part of an address, where dots alone mean another.
        && claims.sub.chars().any(|c| c != '.');
    if claims.status != Status::Active || !named {
        return Err(INACTIVE);
    }
    Ok(bearer)
}

/// Signs a token with a development secret (HS256), made now.
pub fn sign(claims: &Claims, secret: &SecretString) -> Result<String, jsonwebtoken::errors::Error> {
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    let iat = u64::try_from(Utc::now().timestamp()).ok();
    let bearer = Bearer { claims: claims.clone(), iat, jti: None };
    encode(&Header::new(Algorithm::HS256), &bearer, &key)
}

#[cfg(test)]
mod tests {
    use super::{super::Kind, *};
    use data_encoding::BASE64URL_NOPAD;
    use serde_json::json;
    use std::{
        io::Write,
        process::{Command, Stdio},
    };

    const SECRETS: [&str; 2] =
        ["an old secret of thirty-two bytes!", "a new secret of thirty-two bytes!!"];

    fn now() -> u64 {
        u64::try_from(Utc::now().timestamp()).unwrap()
    }

    fn claims() -> Claims {
        let (sub, exp) = ("1".to_owned(), now() + 60);
        Claims { sub, kind: Kind::Customer, status: Status::Active, permissions: vec![], exp }
    }

    fn secret(id: Option<&str>, secret: &str) -> JwtKey {
        let material = KeyMaterial::Secret(secret.to_owned().into());
        JwtKey { id: id.map(str::to_owned), material }
    }

    fn signed(kid: Option<&str>, payload: &serde_json::Value, secret: &str) -> String {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(Algorithm::HS256) };
        encode(&header, payload, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    }

    #[test]
    fn both_keys_are_valid_while_one_replaces_the_other() {
        let keys = vec![secret(Some("a"), SECRETS[0]), secret(Some("b"), SECRETS[1])];
        let both = Verifier::new(&Trust { keys, ..Trust::default() }).unwrap();
        let new = vec![secret(Some("b"), SECRETS[1])];
        let after = Verifier::new(&Trust { keys: new, ..Trust::default() }).unwrap();
        for (kid, key, while_both, afterwards) in [
            (Some("a"), SECRETS[0], true, false),
            (Some("b"), SECRETS[1], true, true),
            (None, SECRETS[0], true, false),
            (None, SECRETS[1], true, true),
            // The named key is the one that must fit.
            (Some("a"), SECRETS[1], false, true),
            (Some("b"), SECRETS[0], false, false),
        ] {
            let token = signed(kid, &json!(claims()), key);
            assert_eq!(both.verify(&token).is_ok(), while_both, "{kid:?} {key}");
            assert_eq!(after.verify(&token).is_ok(), afterwards, "{kid:?} {key} after");
        }
    }

    /// What `openssl` makes of this.
    fn openssl(words: &[&str], said: &str) -> String {
        let mut command = Command::new("openssl");
        let piped = || Stdio::piped();
        let run = command.args(words).stdin(piped()).stdout(piped()).stderr(Stdio::null());
        let mut run = run.spawn().unwrap();
        run.stdin.take().unwrap().write_all(said.as_bytes()).unwrap();
        String::from_utf8(run.wait_with_output().unwrap().stdout).unwrap()
    }

    #[test]
    fn a_public_key_takes_only_what_its_private_key_has_signed() {
        let bits = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
        let private = openssl(&bits, "");
        let public = openssl(&["pkey", "-pubout"], &private);
        let material = KeyMaterial::PublicKey(public.clone());
        let keys = vec![JwtKey { id: Some("a".to_owned()), material }];
        let verifier = Verifier::new(&Trust { keys, ..Trust::default() }).unwrap();
        let header = Header { kid: Some("a".to_owned()), ..Header::new(Algorithm::RS256) };
        let key = EncodingKey::from_rsa_pem(private.as_bytes()).unwrap();
        assert!(verifier.verify(&encode(&header, &claims(), &key).unwrap()).is_ok());
        // The public key is no secret: as one, it would let everybody in.
        assert!(verifier.verify(&signed(Some("a"), &json!(claims()), &public)).is_err());
        let payload = encode(&header, &claims(), &key).unwrap();
        let payload = payload.split('.').nth(1).unwrap();
        let unsigned = format!("{}.{payload}.", BASE64URL_NOPAD.encode(b"{\"alg\":\"none\"}"));
        assert!(verifier.verify(&unsigned).is_err());
    }

    #[test]
    fn a_token_says_when_it_ends_and_that_is_near() {
        let keys = vec![secret(None, SECRETS[0])];
        let verifier = Verifier::new(&Trust { keys, ..Trust::default() }).unwrap();
        let with = |exp: u64, iat: u64| {
            let payload = json!({"sub": "1", "kind": "customer", "exp": exp, "iat": iat});
            verifier.verify(&signed(None, &payload, SECRETS[0])).is_ok()
        };
        assert!(with(now() + 60, now()));
        assert!(!with(now() - 60, now() - 600), "it has ended");
        assert!(!with(now() + 32 * 86_400, now()), "it would live for too long");
        assert!(!with(now() + 60, now() + 600), "it was made in the future");
    }

    #[test]
    fn a_subject_is_a_name_and_no_way_to_another() {
        let with = |sub: &str| {
            let claims = Claims { sub: sub.to_owned(), ..claims() };
            sound(Bearer { claims, iat: None, jti: None }, now()).is_ok()
        };
        assert!(with("1") && with("a.b@c") && with(".a"));
        for sub in ["", ".", "..", "...", "a/b", "a b", "%2e%2e"] {
            assert!(!with(sub), "{sub}");
        }
    }

    #[test]
    fn issuer_and_audience_count_once_they_are_configured() {
        let trust = Trust {
            keys: vec![secret(None, SECRETS[0])],
            issuer: Some("identity".to_owned()),
            audience: Some("usher".to_owned()),
        };
        let verifier = Verifier::new(&trust).unwrap();
        let with = |iss: &str, aud: &str| {
            let payload =
                json!({"sub": "1", "kind": "customer", "exp": now() + 60, "iss": iss, "aud": aud});
            verifier.verify(&signed(None, &payload, SECRETS[0])).is_ok()
        };
        assert!(with("identity", "usher"));
        assert!(!with("somebody", "usher"));
        assert!(!with("identity", "another"));
        assert!(verifier.verify(&signed(None, &json!(claims()), SECRETS[0])).is_err());
    }
}
