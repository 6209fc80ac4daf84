//! The vendors' stand-ins: they speak each vendor's wire, keep its ledger, and misbehave when told to.
//!
//! Nothing here is shared with the adapters: a stand-in that shares code with its client repeats its mistakes.
//!
//! Tests and demos speak to the control plane, in JSON; `{v}` is `vista` or the name of one who takes the money.
//!
//! | Control | What it does |
//! |---|---|
//! | `GET /_sim`, `GET /_sim/{v}` | every operation, fault (where it fits, on which side of the effect) and switch |
//! | `POST /_sim/{v}/faults` | one rule or a list: `{"match": {"op", "reference"?, "nth"?}, "fault", "times"?, "delay_ms"?}` |
//! | `GET`, `DELETE /_sim/{v}/faults` | the rules that may still fire; forgets them, or those of `?reference=` |
//! | `GET /_sim/{v}/faults/unfired` | the rules that have never fired |
//! | `GET`, `POST /_sim/{v}/switches` | what nobody knows about the vendor, `{"name": "position"}` |
//! | `GET /_sim/{v}/ledger` | what the vendor did: all, `?from=` the nth entry, `?reference=`, `?kind=` |
//! | `POST /_sim/{v}/pay/{session}` | the shopper of a vendor with a page: `{"outcome": "approve" \| "decline" \| "abandon"}` |
//! | `POST /_sim/nearpay/terminal/purchase` | the shopper: `{"terminal", "reference", "amount_minor", "outcome"}` |
//! | `POST /_sim/nearpay/terminal/reverse` | the kiosk: `{"transaction"}`; `…/refund`, the counter: and `"reference", "amount_minor"` |
//! | `POST /_sim/{v}/chargebacks` | the shopper's bank: `{"reference"}` |
//! | `GET /_sim/{v}/outbox` | the webhooks and their deliveries, `?reference=` |
//! | `POST /_sim/{v}/webhooks/redeliver` | `{"reference" or "letter", "times"?, "parallel"?, "replay"?, "forged"?}` |
//! | `POST`, `DELETE /_sim/identity/users/{id}` | how a user stands: `{"status", "permissions"?, "revoked_before"?, "revoked_tokens"?}`, or null |
//! | `POST /_sim/identity/weather` | `{"silent"?, "delay_ms"?}`; `GET /_sim/identity` shows all of it, and how often it was asked |
//! | `POST /_sim/clock`, `POST /_sim/reset` | `{"factor"}`: how fast the vendors' time passes; everything anew |
//!
//! A rule fires from its nth matching call on, `times` times (once; 0 is for ever). A reference is the merchant's, the
//! vendor's order or session, or a text that contains it. `delay_ms` is real time; everything else passes by the factor.

pub mod apple;
pub mod apple_pay;
pub mod aws;
mod catalogue;
mod checkout;
mod cli;
mod clock;
mod control;
mod courier;
mod faults;
mod hyperpay;
mod identity;
mod ledger;
mod money;
pub mod nearpay;
mod outbox;
mod payfort;
mod server;
mod socket;
mod spoiling;
mod switches;
mod tabby;
mod vendor;
mod vista;
mod wire;
mod world;

pub use checkout::CheckoutAccount;
pub use cli::{Options, run};
pub use hyperpay::{CARD_ENTITY, DEFAULT_TOKEN, DEFAULT_WEBHOOK_KEY, MADA_ENTITY, WALLET_ENTITY};
pub use payfort::{
    ACCESS_CODE as PAYFORT_ACCESS_CODE, APPLE_ACCESS_CODE as PAYFORT_APPLE_ACCESS_CODE,
    DEFAULT_PHRASE as PAYFORT_PHRASE, MERCHANT as PAYFORT_MERCHANT, phrase as payfort_phrase,
};
pub use tabby::{
    KEY as TABBY_KEY, MERCHANT as TABBY_MERCHANT, WEBHOOK_HEADER as TABBY_WEBHOOK_HEADER,
    WEBHOOK_SECRET as TABBY_WEBHOOK_SECRET,
};
pub use vista::DEFAULT_TOKENS;

use axum::Router;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long open connections may take to finish once the sandbox stops.
const GRACE: Duration = Duration::from_millis(500);

