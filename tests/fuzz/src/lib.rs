//! What the seeded tests of `adapters` try, with a fuzzer to choose: the same damage, the same judges.

#[path = "../../../adapters/tests/fuzz/checkout.rs"]
pub mod checkout;
#[path = "../../../adapters/tests/fuzz/damage.rs"]
pub mod damage;
#[path = "../../../adapters/tests/fuzz/draws.rs"]
pub mod draws;
#[path = "../../../adapters/tests/fuzz/hyperpay.rs"]
pub mod hyperpay;
#[path = "../../../adapters/tests/fuzz/identity.rs"]
pub mod identity;
#[path = "../../../adapters/tests/fuzz/nearpay.rs"]
pub mod nearpay;
#[path = "../../../adapters/tests/fuzz/payfort.rs"]
pub mod payfort;
#[path = "../../../adapters/tests/fuzz/payments.rs"]
pub mod payments;
#[path = "../../../adapters/tests/fuzz/server.rs"]
pub mod server;
#[path = "../../../adapters/tests/fuzz/tabby.rs"]
pub mod tabby;
#[path = "../../../adapters/tests/fuzz/vista.rs"]
pub mod vista;

use payments::Vendor;
use server::Server;
use std::{future::Future, sync::OnceLock};
use tokio::runtime::{Builder, Runtime};

/// A vendor's adapter and the server it asks, kept from one case to the next.
pub struct Bench<T> {
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

    fn run(&self, one: impl Future<Output = ()>) {
        self.runtime.block_on(one);
    }
}

/// A delivery or an answer, by the first byte.
pub fn payments(bench: &OnceLock<Bench<Vendor>>, vendor: fn(&str) -> Vendor, data: &[u8]) {
    let Some((first, drawn)) = data.split_first() else { return };
    let bench = bench.get_or_init(|| Bench::new(vendor));
    if first % 2 == 0 {
        bench.subject.survives_a_delivery(drawn);
    } else {
        bench.run(bench.subject.survives_an_answer(&bench.server, drawn));
    }
}

pub fn cinema(bench: &OnceLock<Bench<vista::Cinema>>, drawn: &[u8]) {
    let bench = bench.get_or_init(|| Bench::new(vista::Cinema::new));
    bench.run(bench.subject.survives_an_answer(&bench.server, drawn));
}

pub fn house(bench: &OnceLock<Bench<identity::House>>, drawn: &[u8]) {
    let bench = bench.get_or_init(|| Bench::new(identity::House::new));
    bench.run(bench.subject.survives_an_answer(&bench.server, drawn));
}
