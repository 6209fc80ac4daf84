//! The cinema's system, and who takes the money.

use super::reader::Reader;
use adapters::{checkout, hyperpay, payfort, tabby, vista};
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

/// On when its access code is set; then everything else of it must be, too. Apple Pay is on with its own access code.
pub(super) fn payfort(from: &mut Reader, factor: u32) -> Option<payfort::Config> {
    let cards = payfort_channel(from, "PAYFORT")?;
    Some(payfort::Config {
        base_url: from.required("PAYFORT_BASE_URL", "https://paymentservices.payfort.com"),
        page_url: from.required("PAYFORT_PAGE_URL", "https://checkout.payfort.com"),
        merchant_identifier: from.required("PAYFORT_MERCHANT_IDENTIFIER", "from the portal"),
        cards,
        apple: payfort_channel(from, "PAYFORT_APPLE"),
        guest_email: from.required(
            "PAYFORT_GUEST_EMAIL",
            "an address of the cinema's, for customers who give none",
        ),
        customer_ip: from.required(
            "PAYFORT_CUSTOMER_IP",
            "our own public address, which is sent as the customer's",
        ),
        live: from.optional("PAYFORT_LIVE").is_some(),
        session_life: Duration::from_mins(30) / factor,
    })
}

/// A channel's names all begin alike. The next response phrase is set while phrases are exchanged.
fn payfort_channel(from: &mut Reader, channel: &str) -> Option<payfort::Channel> {
    let name = |rest: &str| format!("{channel}_{rest}");
    let access_code = from.optional(&name("ACCESS_CODE"))?;
    let sha_type = from.required(&name("SHA_TYPE"), "SHA-256, SHA-512, HMAC-256 or HMAC-512");
    let sha_type = payfort::ShaType::named(&sha_type).unwrap_or_else(|| {
        from.complain(format!("{}: SHA-256, SHA-512, HMAC-256 or HMAC-512", name("SHA_TYPE")));
        payfort::ShaType::Sha256
    });
    let response = from.required(&name("SHA_RESPONSE_PHRASE"), "from the portal");
    let next = from.optional(&name("SHA_RESPONSE_PHRASE_NEXT"));
    Some(payfort::Channel {
        access_code,
        sha_type,
        request_phrase: from.required(&name("SHA_REQUEST_PHRASE"), "from the portal").into(),
        response_phrases: [Some(response), next].into_iter().flatten().map(Into::into).collect(),
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
