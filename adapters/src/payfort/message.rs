//! What `PayFort` writes: one flat list of fields, as JSON or as a form, each kept with the text it was signed as.
//!
//! Nothing in it is believed before `Channel::has_signed`, and each field is then read in its own shape only.

use super::{codes::Class, signing::Texts};
use crate::{card_numbers, error::Error};
use schema::money::{Currency, Shown};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use std::fmt;

/// The longest message that is documented has some forty.
const FIELDS_MAX: usize = 100;
const NO_CODE: &str = "no_response_code";

#[derive(Debug)]
pub(super) struct Message(Texts);

impl Message {
    /// The body of a webhook: JSON or a form, by its first character, since accounts differ and content types lie.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let body = body.trim_ascii();
        if body.starts_with(b"{") {
            return serde_json::from_slice(body).ok();
        }
        Self::of(form_urlencoded::parse(body).into_owned())
    }

    /// The fields of a form. `None`: one comes twice, or there are too many.
    pub(super) fn of(fields: impl IntoIterator<Item = (String, String)>) -> Option<Self> {
        let mut texts = Texts::new();
        for (name, value) in fields {
            if texts.len() >= FIELDS_MAX || texts.insert(name, value).is_some() {
                return None;
            }
        }
        (!texts.is_empty()).then_some(Self(texts))
    }

    pub(super) const fn texts(&self) -> &Texts {
        &self.0
    }

    /// A field that is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A name of somebody's making: a reference, a token. Letters, digits and `.@-_`, and no card number.
    pub(super) fn name(&self, field: &str, longest: usize) -> Option<&str> {
        self.get(field).filter(|text| is_name(text, longest))
    }

    /// The vendor's number of the order: up to twenty digits.
    pub(super) fn fort_id(&self) -> Option<&str> {
        self.name("fort_id", 20).filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// An amount in minor units.
    pub(super) fn minor(&self, field: &str) -> Result<Option<i64>, Error> {
        let Some(text) = self.get(field) else { return Ok(None) };
        let digits = text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        let amount = if digits { text.parse().ok() } else { None };
        amount.map(Some).ok_or_else(|| Error::unknown("payfort: an amount that is none"))
    }

    /// Says no currency, or ours.
    pub(super) fn is_in_riyals(&self) -> bool {
        self.get("currency").is_none_or(|code| code == Currency::Sar.code())
    }

    /// So much in the currency that it says, or in ours.
    pub(super) fn amount(&self, minor: i64) -> Result<Shown, Error> {
        let code = self.get("currency").unwrap_or(Currency::Sar.code());
        let none = || Error::unknown("payfort: an amount in no currency");
        Shown::new(minor, code).ok_or_else(none)
    }

    /// The code as it is documented, five digits. What is no such code is not repeated: anything could be in it.
    pub(super) fn code(&self, field: &str) -> &str {
        let documented = |code: &&str| code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit());
        self.get(field).filter(documented).unwrap_or(NO_CODE)
    }

    pub(super) fn class(&self) -> Class {
        Class::of(self.code("response_code"))
    }

    /// For people. The vendor's own sentence may repeat what it was sent; its documentation has one for every code.
    pub(super) fn reason(&self) -> String {
        format!("payfort: {}", self.code("response_code"))
    }

    /// `VISA`, `MADA`, …; anything that does not look like one is none.
    pub(super) fn brand(&self) -> Option<String> {
        let shown = self.get("payment_option")?;
        let letters = shown.bytes().all(|byte| byte.is_ascii_uppercase());
        ((2..=10).contains(&shown.len()) && letters).then(|| shown.to_owned())
    }

    /// The last four digits of a card that the vendor has starred out.
    pub(super) fn last4(&self) -> Option<String> {
        let (stars, last) = self.get("card_number")?.rsplit_once('*')?;
        let sound = last.len() == 4 && last.bytes().all(|byte| byte.is_ascii_digit());
        (sound && stars.ends_with('*')).then(|| last.to_owned())
    }
}

