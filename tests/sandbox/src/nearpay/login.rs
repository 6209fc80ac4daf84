//! The door that terminals sign in at: a token by the merchant's private key, RS256 and nothing else.

use super::NearPay;
use super::shown::refusal;
use crate::clock::SECOND;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How far the merchant's clock may be ahead.
const SKEW_S: i64 = 30;

/// Both halves of a key for sign-in tokens, in PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginKey {
    pub private: String,
    pub public: String,
}

/// A new key, as the vendor's dashboard makes them.
pub fn login_key() -> Result<LoginKey, rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
    Ok(LoginKey { private: key.serialize_pem(), public: key.public_key_pem() })
}

/// What a token must fit.
struct Door<'a> {
    public_key: &'a str,
    client: &'a str,
    terminal_claim: &'a str,
    terminals: &'a [String],
    /// Seconds since 1970.
    now: i64,
}

impl Door<'_> {
    /// The terminal that signs in. The algorithm follows from the key, never from the token.
    fn open(&self, token: &str) -> Option<String> {
        let key = DecodingKey::from_rsa_pem(self.public_key.as_bytes()).ok()?;
        let mut rules = Validation::new(Algorithm::RS256);
        rules.required_spec_claims.clear();
        rules.validate_aud = false;
        // Below, by the vendor's clock.
        rules.validate_exp = false;
        let said = decode::<Value>(token, &key, &rules).ok()?.claims;
        let made = said["iat"].as_i64()?;
        let over = said["exp"].as_i64().is_some_and(|end| end <= self.now);
        let data = &said["data"];
        let ours = data["ops"] == "auth" && data["client_uuid"] == self.client;
        if over || made > self.now + SKEW_S || !ours {
            return None;
        }
        let terminal = data[self.terminal_claim].as_str()?;
        self.terminals.iter().any(|known| known == terminal).then(|| terminal.to_owned())
    }
}

impl NearPay {
    /// `POST v1/cashiers/login/jwt`
    pub(super) fn sign_in(&self, wire: &Wire, moment: &Moment) -> Answer {
        let door = Door {
            public_key: self.setup.public_key.as_deref().unwrap_or_default(),
            client: &self.setup.client,
            terminal_claim: self.desk.switches.get("terminal_claim"),
            terminals: &self.setup.terminals,
            now: moment.now / SECOND,
        };
        let token = wire.json().and_then(|body| Some(body["jwt"].as_str()?.to_owned()));
        match token.and_then(|token| door.open(&token)) {
            Some(terminal) => Answer::json(
                200,
                &json!({"user": {"name": terminal, "email": null, "mobile": null},
                    "auth": {"access_token": "opaque-access", "refresh_token": "opaque-refresh"}}),
            ),
            None => refusal(401, "unauthorized", 401),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64URL_NOPAD;
    use jsonwebtoken::{EncodingKey, Header, encode};
    use std::fs;
    use std::path::PathBuf;

    const CLIENT: &str = super::super::DEFAULT_CLIENT;
    const TERMINAL: &str = super::super::DEFAULT_TERMINAL;
    const IAT: i64 = 1_795_255_200;

    fn opens(public_key: &str, token: &str, now: i64) -> bool {
        let terminals = [TERMINAL.to_owned()];
        let door = Door {
            public_key,
            client: CLIENT,
            terminal_claim: "terminal_id",
            terminals: &terminals,
            now,
        };
        door.open(token).is_some()
    }

    fn said(client: &str, terminal: &str) -> Value {
        json!({"data": {"ops": "auth", "client_uuid": client, "terminal_id": terminal},
            "iat": IAT, "exp": IAT + 600})
    }

    fn signed(key: &LoginKey, said: &Value) -> String {
        let key = EncodingKey::from_rsa_pem(key.private.as_bytes()).unwrap();
        encode(&Header::new(Algorithm::RS256), said, &key).unwrap()
    }

    #[test]
    fn only_the_merchants_own_key_opens_and_only_for_its_time() {
        let (key, strange) = (login_key().unwrap(), login_key().unwrap());
        let good = said(CLIENT, TERMINAL);
        let token = signed(&key, &good);
        assert!(opens(&key.public, &token, IAT) && opens(&key.public, &token, IAT + 599));
        assert!(!opens(&key.public, &token, IAT + 600), "it has ended");
        assert!(!opens(&key.public, &token, IAT - 31), "it is of the future");
        assert!(!opens(&strange.public, &token, IAT), "another key");
        assert!(!opens("", &token, IAT), "no key at all");
        for other in [said("another", TERMINAL), said(CLIENT, "0000000000000000"), json!({})] {
            assert!(!opens(&key.public, &signed(&key, &other), IAT), "{other}");
        }
    }

    #[test]
    fn a_token_says_nothing_about_how_it_is_verified() {
        let key = login_key().unwrap();
        let token = signed(&key, &said(CLIENT, TERMINAL));
        let payload = token.split('.').nth(1).unwrap();
        let none = BASE64URL_NOPAD.encode(br#"{"alg":"none","typ":"JWT"}"#);
        assert!(!opens(&key.public, &format!("{none}.{payload}."), IAT));
        // The public half is no secret: taken for one, it would let everybody in.
        let secret = EncodingKey::from_secret(key.public.as_bytes());
        let confused = encode(&Header::new(Algorithm::HS256), &said(CLIENT, TERMINAL), &secret);
        assert!(!opens(&key.public, &confused.unwrap(), IAT));
        let swapped = BASE64URL_NOPAD.encode(said(CLIENT, "0").to_string().as_bytes());
        assert!(!opens(&key.public, &token.replace(payload, &swapped), IAT));
        for cut in [token.len() - 1, token.len() / 2, 0] {
            assert!(!opens(&key.public, &token[..cut], IAT), "{cut}");
        }
    }

    #[test]
    fn one_flipped_bit_anywhere_and_it_opens_nothing() {
        let key = login_key().unwrap();
        let token = signed(&key, &said(CLIENT, TERMINAL));
        let parts: Vec<Vec<u8>> =
            token.split('.').map(|part| BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).collect();
        for (part, bytes) in parts.iter().enumerate() {
            for place in 0..bytes.len() {
                let mut flipped = parts.clone();
                flipped[part][place] ^= 1;
                let text: Vec<String> =
                    flipped.iter().map(|bytes| BASE64URL_NOPAD.encode(bytes)).collect();
                assert!(!opens(&key.public, &text.join("."), IAT), "byte {place} of part {part}");
            }
        }
    }

    /// Beside the project, on the machines that have them.
    fn vector(name: &str) -> Option<String> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
        fs::read_to_string(folder.join(name)).ok()
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "who runs it without the vectors is told")]
    fn of_the_vectors_only_the_genuine_one_opens() {
        let (Some(public), Some(good), Some(none), Some(confused)) = (
            vector("nearpay_test_pub.pem"),
            vector("nearpay_jwt.txt"),
            vector("nearpay_jwt_none.txt"),
            vector("nearpay_jwt_alg_confusion.txt"),
        ) else {
            eprintln!("skipped: there are no vectors beside this folder");
            return;
        };
        assert!(opens(&public, good.trim(), IAT));
        assert!(!opens(&public, good.trim(), IAT + 601));
        assert!(!opens(&public, none.trim(), IAT));
        assert!(!opens(&public, confused.trim(), IAT));
    }
}
