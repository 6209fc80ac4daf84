//! What stands before every route: limits, refusals and headers. From outside to inside:
//!
//! | file | what it does |
//! |---|---|
//! | `server.rs`, `line.rs` | connections: how many, how slow, how large a head |
//! | `headers.rs` | what every answer tells the browser, and which sites may ask |
//! | `ends.rs` | what breaks is answered |
//! | `rates.rs`, `allowance.rs`, `address.rs` | how often somebody may ask |
//! | `works.rs` | closed for maintenance |
//! | `body.rs`, `screen.rs`, `card.rs` | what a request may contain, read once, before anything else looks at it |
//! | `crowd.rs` | how many requests are worked on at a time |
//! | `ends.rs` | what takes too long is answered |
//!
//! What is read of bodies is bounded by the connections: 64 KiB for each. At most half of them may wait for something to
//! change (`changes.rs`); the other half is there for whoever wants an answer now.
//!
//! All counts are of this process: with three gateways everybody has three allowances.

mod address;
mod allowance;
mod body;
mod card;
mod crowd;
mod ends;
mod headers;
mod line;
mod rates;
mod screen;
mod server;
mod works;

pub(crate) use address::Client;
pub(crate) use allowance::Allowance;
pub(crate) use crowd::waits;
pub(crate) use headers::{form_to, form_to_bank, vendors_page};
pub use server::serve;
pub(crate) use works::ALL;

use crate::app::App;
use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
};
use schema::holds::Most;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;

/// A body may have this many bytes.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

/// How much is too much. Choices of the operator; the rest is in the files that keep to it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests of one user, or one device, of one class of routes.
    pub requests: Rate,
    /// Orders that one user, or one device, may start; and payments they may open.
    pub starts: Rate,
    /// Deliveries of one address, and browsers on their way to and from a vendor's page. A delivery that is refused is
    /// sent again by its vendor: none is lost.
    pub webhooks: Rate,
    /// An address may do this many times what one user may: phones share addresses.
    pub users_per_address: u32,
    /// How many entries at the end of `x-forwarded-for` our own proxies have written; 0: nobody stands before us.
    pub trusted_hops: usize,
    /// What one caller, and one device, may hold unpaid.
    pub held: Most,
    pub connections: usize,
    /// Only without proxies: they are one address.
    pub connections_per_address: usize,
    /// Requests that are worked on at a time: without those whose body is still read, and those that wait for a change.
    pub in_flight: usize,
    /// Sites whose pages may ask; every other is refused by the browser.
    pub cors_origins: Vec<String>,
}

/// So many in so much time; as many at once as in all of it.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub count: u32,
    pub per: Duration,
}

impl Limits {
    /// How many may wait for something to change: half of all connections.
    pub const fn waiting(&self) -> usize {
        self.connections / 2
    }
}

/// What the guard remembers.
pub struct Guard {
    rates: rates::Rates,
    crowd: crowd::Crowd,
    works: works::Works,
}

impl Guard {
    pub fn new(limits: &Limits) -> Self {
        Self {
            rates: rates::Rates::new(limits),
            crowd: crowd::Crowd::new(limits.in_flight),
            works: works::Works::default(),
        }
    }
}

/// Everything around the routes.
pub(crate) fn around(routes: Router<App>, app: &App) -> Router<App> {
    let state = || app.clone();
    // The last one is the outermost.
    routes
        .layer(from_fn(ends::in_time))
        .layer(from_fn_with_state(state(), crowd::bound))
        .layer(from_fn_with_state(state(), body::read))
        .layer(from_fn_with_state(state(), works::closed))
        .layer(from_fn_with_state(state(), rates::limit))
        .layer(CatchPanicLayer::custom(ends::broken))
        .layer(headers::cors(&app.settings.limits.cors_origins))
        .layer(from_fn_with_state(state(), headers::secure))
}
