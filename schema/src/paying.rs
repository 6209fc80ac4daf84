//! The words of paying: with what a customer pays, when the money moves, and what the customer does next.

use crate::sealed::Sealed;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use utoipa::ToSchema;

/// With what the customer pays. Each vendor takes some of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "with")]
pub enum PayWith {
    /// Whatever the vendor's own page offers.
    #[default]
    Page,
    /// A credit card, on the vendor's page.
    CreditCard,
    /// A mada card, on the vendor's page.
    Mada,
    /// A card that the vendor's own fields in the app have turned into a token.
    Token { token: Sealed },
    /// A card that the customer has saved, by our id of it.
    SavedCard { card: String },
    /// What Apple's sheet gave the app: its `PKPaymentToken`.
    ApplePay { payment: Sealed },
    /// STC Pay: a one-time password goes to this phone.
    StcPay { phone: String },
    /// The terminal of the kiosk that asks.
    Terminal { terminal: String },
}

impl PayWith {
    /// The customer has given us all that the vendor needs: opening the payment charges it.
    pub const fn moves_money(&self) -> bool {
        match self {
            Self::Token { .. } | Self::SavedCard { .. } | Self::ApplePay { .. } => true,
            Self::Page
            | Self::CreditCard
            | Self::Mada
            | Self::StcPay { .. }
            | Self::Terminal { .. } => false,
        }
    }
}

/// When the money moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Taking {
    /// When the customer pays; what cannot be kept is refunded.
    AtOnce,
    /// It is reserved when the customer pays, taken once Vista has the booking, and let go otherwise.
    OnceConfirmed,
}

/// Who pays, as far as a vendor wants to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Buyer {
    pub name: Option<String>,
    pub email: Option<String>,
    /// With the country's code: `+9665…`.
    pub phone: Option<String>,
    /// The language of the vendor's page.
    pub language: Language,
    /// Where the buyer asks from, if the vendor wants that. Nobody says it of themselves, and it is written nowhere.
    #[serde(skip)]
    pub address: Option<IpAddr>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    Ar,
    En,
}

impl Language {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ar => "ar",
            Self::En => "en",
        }
    }
}

/// Something the buyer has bought before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    pub at: DateTime<Utc>,
    pub amount: crate::money::Money,
    /// It was called off, and the money is back.
    pub refunded: bool,
}

/// What the customer does next, to pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum NextAct {
    /// Nothing: the vendor has all it needs.
    Nothing,
    /// Goes to the vendor's page.
    Redirect { url: String },
    /// Fills in the vendor's form on our page: its script turns a form of class `paymentWidgets` into one.
    Widget { script: String, brands: String },
    /// Fills in the vendor's page, which our page posts these fields to, and a card's token comes back. Or goes on to the
    /// customer's bank, when the card was charged already.
    Form { action: String, fields: Vec<(String, String)> },
    /// Types the one-time password that has gone to the phone.
    Otp,
    /// Pays at the kiosk's terminal, which is told this reference.
    Terminal { terminal: String, reference: String },
}

impl NextAct {
    /// The payment goes on only with what the customer gives: a one-time password, the token of a card.
    pub const fn waits_for_the_customer(&self) -> bool {
        match self {
            Self::Form { .. } | Self::Otp => true,
            Self::Nothing | Self::Redirect { .. } | Self::Widget { .. } | Self::Terminal { .. } => {
                false
            }
        }
    }
}
