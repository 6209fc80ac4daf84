//! `PayFort`'s signatures: every message is signed by the phrase of its channel and direction ("Request and response
//! signature", Amazon Payment Services).
//!
//! All fields sorted by the bytes of their names, `name=value` one after the other, the phrase before and after; hashed,
//! in hex. Under HMAC the phrase is the key as well.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest, hmac};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;

/// Fields by name, each with the text it is signed as. Sorted as the signature wants them.
pub(super) type Texts = BTreeMap<String, String>;

/// What no signature is over.
const UNSIGNED: [&str; 2] = ["signature", "installment_detail"];

/// How a channel signs, as the vendor's portal is set. Its SHA-128 (SHA-1) is not spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShaType {
    Sha256,
    Sha512,
    Hmac256,
    Hmac512,
}

impl ShaType {
    /// By the portal's name, `SHA-256` or `HMAC-512`; the vendor's own libraries write `sha256` and `hmac512`.
    pub fn named(name: &str) -> Option<Self> {
        let bare: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        match bare.to_ascii_uppercase().as_str() {
            "SHA256" => Some(Self::Sha256),
            "SHA512" => Some(Self::Sha512),
            "HMAC256" => Some(Self::Hmac256),
            "HMAC512" => Some(Self::Hmac512),
            _ => None,
        }
    }
}

/// One of the account's channels: cards, or Apple Pay. Whoever reads a message finds its channel by the access code in it.
#[derive(Clone, Debug)]
pub struct Channel {
    pub access_code: String,
    pub sha_type: ShaType,
    /// Signs what we say.
    pub request_phrase: SecretString,
    /// Signs what the vendor says; several are valid at once while they are exchanged.
    pub response_phrases: Vec<SecretString>,
}

impl Channel {
    /// The signature of what we say, in lower-case hex.
    pub(super) fn sign(&self, fields: &Texts) -> String {
        HEXLOWER.encode(&signature(self.sha_type, &self.request_phrase, fields))
    }

    /// Whether the vendor has signed these fields under this channel.
    pub(super) fn has_signed(&self, fields: &Texts) -> bool {
        let shown = fields.get("signature").map(|hex| HEXLOWER_PERMISSIVE.decode(hex.as_bytes()));
        let Some(Ok(shown)) = shown else { return false };
        self.response_phrases.iter().any(|phrase| {
            let ours = signature(self.sha_type, phrase, fields);
            verify_slices_are_equal(&ours, &shown).is_ok()
        })
    }
}

pub(super) fn signature(sha_type: ShaType, phrase: &SecretString, fields: &Texts) -> Vec<u8> {
    let phrase = phrase.expose_secret();
    let mut text = phrase.to_owned();
    for (name, value) in fields.iter().filter(|(name, _)| !UNSIGNED.contains(&name.as_str())) {
        text.extend([name, "=", value]);
    }
    text.push_str(phrase);
    let mac = |algorithm| {
        let key = hmac::Key::new(algorithm, phrase.as_bytes());
        hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
    };
    match sha_type {
        ShaType::Sha256 => digest::digest(&digest::SHA256, text.as_bytes()).as_ref().to_vec(),
        ShaType::Sha512 => digest::digest(&digest::SHA512, text.as_bytes()).as_ref().to_vec(),
        ShaType::Hmac256 => mac(hmac::HMAC_SHA256),
        ShaType::Hmac512 => mac(hmac::HMAC_SHA512),
    }
}
