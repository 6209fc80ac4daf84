//! `usher` and `usher up`: everything on this machine, with nothing set up before.

use crate::{
    Outcome, book,
    config::{Config, Values},
    home::{Home, Keys, PASS_TEAM, PASS_TYPE, Places, Running},
    listen,
    server::{self, Listeners},
    telemetry::{Lines, Telemetry},
    timeline::say,
    wait::{stop_signal, stopped},
};
use stack::{Engines, Launch, Options, Supervised};
use std::{collections::BTreeMap, io, process::ExitCode, time::Duration};

/// The kiosk that has a terminal.
pub(crate) const KIOSK: &str = "1";

/// Starts everything, makes one booking if asked to, and stays until Ctrl-C.
pub(crate) async fn up(with_a_booking: bool, nodes: Option<usize>) -> Outcome {
    let home = Home::open()?;
    let keys = home.keys()?;
    let external = External::from_env()?;
    let stopping = stop_signal();

    let engines = if external.is_some() {
        None
    } else {
        let kept = Options::kept(home.path("data"), home.path(""));
        Some(Engines::start(&Options { progress: say, nodes, ..kept }).await?)
    };
    let urls = external.unwrap_or_else(|| External::of(engines.as_ref()));
    let gateway = listen::from_port(3000)?;
    let workflows = listen::from_port(home.places()?.workflows_port.unwrap_or(9080))?;
    home.set_places(&Places { workflows_port: Some(workflows.local_addr()?.port()) })?;
    let gateway_url = format!("http://{}", gateway.local_addr()?);
    let (mut sandbox, sandbox_url) = start_sandbox(&home, &keys, &gateway_url).await?;

    let metrics = listen::from_port(9464)?;
    let metrics_url = format!("http://{}/metrics", metrics.local_addr()?);
    let workflows_addr = workflows.local_addr()?.to_string();
    let mut environment = environment(&urls, &keys, &gateway_url, &sandbox_url, &workflows_addr);
    environment.extend(for_tickets(&home, &keys)?);
    environment.insert("NEARPAY_PRIVATE_KEY", home.login_key()?.private);
    let config = Config::read(None, &Values::of(environment))?;
    schema::Db::connect(&config.database_url, 1).await?.migrate().await.map_err(|error| {
        format!("{error}. If .usher/data is of another build, remove it: it is this folder's only.")
    })?;
    let lines = Lines::File(std::fs::File::create(home.path("usher.log"))?);
    let telemetry = Telemetry::start(&config.telemetry, lines)?;
    let listeners = Listeners { gateway: Some(gateway), workflows: Some(workflows), metrics };
    let counted = telemetry.metrics.clone();
    let serving = tokio::spawn(server::run(config, listeners, counted, stopping.clone()));

    home.set_running(&Running {
        gateway_url: gateway_url.clone(),
        sandbox_url: sandbox_url.clone(),
    })?;
    let mut outcome = ExitCode::SUCCESS;
    if ready(&gateway_url).await {
        if with_a_booking {
            outcome = book::run(&book::Order::default()).await?;
        }
        go_on_with(&gateway_url, &sandbox_url, &urls, &metrics_url);
        if let Some(engines) = &engines {
            name_the_nodes(engines).await;
        }
        stopped(stopping).await;
        say("Stopping…");
    }

    home.forget_running();
    serving.await??;
    telemetry.stop().await;
    sandbox.stop().await;
    if let Some(engines) = engines {
        engines.stop().await?;
    }
    Ok(outcome)
}

/// How many nodes of Restate can be asked for.
pub(crate) fn nodes(text: &str) -> Result<usize, String> {
    let nodes = text.parse().ok().filter(|nodes| [1, stack::CLUSTER].contains(nodes));
    nodes.ok_or_else(|| format!("1, or {} for a cluster", stack::CLUSTER))
}

/// Engines that are already there, instead of our own.
struct External {
    database: String,
    ingress: String,
    admin: String,
    /// By which the workflows know the engine.
    keys: String,
}

impl External {
    /// All three, or none: half of our own engines with half of somebody else's is a mistake.
    fn from_env() -> Result<Option<Self>, &'static str> {
        let read = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match ["DATABASE_URL", "RESTATE_INGRESS_URL", "RESTATE_ADMIN_URL"].map(read) {
            [None, None, None] => Ok(None),
            [Some(database), Some(ingress), Some(admin)] => {
                let keys = read("USHER_ENGINE_IDENTITY_KEYS").unwrap_or_default();
                Ok(Some(Self { database, ingress, admin, keys }))
            }
            _ => Err(
                "Set DATABASE_URL, RESTATE_INGRESS_URL and RESTATE_ADMIN_URL, all three, to use \
                      engines that are already there; or none of them, and they are started here.",
            ),
        }
    }

    fn of(engines: Option<&Engines>) -> Self {
        let of = |url: fn(&Engines) -> String| engines.map(url).unwrap_or_default();
        Self {
            database: of(Engines::database_url),
            ingress: of(Engines::restate_ingress_urls),
            admin: of(Engines::restate_admin_urls),
            keys: of(|engines| engines.identity_key().to_owned()),
        }
    }
}

