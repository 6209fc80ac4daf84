//! What is stored and said: money, ids, states, rows and every query on them.
#![expect(
    clippy::as_conversions,
    reason = "in sqlx's macros `as` names a column's type; it converts nothing"
)]

pub mod bookings;
pub mod cases;
pub mod choosing;
pub mod claims;
pub mod error;
pub mod events;
pub mod forgetting;
pub mod gauges;
pub mod holds;
pub mod ids;
pub mod maintenance;
pub mod money;
pub mod passes;
pub mod past_due;
pub mod paying;
pub mod payments;
pub mod provider;
pub mod purchases;
pub mod refunds;
pub mod saved_cards;
pub mod sealed;
pub mod settling;
pub mod snapshot;
pub mod standing;
pub mod states;
pub mod stuck;
pub mod tickets;
pub mod timings;
pub mod trace;
mod tx;
pub mod unwinding;
pub mod vendor_calls;
pub mod webhooks;

pub use error::Error;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, time::Duration};
pub use tx::Tx;

/// The system of record.
#[derive(Clone, Debug)]
pub struct Db(PgPool);

/// More than there are in this crate, so that none is ever planned twice.
const STATEMENTS: usize = 256;

impl Db {
    /// A pool of at most `connections`. Waits a few seconds for a connection, then says that there is none.
    ///
    /// Each statement is planned once a connection. Left to itself PostgreSQL plans the larger ones at each execution,
    /// since their parameters might make a better plan; ours never do, and planning was most of its work (measured). A
    /// plan that is kept must also be right when a table has grown: it goes by the index, however small the table was.
    pub async fn connect(url: &str, connections: u32) -> Result<Self, Error> {
        let options = PgConnectOptions::from_str(url)?
            .options([
                ("plan_cache_mode", "force_generic_plan"),
                ("enable_seqscan", "off"),
                ("jit", "off"),
            ])
            .statement_cache_capacity(STATEMENTS);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .min_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        Ok(Self(pool))
    }

    /// Brings the tables to what this build expects. Safe to repeat, and beside other instances.
    pub async fn migrate(&self) -> Result<(), Error> {
        Ok(sqlx::migrate!().run(&self.0).await?)
    }

    pub async fn begin(&self) -> Result<Tx, Error> {
        Ok(Tx::new(self.0.begin().await?, self.clone()))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").execute(&self.0).await?;
        Ok(())
    }
}
