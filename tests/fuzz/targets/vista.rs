//! Vista: its answers to every verb.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| usher_fuzz::vista(data));
