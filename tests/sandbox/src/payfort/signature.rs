//! Signatures as Amazon Payment Services documents them, over what came in the order it came.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha512};
use std::collections::BTreeMap;
use std::fmt;

/// A value as it was received: nested ones keep their order, numbers their digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Text(String),
    Map(Vec<(String, Node)>),
    List(Vec<Node>),
}

impl Node {
    pub(super) fn signed(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Map(members) => {
                let members =
                    members.iter().map(|(name, node)| format!("{name}={}", node.signed()));
                format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
            }
            Self::List(nodes) => {
                format!("[{}]", nodes.iter().map(Self::signed).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Map(members) => {
                members.iter().map(|(name, node)| (name.clone(), node.json())).collect()
            }
            Self::List(nodes) => nodes.iter().map(Self::json).collect(),
        }
    }
}

/// A request's fields, sorted by the bytes of their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(pub BTreeMap<String, Node>);

impl Fields {
    pub(super) fn json(body: &[u8]) -> Option<Self> {
        let Node::Map(members) = serde_json::from_slice(body).ok()? else { return None };
        Some(Self(members.into_iter().collect()))
    }

    pub(super) fn form(pairs: Vec<(String, String)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name, Node::Text(value))).collect())
    }

    /// The text under this name; nothing where there is none, or it is nested.
    pub(super) fn get(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Node::Text(text)) => text,
            Some(Node::Map(_) | Node::List(_)) | None => "",
        }
    }

    pub(super) fn texts(&self, without: &[&str]) -> BTreeMap<String, String> {
        let kept = self.0.iter().filter(|(name, _)| !without.contains(&name.as_str()));
        kept.map(|(name, node)| (name.clone(), node.signed())).collect()
    }

    /// Everything but what is secret, to be said back.
    pub(super) fn echo(&self, nested: bool) -> Map<String, Value> {
        let secret = ["signature", "card_security_code", "card_number", "apple_data"];
        let shown = self.0.iter().filter(|(name, node)| {
            !secret.contains(&name.as_str()) && (nested || matches!(node, Node::Text(_)))
        });
        shown.map(|(name, node)| (name.clone(), node.json())).collect()
    }
}

/// The digest of these under a phrase; `None` for a type the portal does not have.
pub(super) fn sign(
    sha_type: &str,
    phrase: &str,
    texts: &BTreeMap<String, String>,
) -> Option<String> {
    let parts = texts.iter().map(|(name, value)| format!("{name}={value}"));
    let inner = parts.collect::<Vec<_>>().concat();
    let whole = format!("{phrase}{inner}{phrase}");
    Some(match sha_type {
        "SHA-256" => HEXLOWER.encode(&Sha256::digest(&whole)),
        "SHA-512" => HEXLOWER.encode(&Sha512::digest(&whole)),
        "HMAC-256" => {
            let mut mac = Hmac::<Sha256>::new_from_slice(phrase.as_bytes()).ok()?;
            mac.update(whole.as_bytes());
            HEXLOWER.encode(&mac.finalize().into_bytes())
        }
        "HMAC-512" => {
            let mut mac = Hmac::<Sha512>::new_from_slice(phrase.as_bytes()).ok()?;
            mac.update(whole.as_bytes());
            HEXLOWER.encode(&mac.finalize().into_bytes())
        }
        _ => return None,
    })
}

/// What the vendor itself writes, as text.
pub(super) fn texts_of(fields: &Map<String, Value>) -> BTreeMap<String, String> {
    fn text(value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(list) => {
                format!("[{}]", list.iter().map(text).collect::<Vec<_>>().join(", "))
            }
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| format!("{name}={}", text(value)));
                format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
            }
        }
    }
    let unsigned = |name: &str| name == "signature";
    let signed = fields.iter().filter(|(name, _)| !unsigned(name));
    signed.map(|(name, value)| (name.clone(), text(value))).collect()
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without fractions")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Text(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Text(number.to_string()))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Node, E> {
        Ok(Node::Text(truth.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Text(String::new()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Node::Map(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_examples_are_signed() {
        let purchase = r#"{"command":"PURCHASE","access_code":"SILgpo7pWbmzuURp2qri",
            "merchant_identifier":"MxvOupuG","merchant_reference":"Test010","amount":"1000",
            "currency":"USD","language":"en","customer_email":"test@gmail.com"}"#;
        let nested = r#"{"access_code":"TestAccessCode","language":"testlanguage",
            "merchant_identifier":"TestMerchantIdentifier","payment_type":{
            "payment_method":"TestPaymentMethod","payment_cardtype":"TestCardType",
            "payment_security_code":123}}"#;
        for (message, expected) in [
            (purchase, "94c38afc7bdae0114fc8c740edf12416f22998241ce4b4ea70d5521233a2c882"),
            (nested, "53c5aa02e0cdf14d59cc2eef557b23bffa33621f5f6faf14d3c215f8d4db1954"),
        ] {
            let texts = Fields::json(message.as_bytes()).unwrap().texts(&["signature"]);
            assert_eq!(sign("SHA-256", "PASS", &texts).unwrap(), expected);
        }
        assert_eq!(sign("SHA-128", "PASS", &BTreeMap::new()), None);
    }

    #[test]
    fn what_the_vendor_writes_is_signed_as_it_is_read() {
        let fields = serde_json::json!({"b": {"y": "1", "x": null}, "a": 5, "signature": "x"});
        let written = texts_of(fields.as_object().unwrap());
        let read = Fields::json(fields.to_string().as_bytes()).unwrap();
        assert_eq!(written, read.texts(&["signature"]));
    }
}
