//! The booking's workflow (`workflows::booking`, `workflows::saga`), one action at a time, and the cinema.

use super::{
    BookingStatus, CUT_SHORT, Call, Claim, Refund, Rule, State, Successors, Verdict, Wish, claims,
};
use schema::unwinding::Cause;

/// Where the workflow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Flow {
    /// It begins, or begins again, at the row.
    Start,
    Holding,
    Waiting,
    /// It has seen that the time is over. Only without `ExpiryLooksAgain`.
    Expiring,
    Confirming {
        release_owed: bool,
    },
    Unwinding {
        stage: Stage,
        release_owed: bool,
    },
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    Begin(Cause),
    Release,
    Refund,
    Finish,
}

const FLOW: &str = "Booking";
const CINEMA: &str = "the cinema";
const STRAGGLER: &str = "a straggler";

impl Successors<'_> {
    pub(super) fn flow(&mut self) {
        let flow = self.from.flow;
        match flow {
            Flow::Start => self.starts(),
            Flow::Holding => self.holds(),
            Flow::Waiting => self.waits(),
            Flow::Expiring => self.acts("expires it", |state| {
                let still_had_time = state.left > 0;
                state.left = 0;
                if let (Claim::Moves(_), true) = (state.claim(Wish::Expire), still_had_time) {
                    state.wrong = Some(CUT_SHORT);
                }
                Some(Flow::Waiting)
            }),
            Flow::Confirming { release_owed } => self.confirms(release_owed),
            Flow::Unwinding { stage, release_owed } => self.unwinds(stage, release_owed),
            Flow::Done => return,
        }
        let confirms = matches!(flow, Flow::Confirming { .. });
        if flow != Flow::Start {
            self.add(FLOW, "begins a new life", |state| {
                state.straggler |= confirms;
                state.flow = Flow::Start;
            });
        }
        let release_owed = match flow {
            Flow::Unwinding { .. } | Flow::Done => return,
            Flow::Confirming { release_owed } => release_owed,
            // An older life may have come far: until the row has spoken, everything is owed.
            Flow::Start => self.race.keeps(Rule::OwedBeforeDone),
            Flow::Holding | Flow::Waiting | Flow::Expiring => false,
        };
        let stage = Stage::Begin(Cause::CancelledByStaff);
        self.add("staff", "cancels", |state| {
            state.straggler |= confirms;
            state.flow = Flow::Unwinding { stage, release_owed };
        });
    }

    /// Does an action, and goes on; or dies before it hears that it is done.
    fn acts(&mut self, does: &'static str, action: impl Fn(&mut State) -> Option<Flow>) {
        let Some(to) = action(&mut self.from.clone()) else { return };
        self.add(FLOW, does, |state| {
            action(state);
            state.flow = to;
        });
        self.add("Booking dies as it", does, |state| {
            action(state);
        });
    }

    fn starts(&mut self) {
        let owed_first = self.race.keeps(Rule::OwedBeforeDone);
        self.acts("reads the row", |state| {
            let release_owed = owed_first && state.status == BookingStatus::Confirming;
            Some(if state.status.is_final() {
                Flow::Done
            } else if state.unwinding {
                Flow::Unwinding { stage: Stage::Begin(Cause::EndedBefore), release_owed }
            } else if state.status == BookingStatus::Requested {
                Flow::Holding
            } else if state.status == BookingStatus::Pending {
                Flow::Waiting
            } else {
                Flow::Confirming { release_owed }
            })
        });
    }

    fn holds(&mut self) {
        self.acts("holds the seats", |state| {
            state.claim(Wish::Hold);
            Some(Flow::Waiting)
        });
        self.acts("finds the seats taken", |state| {
            state.claim(Wish::Reject);
            Some(ended_before(false))
        });
    }

    fn waits(&mut self) {
        let looks_again = self.race.keeps(Rule::ExpiryLooksAgain);
        let owed_first = self.race.keeps(Rule::OwedBeforeDone);
        self.acts("looks at the row", |state| match state.status {
            BookingStatus::Pending if state.left > 0 => None,
            BookingStatus::Pending if looks_again => {
                state.claim(Wish::Expire);
                Some(Flow::Waiting)
            }
            BookingStatus::Pending => Some(Flow::Expiring),
            BookingStatus::Confirming => Some(Flow::Confirming { release_owed: owed_first }),
            BookingStatus::Confirmed | BookingStatus::Completed => Some(Flow::Done),
            BookingStatus::Requested
            | BookingStatus::Rejected
            | BookingStatus::Cancelled
            | BookingStatus::Expired => Some(ended_before(false)),
        });
    }

    fn confirms(&mut self, release_owed: bool) {
        let forbidden = self.race.keeps(Rule::UnwoundIsNotConfirmed);
        self.acts("confirms at the cinema", |state| match state.confirming {
            Call::NotYet => {
                state.confirming = Call::UnderWay;
                Some(Flow::Confirming { release_owed })
            }
            Call::UnderWay => None,
            Call::Decided | Call::Over => {
                state.writes_what_the_cinema_decided(forbidden);
                let stage = Stage::Begin(Cause::VistaRejected);
                let confirmed = state.status == BookingStatus::Confirmed;
                // The step has returned: now the release is owed, even if nobody cared before.
                let back = Flow::Unwinding { stage, release_owed: true };
                Some(if confirmed { Flow::Done } else { back })
            }
        });
    }

    fn unwinds(&mut self, stage: Stage, release_owed: bool) {
        let at = |stage| Some(Flow::Unwinding { stage, release_owed });
        let closes = self.race.keeps(Rule::UndoClosesFirst);
        let release_first = self.race.keeps(Rule::ReleasedBeforeRefunded);
        let owes_at_once = self.race.keeps(Rule::UnwindingOwesAtOnce);
        let forbidden = self.race.keeps(Rule::UnwoundIsNotConfirmed);
        match stage {
            Stage::Begin(cause) => self.acts("begins to unwind", |state| {
                match state.claim(Wish::Unwind(cause)) {
                    Claim::Lost => return Some(Flow::Done),
                    Claim::Unwinds => {
                        state.unwinding = true;
                        if owes_at_once {
                            state.owes_what_was_won();
                        }
                    }
                    Claim::Moves(_) | Claim::Done => {}
                }
                at(if release_first { Stage::Release } else { Stage::Refund })
            }),
            Stage::Release => self.acts("has the cinema release it", |state| {
                if release_owed {
                    match state.confirming {
                        // It is not known yet what became of it.
                        Call::UnderWay => return None,
                        Call::NotYet if closes => state.confirming = Call::Over,
                        Call::NotYet => {}
                        Call::Decided | Call::Over => {
                            state.writes_what_the_cinema_decided(forbidden);
                        }
                    }
                    state.booked = false;
                }
                at(if release_first { Stage::Refund } else { Stage::Finish })
            }),
            Stage::Refund => self.acts("has the refund sent", |state| {
                let won = |payment: &&mut super::Payment| payment.verdict == Some(Verdict::Won);
                for payment in state.payments.iter_mut().filter(won) {
                    if payment.refund == Refund::Owed {
                        payment.refund = Refund::Back;
                    }
                }
                at(if release_first { Stage::Finish } else { Stage::Release })
            }),
            Stage::Finish => self.acts("ends the unwinding", |state| {
                state.claim(Wish::FinishUnwind);
                Some(Flow::Done)
            }),
        }
    }

    /// What the cinema makes of a request, and a straggler that writes it down for a workflow that has moved on.
    pub(super) fn cinema(&mut self) {
        if self.from.confirming == Call::NotYet && self.from.straggler {
            self.add(STRAGGLER, "confirms at the cinema", |state| {
                state.confirming = Call::UnderWay;
            });
        }
        if self.from.confirming == Call::UnderWay {
            self.add(CINEMA, "books", |state| {
                (state.confirming, state.booked) = (Call::Decided, true);
            });
            self.add(CINEMA, "refuses", |state| state.confirming = Call::Decided);
        }
        if self.from.confirming == Call::Decided {
            let forbidden = self.race.keeps(Rule::UnwoundIsNotConfirmed);
            self.add(STRAGGLER, "writes down what the cinema decided", |state| {
                state.writes_what_the_cinema_decided(forbidden);
            });
        }
    }
}

fn ended_before(release_owed: bool) -> Flow {
    Flow::Unwinding { stage: Stage::Begin(Cause::EndedBefore), release_owed }
}

impl State {
    /// The outcome and its projection, in one transaction.
    fn writes_what_the_cinema_decided(&mut self, unwound_is_not_confirmed: bool) {
        if self.confirming == Call::Over {
            return;
        }
        self.confirming = Call::Over;
        if self.booked {
            let mut row = self.row();
            row.unwinding &= unwound_is_not_confirmed;
            if let Claim::Moves(to) = claims::decide(&row, Wish::Confirm) {
                self.moves_to(to);
            }
        }
    }

    fn owes_what_was_won(&mut self) {
        for payment in &mut self.payments {
            if payment.verdict == Some(Verdict::Won) && payment.refund == Refund::None {
                payment.refund = Refund::Owed;
            }
        }
    }
}
