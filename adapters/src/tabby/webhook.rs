//! Tabby's webhooks: a header of our own choosing is the only proof of who wrote them, and what they say is not covered
//! by it. So a delivery only says whom to ask about, however genuine it looks (Tabby, "Webhooks").

use super::wire::{Order, Status, is_uuid};
use crate::{
    card_numbers,
    error::Error,
    provider::{Claim, Hint},
};
use data_encoding::HEXLOWER;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Of the digest's 64 hex digits; 160 bits name an event well enough.
const EVENT_CHARS: usize = 40;
const REFERENCE_CHARS: usize = 64;

pub(super) type Header<'a> = &'a (dyn for<'h> Fn(&'h str) -> Option<String> + Sync);

/// The header, and what may be in it: an old and a new secret while they are exchanged.
pub(super) struct Lock {
    header: String,
    secrets: Vec<SecretString>,
}

impl Lock {
    pub(super) fn new(header: &str, secrets: Vec<SecretString>) -> Result<Self, Error> {
        let header = header.trim().to_ascii_lowercase();
        let token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if header.is_empty() || !header.bytes().all(token) {
            let reason = "tabby: the name of the webhook header is no header's name";
            return Err(Error::refused("configuration", reason));
        }
        if secrets.iter().any(|secret| secret.expose_secret().trim().is_empty()) {
            return Err(Error::refused("configuration", "tabby: a webhook secret is empty"));
        }
        Ok(Self { header, secrets })
    }

    /// Takes the same time whatever is offered: digests are compared, of every secret, to their last byte.
    fn opens(&self, offered: &str) -> bool {
        let offered = Sha256::digest(offered.trim());
        self.secrets.iter().fold(false, |opens, secret| {
            let ours = Sha256::digest(secret.expose_secret().trim());
            let differs = ours.iter().zip(&offered).fold(0, |all, (a, b)| all | (a ^ b));
            differs == 0 || opens
        })
    }
}

/// A payment as it was at some time, or a dispute about one; never in which of its ways it has changed.
#[derive(Debug, Deserialize)]
struct Event {
    #[serde(default)]
    id: Option<String>,
    status: String,
    #[serde(default)]
    order: Option<Order>,
    #[serde(default)]
    captures: Option<Vec<Part>>,
    #[serde(default)]
    refunds: Option<Vec<Part>>,
    #[serde(default)]
    dispute_id: Option<String>,
    #[serde(default)]
    payment_id: Option<String>,
}

/// A capture or a refund in it.
#[derive(Debug, Default, Deserialize)]
struct Part {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    reference_id: Option<String>,
}

/// What a delivery says, if its vendor wrote it.
pub(super) fn read(lock: &Lock, header: Header<'_>, body: &[u8]) -> Result<Hint, Error> {
    let offered = header(&lock.header).ok_or_else(|| Error::forged("tabby: no secret"))?;
    if !lock.opens(&offered) {
        return Err(Error::forged("tabby: the secret is none of ours"));
    }
    let text = card_numbers::masked(body.to_vec());
    if card_numbers::hides_digits(&text) {
        return Err(Error::unreadable("tabby: a text that hides its digits"));
    }
    match serde_json::from_slice::<Event>(&text) {
        Ok(event) => Ok(Hint { event: event.name(), claim: event.claim() }),
        Err(error) if error.is_data() => {
            let kind = "unreadable".to_owned();
            let event = named(&[&String::from_utf8_lossy(&text)]);
            Ok(Hint { event, claim: Claim::Other { kind } })
        }
        Err(_) => Err(Error::unreadable("tabby: the text is not JSON")),
    }
}

impl Event {
    /// The same for every delivery of one event: they come without an id of their own (Tabby, "Webhooks").
    fn name(&self) -> String {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let ids = |parts: &Option<Vec<Part>>| {
            let mut ids: Vec<String> = parts.iter().flatten().map(|part| text(&part.id)).collect();
            ids.sort_unstable();
            ids.join(" ")
        };
        named(&[
            &text(&self.id),
            &self.status.to_ascii_lowercase(),
            &ids(&self.captures),
            &ids(&self.refunds),
            &text(&self.dispute_id),
            &text(&self.payment_id),
        ])
    }

    fn claim(&self) -> Claim {
        let other = |kind: &str| Claim::Other { kind: kind.to_owned() };
        if self.dispute_id.is_some() {
            return match uuid(self.payment_id.as_ref()) {
                Some(payment) => Claim::Chargeback { reference: None, transaction: Some(payment) },
                None => other("dispute"),
            };
        }
        let (Some(id), Some(status)) = (uuid(self.id.as_ref()), Status::named(&self.status)) else {
            return other("unreadable");
        };
        let parts = |parts: &Option<Vec<Part>>| parts.as_ref().is_some_and(|all| !all.is_empty());
        if parts(&self.refunds)
            && let Some(claim) = self.refund()
        {
            return claim;
        }
        let reference =
            self.order.as_ref().and_then(|order| reference(order.reference_id.as_ref()));
        match reference {
            Some(reference) => Claim::Payment {
                reference,
                transaction: Some(id),
                final_success: status == Status::Authorized || parts(&self.captures),
            },
            None => other("without_reference"),
        }
    }

    /// The newest refund in it: that is what such an event is about.
    fn refund(&self) -> Option<Claim> {
        let refunds = self.refunds.iter().flatten();
        let newest = refunds.max_by(|one, other| one.created_at.cmp(&other.created_at))?;
        let reference = reference(newest.reference_id.as_ref())?;
        Some(Claim::Refund { reference, transaction: uuid(newest.id.as_ref()) })
    }
}

/// A digest over these fields, each with its length before it.
fn named(fields: &[&str]) -> String {
    let mut hash = Sha256::new();
    for field in fields {
        hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(field);
    }
    HEXLOWER.encode(&hash.finalize()).chars().take(EVENT_CHARS).collect()
}

fn uuid(text: Option<&String>) -> Option<String> {
    text.filter(|text| is_uuid(text)).map(|text| text.to_ascii_lowercase())
}

/// A reference as we and other shops write them; anything else is none.
fn reference(text: Option<&String>) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let sound =
        |text: &&String| (1..=REFERENCE_CHARS).contains(&text.len()) && text.bytes().all(plain);
    text.filter(sound).cloned()
}
