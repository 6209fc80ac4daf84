//! What every payment vendor promises, tried over HTTP against its stand-in: each verb twice under one reference and one
//! effect in the vendor's own ledger; an answer that is lost, and the look-up that finds what became of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod payfort;
mod promises;
mod standin;
