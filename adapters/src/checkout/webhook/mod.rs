//! Checkout.com's webhooks: `Cko-Signature` is the HMAC-SHA256 of the raw bytes, as hex, and `Authorization` a text agreed
//! on when the workflow was made (Checkout.com docs, "Webhooks"). Both are checked before anything is read. Nothing says
//! when a delivery was made, so it can be replayed for ever: it only says whom to ask about.

use super::wire::{is_id, is_word};
use crate::{
    card_numbers,
    error::Error,
    provider::{Claim, Delivery, Hint},
};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Of the digest's 64 hex digits; 160 bits name an event well enough.
const EVENT_CHARS: usize = 40;
const REFERENCE_CHARS: usize = 50;

/// What proves a delivery: any of the keys, and any of the texts. A change of either has both valid for a while.
pub(super) struct Secrets {
    keys: Vec<Hmac<Sha256>>,
    /// Each as the tag of no text under it: tags are compared in constant time, whatever is given.
    authorizations: Vec<Vec<u8>>,
}

impl Secrets {
    /// None of either: nothing is ever believed.
    pub(super) fn new(
        keys: &[SecretString],
        authorizations: &[SecretString],
    ) -> Result<Self, Error> {
        let wrong = || Error::refused("configuration", "checkout: an empty webhook secret");
        let mac = |secret: &SecretString| keyed(secret.expose_secret()).ok_or_else(wrong);
        let tag =
            |secret: &SecretString| mac(secret).map(|mac| mac.finalize().into_bytes().to_vec());
        Ok(Self {
            keys: keys.iter().map(mac).collect::<Result<_, Error>>()?,
            authorizations: authorizations.iter().map(tag).collect::<Result<_, Error>>()?,
        })
    }

    fn verify(&self, delivery: &Delivery<'_>) -> Result<(), Error> {
        let header = |name: &str| (delivery.header)(name).unwrap_or_default();
        let signature = HEXLOWER_PERMISSIVE
            .decode(header("cko-signature").trim().as_bytes())
            .map_err(|_| Error::forged("checkout: the signature is not hex"))?;
        let signed = self.keys.iter().any(|key| {
            let mac = key.clone().chain_update(delivery.body);
            mac.verify_slice(&signature).is_ok()
        });
        if !signed {
            return Err(Error::forged("checkout: no key of ours has signed it"));
        }
        let shown = keyed(&header("authorization"))
            .ok_or_else(|| Error::forged("checkout: no authorization"))?;
        let agreed = |tag: &Vec<u8>| shown.clone().verify_slice(tag).is_ok();
        if !self.authorizations.iter().any(agreed) {
            return Err(Error::forged("checkout: another authorization than was agreed on"));
        }
        Ok(())
    }
}

fn keyed(secret: &str) -> Option<Hmac<Sha256>> {
    (!secret.is_empty()).then(|| Hmac::new_from_slice(secret.as_bytes()).ok()).flatten()
}

/// What a delivery says, if its vendor wrote it. What the vendor wrote and nobody can read is kept as that: it would only
/// be sent again (`authentication_failed` has been seen in pieces).
pub(super) fn read(secrets: &Secrets, delivery: Delivery<'_>) -> Result<Hint, Error> {
    secrets.verify(&delivery)?;
    let event: Value = if card_numbers::hides_digits(delivery.body) {
        Value::Null
    } else {
        let text = card_numbers::masked(delivery.body.to_vec());
        serde_json::from_slice(&text).unwrap_or_default()
    };
    // The same in every delivery of an event; without one, the delivery is the event.
    let name = match text(&event, "/id") {
        Some(id) => Sha256::digest(id),
        None => Sha256::digest(delivery.body),
    };
    let name = HEXLOWER.encode(&name).chars().take(EVENT_CHARS).collect();
    Ok(Hint { event: name, claim: claim(&event) })
}

/// What is claimed. The data of a refund or a void have its own reference, not the payment's.
fn claim(event: &Value) -> Claim {
    let kind = text(event, "/type").filter(|kind| is_word(kind)).unwrap_or("unreadable");
    let id = |place: &str, prefix: &str| {
        text(event, place).filter(|id| is_id(id, prefix)).map(str::to_owned)
    };
    let reference =
        |place: &str| text(event, place).filter(|it| is_reference(it)).map(str::to_owned);
    let claim = match kind {
        "payment_captured" | "payment_paid" => payment(true, reference, id),
        "payment_approved"
        | "payment_pending"
        | "payment_declined"
        | "payment_capture_pending"
        | "payment_capture_declined"
        | "payment_canceled"
        | "payment_expired" => payment(false, reference, id),
        "payment_refunded"
        | "payment_refund_declined"
        | "payment_refund_pending"
        | "payment_voided"
        | "payment_void_declined" => reference("/data/reference").map(|reference| Claim::Refund {
            reference,
            transaction: id("/data/action_id", "act_"),
        }),
        "dispute_received"
        | "dispute_evidence_required"
        | "dispute_accepted"
        | "dispute_expired"
        | "dispute_lost"
        | "dispute_arbitration_lost" => Some(Claim::Chargeback {
            reference: reference("/data/payment_reference"),
            transaction: id("/data/payment_id", "pay_"),
        }),
        _ => None,
    };
    claim.unwrap_or_else(|| Claim::Other { kind: kind.to_owned() })
}

fn payment(
    final_success: bool,
    reference: impl Fn(&str) -> Option<String>,
    id: impl Fn(&str, &str) -> Option<String>,
) -> Option<Claim> {
    let transaction = id("/data/id", "pay_");
    let reference = reference("/data/reference")?;
    Some(Claim::Payment { reference, transaction, final_success })
}

fn text<'a>(event: &'a Value, place: &str) -> Option<&'a str> {
    event.pointer(place).and_then(Value::as_str)
}

/// A reference as we give them, or as somebody else's of the same account may look.
fn is_reference(text: &str) -> bool {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=REFERENCE_CHARS).contains(&text.len()) && text.bytes().all(part)
}

#[cfg(test)]
mod tests;
