//! `NearPay`'s webhooks: nothing in them is signed, so the secret at the end of our address is all that says who may
//! write, and what they say is only ever whom to ask about.
//!
//! The names of the events are public; their bodies, retries and order are not. Whatever cannot be read is a ping.

use super::wire::{is_id, text_at};
use crate::{
    card_numbers,
    error::Error,
    provider::{Claim, Hint},
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use data_encoding::HEXLOWER;
use schema::ids::{PaymentId, RefundId};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A secret that could be guessed is none.
const SECRET_CHARS: usize = 32;
/// Of the digest's 64 hex digits.
const EVENT_CHARS: usize = 40;

const NAMES: [&str; 4] = ["/event", "/type", "/event_type", "/name"];
const REFERENCES: [&str; 5] = [
    "/data/customer_reference_number",
    "/data/transaction/customer_reference_number",
    "/data/receipts/0/customer_reference_number",
    "/transaction/customer_reference_number",
    "/customer_reference_number",
];
const TRANSACTIONS: [&str; 6] = [
    "/data/receipts/0/transaction_uuid",
    "/data/transaction_uuid",
    "/data/transaction/id",
    "/data/id",
    "/transaction/id",
    "/transaction_uuid",
];
const TIMES: [&str; 4] = ["/data/updated_at", "/data/created_at", "/updated_at", "/created_at"];

/// The secrets that are valid at once.
pub(super) struct Secrets(Vec<SecretString>);

impl Secrets {
    pub(super) fn new(secrets: Vec<SecretString>) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let sound = |secret: &SecretString| {
            let text = secret.expose_secret();
            (SECRET_CHARS..=128).contains(&text.len()) && text.bytes().all(plain)
        };
        if !secrets.iter().all(sound) {
            let reason = "a nearpay webhook secret is 32 to 128 letters, digits, - and _";
            return Err(Error::refused("configuration", reason));
        }
        Ok(Self(secrets))
    }

    /// How long it takes says nothing about how much of it is right, nor which of them it was.
    fn know(&self, shown: &str) -> bool {
        let equal = |secret: &SecretString| {
            let (secret, shown) = (Sha256::digest(secret.expose_secret()), Sha256::digest(shown));
            verify_slices_are_equal(&secret, &shown).is_ok()
        };
        self.0.iter().fold(false, |known, secret| known | equal(secret))
    }
}

/// What a delivery says, if it came by the secret address.
pub(super) fn read(secrets: &Secrets, path: Option<&str>, body: &[u8]) -> Result<Hint, Error> {
    if !path.is_some_and(|path| secrets.know(path)) {
        return Err(Error::forged("nearpay: not by our secret address"));
    }
    if card_numbers::hides_digits(body) {
        return Err(Error::unreadable("nearpay: a body that hides its digits"));
    }
    let event: Value = serde_json::from_slice(&card_numbers::masked(body.to_vec()))
        .map_err(|_| Error::unreadable("nearpay: a delivery that is not JSON"))?;
    Ok(Hint { event: name(&event), claim: claim(&event) })
}

/// The same for every delivery of one event: its name, what it is about, and its time.
fn name(event: &Value) -> String {
    let mut hash = Sha256::new();
    for places in [&NAMES[..], &REFERENCES, &TRANSACTIONS, &TIMES, &["/data/tid"]] {
        let text = text_at(event, places).unwrap_or_default();
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    }
    HEXLOWER.encode(&hash.finalize()).chars().take(EVENT_CHARS).collect()
}

fn claim(event: &Value) -> Claim {
    let kind = text_at(event, &NAMES).unwrap_or_default();
    let word = |text: &str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphabetic() || b"._".contains(&byte))
    };
    let other = || Claim::Other { kind: if word(kind) { kind } else { "unreadable" }.to_owned() };
    let reference = text_at(event, &REFERENCES);
    let transaction = text_at(event, &TRANSACTIONS).filter(|id| is_id(id)).map(str::to_owned);
    let Some(reference) = reference.filter(|it| is_ours(it)).map(str::to_owned) else {
        return other();
    };
    match kind.rsplit_once('.').map_or(kind, |(_, last)| last) {
        "approved" => Claim::Payment { reference, transaction, final_success: true },
        // What was given back is told under the payment's reference: whoever asks about that wakes its refund, too.
        "rejected" | "declined" | "reversed" | "refunded" => {
            Claim::Payment { reference, transaction, final_success: false }
        }
        _ => other(),
    }
}

