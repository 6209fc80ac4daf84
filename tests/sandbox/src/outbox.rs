//! The webhooks a vendor owes its merchant: kept, retried on the vendor's ladder, and remembered with their answers.

use crate::clock::{self, Clock, DAY, HOUR, MINUTE};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The oldest letter is dropped beyond this.
const LIMIT: usize = 20_000;

/// How long after each failure it is tried again, and how often in all. The last step repeats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ladder {
    pub steps: &'static [i64],
    pub tries: usize,
    /// A 302 is received as well as any 2xx.
    pub takes_redirects: bool,
}

impl Default for Ladder {
    /// The card gateway's.
    fn default() -> Self {
        let steps =
            &[MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, DAY];
        Self { steps, tries: 37, takes_redirects: false }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fate {
    #[default]
    Waiting,
    InFlight,
    Delivered,
    Lost,
    GivenUp,
}

/// What is wrong with a letter that the vendor has not written like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Forgery {
    WrongKey,
    FlippedTag,
    SwappedVector,
    /// Without any signature.
    Unsigned,
    /// The signature of the same JSON in other bytes.
    Respaced,
    /// Half of the signature.
    Truncated,
    WrongAuthorization,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub at: String,
    pub status: Option<u16>,
    pub error: Option<String>,
    /// The initialization vector it was sealed with, in hex.
    #[serde(default)]
    pub vector: Option<String>,
}

/// A webhook. Its number, fate and attempts are the outbox's to fill in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Letter {
    pub id: u64,
    pub reference: String,
    /// Letters of one thread may overtake each other: a payment and what follows it.
    #[serde(default)]
    pub thread: String,
    pub event: String,
    pub body: String,
    pub due_at: i64,
    pub fate: Fate,
    pub attempts: Vec<Attempt>,
    #[serde(default)]
    pub forgery: Option<Forgery>,
    /// Sealed with this vector at every attempt, so with the same bytes; with a new one when absent.
    #[serde(default)]
    pub vector: Option<String>,
    /// Not repeated, whatever the answer.
    #[serde(default)]
    pub once: bool,
    /// How many of the first answers are not heard.
    #[serde(default)]
    pub unheard: usize,
    /// Sent only when this letter has ended.
    #[serde(default)]
    pub after: Option<u64>,
    /// Lets the next letter of its thread go first; sent when due if none comes.
    #[serde(default)]
    pub yields: bool,
}

/// What leaves for the merchant.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    pub vector: String,
    /// How long the merchant may take to answer; the vendor's own patience when absent.
    pub patience_ms: Option<u64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outbox {
    next: u64,
    letters: BTreeMap<u64, Letter>,
    due: BTreeSet<(i64, u64)>,
    /// Letters that wait for one to pass them.
    #[serde(default)]
    yielding: BTreeSet<u64>,
    /// A letter, and one that is sent only when it has ended.
    #[serde(default)]
    following: BTreeSet<(u64, u64)>,
    #[serde(skip)]
    ladder: Ladder,
}

impl Outbox {
    /// Tries again as this vendor does.
    pub(crate) fn climbs(&mut self, ladder: Ladder) {
        self.ladder = ladder;
    }

    pub(crate) fn post(&mut self, mut letter: Letter) -> u64 {
        self.next += 1;
        let id = self.next;
        letter.id = id;
        self.let_pass(&letter.thread, id);
        if letter.yields {
            self.yielding.insert(id);
        }
        match letter.after {
            Some(leader) => self.following.insert((leader, id)),
            None => self.due.insert((letter.due_at, id)),
        };
        self.letters.insert(id, letter);
        if self.letters.len() > LIMIT
            && let Some((id, letter)) = self.letters.pop_first()
        {
            self.due.remove(&(letter.due_at, id));
            self.yielding.remove(&id);
        }
        id
    }

    /// Who yields in this thread goes after this letter.
    fn let_pass(&mut self, thread: &str, leader: u64) {
        let yielding = std::mem::take(&mut self.yielding);
        for id in yielding {
            let Some(letter) = self.letters.get_mut(&id) else { continue };
            if letter.thread != thread {
                self.yielding.insert(id);
            } else if self.due.remove(&(letter.due_at, id)) {
                letter.after = Some(leader);
                self.following.insert((leader, id));
            }
        }
    }

