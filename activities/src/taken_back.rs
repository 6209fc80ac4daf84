//! Money that its terminal has given back: what we wait for is looked for at once; what was kept for a booking somebody has
//! reversed or refunded there by hand, so a ticket may be out that nobody pays for.

use crate::{Activities, Error};
use adapters::provider::{Transaction, TransactionState};
use schema::{
    cases::{self, Decision, NewCase},
    ids::PaymentId,
    money::Money,
    payments::Payment,
    refunds::{self, Refund},
    settling,
    states::RefundStatus,
};

const CAUSE: &str = "given_back_at_the_terminal";
const DETAIL: &str = "the terminal shows this payment reversed or refunded, which we have not asked for: the booking is \
                      kept and not paid; take payment again, or take the booking back by hand";

impl Activities {
    /// Looks whether what this payment has taken is among what is `gone`. If so, its refunds that are under way are asked
    /// about now; and about what is kept of it a person is asked, once.
    pub(crate) async fn look_for_what_was_taken_back(
        &self,
        payment: &Payment,
        gone: &[String],
    ) -> Result<(), Error> {
        if !payment.provider.gives_back_by_hand() || gone.is_empty() {
            return Ok(());
        }
        self.ask_what_goes_back(payment, gone).await?;
        let Some(kept) = settling::kept(&self.db, payment.payment_id).await? else { return Ok(()) };
        if !gone.contains(&kept.vendor_transaction) {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        let case = NewCase {
            workflow: "Payment",
            workflow_key: payment.payment_id.bare(),
            step: &format!("taken_back:{}", kept.vendor_transaction),
            booking: Some(payment.booking_id),
            cause: CAUSE,
            detail: DETAIL,
            at_risk: Money::new(kept.amount_minor, kept.currency),
            decisions: &[Decision::Settled],
        };
        cases::open_once(&mut tx, &case).await?;
        Ok(tx.commit().await.map_err(schema::Error::from)?)
    }

    /// Whoever heard that it is back need not wait for the next question of the refund's own workflow, which finds the row.
    async fn ask_what_goes_back(&self, payment: &Payment, gone: &[String]) -> Result<(), Error> {
        for refund in refunds::of_booking(&self.db, payment.booking_id).await? {
            if is_shown_back(&refund, payment.payment_id, gone) {
                self.ask_refund(refund.refund_id).await?;
            }
        }
        Ok(())
    }
}

/// It is under way, and the very transaction that took its money is gone: a card that was declined beside it says nothing.
fn is_shown_back(refund: &Refund, payment: PaymentId, gone: &[String]) -> bool {
    refund.status == RefundStatus::Sent
        && refund.payment_id == payment
        && gone.contains(&refund.vendor_transaction)
}

/// What is shown as final and not, or no more, as taken.
pub(crate) fn gone(shown: &[Transaction]) -> Vec<String> {
    let gone = shown.iter().filter(|it| is_gone(it));
    gone.map(|it| it.id.clone()).collect()
}

const fn is_gone(transaction: &Transaction) -> bool {
    match transaction.state {
        TransactionState::Voided | TransactionState::Declined { .. } => true,
        TransactionState::Captured { .. }
        | TransactionState::Authorized
        | TransactionState::Pending => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refunds::tests::refund;
    use schema::provider::Provider;

    /// One of those that a terminal's vendor shows.
    fn shown(id: &str, state: TransactionState) -> Transaction {
        Transaction {
            id: id.to_owned(),
            reference: String::new(),
            account: None,
            amount: Money::sar(11_500).into(),
            state,
            at: None,
            brand: None,
            last4: None,
        }
    }

    #[test]
    fn a_card_that_was_declined_wakes_no_refund_of_another() {
        let late = refund(Provider::NearPay, None);
        let declined = || shown("T0", TransactionState::Declined { code: "116".to_owned() });
        let is_back = |state| {
            let gone = gone(&[declined(), shown(&late.vendor_transaction, state)]);
            is_shown_back(&late, late.payment_id, &gone)
        };
        assert!(!is_back(TransactionState::Captured { review: false }));
        assert!(is_back(TransactionState::Voided));
        assert!(is_back(TransactionState::Declined { code: "refunded".to_owned() }));
    }
}
