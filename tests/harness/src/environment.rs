//! What a whole system is told by its environment: where the vendors are, their secrets, and limits that no test reaches.

use crate::{
    Setup,
    system::{Keys, SIGNER, TERMINALS, usher},
};
use stack::Launch;
use std::path::Path;

/// Usher's, about the vendors.
pub(crate) fn of_usher(sandbox: &str, keys: &Keys) -> impl Iterator<Item = (&'static str, String)> {
    let urls = [
        ("IDENTITY_BASE_URL", format!("http://{sandbox}/identity")),
        ("VISTA_BASE_URL", format!("http://{sandbox}/vista/WSVistaWebClient")),
        ("HYPER_PAY_BASE_URL", format!("http://{sandbox}/hyperpay")),
        ("CHECKOUT_BASE_URL", format!("http://{sandbox}/checkout")),
    ];
    let vendors = urls.into_iter().chain(payfort(sandbox)).chain(tabby(sandbox));
    vendors.chain(kiosks(sandbox)).chain(secrets(keys)).chain(unlimited())
}

/// Tests share one address and are in a hurry. Those about limits say their own.
fn unlimited() -> impl Iterator<Item = (&'static str, String)> {
    let names = [
        "THROTTLE_LIMIT",
        "THROTTLE_ORDER_LIMIT",
        "USHER_WEBHOOK_LIMIT",
        "USHER_OPEN_BOOKINGS_MAX",
        "USHER_HELD_SEATS_MAX",
        "USHER_CONNECTIONS_PER_ADDRESS",
    ];
    names.into_iter().map(|name| (name, "1000000".to_owned()))
}

pub(crate) fn stand_ins(
    logs: &Path,
    keys: &Keys,
    gateway: &str,
    sandbox: &str,
    setup: &Setup,
) -> Launch {
    let port = sandbox.rsplit(':').next().unwrap().to_owned();
    let mut launch = Launch::new("stand-ins", usher(), logs.join("stand-ins.log"))
        .args(["sandbox".to_owned(), "--port".to_owned(), port])
        .env("SANDBOX_FACTOR", setup.factor.to_string())
        .env("SANDBOX_WEBHOOK_URL", format!("http://{gateway}/webhooks/hyperpay"))
        .env("SANDBOX_WEBHOOK_KEY", &keys.webhook)
        .env("SANDBOX_PAYFORT_WEBHOOK_URL", format!("http://{gateway}/webhooks/payfort"))
        .env("SANDBOX_CHECKOUT_WEBHOOK_URL", format!("http://{gateway}/webhooks/checkout"))
        .env("SANDBOX_CHECKOUT_WEBHOOK_KEY", &keys.checkout_webhook)
        .env("SANDBOX_CHECKOUT_WEBHOOK_AUTHORIZATION", &keys.checkout_authorization)
        .env("SANDBOX_TABBY_WEBHOOK_URL", format!("http://{gateway}/webhooks/tabby"))
        .env("SANDBOX_TABBY_WEBHOOK_SECRET", &keys.webhook)
        .env(
            "SANDBOX_NEARPAY_WEBHOOK_URL",
            format!("http://{gateway}/webhooks/nearpay/{}", keys.nearpay),
        )
        .env("SANDBOX_NEARPAY_PUBLIC_KEY", &TERMINALS.public);
    if !setup.without.contains(&"SANDBOX_STATE") {
        launch = launch.env("SANDBOX_STATE", logs.join("stand-ins.json"));
    }
    launch.clean_env = true;
    launch
}

