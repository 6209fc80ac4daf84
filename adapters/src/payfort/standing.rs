//! How an order stands, as `CHECK_STATUS` shows it: three totals, and the last operation only.
//!
//! The totals are what is believed first: the last operation may be a refusal that changed nothing. There is no list of
//! refunds, so what a look-up can prove of one rests on this: Usher makes one refund of a payment, so money that went back
//! in its amount is that refund, or the same money sent back by a person. Any other amount proves nothing, and is unknown.

use super::{codes::Class, message::Message};
use crate::{
    error::Error,
    provider::{
        CaptureOrder, CaptureState, RefundOrder, RefundState, Transaction, TransactionState,
    },
};
use schema::money::Money;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    fort_id: String,
    /// The last operation's code.
    code: String,
    authorized: i64,
    captured: i64,
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
        if !answer.is_in_riyals() {
            return Err(Error::unknown("payfort: an order in another currency"));
        }
        let fort_id =
            answer.fort_id().ok_or_else(|| Error::unknown("payfort: an order without an id"))?;
        Ok(Some(Self {
            fort_id: fort_id.to_owned(),
            code: code.to_owned(),
            authorized,
            captured,
            refunded: total("refunded_amount")?,
            brand: answer.brand(),
            last4: answer.last4(),
        }))
    }

    fn class(&self) -> Class {
        Class::of(&self.code)
    }

    /// The last operation has failed for certain, and was of this kind: its status in two digits.
    fn has_failed(&self, status: &str) -> bool {
        self.code.starts_with(status) && matches!(self.class(), Class::Declined | Class::NotNow)
    }

    /// What followed the payment is neither done nor refused for certain. A review is the payment's own.
    fn is_undecided(&self) -> bool {
        let undecided = matches!(self.class(), Class::Pending | Class::Uncertain | Class::Unknown);
        undecided && !self.is_in_review()
    }

    fn is_in_review(&self) -> bool {
        self.code.starts_with("40")
    }

    /// What became of the money, and how much of it there is.
    fn state(&self) -> Result<(TransactionState, i64), Error> {
        let review = self.is_in_review();
        if self.captured > 0 {
            return Ok((TransactionState::Captured { review }, self.captured));
        }
        let contradiction = || Error::unknown("payfort: a success without an amount");
        // Where a purchase is not counted as a capture, it is what was authorised; only what was taken can go back.
        let follows_taking = ["14", "06", "07"].iter().any(|status| self.code.starts_with(status));
        if follows_taking && self.authorized > 0 {
            return Ok((TransactionState::Captured { review }, self.authorized));
        }
        let state = match self.class() {
            Class::Authorized if self.authorized > 0 => TransactionState::Authorized,
            Class::Purchased | Class::Authorized | Class::Captured | Class::Refunded => {
                return Err(contradiction());
            }
            Class::Voided => TransactionState::Voided,
            // A capture or a void that failed leaves what was reserved.
            Class::Declined | Class::NotNow if self.authorized > 0 && self.is_follow_up() => {
                TransactionState::Authorized
            }
            Class::Declined | Class::Invalid => {
                TransactionState::Declined { code: self.code.clone() }
            }
            Class::Queried
            | Class::Tokenized
            | Class::Checks3ds
            | Class::Pending
            | Class::Duplicate
            | Class::NotFound
            | Class::NotNow
            | Class::Uncertain
            | Class::Unknown => TransactionState::Pending,
        };
        Ok((state, self.authorized))
    }

    fn is_follow_up(&self) -> bool {
        ["05", "09"].iter().any(|status| self.code.starts_with(status))
    }

    pub(super) fn transaction(self, reference: String) -> Result<Transaction, Error> {
        let (state, minor) = self.state()?;
        Ok(Transaction {
            id: self.fort_id,
            reference,
            amount: Money::sar(minor),
            state,
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
        if self.captured == order.amount.amount_minor {
            return Ok(Some(CaptureState::Captured));
        }
        if self.captured > 0 {
            return Err(Error::unknown("payfort: another amount was taken"));
        }
        let over = self.class() == Class::Voided || self.has_failed("05");
        if over {
            return Ok(rejected());
        }
        Ok(self.is_undecided().then_some(CaptureState::Pending))
    }

    /// What this proves of a refund, or of letting go what was reserved.
    pub(super) fn refund(&self, order: &RefundOrder) -> Result<Option<RefundState>, Error> {
        self.is_about(&order.transaction)?;
        let transaction = self.fort_id.clone();
        let rejected = || {
            let (code, reason) = (self.code.clone(), format!("payfort: {}", self.code));
            Some(RefundState::Rejected { code, reason })
        };
        let (done, failed) = if order.reserved {
            (self.class() == Class::Voided, self.captured > 0 || self.has_failed("09"))
        } else {
            (self.refunded == order.amount.amount_minor, self.has_failed("07"))
        };
        if done {
            return Ok(Some(RefundState::Refunded { transaction }));
        }
        if self.refunded > 0 {
            return Err(Error::unknown("payfort: another amount has gone back"));
        }
        if failed {
            return Ok(rejected());
        }
        Ok(self.is_undecided().then_some(RefundState::Pending { transaction }))
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
