//! End-to-end tests: real engines, the real binary with production's environment, vendors that misbehave on demand.
//!
//! Customers speak HTTP only. After every test three books are compared: Usher's tables, the card gateway's ledger
//! and the cinema system's (`tests/harness/src/checker/`).

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail like the test")]

mod abuse;
mod api;
mod apple_pay;
mod booking;
mod card_forms;
mod cases;
mod checker;
mod cluster;
mod command_line;
mod configuration;
mod crashes;
mod deliveries;
mod disk_full;
mod every_way;
mod identity;
mod kiosk;
mod late_money;
mod outages;
mod payments;
mod planted;
mod races;
mod recovery;
mod refusals;
mod requests;
mod reserved;
mod safeguards;
mod saved_cards;
mod secrets;
mod staff;
mod states;
mod sweep;
mod telemetry;
mod tickets;
mod unwinding;
mod vista_faults;
mod webhooks;
