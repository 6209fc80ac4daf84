//! The stand-ins on the command line: their options, and how they are run until a signal.

use crate::{CheckoutAccount, Config, TABBY_KEY, nearpay, serve};
use clap::Args;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// How many ports are tried after the wanted one.
const PORTS: u16 = 100;

/// Stand-ins for the cinema system (Vista) and for everybody who takes the money.
#[derive(Debug, Args)]
pub struct Options {
    /// The first port tried.
    #[arg(long, env = "SANDBOX_PORT", default_value_t = 3100)]
    port: u16,
    /// Where it listens: loopback. Others may reach it only inside a private network.
    #[arg(long, env = "SANDBOX_ADDRESS", default_value = "127.0.0.1")]
    address: IpAddr,
    /// Where everything is kept across restarts.
    #[arg(long, env = "SANDBOX_STATE")]
    state: Option<PathBuf>,
    /// How many times faster the vendors' durations pass.
    #[arg(long, env = "SANDBOX_FACTOR", default_value_t = 1)]
    factor: u32,
    /// Where the card gateway sends its webhooks.
    #[arg(long, env = "SANDBOX_WEBHOOK_URL")]
    webhook_url: Option<String>,
    /// The webhooks' key: 64 hex digits.
    #[arg(long, env = "SANDBOX_WEBHOOK_KEY")]
    webhook_key: Option<String>,
    /// The tokens the cinema system takes, separated by commas.
    #[arg(long, env = "SANDBOX_VISTA_TOKENS", value_delimiter = ',')]
    vista_tokens: Vec<String>,
    /// The access token the card gateway takes.
    #[arg(long, env = "SANDBOX_HYPERPAY_TOKEN")]
    hyperpay_token: Option<String>,
    /// The card gateway's channels, `entity:BRAND`, separated by commas.
    #[arg(long, env = "SANDBOX_HYPERPAY_ENTITIES", value_delimiter = ',')]
    hyperpay_entities: Vec<String>,
    /// Where Amazon Payment Services (`PayFort`) sends its feedback.
    #[arg(long, env = "SANDBOX_PAYFORT_WEBHOOK_URL")]
    payfort_webhook_url: Option<String>,
    /// What the phrases of its channels begin with.
    #[arg(long, env = "SANDBOX_PAYFORT_PHRASE", default_value = crate::PAYFORT_PHRASE)]
    payfort_phrase: String,
    /// How its channels sign.
    #[arg(long, env = "SANDBOX_PAYFORT_SHA_TYPE", default_value = "SHA-256")]
    payfort_sha_type: String,
    #[command(flatten)]
    checkout: Checkout,
    /// The secret key that Tabby takes.
    #[arg(long, env = "SANDBOX_TABBY_KEY", default_value = TABBY_KEY)]
    tabby_key: String,
    /// Where Tabby sends its webhooks.
    #[arg(long, env = "SANDBOX_TABBY_WEBHOOK_URL")]
    tabby_webhook_url: Option<String>,
    /// What is in the header of Tabby's webhooks.
    #[arg(long, env = "SANDBOX_TABBY_WEBHOOK_SECRET")]
    tabby_webhook_secret: Option<String>,
    #[command(flatten)]
    nearpay: nearpay::Setup,
}

/// The merchant's account with Checkout.com; a default where nothing is given.
#[derive(Debug, Args)]
struct Checkout {
    #[arg(
        id = "checkout_secret_key",
        long = "checkout-secret-key",
        env = "SANDBOX_CHECKOUT_SECRET_KEY"
    )]
    secret_key: Option<String>,
    #[arg(
        id = "checkout_public_key",
        long = "checkout-public-key",
        env = "SANDBOX_CHECKOUT_PUBLIC_KEY"
    )]
    public_key: Option<String>,
    #[arg(
        id = "checkout_processing_channel_id",
        long = "checkout-processing-channel-id",
        env = "SANDBOX_CHECKOUT_PROCESSING_CHANNEL_ID"
    )]
    processing_channel_id: Option<String>,
    /// Where its webhooks go.
    #[arg(
        id = "checkout_webhook_url",
        long = "checkout-webhook-url",
        env = "SANDBOX_CHECKOUT_WEBHOOK_URL"
    )]
    webhook_url: Option<String>,
    /// What signs them.
    #[arg(
        id = "checkout_webhook_key",
        long = "checkout-webhook-key",
        env = "SANDBOX_CHECKOUT_WEBHOOK_KEY"
    )]
    webhook_key: Option<String>,
    /// What they show as Authorization.
    #[arg(
        id = "checkout_webhook_authorization",
        long = "checkout-webhook-authorization",
        env = "SANDBOX_CHECKOUT_WEBHOOK_AUTHORIZATION"
    )]
    webhook_authorization: Option<String>,
}

impl From<Checkout> for CheckoutAccount {
    fn from(given: Checkout) -> Self {
        let default = Self::default();
        Self {
            secret_key: given.secret_key.unwrap_or(default.secret_key),
            public_key: given.public_key.unwrap_or(default.public_key),
            processing_channel: given.processing_channel_id.unwrap_or(default.processing_channel),
            webhook_url: given.webhook_url,
            webhook_key: given.webhook_key.unwrap_or(default.webhook_key),
            webhook_authorization: given
                .webhook_authorization
                .unwrap_or(default.webhook_authorization),
        }
    }
}

/// Serves the stand-ins until Ctrl-C or SIGTERM. Says where on the first line of its output.
pub async fn run(options: Options) -> io::Result<()> {
    let _ = tracing_subscriber::fmt().with_writer(io::stderr).try_init();
    let listener = free_port(options.address, options.port).await?;
    let address = listener.local_addr()?;
    let mut config = Config::new(listener);
    config.beyond_loopback = !options.address.is_loopback();
    config.state_file = options.state;
    config.factor = options.factor;
    config.webhook_url = options.webhook_url;
    config.webhook_key = options.webhook_key;
    config.nearpay = options.nearpay;
    if !options.vista_tokens.is_empty() {
        config.vista_tokens = options.vista_tokens;
    }
    if let Some(token) = options.hyperpay_token {
        config.hyperpay_token = token;
    }
    if !options.hyperpay_entities.is_empty() {
        let split = |pair: &String| {
            let (entity, brand) = pair.split_once(':').unwrap_or((pair, "VISA"));
            (entity.to_owned(), brand.to_owned())
        };
        config.hyperpay_entities = options.hyperpay_entities.iter().map(split).collect();
    }
    config.payfort_webhook_url = options.payfort_webhook_url;
    config.payfort_phrase = options.payfort_phrase;
    config.payfort_sha_type = options.payfort_sha_type;
    config.checkout = options.checkout.into();
    config.tabby_key = options.tabby_key;
    config.tabby_webhook_url = options.tabby_webhook_url;
    config.tabby_webhook_secret = options.tabby_webhook_secret;
    let mut out = io::stdout();
    writeln!(out, "sandbox http://{address}")?;
    out.flush()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    serve(config, stop).await
}

async fn free_port(address: IpAddr, first: u16) -> io::Result<TcpListener> {
    let mut last = io::Error::other("no port was tried");
    for port in first..first.saturating_add(PORTS) {
        match TcpListener::bind((address, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}
