//! Money that its terminal has given back: what we wait for is looked for at once; what was kept for a booking somebody has
//! reversed or refunded there by hand, so a ticket may be out that nobody pays for.

use crate::{Activities, Error};
use adapters::provider::{Transaction, TransactionState};
use schema::{
    cases::{self, Decision, NewCase},
    money::Money,
    payments::Payment,
    refunds, settling,
    states::RefundStatus,
};

const CAUSE: &str = "given_back_at_the_terminal";
const DETAIL: &str = "the terminal shows this payment reversed or refunded, which we have not asked for: the booking is \
                      kept and not paid; take payment again, or take the booking back by hand";

impl Activities {
    /// Looks whether what this payment has taken is still shown as taken. If not, its refunds that are under way are asked
    /// about now; and about what is kept of it a person is asked, once.
    pub(crate) async fn look_for_what_was_taken_back(
        &self,
        payment: &Payment,
        shown: &[Transaction],
    ) -> Result<(), Error> {
        if !payment.provider.gives_back_by_hand() || !shown.iter().any(is_gone) {
            return Ok(());
        }
        self.ask_what_goes_back(payment).await?;
        let Some(kept) = settling::kept(&self.db, payment.payment_id).await? else { return Ok(()) };
        if !shown.iter().any(|it| it.id == kept.vendor_transaction && is_gone(it)) {
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
    async fn ask_what_goes_back(&self, payment: &Payment) -> Result<(), Error> {
        for refund in refunds::of_booking(&self.db, payment.booking_id).await? {
            let is_under_way = refund.status == RefundStatus::Sent;
            if is_under_way && refund.payment_id == payment.payment_id {
                self.ask_refund(refund.refund_id).await?;
            }
        }
        Ok(())
    }
}

const fn is_gone(transaction: &Transaction) -> bool {
    match transaction.state {
        TransactionState::Voided | TransactionState::Declined { .. } => true,
        TransactionState::Captured { .. }
        | TransactionState::Authorized
        | TransactionState::Pending => false,
    }
}
