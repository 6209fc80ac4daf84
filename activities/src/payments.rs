//! Payments: ask a vendor what became of one, settle what was reserved or taken.

use crate::{Activities, Error, capturing::CAPTURE_PAYMENT, taken_back, watched};
use adapters::{
    error::Error as VendorError,
    provider::{Question, Transaction, TransactionState},
};
use schema::{
    Tx,
    cases::{self, Decision, NewCase, VENDOR_HAS_DECIDED},
    ids::{BookingId, PaymentId, RefundId},
    money::Money,
    paying::Taking,
    payments::{self, Payment},
    settling::{self, Capture},
    states::{PaymentStatus, Verdict},
    timings::Timings,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

impl Activities {
    /// Asks the vendor what became of a payment, and settles whatever it has taken. `transaction` is one that a hint
    /// has named. The vendor being away is an answer too: come back later.
    pub async fn ask_vendor(
        &self,
        payment: PaymentId,
        transaction: Option<String>,
    ) -> Result<Asked, Error> {
        let found = payments::find(&self.db, payment).await?;
        let Some(payment) = found else { return Ok(Asked::nobody()) };
        watched::about(payment.request.booking_id);
        let timings = payment.request.timings;
        let before = self.seen_before(&payment).await?;
        let Some(vendor) = self.providers.get(payment.provider) else {
            let ended = self.unanswered(&payment).await?;
            return Ok(before.no_answer(None, ended));
        };
        let within = Duration::from_millis(timings.payment.timeout_ms);
        let question = Question {
            payment: payment.payment_id,
            session: payment.vendor_session.clone(),
            account: payment.vendor_account.clone(),
            transaction,
            known: before.captures.clone(),
        };
        // What is taken at once is not settled before it is taken.
        let taking = payment.taking.unwrap_or(Taking::AtOnce);
        match vendor.ask(&question, within).await {
            Ok(transactions) => self.settle(payment, before, &transactions, taking).await,
            Err(error) => {
                tracing::info!(payment.id = %payment.payment_id, %error,
                    "no answer about payment {}", payment.payment_id);
                let ended = self.unanswered(&payment).await?;
                let VendorError::Unavailable { retry_after, .. } = error else {
                    return Ok(before.no_answer(None, ended));
                };
                Ok(before.no_answer(retry_after, ended))
            }
        }
    }

    /// What was settled before, perhaps by somebody who died before telling anyone.
    async fn seen_before(&self, payment: &Payment) -> Result<Asked, Error> {
        let mut asked = Asked::of(payment);
        if holds_money(payment) {
            for (transaction, settled) in settling::settled(&self.db, payment.payment_id).await? {
                asked.won |= settled.verdict == Verdict::Won;
                asked.refunds.extend(settled.refund);
                asked.captures.push(transaction);
            }
        }
        Ok(asked)
    }

    async fn settle(
        &self,
        payment: Payment,
        mut asked: Asked,
        transactions: &[Transaction],
        taking: Taking,
    ) -> Result<Asked, Error> {
        let (mut declined, mut pending) = (None, false);
        for transaction in transactions {
            match (&transaction.state, taking) {
                (TransactionState::Captured { .. }, _)
                | (TransactionState::Authorized, Taking::OnceConfirmed) => {
                    let settled =
                        settling::settle(&self.db, &payment, &capture(transaction)).await?;
                    asked.won |= settled.verdict == Verdict::Won;
                    let taken = matches!(transaction.state, TransactionState::Captured { .. });
                    if taken && taking == Taking::OnceConfirmed {
                        self.nobody_need_take(payment.booking_id, CAPTURE_PAYMENT).await?;
                    }
                    let new = settled.refund.filter(|refund| !asked.refunds.contains(refund));
                    asked.refunds.extend(new);
                    if !asked.captures.contains(&transaction.id) {
                        asked.captures.push(transaction.id.clone());
                    }
                }
                (TransactionState::Authorized, Taking::AtOnce) | (TransactionState::Pending, _) => {
                    pending = true;
                }
                (TransactionState::Declined { code }, _) => declined = Some(code),
                (TransactionState::Voided, _) => {}
            }
        }
        asked.gone = taken_back::gone(transactions);
        self.look_for_what_was_taken_back(&payment, &asked.gone).await?;
        let over = session_is_over(&payment);
        // What a person has settled is not waited for any more: only a hint brings it back.
        let pending = pending && !(over && self.is_settled(&payment, PENDING).await?);
        if pending || !asked.captures.is_empty() || payment_has_ended(&payment) {
            // Another card may be tapped, and this one be reversed, as long as the terminal's session lives.
            asked.ended = !pending && (over || !payment.provider.gives_back_by_hand());
        } else {
            if let Some(code) = declined {
                payments::declined(&self.db, &payment, code).await?;
            }
            if over {
                payments::abandon(&self.db, &payment).await?;
                asked.ended = true;
            }
        }
        if over && asked.ended {
            self.nobody_need_ask(&payment).await?;
        }
        Ok(asked)
    }
}

/// The vendor does not decide, though its session is over: (fact about the step, cause, what it does instead).
type Undecided = (&'static str, &'static str, &'static str);
const PENDING: Undecided = (
    "ask_vendor:pending",
    "payment_pending_after_its_session",
    "the vendor's session is over, and it still calls the payment pending",
);
const UNREADABLE: Undecided = (
    "ask_vendor:unreadable",
    "payment_unreadable_after_its_session",
    "the vendor's session has long been over, and it gives no answer about this payment that can be read",
);
const ASK_VENDOR: &str = "ask_vendor";

impl Activities {
    /// Whether a person has seen otherwise what became of it. Until then somebody should: a case, and we keep asking.
    async fn is_settled(&self, payment: &Payment, why: Undecided) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let key = payment.payment_id.bare();
        if was_settled(&mut tx, &key, why).await? {
            return Ok(true);
        }
        let undecided = NewCase {
            workflow: "Payment",
            workflow_key: key,
            step: why.0,
            booking: Some(payment.booking_id),
            cause: why.1,
            detail: why.2,
            at_risk: payment.amount.unwrap_or(Money::sar(0)),
            decisions: &[Decision::Settled],
        };
        cases::open_once(&mut tx, &undecided).await?;
        tx.commit().await.map_err(schema::Error::from)?;
        Ok(false)
    }

    /// A vendor that is away for a while comes back; one that stays away long after the session is a case. True: a person
    /// has settled that, and it is not asked any more.
    async fn unanswered(&self, payment: &Payment) -> Result<bool, Error> {
        let patience = i64::try_from(payment.request.timings.undecided_ms).unwrap_or(i64::MAX);
        let left = payment.session_left_ms;
        let long_over = left.is_some_and(|left| left.saturating_add(patience) <= 0);
        if !long_over {
            return Ok(false);
        }
        if payment_has_ended(payment) {
            let mut tx = self.db.begin().await?;
            return was_settled(&mut tx, &payment.payment_id.bare(), UNREADABLE).await;
        }
        let settled = self.is_settled(payment, UNREADABLE).await?;
        if settled {
            payments::abandon(&self.db, payment).await?;
        }
        Ok(settled)
    }

    /// The vendor has decided since.
    async fn nobody_need_ask(&self, payment: &Payment) -> Result<(), Error> {
        let key = payment.payment_id.bare();
        Ok(cases::overtaken(&self.db, "Payment", &key, ASK_VENDOR, VENDOR_HAS_DECIDED).await?)
    }
}

/// By a person: without evidence a case was closed by what happened, and not by anybody.
async fn was_settled(tx: &mut Tx, payment: &str, why: Undecided) -> Result<bool, Error> {
    let seen = cases::settled_with(tx, "Payment", payment, why.0).await?;
    Ok(seen.is_some_and(|evidence| !evidence.is_null()))
}

fn capture(transaction: &Transaction) -> Capture {
    Capture {
        vendor_transaction: transaction.id.clone(),
        account: transaction.account.clone(),
        amount: transaction.amount.clone(),
        reserved: transaction.state == TransactionState::Authorized,
        at: transaction.at,
        brand: transaction.brand.clone(),
        last4: transaction.last4.clone(),
    }
}

/// The vendor's session has ended so long ago that what was done in it shows.
fn session_is_over(payment: &Payment) -> bool {
    let lag = i64::try_from(payment.request.timings.payment.lag_ms).unwrap_or(i64::MAX);
    payment.session_left_ms.is_some_and(|left| left.saturating_add(lag) <= 0)
}

/// Something was reserved or taken in it.
const fn holds_money(payment: &Payment) -> bool {
    match payment.status {
        PaymentStatus::Authorized | PaymentStatus::Captured | PaymentStatus::Voided => true,
        PaymentStatus::Open | PaymentStatus::Failed | PaymentStatus::Abandoned => false,
    }
}

const fn payment_has_ended(payment: &Payment) -> bool {
    match payment.status {
        PaymentStatus::Open | PaymentStatus::Failed | PaymentStatus::Authorized => false,
        PaymentStatus::Captured | PaymentStatus::Abandoned | PaymentStatus::Voided => true,
    }
}

/// What asking a vendor about a payment has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub booking: Option<BookingId>,
    /// The vendor's transactions that have taken money, as it shows now or has shown before.
    pub captures: Vec<String>,
    /// What the vendor shows declined, let go, reversed or refunded, by its answer to this question.
    #[serde(default)]
    pub gone: Vec<String>,
    /// One of them has won its booking, now or before.
    pub won: bool,
    /// Refunds owed for captures that came too late; to be sent by id.
    pub refunds: Vec<RefundId>,
    /// The vendor's last word.
    pub ended: bool,
    /// The vendor gave no answer; it may have said when to come back.
    pub unanswered: Option<Unanswered>,
    /// How long until the session is over and everything done in it shows.
    pub session_left_ms: u64,
}

