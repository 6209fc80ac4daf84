//! The identity service: what it says of a user.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| usher_fuzz::identity(data));
