//! The life of a step: two executions of one step side by side, an undo that closes it, and a vendor with a will of
//! its own.
//!
//! Between any two actions of an execution any other thing may happen: the execution dies, stands still for any time,
//! or another one acts. What it decides is decided by the product (`activities::step::decide`); what it writes is
//! `Row`. Time is ticks: the time-out is one, so a request leaves in the tick of its stamp or not at all.

mod execution;
mod rules;
mod vendor;

use crate::{
    row::{Answer, End, Look, Row},
    search::{Model, Step},
};
use activities::step::decide::{self, Next, PROOF_OF_ABSENCE, Repeat};
use schema::timings::CallTimings;

/// A rule of the life of a step that a test can take out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A row is there before anything leaves.
    IntentFirst,
    /// The right to send is won by a stamp from the attempt that was seen.
    StampFromTheAttemptSeen,
    /// A stamp forgets what was looked up before it.
    StampForgetsTheLooks,
    /// The time-out is checked again right before the send.
    TooLateIsNotSent,
    /// A stamp is unknown until its window has passed.
    SettleWindow,
    /// An unknown outcome is looked up before anything is sent again.
    LookUpFirst,
    /// It takes two clean looks to prove absence.
    TwoLooks,
    /// The two looks are apart.
    LooksApart,
    /// A look counts after those that it has seen counted, so that two at once are one.
    LooksOneAfterAnother,
    /// A look counts for the attempt that was looked up.
    LookForItsAttempt,
    /// What may have happened is not called *unavailable*.
    UnknownIsUnknown,
    /// Only the last attempt's execution clears the stamp.
    StampClearedByItsAttempt,
    /// A re-send has the same reference.
    SameReference,
    /// A *no* to a re-send is looked up before it is believed.
    NoToAReSendIsLookedUp,
    /// A *no* is recorded only while its attempt is the last one.
    NoFromItsAttempt,
    /// An outcome is recorded once.
    OneOutcome,
    /// Giving up needs proof that nothing was done.
    GiveUpWithProof,
    /// A step ends without an answer only from the attempt that was seen.
    EndFromTheAttemptSeen,
    /// *Retry* goes back to the row, never straight to the call.
    RetryAtTheRow,
    /// Once a person has settled it, nobody sends, and neither a no nor a proof of absence is recorded.
    NothingAgainstAPerson,
    /// An undo closes the step first.
    UndoClosesFirst,
}

/// All rules but these.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub without: &'static [Rule],
}

impl Rules {
    pub(crate) const ALL: Self = Self { without: &[] };

    pub(crate) fn keep(self, rule: Rule) -> bool {
        !self.without.contains(&rule)
    }

    /// Whether a guard lets a statement through, where it is so or not so.
    pub(crate) fn guard(self, rule: Rule, so: bool) -> bool {
        so || !self.keep(rule)
    }
}

/// What a vendor makes of a reference that it has served already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeated {
    DoesItAgain,
    SaysNo,
}

/// How the vendor is.
#[derive(Clone, Copy, Debug)]
struct Vendor {
    repeated: Repeated,
    /// Its look-up may say *gone* of what it does not show: one code for what has ended and for what is purged.
    calls_it_gone: bool,
    /// It takes this many ticks longer than the lag that we know.
    slower_by: u8,
}

/// The world of one search.
#[derive(Clone, Copy, Debug)]
struct Life {
    rules: Rules,
    vendor: Vendor,
    /// Business gives up at some time, and an undo may come at any.
    may_end_early: bool,
    /// Whoever would need one attempt more has come to an end of this world.
    attempts_max: u8,
}

const TIMINGS: CallTimings = CallTimings { timeout_ms: 1, lag_ms: 1, look_up_spacing_ms: 1 };
/// Business's bound is ahead: it may pass at any time.
const NOT_YET: u8 = 1;

const TWO_EFFECTS: &str = "the vendor has done it twice";
const DONE_YET_NOT: &str = "the step ended as not done, and the vendor has done it";
const NOT_YET_DONE: &str = "the step ended as done, and the vendor has not done it";
const TWO_OUTCOMES: &str = "two executions handed out different outcomes";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct State {
    row: Option<Row>,
    /// Two that perform, and the undo.
    executions: [At; 3],
    requests: [Option<Request>; 3],
    /// At the vendor; and whether its look-up shows one.
    effects: u8,
    shown: bool,
}

const NAMES: [&str; 3] = ["A", "B", "the undo"];
const UNDO: usize = 2;

/// Where an execution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    /// It will come, or come back, to the row.
    Away,
    Stamping {
        seen: u8,
        began: u8,
    },
    Sending {
        attempt: u8,
        began: u8,
    },
    Awaiting {
        attempt: u8,
        request: u8,
    },
    Looking(Look),
    /// It has decided.
    Writing(Write),
    Ended(End),
    /// There is no undo in this world.
    Nobody,
}

