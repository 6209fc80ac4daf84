//! What a payment says: whether it is ours, and what became of its money.
//!
//! There is no status for "paid": a payment is paid when what was captured is its amount, and let go when it was closed
//! with nothing captured (Tabby, "Payment statuses").

use super::wire::{Payment, Status, broken, is_uuid};
use crate::{
    error::Error,
    provider::{
        CaptureOrder, CaptureState, RefundOrder, RefundState, Transaction, TransactionState,
    },
};
use schema::ids::PaymentId;
use tracing::warn;

/// What has become of money that was reserved.
pub(super) enum Reservation {
    /// It stands, as far as is shown.
    Stands,
    /// It is over, and nothing was taken.
    Over(RefundState),
    /// It was taken after all.
    Taken,
}

impl Payment {
    /// The payment as one transaction. None: it is under another reference, and somebody else's.
    pub(super) fn transaction(&self, ours: PaymentId) -> Result<Option<Transaction>, Error> {
        let expected = ours.bare();
        let reference = self.reference().ok_or_else(|| broken("without a reference"))?;
        if reference != expected {
            warn!(payment.id = %ours, transaction = self.id, "tabby shows a payment that is not ours");
            return Ok(None);
        }
        let mut amount = self.money()?;
        let declined =
            |status: Status| TransactionState::Declined { code: status.word().to_owned() };
        let state = match self.status()? {
            Status::Created => TransactionState::Pending,
            status @ (Status::Rejected | Status::Expired) => declined(status),
            status @ (Status::Authorized | Status::Closed) => {
                let taken = self.taken()?;
                if taken.amount_minor() != 0 {
                    // A part only is none of ours: whoever settles it sees that the amount is another.
                    amount = taken;
                    TransactionState::Captured { review: false }
                } else if status == Status::Closed {
                    TransactionState::Voided
                } else {
                    TransactionState::Authorized
                }
            }
        };
        let id = self.id.to_ascii_lowercase();
        let (reference, account, at, brand, last4) = (expected, None, None, None, None);
        Ok(Some(Transaction { id, reference, account, amount, state, at, brand, last4 }))
    }

    /// What became of taking all of it. Whoever took it (Tabby does, after 21 days): it is taken once. None: not yet.
    pub(super) fn capture_state(
        &self,
        order: &CaptureOrder,
    ) -> Result<Option<CaptureState>, Error> {
        self.is_of(order.payment)?;
        let (status, taken) = (self.status()?, self.taken()?);
        if taken == order.amount {
            return Ok(Some(CaptureState::Captured { transaction: None }));
        }
        if taken.amount_minor() != 0 {
            return Ok(Some(CaptureState::Otherwise { taken }));
        }
        Ok(match status {
            Status::Created | Status::Authorized => None,
            Status::Closed | Status::Rejected | Status::Expired => {
                let reason = "tabby: the payment is over, and nothing was taken".to_owned();
                Some(CaptureState::Rejected { code: status.word().to_owned(), reason })
            }
        })
    }

    /// What became of a refund, by its reference. None: it is not among those shown.
    pub(super) fn refund_state(&self, order: &RefundOrder) -> Result<Option<RefundState>, Error> {
        self.is_of(order.payment)?;
        let reference = order.refund.bare();
        let ours = |id: &Option<String>| id.as_ref() == Some(&reference);
        let Some(refund) = self.refunds()?.iter().find(|refund| ours(&refund.reference_id)) else {
            return Ok(None);
        };
        if self.money()?.of_same(refund.minor()?) != order.amount {
            return Err(broken("of which another amount went back"));
        }
        if !is_uuid(&refund.id) {
            return Err(broken("with a refund that has no id"));
        }
        Ok(Some(RefundState::Refunded { transaction: refund.id.to_ascii_lowercase() }))
    }

    /// What became of the reservation that is to be let go.
    pub(super) fn reservation(&self, order: &RefundOrder) -> Result<Reservation, Error> {
        self.is_of(order.payment)?;
        if self.money()? != order.amount {
            return Err(broken("of another amount"));
        }
        if self.taken()?.amount_minor() != 0 {
            return Ok(Reservation::Taken);
        }
        Ok(match self.status()? {
            Status::Created | Status::Authorized => Reservation::Stands,
            Status::Closed => {
                let transaction = self.id.to_ascii_lowercase();
                Reservation::Over(RefundState::Refunded { transaction })
            }
            status @ (Status::Rejected | Status::Expired) => {
                let reason = "tabby: the payment has ended without a reservation".to_owned();
                let code = status.word().to_owned();
                Reservation::Over(RefundState::Rejected { code, reason })
            }
        })
    }

    /// An answer about a change must be about the payment that was to be changed.
    fn is_of(&self, ours: PaymentId) -> Result<(), Error> {
        if self.reference() == Some(ours.bare().as_str()) {
            return Ok(());
        }
        Err(broken("under another reference"))
    }
}
