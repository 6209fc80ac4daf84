//! Money: an amount in minor units (halalas) and the currency it is in. Never a float.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A currency we take money in. All of them have two decimals; a third decimal would be a new case here.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum Currency {
    Sar,
}

impl Currency {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sar => "SAR",
        }
    }

    /// None: none that we take money in.
    pub fn named(code: &str) -> Option<Self> {
        [Self::Sar].into_iter().find(|currency| currency.code() == code)
    }
}

/// An amount in minor units with its currency. 100 minor units make a riyal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(example = json!({ "amount_minor": 11500, "currency": "SAR" }))]
pub struct Money {
    pub amount_minor: i64,
    pub currency: Currency,
}

impl Money {
    pub const fn new(amount_minor: i64, currency: Currency) -> Self {
        Self { amount_minor, currency }
    }

    pub const fn sar(amount_minor: i64) -> Self {
        Self::new(amount_minor, Currency::Sar)
    }

    pub const fn is_zero(self) -> bool {
        self.amount_minor == 0
    }
}

/// For people: `115.00 SAR`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tell(f, self.amount_minor, self.currency.code())
    }
}

fn tell(f: &mut fmt::Formatter<'_>, amount_minor: i64, currency: &str) -> fmt::Result {
    let sign = if amount_minor < 0 { "-" } else { "" };
    let minor = amount_minor.unsigned_abs();
    write!(f, "{sign}{}.{:02} {currency}", minor / 100, minor % 100)
}

/// An amount as a vendor shows it, in whatever currency: compared with what was asked and told to people. Only what is
/// `Money` is ever kept, sent back or added up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    amount_minor: i64,
    currency: String,
}

impl Shown {
    /// None: that is no currency's code, which is three capital letters.
    pub fn new(amount_minor: i64, currency: &str) -> Option<Self> {
        let code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
        code.then(|| Self { amount_minor, currency: currency.to_owned() })
    }

    pub const fn amount_minor(&self) -> i64 {
        self.amount_minor
    }

    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// So much in the same currency.
    #[must_use]
    pub fn of_same(&self, amount_minor: i64) -> Self {
        Self { amount_minor, currency: self.currency.clone() }
    }

    /// None: in a currency that we take no money in.
    pub fn money(&self) -> Option<Money> {
        Currency::named(&self.currency).map(|currency| Money::new(self.amount_minor, currency))
    }
}

impl From<Money> for Shown {
    fn from(money: Money) -> Self {
        Self { amount_minor: money.amount_minor, currency: money.currency.code().to_owned() }
    }
}

impl PartialEq<Money> for Shown {
    fn eq(&self, money: &Money) -> bool {
        self.money() == Some(*money)
    }
}

/// For people: `115.00 USD`.
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tell(f, self.amount_minor, &self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_money_in_our_currency_alone() {
        let riyals = Shown::new(11_500, "SAR").unwrap();
        assert_eq!(riyals, Money::sar(11_500));
        assert_eq!(Shown::from(Money::sar(11_500)), riyals);
        let dollars = Shown::new(11_500, "USD").unwrap();
        assert_eq!((dollars.money(), dollars.to_string()), (None, "115.00 USD".to_owned()));
        assert_ne!(dollars, Money::sar(11_500));
        for odd in ["", "sar", "SA", "SARS", "S R", "رس"] {
            assert_eq!(Shown::new(1, odd), None, "{odd}");
        }
    }
}
