//! The sweep: every step of every workflow fails once before and once after its effect, in every way, and all ends
//! right.
//!
//! A good run teaches the steps (from the engine's journal), so a step is swept from the day it is written.

mod journal;
mod plan;
pub(crate) mod stories;
mod switches;
mod vendors;

use harness::{Booking, Setup, Visit, until, visit_with};
use journal::Lesson;
pub(crate) use plan::Plan;
use plan::{KINDS, MOMENTS};
use std::sync::Arc;
use stories::{Stage, Story};
use tokio::task::JoinSet;

/// Slower than elsewhere: a booking must outlive the repair of dozens of crashes.
const FACTOR: u32 = 15;

/// Tells each story once, undisturbed.
async fn good_run(visit: &Arc<Visit>) -> Lesson {
    let mut telling = JoinSet::new();
    for story in Story::ALL {
        let visit = Arc::clone(visit);
        telling.spawn(async move { (story, Stage::new(&visit).tell(story).await) });
    }
    let told: Vec<(Story, Booking)> = telling.join_all().await;
    visit.assert_balanced_but_for(&Story::CASES).await;
    visit.assert_quiet().await;
    journal::read(visit, &told).await
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
    for (story, passed) in lesson {
        // So many bookings that each failure finds one that has had none.
        let planned = plan.add(&passed);
        let mut telling = JoinSet::new();
        for _ in 0..planned {
            let visit = Arc::clone(&visit);
            telling.spawn(async move { Stage::new(&visit).tell(story).await });
        }
        telling.join_all().await;
        let all_had = || async { plan.left().is_empty().then_some(()) };
        until(&format!("every failure of {story:?}'s steps {passed:?}"), all_had).await;
        println!("{story:?}: {planned} failures of {passed:?}");
        steps += passed.len();
        failures += planned;
    }
    visit.assert_balanced_but_for(&Story::CASES).await;
    visit.assert_quiet().await;
    supervisor.abort();
    println!(
        "{steps} steps, {} moments, {} kinds: {failures} failures in {} workflows of {failures} bookings, 0 violations",
        MOMENTS.len(),
        KINDS.len(),
        plan.struck().len(),
    );
}
