//! Everything the operator decides, from the environment and from AWS. What is missing is named all at once.

mod aliases;
mod apple_pay;
mod aws;
mod keys;
mod limits;
mod nearpay;
mod reader;
mod settings;
mod table;
mod telemetry;
mod tickets;
mod values;
mod vendors;

use activities::tickets::{pass, zatca::Seller};
use adapters::{
    apple_pay as sheets, checkout, hyperpay, identity, nearpay as kiosks, payfort, tabby, vista,
};
use clap::ValueEnum;
use gateway::{Settings, Trust};
use reader::{Incomplete, Reader};
use schema::ids::IdKey;
pub(crate) use table::{Sources, lines};
pub(crate) use telemetry::{Otlp, Sentry, Telemetry};
pub(crate) use tickets::StoreConfig;
pub(crate) use values::Values;

/// Which half of Usher to run; both, when none is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    Gateway,
    Workflows,
}

pub(crate) struct Config {
    /// Every wait is this many times shorter: 1 in production.
    pub time_factor: u32,
    pub database_url: String,
    pub database_connections: u32,
    pub restate_ingress_url: String,
    pub restate_admin_url: String,
    pub gateway_addr: String,
    pub workflows_addr: String,
    /// Where the engine finds the workflows. One URL for each version: waiting sagas stay on theirs.
    pub workflows_url: String,
    /// The public halves of the keys that the engine signs its calls with. Empty only where no workflows are served.
    pub engine_keys: Vec<String>,
    /// The one deployment of this folder moves with its port and its code, instead of adding a version.
    pub development: bool,
    pub id_key: IdKey,
    /// Whose tokens are believed.
    pub trust: Trust,
    /// None: configured away.
    pub identity: Option<identity::Config>,
    pub settings: Settings,
    pub vista: vista::Config,
    /// None: no credentials, so it is off.
    pub hyperpay: Option<hyperpay::Config>,
    pub payfort: Option<payfort::Config>,
    pub checkout: Option<checkout::Config>,
    pub tabby: Option<tabby::Config>,
    pub nearpay: Option<kiosks::Config>,
    /// None: no key, so no kiosk's terminal signs in.
    pub terminal_login: Option<kiosks::login::Config>,
    /// None: no domain, so no sheet opens.
    pub apple_pay: Option<sheets::Config>,
    /// None only when it was complained about.
    pub seller: Option<Seller>,
    pub store: StoreConfig,
    /// False: tickets are their codes alone, until it is true again.
    pub pictures: bool,
    /// None: no certificates, so there are no passes.
    pub passes: Option<pass::Config>,
    pub telemetry: Telemetry,
}

impl Values {
    /// Of this process and, if it is to be asked, of AWS.
    pub(crate) async fn load() -> Result<Self, aws::Unread> {
        let mut values = Self::of(std::env::vars());
        aws::add(&mut values).await?;
        Ok(values)
    }
}

/// The one value that migrating needs.
pub(crate) fn database_url(values: &Values) -> Result<String, Incomplete> {
    let mut from = Reader::new(values);
    let url = from.required("DATABASE_URL", DATABASE_URL);
    from.finish(url)
}

const DATABASE_URL: &str = "postgres://user:password@host/database";

