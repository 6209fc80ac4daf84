//! Money sent back (`RF`), reservations let go (`RV`), and what became of either, by a reference of its own.
//!
//! A reversal only for a reservation: whether a debit can be reversed differs by acquirer, so that is a refund. A refund
//! follows the transaction that took the money, a `DB` or a `CP`, never the reservation before it (OPPWA, "Backoffice
//! operations").

use super::{
    HyperPay, is_plain,
    result_codes::{Class, Invalid},
    wire::{self, Answer, Kind},
};
use crate::{
    error::Error,
    http::{Call, Deadline},
    provider::{RefundOrder, RefundState},
};
use tracing::warn;

impl HyperPay {
    pub(super) async fn give_back(
        &self,
        order: &RefundOrder,
        until: Deadline,
    ) -> Result<RefundState, Error> {
        if !is_plain(&order.transaction) {
            return Err(Error::refused("malformed", "hyperpay: not a transaction's id"));
        }
        let (payment_type, follows) = if order.reserved {
            ("RV", order.transaction.clone())
        } else {
            ("RF", self.taken_by(order, until).await.map_err(not_sent)?)
        };
        let mut form = vec![
            ("entityId", order.account.clone()),
            ("paymentType", payment_type.to_owned()),
            ("amount", wire::amount_to_wire(order.amount)?),
            ("currency", order.amount.currency.code().to_owned()),
            ("merchantTransactionId", order.refund.bare()),
        ];
        form.extend(self.test_mode.clone().map(|mode| ("testMode", mode)));
        let call = Call::post_form("refund", format!("v1/payments/{follows}"), form);
        let answer = self.ask_vendor(call, until).await?;
        let state = self.refund_state(&answer)?;
        same_refund(order, &follows, &answer)?;
        Ok(state)
    }

    pub(super) async fn find_given_back(
        &self,
        order: &RefundOrder,
        until: Deadline,
    ) -> Result<Option<RefundState>, Error> {
        let reference = order.refund.bare();
        let shown = self.by_reference(&reference, &order.account, until).await?;
        let given_back = || shown.iter().filter(|answer| answer.kind() == Kind::GivenBack);
        let of_another = |answer: &Answer| {
            answer.referenced_id.as_ref().is_some_and(|followed| *followed != order.transaction)
        };
        let follows = if !order.reserved && given_back().any(of_another) {
            self.taken_by(order, until).await?
        } else {
            order.transaction.clone()
        };
        let mut found = None;
        for answer in given_back() {
            if answer.merchant_transaction_id.as_ref() != Some(&reference) {
                warn!(refund.id = %order.refund, "hyperpay shows a refund that is not ours");
                continue;
            }
            // An earlier attempt may have followed the reservation, and was refused for that.
            let of_reservation = answer.referenced_id.as_ref() == Some(&order.transaction);
            let parent = if of_reservation { &order.transaction } else { &follows };
            same_refund(order, parent, answer)?;
            let state = self.refund_shown(answer)?;
            if matches!(state, RefundState::Refunded { .. }) {
                return Ok(Some(state));
            }
            found = match found {
                Some(RefundState::Pending { .. }) => found,
                Some(RefundState::Rejected { .. } | RefundState::Refunded { .. }) | None => {
                    Some(state)
                }
            };
        }
        Ok(found)
    }

    /// The transaction that took the money: what is to be refunded itself, or, if that only reserved it, its capture.
    async fn taken_by(&self, order: &RefundOrder, until: Deadline) -> Result<String, Error> {
        let reference = order.payment.capture_reference();
        let shown = self.by_reference(&reference, &order.account, until).await?;
        let capture = shown.into_iter().find(|answer| {
            answer.is_capture()
                && answer.merchant_transaction_id.as_ref() == Some(&reference)
                && answer.referenced_id.as_ref() == Some(&order.transaction)
                && matches!(self.codes.class(&answer.result.code), Class::Approved | Class::Review)
        });
        let Some(capture) = capture else { return Ok(order.transaction.clone()) };
        let none = || Error::unknown("hyperpay: a capture without an id");
        capture.id.filter(|id| is_plain(id)).ok_or_else(none)
    }

    /// A refund in a list. Whatever was wrong with it, that is its last word; what is neither done nor refused for certain
    /// may still become either.
    fn refund_shown(&self, answer: &Answer) -> Result<RefundState, Error> {
        match self.refund_state(answer) {
            Err(Error::Unknown { .. }) => {
                let id = answer.id.clone().filter(|id| is_plain(id));
                Ok(RefundState::Pending { transaction: id.unwrap_or_default() })
            }
            Err(Error::Refused { reason, .. } | Error::Unavailable { reason, .. }) => {
                Ok(RefundState::Rejected { code: answer.code().to_owned(), reason })
            }
            state => state,
        }
    }

    fn refund_state(&self, answer: &Answer) -> Result<RefundState, Error> {
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

/// What an answer says about a refund must be about this one, of this transaction. What it leaves out it does not
/// contradict.
fn same_refund(order: &RefundOrder, follows: &str, answer: &Answer) -> Result<(), Error> {
    let reference = order.refund.bare();
    let same_reference = answer.merchant_transaction_id.as_ref().is_none_or(|it| *it == reference);
    let same_parent = answer.referenced_id.as_ref().is_none_or(|it| it == follows);
    let same_amount = match &answer.amount {
        None => true,
        Some(_) => answer.money()? == order.amount,
    };
    if same_reference && same_parent && same_amount {
        return Ok(());
    }
    Err(Error::unknown("hyperpay: the answer is about another refund"))
}

/// What went wrong before anything was sent that moves money has moved none.
fn not_sent(error: Error) -> Error {
    match error {
        Error::Unknown { reason } => Error::unavailable(reason),
        Error::Unavailable { .. } | Error::Refused { .. } | Error::Forged { .. } => error,
    }
}
