//! The payment vendors, by name.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Who takes the money. A new vendor is a new variant; the compiler lists what else it needs.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    sqlx::Type,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Provider {
    HyperPay,
    PayFort,
    Checkout,
    Tabby,
    NearPay,
}

impl Provider {
    pub const ALL: [Self; 5] =
        [Self::HyperPay, Self::PayFort, Self::Checkout, Self::Tabby, Self::NearPay];

    pub const fn name(self) -> &'static str {
        match self {
            Self::HyperPay => "hyperpay",
            Self::PayFort => "payfort",
            Self::Checkout => "checkout",
            Self::Tabby => "tabby",
            Self::NearPay => "nearpay",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.name() == name)
    }

    /// No server of ours can send its money back: the terminal that took it does, or the counter.
    pub const fn gives_back_by_hand(self) -> bool {
        match self {
            Self::NearPay => true,
            Self::HyperPay | Self::PayFort | Self::Checkout | Self::Tabby => false,
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The kind of app a customer books with. Vista knows each by a token of its own.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    sqlx::Type,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Platform {
    Ios,
    Android,
    Website,
    Huawei,
    Kiosk,
}

impl Platform {
    pub const ALL: [Self; 5] = [Self::Ios, Self::Android, Self::Website, Self::Huawei, Self::Kiosk];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Ios => "ios",
            Self::Android => "android",
            Self::Website => "website",
            Self::Huawei => "huawei",
            Self::Kiosk => "kiosk",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| platform.name() == name)
    }
}