/// No answer from the vendor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanswered {
    pub retry_after_ms: Option<u64>,
}

impl Unanswered {
    /// How long to wait before the next question: what the vendor wished, within our bound, or widening.
    pub fn wait(self, timings: &Timings, times: u32) -> Duration {
        match self.retry_after_ms {
            Some(ms) => Duration::from_millis(ms.min(timings.retry_longest_ms)),
            None => timings.retry_after(times),
        }
    }
}

impl Asked {
    /// Something of this payment is still shown as taken; but for this transaction, if it is gone.
    pub fn still_shows(&self, transaction: Option<&String>) -> bool {
        let is_gone = |id: &String| self.gone.contains(id);
        !transaction.is_some_and(is_gone) && !self.captures.iter().all(is_gone)
    }

    fn nobody() -> Self {
        Self { ended: true, ..Self::default() }
    }

    fn of(payment: &Payment) -> Self {
        let lag = i64::try_from(payment.request.timings.payment.lag_ms).unwrap_or(i64::MAX);
        let left = payment.session_left_ms.unwrap_or(0).saturating_add(lag);
        Self {
            booking: Some(payment.booking_id),
            session_left_ms: u64::try_from(left).unwrap_or(0),
            ..Self::default()
        }
    }

    fn no_answer(self, retry_after: Option<Duration>, ended: bool) -> Self {
        let millis = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let retry_after_ms = retry_after.map(millis);
        Self { unanswered: Some(Unanswered { retry_after_ms }), ended, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_gone_back_is_shown_until_its_own_transaction_is_gone() {
        let still_shows = |captures: &[&str], gone: &[&str], transaction: Option<&str>| {
            let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
            let asked = Asked { captures: ids(captures), gone: ids(gone), ..Asked::default() };
            asked.still_shows(transaction.map(str::to_owned).as_ref())
        };
        // Reversed: before it is shown, and after, be it beside another.
        assert!(still_shows(&["T1"], &[], Some("T1")));
        assert!(!still_shows(&["T1"], &["T1"], Some("T1")));
        assert!(!still_shows(&["T1", "T2"], &["T1"], Some("T1")));
        // Told under a name of its own, or none.
        assert!(still_shows(&["T1"], &[], Some("R1")));
        assert!(!still_shows(&["T1"], &["T1"], None));
        // Declined: there is nothing to wait for.
        assert!(!still_shows(&[], &[], Some("T0")));
        assert!(!still_shows(&["T1"], &["T0"], Some("T0")));
    }
}
