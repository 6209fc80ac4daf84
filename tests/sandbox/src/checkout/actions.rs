//! Captures, refunds and voids: accepted at once where the balance allows it, decided a while after.

use super::payments::{APPROVED, Fate, fate};
use super::refusals::{bare, refused};
use super::requests;
use super::time::{Due, Waiting};
use super::{Checkout, new_id};
use crate::clock;
use crate::faults::Call;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The acquirer did not do it.
const FAILED: &str = "20006";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Action {
    pub id: String,
    /// Authorization, Capture, Refund or Void.
    pub kind: String,
    pub amount: i64,
    pub reference: String,
    /// Empty while it is not decided.
    pub code: String,
    pub at: i64,
    pub waiting: Option<Waiting>,
}

impl Action {
    pub(super) fn new(kind: &str, amount: i64, reference: &str, code: &str, at: i64) -> Self {
        Self {
            id: new_id("act"),
            kind: kind.to_owned(),
            amount,
            reference: reference.to_owned(),
            code: code.to_owned(),
            at,
            waiting: None,
        }
    }

    pub(super) fn is_decided(&self) -> bool {
        self.waiting.is_none()
    }

    pub(super) fn summary(&self) -> &'static str {
        if self.code == APPROVED { "Approved" } else { "Declined" }
    }

    pub(super) fn json(&self) -> Value {
        let mut shown = json!({"id": self.id, "type": self.kind, "amount": self.amount,
            "processed_on": clock::rfc3339(self.at)});
        if !self.reference.is_empty() {
            shown["reference"] = json!(self.reference);
        }
        if self.is_decided() {
            shown["approved"] = json!(self.code == APPROVED);
            shown["response_code"] = json!(self.code);
            shown["response_summary"] = json!(self.summary());
        }
        shown
    }

    /// What the merchant is told when it is decided.
    fn event(&self) -> &'static str {
        match (self.kind.as_str(), self.code == APPROVED) {
            ("Capture", true) => "payment_captured",
            ("Capture", false) => "payment_capture_declined",
            ("Refund", true) => "payment_refunded",
            ("Refund", false) => "payment_refund_declined",
            ("Void", true) => "payment_voided",
            _ => "payment_void_declined",
        }
    }
}

/// What the vendor calls what the merchant asks for.
fn kind_of(op: &str) -> &'static str {
    match op {
        "capture" => "Capture",
        "refund" => "Refund",
        _ => "Void",
    }
}

impl Checkout {
    /// `POST payments/{id}/captures`, `refunds`, `voids`
    pub(super) fn follow_up(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let (id, kind) = (call.arg(0), kind_of(call.op));
        if !self.payments.contains_key(id) {
            return bare(404);
        }
        let asked = requests::body(wire)
            .and_then(|body| Ok((requests::amount(&body)?, requests::reference(&body)?)));
        let (amount, reference) = match asked {
            Ok(asked) => asked,
            Err(code) => return refused(422, code),
        };
        let amount = match self.allowed(id, kind, amount) {
            Ok(amount) => amount,
            Err((status, code)) => return refused(status, code),
        };
        let mut action = Action::new(kind, amount, &reference, "", moment.now);
        let settles = moment.clock.shortened(self.desk.switches.number("settle_ms"));
        action.waiting = Some(match fate(APPROVED, FAILED, moment) {
            Fate::Later(waiting) => waiting,
            Fate::Now(code) => Waiting::until(moment.now + settles, &code),
        });
        let accepted = json!({"action_id": action.id, "reference": reference, "_links": {
            "payment": {"href": self.href(&format!("payments/{id}"))},
            "actions": {"href": self.href(&format!("payments/{id}/actions"))}}});
        self.accept(id, action, moment.now);
        self.settle(moment.now);
        Answer::json(202, &accepted)
    }

