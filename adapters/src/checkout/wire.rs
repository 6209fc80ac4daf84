//! Checkout.com's JSON. Amounts are whole minor units; of an answer only its id and status are always there.

use crate::{
    error::Error,
    http::Answer,
    provider::{Charge, RefundOrder},
};
use chrono::{DateTime, FixedOffset};
use schema::money::Shown;
use serde::Deserialize;
use std::fmt;

/// A payment, as it is answered when it is made and shown when it is looked up.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Payment {
    pub(super) id: String,
    pub(super) status: Status,
    pub(super) reference: Option<String>,
    amount: Option<i64>,
    currency: Option<String>,
    pub(super) approved: Option<bool>,
    requested_on: Option<String>,
    source: Option<Source>,
    balances: Option<Balances>,
    risk: Option<Risk>,
    #[serde(rename = "_links")]
    links: Option<Links>,
}

/// "Payment statuses". What is not known may still become anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Status {
    Pending,
    Authorized,
    #[serde(rename = "Card Verified")]
    CardVerified,
    Voided,
    #[serde(rename = "Partially Captured")]
    PartiallyCaptured,
    Captured,
    #[serde(rename = "Partially Refunded")]
    PartiallyRefunded,
    Refunded,
    Declined,
    Canceled,
    Expired,
    Paid,
    #[serde(other)]
    Unknown,
}

