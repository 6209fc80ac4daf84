//! `HyperPay`'s forms and JSON. Amounts are decimal text with two digits; only `result` is always there.

use crate::error::Error;
use schema::money::{Money, Shown};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `105.80`, exactly two decimals.
pub(super) fn amount_to_wire(money: Money) -> Result<String, Error> {
    let minor = u64::try_from(money.amount_minor)
        .map_err(|_| Error::refused("amount", "hyperpay takes no negative amount"))?;
    Ok(format!("{}.{:02}", minor / 100, minor % 100))
}

/// One or two decimals, or none. Anything else is not an amount.
pub(super) fn amount_from_wire(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "00"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || whole.len() > 12 || !digits(fraction) {
        return None;
    }
    let cents: i64 = match fraction.len() {
        1 => fraction.parse::<i64>().ok()? * 10,
        2 => fraction.parse().ok()?,
        _ => return None,
    };
    Some(whole.parse::<i64>().ok()? * 100 + cents)
}

/// Any answer, and any transaction in one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    pub(super) result: Outcome,
    pub(super) id: Option<String>,
    pub(super) referenced_id: Option<String>,
    pub(super) payment_type: Option<String>,
    payment_brand: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) amount: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) merchant_transaction_id: Option<String>,
    pub(super) timestamp: Option<String>,
    card: Option<Card>,
    pub(super) redirect: Option<Value>,
    authentication: Option<Authentication>,
    #[serde(rename = "authentication.entityId")]
    entity: Option<String>,
    /// A query's transactions; the newer version of the interface calls them records.
    pub(super) payments: Option<Vec<Answer>>,
    pub(super) records: Option<Vec<Answer>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    pub(super) code: String,
    #[serde(default)]
    pub(super) parameter_errors: Vec<ParameterError>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ParameterError {
    #[serde(default)]
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Card {
    last4_digits: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authentication {
    entity_id: Option<String>,
}

/// A bank's page: to be gone to or, with fields, to be posted to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Redirect {
    pub(super) url: String,
    pub(super) fields: Vec<(String, String)>,
}

const URL_MAX: usize = 2_048;
const FIELDS_MAX: usize = 16;
const FIELD_MAX: usize = 8_192;

impl Redirect {
    /// None: no page that somebody can be sent to. In the clear only where the vendor itself (`base_url`) is asked in the
    /// clear.
    pub(super) fn read(shown: &Value, base_url: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Shown {
            url: String,
            method: Option<String>,
            #[serde(default)]
            parameters: Vec<Parameter>,
        }
        #[derive(Deserialize)]
        struct Parameter {
            name: String,
            value: String,
        }
        let Shown { url, method, parameters } = Shown::deserialize(shown).ok()?;
        let graphic = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let secure = url.starts_with("https://")
            || base_url.starts_with("http://") && url.starts_with("http://");
        let name = |text: &str| {
            let part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
            (1..=64).contains(&text.len()) && text.bytes().all(part)
        };
        let sound =
            |it: &Parameter| name(&it.name) && it.value.len() <= FIELD_MAX && graphic(&it.value);
        // What is fetched has all it needs in its address.
        let posted = method.is_none_or(|method| method == "POST");
        let page = secure && url.len() <= URL_MAX && graphic(&url);
        let few = parameters.len() <= FIELDS_MAX && (posted || parameters.is_empty());
        if !page || !few || !parameters.iter().all(sound) {
            return None;
        }
        let fields = parameters.into_iter().map(|it| (it.name, it.value)).collect();
        Some(Self { url, fields })
    }
}

/// Whether an id can stand in a path as it is.
pub(super) fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    (8..=64).contains(&id.len()) && !id.starts_with('.') && id.bytes().all(plain)
}

/// What a transaction does to money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `DB`, and `PA.CP`: reserved, then taken.
    Debit,
    /// `PA`
    Reservation,
    /// `RF`, `RV`
    GivenBack,
    /// `CB`
    Chargeback,
    Other,
}

impl Answer {
    pub(super) fn kind(&self) -> Kind {
        match self.payment_type.as_deref() {
            Some("DB" | "PA.CP") => Kind::Debit,
            Some("PA") => Kind::Reservation,
            Some("RF" | "RV") => Kind::GivenBack,
            Some("CB") => Kind::Chargeback,
            Some(_) | None => Kind::Other,
        }
    }

