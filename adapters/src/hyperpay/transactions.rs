//! What transactions say: which of them are ours, and what became of the money in each.

use super::{
    HyperPay, is_plain,
    result_codes::Class,
    wire::{Answer, Kind},
};
use crate::{
    error::Error,
    provider::{Question, Transaction, TransactionState},
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
        let account = self.account(question);
        let foreign = answer.account().is_some_and(|shown| shown != account);
        if reference != expected || foreign {
            warn!(payment.id = %question.payment, transaction = id, "hyperpay shows a transaction that is not ours");
            return Ok(None);
        }
        let amount = answer.money()?;
        let state = self.state(&answer.result.code, reserved);
        let (account, brand, last4) = (Some(account.to_owned()), answer.brand(), answer.last4());
        Ok(Some(Transaction { id, reference, account, amount, state, at: None, brand, last4 }))
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
