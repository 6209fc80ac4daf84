//! How the customers pay: each in the same way, or in every way there is, one after the other.

use clap::ValueEnum;
use harness::{Visit, Way};
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ways {
    /// On HyperPay's page.
    #[default]
    Page,
    /// At every vendor, on pages, by forms, by password and at a terminal. (Not by Apple's sheet, which pays at once: there
    /// would be no moment to measure from.)
    Mixed,
}

const MIXED: [Way; 8] = [
    Way::HyperPayPage,
    Way::PayFortMada,
    Way::CheckoutCard,
    Way::Tabby,
    Way::HyperPayCard,
    Way::PayFortCard,
    Way::StcPay,
    Way::Terminal,
];

impl Ways {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Mixed => "mixed",
        }
    }

    /// The nth customer pays at a kiosk's terminal.
    pub(crate) const fn at_the_terminal(self, nth: usize) -> bool {
        match self {
            Self::Page => false,
            Self::Mixed => matches!(MIXED[nth % MIXED.len()], Way::Terminal),
        }
    }

    /// What the nth customer asks of Usher under this key.
    pub(crate) async fn asked(self, nth: usize, visit: &Visit, key: &str) -> Value {
        match self {
            Self::Page => json!({ "provider": Way::HyperPayPage.vendor() }),
            Self::Mixed => MIXED[nth % MIXED.len()].body(visit, key).await,
        }
    }
}
