//! The life of a step and the races of a booking, searched exhaustively; and the state graphs.
//!
//! What is decided is decided by the product itself: `activities::step::decide`, `schema::claims` and
//! `schema::states`, so that the models cannot drift from it. What the statements of `schema::vendor_calls` do is in
//! `row`, and held to them on PostgreSQL by `twin`. Run it with `--nocapture` to read, for each rule, what happens
//! without it.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail like the test")]

mod booking;
mod graphs;
mod row;
mod search;
mod step;
mod twin;