impl Status {
    /// Decided, and without money: nobody can pay in it any more.
    pub(super) const fn is_over(self) -> bool {
        match self {
            Self::Declined | Self::Canceled | Self::Expired | Self::Voided => true,
            Self::Pending
            | Self::Authorized
            | Self::CardVerified
            | Self::PartiallyCaptured
            | Self::Captured
            | Self::PartiallyRefunded
            | Self::Refunded
            | Self::Paid
            | Self::Unknown => false,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
struct Source {
    #[serde(rename = "type")]
    kind: Option<String>,
    scheme: Option<String>,
    last4: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Balances {
    total_captured: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Risk {
    flagged: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
struct Links {
    redirect: Option<Link>,
}

#[derive(Clone, Debug, Deserialize)]
struct Link {
    href: String,
}

/// Payments under a reference, newest first.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) total_count: usize,
    pub(super) data: Vec<Payment>,
}

/// What was done with a payment.
#[derive(Debug, Deserialize)]
pub(super) struct Action {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    pub(super) reference: Option<String>,
    pub(super) amount: Option<i64>,
    /// Missing: it is not decided.
    pub(super) approved: Option<bool>,
    response_code: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Kind {
    Authorization,
    Capture,
    Refund,
    Void,
    #[serde(other)]
    Other,
}

/// What is answered to a capture, a void or a refund that will be tried.
#[derive(Debug, Deserialize)]
pub(super) struct Accepted {
    pub(super) action_id: String,
    pub(super) reference: Option<String>,
}

/// The id of something new: a token, a payment context.
#[derive(Debug, Deserialize)]
pub(super) struct Made {
    #[serde(alias = "token")]
    pub(super) id: String,
}

impl Payment {
    /// It must be what was asked for. A payment that waits (202) shows no amount; one that is decided must.
    pub(super) fn is_for(&self, charge: &Charge, decided: bool) -> Result<(), Error> {
        let reference = charge.payment.bare();
        let same_reference = self.reference.as_ref().is_none_or(|shown| *shown == reference);
        let silent = !decided && self.amount.is_none() && self.currency.is_none();
        if is_id(&self.id, "pay_") && same_reference && (silent || self.money()? == charge.amount) {
            return Ok(());
        }
        Err(Error::unknown("checkout: the answer is about another payment"))
    }

    /// What it is for, as the vendor says.
    pub(super) fn money(&self) -> Result<Shown, Error> {
        let amount = self.amount.filter(|amount| *amount >= 0);
        let shown = amount.and_then(|amount| Shown::new(amount, self.currency.as_deref()?));
        shown.ok_or_else(|| Error::unknown("checkout: a payment without a readable amount"))
    }

    /// What was taken of it: less than was asked, if the vendor says so.
    pub(super) fn taken(&self) -> Result<Shown, Error> {
        let asked = self.money()?;
        match self.balances.as_ref().and_then(|balances| balances.total_captured) {
            Some(taken) if taken > 0 => Ok(asked.of_same(taken)),
            None if self.status != Status::PartiallyCaptured => Ok(asked),
            Some(_) | None => Err(Error::unknown("checkout: captured, and it does not say what")),
        }
    }

    /// The vendor's own fraud check has flagged it.
    pub(super) fn is_flagged(&self) -> bool {
        self.risk.as_ref().and_then(|risk| risk.flagged) == Some(true)
    }

    pub(super) fn is_stc_pay(&self) -> bool {
        self.source.as_ref().and_then(|source| source.kind.as_deref()) == Some("stcpay")
    }

    pub(super) fn redirect(&self) -> Option<&str> {
        let redirect = self.links.as_ref()?.redirect.as_ref()?;
        Some(redirect.href.as_str())
    }

    pub(super) fn requested_at(&self) -> Option<DateTime<FixedOffset>> {
        DateTime::parse_from_rfc3339(self.requested_on.as_deref()?).ok()
    }

    pub(super) fn brand(&self) -> Option<String> {
        let source = self.source.as_ref()?;
        brand(if self.is_stc_pay() { Some("STCPAY") } else { source.scheme.as_deref() })
    }

    pub(super) fn last4(&self) -> Option<String> {
        last4(self.source.as_ref()?.last4.as_deref())
    }
}

impl Action {
    /// `20051`, `200N7`; what is no such code is not repeated: anything could be in it.
    pub(super) fn code(&self) -> Option<String> {
        let code = self.response_code.as_deref()?;
        let sound = code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        sound.then(|| code.to_owned())
    }

    /// Whether it gives back what this order wants back. A void is all of it, and there is only one.
    pub(super) fn gives_back(&self, order: &RefundOrder) -> bool {
        let ours = self.reference.as_ref().map(|shown| *shown == order.refund.bare());
        match self.kind {
            Kind::Void => order.reserved && ours != Some(false),
            Kind::Refund => !order.reserved && ours == Some(true),
            Kind::Authorization | Kind::Capture | Kind::Other => false,
        }
    }
}

/// The codes of an error's body, as far as they look like codes. Nothing else of it is read: it may repeat what was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Codes {
    error_codes: Vec<String>,
}

impl Codes {
    /// None of a body that is empty or none of the vendor's, as every 401 is.
    pub(super) fn of(answer: &Answer) -> Self {
        let mut codes: Self = answer.json().unwrap_or_default();
        codes.error_codes.retain(|code| is_word(code));
        codes.error_codes.truncate(8);
        codes
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.error_codes.iter().map(String::as_str)
    }

    pub(super) fn has(&self, code: &str) -> bool {
        self.iter().any(|have| have == code)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.error_codes.is_empty()
    }
}

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error_codes.join(", "))
    }
}

/// Why there is no answer in an answer that is none of what its verb knows ("Response codes", API reference).
pub(super) fn no_answer(answer: &Answer) -> Error {
    let (status, codes) = (answer.status.as_u16(), Codes::of(answer));
    let reason = reason(answer);
    match status {
        400 | 401 | 403 | 404 | 422 => {
            let code = codes.iter().next().map_or_else(|| status.to_string(), str::to_owned);
            Error::refused(code, reason)
        }
        // Too many requests; but the same status says that the first request with this key is still at work.
        429 if !codes.is_empty() && !codes.has("duplicate_request") => {
            Error::Unavailable { reason, retry_after: answer.retry_after }
        }
        _ => Error::unknown(reason),
    }
}

pub(super) fn reason(answer: &Answer) -> String {
    format!("checkout: HTTP {} {}", answer.status.as_u16(), Codes::of(answer)).trim_end().to_owned()
}

/// `VISA`, `MADA`, `STCPAY`; anything that does not look like one is none.
pub(super) fn brand(shown: Option<&str>) -> Option<String> {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b' ';
    let shown = shown.filter(|it| (2..=24).contains(&it.len()) && it.bytes().all(letter))?;
    Some(shown.to_ascii_uppercase().replace(' ', "_"))
}

/// The last four digits of a card; anything else in their place is none.
pub(super) fn last4(shown: Option<&str>) -> Option<String> {
    let sound = |it: &&str| it.len() == 4 && it.bytes().all(|byte| byte.is_ascii_digit());
    shown.filter(sound).map(str::to_owned)
}

/// A kind of id: its prefix and 26 letters, digits or underscores. It can stand in a path as it is.
pub(super) fn is_id(text: &str, prefix: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.strip_prefix(prefix).is_some_and(|rest| rest.len() == 26 && rest.bytes().all(word))
}

/// `payment_captured`, `token_used`, `3ds_malfunction`.
pub(super) fn is_word(text: &str) -> bool {
    let part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::money::Money;
    use serde_json::{Value, json};

    fn payment(change: &Value) -> Payment {
        let mut payment = json!({"id": "pay_aaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "Captured",
            "amount": 6_450, "currency": "SAR"});
        for (name, value) in change.as_object().unwrap() {
            payment[name] = value.clone();
        }
        serde_json::from_value(payment).unwrap()
    }

    #[test]
    fn amounts_are_whole_minor_units_or_nothing() {
        assert_eq!(payment(&json!({})).money().unwrap(), Money::sar(6_450));
        let abroad = payment(&json!({"currency": "USD"})).money().unwrap();
        assert_eq!((abroad.money(), abroad.currency()), (None, "USD"));
        assert!(payment(&json!({"currency": "dollars"})).money().is_err());
        assert!(payment(&json!({"currency": null})).money().is_err());
        assert!(payment(&json!({"amount": -1})).money().is_err());
        assert!(payment(&json!({"amount": null})).money().is_err());
        for wrong in [json!("6450"), json!(64.5), json!(true), json!([6450])] {
            let body = json!({"id": "pay_a", "status": "Captured", "amount": wrong});
            assert!(serde_json::from_value::<Payment>(body).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_was_taken_is_what_the_balance_says() {
        let balance = |taken: i64| json!({"balances": {"total_captured": taken}});
        assert_eq!(payment(&balance(6_000)).taken().unwrap(), Money::sar(6_000));
        assert_eq!(payment(&json!({})).taken().unwrap(), Money::sar(6_450));
        assert!(payment(&balance(0)).taken().is_err());
        assert!(payment(&json!({"status": "Partially Captured"})).taken().is_err());
    }

    #[test]
    fn a_status_nobody_knows_is_not_an_error() {
        let status = |text: &str| payment(&json!({"status": text})).status;
        assert_eq!(status("Card Verified"), Status::CardVerified);
        assert_eq!(status("Retry Scheduled"), Status::Unknown);
        assert_eq!(status("captured"), Status::Unknown);
    }

    #[test]
    fn nothing_is_kept_that_does_not_look_like_what_it_is() {
        let source = |scheme: &str, last4: &str| {
            payment(&json!({"source": {"type": "card", "scheme": scheme, "last4": last4}}))
        };
        let card = source("American Express", "0005");
        assert_eq!(card.brand().as_deref(), Some("AMERICAN_EXPRESS"));
        assert_eq!(card.last4().as_deref(), Some("0005"));
        let odd = source("<b>Visa</b>", "424242");
        assert_eq!((odd.brand(), odd.last4()), (None, None));
        assert!(is_id("pay_mbabizu24mvu3mela5njyhpit4", "pay_"));
        for odd in ["pay_../../actions", "tok_mbabizu24mvu3mela5njyhpit4", "pay_", "", "pay_ا"] {
            assert!(!is_id(odd, "pay_"), "{odd}");
        }
    }
}
