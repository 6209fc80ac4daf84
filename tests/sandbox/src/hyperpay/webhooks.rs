//! Webhooks: AES-256-GCM sealed notices of what happened to a transaction.

use super::HyperPay;
use super::codes;
use super::distortion::distorted_by;
use super::payments::Payment;
use crate::clock::{Clock, DAY, HOUR};
use crate::faults::{Call, Fault};
use crate::outbox::{Forgery, Letter, Parcel};
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use data_encoding::{HEXLOWER_PERMISSIVE, HEXUPPER};
use serde_json::json;

/// A success that is told as pending first follows a moment later.
const PENDING_FIRST_MS: i64 = 100;
const LATE_MS: i64 = 5_000;
const VECTOR_LENGTH: usize = 12;
const TAG_LENGTH: usize = 16;

/// Ciphertext and tag apart, as the gateway sends them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    pub body: String,
    pub iv: String,
    pub tag: String,
}

/// No additional data; the key is 64 hex digits. None for a key that is no key.
pub(super) fn seal(key: &str, iv: [u8; VECTOR_LENGTH], plaintext: &str) -> Option<Sealed> {
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
        let letter = Letter {
            reference: payment.reference.clone(),
            thread: if parent_reference.is_empty() {
                payment.reference.clone()
            } else {
                parent_reference
            },
            event: format!("PAYMENT {}", payment.kind),
            body: message(payment, fault.as_ref(), now),
            due_at: now,
            ..Letter::default()
        };
        match fault {
            Some(fault) => self.post_oddly(letter, payment, &fault),
            None => {
                self.desk.outbox.post(letter);
            }
        }
    }

    /// Lost, late, doubled, overtaken, or in bad company.
    fn post_oddly(&mut self, mut letter: Letter, payment: &Payment, fault: &Fault) {
        let (now, clock) = (letter.due_at, self.settings.clock.clone());
        let day = clock.shortened(DAY);
        let retold = |code: &str| {
            let payment = Payment { code: code.to_owned(), ..payment.clone() };
            Letter { body: message(&payment, None, now), ..letter.clone() }
        };
        let outbox = &mut self.desk.outbox;
        match fault.name.as_str() {
            "lost" => {
                let id = outbox.post(letter);
                outbox.lose(id);
            }
            "duplicate" => {
                outbox.post(letter.clone());
                outbox.post(letter);
            }
            "duplicate_same" => {
                letter.vector = Some(new_vector());
                outbox.post(letter.clone());
                outbox.post(letter);
            }
            "replayed" => {
                letter.vector = Some(new_vector());
                outbox.post(letter.clone());
                letter.due_at += fault.delay_or(day);
                outbox.post(letter);
            }
            "pending_last" | "stale_decline" => {
                let stale = fault.is("stale_decline");
                let old = retold(if stale { codes::DECLINED } else { codes::PENDING });
                let last = outbox.post(letter);
                outbox.post(Letter { after: Some(last), ..old });
            }
            "forged_key" | "forged_tag" | "forged_vector" => {
                let forgery = match fault.name.as_str() {
                    "forged_key" => Forgery::WrongKey,
                    "forged_tag" => Forgery::FlippedTag,
                    _ => Forgery::SwappedVector,
                };
                let claim = retold("000.100.110");
                outbox.post(Letter { forgery: Some(forgery), once: true, ..claim });
                outbox.post(letter);
            }
            _ => {
                letter.due_at += delay(fault, &clock);
                letter.forgery = fault.is("corrupt").then_some(Forgery::FlippedTag);
                letter.yields = fault.is("overtaken");
                let unheard = fault.number("unheard").and_then(|count| count.try_into().ok());
                letter.unheard = unheard.unwrap_or_default();
                outbox.post(letter);
            }
        }
    }

    pub(super) fn parcel(&self, letter: &Letter) -> Option<Parcel> {
        let switches = &self.desk.switches;
        let url = switches.get("webhook_url");
        if url.is_empty() {
            return None;
        }
        let vector = letter.vector.clone().unwrap_or_else(new_vector);
        let iv = HEXLOWER_PERMISSIVE.decode(vector.as_bytes()).ok()?.try_into().ok()?;
        let strangers_key = HEXUPPER.encode(&rand::random::<[u8; 32]>());
        let key = match letter.forgery {
            Some(Forgery::WrongKey) => &strangers_key,
            Some(_) | None => switches.get("webhook_key"),
        };
        let mut sealed = seal(key, iv, &letter.body)?;
        match letter.forgery {
            Some(Forgery::FlippedTag) => {
                let flipped = if sealed.tag.starts_with('0') { "1" } else { "0" };
                sealed.tag.replace_range(..1, flipped);
            }
            Some(Forgery::SwappedVector) => sealed.iv = new_vector(),
            // Its own forgeries are these three.
            Some(_) | None => {}
        }
        let wrapped = match switches.get("webhook_wrapper") {
            "alternating" => letter.id.is_multiple_of(2) != letter.attempts.len().is_multiple_of(2),
            wrapper => wrapper == "json",
        };
        let (kind, body) = if wrapped {
            ("application/json", json!({"encryptedBody": sealed.body}).to_string())
        } else {
            ("text/plain", sealed.body)
        };
        let headers = vec![
            ("content-type", kind.to_owned()),
            ("x-initialization-vector", sealed.iv),
            ("x-authentication-tag", sealed.tag),
        ];
        let patience_ms = u64::try_from(switches.number("webhook_patience_ms")).ok();
        Some(Parcel { url: url.to_owned(), headers, body, vector, patience_ms })
    }
}

/// A transaction as a webhook tells it.
fn message(payment: &Payment, fault: Option<&Fault>, now: i64) -> String {
    let mut payload = payment.json(now);
    payload["authentication"] = json!({"entityId": payment.entity});
    payload["source"] = json!("OPP");
    let fault = fault.map(|fault| fault.name.as_str()).unwrap_or_default();
    json!({"type": "PAYMENT", "payload": distorted_by(payload, fault)}).to_string()
}

/// How much later than it should a letter leaves.
fn delay(fault: &Fault, clock: &Clock) -> i64 {
    let hours = fault.number("late_hours").map(|hours| i64::from(hours) * HOUR);
    let days = fault.number("late_days").map(|days| i64::from(days) * DAY);
    match fault.name.as_str() {
        "late" | "delay" => fault.delay_or(LATE_MS),
        "overtaken" => fault.delay_or(clock.shortened(DAY)),
        _ => clock.shortened(hours.or(days).unwrap_or_default()),
    }
}

fn new_vector() -> String {
    HEXUPPER.encode(&rand::random::<[u8; VECTOR_LENGTH]>())
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
