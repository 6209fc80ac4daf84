//! A round: the doors open, everything planned dies at one moment, comes back, and all that should end ends.

use crate::{
    plan::{Kill, Round},
    report::Outcome,
    visitor::visits,
};
use harness::{AT_THE_COUNTER, Booking, Order, System, Violation, Visit};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

/// For the books to agree after a kill: far more than it takes, so that a round always ends.
const PATIENCE: Duration = Duration::from_mins(2);
/// Until the last page that nobody paid on is closed, and the engine has nothing left to do.
const CLOSING: Duration = Duration::from_mins(2);
const LOOK: Duration = Duration::from_millis(50);

/// Plays one round, and waits until all that should end has ended.
pub async fn play(visit: &Arc<Visit>, round: &Round) -> Outcome {
    let opened = Instant::now();
    for fault in &round.anybody {
        visit.goes_wrong(fault, None).await;
    }
    let visitors = open_the_doors(visit, round);
    sleep(Duration::from_millis(round.after_ms)).await;
    let (open, caught) = (visit.open_bookings().await, visit.under_way().await);
    let under_way = caught.len();
    kill(&visit.system, round.kill).await;
    sleep(Duration::from_millis(round.down_ms)).await;
    let started = Instant::now();
    start(&visit.system, round.kill).await;
    let back = Instant::now();
    let (left, caught_up) = tokio::join!(leave(visitors), catch_up(visit, caught));
    let (bookings, let_down) = left;
    let (waited_for, violations) = match balances(visit).await {
        Ok(last) => (last.map(|last| last.told_briefly()), Vec::new()),
        Err(found) => (None, found),
    };
    let finished = Instant::now();
    visit.all_goes_well().await;
    Outcome {
        round: round.number,
        kill: round.kill.to_string(),
        after_ms: round.after_ms,
        down_ms: round.down_ms,
        open,
        under_way,
        start_ms: millis(back - started),
        caught_up_ms: millis(caught_up - back),
        finish_ms: millis(finished - back),
        round_ms: millis(finished - opened),
        ends: ends(&bookings).await,
        let_down,
        waited_for,
        violations,
        evidence: None,
    }
}

/// Waits until the books agree. A terminal that was told to reverse while nobody could hear it is one for the counter: no
/// person but the one there may be asked for anything.
async fn balances(visit: &Visit) -> Result<Option<Violation>, Vec<Violation>> {
    let balanced = visit.balances_within(&[AT_THE_COUNTER], PATIENCE).await?;
    visit.counter_refunds().await;
    Ok(balanced)
}

/// Waits until nothing at all is left to do, and asks the checker a last time. What is wrong, if anything.
pub async fn close(visit: &Arc<Visit>) -> Vec<Violation> {
    let quiet = async {
        while !visit.is_quiet().await {
            visit.counter_refunds().await;
            sleep(LOOK).await;
        }
    };
    // An engine that is never quiet is told by what keeps it busy.
    drop(timeout(CLOSING, quiet).await);
    visit.balances_within(&[AT_THE_COUNTER], Duration::ZERO).await.err().unwrap_or_default()
}

fn open_the_doors(visit: &Arc<Visit>, round: &Round) -> JoinSet<Booking> {
    let mut visitors = JoinSet::new();
    let mut order = Order::new(visit);
    for visitor in &round.visitors {
        if !visitor.rival {
            order = Order::new(visit);
        }
        let customer = visit.customer_for(visitor.way).stubborn();
        visitors.spawn(visits(customer, order.clone(), visitor.clone()));
    }
    visitors
}

async fn kill(system: &System, kill: Kill) {
    let usher = async {
        if kill.usher {
            system.kill_usher_9().await;
        }
    };
    let restate = async {
        if kill.restate {
            system.engines.restate.kill_9().await;
        }
    };
    let postgres = async {
        if kill.postgres {
            system.engines.postgres.kill_9().await;
        }
    };
    tokio::join!(usher, restate, postgres);
}

/// All at once, as a machine does that comes back: who needs another waits for it.
async fn start(system: &System, kill: Kill) {
    let restate = async {
        if kill.restate {
            system.engines.restate.start().await.unwrap();
        }
    };
    let postgres = async {
        if kill.postgres {
            system.engines.postgres.start().await.unwrap();
        }
    };
    let usher = async {
        if kill.usher {
            system.start_usher().await;
        }
    };
    tokio::join!(restate, postgres, usher);
}

/// Waits until what the kill has caught in the middle of something is through with it. When that was.
async fn catch_up(visit: &Visit, mut caught: BTreeSet<String>) -> Instant {
    let all = async {
        while !caught.is_empty() {
            let now = visit.under_way().await;
            // Who is through may be in the middle of the next thing.
            caught.retain(|booking| now.contains(booking));
            sleep(LOOK).await;
        }
    };
    // What never gets through is told by the checker.
    drop(timeout(PATIENCE, all).await);
    Instant::now()
}

/// The visitors' bookings, and the complaints of those who never got an answer.
async fn leave(mut visitors: JoinSet<Booking>) -> (Vec<Booking>, Vec<String>) {
    let (mut bookings, mut let_down) = (Vec::new(), Vec::new());
    while let Some(left) = visitors.join_next().await {
        match left {
            Ok(booking) => bookings.push(booking),
            Err(error) => let_down.push(complaint(error)),
        }
    }
    (bookings, let_down)
}

fn complaint(error: tokio::task::JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "a visitor was turned away".to_owned() };
    let text = panic.downcast_ref::<String>().cloned();
    text.unwrap_or_else(|| panic.downcast_ref::<&str>().copied().unwrap_or_default().to_owned())
}

/// How many bookings have ended how.
async fn ends(bookings: &[Booking]) -> BTreeMap<String, usize> {
    let mut ends = BTreeMap::new();
    for booking in bookings {
        *ends.entry(booking.status().await).or_default() += 1;
    }
    ends
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
