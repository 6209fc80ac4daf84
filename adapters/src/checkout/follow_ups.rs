//! Taking reserved money, letting it go, sending it back. Each is only accepted; the payment's actions say what came of
//! it, under the reference that we gave it: the payment's own for the one capture, the refund's for everything else.

use super::{
    Checkout,
    wire::{Accepted, Action, Codes, Kind, Status, is_id, no_answer, reason},
};
use crate::{
    error::Error,
    http::{Call, Deadline},
    provider::{CaptureOrder, CaptureState, RefundOrder, RefundState},
};
use schema::money::Money;
use serde_json::{Value, json};

/// What is to be done with a payment.
struct FollowUp<'a> {
    operation: &'static str,
    /// What it is called in the payment's path.
    segment: &'static str,
    transaction: &'a str,
    reference: String,
    body: Value,
}

/// What the vendor says of it at first.
enum Reply {
    /// It will be tried, as this action.
    Accepted(String),
    /// The payment does not allow it (any more).
    NotAllowed { code: String, reason: String },
}

impl Checkout {
    pub(super) async fn capture_once(
        &self,
        order: &CaptureOrder,
        until: Deadline,
    ) -> Result<CaptureState, Error> {
        let reference = order.payment.bare();
        let follow_up = FollowUp {
            operation: "capture",
            segment: "captures",
            transaction: &order.transaction,
            body: json!({ "amount": order.amount.amount_minor, "capture_type": "Final",
                "reference": reference }),
            reference,
        };
        Ok(match self.follow_up(follow_up, until).await? {
            Reply::Accepted(_) => CaptureState::Pending,
            Reply::NotAllowed { code, reason } => CaptureState::Rejected { code, reason },
        })
    }

    pub(super) async fn capture_shown(
        &self,
        order: &CaptureOrder,
        until: Deadline,
    ) -> Result<Option<CaptureState>, Error> {
        let reference = order.payment.bare();
        let ours = |action: &&Action| {
            let same = action.reference.as_ref().is_none_or(|shown| *shown == reference);
            action.kind == Kind::Capture && same
        };
        let actions = self.actions(plain(&order.transaction)?, until).await?;
        let Some(found) = most_certain(actions.iter().filter(ours)) else { return Ok(None) };
        let other = || Error::unknown("checkout: a capture of another amount");
        let asked = order.amount.amount_minor;
        if found.amount != Some(asked) {
            // An action says no currency: it is its payment's, which was compared when it was settled.
            let taken = found.amount.filter(|_| found.approved == Some(true)).ok_or_else(other)?;
            let taken = Money::new(taken, order.amount.currency).into();
            return Ok(Some(CaptureState::Otherwise { taken }));
        }
        Ok(Some(match found.approved {
            Some(true) => CaptureState::Captured { transaction: None },
            None => CaptureState::Pending,
            Some(false) => {
                let (code, reason) = refusal(found);
                CaptureState::Rejected { code, reason }
            }
        }))
    }

    /// A refund of what was taken, a void of what was only reserved. A void has no amount: it is for all of it.
    pub(super) async fn give_back_once(
        &self,
        order: &RefundOrder,
        until: Deadline,
    ) -> Result<RefundState, Error> {
        let reference = order.refund.bare();
        let (operation, segment, body) = if order.reserved {
            ("void", "voids", json!({ "reference": reference }))
        } else {
            let amount = order.amount.amount_minor;
            ("refund", "refunds", json!({ "amount": amount, "reference": reference }))
        };
        let transaction = &order.transaction;
        let follow_up = FollowUp { operation, segment, transaction, reference, body };
        let (code, reason) = match self.follow_up(follow_up, until).await? {
            Reply::Accepted(transaction) => return Ok(RefundState::Pending { transaction }),
            Reply::NotAllowed { code, reason } => (code, reason),
        };
        // What has been let go already cannot be let go again.
        let before = if order.reserved { self.let_go(order, until).await? } else { None };
        Ok(before.unwrap_or(RefundState::Rejected { code, reason }))
    }