    /// How much it is for, or why it cannot be.
    fn allowed(
        &self,
        id: &str,
        kind: &str,
        amount: Option<i64>,
    ) -> Result<i64, (u16, &'static str)> {
        let not_allowed = (403, "action_not_allowed");
        let payment = self.payments.get(id).ok_or(not_allowed)?;
        let [captured, refunded, voided] =
            ["Capture", "Refund", "Void"].map(|kind| payment.sum_with_open(kind));
        let reserved = payment.sum("Authorization");
        if payment.ended.is_some() || payment.waiting.is_some() || reserved == 0 || voided > 0 {
            return Err(not_allowed);
        }
        let (left, too_much) = match kind {
            "Capture" => {
                (reserved - captured, (422, "capture_value_greater_than_remaining_authorized"))
            }
            // Only what has been captured for certain can go back.
            "Refund" => (payment.sum("Capture") - refunded, (422, "amount_exceeds_balance")),
            _ if captured > 0 => return Err(not_allowed),
            _ => return Ok(reserved),
        };
        let amount = amount.unwrap_or(left);
        if left <= 0 {
            return Err(not_allowed);
        }
        if amount <= 0 {
            return Err((422, "amount_invalid"));
        }
        if amount > left { Err(too_much) } else { Ok(amount) }
    }

    /// Files an action that will be decided. The ledger has it under the merchant's reference of it.
    fn accept(&mut self, id: &str, action: Action, now: i64) {
        let Some(payment) = self.payments.get_mut(id) else { return };
        let kind = format!("{}_accepted", action.kind.to_ascii_lowercase());
        let entry = payment.entry(now, &kind).parent(id).vendor_id(&action.id);
        let mut entry = entry.amount(action.amount);
        entry.reference.clone_from(&action.reference);
        self.desk.ledger.write(entry);
        if let Some(waiting) = &action.waiting {
            self.due.insert((waiting.until, Due::Action(id.to_owned(), action.id.clone())));
        }
        payment.actions.push(action);
    }

    /// A payment that was to be captured at once.
    pub(super) fn capture_by_itself(&mut self, id: &str, amount: i64, becomes: &str, now: i64) {
        let Some(payment) = self.payments.get(id) else { return };
        let settles = self.settings.clock.shortened(self.desk.switches.number("settle_ms"));
        let mut action = Action::new("Capture", amount, &payment.reference, "", now);
        action.waiting = Some(Waiting::until(now + settles, becomes));
        self.accept(id, action, now);
        let at = self.last_action(id);
        self.notify(id, "payment_capture_pending", at, now);
    }

    pub(super) fn decide_waiting_action(&mut self, id: &str, action: &str, now: i64) {
        let due = |it: &&Action| {
            it.id == action && it.waiting.as_ref().is_some_and(|waiting| waiting.until <= now)
        };
        let payment = self.payments.get(id);
        if payment.is_some_and(|payment| payment.actions.iter().any(|it| due(&it))) {
            self.decide_now(id, action, now);
        }
    }

    pub(super) fn decide_now(&mut self, id: &str, action: &str, now: i64) {
        let Some(payment) = self.payments.get_mut(id) else { return };
        let Some(at) = payment.actions.iter().position(|it| it.id == action) else { return };
        let Some(decided) = payment.actions.get_mut(at) else { return };
        let Some(waiting) = decided.waiting.take() else { return };
        (decided.code, decided.at) = (waiting.becomes, now);
        let (event, decided) = (decided.event(), decided.clone());
        let done = if decided.code == APPROVED { "" } else { "_declined" };
        let kind = format!("{}{done}", decided.kind.to_ascii_lowercase());
        let entry = payment.entry(now, &kind).parent(id).vendor_id(&decided.id);
        let mut entry = entry.amount(decided.amount).extra("code", decided.code);
        entry.reference = decided.reference;
        self.desk.ledger.write(entry);
        self.notify(id, event, Some(at), now);
    }

    pub(super) fn last_action(&self, id: &str) -> Option<usize> {
        self.payments.get(id)?.actions.len().checked_sub(1)
    }
}
