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
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        let minor = self.amount_minor.unsigned_abs();
        write!(f, "{sign}{}.{:02} {}", minor / 100, minor % 100, self.currency.code())
    }
}
