//! What one execution of the step does next, one action at a time, as `activities::step` does it.

use super::{
    At, Came, Fate, NAMES, NOT_YET, Request, Rule, State, Successors, TIMINGS, UNDO, Write,
};
use crate::row::{Answer, End, Look, Row};
use activities::step::{
    Seen,
    decide::{self, Heard, Looked, Next, Repeat},
};
use adapters::error::Error as VendorError;
use schema::vendor_calls::Entry;

impl Successors<'_> {
    pub(super) fn execution(&mut self, who: usize) {
        match self.from.executions[who] {
            At::Away if who == UNDO => return self.enters_to_close(),
            At::Away => return self.enters_to_send(who),
            At::Stamping { seen, began } => self.stamps(who, seen, began),
            At::Sending { attempt, began } => self.sends(who, attempt, began),
            At::Awaiting { attempt, request } => self.awaits(who, attempt, request),
            At::Looking(look) => self.looks(who, look),
            At::Writing(write) => self.writes(who, write),
            At::Ended(_) | At::Nobody => return,
        }
        self.goes(who, "dies", At::Away);
    }

    fn enters_to_send(&mut self, who: usize) {
        let Some(row) = self.from.row else {
            let first = At::Sending { attempt: 1, began: 0 };
            if !self.life.rules.keep(Rule::IntentFirst) {
                return self.goes(who, "writes nothing down", first);
            }
            let give_up_in = self.life.may_end_early.then_some(NOT_YET);
            return self.add(NAMES[who], "inserts the row", |state| {
                Row::enter(&mut state.row, Entry::ToSend, give_up_in);
                state.executions[who] = first;
            });
        };
        let seen = row.attempts;
        match self.life.may_i_send(&row) {
            Next::Send => self.goes(who, "finds it free to send", At::Stamping { seen, began: 0 }),
            Next::GiveUp => {
                let write = Write::EndWithout { end: End::GaveUp, seen };
                self.goes(who, "finds it free to give up", At::Writing(write));
            }
            other @ (Next::Answered
            | Next::Wait { .. }
            | Next::LookUp
            | Next::AcceptNo
            | Next::Settled) => self.finds(who, &row, other),
        }
    }

    fn enters_to_close(&mut self) {
        if !self.life.rules.keep(Rule::UndoClosesFirst) {
            let done = if self.from.shown { End::Answer(Answer::Done) } else { End::Absent };
            return self.goes(UNDO, "looks, and closes nothing", At::Ended(done));
        }
        let Some(row) = self.from.row else {
            return self.add(NAMES[UNDO], "inserts the row, as never happened", |state| {
                Row::enter(&mut state.row, Entry::ToClose, None);
                state.executions[UNDO] = At::Ended(End::Absent);
            });
        };
        match self.life.may_i_send(&row) {
            Next::Send | Next::GiveUp => {
                let write = Write::EndWithout { end: End::Absent, seen: row.attempts };
                self.goes(UNDO, "finds that nothing was done", At::Writing(write));
            }
            other @ (Next::Answered
            | Next::Wait { .. }
            | Next::LookUp
            | Next::AcceptNo
            | Next::Settled) => self.finds(UNDO, &row, other),
        }
    }

    /// What performing and closing make of the row alike.
    fn finds(&mut self, who: usize, row: &Row, next: Next) {
        match (next, row.end, row.said_no) {
            (Next::Answered, Some(end), _) => self.goes(who, "finds the outcome", At::Ended(end)),
            (Next::LookUp, ..) => {
                let look = Look { attempts: row.attempts, absences: row.absences, no: None };
                self.goes(who, "finds that it must be looked up", At::Looking(look));
            }
            (Next::Settled, ..) => {
                let write = Write::Answer { answer: Answer::Done, from: row.attempts };
                self.goes(who, "finds what a person has settled", At::Writing(write));
            }
            (Next::AcceptNo, _, Some(no)) => {
                let write = Write::Answer { answer: no, from: row.attempts };
                self.goes(who, "finds that the no stands", At::Writing(write));
            }
            // It comes back later.
            _ => {}
        }
    }

    fn stamps(&mut self, who: usize, seen: u8, began: u8) {
        if self.from.row.is_some_and(|row| row.attempts >= self.life.attempts_max) {
            return;
        }
        let rules = self.life.rules;
        self.add(NAMES[who], "stamps the row", |state| {
            let stamped = state.row.as_mut().and_then(|row| row.stamp(seen, rules));
            state.executions[who] =
                stamped.map_or(At::Away, |attempt| At::Sending { attempt, began });
        });
    }

    fn sends(&mut self, who: usize, attempt: u8, began: u8) {
        let late = u64::from(began) >= TIMINGS.timeout_ms;
        if late && self.life.rules.keep(Rule::TooLateIsNotSent) {
            return self.hears(who, "finds it too late to send", attempt, Came::Unavailable);
        }
        self.hears(who, "cannot reach the vendor", attempt, Came::Unavailable);
        let free = (0_u8..).zip(&self.from.requests).find(|(_, request)| request.is_none());
        if let Some((number, _)) = free {
            self.add(NAMES[who], "sends", |state| {
                state.requests[usize::from(number)] =
                    Some(Request { age: 0, fate: Fate::UnderWay });
                state.executions[who] = At::Awaiting { attempt, request: number };
            });
        }
    }

    fn awaits(&mut self, who: usize, attempt: u8, request: u8) {
        self.hears(who, "hears nothing in time", attempt, Came::Unknown);
        let came = match self.from.requests[usize::from(request)].map(|request| request.fate) {
            Some(Fate::Hidden) => Came::Answer(Answer::Done),
            Some(Fate::Over(came)) => came,
            Some(Fate::UnderWay) | None => return,
        };
        self.hears(who, "hears the answer", attempt, came);
    }

    fn hears(&mut self, who: usize, does: &'static str, attempt: u8, came: Came) {
        let rules = self.life.rules;
        let answer = match came {
            Came::Answer(answer) => Ok(answer),
            Came::Unknown if rules.keep(Rule::UnknownIsUnknown) => Err(VendorError::unknown("")),
            Came::Unavailable | Came::Unknown => Err(VendorError::unavailable("")),
            Came::Refused => Err(VendorError::refused("", "")),
        };
        let doubted = rules.keep(Rule::NoToAReSendIsLookedUp);
        let nth = if doubted { i32::from(attempt) } else { 1 };
        let to = match decide::heard(answer, nth, Repeat::AfterLookUp, |answer| answer.is_no()) {
            Heard::Record(answer) => At::Writing(Write::Answer { answer, from: attempt }),
            Heard::KeepNo(no) => At::Writing(Write::KeepNo { no, attempt }),
            Heard::NeverLeft { .. } => At::Writing(Write::NeverLeft { attempt }),
            Heard::StillUnknown { .. } => At::Away,
            Heard::AskUnlessDone { .. } if self.from.shown => At::Away,
            Heard::AskUnlessDone { .. } | Heard::AskAPerson { .. } => {
                return self.asks_a_person(who);
            }
        };
        self.goes(who, does, to);
    }

    fn looks(&mut self, who: usize, look: Look) {
        if self.from.shown {
            return self.sees(who, "asks: done", look, Seen::Found(Answer::Done));
        }
        self.sees(who, "asks: nothing", look, Seen::Absent);
        self.sees(who, "asks: neither yes nor no", look, Seen::Unclear(String::new()));
        if self.life.vendor.calls_it_gone {
            self.sees(who, "asks: gone", look, Seen::Found(Answer::Gone));
        }
    }

    fn sees(&mut self, who: usize, does: &'static str, look: Look, seen: Seen<Answer>) {
        let Some(row) = self.from.row else { return };
        let to = match decide::looked(Ok(seen), &row.as_call(), |answer| answer.is_no()) {
            Looked::Record(answer) => At::Writing(Write::Answer { answer, from: look.attempts }),
            Looked::NothingDone(no) => At::Writing(Write::NotFound(Look { no, ..look })),
            Looked::StillUnknown { .. } => At::Away,
            Looked::AskAPerson { .. } => return self.asks_a_person(who),
        };
        self.goes(who, does, to);
    }

    /// A person decides. To give up is business's word, too, which may come any time.
    fn asks_a_person(&mut self, who: usize) {
        let attempt = self.from.row.map_or(1, |row| row.attempts);
        let at_the_row = self.life.rules.keep(Rule::RetryAtTheRow);
        let to = if at_the_row { At::Away } else { At::Sending { attempt, began: 0 } };
        self.goes(who, "asks a person, who says retry", to);
        if self.from.is_for_a_person(who) {
            self.add(NAMES[who], "asks a person, who has it done by hand", |state| {
                state.executions[who] = At::Away;
                state.row.iter_mut().for_each(Row::settle_by_hand);
                (state.effects, state.shown) = (1, true);
            });
        }
    }

    fn writes(&mut self, who: usize, write: Write) {
        let rules = self.life.rules;
        let spacing = u8::from(rules.keep(Rule::LooksApart));
        let change = |row: &mut Row| match write {
            Write::Answer { answer, from } => {
                let from = answer.is_no().then_some(from);
                match (row.answer(answer, from, rules), row.end) {
                    (true, _) => At::Ended(End::Answer(answer)),
                    (false, Some(end)) => At::Ended(end),
                    (false, None) => At::Away,
                }
            }
            Write::EndWithout { end, seen } => {
                if row.end_without(seen, end, rules) {
                    At::Ended(end)
                } else {
                    At::Away
                }
            }
            Write::KeepNo { no, attempt } => {
                row.said_no(attempt, no);
                At::Away
            }
            Write::NeverLeft { attempt } => {
                row.never_left(attempt, rules);
                At::Away
            }
            Write::NotFound(look) => {
                row.not_found(look, spacing, rules);
                At::Away
            }
        };
        let does = match write {
            Write::Answer { .. } => "records the answer",
            Write::EndWithout { .. } => "ends the step without an answer",
            Write::KeepNo { .. } => "keeps the no",
            Write::NeverLeft { .. } => "clears the stamp",
            Write::NotFound(_) => "counts an absence",
        };
        self.add(NAMES[who], does, |state: &mut State| {
            // Without an intent there is no row yet.
            Row::enter(&mut state.row, Entry::ToSend, None);
            state.executions[who] = state.row.as_mut().map_or(At::Away, change);
        });
    }
}
