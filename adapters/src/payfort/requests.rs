//! What we say to `PayFort`: flat lists of fields, signed. Everything goes to one address; the command chooses.

use super::signing::{Channel, Texts};
use crate::error::Error;
use schema::money::Money;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The longest amount: ten digits.
const AMOUNT_MAX: i64 = 9_999_999_999;

/// A message of ours before it is signed.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// Its name in spans and errors.
    pub(super) operation: &'static str,
    fields: BTreeMap<&'static str, Field>,
}

#[derive(Clone, Debug)]
enum Field {
    Text(String),
    /// Sorted by name, in the JSON as in the signature.
    Nested(BTreeMap<&'static str, String>),
}

impl Request {
    /// `selector` is `command`, `service_command` or `query_command`; exactly one says what is wanted.
    pub(super) fn new(
        operation: &'static str,
        (selector, command): (&'static str, &'static str),
    ) -> Self {
        Self { operation, fields: BTreeMap::new() }.with(selector, command)
    }

    /// Trimmed, and left out where nothing is left: the vendor's own libraries sign empty values differently.
    pub(super) fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        let value = value.as_ref().trim();
        if !value.is_empty() {
            self.fields.insert(name, Field::Text(value.to_owned()));
        }
        self
    }

    pub(super) fn with_nested(
        mut self,
        name: &'static str,
        members: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        self.fields.insert(name, Field::Nested(members.into_iter().collect()));
        self
    }

    /// In minor units: `10580` is 105.80 SAR.
    pub(super) fn of(self, amount: Money) -> Result<Self, Error> {
        if !(1..=AMOUNT_MAX).contains(&amount.amount_minor) {
            return Err(Error::refused("amount", "payfort takes no such amount"));
        }
        let minor = amount.amount_minor.to_string();
        Ok(self.with("amount", minor).with("currency", amount.currency.code()))
    }

    /// As the API takes it.
    pub(super) fn json(self, channel: &Channel) -> Value {
        let signature = channel.sign(&self.texts());
        let fields = self.with("signature", signature).fields;
        let json = fields.into_iter().map(|(name, field)| (name.to_owned(), field.json()));
        Value::Object(json.collect())
    }

    /// As a browser posts it to the vendor's page.
    pub(super) fn form(self, channel: &Channel) -> Vec<(String, String)> {
        let mut fields = self.texts();
        let signature = channel.sign(&fields);
        fields.insert("signature".to_owned(), signature);
        fields.into_iter().collect()
    }

    fn texts(&self) -> Texts {
        let text = |(name, field): (&&str, &Field)| ((*name).to_owned(), field.text());
        self.fields.iter().map(text).collect()
    }
}

impl Field {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Nested(members) => {
                let members: Vec<String> =
                    members.iter().map(|(name, value)| format!("{name}={value}")).collect();
                format!("{{{}}}", members.join(", "))
            }
        }
    }

    fn json(self) -> Value {
        match self {
            Self::Text(text) => Value::String(text),
            Self::Nested(members) => {
                let member = |(name, value): (&str, String)| (name.to_owned(), Value::from(value));
                Value::Object(members.into_iter().map(member).collect::<Map<_, _>>())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_whole_minor_units_and_nothing_empty_is_sent() {
        let request = || Request::new("purchase", ("command", "PURCHASE"));
        let texts = request().of(Money::sar(10_580)).unwrap().with("x", " ").with("y", " a ");
        let texts = texts.texts();
        assert_eq!((texts["amount"].as_str(), texts["currency"].as_str()), ("10580", "SAR"));
        assert_eq!((texts.get("x"), texts["y"].as_str()), (None, "a"));
        for minor in [0, -1, AMOUNT_MAX + 1] {
            assert!(request().of(Money::sar(minor)).is_err(), "{minor}");
        }
    }
}