    /// `CP`: money that was reserved was taken.
    pub(super) fn is_capture(&self) -> bool {
        self.payment_type.as_deref() == Some("CP")
    }

    /// The last four digits of the card; anything else in their place is none.
    pub(super) fn last4(&self) -> Option<String> {
        let shown = self.card.as_ref()?.last4_digits.as_deref()?;
        let sound = shown.len() == 4 && shown.bytes().all(|byte| byte.is_ascii_digit());
        sound.then(|| shown.to_owned())
    }

    /// `VISA`, `MADA`, `APPLEPAY`, …; anything that does not look like one is none.
    pub(super) fn brand(&self) -> Option<String> {
        let shown = self.payment_brand.as_deref()?;
        let letter = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
        ((2..=24).contains(&shown.len()) && shown.bytes().all(letter)).then(|| shown.to_owned())
    }

    /// The account it is said to be of, where it is said.
    pub(super) fn account(&self) -> Option<&str> {
        let nested = self.authentication.as_ref().and_then(|it| it.entity_id.as_deref());
        nested.or(self.entity.as_deref())
    }

    pub(super) fn money(&self) -> Result<Shown, Error> {
        let amount = self.amount.as_deref().and_then(amount_from_wire);
        let shown = amount.and_then(|amount| Shown::new(amount, self.currency.as_deref()?));
        shown.ok_or_else(|| Error::unknown("hyperpay: a transaction without a readable amount"))
    }

    /// The code as it is documented. What is no such code is not repeated: anything could be in it.
    pub(super) fn code(&self) -> &str {
        let code = self.result.code.as_str();
        let documented = code.len() == 11 && code.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if documented { code } else { "no_result_code" }
    }

    /// The code and the parameters that were wrong. The vendor's own sentence may repeat what it was sent, so it is not
    /// repeated; its documentation has one for every code.
    pub(super) fn reason(&self) -> String {
        let names = self.result.parameter_errors.iter().map(|wrong| wrong.name.as_str());
        let part = |c: char| c.is_ascii_alphabetic() || "._[]".contains(c);
        let names: Vec<&str> = names.filter(|name| name.chars().all(part)).collect();
        let wrong =
            if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
        format!("hyperpay: {}{wrong}", self.code())
    }
}

/// Amounts are text, but a number is as good.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_amount_up_to_a_thousand_goes_there_and_back() {
        for minor in 1..=100_000 {
            let wire = amount_to_wire(Money::sar(minor)).unwrap();
            assert_eq!(amount_from_wire(&wire), Some(minor), "{wire}");
        }
        assert_eq!(amount_to_wire(Money::sar(10_580)).unwrap(), "105.80");
        assert!(amount_to_wire(Money::sar(-1)).is_err());
    }

    #[test]
    fn the_customer_is_sent_to_pages_only() {
        let redirect = |url: &str, method: &str, value: &str| {
            let raw = serde_json::json!({"url": url, "method": method,
                "parameters": [{"name": "PaReq", "value": value}]});
            Redirect::read(&raw, "https://oppwa.example")
        };
        let page = redirect("https://bank.example/3ds", "POST", "eJxVUl==").unwrap();
        assert_eq!(page.fields, [("PaReq".to_owned(), "eJxVUl==".to_owned())]);
        for (url, method, value) in [
            ("http://bank.example/3ds", "POST", "x"),
            ("javascript:alert(1)", "POST", "x"),
            ("https://bank.example/a b", "POST", "x"),
            ("https://bank.example/3ds", "POST", "a\nb"),
            ("https://bank.example/3ds", "GET", "x"),
        ] {
            assert_eq!(redirect(url, method, value), None, "{url} {method} {value}");
        }
    }

    #[test]
    fn an_amount_is_read_strictly() {
        assert_eq!(amount_from_wire("105.8"), Some(10_580));
        assert_eq!(amount_from_wire("106"), Some(10_600));
        for garbage in [
            "",
            ".",
            "1.",
            ".5",
            "1.234",
            "-1.00",
            "+1.00",
            "1,00",
            "1e3",
            " 1.00",
            "1.0.0",
            "١.٠٠",
            "1234567890123.00",
        ] {
            assert_eq!(amount_from_wire(garbage), None, "{garbage}");
        }
    }
}
