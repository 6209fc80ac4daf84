//! Looking payments up by our reference, and what each says of its money.

use super::{
    Checkout,
    wire::{Action, Kind, Page, Payment, Status, is_id, no_answer},
};
use crate::{
    error::Error,
    http::{Call, Deadline},
    provider::{Charge, Opened, Question, Transaction, TransactionState},
};
use tracing::warn;

/// One payment of ours makes one of the vendor's, or a few; more than a page of them is nothing to reason about.
const PAGE: usize = 100;

impl Checkout {
    /// What became of a charge. Of several payments the one counts that has money, else one that may, else the newest.
    pub(super) async fn find_payment(
        &self,
        charge: &Charge,
        until: Deadline,
    ) -> Result<Option<Opened>, Error> {
        let shown = self.by_reference(&charge.payment.bare(), until).await?;
        let Some(found) = shown.into_iter().max_by_key(finality) else { return Ok(None) };
        found.is_for(charge, true)?;
        if found.status != Status::Pending {
            return Ok(Some(Opened::Open(self.session(&found)?)));
        }
        // A list may leave out where the customer was sent.
        let whole = self.payment(&found.id, until).await?.unwrap_or(found);
        whole.is_for(charge, true)?;
        Ok(Some(Opened::Open(self.session(&whole)?)))
    }

    /// Everything under our reference, and what a hint or the session names: the list may lag behind.
    pub(super) async fn transactions(
        &self,
        question: &Question,
        until: Deadline,
    ) -> Result<Vec<Transaction>, Error> {
        let reference = question.payment.bare();
        let mut shown = self.by_reference(&reference, until).await?;
        let named = [&question.transaction, &question.session].into_iter().flatten();
        for id in named.filter(|id| is_id(id, "pay_")) {
            if shown.iter().any(|payment| payment.id == *id) {
                continue;
            }
            match self.payment(id, until).await {
                Ok(found) => shown.extend(found.filter(|found| found.is_ours(&reference))),
                // The list is an answer by itself; nothing at all is only believed when every look-up has said so.
                Err(error) if shown.is_empty() => return Err(error),
                Err(error) => {
                    warn!(payment.id = %question.payment, "checkout could not be asked further: {error}");
                }
            }
        }
        shown.sort_by_key(Payment::requested_at);
        let mut transactions = Vec::with_capacity(shown.len());
        for payment in shown {
            transactions.push(self.transaction(payment, until).await?);
        }
        Ok(transactions)
    }

    /// Oldest first.
    async fn by_reference(&self, reference: &str, until: Deadline) -> Result<Vec<Payment>, Error> {
        let call = Call::get("find_payments", "payments")
            .query("reference", reference)
            .query("limit", PAGE.to_string());
        let answer = self.ask_vendor(call, until).await?;
        if answer.status != 200 {
            return Err(no_answer(&answer));
        }
        let Page { total_count, mut data } = answer.json()?;
        if total_count > data.len() || data.len() > PAGE {
            return Err(Error::unknown("checkout: a list that does not show all it counts"));
        }
        // Whose money another's entry, or one of nobody's, speaks of is not ours to guess.
        if !data.iter().all(|payment| payment.is_ours(reference)) {
            return Err(Error::unknown("checkout: a list of other payments than were asked for"));
        }
        data.reverse();
        Ok(data)
    }

    /// None: the vendor knows no such payment.
    pub(super) async fn payment(
        &self,
        id: &str,
        until: Deadline,
    ) -> Result<Option<Payment>, Error> {
        let call = Call::get("get_payment", format!("payments/{id}"));
        let answer = self.ask_vendor(call, until).await?;
        match answer.status.as_u16() {
            200 => {
                let payment: Payment = answer.json()?;
                let other = || Error::unknown("checkout: another payment than was asked for");
                (payment.id == id).then_some(Some(payment)).ok_or_else(other)
            }
            404 => Ok(None),
            _ => Err(no_answer(&answer)),
        }
    }

