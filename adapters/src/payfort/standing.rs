//! How an order stands, as `CHECK_STATUS` shows it: three totals, and the last operation only.
//!
//! The totals are what is believed first: the last operation may be a refusal that changed nothing. There is no list of
//! refunds, so what a look-up can prove of one rests on this: Usher makes one refund of a payment, so money that went back
//! in its amount is that refund, or the same money sent back by a person. Any other amount proves nothing, and is unknown.

use super::{codes::Class, message::Message, signing::Channel};
use crate::{
    error::Error,
    provider::{
        CaptureOrder, CaptureState, Question, RefundOrder, RefundState, Transaction,
        TransactionState,
    },
};
use schema::money::Shown;

/// An operation that follows a payment, by the statuses of its codes: done, failed.
type FollowUp = [&'static str; 2];
const CAPTURE: FollowUp = ["04", "05"];
const REFUND: FollowUp = ["06", "07"];
const VOID: FollowUp = ["08", "09"];

/// The statuses that only a charge has, from its token to its review.
const OF_CHARGES: [&str; 14] =
    ["01", "02", "03", "10", "13", "14", "17", "18", "20", "23", "24", "40", "44", "45"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    fort_id: String,
    /// The last operation's code.
    code: String,
    authorized: i64,
    captured: i64,
    /// None of it, in its currency.
    nothing: Shown,
    refunded: i64,
    brand: Option<String>,
    last4: Option<String>,
}

impl Standing {
    /// `None`: nothing has been tried with this order's money. A card that became a token moved none.
    pub(super) fn of(answer: &Message) -> Result<Option<Self>, Error> {
        let total = |name| answer.minor(name).map(Option::unwrap_or_default);
        let code = answer.code("transaction_code");
        let (authorized, captured) = (total("authorized_amount")?, total("captured_amount")?);
        let untouched = authorized == 0 && captured == 0;
        let no_payment = answer.get("transaction_code").is_none()
            || Class::of(code) == Class::Tokenized
            || code.starts_with("17");
        if untouched && no_payment {
            return Ok(None);
        }
        let nothing = answer.amount(0)?;
        let fort_id =
            answer.fort_id().ok_or_else(|| Error::unknown("payfort: an order without an id"))?;
        Ok(Some(Self {
            fort_id: fort_id.to_owned(),
            code: code.to_owned(),
            authorized,
            captured,
            nothing,
            refunded: total("refunded_amount")?,
            brand: answer.brand(),
            last4: answer.last4(),
        }))
    }

    fn class(&self) -> Class {
        Class::of(&self.code)
    }

    fn is_one_of(&self, statuses: &[&str]) -> bool {
        statuses.iter().any(|status| self.code.starts_with(status))
    }

    /// The last operation has failed for certain, and was this one.
    fn has_failed(&self, [_, failed]: FollowUp) -> bool {
        self.is_one_of(&[failed]) && matches!(self.class(), Class::Declined | Class::NotNow)
    }

    /// This operation is neither done nor refused for certain. A code of another operation is no verdict on it; one that
    /// any could have, as "pending", may be its own.
    fn is_undecided(&self, this: FollowUp) -> bool {
        let of_another = self.is_one_of(&OF_CHARGES)
            || [CAPTURE, REFUND, VOID].iter().any(|other| *other != this && self.is_one_of(other));
        !of_another && matches!(self.class(), Class::Pending | Class::Uncertain | Class::Unknown)
    }

    /// The customer is to show who they are to their bank. Until they have, nothing is charged; if they never do, this is
    /// the vendor's last word.
    pub(super) fn waits_for_the_customer(&self) -> bool {
        self.class() == Class::Checks3ds && self.authorized == 0 && self.captured == 0
    }

    /// What became of the money, and how much of it there is.
    fn state(&self) -> Result<(TransactionState, i64), Error> {
        let review = self.is_one_of(&["40"]);
        if self.captured > 0 {
            return Ok((TransactionState::Captured { review }, self.captured));
        }
        // Where a purchase is not counted as a capture, it is what was authorised.
        if self.authorized > 0 && (self.is_one_of(&["14"]) || self.has_a_refund()) {
            return Ok((TransactionState::Captured { review }, self.authorized));
        }
        let contradiction = |what: &str| Error::unknown(format!("payfort: {what}"));
        let state = match self.class() {
            Class::Authorized if self.authorized > 0 => TransactionState::Authorized,
            Class::Purchased | Class::Authorized | Class::Captured | Class::Refunded => {
                return Err(contradiction("a success without an amount"));
            }
            Class::Voided => TransactionState::Voided,
            Class::Declined | Class::NotNow if self.leaves_what_was_reserved() => {
                TransactionState::Authorized
            }
            // What failed was no charge: of that it says neither yes nor no.
            Class::Declined | Class::NotNow if self.is_one_of(&["05", "07", "09"]) => {
                return Err(contradiction("a failed follow-up without what it follows"));
            }
            Class::Declined | Class::Invalid | Class::NotNow | Class::NoToken => {
                TransactionState::Declined { code: self.code.clone() }
            }
            Class::Queried
            | Class::Tokenized
            | Class::TokenUpdated
            | Class::Checks3ds
            | Class::Pending
            | Class::Duplicate
            | Class::NotFound
            | Class::Uncertain
            | Class::Unknown => TransactionState::Pending,
        };
        Ok((state, self.authorized))
    }

    /// Only what was taken can go back; after a refund that failed it is with us still. That the order did not allow one is
    /// no sign that anything was taken.
    fn has_a_refund(&self) -> bool {
        self.refunded > 0 || self.is_one_of(&REFUND) && self.class() != Class::NotNow
    }

    /// A capture or a void that failed, or something that was turned away before it was either.
    fn leaves_what_was_reserved(&self) -> bool {
        let turned_away = self.is_one_of(&["00"]) && self.class() == Class::NotNow;
        let failed = self.has_failed(CAPTURE) || self.has_failed(VOID);
        self.authorized > 0 && (failed || turned_away)
    }

    /// Under an id that was not `known` before, a charge that went through is a second one, and is told by itself: whether a
    /// reference can be used once only is for the vendor to keep, and it does not say how ("Merchant reference"). Any other
    /// last operation proves no second charge, whatever its id: the totals beside it can be those of the charge before.
    pub(super) fn transaction(
        self,
        question: &Question,
        channel: &Channel,
    ) -> Result<Transaction, Error> {
        let known = &question.known;
        let is_new = !known.is_empty() && !known.contains(&self.fort_id);
        if is_new && !matches!(self.class(), Class::Purchased | Class::Authorized) {
            return Err(Error::unknown("payfort: another order's id, and no charge of its own"));
        }
        let (state, minor) = self.state()?;
        Ok(Transaction {
            id: self.fort_id,
            reference: question.payment.bare(),
            account: Some(channel.access_code.clone()),
            amount: self.nothing.of_same(minor),
            state,
            at: None,
            brand: self.brand,
            last4: self.last4,
        })
    }

    /// What this proves of a capture of all that was reserved.
    pub(super) fn capture(&self, order: &CaptureOrder) -> Result<Option<CaptureState>, Error> {
        self.is_about(&order.transaction)?;
        let rejected = || {
            let (code, reason) = (self.code.clone(), format!("payfort: {}", self.code));
            Some(CaptureState::Rejected { code, reason })
        };
        let taken = self.nothing.of_same(self.captured);
        if taken == order.amount {
            return Ok(Some(CaptureState::Captured { transaction: None }));
        }
        if self.captured > 0 {
            return Ok(Some(CaptureState::Otherwise { taken }));
        }
        let over = self.class() == Class::Voided || self.has_failed(CAPTURE);
        if over {
            return Ok(rejected());
        }
        Ok(self.is_undecided(CAPTURE).then_some(CaptureState::Pending))
    }

    /// What this proves of a refund, or of letting go what was reserved.
    pub(super) fn refund(&self, order: &RefundOrder) -> Result<Option<RefundState>, Error> {
        self.is_about(&order.transaction)?;
        let transaction = self.fort_id.clone();
        let rejected = || {
            let (code, reason) = (self.code.clone(), format!("payfort: {}", self.code));
            Some(RefundState::Rejected { code, reason })
        };
        let (this, done, failed) = if order.reserved {
            (VOID, self.class() == Class::Voided, self.captured > 0)
        } else {
            (REFUND, self.nothing.of_same(self.refunded) == order.amount, false)
        };
        if done {
            return Ok(Some(RefundState::Refunded { transaction }));
        }
        if self.refunded > 0 {
            return Err(Error::unknown("payfort: another amount has gone back"));
        }
        if failed || self.has_failed(this) {
            return Ok(rejected());
        }
        Ok(self.is_undecided(this).then_some(RefundState::Pending { transaction }))
    }

    /// Some of the money has gone back already.
    pub(super) const fn has_refunds(&self) -> bool {
        self.refunded > 0
    }

    /// The last word so far is a no to the customer's card.
    pub(super) fn is_declined(&self) -> bool {
        matches!(self.state(), Ok((TransactionState::Declined { .. }, _)))
    }

    fn is_about(&self, transaction: &str) -> Result<(), Error> {
        if self.fort_id == transaction {
            return Ok(());
        }
        Err(Error::unknown("payfort: the answer is about another order"))
    }
}
