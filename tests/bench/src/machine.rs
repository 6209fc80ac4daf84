//! What it was measured on: the machine, its disk, the commit and the day.

use crate::figures::Milli;
use chrono::{SecondsFormat, Utc};
use serde::Serialize;
use std::{
    fmt,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

const FSYNCS_FOR: Duration = Duration::from_secs(2);
const PAGE: [u8; 4_096] = [0x55; 4_096];

#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub date: String,
    pub commit: String,
    pub processor: String,
    pub cores: usize,
    /// Pages of 4 KiB that reach the disk, one after the other, a second.
    pub fsyncs: Milli,
}

impl Machine {
    /// `data`: a folder on the disk that the databases are on. Blocks for some seconds.
    pub(crate) fn look(data: &Path) -> Self {
        Self {
            date: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            commit: commit(),
            processor: processor(),
            cores: thread::available_parallelism().map_or(0, usize::from),
            fsyncs: fsyncs(data),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, commit, processor, cores, fsyncs } = self;
        write!(f, "{date}, commit {commit}, {cores} x {processor}, {fsyncs} fsyncs/s of 4 KiB")
    }
}

/// One page over and over, as a log that is written for one commit at a time.
fn fsyncs(data: &Path) -> Milli {
    let path = data.join("bench.fsync");
    let file = File::create(&path).unwrap();
    let (opened, mut done) = (Instant::now(), 0);
    while opened.elapsed() < FSYNCS_FOR {
        file.write_all_at(&PAGE, 0).unwrap();
        file.sync_data().unwrap();
        done += 1;
    }
    let rate = Milli::rate(done, opened.elapsed());
    fs::remove_file(path).unwrap();
    rate
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.and_then(|rest| rest.split_once(": ")).map(|(_, name)| name.trim());
    model.unwrap_or("unknown processor").to_owned()
}

/// With a `+` if the tree has changed since.
fn commit() -> String {
    let git = |args: &[&str]| {
        let output =
            Command::new("git").args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output();
        let output = output.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=10", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let changed = git(&["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
    if changed { format!("{commit}+") } else { commit }
}
