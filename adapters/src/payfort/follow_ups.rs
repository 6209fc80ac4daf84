//! What follows a charge: reserved money taken or let go, and money sent back.

use super::{PayFort, codes::Class, message::Message, requests::Request, signing::Channel};
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
}

impl PayFort {
    /// Takes all that was reserved. A second time there is nothing left to take, which the vendor refuses: unknown, and
    /// the look-up sees the first.
    pub(super) async fn take_reserved(
        &self,
        order: &CaptureOrder,
        until: Deadline,
    ) -> Result<CaptureState, Error> {
        let channel = self.account(&order.account)?;
        let request = Request::new("capture", ("command", "CAPTURE"));
        let request = self.following(request, channel, (order.payment, &order.transaction));
        let request = request.of(order.amount)?;
        let answer = self.send(channel, (order.payment, request), until).await?;
        same_order(&answer, &order.transaction, Some(order.amount))?;
        Ok(match followed(&answer, Class::Captured)? {
            Followed::Done => CaptureState::Captured,
            Followed::Pending => CaptureState::Pending,
            Followed::Rejected => {
                let code = answer.code("response_code").to_owned();
                CaptureState::Rejected { code, reason: answer.reason() }
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
        let answer = self.send(channel, (order.payment, request), until).await?;
        same_order(&answer, &order.transaction, None)?;
        refund_state(order, &answer, Class::Voided)
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
        let answer = self.send(channel, (order.payment, request), until).await?;
        same_order(&answer, &order.transaction, Some(order.amount))?;
        if answer.get("maintenance_reference").is_some_and(|shown| shown != reference) {
            return Err(Error::unknown("payfort: the answer is about another refund"));
        }
        refund_state(order, &answer, Class::Refunded)
    }

    fn following(
        &self,
        request: Request,
        channel: &Channel,
        (payment, transaction): (PaymentId, &str),
    ) -> Request {
        self.about(request, channel, payment).with("language", "en").with("fort_id", transaction)
    }
}

fn followed(answer: &Message, done: Class) -> Result<Followed, Error> {
    let class = answer.class();
    if class == done {
        return Ok(Followed::Done);
    }
    match class {
        Class::Pending => Ok(Followed::Pending),
        Class::Declined => Ok(Followed::Rejected),
        Class::Invalid => Err(Error::refused(answer.code("response_code"), answer.reason())),
        // Of these, "not now" may mean that it has been done.
        Class::NotNow
        | Class::Purchased
        | Class::Authorized
        | Class::Captured
        | Class::Refunded
        | Class::Voided
        | Class::Queried
        | Class::Tokenized
        | Class::Checks3ds
        | Class::Duplicate
        | Class::NotFound
        | Class::Uncertain
        | Class::Unknown => Err(Error::unknown(answer.reason())),
    }
}

/// The vendor gives what follows an order no id of its own, so it is known by the order's.
fn refund_state(order: &RefundOrder, answer: &Message, done: Class) -> Result<RefundState, Error> {
    let transaction = order.transaction.clone();
    Ok(match followed(answer, done)? {
        Followed::Done => RefundState::Refunded { transaction },
        Followed::Pending => RefundState::Pending { transaction },
        Followed::Rejected => {
            let code = answer.code("response_code").to_owned();
            RefundState::Rejected { code, reason: answer.reason() }
        }
    })
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
