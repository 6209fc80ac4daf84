//! `NearPay`'s JSON. Amounts in receipts are decimal text; of a card there are its scheme and its last digits.

use crate::error::Error;
use chrono::{DateTime, Utc};
use schema::money::Shown;
use serde::Deserialize;
use serde_json::{Number, Value};

/// `GET terminals?tid=`
#[derive(Debug, Deserialize)]
pub(super) struct Terminals {
    #[serde(alias = "data")]
    terminals: Vec<Terminal>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Terminal {
    tid: Option<String>,
    is_connected: Option<bool>,
}

impl Terminals {
    /// The one with this number, if it is among them. Whether the vendor narrows its list is not documented.
    pub(super) fn the(self, tid: &str) -> Option<Terminal> {
        self.terminals.into_iter().find(|it| it.tid.as_deref() == Some(tid))
    }
}

impl Terminal {
    /// What is not said is not held against it: the kiosk will see for itself.
    pub(super) fn is_there(&self) -> bool {
        self.is_connected != Some(false)
    }
}

/// `GET transactions?customer_reference_number=`
#[derive(Debug, Deserialize)]
pub(super) struct Transactions {
    transactions: Vec<Listed>,
    #[serde(alias = "pagination")]
    pages: Option<Pages>,
}

#[derive(Debug, Deserialize)]
struct Pages {
    #[serde(alias = "total_pages")]
    total: Option<u64>,
}

impl Transactions {
    /// All there are. A first page of several would prove nothing.
    pub(super) fn whole(self, page: usize) -> Result<Vec<Listed>, Error> {
        let several = self.pages.and_then(|pages| pages.total).is_some_and(|total| total > 1);
        if several || self.transactions.len() > page {
            return Err(Error::unknown("nearpay: more transactions than a reference can have"));
        }
        Ok(self.transactions)
    }
}

/// A transaction, with what the terminal printed of it.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    pub(super) id: Option<String>,
    customer_reference_number: Option<String>,
    pub(super) created_at: Option<DateTime<Utc>>,
    #[serde(default, alias = "reciepts")]
    pub(super) receipts: Vec<Receipt>,
}

impl Listed {
    /// The reference that the kiosk gave it, wherever it is shown.
    pub(super) fn reference(&self) -> Option<&str> {
        let mut receipts = self.receipts.iter();
        let printed = || receipts.find_map(|it| it.customer_reference_number.as_deref());
        self.customer_reference_number.as_deref().or_else(printed)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Receipt {
    customer_reference_number: Option<String>,
    pub(super) transaction_uuid: Option<String>,
    pub(super) tid: Option<String>,
    transaction_type: Option<Type>,
    amount_authorized: Option<Amount>,
    currency: Option<Names>,
    pub(super) is_approved: Option<bool>,
    #[serde(default)]
    pub(super) is_reversed: bool,
    #[serde(default)]
    pub(super) is_refunded: bool,
    action_code: Option<String>,
    card_scheme: Option<Scheme>,
    pan: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Type {
    id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Amount {
    value: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Names {
    english: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Scheme {
    id: Option<String>,
}

/// What a transaction does to money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `00`
    Purchase,
    /// `20`
    Refund,
    Other,
}

impl Receipt {
    pub(super) fn kind(&self) -> Kind {
        match self.transaction_type.as_ref().and_then(|it| it.id.as_deref()) {
            Some("00") => Kind::Purchase,
            Some("20") => Kind::Refund,
            Some(_) | None => Kind::Other,
        }
    }

    pub(super) fn money(&self) -> Result<Shown, Error> {
        let currency = self.currency.as_ref().and_then(|it| it.english.as_deref());
        let amount = self.amount_authorized.as_ref().and_then(|it| it.value.as_deref());
        let amount = amount.and_then(amount_from_wire);
        let shown = amount.and_then(|amount| Shown::new(amount, currency?));
        shown.ok_or_else(|| Error::unknown("nearpay: a receipt without a readable amount"))
    }

    /// Why it was not approved: two to four letters or digits; whatever else is there is not repeated.
    pub(super) fn action_code(&self) -> String {
        let shown = self.action_code.as_deref().filter(|code| {
            (2..=4).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        shown.unwrap_or("declined").to_owned()
    }

    /// `P1` is mada; two letters or digits.
    pub(super) fn brand(&self) -> Option<String> {
        let id = self.card_scheme.as_ref()?.id.as_deref()?;
        let plain = id.len() == 2 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let id = plain.then(|| id.to_ascii_uppercase())?;
        Some(match id.as_str() {
            "P1" => "MADA".to_owned(),
            "VC" => "VISA".to_owned(),
            "MC" => "MASTER".to_owned(),
            "AX" => "AMEX".to_owned(),
            _ => id,
        })
    }

    /// The four digits at the end of a masked number.
    pub(super) fn last4(&self) -> Option<String> {
        let shown = self.pan.as_deref()?.trim_end();
        let (rest, last) = shown.split_at_checked(shown.len().checked_sub(4)?)?;
        let masked = rest.contains('*') && last.bytes().all(|byte| byte.is_ascii_digit());
        masked.then(|| last.to_owned())
    }
}

/// One or two decimals, or none. Anything else is not an amount.
fn amount_from_wire(text: &str) -> Option<i64> {
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

/// The body of a refusal.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    code_text: Option<String>,
    code: Option<Number>,
}

impl Failure {
    /// The code as a word or a number, nothing else of the body.
    pub(super) fn code(self) -> Option<String> {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let text = self.code_text.filter(|it| (2..=48).contains(&it.len()) && it.bytes().all(word));
        text.or_else(|| self.code.and_then(|code| code.as_u64()).map(|code| code.to_string()))
    }
}

/// An id can stand in our books as it is: letters, digits and dashes.
pub(super) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (8..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// The text at the first of these places that has one.
pub(super) fn text_at<'a>(body: &'a Value, places: &[&str]) -> Option<&'a str> {
    places.iter().find_map(|place| body.pointer(place)?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn receipt(body: Value) -> Receipt {
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn an_amount_is_read_strictly() {
        for (text, minor) in [("64.50", 6_450), ("64.5", 6_450), ("64", 6_400), ("0.05", 5)] {
            assert_eq!(amount_from_wire(text), Some(minor), "{text}");
        }
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

    #[test]
    fn of_a_card_only_the_last_four_digits_of_a_masked_number_are_kept() {
        let last4 = |pan: &str| receipt(json!({"pan": pan})).last4();
        assert_eq!(last4("5243 42** **** 9871").as_deref(), Some("9871"));
        assert_eq!(last4("****0007").as_deref(), Some("0007"));
        for other in ["", "9871", "52434200009871", "5243 42** **** 98x1", "****٠٠٠٧"] {
            assert_eq!(last4(other), None, "{other}");
        }
    }

    #[test]
    fn only_codes_of_the_documented_shape_are_repeated() {
        let code = |body: Value| serde_json::from_value::<Failure>(body).unwrap().code();
        let shown = code(json!({"code_text": "irreversible_transaction", "code": 5004}));
        assert_eq!(shown.as_deref(), Some("irreversible_transaction"));
        assert_eq!(code(json!({"code_text": "Sara Ali", "code": 5004})).as_deref(), Some("5004"));
        assert_eq!(code(json!({"message": "Sara Ali"})), None);
        let declined = |code: &str| receipt(json!({"action_code": code})).action_code();
        assert_eq!((declined("116"), declined("Sara Ali")), ("116".into(), "declined".into()));
    }
}
