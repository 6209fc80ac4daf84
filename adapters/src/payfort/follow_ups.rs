//! What follows a charge: reserved money taken or let go, and money sent back.

use super::{
    PayFort, codes::Class, message::Message, requests::Request, signing::Channel,
    standing::Standing,
};
use crate::{
    error::Error,
    http::Deadline,
    provider::{CaptureOrder, CaptureState, RefundOrder, RefundState},
};
use schema::{ids::PaymentId, money::Money};

/// What a follow-up's answer comes to; what it cannot tell for certain is an error.
enum Followed {
    Done,
    Pending,
    Rejected,
    /// As the order is now, it is not allowed: because it has been done, or because it cannot be.
    NotAllowed,
}

impl PayFort {
    /// Takes all that was reserved. A second time there is nothing left to take, which the vendor refuses: what the order
    /// shows is the answer then.
    pub(super) async fn take_reserved(
        &self,
        order: &CaptureOrder,
        until: Deadline,
    ) -> Result<CaptureState, Error> {
        let channel = self.account(&order.account)?;
        let request = Request::new("capture", ("command", "CAPTURE"));
        let request = self.following(request, channel, (order.payment, &order.transaction));
        let request = request.of(order.amount)?;
        let answer = self.send(channel, (&order.payment.bare(), request), until).await?;
        same_order(&answer, &order.transaction, Some(order.amount))?;
        let rejected = || {
            let code = answer.code("response_code").to_owned();
            CaptureState::Rejected { code, reason: answer.reason() }
        };
        Ok(match followed(&answer, Class::Captured)? {
            Followed::Done => CaptureState::Captured { transaction: None },
            Followed::Pending => CaptureState::Pending,
            Followed::Rejected => rejected(),
            Followed::NotAllowed => {
                let shown = self.shown_after_a_no(channel, order.payment, until).await?;
                let done = shown.map(|order_now| order_now.capture(order)).transpose()?.flatten();
                done.unwrap_or_else(rejected)
            }
        })
    }

    /// Lets go of what was reserved. Twice is harmless: the second is refused.
    pub(super) async fn void(
        &self,
        order: &RefundOrder,
        until: Deadline,
    ) -> Result<RefundState, Error> {
        let channel = self.account(&order.account)?;
        let request = Request::new("void", ("command", "VOID_AUTHORIZATION"));
        let request = self.following(request, channel, (order.payment, &order.transaction));
        let answer = self.send(channel, (&order.payment.bare(), request), until).await?;
        same_order(&answer, &order.transaction, None)?;
        self.refund_state(order, (&answer, Class::Voided), until).await
    }

    /// Sends money back under the refund's own reference. Whether the vendor refuses a reference of a refund that it has
    /// seen is not documented, so it is asked first: while any money has gone back, nothing more is sent.
    pub(super) async fn send_back(
        &self,
        order: &RefundOrder,
        until: Deadline,
    ) -> Result<RefundState, Error> {
        let channel = self.account(&order.account)?;
        let standing = self.standing(channel, order.payment, until).await.map_err(not_sent)?;
        if standing.is_some_and(|standing| standing.has_refunds()) {
            return Err(Error::unknown("payfort: money has gone back before"));
        }
        let reference = order.refund.bare();
        let request = Request::new("refund", ("command", "REFUND"));
        let request = self
            .following(request, channel, (order.payment, &order.transaction))
            .with("maintenance_reference", &reference)
            .of(order.amount)?;
        let answer = self.send(channel, (&order.payment.bare(), request), until).await?;
        same_order(&answer, &order.transaction, Some(order.amount))?;
        if answer.get("maintenance_reference").is_some_and(|shown| shown != reference) {
            return Err(Error::unknown("payfort: the answer is about another refund"));
        }
        self.refund_state(order, (&answer, Class::Refunded), until).await
    }

    /// The vendor gives what follows an order no id of its own, so it is known by the order's.
    async fn refund_state(
        &self,
        order: &RefundOrder,
        (answer, done): (&Message, Class),
        until: Deadline,
    ) -> Result<RefundState, Error> {
        let transaction = order.transaction.clone();
        let rejected = || {
            let code = answer.code("response_code").to_owned();
            RefundState::Rejected { code, reason: answer.reason() }
        };
        Ok(match followed(answer, done)? {
            Followed::Done => RefundState::Refunded { transaction },
            Followed::Pending => RefundState::Pending { transaction },
            Followed::Rejected => rejected(),
            Followed::NotAllowed => {
                let channel = self.account(&order.account)?;
                let shown = self.shown_after_a_no(channel, order.payment, until).await?;
                let done = shown.map(|order_now| order_now.refund(order)).transpose()?.flatten();
                done.unwrap_or_else(rejected)
            }
        })
    }

    /// How an order stands that does not allow what was asked. Where it shows nothing of it, the no stands. A look-up that
    /// fails, by whatever it fails, leaves it unknown: not even "not executed" would be about what was asked first.
    pub(super) async fn shown_after_a_no(
        &self,
        channel: &Channel,
        payment: PaymentId,
        until: Deadline,
    ) -> Result<Option<Standing>, Error> {
        let unknown = |error: Error| Error::unknown(format!("payfort: after a no, {error}"));
        self.standing(channel, payment, until).await.map_err(unknown)
    }

    fn following(
        &self,
        request: Request,
        channel: &Channel,
        (payment, transaction): (PaymentId, &str),
    ) -> Request {
        self.about(request, channel, &payment.bare())
            .with("language", "en")
            .with("fort_id", transaction)
    }
}

fn followed(answer: &Message, done: Class) -> Result<Followed, Error> {
    let class = answer.class();
    if class == done {
        return Ok(Followed::Done);
    }
    match class {
        Class::Pending => Ok(Followed::Pending),
        Class::Declined | Class::NoToken => Ok(Followed::Rejected),
        // "Order already processed" (047) and the like are said of a follow-up, too: its order's reference is never new.
        Class::NotNow | Class::Duplicate => Ok(Followed::NotAllowed),
        Class::Invalid => Err(Error::refused(answer.code("response_code"), answer.reason())),
        Class::Purchased
        | Class::Authorized
        | Class::Captured
        | Class::Refunded
        | Class::Voided
        | Class::Queried
        | Class::Tokenized
        | Class::TokenUpdated
        | Class::Checks3ds
        | Class::NotFound
        | Class::Uncertain
        | Class::Unknown => Err(Error::unknown(answer.reason())),
    }
}

/// An answer must be about this order and this amount. What it leaves out it does not contradict: it is signed, and names
/// our reference.
fn same_order(answer: &Message, transaction: &str, amount: Option<Money>) -> Result<(), Error> {
    let same_id = answer.get("fort_id").is_none_or(|shown| shown == transaction);
    let same_amount = match (answer.minor("amount")?, amount) {
        (Some(shown), Some(ours)) => shown == ours.amount_minor,
        (Some(_) | None, _) => true,
    };
    if same_id && same_amount && answer.is_in_riyals() {
        return Ok(());
    }
    Err(Error::unknown("payfort: the answer is about another order or amount"))
}

/// What went wrong before anything was sent that moves money has moved none.
fn not_sent(error: Error) -> Error {
    match error {
        Error::Unknown { reason } => Error::unavailable(reason),
        Error::Unavailable { .. } | Error::Refused { .. } | Error::Forged { .. } => error,
    }
}
