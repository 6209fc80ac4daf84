//! The stand-ins over real HTTP: what a client of each vendor would see.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod catalogue;
mod checkout;
mod cinema_faults;
mod control;
mod harness;
mod hooks;
mod hyperpay;
mod merchant;
mod money_faults;
mod payfort;
mod payfort_feedback;
mod saved_cards;
mod tabby;
mod vista;
mod webhook_faults;
mod webhooks;
mod wire_faults;
