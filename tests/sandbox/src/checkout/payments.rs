//! Payments: made from a token, a saved card or a context, decided at once, by the customer, or by time.

use super::actions::Action;
use super::cards::Card;
use super::refusals::refused;
use super::requests::{self, Asked};
use super::time::{Due, Waiting};
use super::{Checkout, new_id};
use crate::clock::{self, DAY, MINUTE, SECOND};
use crate::ledger::Entry;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) const APPROVED: &str = "10000";
pub(super) const DECLINED: &str = "20005";
/// How long something stays undecided when nobody asks, in the vendor's time.
const UNDECIDED_MS: i64 = 30 * SECOND;
const CHALLENGE_MS: i64 = 15 * MINUTE;
const CHALLENGE_GIVEN_UP: &str = "20152";
const RESERVED_MS: i64 = 7 * DAY;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Source {
    Card(Card),
    StcPay,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Payment {
    pub id: String,
    pub reference: String,
    pub amount: i64,
    pub currency: String,
    pub source: Source,
    /// It is captured by itself once it is approved.
    pub capture: bool,
    pub created_at: i64,
    pub visible_from: i64,
    pub waiting: Option<Waiting>,
    /// It is the customer that is waited for.
    pub challenged: bool,
    /// Declined, Canceled or Expired.
    pub ended: Option<String>,
    /// What becomes of its own capture.
    pub capture_becomes: String,
    pub actions: Vec<Action>,
    pub success_url: Option<String>,
    pub failure_url: Option<String>,
    pub metadata: Value,
    pub customer: Value,
}

/// What becomes of something: now, or after a while.
pub(super) enum Fate {
    Now(String),
    Later(Waiting),
}

impl Payment {
    pub(super) fn new(asked: Asked, source: Source, moment: &Moment) -> Self {
        Self {
            id: new_id("pay"),
            reference: asked.reference,
            amount: asked.amount,
            currency: asked.currency,
            source,
            capture: asked.capture,
            created_at: moment.now,
            visible_from: moment.now,
            waiting: None,
            challenged: false,
            ended: None,
            capture_becomes: APPROVED.to_owned(),
            actions: Vec::new(),
            success_url: asked.success_url,
            failure_url: asked.failure_url,
            metadata: asked.metadata,
            customer: asked.customer,
        }
    }

    /// What the approved actions of a kind come to.
    pub(super) fn sum(&self, kind: &str) -> i64 {
        let done = self.actions.iter().filter(|it| it.kind == kind && it.code == APPROVED);
        done.map(|action| action.amount).sum()
    }

    /// The same, with those that are accepted and may still be approved.
    pub(super) fn sum_with_open(&self, kind: &str) -> i64 {
        let open = self.actions.iter().filter(|it| it.kind == kind && it.waiting.is_some());
        self.sum(kind) + open.map(|action| action.amount).sum::<i64>()
    }

    pub(super) fn status(&self) -> &str {
        if let Some(ended) = &self.ended {
            return ended;
        }
        if self.waiting.is_some() {
            return "Pending";
        }
        let (captured, refunded) = (self.sum("Capture"), self.sum("Refund"));
        if self.sum("Void") > 0 {
            "Voided"
        } else if captured == 0 {
            "Authorized"
        } else if refunded >= captured {
            "Refunded"
        } else if refunded > 0 {
            "Partially Refunded"
        } else if captured < self.amount {
            "Partially Captured"
        } else {
            "Captured"
        }
    }

    pub(super) fn entry(&self, now: i64, kind: &str) -> Entry {
        Entry::new(now, kind, &self.reference)
            .vendor_id(&self.id)
            .amount(self.amount)
            .currency(&self.currency)
    }

    pub(super) fn source_json(&self) -> Value {
        match &self.source {
            Source::StcPay => json!({ "type": "stcpay" }),
            Source::Card(card) => {
                let mut shown = card.json();
                shown["type"] = json!("card");
                shown["name"] = json!("Sara Ali");
                shown["fingerprint"] = json!("F".repeat(64));
                if self.sum("Authorization") > 0 {
                    shown["id"] = json!(card.id);
                }
                shown
            }
        }
    }

    pub(super) fn balances(&self) -> Value {
        let [authorized, voided, captured, refunded] =
            ["Authorization", "Void", "Capture", "Refund"].map(|kind| self.sum(kind));
        let open = if voided > 0 || self.ended.is_some() { 0 } else { authorized - captured };
        let to_void = if captured > 0 { 0 } else { open };
        json!({"total_authorized": authorized, "total_voided": voided,
            "available_to_void": to_void, "total_captured": captured,
            "available_to_capture": open, "total_refunded": refunded,
            "available_to_refund": captured - refunded})
    }
}

impl Checkout {
    /// `POST payments`
    pub(super) fn create_payment(&mut self, wire: &Wire, moment: &Moment) -> Answer {
        let made = requests::body(wire).and_then(|body| self.made(&body, moment));
        match made {
            Ok(id) => self.show_made(&id),
            Err(code) => refused(422, code),
        }
    }

    fn made(&mut self, body: &Value, moment: &Moment) -> Result<String, &'static str> {
        if let Some(context) = requests::text(body, "payment_context_id") {
            return self.pay_with_context(&context, body, moment);
        }
        let asked = requests::payment(body, &self.settings.account.processing_channel)?;
        let source = body.get("source").ok_or("payment_source_required")?;
        let source = self.source(source, moment.now)?;
        let asks_customer = self.desk.switches.get("challenge") == "asked" && asked.challenge;
        let mut payment = Payment::new(asked, source, moment);
        distort(&mut payment, moment);
        if asks_customer && moment.fault.as_ref().is_none_or(|fault| !decides(&fault.name)) {
            let until = moment.now + moment.clock.shortened(CHALLENGE_MS);
            payment.waiting = Some(Waiting::until(until, CHALLENGE_GIVEN_UP));
            payment.challenged = true;
            return Ok(self.keep(payment, None, moment));
        }
        let natural = self.natural_code(&payment);
        match fate(&natural, DECLINED, moment) {
            Fate::Now(code) => Ok(self.keep(payment, Some(&code), moment)),
            Fate::Later(waiting) => {
                payment.waiting = Some(waiting);
                Ok(self.keep(payment, None, moment))
            }
        }
    }

    /// Files a payment, decided or not.
    pub(super) fn keep(
        &mut self,
        mut payment: Payment,
        code: Option<&str>,
        moment: &Moment,
    ) -> String {
        let lag = moment.clock.shortened(self.desk.switches.number("index_lag_ms"));
        let fault = moment.fault.as_ref().filter(|fault| fault.is("lookup_lag"));
        payment.visible_from = moment.now + fault.map_or(lag, |fault| fault.delay_or(5_000));
        if moment.fault_is("capture_declined") {
            DECLINED.clone_into(&mut payment.capture_becomes);
        }
        let id = payment.id.clone();
        self.desk.ledger.write(payment.entry(moment.now, "payment"));
        self.by_reference.entry(payment.reference.clone()).or_default().push(id.clone());
        if let Some(waiting) = &payment.waiting {
            self.due.insert((waiting.until, Due::Payment(id.clone())));
        }
        let waits = payment.waiting.is_some();
        self.payments.insert(id.clone(), payment);
        match code {
            Some(code) => self.decide_payment(&id, code, moment.now),
            None if waits => self.notify(&id, "payment_pending", None, moment.now),
            None => {}
        }
        id
    }

    /// The vendor's sandbox declines by the amount's last digits, where that is switched on.
    pub(super) fn natural_code(&self, payment: &Payment) -> String {
        let by_amount = self.desk.switches.on("declines_by_amount");
        match payment.amount % 100 {
            cents @ (5 | 12 | 14 | 51 | 62 | 63 | 68) if by_amount => format!("200{cents:02}"),
            _ => APPROVED.to_owned(),
        }
    }

    /// Approved: reserved, and captured if that was asked for. Anything else is a decline.
    pub(super) fn decide_payment(&mut self, id: &str, code: &str, now: i64) {
        let Some(payment) = self.payments.get_mut(id) else { return };
        payment.waiting = None;
        payment.challenged = false;
        let action = Action::new("Authorization", payment.amount, &payment.reference, code, now);
        payment.actions.push(action);
        let (captures, becomes) = (payment.capture, payment.capture_becomes.clone());
        let approved = code == APPROVED;
        if !approved {
            payment.ended = Some("Declined".to_owned());
        }
        let entry = payment.entry(now, if approved { "authorize" } else { "decline" });
        let amount = payment.amount;
        self.desk.ledger.write(entry.extra("code", code));
        let at = self.last_action(id);
        let event = if approved { "payment_approved" } else { "payment_declined" };
        self.notify(id, event, at, now);
        if approved && (captures || self.desk.switches.on("captures_at_once")) {
            self.capture_by_itself(id, amount, &becomes, now);
        } else if approved {
            let lapses = now + self.settings.clock.shortened(RESERVED_MS);
            self.due.insert((lapses, Due::Lapse(id.to_owned())));
        }
    }

    /// What nobody has captured in time goes back to the customer.
    pub(super) fn lapse(&mut self, id: &str, now: i64) {
        let Some(payment) = self.payments.get_mut(id) else { return };
        if payment.status() != "Authorized" || payment.sum_with_open("Capture") > 0 {
            return;
        }
        payment.ended = Some("Expired".to_owned());
        let entry = payment.entry(now, "expire");
        self.desk.ledger.write(entry);
        self.notify(id, "payment_expired", None, now);
    }

    /// What is answered to the request that made it.
    fn show_made(&self, id: &str) -> Answer {
        let Some(payment) = self.payments.get(id) else { return refused(422, "processing_error") };
        let accepted = payment.waiting.is_some()
            || (matches!(payment.source, Source::StcPay)
                && self.desk.switches.get("stc_pay_status") == "202");
        let mut body = self.payment_json(payment);
        if !accepted {
            if let Some(action) = payment.actions.iter().find(|it| it.kind == "Authorization") {
                body["action_id"] = json!(action.id);
                body["response_code"] = json!(action.code);
                body["response_summary"] = json!(action.summary());
            }
            body["processed_on"] = json!(clock::rfc3339(payment.created_at));
            // A capture that follows has not happened yet.
            let approved = payment.sum("Authorization") > 0;
            body["status"] = json!(if approved { "Authorized" } else { "Declined" });
            return Answer::json(201, &body);
        }
        let mut waiting = json!({"id": payment.id, "status": "Pending",
            "reference": payment.reference, "3ds": {"downgraded": false, "enrolled": "Y"}});
        waiting["_links"] = body["_links"].take();
        Answer::json(202, &waiting)
    }
}

