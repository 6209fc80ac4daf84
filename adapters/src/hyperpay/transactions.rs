//! What transactions say: which of them are ours, and what became of the money in each.

use super::{
    HyperPay, is_plain,
    result_codes::{Class, Invalid},
    wire::{Answer, Kind},
};
use crate::{
    error::Error,
    provider::{Question, RefundOrder, RefundState, Transaction, TransactionState},
};
use tracing::warn;

impl HyperPay {
    /// The charges among these, each once, oldest first. Of two lines about one charge the more final one counts.
    pub(super) fn charges(
        &self,
        question: &Question,
        shown: &[Answer],
    ) -> Result<Vec<Transaction>, Error> {
        let mut charges: Vec<(&str, Transaction)> = Vec::new();
        for answer in shown {
            let when = answer.timestamp.as_deref().unwrap_or_default();
            let Some(charge) = self.charge(question, answer)? else { continue };
            match charges.iter_mut().find(|(_, known)| known.id == charge.id) {
                Some((_, known)) if finality(&known.state) > finality(&charge.state) => {}
                Some(known) => *known = (when, charge),
                None => charges.push((when, charge)),
            }
        }
        charges.sort_by_key(|(when, _)| *when);
        Ok(charges.into_iter().map(|(_, charge)| charge).collect())
    }

    /// `None`: it is no charge, or not ours.
    fn charge(&self, question: &Question, answer: &Answer) -> Result<Option<Transaction>, Error> {
        let reserved = match answer.kind() {
            Kind::Debit => false,
            Kind::Reservation => true,
            Kind::GivenBack | Kind::Chargeback | Kind::Other => return Ok(None),
        };
        let broken = |what: &str| Error::unknown(format!("hyperpay: a transaction without {what}"));
        let expected = question.payment.bare();
        let reference =
            answer.merchant_transaction_id.clone().ok_or_else(|| broken("a reference"))?;
        let id = answer.id.clone().filter(|id| is_plain(id)).ok_or_else(|| broken("an id"))?;
        let foreign = answer.account().is_some_and(|shown| shown != self.account(question));
        if reference != expected || foreign {
            warn!(payment.id = %question.payment, transaction = id, "hyperpay shows a transaction that is not ours");
            return Ok(None);
        }
        let amount = answer.money()?;
        let state = self.state(&answer.result.code, reserved);
        let (brand, last4) = (answer.brand(), answer.last4());
        Ok(Some(Transaction { id, reference, amount, state, brand, last4 }))
    }

    /// What a transaction's own result says of it. What is not known to be final may still become anything.
    fn state(&self, code: &str, reserved: bool) -> TransactionState {
        match self.codes.class(code) {
            Class::Approved | Class::Review if reserved => TransactionState::Authorized,
            Class::Approved => TransactionState::Captured { review: false },
            Class::Review => TransactionState::Captured { review: true },
            // A reference that was used before: this transaction took nothing, the one before it is listed by itself.
            Class::Declined(_) | Class::Invalid(_) | Class::Duplicate => {
                TransactionState::Declined { code: code.to_owned() }
            }
            Class::Throttled
            | Class::Busy
            | Class::ListOk
            | Class::Pending
            | Class::PendingLong
            | Class::Uncertain
            | Class::System
            | Class::Chargeback
            | Class::Unknown => TransactionState::Pending,
        }
    }

    pub(super) fn refund_state(&self, answer: &Answer) -> Result<RefundState, Error> {
        let code = &answer.result.code;
        let id = || {
            let none = || Error::unknown("hyperpay: a refund without an id");
            answer.id.clone().filter(|id| is_plain(id)).ok_or_else(none)
        };
        match self.codes.class(code) {
            Class::Approved | Class::Review => Ok(RefundState::Refunded { transaction: id()? }),
            Class::Pending | Class::PendingLong => Ok(RefundState::Pending { transaction: id()? }),
            Class::Declined(_) | Class::Invalid(Invalid::Reference) => {
                Ok(RefundState::Rejected { code: code.clone(), reason: answer.reason() })
            }
            Class::Throttled
            | Class::Busy
            | Class::Duplicate
            | Class::ListOk
            | Class::Uncertain
            | Class::System
            | Class::Invalid(_)
            | Class::Chargeback
            | Class::Unknown => Err(self.no_answer(answer)),
        }
    }
}

/// What was taken stays taken, whatever an older or later line says of it.
const fn finality(state: &TransactionState) -> u8 {
    match state {
        TransactionState::Pending => 0,
        TransactionState::Declined { .. } => 1,
        TransactionState::Authorized | TransactionState::Voided => 2,
        TransactionState::Captured { .. } => 3,
    }
}

/// What an answer says about a refund must be about this one. What it leaves out it does not contradict.
pub(super) fn same_refund(order: &RefundOrder, answer: &Answer) -> Result<(), Error> {
    let reference = order.refund.bare();
    let same_reference = answer.merchant_transaction_id.as_ref().is_none_or(|it| *it == reference);
    let same_parent = answer.referenced_id.as_ref().is_none_or(|it| *it == order.transaction);
    let same_amount = match &answer.amount {
        None => true,
        Some(_) => answer.money()? == order.amount,
    };
    if same_reference && same_parent && same_amount {
        return Ok(());
    }
    Err(Error::unknown("hyperpay: the answer is about another refund"))
}
