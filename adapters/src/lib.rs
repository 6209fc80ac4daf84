//! How to say things to each vendor, and what they said. Knows no booking's fate and no database.

pub mod apple_pay;
pub mod aws;
pub mod card_keeper;
pub mod card_numbers;
pub mod checkout;
pub mod error;
mod http;
pub mod hyperpay;
pub mod identity;
pub mod masked;
pub mod nearpay;
pub mod payfort;
pub mod provider;
pub mod restate_admin;
#[cfg(test)]
mod scripted;
pub mod storage;
pub mod tabby;
pub mod vista;
mod watched;

pub use error::Error;
use provider::PaymentProvider;
use schema::provider::Provider;
use std::{collections::BTreeMap, sync::Arc};

/// The payment vendors that are on. A vendor without credentials is not among them.
#[derive(Clone, Default)]
pub struct Providers(BTreeMap<Provider, Arc<dyn PaymentProvider>>);

impl Providers {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with(mut self, provider: Provider, vendor: Arc<dyn PaymentProvider>) -> Self {
        self.0.insert(provider, vendor);
        self
    }

    /// `None`: this vendor is off.
    pub fn get(&self, provider: Provider) -> Option<&dyn PaymentProvider> {
        self.0.get(&provider).map(AsRef::as_ref)
    }
}