/// `natural` is how it ends when no fault says otherwise.
pub(super) fn fate(natural: &str, declined: &str, moment: &Moment) -> Fate {
    let Some(fault) = moment.fault.as_ref() else { return Fate::Now(natural.to_owned()) };
    let soon = moment.now + fault.delay_or(moment.clock.shortened(UNDECIDED_MS));
    let undecided = |left, becomes: &str| {
        Fate::Later(Waiting { left, until: soon, becomes: becomes.to_owned() })
    };
    match fault.name.as_str() {
        "decline" => return Fate::Now(declined.to_owned()),
        "pending_forever" => return Fate::Later(Waiting::until(i64::MAX, natural)),
        _ => {}
    }
    if let Some(left) = fault.number("pending") {
        return undecided(left, natural);
    }
    if let Some(left) = fault.number("pending_then_decline") {
        return undecided(left, declined);
    }
    Fate::Now(fault.code("ends").unwrap_or(natural).to_owned())
}

/// Faults that decide a payment without asking the customer.
fn decides(fault: &str) -> bool {
    !matches!(
        fault,
        "lookup_lag"
            | "amount_mismatch"
            | "currency_mismatch"
            | "reference_mismatch"
            | "capture_declined"
            | "duplicate_request_after"
    )
}

/// A genuine payment that is not the one asked for.
pub(super) fn distort(payment: &mut Payment, moment: &Moment) {
    match moment.fault_name() {
        "amount_mismatch" => payment.amount += 1,
        "currency_mismatch" => "USD".clone_into(&mut payment.currency),
        "reference_mismatch" => payment.reference.push_str("-other"),
        _ => {}
    }
}
