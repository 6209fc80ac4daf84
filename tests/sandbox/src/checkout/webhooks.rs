//! Webhooks: signed over their raw bytes, repeated on the vendor's ladder, and odd when told to be.

use super::Checkout;
use super::events::Event;
use super::payments::APPROVED;
use crate::clock::{Clock, DAY, HOUR};
use crate::faults::Fault;
use crate::outbox::{Forgery, Letter, Parcel};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

const LATE_MS: i64 = 5_000;

/// Lower-case hex of HMAC-SHA256. None for a key that is no key.
fn signature(key: &str, body: &[u8]) -> Option<String> {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    Some(HEXLOWER.encode(&mac.chain_update(body).finalize().into_bytes()))
}

impl Checkout {
    pub(super) fn post(&mut self, event: &Event<'_>, fault: Option<&Fault>) {
        let name = fault.map(|fault| fault.name.as_str()).unwrap_or_default();
        let second = match self.desk.switches.get("envelope") {
            "alternating" => self.desk.outbox.letters().count() % 2 == 1,
            envelope => envelope == "second",
        };
        let body = match name {
            // As it has been seen: no data, and bytes that are no text.
            "malformed" => format!("{{\"type\":\"{}\",\"scheme\":\"\u{fffd}", event.kind),
            _ => event.json(second, name).to_string(),
        };
        let letter = Letter {
            reference: event.reference().to_owned(),
            thread: event.payment.reference.clone(),
            event: event.kind.to_owned(),
            body,
            due_at: event.at,
            ..Letter::default()
        };
        match fault {
            Some(fault) => self.post_oddly(letter, event, fault),
            None => {
                self.desk.outbox.post(letter);
            }
        }
    }

    /// Lost, late, doubled, overtaken, or in bad company.
    fn post_oddly(&mut self, mut letter: Letter, event: &Event<'_>, fault: &Fault) {
        let clock = self.settings.clock.clone();
        let outbox = &mut self.desk.outbox;
        let forgery = match fault.name.as_str() {
            "forged_key" => Some(Forgery::WrongKey),
            "forged_unsigned" => Some(Forgery::Unsigned),
            "forged_respaced" => Some(Forgery::Respaced),
            "forged_truncated" => Some(Forgery::Truncated),
            "forged_authorization" => Some(Forgery::WrongAuthorization),
            _ => None,
        };
        if forgery.is_some() {
            let claim = Letter { body: captured(event), forgery, once: true, ..letter.clone() };
            outbox.post(claim);
        }
        match fault.name.as_str() {
            "lost" => {
                let id = outbox.post(letter);
                outbox.lose(id);
            }
            "duplicate" => {
                outbox.post(letter.clone());
                outbox.post(letter);
            }
            "other_event" => {
                let body = event.json(false, "").to_string();
                outbox.post(Letter { body, ..letter.clone() });
                outbox.post(letter);
            }
            "replayed" => {
                outbox.post(letter.clone());
                letter.due_at += fault.delay_or(clock.shortened(DAY));
                outbox.post(letter);
            }
            _ => {
                letter.due_at += delay(fault, &clock);
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
        let key = match letter.forgery {
            Some(Forgery::WrongKey) => "a-key-of-somebody-else",
            _ => switches.get("webhook_key"),
        };
        let mut signature = signature(key, letter.body.as_bytes())?;
        if switches.get("signature_case") == "upper" {
            signature.make_ascii_uppercase();
        }
        let mut body = letter.body.clone();
        let mut authorization = switches.get("webhook_authorization").to_owned();
        match letter.forgery {
            Some(Forgery::Unsigned) => signature.clear(),
            Some(Forgery::Truncated) => signature.truncate(32),
            Some(Forgery::FlippedTag) => {
                let flipped = if signature.starts_with('0') { "1" } else { "0" };
                signature.replace_range(..1, flipped);
            }
            // The same JSON in other bytes.
            Some(Forgery::Respaced) => body = body.replace(":\"", ": \""),
            Some(Forgery::WrongAuthorization) => authorization.push_str("-of-somebody-else"),
            Some(Forgery::WrongKey | Forgery::SwappedVector) | None => {}
        }
        let mut headers =
            vec![("content-type", "application/json".to_owned()), ("authorization", authorization)];
        if !signature.is_empty() {
            headers.push(("cko-signature", signature));
        }
        let patience_ms = u64::try_from(switches.number("webhook_patience_ms")).ok();
        // Every attempt has the same bytes.
        let vector = "as it is".to_owned();
        Some(Parcel { url: url.to_owned(), headers, body, vector, patience_ms })
    }
}

/// A forger claims what there is to gain.
fn captured(event: &Event<'_>) -> String {
    let mut claim = event.json(false, "");
    claim["type"] = Value::from("payment_captured");
    claim["data"]["response_code"] = json!(APPROVED);
    claim.to_string()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_routine_is_the_one_of_rfc_4231() {
        let signed = signature("Jefe", b"what do ya want for nothing?").unwrap();
        assert_eq!(signed, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn an_empty_body_is_signed_too() {
        let signed = signature("cko-standin-signature-key-0001", b"").unwrap();
        assert_eq!(signed, "d0c01d9c6548bab192aa1bd3e85960daa28c06989dc1e332b4e23988fc8ee7ca");
    }
}
