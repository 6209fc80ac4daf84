//! The promises that every payment vendor signs, kept against the vendor's stand-in over HTTP.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod nearpay;
mod standin;