/// What an execution is about to write to the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Write {
    Answer { answer: Answer, from: u8 },
    KeepNo { no: Answer, attempt: u8 },
    NeverLeft { attempt: u8 },
    NotFound(Look),
    EndWithout { end: End, seen: u8 },
}

/// What came back from a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Came {
    Answer(Answer),
    Unavailable,
    Unknown,
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Request {
    age: u8,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Fate {
    UnderWay,
    /// Done, and not in the look-up yet.
    Hidden,
    Over(Came),
}

impl Model for Life {
    type State = State;

    fn first(&self) -> State {
        let undo = if self.may_end_early { At::Away } else { At::Nobody };
        State {
            row: None,
            executions: [At::Away, At::Away, undo],
            requests: [None; 3],
            effects: 0,
            shown: false,
        }
    }

    fn next(&self, state: &State) -> Vec<(Step, State)> {
        let mut next = Successors { life: self, from: state, found: Vec::new() };
        (0..state.executions.len()).for_each(|who| next.execution(who));
        (0..state.requests.len()).for_each(|request| next.vendor(request));
        next.business();
        next.clock();
        next.found
    }

    fn broken(&self, state: &State) -> Option<&'static str> {
        if state.effects > 1 {
            return Some(TWO_EFFECTS);
        }
        let ended = |at: &At| if let At::Ended(end) = at { Some(*end) } else { None };
        let row = state.row.and_then(|row| row.end);
        let mut ends = state.executions.iter().filter_map(ended).chain(row);
        let first = ends.next()?;
        match (first == End::Answer(Answer::Done), state.effects > 0) {
            (true, false) => Some(NOT_YET_DONE),
            (false, true) => Some(DONE_YET_NOT),
            (true, true) | (false, false) => ends.any(|end| end != first).then_some(TWO_OUTCOMES),
        }
    }

    fn is_end(&self, state: &State) -> bool {
        state.executions.iter().all(|at| matches!(at, At::Ended(_) | At::Nobody))
            || state.row.is_some_and(|row| row.attempts >= self.attempts_max)
    }
}

impl Life {
    /// The product's decision, but for the rules that are taken out.
    fn may_i_send(&self, row: &Row) -> Next {
        let (rules, mut timings) = (self.rules, TIMINGS);
        let mut call = row.as_call();
        if row.end.is_none() && row.give_up_in == Some(0) && !rules.keep(Rule::GiveUpWithProof) {
            return Next::GiveUp;
        }
        if call.absences > 0 && !rules.keep(Rule::TwoLooks) {
            call.absences = PROOF_OF_ABSENCE;
        }
        if !rules.keep(Rule::SettleWindow) {
            (timings.timeout_ms, timings.lag_ms) = (0, 0);
        }
        if !rules.keep(Rule::LooksApart) {
            timings.look_up_spacing_ms = 0;
        }
        let looked_up = rules.keep(Rule::LookUpFirst);
        let repeat = if looked_up { Repeat::AfterLookUp } else { Repeat::Harmless };
        decide::next(&call, repeat, &timings)
    }
}

/// Collects what can happen next.
struct Successors<'a> {
    life: &'a Life,
    from: &'a State,
    found: Vec<(Step, State)>,
}

impl Successors<'_> {
    fn add(&mut self, who: &'static str, does: &'static str, change: impl FnOnce(&mut State)) {
        let mut state = *self.from;
        change(&mut state);
        state.forget_what_nobody_awaits();
        if state != *self.from {
            self.found.push(((who, does), state));
        }
    }

    fn goes(&mut self, who: usize, does: &'static str, to: At) {
        self.add(NAMES[who], does, |state| state.executions[who] = to);
    }
}

impl State {
    /// A person who is asked by this execution may do it by hand: it has not ended, and nothing is under way.
    fn is_for_a_person(&self, asked_by: usize) -> bool {
        if self.row.is_some_and(|row| row.end.is_some()) {
            return false;
        }
        let open = |it: &Request| matches!(it.fate, Fate::UnderWay | Fate::Hidden);
        let sends = |at: &At| matches!(at, At::Sending { .. } | At::Awaiting { .. });
        let others = self.executions.iter().enumerate().filter(|(who, _)| *who != asked_by);
        !self.requests.iter().flatten().any(open) && !others.map(|(_, at)| at).any(sends)
    }

    fn forget_what_nobody_awaits(&mut self) {
        for (number, request) in (0_u8..).zip(&mut self.requests) {
            let awaits = |at: &At| matches!(at, At::Awaiting { request, .. } if *request == number);
            let over = request.is_some_and(|request| matches!(request.fate, Fate::Over(_)));
            if over && !self.executions.iter().any(awaits) {
                *request = None;
            }
        }
    }
}
