//! Vista: its answers to every verb.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use usher_fuzz::{Bench, cinema, vista::Cinema};

static BENCH: OnceLock<Bench<Cinema>> = OnceLock::new();

fuzz_target!(|data: &[u8]| cinema(&BENCH, data));
