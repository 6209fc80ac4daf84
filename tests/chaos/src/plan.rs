//! The plan: who comes, what goes wrong for them, and what is killed when. The same seed makes the same plan.

use crate::mishaps::{ANYBODYS, FAULTS, Faults};
use harness::{Mishap, Way};
use rand::{
    RngExt, SeedableRng,
    rngs::StdRng,
    seq::{IndexedRandom, SliceRandom},
};
use serde::Serialize;
use std::fmt;

/// What ends as by a power cut, all at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Kill {
    pub usher: bool,
    pub restate: bool,
    pub postgres: bool,
}

impl Kill {
    pub const USHER: Self = Self { usher: true, restate: false, postgres: false };
    pub const RESTATE: Self = Self { usher: false, restate: true, postgres: false };
    pub const POSTGRES: Self = Self { usher: false, restate: false, postgres: true };
    pub const ALL: Self = Self { usher: true, restate: true, postgres: true };
    /// Alone and together.
    pub const EACH: [Self; 7] = [
        Self::USHER,
        Self::RESTATE,
        Self::POSTGRES,
        Self { usher: true, restate: true, postgres: false },
        Self { usher: true, restate: false, postgres: true },
        Self { usher: false, restate: true, postgres: true },
        Self::ALL,
    ];
}

/// `usher+postgres`
impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [(self.usher, "usher"), (self.restate, "restate"), (self.postgres, "postgres")];
        let names: Vec<&str> =
            names.iter().filter(|(killed, _)| *killed).map(|(_, name)| *name).collect();
        f.pad(&names.join("+"))
    }
}

/// Who comes to a round.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    pub visitors: usize,
    /// Also customers who leave, or come back after their time: a round with one lasts as long as a booking may.
    pub latecomers: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    pub seed: u64,
    pub rounds: Vec<Round>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Round {
    /// From 1.
    pub number: usize,
    pub kill: Kill,
    /// From the opening of the doors until the kill.
    pub after_ms: u64,
    /// From the kill until everything is started again.
    pub down_ms: u64,
    /// The next call of each, whoever it is for.
    pub anybody: Vec<Mishap<'static>>,
    pub visitors: Vec<Visitor>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Visitor {
    /// After the opening of the doors.
    pub arrives_ms: u64,
    /// Before paying, or calling it off: people are slow, so most bookings of a round are open at once.
    pub thinks_ms: u64,
    pub story: Story,
    /// How they pay.
    pub way: Way,
    /// Wants the very seats of the visitor before.
    pub rival: bool,
    /// Calls of this visitor's that go wrong, once each.
    pub faults: Vec<Mishap<'static>>,
}

/// What a customer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Story {
    Pays,
    BooksForFree,
    DeclinedThenPays,
    /// At two vendors.
    PaysTwice,
    CallsOff,
    CallsOffThenPays,
    IsDeclined,
    LeavesThePage,
    NeverPays,
    PaysAfterExpiry,
}

const STORIES: [(Story, u32); 6] = [
    (Story::Pays, 40),
    (Story::BooksForFree, 6),
    (Story::DeclinedThenPays, 8),
    (Story::PaysTwice, 10),
    (Story::CallsOff, 8),
    (Story::CallsOffThenPays, 8),
];
const LATECOMERS: [(Story, u32); 4] = [
    (Story::IsDeclined, 5),
    (Story::LeavesThePage, 4),
    (Story::NeverPays, 5),
    (Story::PaysAfterExpiry, 6),
];

impl Plan {
    /// Each kind of kill once in every seven rounds, in random order. A shorter plan is the beginning of a longer one.
    pub fn new(seed: u64, rounds: usize, crowd: Crowd) -> Self {
        let kills = (0..).flat_map(|block| {
            let mut kills = Kill::EACH;
            kills.shuffle(&mut dice(seed, u64::MAX - block));
            kills
        });
        Self::of(seed, kills.take(rounds), crowd)
    }