/// What production would have in its environment.
fn environment(
    urls: &External,
    keys: &Keys,
    gateway_url: &str,
    sandbox_url: &str,
    workflows_addr: &str,
) -> BTreeMap<&'static str, String> {
    let passed_on = [
        "USHER_TIME_FACTOR",
        "BOOKING_EXPIRY_MINUTES",
        "MAX_SEATS_PER_BOOKING",
        "USHER_LOG",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_TRACES_SAMPLER_ARG",
        "SENTRY_DSN",
        "SENTRY_ENVIRONMENT",
        "THROTTLE_LIMIT",
        "THROTTLE_ORDER_LIMIT",
        "USHER_OPEN_BOOKINGS_MAX",
        "USHER_HELD_SEATS_MAX",
        "USHER_CORS_ORIGINS",
    ];
    let passed_on =
        passed_on.into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?)));
    let account = sandbox::CheckoutAccount::default();
    let ours = [
        ("DATABASE_URL", urls.database.clone()),
        ("RESTATE_INGRESS_URL", urls.ingress.clone()),
        ("RESTATE_ADMIN_URL", urls.admin.clone()),
        ("USHER_ENGINE_IDENTITY_KEYS", urls.keys.clone()),
        ("USHER_DEVELOPMENT", "yes".to_owned()),
        ("USHER_PUBLIC_URL", gateway_url.to_owned()),
        ("USHER_WORKFLOWS_ADDR", workflows_addr.to_owned()),
        ("USHER_ID_KEY", keys.id_key.clone()),
        ("JWT_SECRET_KEY", keys.jwt_secret.clone()),
        // The demonstration looks forty times a second.
        ("THROTTLE_LIMIT", "10000".to_owned()),
        ("IDENTITY_BASE_URL", format!("{sandbox_url}/identity")),
        ("VISTA_BASE_URL", format!("{sandbox_url}/vista/WSVistaWebClient")),
        ("VISTA_IOS_TOKEN", "vista-ios".to_owned()),
        ("VISTA_ANDROID_TOKEN", "vista-android".to_owned()),
        ("VISTA_WEBSITE_TOKEN", "vista-website".to_owned()),
        ("VISTA_HUAWEI_TOKEN", "vista-huawei".to_owned()),
        ("VISTA_KIOSK_TOKEN", "vista-kiosk".to_owned()),
        ("HYPER_PAY_BASE_URL", format!("{sandbox_url}/hyperpay")),
        ("HYPER_PAY_TOKEN", sandbox::DEFAULT_TOKEN.to_owned()),
        ("HYPER_PAY_ENTITY_ID", sandbox::CARD_ENTITY.to_owned()),
        ("HYPER_PAY_WEBHOOK_KEYS", keys.hyperpay_webhook_key.clone()),
        ("CHECKOUT_BASE_URL", format!("{sandbox_url}/checkout")),
        ("CHECKOUT_SECRET_KEY", account.secret_key),
        ("CHECKOUT_PRIMARY_KEY", account.public_key),
        ("CHECKOUT_PROCESSING_CHANNEL_ID", account.processing_channel),
        ("CHECKOUT_WEBHOOK_KEYS", keys.checkout_webhook_key.clone()),
        ("CHECKOUT_WEBHOOK_AUTHORIZATIONS", keys.checkout_webhook_authorization.clone()),
        ("TABBY_BASE_URL", format!("{sandbox_url}/tabby")),
        ("TABBY_API_KEY", sandbox::TABBY_KEY.to_owned()),
        ("TABBY_MERCHANT_CODE", sandbox::TABBY_MERCHANT.to_owned()),
        ("TABBY_WEBHOOK_HEADER", sandbox::TABBY_WEBHOOK_HEADER.to_owned()),
        ("TABBY_WEBHOOK_KEYS", keys.tabby_webhook_secret.clone()),
        ("NEARPAY_BASE_URL", format!("{sandbox_url}/nearpay/v1/clients-sdk")),
        ("NEARPAY_API_KEY", sandbox::nearpay::DEFAULT_KEY.to_owned()),
        ("NEARPAY_CLIENT_UUID", sandbox::nearpay::DEFAULT_CLIENT.to_owned()),
        ("NEARPAY_WEBHOOK_SECRETS", keys.nearpay_webhook_secret.clone()),
        ("USHER_KIOSK_TERMINALS", format!("{KIOSK}={}", sandbox::nearpay::DEFAULT_TERMINAL)),
    ];
    ours.into_iter().chain(for_payfort(keys, sandbox_url)).chain(passed_on).collect()
}

