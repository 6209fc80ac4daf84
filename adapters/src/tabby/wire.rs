//! Tabby's JSON: amounts are decimal text, and a payment is one object for its whole life (Tabby, "API Reference").

use crate::error::Error;
use schema::money::{Money, Shown};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;

/// `105.80`, exactly two decimals.
pub(super) fn amount_to_wire(money: Money) -> Result<String, Error> {
    let minor = u64::try_from(money.amount_minor)
        .map_err(|_| Error::refused("amount", "tabby takes no negative amount"))?;
    Ok(format!("{}.{:02}", minor / 100, minor % 100))
}

/// One or two decimals, or none: `129`, `129.0` and `129.00` are the same. Anything else is not an amount.
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

/// Whether text has the shape of the vendor's ids; such a one can stand in a path as it is.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups = text.split('-');
    let hex = |group: &str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    groups.clone().map(str::len).eq([8, 4, 4, 4, 12]) && groups.clone().all(hex)
}

#[derive(Debug, Deserialize)]
pub(super) struct Payment {
    pub(super) id: String,
    #[serde(default)]
    pub(super) created_at: String,
    status: String,
    pub(super) is_test: Option<bool>,
    amount: String,
    currency: String,
    order: Option<Order>,
    #[serde(default, deserialize_with = "said")]
    captures: Option<Vec<Movement>>,
    #[serde(default, deserialize_with = "said")]
    refunds: Option<Vec<Movement>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Order {
    pub(super) reference_id: Option<String>,
}

/// A capture or a refund.
#[derive(Debug, Deserialize)]
pub(super) struct Movement {
    pub(super) id: String,
    amount: String,
    pub(super) reference_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Created,
    Authorized,
    Closed,
    Rejected,
    Expired,
}

impl Status {
    /// The API writes them in capitals, webhooks do not.
    pub(super) fn named(text: &str) -> Option<Self> {
        let all = [Self::Created, Self::Authorized, Self::Closed, Self::Rejected, Self::Expired];
        all.into_iter().find(|status| status.word().eq_ignore_ascii_case(text))
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Authorized => "authorized",
            Self::Closed => "closed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        }
    }
}

impl Payment {
    pub(super) fn status(&self) -> Result<Status, Error> {
        Status::named(&self.status).ok_or_else(|| broken("in a status that nobody has heard of"))
    }

    pub(super) fn reference(&self) -> Option<&str> {
        self.order.as_ref()?.reference_id.as_deref()
    }

    pub(super) fn money(&self) -> Result<Shown, Error> {
        let amount = amount_from_wire(&self.amount);
        let shown = amount.and_then(|amount| Shown::new(amount, &self.currency));
        shown.ok_or_else(|| broken("without a readable amount"))
    }

    /// How much of it was taken. What is left out says nothing: a closed payment would look like one that was let go.
    pub(super) fn taken(&self) -> Result<Shown, Error> {
        let captures =
            self.captures.as_ref().ok_or_else(|| broken("that does not say what was taken"))?;
        let (mut taken, mut seen): (i64, _) = (0, BTreeSet::new());
        for capture in captures {
            // One that is listed twice was made once.
            if !seen.insert(&capture.id) {
                continue;
            }
            let sum = taken.checked_add(capture.minor()?);
            taken = sum.ok_or_else(|| broken("of which more was taken than there is"))?;
        }
        Ok(self.money()?.of_same(taken))
    }

    pub(super) fn refunds(&self) -> Result<&[Movement], Error> {
        self.refunds.as_deref().ok_or_else(|| broken("that does not say what went back"))
    }
}

impl Movement {
    /// In hundredths of the payment's currency.
    pub(super) fn minor(&self) -> Result<i64, Error> {
        let amount = amount_from_wire(&self.amount);
        amount.ok_or_else(|| broken("with an unreadable amount in it"))
    }
}

pub(super) fn broken(what: &str) -> Error {
    Error::unknown(format!("tabby: a payment {what}"))
}

/// A list that is said, be it `[]` or `null`; None is only one that is left out.
fn said<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Movement>>, D::Error> {
    Ok(Some(Option::deserialize(from)?.unwrap_or_default()))
}

/// An answer instead of what was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    status: u16,
    kind: &'static str,
    text: &'static str,
}

