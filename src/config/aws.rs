//! Values from AWS, at start: parameters below `/{NODE_ENV}/`, and secrets whose names begin like that.
//!
//! | Set in the environment | |
//! |---|---|
//! | `SSM_REGION` | where the parameters are; without it AWS is not asked |
//! | `NODE_ENV` | whose they are: `uat`, `production`; `local` does not ask either |
//! | `USHER_SECRETS_REGIONS` | where secrets are, with commas between them; `SSM_REGION` if it is not set |
//! | `AWS_ENDPOINT_URL_SSM`, `…_SECRETS_MANAGER`, `AWS_ENDPOINT_URL` | another address than AWS's own |
//!
//! A name is what follows the last slash. A secret that is a JSON object holds several values under its own names.

use super::values::{Source, Values};
use crate::wait::until_answered;
use adapters::aws::{Aws, Endpoints, Named, Page};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::collections::BTreeMap;

/// A store with more pages than this is not ours, or its pages never end.
const PAGES_MAX: usize = 100;

/// Why the configuration could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[error(
        "NODE_ENV is missing or no name: with SSM_REGION set it says whose configuration to read (uat, production; \
         local reads none)"
    )]
    NodeEnv,
    #[error("The configuration cannot be read from {store} in {region}: {why}")]
    Store { store: &'static str, region: String, why: adapters::Error },
    #[error("{store} in {region} has more than {PAGES_MAX} pages: nothing of it was taken")]
    Endless { store: &'static str, region: String },
}

/// Adds what AWS has, if it is to be asked. All of it, or an error.
pub(super) async fn add(values: &mut Values) -> Result<(), Unread> {
    let read = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let Some(region) = read("SSM_REGION") else {
        "not asked: SSM_REGION is not set".clone_into(&mut values.aws);
        return Ok(());
    };
    let whose = read("NODE_ENV").filter(|name| is_name(name)).ok_or(Unread::NodeEnv)?;
    if whose == "local" {
        "not asked: NODE_ENV is local".clone_into(&mut values.aws);
        return Ok(());
    }
    let any = read("AWS_ENDPOINT_URL");
    let endpoints = Endpoints {
        parameters: read("AWS_ENDPOINT_URL_SSM").or_else(|| any.clone()),
        secrets: read("AWS_ENDPOINT_URL_SECRETS_MANAGER").or(any),
    };
    let path = format!("/{whose}/");
    let parameters = Store { name: "the parameter store", region: &region, endpoints: &endpoints };
    let found = parameters.read(async |aws, next| aws.parameters(&path, next).await).await?;
    let mut counts = format!("{} parameters of {path} in {region}", found.len());
    for Named { name, value } in found {
        let source = Source::Parameter { path: name.clone(), region: region.clone() };
        values.add(last_of(&name), value.expose_secret(), source);
    }
    let regions = read("USHER_SECRETS_REGIONS").unwrap_or_else(|| region.clone());
    let prefixes = secrets_of(&whose);
    for region in regions.split(',').map(str::trim) {
        let secrets = Store { name: "the secrets manager", region, endpoints: &endpoints };
        let found = secrets.read(async |aws, next| aws.secrets(&prefixes, next).await).await?;
        counts = format!("{counts}, {} secrets in {region}", found.len());
        for secret in found {
            add_secret(values, &secret, region);
        }
    }
    values.aws = counts;
    Ok(())
}

/// One service in one region.
struct Store<'a> {
    name: &'static str,
    region: &'a str,
    endpoints: &'a Endpoints,
}

impl Store<'_> {
    /// Every page.
    async fn read(
        &self,
        ask: impl AsyncFn(&Aws, Option<&str>) -> Result<Page, adapters::Error>,
    ) -> Result<Vec<Named>, Unread> {
        let (store, region) = (self.name, self.region);
        let failed = |why| Unread::Store { store, region: region.to_owned(), why };
        let aws = Aws::new(region, self.endpoints).map_err(failed)?;
        let (mut all, mut next) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let page = until_answered(store, || ask(&aws, next.as_deref()));
            let page = page.await.map_err(failed)?;
            all.extend(page.found);
            next = page.next;
            if next.is_none() {
                return Ok(all);
            }
        }
        Err(Unread::Endless { store, region: region.to_owned() })
    }
}

/// How the names of secrets begin: with or without a slash, and production's also in short.
fn secrets_of(whose: &str) -> Vec<String> {
    let short = (whose == "production").then_some("prod");
    let names = [whose].into_iter().chain(short);
    names.flat_map(|name| [format!("/{name}/"), format!("{name}/")]).collect()
}

fn add_secret(values: &mut Values, secret: &Named, region: &str) {
    let text = secret.value.expose_secret();
    let source = || Source::Secret { name: secret.name.clone(), region: region.to_owned() };
    match serde_json::from_str::<BTreeMap<String, Value>>(text) {
        Ok(several) => {
            for (name, value) in several {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                values.add(&name, &value, source());
            }
        }
        Err(_) => values.add(last_of(&secret.name), text, source()),
    }
}

fn last_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
