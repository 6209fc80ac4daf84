//! What a run tells: a line for each round, and what each kind of kill has cost.

use harness::Violation;
use serde::Serialize;
use std::{collections::BTreeMap, path::PathBuf};

/// How a round went.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    pub round: usize,
    pub kill: String,
    /// From the opening of the doors until the kill.
    pub after_ms: u64,
    pub down_ms: u64,
    /// Bookings without an end when everything died, and those of them in the middle of something.
    pub open: i64,
    pub under_way: usize,
    /// From the start until everything answered again.
    pub start_ms: u64,
    /// From then until what was under way at the kill was through, and until everything had ended: with customers who
    /// take their time, and with their vendors' faults.
    pub caught_up_ms: u64,
    pub finish_ms: u64,
    pub round_ms: u64,
    /// What was the last to end, if anything had to be waited for once the customers had gone.
    pub waited_for: Option<String>,
    /// Bookings by the state they ended in.
    pub ends: BTreeMap<String, usize>,
    /// Customers who never got an answer, and what they waited for.
    pub let_down: Vec<String>,
    pub violations: Vec<Violation>,
    /// The folder where everything about a broken round is kept.
    pub evidence: Option<PathBuf>,
}

impl Outcome {
    /// Everything that is wrong.
    pub fn complaints(&self) -> Vec<String> {
        let violations = self.violations.iter().map(ToString::to_string);
        violations.chain(self.let_down.iter().cloned()).collect()
    }

    pub fn is_clean(&self) -> bool {
        self.broken() == 0
    }

    fn broken(&self) -> usize {
        self.violations.len() + self.let_down.len()
    }

    fn ended_as(&self, status: &str) -> String {
        self.ends.get(status).copied().unwrap_or_default().to_string()
    }

    /// As a line under the headline.
    pub fn line(&self) -> String {
        row([
            &self.round.to_string(),
            &self.kill,
            &seconds(self.after_ms),
            &seconds(self.down_ms),
            &self.open.to_string(),
            &self.under_way.to_string(),
            &seconds(self.start_ms),
            &seconds(self.caught_up_ms),
            &seconds(self.finish_ms),
            &self.ended_as("CONFIRMED"),
            &self.ended_as("CANCELLED"),
            &self.ended_as("EXPIRED"),
            &self.ended_as("REJECTED"),
            &self.broken().to_string(),
        ])
    }
}

pub fn headline() -> String {
    row([
        "round",
        "killed",
        "after",
        "down",
        "open",
        "under way",
        "start",
        "caught up",
        "finished",
        "confirmed",
        "cancelled",
        "expired",
        "rejected",
        "violations",
    ])
}

/// The kill's name to the left, numbers to the right.
fn row([round, kill, rest @ ..]: [&str; 14]) -> String {
    let rest: Vec<String> = rest.iter().map(|cell| format!("{cell:>9}")).collect();
    format!("{round:>5}  {kill:<22} {}", rest.join(" "))
}

/// What the rounds with one kind of kill have come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub kill: String,
    pub rounds: usize,
    pub bookings: usize,
    pub caught_up_p50_ms: u64,
    pub caught_up_max_ms: u64,
    pub finish_p50_ms: u64,
    pub finish_max_ms: u64,
    pub violations: usize,
}

/// One for each kind of kill, in the order of their names.
pub fn summary(outcomes: &[Outcome]) -> Vec<Summary> {
    let mut kinds: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        kinds.entry(&outcome.kill).or_default().push(outcome);
    }
    kinds.into_iter().map(|(kill, rounds)| Summary::of(kill, &rounds)).collect()
}

impl Summary {
    fn of(kill: &str, rounds: &[&Outcome]) -> Self {
        let (caught_up_p50_ms, caught_up_max_ms) =
            middle_and_most(rounds.iter().map(|round| round.caught_up_ms));
        let (finish_p50_ms, finish_max_ms) =
            middle_and_most(rounds.iter().map(|round| round.finish_ms));
        Self {
            kill: kill.to_owned(),
            rounds: rounds.len(),
            bookings: rounds.iter().flat_map(|round| round.ends.values()).sum(),
            caught_up_p50_ms,
            caught_up_max_ms,
            finish_p50_ms,
            finish_max_ms,
            violations: rounds.iter().map(|round| round.broken()).sum(),
        }
    }

    pub fn headline() -> String {
        let times = ["caught up p50", "caught up max", "finished p50", "finished max"];
        cells("killed", ["rounds", "bookings"], times, "violations")
    }

    pub fn line(&self) -> String {
        let times =
            [self.caught_up_p50_ms, self.caught_up_max_ms, self.finish_p50_ms, self.finish_max_ms];
        let counts = [self.rounds, self.bookings].map(|count| count.to_string());
        let [rounds, bookings] = &counts;
        let times = times.map(seconds);
        cells(
            &self.kill,
            [rounds, bookings],
            times.each_ref().map(String::as_str),
            &self.violations.to_string(),
        )
    }
}

fn cells(kill: &str, [rounds, bookings]: [&str; 2], times: [&str; 4], violations: &str) -> String {
    let times = times.map(|time| format!("{time:>14}")).concat();
    format!("{kill:<22} {rounds:>7} {bookings:>9}{times} {violations:>11}")
}

fn middle_and_most(times: impl Iterator<Item = u64>) -> (u64, u64) {
    let mut times: Vec<u64> = times.collect();
    times.sort_unstable();
    let middle = times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    (middle, times.last().copied().unwrap_or_default())
}

/// `1.234 s`
fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1_000, ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(kill: &str, finish_ms: u64) -> Outcome {
        let ends = [("CONFIRMED".to_owned(), 40), ("EXPIRED".to_owned(), 10)].into();
        Outcome { kill: kill.to_owned(), finish_ms, ends, ..Outcome::default() }
    }

    #[test]
    fn each_kind_of_kill_is_summed_up() {
        let rounds = [outcome("usher", 5), outcome("postgres", 8), outcome("usher", 3)];
        let kinds = summary(&rounds);
        assert_eq!(kinds.iter().map(|kind| &*kind.kill).collect::<Vec<_>>(), ["postgres", "usher"]);
        let usher = &kinds[1];
        assert_eq!((usher.rounds, usher.bookings, usher.violations), (2, 100, 0));
        assert_eq!((usher.finish_p50_ms, usher.finish_max_ms), (3, 5));
    }

    #[test]
    fn a_customer_without_an_answer_is_no_clean_round() {
        let mut round = outcome("usher", 5);
        assert!(round.is_clean());
        round.let_down.push("it never came".to_owned());
        assert!(!round.is_clean());
        assert_eq!(summary(&[round])[0].violations, 1);
    }
}
