//! Webhooks: AES-256-GCM sealed notices of what happened to a transaction.

use super::HyperPay;
use super::codes;
use super::payments::Payment;
use super::reads::distorted_by;
use crate::faults::Call;
use crate::outbox::{Letter, Parcel};
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use data_encoding::{HEXLOWER_PERMISSIVE, HEXUPPER};
use serde_json::json;

/// A success that is told as pending first follows a moment later.
const PENDING_FIRST_MS: i64 = 100;
const LATE_MS: u64 = 5_000;
const TAG_LENGTH: usize = 16;

/// Ciphertext and tag apart, as the gateway sends them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    pub body: String,
    pub iv: String,
    pub tag: String,
}

/// No additional data; the key is 64 hex digits. None for a key that is no key.
pub(super) fn seal(key: &str, iv: [u8; 12], plaintext: &str) -> Option<Sealed> {
    let key = HEXLOWER_PERMISSIVE.decode(key.trim().as_bytes()).ok()?;
    let cipher = Aes256Gcm::new_from_slice(&key).ok()?;
    let sealed = cipher.encrypt(&Nonce::from(iv), plaintext.as_bytes()).ok()?;
    let (body, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG_LENGTH)?)?;
    Some(Sealed {
        body: HEXUPPER.encode(body),
        iv: HEXUPPER.encode(&iv),
        tag: HEXUPPER.encode(tag),
    })
}

impl HyperPay {
    /// Tells the merchant how a transaction stands now.
    pub(super) fn notify(&mut self, id: &str, now: i64) {
        if self.desk.switches.get("webhook_url").is_empty() {
            return;
        }
        let Some(payment) = self.payments.get(id).cloned() else { return };
        let mut at = now;
        let first_word = payment.parent.is_none() && codes::is_success(&payment.code);
        if first_word && self.desk.switches.on("webhook_pending_first") {
            let pending = Payment { code: codes::PENDING.to_owned(), ..payment.clone() };
            self.post(&pending, at);
            at += PENDING_FIRST_MS;
        }
        self.post(&payment, at);
    }

    fn post(&mut self, payment: &Payment, now: i64) {
        let parent = payment.parent.as_ref().and_then(|id| self.payments.get(id));
        let parent_reference = parent.map(|parent| parent.reference.clone()).unwrap_or_default();
        let call = Call::new("webhook", &[]).goes_by(&payment.reference).goes_by(&parent_reference);
        let fault = self.desk.faults.take(&call);
        let name = fault.as_ref().map(|fault| fault.name.as_str()).unwrap_or_default();
        let mut payload = distorted_by(payment.json(now), name);
        payload["authentication"] = json!({"entityId": payment.entity});
        payload["source"] = json!("OPP");
        let body = json!({"type": "PAYMENT", "payload": payload}).to_string();
        let delay = match name {
            "late" | "delay" => fault.as_ref().and_then(|fault| fault.delay_ms).unwrap_or(LATE_MS),
            _ => 0,
        };
        let due = now + i64::try_from(delay).unwrap_or_default();
        let event = format!("PAYMENT {}", payment.kind);
        let id = self.desk.outbox.post(&payment.reference, &event, body.clone(), due);
        match name {
            "lost" => self.desk.outbox.lose(id),
            "corrupt" => self.desk.outbox.corrupt(id),
            "duplicate" => {
                self.desk.outbox.post(&payment.reference, &event, body, due);
            }
            _ => {}
        }
    }

    pub(super) fn parcel(&self, letter: &Letter) -> Option<Parcel> {
        let switches = &self.desk.switches;
        let url = switches.get("webhook_url");
        if url.is_empty() {
            return None;
        }
        let mut sealed = seal(switches.get("webhook_key"), rand::random(), &letter.body)?;
        if letter.corrupt {
            let flipped = if sealed.tag.starts_with('0') { "1" } else { "0" };
            sealed.tag.replace_range(..1, flipped);
        }
        let (kind, body) = match switches.get("webhook_wrapper") {
            "json" => ("application/json", json!({"encryptedBody": sealed.body}).to_string()),
            _ => ("text/plain", sealed.body),
        };
        let headers = vec![
            ("content-type", kind.to_owned()),
            ("x-initialization-vector", sealed.iv),
            ("x-authentication-tag", sealed.tag),
        ];
        Some(Parcel { url: url.to_owned(), headers, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f";

    #[test]
    fn the_published_vector_is_sealed_byte_for_byte() {
        let sealed = seal(KEY, [0; 12], r#"{"type":"PAYMENT"}"#).unwrap();
        assert_eq!(sealed.body, "0A3471C72D9BE49A8520F79C66BBD9A12FF9");
        assert_eq!(sealed.iv, "000000000000000000000000");
        assert_eq!(sealed.tag, "CE573FB7A41AB78E743180DC83FF09BD");
    }

    #[test]
    fn the_published_vector_opens_and_a_flipped_tag_does_not() {
        let cipher = |key: &str| {
            let key = HEXLOWER_PERMISSIVE.decode(key.as_bytes()).unwrap();
            Aes256Gcm::new_from_slice(&key).unwrap()
        };
        let hex = "0A3471C72D9BE49A8520F79C66BBD9A12FF9CE573FB7A41AB78E743180DC83FF09BD";
        let mut sealed = HEXUPPER.decode(hex.as_bytes()).unwrap();
        let nonce = Nonce::from([0; 12]);
        let opened = cipher(KEY).decrypt(&nonce, sealed.as_slice()).unwrap();
        assert_eq!(opened, br#"{"type":"PAYMENT"}"#);
        let other_key = KEY.replace("0e0f000102", "0e0e000102");
        assert!(cipher(&other_key).decrypt(&nonce, sealed.as_slice()).is_err());
        *sealed.last_mut().unwrap() ^= 1;
        assert!(cipher(KEY).decrypt(&nonce, sealed.as_slice()).is_err());
    }

    #[test]
    fn a_key_of_the_wrong_length_seals_nothing() {
        assert_eq!(seal("abcd", [0; 12], "x"), None);
        assert_eq!(seal("not hex", [0; 12], "x"), None);
    }
}
