//! What a broken round leaves behind: its plan, what is wrong, what everybody wrote down, and Usher's log.

use crate::{plan::Round, report::Outcome};
use harness::{VENDORS, Visit, usher};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Of so many bookings the timelines are written down.
const BOOKINGS: usize = 20;

/// Keeps the evidence of a round that did not end clean, and names the folder.
pub async fn keep(visit: &Visit, seed: u64, round: &Round, outcome: &Outcome) -> PathBuf {
    let folder = usher()
        .with_file_name("chaos-evidence")
        .join(format!("seed-{seed}-round-{}", round.number));
    fs::create_dir_all(&folder).unwrap();
    write(&folder, "round.json", &json(round));
    write(&folder, "outcome.json", &json(outcome));
    let about: BTreeSet<String> =
        outcome.violations.iter().filter_map(|broken| broken.booking.clone()).collect();
    let about: Vec<String> = about.into_iter().take(BOOKINGS).collect();
    write(&folder, "bookings.txt", &visit.evidence(&about).await);
    for vendor in VENDORS {
        write(&folder, &format!("{vendor}.json"), &json(&visit.ledger_of(vendor).await));
    }
    // The log itself goes when the next run begins a new day.
    drop(fs::copy(visit.system.log(), folder.join("usher.log")));
    folder
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}