/// 26 characters, as our ids are: nothing else could be under them, and nothing else goes any further.
fn is_ours(reference: &str) -> bool {
    PaymentId::from_bare(reference).is_ok() || RefundId::from_bare(reference).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const OLD: &str = "old-0123456789abcdef0123456789ab";
    const NEW: &str = "new-0123456789abcdef0123456789ab";
    const REFERENCE: &str = "01K9ZZZZZZZZZZZZZZZZZZZZZZ";
    const TRANSACTION: &str = "0b8e9a52-6a3f-4d0f-9b57-1d1c3b0a7f11";

    fn secrets() -> Secrets {
        Secrets::new(vec![OLD.into(), NEW.into()]).unwrap()
    }

    fn event(kind: &str) -> Value {
        json!({"event": kind, "data": {"id": TRANSACTION, "customer_reference_number": REFERENCE,
            "created_at": "2026-11-21T10:00:00.000Z", "note": "Sara Ali"}})
    }

    fn heard(body: &Value) -> Hint {
        read(&secrets(), Some(NEW), body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn either_secret_opens_and_nothing_else_does() {
        let body = event("transaction.approved").to_string();
        let opens = |path: Option<&str>| read(&secrets(), path, body.as_bytes()).is_ok();
        assert!(opens(Some(OLD)) && opens(Some(NEW)));
        for wrong in [None, Some(""), Some("new"), Some(&NEW[1..]), Some(&NEW.to_uppercase())] {
            assert!(!opens(wrong), "{wrong:?}");
        }
        let nobody = Secrets::new(Vec::new()).unwrap();
        assert!(read(&nobody, Some(""), body.as_bytes()).is_err());
        assert!(Secrets::new(vec!["short".into()]).is_err());
    }

    proptest! {
        #[test]
        fn one_other_character_and_it_is_forged(place in 0..NEW.len(), to in 0_u8..128) {
            let mut bytes = NEW.as_bytes().to_vec();
            prop_assume!(bytes[place] != to);
            bytes[place] = to;
            let path = String::from_utf8(bytes).unwrap();
            let read = read(&secrets(), Some(&path), b"[]");
            prop_assert!(read.is_err());
        }

        #[test]
        fn whatever_it_says_is_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = read(&secrets(), Some(NEW), &body);
        }
    }

    #[test]
    fn a_transaction_is_only_ever_something_to_ask_about() {
        let claims = |kind: &str| heard(&event(kind)).claim;
        let payment = |final_success| Claim::Payment {
            reference: REFERENCE.to_owned(),
            transaction: Some(TRANSACTION.to_owned()),
            final_success,
        };
        assert_eq!(claims("transaction.approved"), payment(true));
        for kind in ["transaction.rejected", "transaction.reversed"] {
            assert_eq!(claims(kind), payment(false), "{kind}");
        }
        for (kind, said) in [
            ("terminal.reconciled", "terminal.reconciled"),
            ("transaction.celebrated", "transaction.celebrated"),
            ("Sara Ali <b>", "unreadable"),
        ] {
            assert_eq!(claims(kind), Claim::Other { kind: said.to_owned() });
        }
    }

    #[test]
    fn a_reference_that_cannot_be_ours_is_not_repeated() {
        for reference in ["", "BK-1", "5105105105105100", "../../etc/passwd", "Sara Ali"] {
            let mut body = event("transaction.approved");
            body["data"]["customer_reference_number"] = json!(reference);
            assert!(matches!(heard(&body).claim, Claim::Other { .. }), "{reference}");
        }
    }

    #[test]
    fn an_event_has_one_name_however_often_it_comes() {
        let first = heard(&event("transaction.approved"));
        let mut again = event("transaction.approved");
        again["attempt"] = json!(2);
        assert_eq!(heard(&again), first);
        assert_eq!(first.event.len(), EVENT_CHARS);
        let mut later = event("transaction.approved");
        later["data"]["created_at"] = json!("2026-11-21T10:00:01.000Z");
        for other in [later, event("transaction.reversed")] {
            assert_ne!(heard(&other).event, first.event);
        }
    }

    #[test]
    fn what_is_not_json_is_nobodys() {
        for body in [&b""[..], b"{", b"<html>", b"\xff\xfe", br#"{"a":"\u0034111"}"#] {
            assert!(read(&secrets(), Some(NEW), body).is_err());
        }
        assert!(matches!(heard(&json!([])).claim, Claim::Other { .. }));
    }
}