    pub(crate) fn lose(&mut self, id: u64) {
        if let Some(letter) = self.letters.get_mut(&id) {
            letter.fate = Fate::Lost;
            self.due.remove(&(letter.due_at, id));
        }
        self.send_followers(id);
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
            self.yielding.remove(&key.1);
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

    /// Any 2xx is delivered, or what the ladder takes for one; anything else climbs it.
    pub(crate) fn record(
        &mut self,
        id: u64,
        vector: Option<String>,
        outcome: Result<u16, String>,
        clock: &Clock,
    ) {
        let now = clock::now_ms();
        let Some(letter) = self.letters.get_mut(&id) else { return };
        let heard = letter.attempts.len() >= letter.unheard;
        let redirects = self.ladder.takes_redirects;
        let received = |status: &u16| (200..300).contains(status) || (redirects && *status == 302);
        let delivered = heard && outcome.as_ref().is_ok_and(received);
        let (status, error) = match outcome {
            Ok(status) if heard => (Some(status), None),
            Ok(status) => (Some(status), Some("the answer was not heard".to_owned())),
            Err(error) => (None, Some(error)),
        };
        letter.attempts.push(Attempt { at: clock::rfc3339(now), status, error, vector });
        if letter.fate != Fate::InFlight {
            return;
        }
        if delivered {
            letter.fate = Fate::Delivered;
        } else if letter.once || letter.attempts.len() >= self.ladder.tries {
            letter.fate = Fate::GivenUp;
        } else {
            let steps = self.ladder.steps;
            let step = steps.get(letter.attempts.len() - 1).or(steps.last());
            let step = step.copied().unwrap_or(DAY);
            letter.fate = Fate::Waiting;
            letter.due_at = now + clock.shortened(step);
            self.due.insert((letter.due_at, id));
            return;
        }
        self.send_followers(id);
    }

    /// Whoever waited for this letter to end goes now.
    fn send_followers(&mut self, leader: u64) {
        let now = clock::now_ms();
        let followers: Vec<(u64, u64)> =
            self.following.range((leader, 0)..=(leader, u64::MAX)).copied().collect();
        for pair in followers {
            self.following.remove(&pair);
            if let Some(letter) = self.letters.get_mut(&pair.1) {
                letter.due_at = now;
                self.due.insert((now, letter.id));
            }
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

    fn about(thread: &str) -> Letter {
        Letter { reference: thread.to_owned(), thread: thread.to_owned(), ..Letter::default() }
    }

    fn taken(outbox: &mut Outbox) -> Vec<u64> {
        outbox.take_due(clock::now_ms(), 10).iter().map(|letter| letter.id).collect()
    }

    #[test]
    fn a_refused_letter_climbs_the_ladder_and_a_received_one_rests() {
        let clock = Clock::new(60);
        let mut outbox = Outbox::default();
        let id = outbox.post(about("BK-1"));
        assert_eq!(taken(&mut outbox), [id]);
        outbox.record(id, None, Ok(503), &clock);
        let wait = outbox.next_due().unwrap() - clock::now_ms();
        assert!((900..=1_000).contains(&wait), "one minute at factor 60, not {wait} ms");
        outbox.take_due(i64::MAX, 10);
        outbox.record(id, None, Ok(204), &clock);
        assert_eq!(outbox.next_due(), None);
        assert_eq!(outbox.latest("BK-1").unwrap().fate, Fate::Delivered);
    }

    #[test]
    fn an_answer_that_is_not_heard_is_asked_for_again() {
        let mut outbox = Outbox::default();
        let id = outbox.post(Letter { unheard: 1, ..about("BK-1") });
        taken(&mut outbox);
        outbox.record(id, None, Ok(200), &Clock::new(60));
        assert_eq!(outbox.latest("BK-1").unwrap().fate, Fate::Waiting);
        outbox.take_due(i64::MAX, 10);
        outbox.record(id, None, Ok(200), &Clock::new(60));
        assert_eq!(outbox.latest("BK-1").unwrap().fate, Fate::Delivered);
    }

    #[test]
    fn a_letter_that_yields_goes_after_the_next_of_its_thread() {
        let mut outbox = Outbox::default();
        let first = outbox.post(Letter { yields: true, due_at: i64::MAX, ..about("BK-1") });
        let other = outbox.post(about("BK-2"));
        let second = outbox.post(about("BK-1"));
        assert_eq!(taken(&mut outbox), [other, second]);
        outbox.record(other, None, Ok(200), &Clock::new(1));
        assert_eq!(outbox.next_due(), None);
        outbox.record(second, None, Ok(200), &Clock::new(1));
        assert_eq!(taken(&mut outbox), [first]);
    }

    #[test]
    fn the_outbox_is_bounded() {
        let mut outbox = Outbox::default();
        for _ in 0..LIMIT + 5 {
            outbox.post(about("BK-1"));
        }
        assert_eq!(outbox.letters().count(), LIMIT);
        assert_eq!(outbox.due.len(), LIMIT);
    }
}
