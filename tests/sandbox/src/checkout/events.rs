//! Events: what the merchant is told of a payment, in either of the vendor's two envelopes.

use super::actions::Action;
use super::payments::Payment;
use super::reads::distorted;
use super::{Checkout, new_id};
use crate::clock;
use crate::faults::Call;
use crate::wire::Answer;
use serde_json::{Value, json};

/// What happened, to which payment and by which of its actions.
pub(super) struct Event<'a> {
    pub kind: &'a str,
    pub payment: &'a Payment,
    pub action: Option<&'a Action>,
    pub at: i64,
}

impl Event<'_> {
    /// What the merchant calls it: an action's own reference, else the payment's.
    pub(super) fn reference(&self) -> &str {
        let own = self.action.map(|action| action.reference.as_str());
        own.filter(|own| !own.is_empty()).unwrap_or(&self.payment.reference)
    }

    /// The body, with an id of its own each time it is written.
    pub(super) fn json(&self, second_envelope: bool, fault: &str) -> Value {
        let amount = self.action.map_or(self.payment.amount, |action| action.amount);
        let mut data = json!({"id": self.payment.id, "reference": self.reference(),
            "amount": amount, "currency": self.payment.currency,
            "processed_on": clock::rfc3339(self.at), "metadata": self.payment.metadata});
        if let Some(action) = self.action {
            data["action_id"] = json!(action.id);
            data["response_code"] = json!(action.code);
            data["response_summary"] = json!(action.summary());
            data["balances"] = self.payment.balances();
        }
        if self.kind.starts_with("dispute_") {
            data["id"] = json!(new_id("dsp"));
            data["payment_id"] = json!(self.payment.id);
            data["payment_reference"] = json!(self.payment.reference);
        }
        let (at, data) = (clock::rfc3339(self.at), distorted(data, fault));
        let (id, kind) = (new_id("evt"), self.kind);
        if second_envelope {
            return json!({"id": id, "type": kind, "created_on": at, "data": data});
        }
        json!({"id": id, "source": "gateway", "type": kind, "timestamp": at,
            "version": "1.0.29", "data": data})
    }
}

impl Checkout {
    /// Tells the merchant, if it wants to be told.
    pub(super) fn notify(&mut self, id: &str, kind: &str, action: Option<usize>, now: i64) {
        if self.desk.switches.get("webhook_url").is_empty() {
            return;
        }
        let Some(payment) = self.payments.get(id).cloned() else { return };
        let action = action.and_then(|at| payment.actions.get(at));
        let event = Event { kind, payment: &payment, action, at: now };
        let call = Call::new("webhook", &[]).goes_by(event.reference()).goes_by(&payment.reference);
        let fault = self.desk.faults.take(&call);
        self.post(&event, fault.as_ref());
    }

    /// The cardholder's bank takes the latest captured payment of a reference back.
    pub(super) fn charge_back_reference(&mut self, reference: &str, now: i64) -> Answer {
        let captured =
            |id: &&String| self.payments.get(*id).is_some_and(|payment| payment.sum("Capture") > 0);
        let ids = self.by_reference.get(reference).into_iter().flatten();
        let Some(id) = ids.rev().find(captured).cloned() else {
            return Answer::json(404, &json!({"error": "nothing was captured under it"}));
        };
        let entry = self.payments.get(&id).map(|payment| payment.entry(now, "chargeback"));
        if let Some(entry) = entry {
            self.desk.ledger.write(entry);
        }
        self.notify(&id, "dispute_received", None, now);
        Answer::json(200, &json!({ "payment_id": id }))
    }
}
