//! Reserved money (`PA`): taking it (`CP`) under a reference of its own, by which it is looked up, and letting it go (`RV`).
//!
//! A capture names the reservation it takes; without a reference of its own nobody could tell afterwards whether it was
//! made, since a reservation does not show what has followed it (OPPWA, "Backoffice operations").

use super::{
    HyperPay, is_plain,
    result_codes::{Class, Invalid},
    wire::{self, Answer},
};
use crate::{
    error::Error,
    http::{Call, Deadline},
    provider::{CaptureOrder, CaptureState},
};
use schema::paying::{PayWith, Taking};
use std::time::Duration;

/// When the money moves.
pub(super) const fn taking(pay_with: &PayWith) -> Option<Taking> {
    match pay_with {
        // mada knows no reservation; on a page for all brands, and of a saved card, nobody knows beforehand which it is.
        PayWith::Page | PayWith::Mada | PayWith::SavedCard { .. } => Some(Taking::AtOnce),
        PayWith::CreditCard => Some(Taking::OnceConfirmed),
        PayWith::Token { .. }
        | PayWith::ApplePay { .. }
        | PayWith::StcPay { .. }
        | PayWith::Terminal { .. } => None,
    }
}

/// Whose cards the form takes.
pub(super) const fn brands(pay_with: &PayWith) -> &'static str {
    match pay_with {
        PayWith::CreditCard => "VISA MASTER",
        PayWith::Mada => "MADA",
        PayWith::Page
        | PayWith::Token { .. }
        | PayWith::SavedCard { .. }
        | PayWith::ApplePay { .. }
        | PayWith::StcPay { .. }
        | PayWith::Terminal { .. } => "VISA MASTER MADA",
    }
}

impl HyperPay {
    pub(super) async fn take(
        &self,
        order: &CaptureOrder,
        within: Duration,
    ) -> Result<CaptureState, Error> {
        if !is_plain(&order.transaction) {
            return Err(Error::refused("malformed", "hyperpay: not a transaction's id"));
        }
        let mut form = vec![
            ("entityId", order.account.clone()),
            ("paymentType", "CP".to_owned()),
            ("amount", wire::amount_to_wire(order.amount)?),
            ("currency", order.amount.currency.code().to_owned()),
            ("merchantTransactionId", order.payment.capture_reference()),
        ];
        form.extend(self.test_mode.clone().map(|mode| ("testMode", mode)));
        let path = format!("v1/payments/{}", order.transaction);
        let call = Call::post_form("capture", path, form);
        let answer = self.ask_vendor(call, Deadline::after(within)).await?;
        let state = self.capture_state(&answer)?;
        of_the_same(order, &answer, state)
    }

    pub(super) async fn find_taken(
        &self,
        order: &CaptureOrder,
        within: Duration,
    ) -> Result<Option<CaptureState>, Error> {
        let (reference, until) = (order.payment.capture_reference(), Deadline::after(within));
        let shown = self.by_reference(&reference, &order.account, until).await?;
        let mut found = None;
        for answer in shown.iter().filter(|answer| answer.is_capture()) {
            if answer.merchant_transaction_id.is_none() || answer.amount.is_none() {
                return Err(Error::unknown("hyperpay: a capture that does not say of what"));
            }
            let state = match self.capture_state(answer) {
                // Neither done nor refused for certain: it may still become either.
                Err(Error::Unknown { .. }) => CaptureState::Pending,
                // Whatever was wrong with it, of a transaction that is shown it is the last word.
                Err(Error::Refused { reason, .. } | Error::Unavailable { reason, .. }) => {
                    CaptureState::Rejected { code: answer.code().to_owned(), reason }
                }
                state => state?,
            };
            let state = of_the_same(order, answer, state)?;
            if matches!(state, CaptureState::Captured { .. } | CaptureState::Otherwise { .. }) {
                return Ok(Some(state));
            }
            found = if found == Some(CaptureState::Pending) { found } else { Some(state) };
        }
        Ok(found)
    }

    fn capture_state(&self, answer: &Answer) -> Result<CaptureState, Error> {
        let code = &answer.result.code;
        match self.codes.class(code) {
            Class::Approved | Class::Review => {
                let transaction = answer.id.clone().filter(|id| is_plain(id));
                Ok(CaptureState::Captured { transaction })
            }
            Class::Pending | Class::PendingLong => Ok(CaptureState::Pending),
            Class::Declined(_) | Class::Invalid(Invalid::Reference) => {
                Ok(CaptureState::Rejected { code: code.clone(), reason: answer.reason() })
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

/// What an answer says about a capture must be about this one. What it leaves out it does not contradict. One of another
/// amount is no end of this one, unless it was taken.
fn of_the_same(
    order: &CaptureOrder,
    answer: &Answer,
    state: CaptureState,
) -> Result<CaptureState, Error> {
    let another = || Error::unknown("hyperpay: the answer is about another capture");
    let reference = order.payment.capture_reference();
    let same_reference = answer.merchant_transaction_id.as_ref().is_none_or(|it| *it == reference);
    let same_parent = answer.referenced_id.as_ref().is_none_or(|it| *it == order.transaction);
    if !same_reference || !same_parent {
        return Err(another());
    }
    let shown = answer.amount.as_ref().map(|_| answer.money()).transpose()?;
    match (shown.filter(|shown| *shown != order.amount), state) {
        (None, state) => Ok(state),
        (Some(taken), CaptureState::Captured { .. }) => Ok(CaptureState::Otherwise { taken }),
        (
            Some(_),
            CaptureState::Pending | CaptureState::Otherwise { .. } | CaptureState::Rejected { .. },
        ) => Err(another()),
    }
}
