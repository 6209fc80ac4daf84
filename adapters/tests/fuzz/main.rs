//! Everything that reads what others have written, against damage: honest answers and deliveries that are spoiled in
//! every way there is (`damage.rs`), and bytes that are nothing at all. Nothing may panic, grow without an end, or become
//! money, a booking or a permission that nobody spoke of.
//!
//! The same seed tries the same cases. For longer: `USHER_FUZZ_CASES=100000 USHER_FUZZ_SEED=7 cargo test -p adapters
//! --test fuzz`. For a day, with a fuzzer that looks where it gets: `tests/fuzz`.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![expect(clippy::print_stderr, reason = "a case that fails says how to try it again")]

mod checkout;
mod damage;
mod draws;
mod hyperpay;
mod identity;
mod nearpay;
mod payfort;
mod payments;
mod proofs;
mod server;
mod tabby;
mod vista;

use payments::{By, Heard, Says, Vendor};
use schema::ids::{CardId, PaymentId};
use serde_json::Value;
use server::Server;
use std::{collections::BTreeMap, env, sync::atomic::Ordering};

/// Of each reader.
const CASES: u64 = 1_200;
const SEED: u64 = 20_261_121;
/// What a case is drawn from, at most.
const DRAWN: usize = 96;
/// More of an endless answer than this is not even sent: what is read of it (1 MiB), and what the sockets hold.
const SENT_MAX: u64 = 64 * 1024 * 1024;

const VENDORS: [fn(&str) -> Vendor; 5] =
    [hyperpay::vendor, payfort::vendor, checkout::vendor, tabby::vendor, nearpay::vendor];

/// The cases, each with what it is drawn from. One that fails is named.
fn cases() -> impl Iterator<Item = (Named, Vec<u8>)> {
    let number = |name: &str, usual: u64| {
        env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name}")))
    };
    let seed = number("USHER_FUZZ_SEED", SEED);
    (0..number("USHER_FUZZ_CASES", CASES)).map(move |case| {
        let seed = seed.wrapping_add(case);
        (Named(seed), draws::noise(seed.wrapping_mul(0x9e37_79b9), DRAWN))
    })
}

/// Dropped by a panic, it says which case it was.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("again: USHER_FUZZ_SEED={} USHER_FUZZ_CASES=1", self.0);
        }
    }
}

#[tokio::test]
async fn an_honest_answer_is_understood() {
    let server = Server::start().await;
    for vendor in VENDORS.map(|vendor| vendor(&server.url)) {
        for genuine in &vendor.genuine {
            server.says(vendor.honest(genuine));
            let heard = vendor.hears(genuine.verb).await;
            let (verb, says) = (genuine.verb, genuine.says);
            let of = vendor.account;
            let money = heard.as_ref().is_ok_and(Heard::money);
            assert_eq!(money, says == Says::Money, "{of} {verb:?}: {heard:?}");
        }
    }
    vista::Cinema::new(&server.url).understands_what_is_honest(&server).await;
}

#[tokio::test]
async fn a_spoiled_answer_moves_no_money() {
    let server = Server::start().await;
    for vendor in VENDORS.map(|vendor| vendor(&server.url)) {
        for (_named, bytes) in cases() {
            vendor.survives_an_answer(&server, &bytes).await;
        }
    }
}

#[test]
fn a_spoiled_delivery_is_read_or_refused() {
    for vendor in VENDORS.map(|vendor| vendor("http://127.0.0.1:9")) {
        for (_named, bytes) in cases() {
            vendor.survives_a_delivery(&bytes);
        }
    }
}

#[tokio::test]
async fn a_spoiled_answer_of_the_cinema_books_nothing() {
    let server = Server::start().await;
    let cinema = vista::Cinema::new(&server.url);
    for (_named, bytes) in cases() {
        cinema.survives_an_answer(&server, &bytes).await;
    }
}

#[tokio::test]
async fn a_spoiled_answer_about_a_user_permits_nothing() {
    let server = Server::start().await;
    let house = identity::House::new(&server.url);
    for (_named, bytes) in cases() {
        house.survives_an_answer(&server, &bytes).await;
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read_to_it() {
    let server = Server::start().await;
    server.never_ends();
    let mut asked = 0;
    for vendor in VENDORS.map(|vendor| vendor(&server.url)) {
        for genuine in &vendor.genuine {
            asked += 1;
            let heard = vendor.hears(genuine.verb).await;
            assert!(!heard.is_ok_and(|heard| heard.money()), "{:?}", genuine.verb);
        }
    }
    vista::Cinema::new(&server.url).hears_no_end().await;
    let sent = server.sent.load(Ordering::Relaxed);
    assert!(sent > 0 && sent < asked * SENT_MAX, "{sent} bytes for {asked} questions");
}

/// A browser can bring anything; only what the vendor has signed is a token.
#[test]
fn a_spoiled_return_brings_no_token() {
    let vendor = payfort::vendor("http://127.0.0.1:9");
    let payment = PaymentId::from_bare(payments::REFERENCE).unwrap();
    let card = CardId::from_bare(payments::REFERENCE).unwrap();
    let keeper = vendor.provider.cards().unwrap();
    for (_named, bytes) in cases() {
        let mut draws = draws::Draws::new(&bytes);
        let by = *draws.one(&[By::Vendor, By::Stranger]);
        let seal = |value| payfort::seal(value, by);
        let text = damage::damaged(&payfort::brought_back(), &mut draws, &seal);
        let fields = match serde_json::from_slice::<BTreeMap<String, Value>>(&text) {
            Ok(fields) => fields.into_iter().map(|(name, value)| (name, plain(&value))).collect(),
            Err(_) => form_urlencoded::parse(&text).into_owned().collect::<Vec<_>>(),
        };
        let brings =
            [vendor.provider.read_return(payment, &fields), keeper.read_back(card, &fields)];
        let brings = brings.iter().any(|read| matches!(read, Ok(Some(_))));
        assert!(by == By::Vendor || !brings, "a stranger's token: {fields:?}");
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