    /// These kills, in this order.
    pub fn of(seed: u64, kills: impl IntoIterator<Item = Kill>, crowd: Crowd) -> Self {
        let rounds = (1..).zip(kills).map(|(number, kill)| Round::new(seed, number, kill, crowd));
        Self { seed, rounds: rounds.collect() }
    }
}

/// Each round throws dice of its own.
fn dice(seed: u64, of: u64) -> StdRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&of.to_le_bytes());
    StdRng::from_seed(bytes)
}

impl Round {
    fn new(seed: u64, number: usize, kill: Kill, crowd: Crowd) -> Self {
        let dice = &mut dice(seed, u64::try_from(number).unwrap());
        let mut visitors: Vec<Visitor> =
            (0..crowd.visitors).map(|_| Visitor::new(dice, crowd.latecomers)).collect();
        // Nobody is before the first.
        visitors[0].rival = false;
        Self {
            number,
            kill,
            after_ms: dice.random_range(200..4_000),
            down_ms: dice.random_range(0..1_500),
            anybody: anybodys().sample(dice, 4).copied().collect(),
            visitors,
        }
    }
}

fn anybodys() -> Vec<Mishap<'static>> {
    ANYBODYS.iter().flat_map(Faults::each).collect()
}

impl Visitor {
    fn new(dice: &mut StdRng, latecomers: bool) -> Self {
        let late = LATECOMERS.iter().filter(|_| latecomers);
        let stories: Vec<&(Story, u32)> = STORIES.iter().chain(late).collect();
        let (story, _) = stories.choose_weighted(dice, |(_, weight)| *weight).unwrap();
        let way = *Way::ALL.choose(dice).unwrap();
        let at_its_vendors = |faults: &&Faults| ["vista", way.vendor()].contains(&faults.vendor);
        let may_go_wrong: Vec<Mishap<'_>> =
            FAULTS.iter().filter(at_its_vendors).flat_map(Faults::each).collect();
        let faults = dice.random_range(0..3);
        Self {
            arrives_ms: dice.random_range(0..1_000),
            thinks_ms: dice.random_range(0..3_000),
            story: *story,
            way,
            rival: dice.random_ratio(1, 12),
            faults: may_go_wrong.sample(dice, faults).copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const CROWD: Crowd = Crowd { visitors: 50, latecomers: true };

    #[test]
    fn the_same_seed_makes_the_same_plan_and_another_seed_another() {
        assert_eq!(Plan::new(7, 30, CROWD), Plan::new(7, 30, CROWD));
        assert_ne!(Plan::new(7, 30, CROWD).rounds, Plan::new(8, 30, CROWD).rounds);
    }

    #[test]
    fn a_shorter_plan_is_the_beginning_of_a_longer_one() {
        let short = Plan::new(7, 9, CROWD);
        assert_eq!(short.rounds[..], Plan::new(7, 30, CROWD).rounds[..9]);
    }

    #[test]
    fn every_seven_rounds_kill_everything_alone_and_together() {
        for rounds in Plan::new(7, 30, CROWD).rounds.chunks_exact(7) {
            let kills: BTreeSet<Kill> = rounds.iter().map(|round| round.kill).collect();
            assert_eq!(kills, Kill::EACH.into());
        }
    }

    #[test]
    fn every_story_and_every_fault_is_in_thirty_rounds() {
        let plan = Plan::new(1, 30, CROWD);
        let visitors: Vec<&Visitor> =
            plan.rounds.iter().flat_map(|round| &round.visitors).collect();
        for (story, _) in STORIES.iter().chain(&LATECOMERS) {
            assert!(visitors.iter().any(|visitor| visitor.story == *story), "{story:?}");
        }
        for way in Way::ALL {
            assert!(visitors.iter().any(|visitor| visitor.way == way), "{way:?}");
        }
        for fault in FAULTS.iter().flat_map(Faults::each) {
            assert!(visitors.iter().any(|visitor| visitor.faults.contains(&fault)), "{fault:?}");
        }
        assert!(visitors.iter().any(|visitor| visitor.rival));
    }
}