/// Both channels of its stand-in, with phrases of this folder's own.
fn for_payfort(keys: &Keys, sandbox_url: &str) -> [(&'static str, String); 13] {
    let phrase = |purpose| sandbox::payfort_phrase(&keys.payfort_phrase, purpose);
    [
        ("PAYFORT_BASE_URL", format!("{sandbox_url}/payfort")),
        ("PAYFORT_PAGE_URL", format!("{sandbox_url}/payfort")),
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

/// Pictures in this folder, and passes under its own certificate.
fn for_tickets(home: &Home, keys: &Keys) -> io::Result<[(&'static str, String); 9]> {
    let signer = home.pass_certificate()?;
    Ok([
        ("ZATCA_SELLER_NAME", "Usher Cinemas".to_owned()),
        ("ZATCA_VAT_NUMBER", "300000000000003".to_owned()),
        ("USHER_STORE_URL", format!("file://{}", home.path("store").display())),
        ("USHER_PASS_KEY", keys.pass_key.clone()),
        ("APPLE_WALLET_PASS_TYPE_IDENTIFIER", PASS_TYPE.to_owned()),
        ("APPLE_WALLET_TEAM_IDENTIFIER", PASS_TEAM.to_owned()),
        ("APPLE_WALLET_CER_FILE_NAME", signer.certificate),
        ("APPLE_WALLET_KEY_FILE_NAME", signer.key),
        ("APPLE_WALLET_WWDR_FILE_NAME", signer.intermediate),
    ])
}

/// The vendors are somebody else's: a process of their own, which outlives no one but us.
async fn start_sandbox(
    home: &Home,
    keys: &Keys,
    gateway_url: &str,
) -> Result<(Supervised, String), Box<dyn std::error::Error + Send + Sync>> {
    let listener = listen::from_port(3100)?;
    let port = listener.local_addr()?.port();
    drop(listener);
    let factor = std::env::var("USHER_TIME_FACTOR").unwrap_or_else(|_| "1".to_owned());
    let launch = Launch::new("stand-ins", std::env::current_exe()?, home.path("sandbox.log"))
        .args(["sandbox".to_owned(), "--port".to_owned(), port.to_string()])
        .env("SANDBOX_STATE", home.path("sandbox.json"))
        .env("SANDBOX_FACTOR", factor)
        .env("SANDBOX_WEBHOOK_URL", format!("{gateway_url}/webhooks/hyperpay"))
        .env("SANDBOX_WEBHOOK_KEY", &keys.hyperpay_webhook_key)
        .env("SANDBOX_PAYFORT_WEBHOOK_URL", format!("{gateway_url}/webhooks/payfort"))
        .env("SANDBOX_PAYFORT_PHRASE", &keys.payfort_phrase)
        .env("SANDBOX_CHECKOUT_WEBHOOK_URL", format!("{gateway_url}/webhooks/checkout"))
        .env("SANDBOX_CHECKOUT_WEBHOOK_KEY", &keys.checkout_webhook_key)
        .env("SANDBOX_CHECKOUT_WEBHOOK_AUTHORIZATION", &keys.checkout_webhook_authorization)
        .env("SANDBOX_TABBY_WEBHOOK_URL", format!("{gateway_url}/webhooks/tabby"))
        .env("SANDBOX_TABBY_WEBHOOK_SECRET", &keys.tabby_webhook_secret)
        .env(
            "SANDBOX_NEARPAY_WEBHOOK_URL",
            format!("{gateway_url}/webhooks/nearpay/{}", keys.nearpay_webhook_secret),
        )
        .env("SANDBOX_NEARPAY_PUBLIC_KEY", home.login_key()?.public);
    let sandbox = Supervised::spawn(&launch)?;
    let url = format!("http://127.0.0.1:{port}");
    if !answers(&format!("{url}/_sim/health")).await {
        return Err(format!("The stand-ins do not start; see {}.", launch.log.display()).into());
    }
    Ok((sandbox, url))
}

async fn ready(gateway_url: &str) -> bool {
    answers(&format!("{gateway_url}/readyz")).await
}

/// Whether a URL says 200 within half a minute.
async fn answers(url: &str) -> bool {
    for _ in 0..300 {
        if reqwest::get(url).await.is_ok_and(|answer| answer.status().is_success()) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

fn go_on_with(gateway_url: &str, sandbox_url: &str, urls: &External, metrics_url: &str) {
    say("");
    say("Usher is up. Ctrl-C stops everything; the next start finds its data again.");
    say(&format!("  API        {gateway_url}/api/v1/orders"));
    say(&format!("  its docs   {gateway_url}/swagger"));
    say(&format!("  stand-ins  {sandbox_url}/_sim"));
    for admin in urls.admin.split(',') {
        say(&format!("  engine     {admin}/ui/"));
    }
    say(&format!("  metrics    {metrics_url}"));
    say("  another    cargo run -- book --provider tabby");
}

/// Any one of them may be killed: people like to try.
async fn name_the_nodes(engines: &Engines) {
    if engines.peers.is_empty() {
        return;
    }
    let mut pids = Vec::new();
    for node in engines.restate_nodes() {
        pids.extend(node.pid().await.map(|pid| pid.to_string()));
    }
    say(&format!("  nodes      pids {}: any one may be lost", pids.join(", ")));
}
