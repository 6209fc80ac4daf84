//! The cinema's system, and who takes the money.

use super::reader::Reader;
use adapters::{hyperpay, tabby, vista};
use schema::provider::Platform;
use secrecy::SecretString;
use std::{collections::BTreeMap, time::Duration};

pub(super) fn vista(from: &mut Reader) -> vista::Config {
    let url = from.required("VISTA_BASE_URL", "https://host/WSVistaWebClient");
    // The parameter store has one for all platforms; a platform's own comes before it.
    let of_all = from.optional("VISTA_API_KEY");
    let tokens: BTreeMap<Platform, SecretString> = Platform::ALL
        .into_iter()
        .map(|platform| {
            let name = format!("VISTA_{}_TOKEN", platform.name().to_uppercase());
            let own = match &of_all {
                Some(of_all) => from.optional(&name).unwrap_or_else(|| of_all.clone()),
                None => from.required(&name, "Vista's token of this platform"),
            };
            (platform, own.into())
        })
        .collect();
    vista::Config::new(url, tokens)
}

/// On when its token is set; then everything else of it must be, too.
pub(super) fn hyperpay(from: &mut Reader, factor: u32) -> Option<hyperpay::Config> {
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

/// On when its key is set; then everything else of it must be, too.
pub(super) fn tabby(from: &mut Reader, factor: u32) -> Option<tabby::Config> {
    let key = from.optional("TABBY_API_KEY")?;
    let secrets = from.required(
        "TABBY_WEBHOOK_KEYS",
        "what the webhooks' header holds; two with a comma between them while they are rotated",
    );
    Some(tabby::Config {
        base_url: from.required("TABBY_BASE_URL", "https://api.tabby.sa"),
        key: key.into(),
        merchant_code: from.required("TABBY_MERCHANT_CODE", "the shop, as Tabby calls it"),
        webhook_header: from
            .required("TABBY_WEBHOOK_HEADER", "the header that webhooks were registered with"),
        webhook_secrets: secrets.split(',').map(|secret| secret.trim().to_owned().into()).collect(),
        live: from.optional("TABBY_LIVE").is_some(),
        session_life: Duration::from_mins(30) / factor,
    })
}