/// What is no secret about it.
fn tabby(sandbox: &str) -> [(&'static str, String); 3] {
    [
        ("TABBY_BASE_URL", format!("http://{sandbox}/tabby")),
        ("TABBY_MERCHANT_CODE", sandbox::TABBY_MERCHANT.to_owned()),
        ("TABBY_WEBHOOK_HEADER", sandbox::TABBY_WEBHOOK_HEADER.to_owned()),
    ]
}

/// Kiosk 1 has a terminal.
fn kiosks(sandbox: &str) -> [(&'static str, String); 3] {
    [
        ("NEARPAY_BASE_URL", format!("http://{sandbox}/nearpay/v1/clients-sdk")),
        ("NEARPAY_CLIENT_UUID", sandbox::nearpay::DEFAULT_CLIENT.to_owned()),
        ("USHER_KIOSK_TERMINALS", format!("1={}", sandbox::nearpay::DEFAULT_TERMINAL)),
    ]
}

pub(crate) fn secrets(keys: &Keys) -> Vec<(&'static str, String)> {
    let platforms = ["IOS", "ANDROID", "WEBSITE", "HUAWEI", "KIOSK"];
    let names = [
        "VISTA_IOS_TOKEN",
        "VISTA_ANDROID_TOKEN",
        "VISTA_WEBSITE_TOKEN",
        "VISTA_HUAWEI_TOKEN",
        "VISTA_KIOSK_TOKEN",
    ];
    let checkout = sandbox::CheckoutAccount::default();
    let tokens = platforms.map(|platform| format!("vista-{}", platform.to_lowercase()));
    let ours = [
        ("USHER_ID_KEY", keys.id.clone()),
        ("JWT_SECRET_KEY", keys.jwt.clone()),
        ("HYPER_PAY_TOKEN", sandbox::DEFAULT_TOKEN.to_owned()),
        ("HYPER_PAY_ENTITY_ID", sandbox::CARD_ENTITY.to_owned()),
        ("HYPER_PAY_WEBHOOK_KEYS", keys.webhook.clone()),
        ("CHECKOUT_SECRET_KEY", checkout.secret_key),
        ("CHECKOUT_PRIMARY_KEY", checkout.public_key),
        ("CHECKOUT_PROCESSING_CHANNEL_ID", checkout.processing_channel),
        ("CHECKOUT_WEBHOOK_KEYS", keys.checkout_webhook.clone()),
        ("CHECKOUT_WEBHOOK_AUTHORIZATIONS", keys.checkout_authorization.clone()),
        ("TABBY_API_KEY", sandbox::TABBY_KEY.to_owned()),
        ("TABBY_WEBHOOK_KEYS", keys.webhook.clone()),
        ("NEARPAY_API_KEY", sandbox::nearpay::DEFAULT_KEY.to_owned()),
        ("NEARPAY_WEBHOOK_SECRETS", keys.nearpay.clone()),
        ("NEARPAY_PRIVATE_KEY", TERMINALS.private.clone()),
        ("USHER_PASS_KEY", keys.passes.clone()),
        ("APPLE_WALLET_KEY_FILE_NAME", SIGNER.key.clone()),
    ];
    names.into_iter().zip(tokens).chain(ours).collect()
}

/// Both channels of `PayFort`'s stand-in.
fn payfort(sandbox: &str) -> [(&'static str, String); 13] {
    let phrase = |purpose| sandbox::payfort_phrase(sandbox::PAYFORT_PHRASE, purpose);
    [
        ("PAYFORT_BASE_URL", format!("http://{sandbox}/payfort")),
        ("PAYFORT_PAGE_URL", format!("http://{sandbox}/payfort")),
        ("PAYFORT_MERCHANT_IDENTIFIER", sandbox::PAYFORT_MERCHANT.to_owned()),
        ("PAYFORT_GUEST_EMAIL", "guest@cinema.example".to_owned()),
        ("PAYFORT_CUSTOMER_IP", "192.0.2.1".to_owned()),
        ("PAYFORT_ACCESS_CODE", sandbox::PAYFORT_ACCESS_CODE.to_owned()),
        ("PAYFORT_SHA_TYPE", "SHA-256".to_owned()),
        ("PAYFORT_SHA_REQUEST_PHRASE", phrase("request")),
        ("PAYFORT_SHA_RESPONSE_PHRASE", phrase("response")),
        ("PAYFORT_APPLE_ACCESS_CODE", sandbox::PAYFORT_APPLE_ACCESS_CODE.to_owned()),
        ("PAYFORT_APPLE_SHA_TYPE", "SHA-256".to_owned()),
        ("PAYFORT_APPLE_SHA_REQUEST_PHRASE", phrase("apple-request")),
        ("PAYFORT_APPLE_SHA_RESPONSE_PHRASE", phrase("apple-response")),
    ]
}