    pub(super) async fn giving_back_shown(
        &self,
        order: &RefundOrder,
        until: Deadline,
    ) -> Result<Option<RefundState>, Error> {
        let actions = self.actions(plain(&order.transaction)?, until).await?;
        let ours = actions.iter().filter(|action| action.gives_back(order));
        let Some(found) = most_certain(ours) else {
            return if order.reserved { self.let_go(order, until).await } else { Ok(None) };
        };
        if found.amount != Some(order.amount.amount_minor) {
            return Err(Error::unknown("checkout: it gave back another amount"));
        }
        let transaction = found.id.clone();
        Ok(Some(match found.approved {
            Some(true) => RefundState::Refunded { transaction },
            None => RefundState::Pending { transaction },
            Some(false) => {
                let (code, reason) = refusal(found);
                RefundState::Rejected { code, reason }
            }
        }))
    }

    /// A reservation that has ended: let go by us, by a person, or by its time.
    async fn let_go(
        &self,
        order: &RefundOrder,
        until: Deadline,
    ) -> Result<Option<RefundState>, Error> {
        let payment = self.payment(plain(&order.transaction)?, until).await?;
        let ended = payment.is_some_and(|it| matches!(it.status, Status::Voided | Status::Expired));
        let transaction = order.transaction.clone();
        Ok(ended.then_some(RefundState::Refunded { transaction }))
    }

    async fn follow_up(&self, asked: FollowUp<'_>, until: Deadline) -> Result<Reply, Error> {
        let FollowUp { operation, segment, transaction, reference, body } = asked;
        let path = format!("payments/{}/{segment}", plain(transaction)?);
        let key = format!("{reference}-{operation}");
        let answer = self.once(Call::post(operation, path, body), &key, until).await?;
        let codes = Codes::of(&answer);
        let not_allowed = match answer.status.as_u16() {
            202 => None,
            403 => codes.iter().next(),
            422 => codes.iter().find(|code| is_about_the_payment(code)),
            _ => return Err(no_answer(&answer)),
        };
        if let Some(code) = not_allowed {
            return Ok(Reply::NotAllowed { code: code.to_owned(), reason: reason(&answer) });
        }
        if answer.status != 202 {
            return Err(no_answer(&answer));
        }
        let accepted: Accepted = answer.json()?;
        let ours = accepted.reference.as_ref().is_none_or(|shown| *shown == reference);
        if ours && is_id(&accepted.action_id, "act_") {
            return Ok(Reply::Accepted(accepted.action_id));
        }
        Err(Error::unknown(format!("checkout: the answer is about another {operation}")))
    }
}

fn plain(transaction: &str) -> Result<&str, Error> {
    let none = || Error::refused("malformed", "checkout: not a payment's id");
    is_id(transaction, "pay_").then_some(transaction).ok_or_else(none)
}

/// What was refused once may have been done when it was asked for again.
fn most_certain<'a>(actions: impl Iterator<Item = &'a Action>) -> Option<&'a Action> {
    actions.max_by_key(|action| match action.approved {
        Some(true) => 2,
        None => 1,
        Some(false) => 0,
    })
}

fn refusal(action: &Action) -> (String, String) {
    let code = action.code().unwrap_or_else(|| "declined".to_owned());
    let reason = format!("checkout: the action was declined ({code})");
    (code, reason)
}

/// Codes that say how the payment stands, not that we have asked wrongly.
fn is_about_the_payment(code: &str) -> bool {
    matches!(
        code,
        "action_not_allowed"
            | "operation_not_allowed"
            | "amount_exceeds_balance"
            | "capture_value_greater_than_authorized"
            | "capture_value_greater_than_remaining_authorized"
            | "payment_expired"
            | "payment_invalid"
            | "void_amount_invalid"
    )
}
