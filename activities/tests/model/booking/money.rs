//! The customer's money: paid at the vendor at any time while its session lives, shown after a while, asked about by
//! polls and webhooks, settled, and sent back.

use super::{
    BookingStatus, Claim, Money, PaymentStatus, Race, Rule, State, Successors, TIME, Verdict, Wish,
    claims,
};
use schema::states::VendorSays;

/// One attempt to pay, in our rows and at the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Payment {
    pub status: PaymentStatus,
    pub asked: u8,
    pub verdict: Option<Verdict>,
    pub refund: Refund,
    page: Page,
    paid: Paid,
    /// Somebody has read the row, and believes that this payment wins. Only without `GuardedClaim`.
    believed: bool,
}

/// The vendor's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Page {
    NotYet,
    Open,
    /// Its session has been over for longer than the vendor's lag.
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Paid {
    No,
    /// The vendor does not show it yet.
    Hidden,
    Shown,
}

/// Our row of the money that goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Refund {
    None,
    Owed,
    Back,
}

const NAMES: [[&str; 5]; 2] = [
    ["the customer", "the vendor", "a webhook", "a poll", "Refund"],
    ["the customer's other tab", "the vendor", "another webhook", "another poll", "another Refund"],
];

impl Payment {
    pub(super) const NONE: Self = Self {
        status: PaymentStatus::Open,
        asked: 0,
        verdict: None,
        refund: Refund::None,
        page: Page::NotYet,
        paid: Paid::No,
        believed: false,
    };

    /// Nothing is left to be done about it, its booking having ended like this.
    pub(super) fn has_ended(self, booking: BookingStatus) -> bool {
        match (self.page, self.paid) {
            (Page::NotYet, _) => true,
            (Page::Open, _) => false,
            (Page::Over, Paid::No) => self.status == PaymentStatus::Abandoned,
            (Page::Over, Paid::Hidden | Paid::Shown) => {
                let kept = booking == BookingStatus::Confirmed && self.refund == Refund::None;
                self.verdict.is_some() && (kept || self.refund == Refund::Back)
            }
        }
    }

    pub(super) fn is_settled_unpaid(self) -> bool {
        self.verdict.is_some() && self.paid == Paid::No
    }

    fn hears(&mut self, word: VendorSays) {
        self.status = self.status.after(word).unwrap_or(self.status);
    }
}

impl Successors<'_> {
    pub(super) fn payment(&mut self, at: usize) {
        let payment = self.from.payments[at];
        let [customer, vendor, webhook, poll, refund] = NAMES[at];
        match payment.page {
            Page::NotYet => return self.is_opened(at, customer),
            Page::Open => {
                if payment.paid == Paid::No {
                    self.add(customer, "pays", |state| state.payments[at].paid = Paid::Hidden);
                }
                if payment.paid != Paid::Hidden || self.race.slower_than_its_lag {
                    self.add(vendor, "ends the session", |state| {
                        state.payments[at].page = Page::Over;
                    });
                }
            }
            Page::Over => {}
        }
        if payment.paid == Paid::Hidden {
            self.add(vendor, "shows the money", |state| state.payments[at].paid = Paid::Shown);
        }
        if !self.race.webhooks_are_lost {
            self.asks(at, webhook);
        }
        if self.polls(payment) {
            self.asks(at, poll);
        }
        let anybody = payment.verdict == Some(Verdict::Late)
            || !self.race.keeps(Rule::ReleasedBeforeRefunded);
        if anybody && payment.refund == Refund::Owed {
            self.add(refund, "sends the money back", |state| {
                state.payments[at].refund = Refund::Back;
            });
        }
    }

    /// Opening reads what is to pay, and restarts the cinema's timer. The second payment finds another total.
    fn is_opened(&mut self, at: usize, customer: &'static str) {
        if self.from.status == BookingStatus::Pending {
            self.add(customer, "opens a payment", |state| {
                state.left = TIME;
                if state.payments.iter().any(|payment| payment.page != Page::NotYet) {
                    state.costs = 2;
                }
                state.payments[at].asked = state.costs;
                state.payments[at].page = Page::Open;
            });
        }
    }

    /// Polls go on until the vendor has said its last word.
    fn polls(&self, payment: Payment) -> bool {
        let waits = match payment.status {
            PaymentStatus::Open | PaymentStatus::Failed | PaymentStatus::Authorized => true,
            PaymentStatus::Captured | PaymentStatus::Abandoned | PaymentStatus::Voided => false,
        };
        let pending = self.from.status == BookingStatus::Pending;
        waits && (pending || self.race.keeps(Rule::AskedToTheEnd))
    }

    fn asks(&mut self, at: usize, who: &'static str) {
        let race = *self.race;
        let payment = self.from.payments[at];
        let shown = payment.paid == Paid::Shown || !race.keeps(Rule::VendorIsAsked);
        if shown && !race.keeps(Rule::GuardedClaim) {
            self.add(who, "reads the row, and will write what it has read", |state| {
                let money = claims::Paid::from(state.payments[at]);
                let claim = claims::decide(&state.row(), Wish::Capture(money));
                state.payments[at].believed |= matches!(claim, Claim::Moves(_));
            });
        }
        if shown {
            return self.add(who, "settles", |state| state.settles(at, race));
        }
        self.add(who, "hears of a decline", |state| {
            state.payments[at].hears(VendorSays::Declined);
        });
        if payment.page == Page::Over || !race.keeps(Rule::UnpaidOnlyAtTheEnd) {
            self.add(who, "hears that nobody has paid", |state| {
                state.payments[at].hears(VendorSays::NoMoney);
            });
        }
    }
}

impl From<Payment> for claims::Paid {
    fn from(payment: Payment) -> Self {
        let money = Money::sar(i64::from(payment.asked));
        Self { asked: Some(money), taken: money }
    }
}

impl State {
    /// `schema::settling::settle`, in one transaction.
    fn settles(&mut self, at: usize, race: Race) {
        let Payment { verdict, believed, .. } = self.payments[at];
        if verdict.is_some() && race.keeps(Rule::OneVerdict) {
            return;
        }
        let money = claims::Paid::from(self.payments[at]);
        let mut row = self.row();
        if !race.keeps(Rule::ExactMoney) {
            row.total = Some(money.taken);
        }
        let claim = if believed {
            Claim::Moves(BookingStatus::Confirming)
        } else {
            claims::decide(&row, Wish::Capture(money))
        };
        if let Claim::Moves(to) = claim {
            self.moves_to(to);
        }
        let new = claims::verdict(money, claim);
        let payment = &mut self.payments[at];
        payment.verdict = verdict.or(Some(new));
        payment.hears(VendorSays::Captured);
        let owes = new == Verdict::Late && race.keeps(Rule::LateMoneyIsOwedAtOnce);
        if owes && payment.refund == Refund::None {
            payment.refund = Refund::Owed;
        }
    }
}
