//! The contract that every payment vendor signs (`adapters::provider`), each tried against its own stand-in over HTTP.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod nearpay;
mod nearpay_standin;
mod payfort;
mod payfort_promises;
mod payfort_standin;
mod prism;
mod standin;
mod suite;
mod tabby;
mod tabby_described;
