//! HyperPay: its webhooks, and its answers to every verb.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use usher_fuzz::{Bench, payments, payments::Vendor, hyperpay};

static BENCH: OnceLock<Bench<Vendor>> = OnceLock::new();

fuzz_target!(|data: &[u8]| payments(&BENCH, hyperpay::vendor, data));
