//! `usher keys`: what compose.yaml needs and the repository must not have: keys of this machine's own, made once.

use crate::{
    Outcome,
    home::{Home, random_hex, write_private},
    timeline::say,
};
use stack::Identity;
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::ExitCode,
};

const ENV: &str = ".env";

/// Writes `.env`, for this user alone, and the engine's private key. Run again, it changes nothing: ids are derived with
/// these keys, and the database has its password.
pub(crate) fn run() -> Outcome {
    let home = Home::open()?;
    if Path::new(ENV).exists() {
        say(".env is here already, and was kept: what runs on these keys would not know others.");
        return Ok(ExitCode::SUCCESS);
    }
    let (keys, identity) = (home.keys()?, Identity::generate()?);
    let pem = home.path("engine.pem");
    write_private(&pem, identity.private_pem.as_bytes())?;
    // The engine's user in its container is not ours. On this machine nobody else gets into the folder.
    fs::set_permissions(&pem, Permissions::from_mode(0o644))?;
    let account = sandbox::CheckoutAccount::default();
    let lines = [
        ("POSTGRES_PASSWORD", random_hex()),
        ("USHER_ID_KEY", keys.id_key),
        ("USHER_ENGINE_IDENTITY_KEYS", identity.public_key),
        ("JWT_SECRET_KEY", keys.jwt_secret),
        ("HYPER_PAY_TOKEN", sandbox::DEFAULT_TOKEN.to_owned()),
        ("HYPER_PAY_ENTITY_ID", sandbox::CARD_ENTITY.to_owned()),
        ("HYPER_PAY_WEBHOOK_KEYS", keys.hyperpay_webhook_key),
        ("PAYFORT_PHRASE", keys.payfort_phrase),
        ("CHECKOUT_SECRET_KEY", account.secret_key),
        ("CHECKOUT_PRIMARY_KEY", account.public_key),
        ("CHECKOUT_PROCESSING_CHANNEL_ID", account.processing_channel),
        ("CHECKOUT_WEBHOOK_KEYS", keys.checkout_webhook_key),
        ("CHECKOUT_WEBHOOK_AUTHORIZATIONS", keys.checkout_webhook_authorization),
        ("TABBY_API_KEY", sandbox::TABBY_KEY.to_owned()),
        ("TABBY_WEBHOOK_KEYS", keys.tabby_webhook_secret),
        ("NEARPAY_API_KEY", random_hex()),
        ("NEARPAY_WEBHOOK_SECRETS", keys.nearpay_webhook_secret),
    ];
    let lines = lines.map(|(name, value)| format!("{name}={value}\n"));
    write_private(Path::new(ENV), lines.concat().as_bytes())?;
    say("Wrote .env and .usher/engine.pem. Now: docker compose up --build --wait");
    Ok(ExitCode::SUCCESS)
}
