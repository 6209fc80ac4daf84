//! The token a kiosk's terminal signs in with: a JWT (RS256) by our private key, of which `NearPay` has the public half.
//!
//! Whoever holds one can take payments at that terminal, so it names one terminal, lives ten minutes at most, and is
//! shown to nobody but the kiosk that the terminal belongs to.

use super::is_terminal;
use crate::error::Error;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use x509_cert::der::pem;

/// As the vendor's own samples write it, byte for byte.
const HEADER: &str = r#"{"alg":"RS256","typ":"JWT"}"#;
const LIFE: TimeDelta = TimeDelta::minutes(10);

#[derive(Clone, Debug)]
pub struct Config {
    /// PEM of an RSA key, PKCS#8 or PKCS#1.
    pub private_key: SecretString,
    /// The vendor's name for us: a UUID.
    pub client_uuid: String,
    /// The claim that names the terminal: `terminal_id` in the vendor's samples.
    pub terminal_claim: String,
}

/// Makes tokens. The signature is blinded against whoever measures how long it takes.
pub struct Minter {
    key: RsaKeyPair,
    client_uuid: String,
    terminal_claim: String,
}

/// A token, and until when it can be used.
#[derive(Clone, Debug)]
pub struct Login {
    pub jwt: SecretString,
    pub expires_at: DateTime<Utc>,
}

impl Minter {
    pub fn new(config: &Config) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::refused("configuration", format!("nearpay: {reason}"));
        let word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_word = |text: &str| (1..=64).contains(&text.len()) && text.bytes().all(word);
        if !is_word(&config.client_uuid) || !is_word(&config.terminal_claim) {
            return Err(wrong("the client's uuid, or the terminal's claim, is no name"));
        }
        let key = read(config.private_key.expose_secret());
        Ok(Self {
            key: key.ok_or_else(|| wrong("the private key is no PEM of an RSA key"))?,
            client_uuid: config.client_uuid.clone(),
            terminal_claim: config.terminal_claim.clone(),
        })
    }

    /// The vendor's name for us, for the log.
    pub fn client_uuid(&self) -> &str {
        &self.client_uuid
    }

    /// A token for this terminal, from now on.
    pub fn mint(&self, terminal: &str, now: DateTime<Utc>) -> Result<Login, Error> {
        if !is_terminal(terminal) {
            return Err(Error::refused("configuration", "nearpay: not a terminal's number"));
        }
        let expires_at = now + LIFE;
        let text = |text: &str| Value::from(text).to_string();
        let (client, claim) = (text(&self.client_uuid), text(&self.terminal_claim));
        let (terminal, iat, exp) = (text(terminal), now.timestamp(), expires_at.timestamp());
        let payload = format!(
            r#"{{"data":{{"ops":"auth","client_uuid":{client},{claim}:{terminal}}},"iat":{iat},"exp":{exp}}}"#
        );
        let signed = format!("{}.{}", base64(HEADER.as_bytes()), base64(payload.as_bytes()));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| Error::unavailable("nearpay: nothing to sign with"))?;
        Ok(Login { jwt: format!("{signed}.{}", base64(&signature)).into(), expires_at })
    }
}

fn read(text: &str) -> Option<RsaKeyPair> {
    let (label, bytes) = pem::decode_vec(text.trim().as_bytes()).ok()?;
    match label {
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&bytes).ok(),
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&bytes).ok(),
        _ => None,
    }
}

fn base64(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use std::{fs, path::PathBuf};

    const CLIENT: &str = "6f1c2c1e-3d53-4c55-9d3e-0a7a9b1c2d3e";
    const TERMINAL: &str = "0211920800119208";

    fn minter(private_key: &str) -> Result<Minter, Error> {
        Minter::new(&Config {
            private_key: private_key.into(),
            client_uuid: CLIENT.to_owned(),
            terminal_claim: "terminal_id".to_owned(),
        })
    }

    fn generated() -> Minter {
        minter(&sandbox::nearpay::login_key().unwrap().private).unwrap()
    }

    fn payload(token: &str) -> Value {
        let payload = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_token_names_one_terminal_and_lives_ten_minutes() {
        let now = DateTime::from_timestamp(1_795_255_200, 0).unwrap();
        let minter = generated();
        let login = minter.mint(TERMINAL, now).unwrap();
        let [header, said, signature] =
            login.jwt.expose_secret().split('.').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(header, "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9");
        assert_eq!(
            payload(login.jwt.expose_secret()),
            serde_json::json!({"data": {"ops": "auth", "client_uuid": CLIENT, "terminal_id": TERMINAL},
                "iat": 1_795_255_200, "exp": 1_795_255_800})
        );
        assert_eq!(login.expires_at.timestamp(), 1_795_255_800);
        let public = UnparsedPublicKey::new(
            &RSA_PKCS1_2048_8192_SHA256,
            minter.key.public_key().as_ref().to_vec(),
        );
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        assert!(public.verify(format!("{header}.{said}").as_bytes(), &signature).is_ok());
        assert!(!format!("{login:?}").contains(said), "a token is not printed");
    }

    #[test]
    fn nothing_but_a_terminals_number_gets_into_a_token() {
        let minter = generated();
        for wrong in ["", "1", "02119208\",\"x\":\"", "4111111111111111", "tid with spaces"] {
            assert!(minter.mint(wrong, Utc::now()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_rsa_key_is_refused_when_it_is_configured() {
        let strange = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
        for wrong in ["", "key", strange] {
            assert!(minter(wrong).is_err(), "{wrong}");
        }
    }

    /// Beside the project, on the machines that have them.
    fn vector(name: &str) -> Option<String> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
        fs::read_to_string(folder.join(name)).ok()
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "who runs it without the vectors is told")]
    fn the_vectors_come_out_byte_for_byte_under_either_form_of_the_key() {
        let (Some(pkcs8), Some(pkcs1), Some(token)) = (
            vector("nearpay_test_key_pkcs8.pem"),
            vector("nearpay_test_key_pkcs1.pem"),
            vector("nearpay_jwt.txt"),
        ) else {
            eprintln!("skipped: there are no vectors beside this folder");
            return;
        };
        let now = DateTime::from_timestamp(1_795_255_200, 0).unwrap();
        for key in [pkcs8, pkcs1] {
            let login = minter(&key).unwrap().mint(TERMINAL, now).unwrap();
            assert_eq!(login.jwt.expose_secret(), token.trim());
        }
    }
}
