//! Money that was kept for a booking, and that its terminal has given back without us: somebody has reversed or refunded
//! it there by hand, so a ticket may be out that nobody pays for.

use crate::{Activities, Error};
use adapters::provider::{Transaction, TransactionState};
use schema::{
    cases::{self, Decision, NewCase},
    money::Money,
    payments::Payment,
    settling,
};

const CAUSE: &str = "given_back_at_the_terminal";
const DETAIL: &str = "the terminal shows this payment reversed or refunded, which we have not asked for: the booking is \
                      kept and not paid; take payment again, or take the booking back by hand";

impl Activities {
    /// Looks whether what is kept of this payment is still shown as taken. If not, a person is asked, once.
    pub(crate) async fn look_for_what_was_taken_back(
        &self,
        payment: &Payment,
        shown: &[Transaction],
    ) -> Result<(), Error> {
        if !payment.provider.gives_back_by_hand() || !shown.iter().any(is_gone) {
            return Ok(());
        }
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
}

const fn is_gone(transaction: &Transaction) -> bool {
    match transaction.state {
        TransactionState::Voided | TransactionState::Declined { .. } => true,
        TransactionState::Captured { .. }
        | TransactionState::Authorized
        | TransactionState::Pending => false,
    }
}
