//! Settling and unwinding: two payments, webhooks and polls, expiry, the customer's cancel, staff's cancel, and a
//! cinema that may book or refuse.
//!
//! Every transaction on the booking's row is decided by the product (`schema::claims`, `PaymentStatus::after`); between
//! any two of them any other thing may happen. The booking's workflow may die after each action without having heard
//! of it, and may begin a new life that knows nothing but the rows. That one call at a vendor happens at most once and
//! ends is `step`'s business: here, confirming at the cinema and sending a refund are such calls.

mod flow;
mod money;
mod rules;

use crate::{
    graphs,
    search::{Model, Step},
};
use flow::Flow;
use money::{Payment, Refund};
use schema::{
    claims::{self, Claim, Row, Wish},
    money::Money,
    states::{BookingStatus, PaymentStatus, Verdict},
};
use std::{collections::BTreeSet, sync::LazyLock};

/// A rule of settling or unwinding that a test can take out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// A webhook is a hint: the vendor itself is asked what it has taken.
    VendorIsAsked,
    /// A capture claims the booking as it is, under its lock; not as it was when it was read.
    GuardedClaim,
    /// A capture that has its verdict keeps it.
    OneVerdict,
    /// Only what the booking costs now wins it.
    ExactMoney,
    /// Money that comes late is owed back in the transaction that writes it down.
    LateMoneyIsOwedAtOnce,
    /// A payment is asked about until its session is over, whatever became of its booking.
    AskedToTheEnd,
    /// That nobody has paid is believed only once the session has been over for the vendor's lag.
    UnpaidOnlyAtTheEnd,
    /// Expiry looks at `expires_at` once more when it claims.
    ExpiryLooksAgain,
    /// An undo is owed before the step that it undoes.
    OwedBeforeDone,
    /// An undo closes the step that it undoes, so that no straggler does it afterwards.
    UndoClosesFirst,
    /// A booking that is being unwound is not confirmed any more.
    UnwoundIsNotConfirmed,
    /// Beginning to unwind owes back what the booking has won, in the same transaction.
    UnwindingOwesAtOnce,
    /// The cinema releases the booking before its money goes back.
    ReleasedBeforeRefunded,
}

/// The world of one search.
#[derive(Clone, Copy, Debug, Default)]
struct Race {
    without: Option<Rule>,
    /// All webhooks are lost.
    webhooks_are_lost: bool,
    /// Money may show longer after the session than the lag that we know.
    slower_than_its_lag: bool,
}

impl Race {
    fn keeps(self, rule: Rule) -> bool {
        self.without != Some(rule)
    }
}

const NEVER_PAID: &str = "money was settled that the vendor has not taken";
const KEPT_TWICE: &str = "two captures are kept for one booking";
const KEPT_FOR_NOTHING: &str = "the booking has ended, and its money is not owed back";
const LATE_AND_KEPT: &str = "money that came late is not owed back";
const CONFIRMED_UNPAID: &str = "the booking is confirmed, and its money is not kept";
const ANOTHER_AMOUNT: &str = "the booking is confirmed for another amount than it costs";
const SEATS_TWICE: &str = "the seats are free here, and booked at the cinema";
const REFUNDED_FIRST: &str = "the money went back, and the cinema has not released the booking";
const CUT_SHORT: &str = "the booking has expired, and its customer still had time";
const OFF_THE_GRAPH: &str = "a status has left the published graph";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct State {
    status: BookingStatus,
    unwinding: bool,
    /// What it costs; the order's total changes once.
    costs: u8,
    /// Ticks until `expires_at`.
    left: u8,
    payments: [Payment; 2],
    confirming: Call,
    /// A workflow that has died or moved on may still be about to confirm at the cinema.
    straggler: bool,
    /// The cinema has a booking.
    booked: bool,
    flow: Flow,
    /// A move that must never be made, if one was.
    wrong: Option<&'static str>,
}

/// Confirming at the cinema: one call with a life of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Call {
    NotYet,
    UnderWay,
    /// The cinema has decided, and nobody has written it down.
    Decided,
    Over,
}

