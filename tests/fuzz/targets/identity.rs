//! The identity service: what it says of a user.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use usher_fuzz::{Bench, house, identity::House};

static BENCH: OnceLock<Bench<House>> = OnceLock::new();

fuzz_target!(|data: &[u8]| house(&BENCH, data));
