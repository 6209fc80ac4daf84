//! The cinema's system, and who takes the money.

use super::reader::Reader;
use adapters::{checkout, hyperpay, vista};
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

/// On when its secret key is set; then everything else of it must be, too.
pub(super) fn checkout(from: &mut Reader, factor: u32) -> Option<checkout::Config> {
    let secret_key = from.optional("CHECKOUT_SECRET_KEY")?;
    let all = |texts: String| texts.split(',').map(|text| text.trim().to_owned().into()).collect();
    Some(checkout::Config {
        base_url: from.required("CHECKOUT_BASE_URL", "https://{prefix}.api.checkout.com"),
        secret_key: secret_key.into(),
        public_key: from.required("CHECKOUT_PRIMARY_KEY", "pk_…, for Apple Pay").into(),
        processing_channel: from
            .required("CHECKOUT_PROCESSING_CHANNEL_ID", "pc_…, that payments are made in"),
        webhook_keys: all(from.required(
            "CHECKOUT_WEBHOOK_KEYS",
            "the workflow's signature key; two with a comma between them while they are rotated",
        )),
        webhook_authorizations: all(from.required(
            "CHECKOUT_WEBHOOK_AUTHORIZATIONS",
            "the workflow's Authorization header, without a comma; two while they are rotated",
        )),
        challenge_life: Duration::from_mins(15) / factor,
        password_life: Duration::from_mins(2) / factor,
    })
}