/// What a sandbox is started with.
#[derive(Debug)]
pub struct Config {
    /// Loopback only, unless others were invited.
    pub listener: TcpListener,
    /// Others than this machine may reach it. Whoever does can do anything: only inside a private network.
    pub beyond_loopback: bool,
    /// Where everything is kept across restarts; nowhere when absent.
    pub state_file: Option<PathBuf>,
    /// How many times faster the vendors' durations pass.
    pub factor: u32,
    /// Where the card gateway's webhooks go; nowhere when absent.
    pub webhook_url: Option<String>,
    /// 64 hex digits; `DEFAULT_WEBHOOK_KEY` when absent.
    pub webhook_key: Option<String>,
    /// The `connectapitoken`s the cinema system takes.
    pub vista_tokens: Vec<String>,
    /// The access token the card gateway takes.
    pub hyperpay_token: String,
    /// The channels of the card gateway: entity id and card brand.
    pub hyperpay_entities: Vec<(String, String)>,
    /// Where Amazon Payment Services' feedback goes; nowhere when absent.
    pub payfort_webhook_url: Option<String>,
    /// What the phrases of its channels begin with.
    pub payfort_phrase: String,
    /// How its channels sign: `SHA-256`, `SHA-512`, `HMAC-256` or `HMAC-512`.
    pub payfort_sha_type: String,
    /// The merchant's account with Checkout.com.
    pub checkout: CheckoutAccount,
    /// The secret key that Tabby takes, and the shop it is of.
    pub tabby_key: String,
    pub tabby_merchant: String,
    /// Where Tabby's webhooks go; nowhere when absent.
    pub tabby_webhook_url: Option<String>,
    /// `TABBY_WEBHOOK_SECRET` when absent.
    pub tabby_webhook_secret: Option<String>,
    pub nearpay: nearpay::Setup,
}

impl Config {
    /// Every default, on this listener.
    pub fn new(listener: TcpListener) -> Self {
        let channels = [(MADA_ENTITY, "MADA"), (CARD_ENTITY, "VISA"), (WALLET_ENTITY, "APPLEPAY")];
        Self {
            listener,
            beyond_loopback: false,
            state_file: None,
            factor: 1,
            webhook_url: None,
            webhook_key: None,
            vista_tokens: DEFAULT_TOKENS.iter().map(|token| (*token).to_owned()).collect(),
            hyperpay_token: DEFAULT_TOKEN.to_owned(),
            hyperpay_entities: channels
                .map(|(entity, brand)| (entity.to_owned(), brand.to_owned()))
                .to_vec(),
            payfort_webhook_url: None,
            payfort_phrase: PAYFORT_PHRASE.to_owned(),
            payfort_sha_type: "SHA-256".to_owned(),
            checkout: CheckoutAccount::default(),
            tabby_key: TABBY_KEY.to_owned(),
            tabby_merchant: TABBY_MERCHANT.to_owned(),
            tabby_webhook_url: None,
            tabby_webhook_secret: None,
            nearpay: nearpay::Setup::default(),
        }
    }
}

/// Serves until `stop` resolves, then saves and returns.
pub async fn serve(
    config: Config,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    if !config.beyond_loopback && !config.listener.local_addr()?.ip().is_loopback() {
        let text = "the sandbox listens on loopback only: bind it to 127.0.0.1";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let (stopping, stopped) = watch::channel(false);
    let world = world::World::open(&config, stopped)?;
    let saving = tokio::spawn(world::keep_saving(Arc::clone(&world)));
    tokio::spawn(world::keep_sweeping(Arc::clone(&world)));
    tokio::spawn(courier::keep_delivering(Arc::clone(&world)));

    let service = Router::new()
        .fallback(server::entrance)
        .with_state(Arc::clone(&world))
        .into_make_service_with_connect_info::<socket::Line>();
    let waiting = Arc::clone(&world);
    let server = axum::serve(socket::Port(config.listener), service)
        .with_graceful_shutdown(async move { waiting.stop().await });
    let ending = async move {
        stop.await;
        let _ = stopping.send(true);
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = async { server.await } => ended?,
        () = ending => {}
    }
    let _ = saving.await;
    world.save()
}
