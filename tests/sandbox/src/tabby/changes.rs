//! Capturing, refunding, closing: what a payment allows, and each of them once by its reference.

use super::payments::{Movement, Payment, Status};
use super::{Tabby, amounts, answers, uuid};
use crate::clock::DAY;
use crate::faults::Call;
use crate::ledger::Entry;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use serde_json::Value;

const REFUND_WINDOW_MS: i64 = 180 * DAY;

/// What a capture or a refund is asked with.
struct Asked {
    amount: i64,
    reference: String,
}

impl Tabby {
    /// Does it and shows the payment, or says why not.
    pub(super) fn change(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let id = call.arg(0);
        let Some(before) = self.payments.get(id).map(Payment::json) else {
            return answers::no_such_payment();
        };
        let done = match call.op {
            "capture" => asked(wire).and_then(|asked| self.capture(id, &asked, moment)),
            "refund" => asked(wire).and_then(|asked| self.refund(id, &asked, moment)),
            _ => self.close(id, moment),
        };
        if let Err(refusal) = done {
            return refusal;
        }
        if moment.fault_is("denied_though_done") {
            return answers::denied(call.op);
        }
        let answer = self.show(id, moment);
        self.lag(id, before, moment);
        answer
    }

    fn capture(&mut self, id: &str, asked: &Asked, moment: &Moment) -> Result<(), Answer> {
        let payment = self.payments.get(id).ok_or_else(answers::no_such_payment)?;
        if self.is_repeated(&payment.captures, asked) {
            return Ok(());
        }
        if payment.status != Status::Authorized {
            return Err(answers::denied("capture"));
        }
        if payment.captured() + asked.amount > payment.amount {
            return Err(answers::bad_data("capture amount exceeds payment amount"));
        }
        let part = matches!(moment.fault_name(), "partial_capture" | "partial_close");
        let amount = if part { asked.amount / 2 } else { asked.amount };
        self.take(id, amount, Some(&asked.reference), moment.now);
        if moment.fault_is("partial_close") {
            self.becomes(id, Status::Closed, moment.now);
        }
        Ok(())
    }

    fn refund(&mut self, id: &str, asked: &Asked, moment: &Moment) -> Result<(), Answer> {
        let payment = self.payments.get(id).ok_or_else(answers::no_such_payment)?;
        if self.is_repeated(&payment.refunds, asked) {
            return Ok(());
        }
        if payment.disputed {
            return Err(answers::disputed());
        }
        if payment.status != Status::Closed || payment.captures.is_empty() {
            return Err(answers::denied("refund"));
        }
        if payment.refunded() + asked.amount > payment.captured() {
            return Err(answers::bad_data("refund amount exceeds captured amount"));
        }
        if payment.created_at + moment.clock.shortened(REFUND_WINDOW_MS) <= moment.now {
            return Err(answers::bad_data("refund period is over"));
        }
        let refund = Movement {
            id: uuid(),
            created_at: moment.now,
            amount: asked.amount,
            reference: Some(asked.reference.clone()),
        };
        let entry = Entry::new(moment.now, "refund", &asked.reference)
            .vendor_id(&refund.id)
            .parent(id)
            .amount(asked.amount)
            .currency(&payment.currency);
        self.desk.ledger.write(entry);
        if let Some(payment) = self.payments.get_mut(id) {
            payment.refunds.push(refund);
        }
        self.notify(id, moment.now);
        Ok(())
    }

    fn close(&mut self, id: &str, moment: &Moment) -> Result<(), Answer> {
        let payment = self.payments.get(id).ok_or_else(answers::no_such_payment)?;
        if payment.status != Status::Authorized {
            return Err(answers::denied("close"));
        }
        self.becomes(id, Status::Closed, moment.now);
        Ok(())
    }

    /// Whether the reference has been used; where it is forgotten, no.
    fn is_repeated(&self, made: &[Movement], asked: &Asked) -> bool {
        let same = |one: &Movement| one.reference.as_ref() == Some(&asked.reference);
        self.desk.switches.get("repeated_reference") == "shown" && made.iter().any(same)
    }
}

fn asked(wire: &Wire) -> Result<Asked, Answer> {
    let unreadable = || answers::bad_data("could not decode request");
    let body = wire.json().ok_or_else(unreadable)?;
    let text = |field: &str| body[field].as_str().filter(|text: &&str| !text.is_empty());
    let amount = text("amount").and_then(amounts::parse).filter(|amount| *amount > 0);
    let reference = text("reference_id").map(str::to_owned);
    match (amount, reference) {
        (Some(amount), Some(reference)) => Ok(Asked { amount, reference }),
        _ => Err(unreadable()),
    }
}

impl Tabby {
    /// Until the fault's time is over a payment is shown as it was.
    pub(super) fn lag(&mut self, id: &str, before: Value, moment: &Moment) {
        let fault = moment.fault.as_ref().filter(|fault| fault.is("lookup_lag"));
        if let (Some(fault), Some(payment)) = (fault, self.payments.get_mut(id)) {
            let until = moment.now + fault.delay_or(5_000);
            payment.stale = Some(super::payments::Stale { until, shown: before });
        }
    }
}
