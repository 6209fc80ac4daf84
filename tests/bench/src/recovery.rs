//! How soon everything is well again after `kill -9`, under load, with the dead process started again at once.

use crate::{
    database::{self, Caught},
    figures::{Figures, Milli, Target},
    kiosk::Kiosk,
    pace, paid,
};
use chrono::{DateTime, Utc};
use harness::System;
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

/// Each is killed so often, and the slowest counts.
const KILLS: usize = 3;
const BEFORE_THE_KILL: Duration = Duration::from_secs(3);
const LOAD: Duration = Duration::from_secs(8);
const LOOK: Duration = Duration::from_millis(20);
const TRY: Duration = Duration::from_millis(10);
/// Somebody who gets no answer for so long asks again.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// What is not finished by then never will be.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, Copy)]
enum Victim {
    Usher,
    Restate,
    Postgres,
}

impl Victim {
    const ALL: [Self; 3] = [Self::Usher, Self::Restate, Self::Postgres];

    fn name(self) -> &'static str {
        match self {
            Self::Usher => "Usher",
            Self::Restate => "Restate",
            Self::Postgres => "PostgreSQL",
        }
    }

    fn asked(self) -> Option<Target> {
        match self {
            Self::Usher => Some(Target::below(2)),
            Self::Restate => Some(Target::below(5)),
            Self::Postgres => None,
        }
    }

    async fn kill_9(self, system: &System) {
        match self {
            Self::Usher => system.kill_usher_9().await,
            Self::Restate => system.engines.restate.kill_9().await,
            Self::Postgres => system.engines.postgres.kill_9().await,
        }
    }

    async fn start(self, system: &System) {
        match self {
            Self::Usher => system.start_usher().await,
            Self::Restate => system.engines.restate.start().await.unwrap(),
            Self::Postgres => system.engines.postgres.start().await.unwrap(),
        }
    }
}

/// All times count from the kill, the start of the process included.
#[derive(Default)]
struct Recovery {
    in_flight: usize,
    in_a_call: usize,
    /// Until whatever was in flight is through, but for what was cut off in a vendor's call …
    others: Duration,
    /// … and that, too: it has to wait until the vendor's lag is over.
    all: Duration,
    /// Until a new order is accepted.
    accepts: Duration,
}

impl Recovery {
    fn or_slower(self, other: &Self) -> Self {
        Self {
            in_flight: self.in_flight + other.in_flight,
            in_a_call: self.in_a_call + other.in_a_call,
            others: self.others.max(other.others),
            all: self.all.max(other.all),
            accepts: self.accepts.max(other.accepts),
        }
    }
}

pub(crate) async fn measure(kiosk: &Arc<Kiosk>) -> Figures {
    let mut figures = Figures::of("recovery");
    for victim in Victim::ALL {
        let mut slowest = Recovery::default();
        for _ in 0..KILLS {
            slowest = kill_under_load(kiosk, victim).await.or_slower(&slowest);
        }
        let Recovery { in_flight, in_a_call, others, all, accepts } = slowest;
        let seconds = |time: Duration| Milli(u64::try_from(time.as_millis()).unwrap());
        let name = victim.name();
        let what = format!("{name} killed: everything in flight finished, slowest of {KILLS}");
        figures.held_to(victim.asked(), what, seconds(all), "s");
        let what = format!("… but for {in_a_call} of {in_flight} cut off in a vendor's call");
        figures.add(what, seconds(others), "s");
        figures.add("… first new order accepted", seconds(accepts), "s");
    }
    figures
}

async fn kill_under_load(kiosk: &Arc<Kiosk>, victim: Victim) -> Recovery {
    let theirs = Arc::clone(kiosk);
    let book = move |_, _| {
        let kiosk = Arc::clone(&theirs);
        async move { kiosk.books().await }
    };
    let load = tokio::spawn(pace::open(paid::BORNE, LOAD, book));
    sleep(BEFORE_THE_KILL).await;
    let (killed_at, killed) = (Utc::now(), Instant::now());
    victim.kill_9(&kiosk.visit.system).await;
    let (mut recovery, accepted, ()) = tokio::join!(
        finish(kiosk, killed_at, killed),
        first_accepted(kiosk),
        victim.start(&kiosk.visit.system)
    );
    recovery.accepts = accepted - killed;
    load.await.unwrap();
    recovery
}

/// Waits until whatever the kill has caught in flight is through.
async fn finish(kiosk: &Kiosk, killed_at: DateTime<Utc>, killed: Instant) -> Recovery {
    let mut left: Option<Vec<Caught>> = None;
    let mut recovery = Recovery::default();
    loop {
        if let Ok(Ok(now)) = timeout(PATIENCE, database::caught(&kiosk.visit.db, killed_at)).await {
            let open: BTreeSet<&str> = now.iter().map(|caught| &*caught.booking).collect();
            if let Some(left) = &mut left {
                // Who is through may be in the middle of the next thing.
                left.retain(|caught| open.contains(&*caught.booking));
            }
            let first = left.is_none();
            let left = left.get_or_insert(now);
            if first {
                recovery.in_flight = left.len();
                recovery.in_a_call = left.iter().filter(|caught| caught.in_a_call).count();
            }
            if recovery.others.is_zero() && left.iter().all(|caught| caught.in_a_call) {
                recovery.others = killed.elapsed();
            }
            if left.is_empty() {
                recovery.all = killed.elapsed();
                return recovery;
            }
            assert!(killed.elapsed() < PATIENCE, "it never finished: {left:?}");
        }
        sleep(LOOK).await;
    }
}

/// Orders, again and again, until it is accepted. Nobody pays: it expires.
async fn first_accepted(kiosk: &Kiosk) -> Instant {
    let (order, key, deadline) = (kiosk.order(), Kiosk::key(), Instant::now() + PATIENCE);
    loop {
        if let Ok(Ok(_)) = timeout(ANSWER_WITHIN, kiosk.orders(&order, &key)).await {
            return Instant::now();
        }
        assert!(Instant::now() < deadline, "no order was accepted any more");
        sleep(TRY).await;
    }
}
