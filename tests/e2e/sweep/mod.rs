//! The sweep: every step of every workflow fails once before and once after its effect, in every way, and all ends
//! right.
//!
//! A good run teaches the steps (from the engine's journal), so a step is swept from the day it is written; those at who
//! takes the money are swept with each of the vendors.

mod journal;
mod plan;
pub(crate) mod stories;
mod switches;
mod vendors;

use harness::{Booking, Setup, Visit, may_come, until, visit_with};
use journal::Lesson;
pub(crate) use plan::Plan;
use plan::{KINDS, MOMENTS};
use std::{collections::BTreeSet, sync::Arc};
use stories::{Stage, Tale};
use tokio::task::JoinSet;

/// Slower than elsewhere: a booking must outlive the repair of dozens of crashes.
const FACTOR: u32 = 15;

/// A password may be over before its step is repaired: then the tale is told again, so often at most.
const ROUNDS_MAX: usize = 4;

/// Tells each tale once, undisturbed.
async fn good_run(visit: &Arc<Visit>) -> Lesson {
    let mut telling = JoinSet::new();
    for tale in Tale::ALL {
        let visit = Arc::clone(visit);
        telling.spawn(async move { (tale, Stage::tells(visit, tale).await) });
    }
    let told: Vec<(Tale, Booking)> = telling.join_all().await;
    visit.assert_balanced_but_for(&Tale::CASES).await;
    comes_to_rest(visit).await;
    journal::read(visit, &told).await
}

/// Until the engine has nothing left to do. What a terminal cannot reverse any more is refunded at the counter.
async fn comes_to_rest(visit: &Visit) {
    let look = || async {
        visit.counter_refunds().await;
        visit.is_quiet().await.then_some(())
    };
    until("an engine with nothing left to do", look).await;
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the counts are what the sweep shows")]
async fn every_step_fails_before_and_after_its_effect_in_every_way_and_all_ends_right() {
    let plan = Plan::new();
    let with = vec![("SABOTAGE_PLAN", plan.folder())];
    let visit = visit_with(Setup { factor: FACTOR, with, ..Setup::default() }).await;
    let lesson = good_run(&visit).await;

    let system = Arc::clone(&visit.system);
    let supervisor = tokio::spawn(async move { system.keep_usher_running().await });
    let (mut steps, mut failures) = (0, 0);
    for (tale, passed) in lesson {
        let planned = strike(&visit, &plan, tale, &passed).await;
        println!("{tale:?}: {planned} failures of {passed:?}");
        steps += passed.len();
        failures += planned;
    }
    visit.assert_balanced_but_for(&Tale::CASES).await;
    comes_to_rest(&visit).await;
    supervisor.abort();
    println!(
        "{steps} steps, {} moments, {} kinds: {failures} failures in {} workflows, 0 violations",
        MOMENTS.len(),
        KINDS.len(),
        plan.struck().len(),
    );
}

/// Tells a tale until each of its steps has failed in every way; how many failures that makes.
async fn strike(visit: &Arc<Visit>, plan: &Plan, tale: Tale, passed: &BTreeSet<String>) -> usize {
    let planned = plan.add(passed);
    // So many bookings that each failure finds one that has had none.
    let mut bookings = planned;
    for _ in 0..ROUNDS_MAX {
        let mut telling = JoinSet::new();
        for _ in 0..bookings {
            telling.spawn(Stage::tells(Arc::clone(visit), tale));
        }
        telling.join_all().await;
        let all_had = || async { plan.left().is_empty().then_some(()) };
        if may_come(all_had).await.is_some() {
            return planned;
        }
        bookings = plan.left().len();
    }
    panic!("nobody has had {:?} in {tale:?}", plan.left());
}
