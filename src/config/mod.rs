//! Everything the operator decides, from the environment. What is missing is named all at once.

mod keys;
mod reader;
mod settings;
mod tickets;
mod vendors;

use activities::tickets::{pass, zatca::Seller};
use adapters::{hyperpay, vista};
use clap::ValueEnum;
use gateway::{JwtKey, Settings};
use reader::{Incomplete, Reader};
use schema::ids::IdKey;
pub(crate) use tickets::StoreConfig;

/// Which half of Usher to run; both, when none is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    Gateway,
    Workflows,
}

pub(crate) struct Config {
    pub role: Option<Role>,
    pub database_url: String,
    pub database_connections: u32,
    pub restate_ingress_url: String,
    pub restate_admin_url: String,
    pub gateway_addr: String,
    pub workflows_addr: String,
    /// Where the engine finds the workflows. One URL for each version: waiting sagas stay on theirs.
    pub workflows_url: String,
    /// The one deployment of this folder moves with its port and its code, instead of adding a version.
    pub development: bool,
    pub id_key: IdKey,
    pub jwt: JwtKey,
    pub settings: Settings,
    pub vista: vista::Config,
    /// None: no credentials, so it is off.
    pub hyperpay: Option<hyperpay::Config>,
    /// None only when it was complained about.
    pub seller: Option<Seller>,
    pub store: StoreConfig,
    /// None: no certificates, so there are no passes.
    pub passes: Option<pass::Config>,
}

impl Config {
    /// From the environment, or from what stands for it.
    pub(crate) fn read(
        role: Option<Role>,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Incomplete> {
        let mut from = Reader::new(&lookup);
        let workflows_addr = from.optional("USHER_WORKFLOWS_ADDR").unwrap_or_else(|| {
            // Loopback: the engine is here, or a proxy is.
            "127.0.0.1:9080".to_owned()
        });
        let factor = from.number("USHER_TIME_FACTOR", 1);
        let settings = settings::settings(&mut from, factor);
        let config = Self {
            role,
            database_url: from.required("DATABASE_URL", "postgres://user:password@host/database"),
            database_connections: from.number("USHER_DATABASE_CONNECTIONS", 32),
            restate_ingress_url: from.required("RESTATE_INGRESS_URL", "http://host:8080"),
            restate_admin_url: from.required("RESTATE_ADMIN_URL", "http://host:9070"),
            gateway_addr: from
                .optional("USHER_GATEWAY_ADDR")
                .unwrap_or_else(|| "127.0.0.1:3000".to_owned()),
            workflows_url: from
                .optional("USHER_WORKFLOWS_URL")
                .unwrap_or_else(|| format!("http://{workflows_addr}")),
            workflows_addr,
            development: from.optional("USHER_DEVELOPMENT").is_some(),
            id_key: keys::id_key(&mut from),
            jwt: keys::jwt(&mut from),
            vista: vendors::vista(&mut from),
            hyperpay: vendors::hyperpay(&mut from, factor),
            seller: tickets::seller(&mut from),
            store: tickets::store(&mut from),
            passes: tickets::passes(&mut from, &settings.public_url),
            settings,
        };
        from.finish(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_missing_is_named_at_once() {
        let error = Config::read(None, |_| None).err().map(|error| error.to_string());
        let error = error.unwrap_or_default();
        for name in [
            "DATABASE_URL",
            "USHER_ID_KEY",
            "JWT_SECRET_KEY",
            "VISTA_IOS_TOKEN",
            "ZATCA_VAT_NUMBER",
        ] {
            assert!(error.contains(name), "{name} is not named in: {error}");
        }
        assert!(!error.contains("APPLE_WALLET"), "passes without a pass type are off, not missing");
        assert!(!error.contains("HYPER_PAY"), "a vendor without credentials is off, not missing");
    }
}
