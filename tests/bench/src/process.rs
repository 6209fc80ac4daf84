//! What the processes cost: their time on the processors and their memory, as the kernel counts them.

use harness::System;
use std::{collections::BTreeMap, fs, time::Duration};

/// The kernel counts processor time in these.
const TICK_MS: u64 = 10;

/// Of one process. `PostgreSQL` is many: its children are counted with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub cpu: Duration,
    /// What is shared is divided among those who share it; where that is not told, what is resident.
    pub memory_kib: u64,
}

/// The cost of everything so far, by name; ourselves, who put the load on, included.
pub(crate) async fn costs(system: &System) -> BTreeMap<&'static str, Cost> {
    let everybody = Process::all();
    let mut processes = system.processes().await;
    processes.push(("bench", std::process::id()));
    // Everything here is a child of ours.
    let parents = |name| name == "postgres";
    processes.into_iter().map(|(name, pid)| (name, cost(&everybody, pid, parents(name)))).collect()
}

fn cost(everybody: &[Process], pid: u32, with_children: bool) -> Cost {
    let mut total = Cost::default();
    let counts =
        |process: &&Process| process.pid == pid || (with_children && process.parent == pid);
    for process in everybody.iter().filter(counts) {
        let ended = if with_children { process.ended_children } else { 0 };
        total.cpu += Duration::from_millis((process.ticks + ended) * TICK_MS);
        total.memory_kib += memory_kib(process.pid);
    }
    total
}

/// How long the processors have worked so far, all together, for anybody.
pub(crate) fn worked() -> Duration {
    let text = fs::read_to_string("/proc/stat").unwrap();
    let first = text.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = first.split_whitespace().skip(1).flat_map(str::parse).collect();
    // user, nice, system, idle, waiting for disks, interrupts …
    let idle: u64 = ticks.iter().skip(3).take(2).sum();
    // The last two, guests, are in the first two already.
    let all: u64 = ticks.iter().take(8).sum();
    Duration::from_millis((all - idle) * TICK_MS)
}

#[derive(Debug, PartialEq, Eq)]
struct Process {
    pid: u32,
    parent: u32,
    ticks: u64,
    ended_children: u64,
}

impl Process {
    fn all() -> Vec<Self> {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
        stats.filter_map(|stat| Self::read(&stat)).collect()
    }

    /// `pid (name) state parent …`; the name may have anything in it.
    fn read(stat: &str) -> Option<Self> {
        let (pid, rest) = stat.split_once(" (")?;
        let fields: Vec<&str> = rest.rsplit_once(") ")?.1.split_whitespace().collect();
        let sum = |fields: &[&str]| fields.iter().flat_map(|field| field.parse::<u64>()).sum();
        Some(Self {
            pid: pid.parse().ok()?,
            parent: fields.get(1)?.parse().ok()?,
            ticks: sum(fields.get(11..13)?),
            ended_children: sum(fields.get(13..15)?),
        })
    }
}

fn memory_kib(pid: u32) -> u64 {
    let told = |file: &str, name: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    told("smaps_rollup", "Pss:").or_else(|| told("status", "VmRSS:")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_though_its_name_is_odd() {
        let stat = "42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 0 0 100 20 3 4 20 0 1 0 9 9 9";
        let read = Process::read(stat).unwrap();
        assert_eq!(read, Process { pid: 42, parent: 7, ticks: 120, ended_children: 7 });
    }

    #[test]
    fn we_are_among_the_processes_and_have_memory() {
        let ours = std::process::id();
        assert!(Process::all().iter().any(|process| process.pid == ours));
        assert!(memory_kib(ours) > 100);
    }
}
