//! A `vendor_calls` row as the model has it: what `schema::vendor_calls` does in SQL, guard for guard.
//!
//! `twin.rs` runs both side by side on PostgreSQL, so that this cannot drift from the statements.

use crate::step::{Rule, Rules};
use activities::step::decide::TRIES_BEFORE_A_PERSON;
use schema::vendor_calls::{Call, Entry, Outcome};
use serde_json::Value;

/// What the vendor can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Done,
    Rejected,
    Gone,
}

impl Answer {
    pub(crate) fn is_no(self) -> bool {
        self != Self::Done
    }

    pub(crate) fn stored(self) -> Value {
        Value::from(match self {
            Self::Done => 0,
            Self::Rejected => 1,
            Self::Gone => 2,
        })
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    Answer(Answer),
    Absent,
    GaveUp,
}

/// Times are ticks since then, up to a limit after which more makes no difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub attempts: u8,
    pub absences: u8,
    pub since_sent: Option<u8>,
    pub since_looked: Option<u8>,
    pub give_up_in: Option<u8>,
    pub said_no: Option<Answer>,
    /// A person has settled it: it is done.
    pub by_hand: bool,
    pub end: Option<End>,
}

impl Row {
    /// Inserts the row, or finds it; whether it is ours.
    pub(crate) fn enter(row: &mut Option<Self>, entry: Entry, give_up_in: Option<u8>) -> bool {
        if row.is_some() {
            return false;
        }
        let to_send = entry == Entry::ToSend;
        *row = Some(Self {
            attempts: u8::from(to_send),
            absences: 0,
            since_sent: to_send.then_some(0),
            since_looked: None,
            give_up_in,
            said_no: None,
            by_hand: false,
            end: (!to_send).then_some(End::Absent),
        });
        true
    }

    pub(crate) fn stamp(&mut self, seen: u8, rules: Rules) -> Option<u8> {
        let so = rules.guard(Rule::StampFromTheAttemptSeen, self.attempts == seen);
        if self.end.is_some() || self.is_by_hand(rules) || !so {
            return None;
        }
        self.since_sent = Some(0);
        self.attempts += 1;
        if rules.keep(Rule::StampForgetsTheLooks) {
            self.absences = 0;
            self.since_looked = None;
            self.said_no = None;
        }
        Some(self.attempts)
    }

    pub(crate) fn never_left(&mut self, mine: u8, rules: Rules) {
        let so = rules.guard(Rule::StampClearedByItsAttempt, self.attempts == mine);
        if self.end.is_none() && so {
            self.since_sent = None;
        }
    }

    pub(crate) fn said_no(&mut self, mine: u8, no: Answer) {
        if self.end.is_none() && self.attempts == mine {
            self.said_no = Some(no);
        }
    }

    pub(crate) fn not_found(&mut self, look: Look, spacing: u8, rules: Rules) -> Option<u8> {
        let same = rules.guard(Rule::LookForItsAttempt, self.attempts == look.attempts);
        let after = rules.guard(Rule::LooksOneAfterAnother, self.absences == look.absences);
        let apart = self.since_looked.is_none_or(|since| since >= spacing);
        if self.end.is_some() || !same || !after || !apart {
            return None;
        }
        let agrees = look.no.is_none() || look.no == self.said_no;
        self.absences = if agrees { self.absences + 1 } else { 1 };
        self.said_no = look.no.or(self.said_no);
        self.since_looked = Some(0);
        Some(self.absences)
    }

    /// `only_from` is for a *no*: it counts only from the last attempt, and never against a person.
    pub(crate) fn answer(&mut self, answer: Answer, only_from: Option<u8>, rules: Rules) -> bool {
        let open = rules.guard(Rule::OneOutcome, self.end.is_none());
        let last = only_from.is_none_or(|attempt| attempt == self.attempts);
        let last = rules.guard(Rule::NoFromItsAttempt, last);
        let against = only_from.is_some() && self.is_by_hand(rules);
        let recorded = open && last && !against;
        if recorded {
            self.end = Some(End::Answer(answer));
        }
        recorded
    }

    pub(crate) fn end_without(&mut self, seen: u8, end: End, rules: Rules) -> bool {
        let so = rules.guard(Rule::EndFromTheAttemptSeen, self.attempts == seen);
        let ended = self.end.is_none() && !self.is_by_hand(rules) && so;
        if ended {
            self.end = Some(end);
        }
        ended
    }

    fn is_by_hand(&self, rules: Rules) -> bool {
        self.by_hand && rules.keep(Rule::NothingAgainstAPerson)
    }

    /// A person says that it is done.
    pub(crate) fn settle_by_hand(&mut self) {
        if self.end.is_none() {
            self.by_hand = true;
        }
    }

    /// A person gives up.
    pub(crate) fn give_up(&mut self) {
        if self.end.is_none() {
            self.give_up_in = Some(0);
        }
    }

    /// The row as the decisions see it, a tick being a millisecond.
    pub(crate) fn as_call(&self) -> Call {
        let (outcome, answer) = match self.end {
            Some(End::Answer(answer)) => (Some(Outcome::Answer), Some(answer.stored())),
            Some(End::Absent) => (Some(Outcome::Absent), None),
            Some(End::GaveUp) => (Some(Outcome::GaveUp), None),
            None => (None, None),
        };
        Call {
            mine: false,
            attempts: i32::from(self.attempts),
            absences: i32::from(self.absences),
            since_sent_ms: self.since_sent.map(i64::from),
            since_looked_ms: self.since_looked.map(i64::from),
            give_up_in_ms: self.give_up_in.map(i64::from),
            said_no: self.said_no.map(Answer::stored),
            // However often it has been in vain, it may be time to ask.
            tries: TRIES_BEFORE_A_PERSON,
            by_hand: self.by_hand.then(|| Answer::Done.stored()),
            outcome,
            answer,
        }
    }
}

/// What a look-up that found nothing done has seen: of the row before, and of the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Look {
    pub attempts: u8,
    pub absences: u8,
    pub no: Option<Answer>,
}