/// The documented kinds. What is none of them is not repeated: anything could be in it.
const KINDS: [&str; 5] = ["bad_data", "not_authorized", "no_permission", "not_found", "conflict"];
/// The documented sentences; those of requests that nobody could read come first.
const MALFORMED: [&str; 4] =
    ["could not decode request", "failed to decode request", "bad_request", "invalid payment id"];
const TEXTS: [&str; 8] = [
    "could not capture not authorized payments",
    "can not refund payment that has no captures and not closed",
    "already closed",
    "no such payment",
    "payment is disputed",
    "invalid secret key",
    "auth: provided key doesn't exist",
    "merchant is null",
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Complaint {
    error_type: String,
    #[serde(default)]
    error: Option<String>,
}

impl Problem {
    /// None: it is none of the documented kinds.
    pub(super) fn new(status: u16, said: &Complaint) -> Option<Self> {
        let kind = KINDS.into_iter().find(|kind| *kind == said.error_type)?;
        let error = said.error.as_deref().unwrap_or_default();
        let text = MALFORMED.into_iter().chain(TEXTS).find(|text| *text == error);
        Some(Self { status, kind, text: text.unwrap_or_default() })
    }

    pub(super) fn is_not_found(&self) -> bool {
        self.kind == "not_found"
    }

    /// Our fault, and not what was asked for.
    pub(super) fn is_malformed(&self) -> bool {
        MALFORMED.contains(&self.text)
    }

    pub(super) const fn code(&self) -> &'static str {
        self.kind
    }

    pub(super) fn reason(&self) -> String {
        let Self { status, kind, text } = self;
        if text.is_empty() {
            return format!("tabby: HTTP {status} {kind}");
        }
        format!("tabby: HTTP {status} {kind}: {text}")
    }

    /// Nothing was done, and a person has to act.
    pub(super) fn refused(&self) -> Error {
        Error::refused(self.code(), self.reason())
    }
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
        for (minor, wire) in [(6_450, "64.50"), (1, "0.01"), (10_000, "100.00")] {
            assert_eq!(amount_to_wire(Money::sar(minor)).unwrap(), wire);
        }
        assert!(amount_to_wire(Money::sar(-1)).is_err());
    }

    #[test]
    fn amounts_are_compared_as_numbers_and_read_strictly() {
        for same in ["129", "129.0", "129.00"] {
            assert_eq!(amount_from_wire(same), Some(12_900), "{same}");
        }
        for garbage in [
            "64.505",
            "6,450.00",
            "1e2",
            "-1",
            "+1",
            "",
            ".",
            "1.",
            ".5",
            "NaN",
            " 1.00",
            "1.0.0",
            "١.٠٠",
            "1234567890123.00",
        ] {
            assert_eq!(amount_from_wire(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn an_id_is_a_uuid_and_nothing_else() {
        assert!(is_uuid("6c1b0a5e-8f3d-4b52-9c07-2f6a1d3e4b5c"));
        for other in
            ["", "x", "6c1b0a5e8f3d4b529c072f6a1d3e4b5c", "../../../v2/payments/000000000000"]
        {
            assert!(!is_uuid(other), "{other}");
        }
    }

    #[test]
    fn of_a_problem_only_what_is_documented_is_repeated() {
        let said = |kind: &str, error: &str| Complaint {
            error_type: kind.to_owned(),
            error: Some(error.to_owned()),
        };
        let known = Problem::new(400, &said("bad_data", "already closed")).unwrap();
        assert_eq!(known.reason(), "tabby: HTTP 400 bad_data: already closed");
        let told = Problem::new(400, &said("bad_data", "buyer sara@example.com is odd")).unwrap();
        assert_eq!(told.reason(), "tabby: HTTP 400 bad_data");
        assert_eq!(Problem::new(400, &said("other", "already closed")), None);
    }
}
