//! What a JSON body may not be, found by reading it once and keeping nothing of it.
//!
//! It is read by the parser that reads it again for the route, so both see the same body. What is no JSON at all is left
//! to the route, after a look at its text.

use super::card;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::{borrow::Cow, collections::BTreeSet, fmt};

pub(super) const DEPTH_MAX: usize = 16;
/// Of all its objects and lists together.
pub(super) const FIELDS_MAX: usize = 256;

/// Why it goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Card,
    /// The field's name, if it is one that can be repeated; never its value.
    CardIn(String),
    /// A control character, a line break among them.
    Control,
    NotUtf8,
    Complex,
    Twice(String),
}

/// A text that somebody may read one day: texts are plain.
pub(super) fn text(text: &str) -> Result<(), Refusal> {
    if text.contains(char::is_control) { Err(Refusal::Control) } else { no_card(text) }
}

pub(super) fn no_card(text: &str) -> Result<(), Refusal> {
    if card::is_in(text) { Err(Refusal::Card) } else { Ok(()) }
}

/// A body. An empty one, and one that is no JSON, is the route's to judge.
pub(super) fn json(bytes: &[u8]) -> Result<(), Refusal> {
    let whole = std::str::from_utf8(bytes).map_err(|_| Refusal::NotUtf8)?;
    let mut seen = Seen { fields: 0, refusal: None };
    let mut json = serde_json::Deserializer::from_str(whole);
    let value = Value { seen: &mut seen, name: "", depth: 0 };
    let read = value.deserialize(&mut json).and_then(|()| json.end());
    match (seen.refusal, read) {
        (Some(refusal), _) => Err(refusal),
        (None, Ok(())) => Ok(()),
        (None, Err(_)) => no_card(whole),
    }
}

struct Seen {
    fields: usize,
    refusal: Option<Refusal>,
}

impl Seen {
    /// Stops the reading.
    fn refuse<E: Error>(&mut self, refusal: Refusal) -> E {
        self.refusal = Some(refusal);
        E::custom("refused")
    }

    fn count<E: Error>(&mut self) -> Result<(), E> {
        self.fields = self.fields.saturating_add(1);
        if self.fields > FIELDS_MAX { Err(self.refuse(Refusal::Complex)) } else { Ok(()) }
    }
}

/// One value: the name of the field it is in, and how deep.
struct Value<'a> {
    seen: &'a mut Seen,
    name: &'a str,
    depth: usize,
}

impl Value<'_> {
    fn scalar<E: Error>(self, said: &str) -> Result<(), E> {
        match text(said) {
            Ok(()) => Ok(()),
            Err(Refusal::Card) => {
                let named = repeatable(self.name).map_or(Refusal::Card, Refusal::CardIn);
                Err(self.seen.refuse(named))
            }
            Err(other) => Err(self.seen.refuse(other)),
        }
    }

    fn enters<E: Error>(&mut self) -> Result<usize, E> {
        let depth = self.depth.saturating_add(1);
        if depth > DEPTH_MAX { Err(self.seen.refuse(Refusal::Complex)) } else { Ok(depth) }
    }
}

/// A field's name can be anything, too: only what is one is repeated.
fn repeatable(name: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphabetic() || c == '_' || c.is_ascii_digit();
    let fits = (1..=32).contains(&name.len()) && name.chars().all(plain) && !card::is_in(name);
    fits.then(|| name.to_owned())
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.scalar(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.scalar(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.scalar(&format!("{number:.0}"))
    }

    fn visit_str<E: Error>(self, said: &str) -> Result<(), E> {
        self.scalar(said)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let depth = self.enters()?;
        while list.next_element_seed(Value { seen: self.seen, name: self.name, depth })?.is_some() {
            self.seen.count()?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        let depth = self.enters()?;
        let mut names = BTreeSet::new();
        while let Some(name) = object.next_key::<Cow<'de, str>>()? {
            self.seen.count()?;
            if card::is_named(&name) {
                return Err(self.seen.refuse(Refusal::CardIn(name.into_owned())));
            }
            if let Err(refusal) = text(&name) {
                return Err(self.seen.refuse(refusal));
            }
            object.next_value_seed(Value { seen: self.seen, name: &name, depth })?;
            let repeated = repeatable(&name).unwrap_or_default();
            if !names.insert(name) {
                return Err(self.seen.refuse(Refusal::Twice(repeated)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> Option<Refusal> {
        json(body.as_bytes()).err()
    }

    #[test]
    fn an_honest_order_passes() {
        let body = r#"{"cinema_id":"0001","session_id":"3000","seats":[{"seat":"A1","ticket_type":"0001"}],"n":-1.5e3}"#;
        assert_eq!(refusal(body), None);
        assert_eq!(refusal(""), None);
        assert_eq!(refusal("no json"), None, "the route says what is wrong with it");
    }

    #[test]
    fn what_is_too_deep_too_many_or_said_twice_is_refused() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(refusal(&deep(DEPTH_MAX)), None);
        assert_eq!(refusal(&deep(DEPTH_MAX + 1)), Some(Refusal::Complex));
        assert_eq!(refusal(&deep(30_000)), Some(Refusal::Complex));
        let many = |n: usize| format!("[{}]", vec!["0"; n].join(","));
        assert_eq!(refusal(&many(FIELDS_MAX)), None);
        assert_eq!(refusal(&many(FIELDS_MAX + 1)), Some(Refusal::Complex));
        let twice = Some(Refusal::Twice("seat".to_owned()));
        assert_eq!(refusal(r#"{"a":{"seat":1,"seat":2}}"#), twice);
        assert_eq!(refusal(r#"{"seat":1,"\u0073eat":2}"#), twice);
        assert_eq!(refusal(r#"[{"seat":1},{"seat":2}]"#), None);
    }

    #[test]
    fn a_card_is_found_wherever_it_is_and_only_the_field_is_named() {
        let found = |field: &str| Some(Refusal::CardIn(field.to_owned()));
        assert_eq!(refusal(r#"{"a":{"seat":"4111 1111 1111 1111"}}"#), found("seat"));
        assert_eq!(refusal(r#"{"seats":["x",4111111111111111]}"#), found("seats"));
        assert_eq!(refusal(r#"{"n":4.111111111111111e15}"#), found("n"));
        assert_eq!(refusal(r#"{"n":"\u0034111111111111111"}"#), found("n"));
        assert_eq!(refusal(r#"{"CVV":"x"}"#), found("CVV"));
        assert_eq!(refusal(r#"{"4111111111111111":1}"#), Some(Refusal::Card));
        assert_eq!(refusal(r#"{"broken":"4111-1111-1111-1111"#), Some(Refusal::Card));
        assert_eq!(refusal("card=4111111111111111"), Some(Refusal::Card));
    }

    #[test]
    fn what_is_no_plain_text_is_refused() {
        assert_eq!(refusal(r#"{"reason":"a\u0000b"}"#), Some(Refusal::Control));
        assert_eq!(refusal(r#"{"reason":"a\nb"}"#), Some(Refusal::Control));
        assert_eq!(json(b"{\"a\":\"\xff\"}").err(), Some(Refusal::NotUtf8));
    }
}
