//! Everything the operator decides, from the environment. What is missing is named all at once.

use adapters::{hyperpay, vista};
use chrono::Duration as Span;
use clap::ValueEnum;
use data_encoding::HEXLOWER_PERMISSIVE;
use gateway::{JwtKey, Settings};
use schema::{ids::IdKey, provider::Platform, timings::Timings};
use secrecy::SecretString;
use std::{collections::BTreeMap, time::Duration};

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
}

/// Names that are missing or make no sense, all of them.
#[derive(Debug, thiserror::Error)]
#[error("{}", sentence(.0))]
pub(crate) struct Incomplete(Vec<String>);

fn sentence(complaints: &[String]) -> String {
    format!("Usher cannot start. In the environment:\n  {}", complaints.join("\n  "))
}

/// Reads variables and remembers what was wrong with them.
struct Reader<Lookup> {
    lookup: Lookup,
    complaints: Vec<String>,
}

impl<Lookup: Fn(&str) -> Option<String>> Reader<Lookup> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn required(&mut self, name: &str, meaning: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.complaints.push(format!("{name} is missing: {meaning}"));
            String::new()
        })
    }

    fn number(&mut self, name: &str, usual: u32) -> u32 {
        let Some(text) = self.optional(name) else { return usual };
        text.parse().ok().filter(|number| *number > 0).unwrap_or_else(|| {
            self.complaints.push(format!("{name} is {text:?}: a whole number from 1 is needed"));
            usual
        })
    }
}

impl Config {
    /// From the environment, or from what stands for it.
    pub(crate) fn read(
        role: Option<Role>,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Incomplete> {
        let mut from = Reader { lookup, complaints: Vec::new() };
        let workflows_addr = from.optional("USHER_WORKFLOWS_ADDR").unwrap_or_else(|| {
            // Loopback: the engine is here, or a proxy is.
            "127.0.0.1:9080".to_owned()
        });
        let factor = from.number("USHER_TIME_FACTOR", 1);
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
            id_key: id_key(&mut from),
            jwt: jwt(&mut from),
            settings: settings(&mut from, factor),
            vista: vista(&mut from),
            hyperpay: hyperpay(&mut from, factor),
        };
        if from.complaints.is_empty() { Ok(config) } else { Err(Incomplete(from.complaints)) }
    }
}

fn id_key<L: Fn(&str) -> Option<String>>(from: &mut Reader<L>) -> IdKey {
    let meaning = "64 hex digits, the same for ever: ids of bookings are derived with it";
    let text = from.required("USHER_ID_KEY", meaning);
    match HEXLOWER_PERMISSIVE.decode(text.as_bytes()) {
        Ok(key) if key.len() == 32 => IdKey::new(key),
        _ => {
            if !text.is_empty() {
                from.complaints.push(format!("USHER_ID_KEY is no key: {meaning}"));
            }
            IdKey::new(Vec::new())
        }
    }
}

fn jwt<L: Fn(&str) -> Option<String>>(from: &mut Reader<L>) -> JwtKey {
    match (from.optional("JWT_SECRET_KEY"), from.optional("JWT_PUBLIC_KEY")) {
        (Some(secret), None) => JwtKey::Secret(secret.into()),
        (None, Some(pem)) => JwtKey::PublicKey(pem),
        (secret, _) => {
            from.complaints.push(match secret {
                None => "JWT_SECRET_KEY or JWT_PUBLIC_KEY is missing: what callers' tokens are verified with"
                    .to_owned(),
                Some(_) => "JWT_SECRET_KEY and JWT_PUBLIC_KEY are both set: keep one, the algorithm follows from it"
                    .to_owned(),
            });
            JwtKey::Secret(SecretString::default())
        }
    }
}

fn settings<L: Fn(&str) -> Option<String>>(from: &mut Reader<L>, factor: u32) -> Settings {
    let minutes = from.number("BOOKING_EXPIRY_MINUTES", 15);
    let expiry = Span::minutes(i64::from(minutes)).num_milliseconds();
    let timings = Timings {
        booking_expiry_ms: u64::try_from(expiry).unwrap_or(900_000),
        ..Timings::default()
    };
    let deep_links = Platform::ALL
        .into_iter()
        .filter_map(|platform| {
            let name = format!("USHER_DEEP_LINK_{}", platform.name().to_uppercase());
            Some((platform, from.optional(&name)?))
        })
        .collect();
    let public =
        from.required("USHER_PUBLIC_URL", "https://api.example, as browsers and vendors reach it");
    Settings {
        public_url: public.trim_end_matches('/').to_owned(),
        max_seats: usize::try_from(from.number("MAX_SEATS_PER_BOOKING", 10)).unwrap_or(10),
        timings: timings.faster(factor),
        deep_links,
    }
}

fn vista<L: Fn(&str) -> Option<String>>(from: &mut Reader<L>) -> vista::Config {
    let url = from.required("VISTA_BASE_URL", "https://host/WSVistaWebClient");
    let tokens: BTreeMap<Platform, SecretString> = Platform::ALL
        .into_iter()
        .map(|platform| {
            let name = format!("VISTA_{}_TOKEN", platform.name().to_uppercase());
            (platform, from.required(&name, "Vista's token of this platform").into())
        })
        .collect();
    vista::Config::new(url, tokens)
}

/// On when its token is set; then everything else of it must be, too.
fn hyperpay<L: Fn(&str) -> Option<String>>(
    from: &mut Reader<L>,
    factor: u32,
) -> Option<hyperpay::Config> {
    let token = from.optional("HYPER_PAY_TOKEN")?;
    let keys = from.required(
        "HYPER_PAY_WEBHOOK_KEYS",
        "64 hex digits, from the portal; two with a comma between them while they are rotated",
    );
    Some(hyperpay::Config {
        base_url: from.required("HYPER_PAY_BASE_URL", "https://eu-prod.oppwa.com"),
        token: token.into(),
        entity_id: from
            .required("HYPER_PAY_ENTITY_ID", "the channel that payments are opened under"),
        webhook_keys: keys.split(',').map(|key| key.trim().to_owned().into()).collect(),
        live: from.optional("HYPER_PAY_LIVE").is_some(),
        test_mode: from.optional("HYPER_PAY_TEST_MODE"),
        read_window: Duration::from_mins(1) / factor,
        session_life: Duration::from_mins(30) / factor,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_missing_is_named_at_once() {
        let error = Config::read(None, |_| None).err().map(|error| error.to_string());
        let error = error.unwrap_or_default();
        for name in ["DATABASE_URL", "USHER_ID_KEY", "JWT_SECRET_KEY", "VISTA_IOS_TOKEN"] {
            assert!(error.contains(name), "{name} is not named in: {error}");
        }
        assert!(!error.contains("HYPER_PAY"), "a vendor without credentials is off, not missing");
    }
}