impl Config {
    /// From the environment and AWS, or from what stands for them.
    pub(crate) fn read(role: Option<Role>, values: &Values) -> Result<Self, Incomplete> {
        let mut from = Reader::new(values);
        let workflows_addr = from.optional("USHER_WORKFLOWS_ADDR").unwrap_or_else(|| {
            // Loopback: the engine is here, or a proxy is.
            "127.0.0.1:9080".to_owned()
        });
        let factor = from.number("USHER_TIME_FACTOR", 1);
        let settings = settings::settings(&mut from, factor);
        let config = Self {
            time_factor: factor,
            database_url: from.required("DATABASE_URL", DATABASE_URL),
            database_connections: from.number("USHER_DATABASE_CONNECTIONS", 32),
            restate_ingress_url: from
                .required("RESTATE_INGRESS_URL", "http://host:8080; with commas, every node's"),
            restate_admin_url: from
                .required("RESTATE_ADMIN_URL", "http://host:9070; with commas, every node's"),
            gateway_addr: from
                .optional("USHER_GATEWAY_ADDR")
                .unwrap_or_else(|| "127.0.0.1:3000".to_owned()),
            workflows_url: from
                .optional("USHER_WORKFLOWS_URL")
                .unwrap_or_else(|| format!("http://{workflows_addr}")),
            workflows_addr,
            engine_keys: match role {
                Some(Role::Gateway) => Vec::new(),
                Some(Role::Workflows) | None => keys::engine(&mut from),
            },
            development: from.optional("USHER_DEVELOPMENT").is_some(),
            id_key: keys::id_key(&mut from),
            trust: keys::trust(&mut from),
            identity: limits::identity(&mut from, factor),
            vista: vendors::vista(&mut from),
            hyperpay: vendors::hyperpay(&mut from, factor),
            payfort: vendors::payfort(&mut from, factor),
            checkout: vendors::checkout(&mut from, factor),
            tabby: vendors::tabby(&mut from, factor),
            nearpay: nearpay::nearpay(&mut from, factor),
            terminal_login: nearpay::login(&mut from),
            apple_pay: apple_pay::apple_pay(&mut from),
            seller: tickets::seller(&mut from),
            store: tickets::store(&mut from),
            pictures: from.optional("USHER_TICKET_PICTURES").as_deref() != Some("off"),
            passes: tickets::passes(&mut from, &settings.public_url),
            settings,
            telemetry: telemetry::telemetry(&mut from),
        };
        from.finish(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_missing_is_named_at_once() {
        let error = Config::read(None, &Values::default()).err().map(|error| error.to_string());
        let error = error.unwrap_or_default();
        for name in [
            "DATABASE_URL",
            "USHER_ENGINE_IDENTITY_KEYS",
            "USHER_ID_KEY",
            "JWT_SECRET_KEY",
            "IDENTITY_BASE_URL",
            "VISTA_IOS_TOKEN",
            "ZATCA_VAT_NUMBER",
        ] {
            assert!(error.contains(name), "{name} is not named in: {error}");
        }
        assert!(!error.contains("APPLE_WALLET"), "passes without a pass type are off, not missing");
        assert!(!error.contains("HYPER_PAY"), "a vendor without credentials is off, not missing");
    }

    #[test]
    fn what_is_not_said_is_on_loopback() {
        let values = Values::of([
            ("DATABASE_URL", "postgres://127.0.0.1/usher"),
            ("RESTATE_INGRESS_URL", "http://127.0.0.1:1,http://127.0.0.1:2"),
            ("RESTATE_ADMIN_URL", "http://127.0.0.1:3"),
            ("USHER_ENGINE_IDENTITY_KEYS", "publickeyv1_a, publickeyv1_b"),
            ("USHER_PUBLIC_URL", "https://usher.example"),
            ("USHER_ID_KEY", &"ab".repeat(32)),
            ("JWT_SECRET", &"x".repeat(32)),
            ("IDENTITY_BASE_URL", "off"),
            ("ZATCA_SELLER_NAME", "Cinema"),
            ("ZATCA_VAT_NUMBER", "300000000000003"),
            ("S3_BUCKET", "tickets"),
            ("VISTA_BASE_URL", "http://127.0.0.1:4"),
            ("VISTA_API_KEY", "for all platforms"),
        ]);
        let config = Config::read(None, &values).map_err(|error| error.to_string()).unwrap();
        assert!(config.workflows_addr.starts_with("127.0.0.1:"), "{}", config.workflows_addr);
        assert!(config.gateway_addr.starts_with("127.0.0.1:"), "{}", config.gateway_addr);
        assert_eq!(config.engine_keys, ["publickeyv1_a", "publickeyv1_b"]);
    }
}
