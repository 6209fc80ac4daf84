//! Whatever a bot, a mistyped app or a thief can do at the front door, tried from outside over real sockets.
//!
//! Attackers come from addresses of their own (127.0.0.2 and on), as they do.

mod bodies;
mod cards;
mod holds;
mod honest;
mod identity;
pub(crate) mod journal;
mod keys;
mod lines;
mod maintenance;
mod other_peoples_cards;
mod rates;
mod raw;

use gateway::{Claims, Kind, Status, sign};
use harness::{Customer, Setup, Visit, in_a_day};
use std::sync::Arc;

/// A system with production's own limits, but for these.
fn limited(but: &[(&'static str, &str)]) -> Setup {
    let production = [
        ("THROTTLE_LIMIT", "100"),
        ("THROTTLE_ORDER_LIMIT", "5"),
        ("USHER_WEBHOOK_LIMIT", "6000"),
        ("USHER_OPEN_BOOKINGS_MAX", "5"),
        ("USHER_HELD_SEATS_MAX", "20"),
        ("USHER_CONNECTIONS_PER_ADDRESS", "256"),
    ];
    let with = production.iter().chain(but).map(|(name, value)| (*name, (*value).to_owned()));
    Setup { with: with.collect(), ..Setup::default() }
}

/// Somebody with a genuine token of this kind.
fn bearer(visit: &Arc<Visit>, kind: Kind, sub: &str) -> Customer {
    let claims = Claims {
        sub: sub.to_owned(),
        kind,
        status: Status::Active,
        permissions: Vec::new(),
        exp: in_a_day(),
    };
    let token = sign(&claims, &visit.system.keys.jwt.clone().into()).unwrap();
    visit.customer().with_token(&token)
}

/// A client whose connections come from `127.0.0.{host}`.
fn from(host: u8) -> reqwest::Client {
    let client =
        reqwest::Client::builder().no_proxy().local_address(Some([127, 0, 0, host].into()));
    client.build().unwrap()
}
