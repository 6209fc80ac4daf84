//! The webhooks a vendor owes its merchant: kept, retried on the vendor's ladder, and remembered with their answers.

use crate::clock::{self, Clock, DAY, HOUR, MINUTE};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The oldest letter is dropped beyond this.
const LIMIT: usize = 20_000;
const LADDER: &[i64] =
    &[MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR];
const LAST_TRY: usize = 37;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fate {
    Waiting,
    InFlight,
    Delivered,
    Lost,
    GivenUp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub at: String,
    pub status: Option<u16>,
    pub error: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Letter {
    pub id: u64,
    pub reference: String,
    pub event: String,
    pub body: String,
    pub corrupt: bool,
    pub fate: Fate,
    pub due_at: i64,
    pub attempts: Vec<Attempt>,
}

/// What leaves for the merchant: sealed anew at every attempt.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outbox {
    next: u64,
    letters: BTreeMap<u64, Letter>,
    due: BTreeSet<(i64, u64)>,
}

impl Outbox {
    pub(crate) fn post(&mut self, reference: &str, event: &str, body: String, due_at: i64) -> u64 {
        self.next += 1;
        let letter = Letter {
            id: self.next,
            reference: reference.to_owned(),
            event: event.to_owned(),
            body,
            corrupt: false,
            fate: Fate::Waiting,
            due_at,
            attempts: Vec::new(),
        };
        self.letters.insert(letter.id, letter);
        self.due.insert((due_at, self.next));
        if self.letters.len() > LIMIT
            && let Some((id, letter)) = self.letters.pop_first()
        {
            self.due.remove(&(letter.due_at, id));
        }
        self.next
    }

    pub(crate) fn lose(&mut self, id: u64) {
        if let Some(letter) = self.letters.get_mut(&id) {
            letter.fate = Fate::Lost;
            self.due.remove(&(letter.due_at, id));
        }
    }

    pub(crate) fn corrupt(&mut self, id: u64) {
        if let Some(letter) = self.letters.get_mut(&id) {
            letter.corrupt = true;
        }
    }

    pub(crate) fn letters(&self) -> impl Iterator<Item = &Letter> {
        self.letters.values()
    }

    /// The latest letter about a reference.
    pub(crate) fn latest(&self, reference: &str) -> Option<&Letter> {
        self.letters.values().rev().find(|letter| letter.reference == reference)
    }

    /// Takes what is due; each letter is in flight until `record` says how it went.
    pub(crate) fn take_due(&mut self, now: i64, limit: usize) -> Vec<Letter> {
        let due: Vec<(i64, u64)> =
            self.due.range(..=(now, u64::MAX)).take(limit).copied().collect();
        let mut taken = Vec::with_capacity(due.len());
        for key in due {
            self.due.remove(&key);
            if let Some(letter) = self.letters.get_mut(&key.1) {
                letter.fate = Fate::InFlight;
                taken.push(letter.clone());
            }
        }
        taken
    }

    pub(crate) fn next_due(&self) -> Option<i64> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Any 2xx is delivered; anything else climbs the ladder.
    pub(crate) fn record(&mut self, id: u64, outcome: Result<u16, String>, clock: &Clock) {
        let now = clock::now_ms();
        let Some(letter) = self.letters.get_mut(&id) else { return };
        let delivered = outcome.as_ref().is_ok_and(|status| (200..300).contains(status));
        let (status, error) = match outcome {
            Ok(status) => (Some(status), None),
            Err(error) => (None, Some(error)),
        };
        letter.attempts.push(Attempt { at: clock::rfc3339(now), status, error });
        if letter.fate != Fate::InFlight {
            return;
        }
        if delivered {
            letter.fate = Fate::Delivered;
        } else if letter.attempts.len() >= LAST_TRY {
            letter.fate = Fate::GivenUp;
        } else {
            let step = LADDER.get(letter.attempts.len() - 1).copied().unwrap_or(DAY);
            letter.fate = Fate::Waiting;
            letter.due_at = now + clock.shortened(step);
            self.due.insert((letter.due_at, id));
        }
    }

    /// After a restart, what was in flight is sent again.
    pub(crate) fn resume(&mut self) {
        let flying = self.letters.values_mut().filter(|letter| letter.fate == Fate::InFlight);
        for letter in flying {
            letter.fate = Fate::Waiting;
            self.due.insert((letter.due_at, letter.id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_letter_climbs_the_ladder_and_a_received_one_rests() {
        let clock = Clock::new(60);
        let mut outbox = Outbox::default();
        let id = outbox.post("BK-1", "PAYMENT", "{}".to_owned(), 0);
        assert_eq!(outbox.take_due(1, 10).len(), 1);
        outbox.record(id, Ok(503), &clock);
        let wait = outbox.next_due().unwrap() - clock::now_ms();
        assert!((900..=1_000).contains(&wait), "one minute at factor 60, not {wait} ms");
        outbox.take_due(i64::MAX, 10);
        outbox.record(id, Ok(204), &clock);
        assert_eq!(outbox.next_due(), None);
        assert_eq!(outbox.latest("BK-1").unwrap().fate, Fate::Delivered);
    }

    #[test]
    fn the_outbox_is_bounded() {
        let mut outbox = Outbox::default();
        for _ in 0..LIMIT + 5 {
            outbox.post("BK-1", "PAYMENT", String::new(), 0);
        }
        assert_eq!(outbox.letters().count(), LIMIT);
        assert_eq!(outbox.due.len(), LIMIT);
    }
}