/// Letters, digits and `.@-_`, which the vendor allows in names; nothing that could be a card's number.
pub(super) fn is_name(text: &str, longest: usize) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".@-_".contains(&byte);
    (1..=longest).contains(&text.len())
        && text.bytes().all(allowed)
        && card_numbers::find(text).is_none()
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Message;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message, A::Error> {
        let mut texts = Texts::new();
        while let Some((name, Text(value))) = map.next_entry()? {
            if texts.len() >= FIELDS_MAX || texts.insert(name, value).is_some() {
                return Err(A::Error::custom("a field comes twice, or there are too many"));
            }
        }
        Ok(Message(texts))
    }
}

/// The text a JSON value is signed as: a whole number by its digits, nothing as nothing, nested ones as Java prints them,
/// `{a=1, b=2}` and `[1, 2]`, in the order they came. No field of the vendor's is a fraction; one is refused, since its
/// digits would not survive.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AsText)
    }
}

struct AsText;

impl<'de> Visitor<'de> for AsText {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a whole number, or a list of them")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Text, E> {
        Ok(Text(truth.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text(String::new()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        let mut members = Vec::new();
        while let Some((name, Text(value))) = map.next_entry::<String, Text>()? {
            members.push(format!("{name}={value}"));
        }
        Ok(Text(format!("{{{}}}", members.join(", "))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Text, A::Error> {
        let mut members = Vec::new();
        while let Some(Text(value)) = list.next_element()? {
            members.push(value);
        }
        Ok(Text(format!("[{}]", members.join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Option<Message> {
        Message::read(text.as_bytes())
    }

    #[test]
    fn a_field_that_comes_twice_makes_the_message_unreadable() {
        assert!(json(r#"{"amount":"1","amount":"2"}"#).is_none());
        assert!(Message::read(b"amount=1&amount=2").is_none());
        let many = (0..=FIELDS_MAX).map(|n| format!("a{n}=1&")).collect::<Vec<_>>().concat();
        assert!(Message::read(many.as_bytes()).is_none());
        for body in ["", "{", "[]", "null", "{\"a\":1.5}", "{\"a\":{\"b\":1e2}}"] {
            assert!(json(body).is_none_or(|it| it.get("a").is_none()), "{body}");
        }
    }

    #[test]
    fn values_become_the_text_they_are_signed_as() {
        let message =
            json(r#"{"n":10580,"o":{"b":"x","a":null},"l":["a",{"k":1}],"e":null,"t":"\u0639"}"#);
        let message = message.unwrap();
        let text = |name: &str| message.texts()[name].clone();
        assert_eq!(text("n"), "10580");
        assert_eq!(text("o"), "{b=x, a=}");
        assert_eq!(text("l"), "[a, {k=1}]");
        assert_eq!((text("e"), text("t")), (String::new(), "ع".to_owned()));
    }

    #[test]
    fn each_field_is_read_in_its_shape_only() {
        let form = "fort_id=169996200000132829&card_number=400555******0001&payment_option=MADA\
                    &amount=10580&response_code=14000&token_name=4005550000000001&x=a b";
        let message = Message::read(form.as_bytes()).unwrap();
        assert_eq!(message.fort_id(), Some("169996200000132829"));
        assert_eq!(message.last4().as_deref(), Some("0001"));
        assert_eq!(message.brand().as_deref(), Some("MADA"));
        assert_eq!(message.minor("amount").unwrap(), Some(10_580));
        assert_eq!(message.code("response_code"), "14000");
        assert_eq!(message.name("token_name", 100), None, "a card's number is no token");
        assert_eq!(message.name("x", 100), None);
        let wrong = "fort_id=1-2&card_number=4005550000000001&payment_option=visa&amount=-1\
                     &response_code=1400x";
        let message = Message::read(wrong.as_bytes()).unwrap();
        assert_eq!(message.fort_id(), None);
        assert_eq!((message.last4(), message.brand()), (None, None));
        assert!(message.minor("amount").is_err());
        assert_eq!(message.code("response_code"), NO_CODE);
    }
}
