//! What is true in the tables and at the engine, looked at every few seconds: one reader, so that no number of scrapes
//! costs the database anything, and a scrape waits for nothing.

use super::process;
use adapters::restate_admin::RestateAdmin;
use chrono::{DateTime, TimeDelta, Utc};
use metrics::{counter, gauge};
use schema::{
    Db,
    gauges::{self, AGES, Moved, STATES},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio::time::timeout;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// How long a look may take.
const WITHIN: Duration = Duration::from_secs(4);
/// How long the first sum of money may take: it is over everything that ever was.
const FIRST_WITHIN: Duration = Duration::from_mins(1);
/// No transaction lasts this long: what was settled before will not be joined by more.
const SETTLED: TimeDelta = TimeDelta::minutes(10);

/// Whether the database answers, what is open, and the sums of money: a connection for each, so that none waits.
pub(crate) const LOOKS: u32 = 3;

/// What is looked at.
pub(crate) struct Watched {
    /// With [`LOOKS`] connections.
    pub tables: Db,
    /// The connections that everybody else uses.
    pub pool: Db,
    pub engine: Arc<RestateAdmin>,
    /// How long money may be without a booking before that counts.
    pub patience_ms: i64,
}

/// Looks and shows, for ever.
pub(crate) async fn keep_current(watched: Watched) {
    let money = keep_money(watched.tables.clone());
    tokio::join!(keep_rows(watched), money);
}

async fn keep_rows(watched: Watched) {
    let Watched { tables: db, pool, engine, patience_ms } = watched;
    let mut tables = Tables { db: db.clone(), patience_ms, steps: BTreeSet::new() };
    let mut last_seen = Instant::now();
    loop {
        process::show();
        connections(&pool);
        // Whether the database answers does not depend on how much is in it.
        let (up, well) =
            tokio::join!(timeout(WITHIN, gauges::now(&db)), timeout(WITHIN, engine.healthy()));
        let up = up.is_ok_and(|up| up.is_ok());
        gauge!("usher_database_up").set(u8::from(up));
        gauge!("usher_engine_up").set(u8::from(well.unwrap_or(false)));
        if up && timeout(WITHIN, tables.show()).await.is_ok_and(|read| read.is_ok()) {
            last_seen = Instant::now();
        }
        gauge!("usher_gauges_age_seconds").set(last_seen.elapsed());
        tokio::time::sleep(EVERY).await;
    }
}

async fn keep_money(db: Db) {
    let mut money = Money::default();
    loop {
        let within = if money.until.is_none() { FIRST_WITHIN } else { WITHIN };
        // What could not be summed now is summed by the next look.
        drop(timeout(within, money.show(&db)).await);
        tokio::time::sleep(EVERY).await;
    }
}

/// From now on a sweep is expected: one that never comes to its end is missed as if the last one had been now.
pub(crate) fn sweeping_begins() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    gauge!("usher_sweep_last_success_timestamp_seconds").set(now);
}

/// Whether this process draws tickets' pictures. Said only where workflows run: a front door draws none, and says nothing.
pub(crate) fn draws_tickets(so: bool) {
    gauge!("usher_ticket_pictures").set(u8::from(so));
}

fn connections(pool: &Db) {
    let (open, idle) = gauges::connections(pool);
    let idle = u32::try_from(idle).unwrap_or(u32::MAX);
    gauge!("usher_database_connections", "state" => "idle").set(idle);
    gauge!("usher_database_connections", "state" => "used").set(open.saturating_sub(idle));
}

struct Tables {
    db: Db,
    patience_ms: i64,
    /// What there have been open cases about: shown as none when they are decided.
    steps: BTreeSet<String>,
}

impl Tables {
    async fn show(&mut self) -> Result<(), schema::Error> {
        self.sagas().await?;
        self.cases().await?;
        let unbooked = gauges::paid_without_booking(&self.db, self.patience_ms).await?;
        gauge!("usher_paid_without_booking").set(shown(unbooked));
        Ok(())
    }

    async fn sagas(&self) -> Result<(), schema::Error> {
        let open = gauges::open(&self.db).await?;
        for (saga, state) in STATES {
            for age in AGES {
                let found = open
                    .iter()
                    .find(|open| (&*open.saga, &*open.state, &*open.age) == (saga, state, age));
                let count = found.map_or(0, |open| open.count);
                gauge!("usher_sagas", "saga" => saga, "state" => state, "age" => age)
                    .set(shown(count));
            }
        }
        Ok(())
    }

    async fn cases(&mut self) -> Result<(), schema::Error> {
        let open = gauges::open_cases(&self.db).await?;
        self.steps.extend(open.iter().map(|open| open.step.clone()));
        for step in &self.steps {
            let found = open.iter().find(|open| open.step == *step);
            let (count, oldest_s) = found.map_or((0, 0), |open| (open.count, open.oldest_s));
            gauge!("usher_open_cases", "step" => step.clone()).set(shown(count));
            gauge!("usher_open_case_oldest_seconds", "step" => step.clone()).set(shown(oldest_s));
        }
        Ok(())
    }
}

/// Direction, provider and currency.
type Flow = (String, String, String);

/// Sums of money. What is settled for good is kept; only what came since is looked at again.
#[derive(Default)]
struct Money {
    settled: BTreeMap<Flow, (i64, i64)>,
    until: Option<DateTime<Utc>>,
}

impl Money {
    async fn show(&mut self, db: &Db) -> Result<(), schema::Error> {
        let settled = gauges::now(db).await? - SETTLED;
        if self.until.is_none_or(|until| settled - until > SETTLED) {
            let moved = gauges::moved(db, self.until, Some(settled)).await?;
            add(&mut self.settled, moved);
            self.until = Some(settled);
        }
        let mut now = self.settled.clone();
        add(&mut now, gauges::moved(db, self.until, None).await?);
        for ((direction, provider, currency), (amount_minor, count)) in now {
            let labels = [("provider", provider), ("currency", currency)];
            let (amounts, counts) = if direction == "captured" {
                ("usher_captured_minor_total", "usher_captures_total")
            } else {
                ("usher_refunded_minor_total", "usher_refunds_total")
            };
            counter!(amounts, &labels).absolute(u64::try_from(amount_minor).unwrap_or(0));
            counter!(counts, &labels).absolute(u64::try_from(count).unwrap_or(0));
        }
        Ok(())
    }
}

fn add(to: &mut BTreeMap<Flow, (i64, i64)>, moved: Vec<Moved>) {
    for Moved { direction, provider, currency, amount_minor, count } in moved {
        let sum = to.entry((direction, provider, currency)).or_default();
        *sum = (sum.0.saturating_add(amount_minor), sum.1.saturating_add(count));
    }
}

/// A gauge is no ledger: what does not fit is as much as can be shown.
fn shown(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}