/// The customer's time, which opening a payment restarts.
const TIME: u8 = 1;

impl Model for Race {
    type State = State;

    fn first(&self) -> State {
        State {
            status: BookingStatus::Requested,
            unwinding: false,
            costs: 1,
            left: TIME,
            payments: [Payment::NONE; 2],
            confirming: Call::NotYet,
            straggler: false,
            booked: false,
            flow: Flow::Start,
            wrong: None,
        }
    }

    fn next(&self, state: &State) -> Vec<(Step, State)> {
        let mut next = Successors { race: self, from: state, found: Vec::new() };
        next.flow();
        next.cinema();
        next.cancels();
        (0..state.payments.len()).for_each(|payment| next.payment(payment));
        next.clock();
        next.found
    }

    fn broken(&self, state: &State) -> Option<&'static str> {
        let kept = |payment: &&Payment| {
            payment.verdict == Some(Verdict::Won) && payment.refund == Refund::None
        };
        let kept: Vec<&Payment> = state.payments.iter().filter(kept).collect();
        let owed_nothing = |payment: &&Payment| {
            payment.verdict == Some(Verdict::Late) && payment.refund == Refund::None
        };
        let gone_back = |payment: &Payment| {
            payment.verdict == Some(Verdict::Won) && payment.refund == Refund::Back
        };
        let confirmed = state.status == BookingStatus::Confirmed;
        let cinema_holds = state.booked || !matches!(state.confirming, Call::NotYet | Call::Over);
        let broken = [
            (state.payments.iter().any(|it| it.is_settled_unpaid()), NEVER_PAID),
            (kept.len() > 1, KEPT_TWICE),
            (state.status.frees_seats() && !kept.is_empty(), KEPT_FOR_NOTHING),
            (state.payments.iter().any(|it| owed_nothing(&it)), LATE_AND_KEPT),
            (confirmed && kept.is_empty(), CONFIRMED_UNPAID),
            (confirmed && kept.iter().any(|it| it.asked != state.costs), ANOTHER_AMOUNT),
            (state.status.frees_seats() && state.booked, SEATS_TWICE),
            (state.payments.iter().any(gone_back) && cinema_holds, REFUNDED_FIRST),
        ];
        let first = broken.iter().find(|(so, _)| *so).map(|(_, broken)| *broken);
        state.wrong.or(first)
    }

    fn is_end(&self, state: &State) -> bool {
        state.flow == Flow::Done
            && state.status.is_final()
            && state.payments.iter().all(|payment| payment.has_ended(state.status))
    }
}

static EDGES: LazyLock<BTreeSet<(String, String)>> = LazyLock::new(|| graphs::edges("booking"));

impl State {
    fn row(&self) -> Row {
        Row {
            status: self.status,
            total: Some(Money::sar(i64::from(self.costs))),
            expired: self.left == 0,
            unwinding: self.unwinding,
        }
    }

    fn moves_to(&mut self, to: BookingStatus) {
        let edge = (self.status.name().to_owned(), to.name().to_owned());
        if self.status != to && !EDGES.contains(&edge) {
            self.wrong = Some(OFF_THE_GRAPH);
        }
        self.status = to;
    }

    /// Locks the row, decides the wish, and moves the booking if it has won.
    fn claim(&mut self, wish: Wish) -> Claim {
        let claim = claims::decide(&self.row(), wish);
        if let Claim::Moves(to) = claim {
            self.moves_to(to);
        }
        claim
    }
}

/// Collects what can happen next.
struct Successors<'a> {
    race: &'a Race,
    from: &'a State,
    found: Vec<(Step, State)>,
}

impl Successors<'_> {
    fn add(&mut self, who: &'static str, does: &'static str, change: impl FnOnce(&mut State)) {
        let mut state = *self.from;
        change(&mut state);
        if state != *self.from {
            self.found.push(((who, does), state));
        }
    }

    fn cancels(&mut self) {
        self.add("the customer", "cancels", |state| {
            state.claim(Wish::Cancel);
        });
    }

    fn clock(&mut self) {
        self.add("the clock", "ticks", |state| state.left = state.left.saturating_sub(1));
    }
}
