//! The stand-ins over real HTTP: what a client of each vendor would see.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod control;
mod harness;
mod hyperpay;
mod vista;
mod webhooks;
