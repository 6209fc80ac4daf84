//! With whom and with what a booking can be paid here: what the adapters take, as a table for people.

use clap::ValueEnum;

/// Who takes the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum Vendor {
    HyperPay,
    PayFort,
    Checkout,
    Tabby,
    /// The terminal of a kiosk: the booking is the kiosk's.
    NearPay,
}

/// With what, as the API calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum With {
    /// Whatever the vendor's page offers.
    Page,
    CreditCard,
    Mada,
    /// A card, typed into the vendor's own fields.
    Token,
    ApplePay,
    /// A card that the customer saves first.
    SavedCard,
    /// By a one-time password.
    StcPay,
    Terminal,
}

/// A way to pay. No vendor: the first that is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub vendor: Option<Vendor>,
    pub with: With,
}

impl Vendor {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::HyperPay => "hyperpay",
            Self::PayFort => "payfort",
            Self::Checkout => "checkout",
            Self::Tabby => "tabby",
            Self::NearPay => "nearpay",
        }
    }

    /// What it takes, the usual first.
    const fn takes(self) -> &'static [With] {
        match self {
            Self::HyperPay => &[With::Page, With::CreditCard, With::Mada, With::SavedCard],
            Self::PayFort => {
                &[With::Page, With::CreditCard, With::Mada, With::SavedCard, With::ApplePay]
            }
            Self::Checkout => &[With::Token, With::StcPay, With::ApplePay, With::SavedCard],
            Self::Tabby => &[With::Page],
            Self::NearPay => &[With::Terminal],
        }
    }
}

impl With {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::CreditCard => "credit_card",
            Self::Mada => "mada",
            Self::Token => "token",
            Self::ApplePay => "apple_pay",
            Self::SavedCard => "saved_card",
            Self::StcPay => "stc_pay",
            Self::Terminal => "terminal",
        }
    }
}

impl Way {
    /// What was asked for, if it can be had; else a sentence that says what can.
    pub(crate) fn of(vendor: Option<Vendor>, with: Option<With>) -> Result<Self, String> {
        match (vendor, with) {
            (None, None | Some(With::Page)) => Ok(Self { vendor: None, with: With::Page }),
            (None, Some(with)) => {
                let takers = Vendor::value_variants().iter();
                let takers = takers.filter(|vendor| vendor.takes().contains(&with));
                let takers: Vec<&str> = takers.map(|vendor| vendor.name()).collect();
                let (with, takers) = (with.name(), takers.join(" or "));
                Err(format!("Say who takes {with}: --provider {takers}."))
            }
            (Some(vendor), with) => {
                let with = with.or(vendor.takes().first().copied()).unwrap_or(With::Page);
                if vendor.takes().contains(&with) {
                    return Ok(Self { vendor: Some(vendor), with });
                }
                let takes: Vec<&str> = vendor.takes().iter().map(|with| with.name()).collect();
                let (vendor, with, takes) = (vendor.name(), with.name(), takes.join(" or "));
                Err(format!("{vendor} does not take {with}: --with {takes}."))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_word_it_is_the_usual() {
        let of = |vendor| Way::of(vendor, None).map(|way| (way.vendor, way.with));
        assert_eq!(of(None), Ok((None, With::Page)));
        for (vendor, with) in [
            (Vendor::HyperPay, With::Page),
            (Vendor::PayFort, With::Page),
            (Vendor::Checkout, With::Token),
            (Vendor::Tabby, With::Page),
            (Vendor::NearPay, With::Terminal),
        ] {
            assert_eq!(of(Some(vendor)), Ok((Some(vendor), with)));
        }
    }

    #[test]
    fn a_wrong_pair_is_told_what_is_possible() {
        let no = |vendor, with| Way::of(vendor, Some(with)).map(|_| ()).unwrap_err();
        assert_eq!(
            no(Some(Vendor::Checkout), With::Page),
            "checkout does not take page: --with token or stc_pay or apple_pay or saved_card."
        );
        assert_eq!(
            no(None, With::ApplePay),
            "Say who takes apple_pay: --provider payfort or checkout."
        );
    }

    #[test]
    fn everything_is_called_as_the_api_calls_it() {
        let name =
            |value: Option<clap::builder::PossibleValue>| value.map(|it| it.get_name().to_owned());
        for vendor in Vendor::value_variants() {
            assert_eq!(name(vendor.to_possible_value()).as_deref(), Some(vendor.name()));
            assert!(schema::provider::Provider::named(vendor.name()).is_some());
        }
        for with in With::value_variants() {
            assert_eq!(name(with.to_possible_value()).as_deref(), Some(with.name()));
        }
    }
}
