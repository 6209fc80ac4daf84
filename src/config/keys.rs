//! The keys: of ids, of callers' tokens, and of the engine's calls.

use super::reader::Reader;
use data_encoding::HEXLOWER_PERMISSIVE;
use gateway::JwtKey;
use schema::ids::IdKey;
use secrecy::SecretString;

pub(super) fn id_key(from: &mut Reader) -> IdKey {
    let meaning = "64 hex digits, the same for ever: ids of bookings are derived with it";
    let text = from.required("USHER_ID_KEY", meaning);
    match HEXLOWER_PERMISSIVE.decode(text.as_bytes()) {
        Ok(key) if key.len() == 32 => IdKey::new(key),
        _ => {
            if !text.is_empty() {
                from.complain(format!("USHER_ID_KEY is no key: {meaning}"));
            }
            IdKey::new(Vec::new())
        }
    }
}

pub(super) fn jwt(from: &mut Reader) -> JwtKey {
    match (from.optional("JWT_SECRET_KEY"), from.optional("JWT_PUBLIC_KEY")) {
        (Some(secret), None) => JwtKey::Secret(secret.into()),
        (None, Some(pem)) => JwtKey::PublicKey(pem),
        (secret, _) => {
            from.complain(match secret {
                None => "JWT_SECRET_KEY or JWT_PUBLIC_KEY is missing: what callers' tokens are verified with"
                    .to_owned(),
                Some(_) => "JWT_SECRET_KEY and JWT_PUBLIC_KEY are both set: keep one, the algorithm follows from it"
                    .to_owned(),
            });
            JwtKey::Secret(SecretString::default())
        }
    }
}

/// Several while they are rotated: the new one is added here, then the engine signs with it, then the old one goes.
pub(super) fn engine(from: &mut Reader) -> Vec<String> {
    let meaning = "publickeyv1_…, which the engine names at its start; two with a comma between them while they are \
                   rotated. Without it anybody could call the workflows";
    let keys = from.required("USHER_ENGINE_IDENTITY_KEYS", meaning);
    let keys: Vec<String> = keys.split(',').map(|key| key.trim().to_owned()).collect();
    if keys.iter().any(|key| !key.is_empty() && !key.starts_with("publickeyv1_")) {
        from.complain(format!("USHER_ENGINE_IDENTITY_KEYS has what is no key: {meaning}"));
    }
    keys
}
