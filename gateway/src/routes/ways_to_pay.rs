//! With what a customer wants to pay, as it is asked for; checked here, and sealed where it is a secret.

use crate::{app::App, auth::Caller, error::Error};
use adapters::provider::PaymentProvider;
use schema::{
    ids::CardId,
    paying::{Buyer, PayWith},
    provider::Provider,
    sealed::Sealed,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::net::IpAddr;
use utoipa::ToSchema;

/// With what to pay. Each vendor takes some of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "with", deny_unknown_fields)]
#[schema(as = PayWith)]
pub(super) enum Asked {
    /// On the vendor's own page, with whatever it offers there.
    Page {},
    /// On the vendor's page, with a credit card.
    CreditCard {},
    /// On the vendor's page, with a mada card.
    Mada {},
    /// A card that the vendor's own fields in the app have turned into a token.
    Token {
        #[schema(min_length = 8, max_length = 128)]
        token: String,
    },
    /// A card of the customer's own that they have saved. It names its vendor.
    SavedCard { card: CardId },
    /// What Apple's sheet gave the app: its token with `paymentData` and `paymentMethod`, unchanged.
    ApplePay { payment: Value },
    /// STC Pay: a one-time password goes to this phone.
    StcPay {
        #[schema(pattern = r"^\+9665[0-9]{8}$")]
        phone: String,
    },
    /// At a kiosk, on its own terminal.
    Terminal {},
}

/// Apple's own is about 3 KiB.
const APPLE_MAX: usize = 16_384;

impl Default for Asked {
    fn default() -> Self {
        Self::Page {}
    }
}

impl Asked {
    /// The saved card to pay with.
    pub(super) const fn card(&self) -> Option<CardId> {
        match self {
            Self::SavedCard { card } => Some(*card),
            Self::Page {}
            | Self::CreditCard {}
            | Self::Mada {}
            | Self::Token { .. }
            | Self::ApplePay { .. }
            | Self::StcPay { .. }
            | Self::Terminal {} => None,
        }
    }

    /// What the workflow is started with.
    pub(super) fn sealed(self, app: &App, caller: &Caller) -> Result<PayWith, Error> {
        Ok(match self {
            Self::Page {} => PayWith::Page,
            Self::CreditCard {} => PayWith::CreditCard,
            Self::Mada {} => PayWith::Mada,
            Self::Token { token } => PayWith::Token { token: sealed_token(app, &token)? },
            Self::SavedCard { card } => PayWith::SavedCard { card: card.to_string() },
            Self::ApplePay { payment } => {
                let text = payment.to_string();
                if !payment.is_object() || text.len() > APPLE_MAX {
                    return Err(Error::invalid(
                        "invalid_apple_payment",
                        "`payment` is the token that Apple's sheet gave, with `paymentData` and `paymentMethod`, unchanged.",
                    ));
                }
                PayWith::ApplePay { payment: seal(app, &text)? }
            }
            Self::StcPay { phone } => {
                let digits = phone.strip_prefix("+9665").unwrap_or_default();
                if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(Error::invalid(
                        "invalid_phone",
                        "`phone` is a Saudi mobile number with the country's code, as +9665 and eight digits.",
                    ));
                }
                PayWith::StcPay { phone }
            }
            Self::Terminal {} => {
                let own = caller.kiosk().and_then(|kiosk| app.settings.terminals.get(kiosk));
                let Some(terminal) = own else {
                    return Err(Error::Conflict {
                        code: "no_terminal".into(),
                        detail: "Only a kiosk with a terminal of its own pays there.".into(),
                        retryable: false,
                    });
                };
                PayWith::Terminal { terminal: terminal.clone() }
            }
        })
    }
}

/// What the customer gives in the vendor's session, sealed on its way.
pub(super) fn seal(app: &App, secret: &str) -> Result<Sealed, Error> {
    app.id_key.seal(secret).ok_or_else(|| Error::Internal("a secret was not sealed".to_owned()))
}

/// Where the buyer asks from, sealed on its way to a vendor that wants it; no other is told, and nobody keeps it.
pub(super) fn address(
    app: &App,
    provider: Provider,
    address: IpAddr,
) -> Result<Option<Sealed>, Error> {
    let wants = app.providers.get(provider).is_some_and(PaymentProvider::wants_address);
    wants.then(|| seal(app, &address.to_string())).transpose()
}

pub(super) const INVALID_TOKEN: Error = Error::invalid(
    "invalid_token",
    "`token` is what the vendor's fields in the app gave: 8 to 128 letters, digits, `_` and `-`.",
);

/// What the vendor's own fields in the app have made of a card, sealed on its way.
pub(super) fn sealed_token(app: &App, token: &str) -> Result<Sealed, Error> {
    if is_token(token) { seal(app, token) } else { Err(INVALID_TOKEN) }
}

fn is_token(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (8..=128).contains(&text.len()) && text.bytes().all(plain)
}

/// A vendor is told what the customer says of themselves; it only has to look like it.
pub(super) fn checked(buyer: Buyer) -> Result<Buyer, Error> {
    let text = |text: &Option<String>, max: usize| {
        text.as_ref().is_none_or(|text| {
            !text.trim().is_empty() && text.len() <= max && !text.contains(char::is_control)
        })
    };
    let email = buyer.email.as_ref().is_none_or(|email| {
        email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
            && !email.contains(char::is_whitespace)
    });
    let phone = buyer.phone.as_ref().is_none_or(|phone| {
        let digits = phone.strip_prefix('+').unwrap_or_default();
        (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    if text(&buyer.name, 100) && text(&buyer.email, 254) && email && phone {
        return Ok(buyer);
    }
    Err(Error::invalid(
        "invalid_buyer",
        "`name` has at most 100 characters, `email` is an address, `phone` begins with + and the country's code.",
    ))
}