    /// What was done with a payment, newest first.
    pub(super) async fn actions(&self, id: &str, until: Deadline) -> Result<Vec<Action>, Error> {
        let call = Call::get("get_actions", format!("payments/{id}/actions"));
        let answer = self.ask_vendor(call, until).await?;
        match answer.status.as_u16() {
            200 => answer.json(),
            404 => Err(Error::unknown("checkout: it does not know its own payment")),
            _ => Err(no_answer(&answer)),
        }
    }

    /// Reserving, taking and letting go are one transaction, under the payment's id.
    async fn transaction(&self, payment: Payment, until: Deadline) -> Result<Transaction, Error> {
        let state = self.state(&payment, until).await?;
        let amount = match state {
            TransactionState::Captured { .. } => payment.taken()?,
            TransactionState::Authorized
            | TransactionState::Voided
            | TransactionState::Pending
            | TransactionState::Declined { .. } => payment.money()?,
        };
        let (brand, last4) = (payment.brand(), payment.last4());
        let reference = payment.reference.unwrap_or_default();
        let id = payment.id;
        Ok(Transaction { id, reference, account: None, amount, state, at: None, brand, last4 })
    }

    async fn state(&self, payment: &Payment, until: Deadline) -> Result<TransactionState, Error> {
        Ok(match payment.status {
            Status::Captured
            | Status::PartiallyCaptured
            | Status::Paid
            | Status::Refunded
            | Status::PartiallyRefunded => {
                TransactionState::Captured { review: payment.is_flagged() }
            }
            Status::Authorized if payment.is_stc_pay() => {
                self.stc_pay_state(payment, until).await?
            }
            Status::Authorized => TransactionState::Authorized,
            Status::Voided => TransactionState::Voided,
            // Reserved, and nobody took it in time.
            Status::Expired if payment.approved == Some(true) => TransactionState::Voided,
            Status::Expired => declined("expired"),
            Status::Canceled => declined("canceled"),
            Status::Declined => {
                let actions = self.actions(&payment.id, until).await?;
                let code = actions.iter().find(|it| it.approved == Some(false));
                declined(&code.and_then(Action::code).unwrap_or_else(|| "declined".to_owned()))
            }
            Status::Pending | Status::CardVerified | Status::Unknown => TransactionState::Pending,
        })
    }

    /// STC Pay's money is taken by the vendor itself, a while after it was approved, or not at all
    /// (`payment_capture_declined`): until then nothing is certain, and there is nothing for us to take.
    async fn stc_pay_state(
        &self,
        payment: &Payment,
        until: Deadline,
    ) -> Result<TransactionState, Error> {
        let actions = self.actions(&payment.id, until).await?;
        let failed = |it: &&Action| it.kind == Kind::Capture && it.approved == Some(false);
        Ok(match actions.iter().find(failed) {
            Some(failed) => declined(&failed.code().unwrap_or_else(|| "declined".to_owned())),
            None => TransactionState::Pending,
        })
    }
}

impl Payment {
    /// Shown under our reference, with an id that can be asked for.
    fn is_ours(&self, reference: &str) -> bool {
        let ours = self.reference.as_deref() == Some(reference) && is_id(&self.id, "pay_");
        if !ours {
            warn!(reference, "checkout shows a payment that is not ours");
        }
        ours
    }
}

fn declined(code: &str) -> TransactionState {
    TransactionState::Declined { code: code.to_owned() }
}

/// How much money hangs on a payment.
const fn finality(payment: &Payment) -> u8 {
    match payment.status {
        Status::Declined | Status::Canceled | Status::Expired | Status::Voided => 0,
        Status::Pending | Status::CardVerified | Status::Unknown => 1,
        Status::Authorized => 2,
        Status::Captured
        | Status::PartiallyCaptured
        | Status::Paid
        | Status::PartiallyRefunded
        | Status::Refunded => 3,
    }
}
