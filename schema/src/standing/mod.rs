//! Where a booking stands, as everybody is told: the app, the console, the logs. One word, by when it is another at
//! the latest, and the sentence for the customer. It follows from the rows alone, so it changes only with them.

mod by_hand;
mod says;
#[cfg(test)]
mod tests;

use crate::{
    money::Money,
    states::{BookingStatus, states},
    timings::Timings,
};
pub use by_hand::ByHand;
use chrono::{DateTime, TimeDelta, Utc};
pub use says::Says;
use serde::{Deserialize, Serialize};

states! {
    /// Where a booking stands, in one word. It is final when the standing has no `by`.
    Stage {
        /// We are holding the seats.
        HoldingSeats = "holding_seats",
        /// The seats are held; the customer pays.
        ToPay = "to_pay",
        /// The last card was declined; the customer may try again.
        PaymentDeclined = "payment_declined",
        /// Paid, or nothing to pay; the cinema is being told.
        Confirming = "confirming",
        /// The seats are booked; the ticket is being made.
        TicketComing = "ticket_coming",
        /// There is a ticket.
        TicketReady = "ticket_ready",
        /// The seats are booked, and the ticket stays without a picture: its code opens the door.
        TicketByCode = "ticket_by_code",
        /// The show is over.
        Completed = "completed",
        /// It could not be confirmed; what was paid goes back.
        NotConfirmed = "not_confirmed",
        /// Money came after the booking had ended; it goes back.
        PaidTooLate = "paid_too_late",
        /// There is no ticket; the kiosk reverses the payment on its terminal, which `kiosk` says.
        ToReverse = "to_reverse",
        /// There is no ticket; the customer gets the money at the counter, by a code.
        AtTheCounter = "at_the_counter",
        /// The booking has ended, and all its money is back.
        Refunded = "refunded",
        /// It could not be made; nothing was charged.
        Rejected = "rejected",
        /// Called off; nothing was charged.
        Cancelled = "cancelled",
        /// Not paid in time; nothing was charged.
        Expired = "expired",
        /// One of us has to look into it. Money is safe meanwhile.
        InReview = "in_review",
    }
}

impl Stage {
    /// The next move is ours: the customer, or the kiosk, can only wait.
    pub const fn is_ours(self) -> bool {
        match self {
            Self::HoldingSeats
            | Self::Confirming
            | Self::TicketComing
            | Self::NotConfirmed
            | Self::PaidTooLate
            | Self::InReview => true,
            Self::ToPay
            | Self::PaymentDeclined
            | Self::TicketReady
            | Self::TicketByCode
            | Self::Completed
            | Self::ToReverse
            | Self::AtTheCounter
            | Self::Refunded
            | Self::Rejected
            | Self::Cancelled
            | Self::Expired => false,
        }
    }
}

/// Where a booking stands, by when that changes at the latest, and what its customer is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub stage: Stage,
    /// None: this is the end, nothing more happens by itself.
    pub by: Option<DateTime<Utc>>,
    pub says: Says,
}

/// What of the rows decides where a booking stands.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub status: BookingStatus,
    /// It will not be confirmed any more.
    pub unwinding: bool,
    pub end_reason: Option<&'a str>,
    pub total: Option<Money>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub show_starts_at: Option<DateTime<Utc>>,
    pub ticket: Making,
    /// The newest payment's last card was declined.
    pub declined: bool,
    /// The money that is kept for it.
    pub paid: Option<Paid>,
    pub refunds: &'a [Owed<'a>],
    /// The cases that nobody has decided yet.
    pub review: Option<Review>,
    pub timings: &'a Timings,
}

/// How far a ticket's making is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Making {
    NotYet,
    Issued,
    /// A person has decided that its picture is not made any more.
    GivenUp,
}

/// The money that was taken for a booking, and when: at a terminal when the card was tapped, else when we knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    pub amount: Money,
    pub at: DateTime<Utc>,
    /// By a terminal, which can give it back for a minute only.
    pub at_a_terminal: bool,
}

/// Money that goes back, or is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed<'a> {
    pub amount: Money,
    pub since: DateTime<Utc>,
    /// Of the payment that had won the booking; otherwise of one that came too late.
    pub of_won: bool,
    pub done: bool,
    /// People give it back. None: it goes back by itself.
    pub by_hand: Option<ByHand<'a>>,
}

/// What people are looking into: since when, and how much money may be at risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Review {
    pub since: DateTime<Utc>,
    pub at_risk: Money,
}

/// A refund is with the vendor, and a case is decided, within a day: what we promise to people, whatever `Timings` say.
const PROMISE: TimeDelta = TimeDelta::days(1);

impl Standing {
    pub fn of(facts: &Facts<'_>) -> Self {
        let stage = facts.stage();
        let by = facts.by(stage);
        Self { stage, by, says: says::says(facts, stage, by) }
    }

    /// Nothing more happens by itself.
    pub const fn is_final(&self) -> bool {
        self.by.is_none()
    }
}

