//! The keys: of ids, of callers' tokens, and of the engine's calls.

use super::reader::Reader;
use data_encoding::HEXLOWER_PERMISSIVE;
use gateway::{JwtKey, KeyMaterial, Trust};
use schema::ids::IdKey;

/// A secret of HS256 has at least as many bytes as its hash (RFC 7518, 3.2).
const SECRET_MIN: usize = 32;
/// One for each token that is being replaced, and a few more.
const KEYS_MAX: usize = 8;

const PEM_END: &str = "-----END PUBLIC KEY-----";

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

/// Both kinds, and several of each: while a key is replaced, the tokens of both are valid.
pub(super) fn trust(from: &mut Reader) -> Trust {
    let secrets = from.optional("JWT_SECRET_KEY").map(|list| secrets(from, &list));
    let public = from.optional("JWT_PUBLIC_KEY").map(|list| public_keys(from, &list));
    let keys: Vec<JwtKey> = [secrets, public].into_iter().flatten().flatten().collect();
    if keys.is_empty() {
        from.complain(
            "JWT_SECRET_KEY or JWT_PUBLIC_KEY is missing: what callers' tokens are verified with",
        );
    }
    if keys.len() > KEYS_MAX {
        from.complain(format!("JWT_SECRET_KEY and JWT_PUBLIC_KEY have more than {KEYS_MAX} keys"));
    }
    Trust { keys, issuer: from.optional("JWT_ISSUER"), audience: from.optional("JWT_AUDIENCE") }
}

/// `secret`, or `kid=name:secret`; several with a comma between them.
fn secrets(from: &mut Reader, list: &str) -> Vec<JwtKey> {
    let keys = list.split(',').map(str::trim).filter(|key| !key.is_empty());
    let keys: Vec<JwtKey> = keys
        .map(|key| {
            let (id, secret) = named(key);
            if secret.len() < SECRET_MIN {
                from.complain(format!(
                    "JWT_SECRET_KEY is too short: HS256 takes a secret of {SECRET_MIN} bytes or more"
                ));
            }
            JwtKey { id, material: KeyMaterial::Secret(secret.to_owned().into()) }
        })
        .collect();
    keys
}

/// PEM blocks, one after the other; before each, on its own line, `kid=name` if it has one. `\n` may be written out.
fn public_keys(from: &mut Reader, list: &str) -> Vec<JwtKey> {
    let list = list.replace("\\n", "\n");
    let mut keys = Vec::new();
    for block in list.split_inclusive(PEM_END).filter(|block| !block.trim().is_empty()) {
        let Some((before, pem)) = block.split_once("-----BEGIN") else {
            from.complain("JWT_PUBLIC_KEY is no PEM");
            continue;
        };
        let id = before.trim().strip_prefix("kid=").map(|id| id.trim().to_owned());
        keys.push(JwtKey { id, material: KeyMaterial::PublicKey(format!("-----BEGIN{pem}\n")) });
    }
    keys
}

fn named(key: &str) -> (Option<String>, &str) {
    match key.strip_prefix("kid=").and_then(|rest| rest.split_once(':')) {
        Some((id, secret)) => (Some(id.to_owned()), secret),
        None => (None, key),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Values;

    fn read(name: &'static str, value: &str) -> Result<Vec<Option<String>>, String> {
        let values = Values::of([(name, value)]);
        let mut from = Reader::new(&values);
        let trust = trust(&mut from);
        let ids = trust.keys.into_iter().map(|key| key.id).collect();
        from.finish(ids).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_come_one_by_one_or_together_with_or_without_a_name() {
        let secret = "0123456789abcdef0123456789abcdef";
        assert_eq!(read("JWT_SECRET_KEY", secret), Ok(vec![None]));
        let two = format!("kid=old:{secret}, kid=new:{secret}");
        let names = ["old", "new"].map(|name| Some(name.to_owned())).to_vec();
        assert_eq!(read("JWT_SECRET_KEY", &two), Ok(names.clone()));
        let block = "-----BEGIN PUBLIC KEY-----\\nabc\\n-----END PUBLIC KEY-----";
        let two = format!("kid=old\n{block}\nkid=new\n{block}");
        assert_eq!(read("JWT_PUBLIC_KEY", &two), Ok(names));
        assert!(read("JWT_SECRET_KEY", "short").unwrap_err().contains("too short"));
        assert!(read("JWT_PUBLIC_KEY", "nonsense").unwrap_err().contains("no PEM"));
    }
}
