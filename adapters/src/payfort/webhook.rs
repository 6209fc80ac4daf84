//! What `PayFort` tells us: its two feedback webhooks, and the browser that comes back from its page. Signed, and nothing
//! more: there is no id and no time in them, so they can be replayed for ever and only say whom to ask about
//! ("Direct transaction feedback", "Notification feedback").

use super::{PayFort, charging::given, codes::Class, message::Message, saving::TOKEN_MAX};
use crate::{
    error::Error,
    provider::{Claim, Hint},
};
use data_encoding::HEXLOWER;
use schema::ids::PaymentId;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// Of the digest's 64 hex digits; 160 bits name an event well enough.
const EVENT_CHARS: usize = 40;
const REFERENCE_MAX: usize = 40;

impl PayFort {
    /// A delivery of either webhook, as JSON or as a form.
    pub(super) fn read_feedback(&self, body: &[u8]) -> Result<Hint, Error> {
        let unreadable = || Error::unreadable("payfort: neither JSON nor a form");
        let message = Message::read(body).ok_or_else(unreadable)?;
        self.verify(&message)?;
        Ok(Hint { event: name(&message), claim: claim(&message) })
    }

    /// The token that a browser brings back from this payment's page. `None`: it brings none, or comes back from 3-D Secure,
    /// whose end the vendor is asked about.
    pub(super) fn read_token(
        &self,
        payment: PaymentId,
        fields: &[(String, String)],
    ) -> Result<Option<SecretString>, Error> {
        let reference = payment.bare();
        let message = self.brought_back(&reference, fields)?;
        let token = message.as_ref().and_then(tokenized);
        Ok(token.map(|token| given(&reference, token)))
    }

    /// What a browser brings back from the vendor's page under this reference, signed. `None`: nothing of the vendor's. A
    /// field that is not the vendor's makes the signature wrong: the return address must have none of its own.
    pub(super) fn brought_back(
        &self,
        reference: &str,
        fields: &[(String, String)],
    ) -> Result<Option<Message>, Error> {
        let theirs = |(name, _): &(String, String)| {
            ["signature", "token_name", "response_code"].contains(&name.as_str())
        };
        if !fields.iter().any(theirs) {
            return Ok(None);
        }
        let unreadable = || Error::unreadable("payfort: a field of the return comes twice");
        let message = Message::of(fields.iter().cloned()).ok_or_else(unreadable)?;
        self.verify(&message)?;
        if message.get("merchant_reference") != Some(reference) {
            return Err(Error::forged("payfort: back from another page"));
        }
        Ok(Some(message))
    }

    /// Signed by the response phrase of the channel that it names.
    fn verify(&self, message: &Message) -> Result<(), Error> {
        let channel = message.get("access_code").and_then(|code| self.channel(code));
        let channel = channel.ok_or_else(|| Error::elsewhere("payfort: no channel of ours"))?;
        let merchant = message.get("merchant_identifier");
        if merchant.is_some_and(|shown| shown != self.merchant_identifier) {
            return Err(Error::elsewhere("payfort: for another merchant"));
        }
        if channel.has_signed(message.texts()) {
            return Ok(());
        }
        Err(Error::forged("payfort: no phrase of ours signs it"))
    }
}

/// The token that the page has made of a card.
pub(super) fn tokenized(message: &Message) -> Option<&str> {
    let is_so = message.get("service_command") == Some("TOKENIZATION")
        && message.class() == Class::Tokenized;
    message.name("token_name", TOKEN_MAX).filter(|_| is_so)
}

/// The same for every delivery of one event: the vendor gives it no id, so it is what happened to which order.
fn name(message: &Message) -> String {
    let mut hash = Sha256::new();
    let fields = [
        "merchant_reference",
        "fort_id",
        "command",
        "service_command",
        "response_code",
        "amount",
        "maintenance_reference",
    ];
    for field in fields {
        let text = message.get(field).unwrap_or_default();
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    }
    HEXLOWER.encode(&hash.finalize()).chars().take(EVENT_CHARS).collect()
}

/// A reservation is no claim that money was taken; letting one go is about the payment, since it has no reference of its
/// own.
fn claim(message: &Message) -> Claim {
    let command = message.get("command").or_else(|| message.get("service_command"));
    let command = command.unwrap_or_default();
    let word = command.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let kind = if word && command.len() <= 20 { command } else { "unreadable" };
    let transaction = message.fort_id().map(str::to_owned);
    let own = message.name("maintenance_reference", REFERENCE_MAX).map(str::to_owned);
    let order = message.name("merchant_reference", REFERENCE_MAX).map(str::to_owned);
    let is_charge = ["PURCHASE", "AUTHORIZATION", "CAPTURE"].contains(&command);
    match (command, own, order) {
        ("REFUND", Some(reference), _) => Claim::Refund { reference, transaction },
        ("REFUND" | "VOID_AUTHORIZATION", _, Some(reference)) => {
            Claim::Payment { reference, transaction, final_success: false }
        }
        (_, _, Some(reference)) if is_charge => {
            let final_success = matches!(message.class(), Class::Purchased | Class::Captured);
            Claim::Payment { reference, transaction, final_success }
        }
        _ => Claim::Other { kind: kind.to_owned() },
    }
}
