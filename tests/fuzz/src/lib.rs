//! What the seeded tests of `adapters` try, with a fuzzer to choose: the same damage, the same judges.

#![allow(dead_code, reason = "the tests use more of these files than a fuzzer does")]

#[path = "../../../adapters/tests/fuzz/checkout.rs"]
mod checkout;
#[path = "../../../adapters/tests/fuzz/damage.rs"]
mod damage;
#[path = "../../../adapters/tests/fuzz/draws.rs"]
mod draws;
#[path = "../../../adapters/tests/fuzz/hyperpay.rs"]
mod hyperpay;
#[path = "../../../adapters/tests/fuzz/identity.rs"]
mod identity;
#[path = "../../../adapters/tests/fuzz/nearpay.rs"]
mod nearpay;
#[path = "../../../adapters/tests/fuzz/payfort.rs"]
mod payfort;
#[path = "../../../adapters/tests/fuzz/payments.rs"]
mod payments;
#[path = "../../../adapters/tests/fuzz/server.rs"]
mod server;
#[path = "../../../adapters/tests/fuzz/tabby.rs"]
mod tabby;
#[path = "../../../adapters/tests/fuzz/vista.rs"]
mod vista;

use identity::House;
use payments::Vendor;
use server::Server;
use std::sync::LazyLock;
use tokio::runtime::{Builder, Runtime};
use vista::Cinema;

/// A vendor's adapter and the server it asks, kept from one case to the next.
struct Bench<T> {
    runtime: Runtime,
    server: Server,
    subject: T,
}

impl<T> Bench<T> {
    fn new(subject: impl FnOnce(&str) -> T) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let server = runtime.block_on(Server::start());
        let subject = subject(&server.url);
        Self { runtime, server, subject }
    }
}

impl Bench<Vendor> {
    /// A delivery or an answer, by the first byte.
    fn tries(&self, data: &[u8]) {
        match data.split_first() {
            Some((first, bytes)) if first % 2 == 0 => self.subject.survives_a_delivery(bytes),
            Some((_, bytes)) => {
                self.runtime.block_on(self.subject.survives_an_answer(&self.server, bytes));
            }
            None => {}
        }
    }
}

/// The target of each payment vendor: its webhooks, and its answers to every verb.
macro_rules! target {
    ($vendor:ident) => {
        pub fn $vendor(data: &[u8]) {
            static BENCH: LazyLock<Bench<Vendor>> = LazyLock::new(|| Bench::new($vendor::vendor));
            BENCH.tries(data);
        }
    };
}

target!(hyperpay);
target!(payfort);
target!(checkout);
target!(tabby);
target!(nearpay);

/// Vista's answers to every verb.
pub fn vista(data: &[u8]) {
    static BENCH: LazyLock<Bench<Cinema>> = LazyLock::new(|| Bench::new(Cinema::new));
    BENCH.runtime.block_on(BENCH.subject.survives_an_answer(&BENCH.server, data));
}

/// What the identity service says of a user.
pub fn identity(data: &[u8]) {
    static BENCH: LazyLock<Bench<House>> = LazyLock::new(|| Bench::new(House::new));
    BENCH.runtime.block_on(BENCH.subject.survives_an_answer(&BENCH.server, data));
}
