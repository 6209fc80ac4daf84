//! A secret on its way through the journal, or kept: what a customer gives for one payment, a vendor's token of a saved
//! card. Readable only at the vendor's door.

use crate::ids::IdKey;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::Aead};
use data_encoding::BASE64URL_NOPAD;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// AES-256-GCM under a key of its own, derived from the id key; a random nonce and the encrypted text, in base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Sealed(String);

const NONCE: usize = 12;

impl IdKey {
    /// Nobody without this key reads it. None: it is far too long.
    pub fn seal(&self, secret: &str) -> Option<Sealed> {
        let nonce: [u8; NONCE] = rand::random();
        let encrypted = self.sealing().encrypt(&Nonce::from(nonce), secret.as_bytes()).ok()?;
        Some(Sealed(BASE64URL_NOPAD.encode(&[&nonce[..], &encrypted].concat())))
    }

    /// What was sealed. None: not under this key, or altered.
    pub fn unseal(&self, sealed: &Sealed) -> Option<SecretString> {
        let bytes = BASE64URL_NOPAD.decode(sealed.0.as_bytes()).ok()?;
        let (nonce, encrypted) = bytes.split_at_checked(NONCE)?;
        let plain = self.sealing().decrypt(&Nonce::try_from(nonce).ok()?, encrypted).ok()?;
        Some(SecretString::from(String::from_utf8(plain).ok()?))
    }

    fn sealing(&self) -> Aes256Gcm {
        Aes256Gcm::new(&self.key_for("seal").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn only_the_same_key_opens_what_is_unaltered() {
        let key = IdKey::new(vec![7; 32]);
        let sealed = key.seal("123456").unwrap();
        assert!(!sealed.0.contains("123456"));
        assert_eq!(key.unseal(&sealed).unwrap().expose_secret(), "123456");
        assert!(IdKey::new(vec![8; 32]).unseal(&sealed).is_none());
        for place in 0..sealed.0.len() {
            let mut altered = sealed.0.clone().into_bytes();
            altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
            let altered = Sealed(String::from_utf8(altered).unwrap());
            assert!(altered == sealed || key.unseal(&altered).is_none(), "at {place}");
        }
        assert!(key.unseal(&Sealed(String::new())).is_none());
    }
}