impl Facts<'_> {
    fn stage(&self) -> Stage {
        if let Some(stage) = self.goes_back_by_hand() {
            return stage;
        }
        if self.in_review() {
            return Stage::InReview;
        }
        match self.status {
            BookingStatus::Requested => Stage::HoldingSeats,
            BookingStatus::Pending if self.is_free() => Stage::Confirming,
            BookingStatus::Pending if self.declined => Stage::PaymentDeclined,
            BookingStatus::Pending => Stage::ToPay,
            BookingStatus::Confirming if self.unwinding => Stage::NotConfirmed,
            BookingStatus::Confirming => Stage::Confirming,
            BookingStatus::Confirmed if self.ticket == Making::Issued => Stage::TicketReady,
            BookingStatus::Confirmed if self.ticket == Making::GivenUp => Stage::TicketByCode,
            BookingStatus::Confirmed => Stage::TicketComing,
            BookingStatus::Completed => Stage::Completed,
            BookingStatus::Rejected => self.ended(Stage::Rejected),
            BookingStatus::Cancelled => self.ended(Stage::Cancelled),
            BookingStatus::Expired => self.ended(Stage::Expired),
        }
    }

    /// Who has a ticket is shown it, and who has neither a booking nor money with us has nothing to wait for.
    fn in_review(&self) -> bool {
        let Some(review) = self.review else { return false };
        match self.status {
            BookingStatus::Requested | BookingStatus::Pending | BookingStatus::Confirming => true,
            BookingStatus::Confirmed => self.ticket == Making::NotYet,
            BookingStatus::Completed => false,
            BookingStatus::Rejected | BookingStatus::Cancelled | BookingStatus::Expired => {
                !review.at_risk.is_zero()
            }
        }
    }

    fn ended(&self, uncharged: Stage) -> Stage {
        let open = || self.refunds.iter().filter(|refund| !refund.done);
        if open().any(|refund| refund.of_won) {
            Stage::NotConfirmed
        } else if open().next().is_some() {
            Stage::PaidTooLate
        } else if self.refunds.is_empty() {
            uncharged
        } else {
            Stage::Refunded
        }
    }

    fn by(&self, stage: Stage) -> Option<DateTime<Utc>> {
        match stage {
            Stage::HoldingSeats => Some(self.held_by()),
            Stage::ToPay | Stage::PaymentDeclined => Some(self.paid_by()),
            Stage::Confirming => Some(self.confirmed_by()),
            Stage::TicketComing => Some(self.ticket_by()),
            Stage::NotConfirmed | Stage::PaidTooLate | Stage::ToReverse | Stage::AtTheCounter => {
                Some(self.refunded_by().unwrap_or(self.updated_at + PROMISE))
            }
            Stage::InReview => Some(self.reviewed_by()),
            // Another payment may still be on its way back.
            Stage::TicketReady
            | Stage::TicketByCode
            | Stage::Completed
            | Stage::Refunded
            | Stage::Rejected
            | Stage::Cancelled
            | Stage::Expired => self.refunded_by().max(self.looked_into_by()),
        }
    }

    /// A booking that cannot be held for as long as its customer would have to pay is given up.
    fn held_by(&self) -> DateTime<Utc> {
        self.created_at + millis(self.timings.booking_expiry_ms)
    }

    fn paid_by(&self) -> DateTime<Utc> {
        self.expires_at.unwrap_or_else(|| self.held_by())
    }

    fn confirmed_by(&self) -> DateTime<Utc> {
        let Timings { confirm_bound_ms, confirm_before_show_ms, terminal, .. } = self.timings;
        let at_a_terminal = self.paid.is_some_and(|paid| paid.at_a_terminal);
        let within_ms = if at_a_terminal { terminal.confirm_ms } else { *confirm_bound_ms };
        self.before_the_show(within_ms, *confirm_before_show_ms)
    }

    /// It is made for as long as it takes, and wanted until the show: nothing sooner is certain.
    fn ticket_by(&self) -> DateTime<Utc> {
        let from = self.paid.map_or(self.updated_at, |paid| paid.at);
        self.show_starts_at.map_or(from + PROMISE, |show| show.max(from))
    }

    /// So long after it was paid (or last moved), or so long before the show, whichever is sooner.
    fn before_the_show(&self, within_ms: u64, before_ms: u64) -> DateTime<Utc> {
        let from = self.paid.map_or(self.updated_at, |paid| paid.at);
        let latest = from + millis(within_ms);
        let show = self.show_starts_at.map_or(latest, |show| show - millis(before_ms));
        latest.min(show).max(from)
    }

    fn refunded_by(&self) -> Option<DateTime<Utc>> {
        let open = self.refunds.iter().filter(|refund| !refund.done);
        open.map(|refund| refund.since + PROMISE).max()
    }

    fn looked_into_by(&self) -> Option<DateTime<Utc>> {
        let review = self.review.filter(|review| !review.at_risk.is_zero())?;
        Some(review.since + PROMISE)
    }

    fn reviewed_by(&self) -> DateTime<Utc> {
        let since = self.review.map_or(self.updated_at, |review| review.since);
        if self.looked_into_by().is_some() || self.paid.is_some() {
            return since + PROMISE;
        }
        // Nobody has paid: the seats wait no longer than the customer would.
        match self.status {
            BookingStatus::Requested => self.held_by(),
            BookingStatus::Pending => self.paid_by(),
            BookingStatus::Confirming
            | BookingStatus::Confirmed
            | BookingStatus::Completed
            | BookingStatus::Rejected
            | BookingStatus::Cancelled
            | BookingStatus::Expired => since + PROMISE,
        }
    }

    fn is_free(&self) -> bool {
        self.total.is_some_and(Money::is_zero)
    }
}

fn millis(ms: u64) -> TimeDelta {
    TimeDelta::milliseconds(
        i64::try_from(ms).unwrap_or(i64::MAX).min(PROMISE.num_milliseconds() * 365),
    )
}
