//! Signatures: the published examples and our own vectors, and that nothing else passes.

use super::*;
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The vendor's documentation and the tests of five public libraries; the rest computed beside them.
const VECTORS: &str = include_str!("vectors.json");

#[derive(Deserialize)]
struct Vector {
    name: String,
    phrase: String,
    message: String,
    signatures: BTreeMap<String, String>,
}

fn under(phrase: &str, sha_type: ShaType) -> Channel {
    Channel {
        access_code: CARDS.to_owned(),
        sha_type,
        request_phrase: phrase.into(),
        response_phrases: vec![phrase.into()],
    }
}

fn texts_with(message: &str, signature: &str) -> signing::Texts {
    let read: Message = serde_json::from_str(message).unwrap();
    let mut texts = read.texts().clone();
    texts.insert("signature".to_owned(), signature.to_owned());
    texts
}

#[test]
fn every_vector_is_signed_and_verified() {
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS).unwrap();
    let mut tried = 0;
    for vector in &vectors {
        for (sha_type, expected) in &vector.signatures {
            let channel = under(&vector.phrase, ShaType::named(sha_type).unwrap());
            let texts = texts_with(&vector.message, expected);
            assert_eq!(channel.sign(&texts), *expected, "{} {sha_type}", vector.name);
            assert!(channel.has_signed(&texts));
            let capitals = texts_with(&vector.message, &expected.to_uppercase());
            assert!(channel.has_signed(&capitals), "hex has no case");
            let stranger = under("another phrase", channel.sha_type);
            assert!(!stranger.has_signed(&texts), "{}", vector.name);
            tried += 1;
        }
    }
    assert_eq!(tried, 28 + 1 + 11);
}

#[test]
fn a_form_is_signed_like_json_and_an_escape_like_its_letter() {
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS).unwrap();
    let called = |start: &str| vectors.iter().find(|it| it.name.starts_with(start)).unwrap();
    let arabic = called("P6");
    let escaped: String = arabic.message.chars().map(escape).collect();
    assert!(escaped.contains("\\u0639"));
    let channel = under(&arabic.phrase, ShaType::Hmac256);
    assert!(channel.has_signed(&texts_with(&escaped, &arabic.signatures["HMAC-256"])));
    let form = called("odoo");
    let fields: BTreeMap<String, String> = serde_json::from_str(&form.message).unwrap();
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(&fields).append_pair("signature", &form.signatures["SHA-256"]);
    let message = Message::read(body.finish().as_bytes()).unwrap();
    assert!(under(&form.phrase, ShaType::Sha256).has_signed(message.texts()));
}

fn escape(c: char) -> String {
    if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) }
}

#[test]
fn sha_types_are_read_in_every_spelling_and_no_weaker_one() {
    for (name, sha_type) in [
        ("SHA-256", ShaType::Sha256),
        ("sha512", ShaType::Sha512),
        ("HMAC-256", ShaType::Hmac256),
        ("hmac_512", ShaType::Hmac512),
    ] {
        assert_eq!(ShaType::named(name), Some(sha_type), "{name}");
    }
    for weak in ["SHA-128", "sha1", "md5", ""] {
        assert_eq!(ShaType::named(weak), None, "{weak}");
    }
}

fn sha_types() -> impl Strategy<Value = ShaType> {
    let all = [ShaType::Sha256, ShaType::Sha512, ShaType::Hmac256, ShaType::Hmac512];
    proptest::sample::select(all.to_vec())
}

proptest! {
    /// What is signed stands for itself: another byte of a value, of a name or of the signature, and it is not the vendor's.
    #[test]
    fn any_flipped_byte_is_refused(
        fields in proptest::collection::btree_map("[a-z0-9_]{1,12}", "[ -~ع-ي]{0,24}", 1..6),
        sha_type in sha_types(),
        place: proptest::sample::Index,
        flip in 1_u8..128,
    ) {
        prop_assume!(!fields.contains_key("signature"));
        let channel = under("phrase", sha_type);
        let mut texts = fields;
        let signature = channel.sign(&texts);
        texts.insert("signature".to_owned(), signature);
        prop_assert!(channel.has_signed(&texts));
        for (name, value) in texts.clone() {
            for (in_name, text) in [(true, &name), (false, &value)] {
                if name == "signature" && in_name || text.is_empty() {
                    continue;
                }
                let mut bytes = text.clone().into_bytes();
                let at = place.index(bytes.len());
                bytes[at] ^= flip;
                let Ok(flipped) = String::from_utf8(bytes) else { continue };
                if name == "signature" && flipped.eq_ignore_ascii_case(text) {
                    continue;
                }
                let mut altered = texts.clone();
                if in_name {
                    altered.remove(&name);
                    if altered.insert(flipped, value.clone()).is_some() { continue; }
                } else {
                    altered.insert(name.clone(), flipped);
                }
                // Names and values are not kept apart by the vendor: `ab=c` may be `a` and `b=c`. Only that is the same.
                let unsigned = |texts: &signing::Texts| -> String {
                    let mut text = String::new();
                    for (name, value) in texts.iter().filter(|(name, _)| *name != "signature") {
                        text.extend([name, "=", value]);
                    }
                    text
                };
                let same = unsigned(&altered) == unsigned(&texts) && name != "signature";
                prop_assert_eq!(channel.has_signed(&altered), same);
            }
        }
    }

    #[test]
    fn no_bytes_at_all_make_it_panic(body: Vec<u8>) {
        let server = PayFort::new(config("http://127.0.0.1:9")).unwrap();
        let _ = Message::read(&body);
        prop_assert!(server.read_feedback(&body).is_err());
    }
}
