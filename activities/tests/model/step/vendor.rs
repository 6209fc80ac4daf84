//! What happens around the executions: what a vendor does with a request, what business wants, and how time passes.

use super::{At, Came, Fate, NOT_YET, Repeated, Rule, Successors, TIMINGS};
use crate::row::{Answer, Row};

const VENDOR: &str = "the vendor";

impl Successors<'_> {
    pub(super) fn vendor(&mut self, request: usize) {
        match self.from.requests[request].map(|request| request.fate) {
            Some(Fate::UnderWay) => self.receives(request),
            Some(Fate::Hidden) => self.add(VENDOR, "shows it", |state| {
                state.shown = true;
                let over = Fate::Over(Came::Answer(Answer::Done));
                state.requests[request].iter_mut().for_each(|request| request.fate = over);
            }),
            Some(Fate::Over(_)) | None => {}
        }
    }

    fn receives(&mut self, request: usize) {
        let known = self.from.effects > 0 && self.life.rules.keep(Rule::SameReference);
        let no = Came::Answer(Answer::Rejected);
        if known && self.life.vendor.repeated == Repeated::SaysNo {
            self.ends(request, "says no, for it has this reference already", no);
        } else {
            self.add(VENDOR, "does it", |state| {
                state.effects += 1;
                state.requests[request].iter_mut().for_each(|it| it.fate = Fate::Hidden);
            });
        }
        if self.from.effects == 0 {
            self.ends(request, "says no", no);
            self.ends(request, "refuses it", Came::Refused);
        }
        self.ends(request, "never gets it", Came::Unknown);
    }

    fn ends(&mut self, request: usize, does: &'static str, came: Came) {
        self.add(VENDOR, does, |state| {
            state.requests[request].iter_mut().for_each(|it| it.fate = Fate::Over(came));
        });
    }

    /// Business's bound passes, or a person gives up.
    pub(super) fn business(&mut self) {
        if self.from.row.is_some_and(|row| row.give_up_in == Some(NOT_YET)) {
            self.add("business", "wants it no more", |state| {
                state.row.iter_mut().for_each(Row::give_up);
            });
        }
    }

    /// One tick, unless a request is as old as it may get.
    pub(super) fn clock(&mut self) {
        let ticks = |ms: u64| u8::try_from(ms).unwrap_or(u8::MAX);
        let (window, spacing) =
            (ticks(TIMINGS.settle_window_ms()), ticks(TIMINGS.look_up_spacing_ms));
        let oldest = ticks(TIMINGS.lag_ms) + self.life.vendor.slower_by;
        let open = |fate| matches!(fate, Fate::UnderWay | Fate::Hidden);
        let mut requests = self.from.requests.iter().flatten();
        if requests.any(|request| open(request.fate) && request.age >= oldest) {
            return;
        }
        let older = |age: &mut u8, limit: u8| *age = (*age + 1).min(limit);
        self.add("the clock", "ticks", |state| {
            if let Some(row) = &mut state.row {
                row.since_sent.iter_mut().for_each(|age| older(age, window));
                row.since_looked.iter_mut().for_each(|age| older(age, spacing));
            }
            for request in state.requests.iter_mut().flatten().filter(|it| open(it.fate)) {
                request.age += 1;
            }
            for execution in &mut state.executions {
                if let At::Stamping { began, .. } | At::Sending { began, .. } = execution {
                    older(began, ticks(TIMINGS.timeout_ms));
                }
            }
        });
    }
}
