//! Transactions: what a shopper submits, what follows it, and how each is told.

use super::checkouts::Checkout;
use super::codes::{self, envelope};
use super::fate::Interim;
use super::{HyperPay, hex_lower};
use crate::clock;
use crate::ledger::Entry;
use crate::money::decimal;
use crate::vendor::{Moment, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Payment {
    pub id: String,
    pub entity: String,
    /// `DB`, `PA`, `CP`, `RF`, `RV` or `CB`.
    pub kind: String,
    pub brand: String,
    pub amount: i64,
    pub currency: String,
    pub reference: String,
    pub parent: Option<String>,
    pub code: String,
    pub created_at: i64,
    pub visible_from: i64,
    pub ndc: String,
    pub external: bool,
    pub custom: BTreeMap<String, String>,
    pub interim: Option<Interim>,
}

impl Payment {
    /// It has moved money, or still may.
    pub(super) fn open_money(&self) -> bool {
        codes::is_success(&self.code) || self.interim.is_some()
    }

    pub(super) fn is_capture(&self) -> bool {
        matches!(self.kind.as_str(), "DB" | "CP") && codes::is_success(&self.code)
    }

    /// What it does to money, in the ledger's words.
    fn entry(&self, now: i64, kind: &str) -> Entry {
        let entry = Entry::new(now, kind, &self.reference)
            .vendor_id(&self.id)
            .amount(self.amount)
            .currency(&self.currency)
            .extra("code", self.code.clone())
            .extra("payment_type", self.kind.clone());
        match &self.parent {
            Some(parent) => entry.parent(parent),
            None => entry.extra("checkout", self.ndc.clone()),
        }
    }

    pub(super) fn json(&self, now: i64) -> Value {
        let result = json!({"code": self.code, "description": codes::text(&self.code)});
        let mut body = envelope(&result, now);
        body["id"] = json!(self.id);
        body["paymentType"] = json!(self.kind);
        body["amount"] = json!(decimal(self.amount));
        body["currency"] = json!(self.currency);
        body["descriptor"] = json!("7038.8008.8895 Cinema");
        body["merchantTransactionId"] = json!(self.reference);
        body["timestamp"] = json!(clock::spaced(self.created_at));
        body["ndc"] = json!(self.ndc);
        let details = if codes::is_success(&self.code) {
            json!({"ConnectorTxID1": self.id, "AcquirerResponse": "00",
                "ExtendedDescription": "Approved", "clearingInstituteName": "Sandbox"})
        } else {
            json!({"ConnectorTxID1": self.id})
        };
        body["resultDetails"] = details;
        if let Some(parent) = &self.parent {
            body["referencedId"] = json!(parent);
        } else {
            let (bin, last, kind) = card(&self.brand);
            body["paymentBrand"] = json!(self.brand);
            body["card"] = json!({"bin": bin, "last4Digits": last, "holder": "Sara Ali",
                    "expiryMonth": "05", "expiryYear": "2030", "type": kind, "country": "SA"});
            body["threeDSecure"] = json!({"eci": "05", "version": "2.2.0"});
            body["customParameters"] = json!(self.custom);
            body["risk"] = json!({"score": "100"});
        }
        body
    }
}

/// Test cards: the first six and the last four digits are all there is.
pub(super) fn card(brand: &str) -> (&'static str, &'static str, &'static str) {
    match brand {
        "MADA" => ("446404", "0007", "DEBIT"),
        "MASTER" => ("520000", "0007", "CREDIT"),
        _ => ("420000", "0000", "CREDIT"),
    }
}

impl HyperPay {
    /// The shopper's decision. None for an abandoned page; otherwise the new transaction.
    pub(super) fn submit(
        &mut self,
        id: &str,
        outcome: Outcome,
        reason: &str,
        moment: &Moment,
    ) -> Result<Option<String>, (u16, &'static str)> {
        if moment.fault_is("session_expired") {
            self.expire(id, moment.now);
        }
        if self.challenges.contains_key(id) {
            return self.answer_the_bank(id, outcome, moment.now);
        }
        let checkout = self.checkouts.get(id).ok_or((404, "there is no such checkout"))?;
        if checkout.registers() {
            return self.register(id, outcome, moment);
        }
        if checkout.expires_at <= moment.now {
            return Err((410, "this checkout has expired"));
        }
        if checkout.paid {
            return Err((409, "this checkout is already paid"));
        }
        if outcome == Outcome::Abandon {
            return Ok(None);
        }
        let closes_at = checkout.expires_at;
        let mut payment = self.attempt(checkout, moment);
        let natural = match outcome {
            Outcome::Decline if is_decline(reason) => reason.to_owned(),
            Outcome::Decline => codes::DECLINED.to_owned(),
            Outcome::Approve | Outcome::Abandon => self.approved_code(&payment),
        };
        let fate = self.fate(natural, closes_at, moment);
        (payment.code, payment.interim) = (fate.code, fate.interim);
        if codes::is_success(&payment.code) {
            distort(&mut payment, moment);
        }
        let closes = self.desk.switches.get("session_takes") != "several";
        if let Some(checkout) = self.checkouts.get_mut(id) {
            checkout.attempts.push(payment.id.clone());
            checkout.paid = closes && payment.open_money();
        }
        if let Some(fault) = moment.fault.as_ref().filter(|fault| fault.is("chargeback")) {
            let at = moment.now + fault.delay_or(0);
            self.charge_backs.insert((at, payment.id.clone()));
        }
        Ok(Some(self.keep(payment, moment.now)))
    }

    /// Ends a session before its time.
    pub(super) fn expire(&mut self, id: &str, now: i64) {
        if let Some(checkout) = self.checkouts.get_mut(id) {
            checkout.expires_at = checkout.expires_at.min(now);
        }
    }

    fn attempt(&self, checkout: &Checkout, moment: &Moment) -> Payment {
        Payment {
            id: hex_lower(),
            entity: checkout.entity.clone(),
            kind: checkout.kind.clone(),
            brand: self.brand(&checkout.entity).unwrap_or("VISA").to_owned(),
            amount: checkout.amount,
            currency: checkout.currency.clone(),
            reference: checkout.reference.clone(),
            parent: None,
            code: String::new(),
            created_at: moment.now,
            visible_from: self.visible_from(moment),
            ndc: checkout.id.clone(),
            external: checkout.external,
            custom: checkout.custom.clone(),
            interim: None,
        }
    }

    /// The test platform's success, unless the reference may not be used twice.
    pub(super) fn approved_code(&self, payment: &Payment) -> String {
        match self.duplicate(&payment.reference) {
            Some(code) => code.to_owned(),
            None => self.success_code(payment),
        }
    }

    pub(super) fn success_code(&self, payment: &Payment) -> String {
        match (self.desk.switches.get("success_code"), payment.external) {
            ("auto", true) => "000.100.112".to_owned(),
            ("auto", false) => "000.100.110".to_owned(),
            (code, _) => code.to_owned(),
        }
    }

    pub(super) fn duplicate(&self, reference: &str) -> Option<&'static str> {
        let code = match self.desk.switches.get("dup_policy") {
            "reject_200.300.404" => codes::INVALID,
            "reject_800.110.100" => codes::DUPLICATE,
            _ => return None,
        };
        self.is_used(reference).then_some(code)
    }

    /// Whether money has moved, or may still, under this reference.
    pub(super) fn is_used(&self, reference: &str) -> bool {
        let used = self.by_reference.get(reference).into_iter().flatten();
        !reference.is_empty()
            && used.filter_map(|id| self.payments.get(id)).any(Payment::open_money)
    }

    pub(super) fn visible_from(&self, moment: &Moment) -> i64 {
        let lag = moment.clock.shortened(self.desk.switches.number("query_lag_ms"));
        let fault = moment.fault.as_ref().filter(|fault| fault.is("lookup_lag"));
        moment.now + fault.map_or(lag, |fault| fault.delay_or(5_000))
    }

    /// Files a transaction; one that is decided moves its money. The merchant is told either way.
    pub(super) fn keep(&mut self, payment: Payment, now: i64) -> String {
        let id = payment.id.clone();
        self.by_reference.entry(payment.reference.clone()).or_default().push(id.clone());
        if let Some(parent) = &payment.parent {
            self.children.entry(parent.clone()).or_default().push(id.clone());
        }
        let undecided = payment.interim.as_ref().map(|interim| interim.until);
        let pending = payment.entry(now, "pending");
        self.payments.insert(id.clone(), payment);
        match undecided {
            None => self.decided(&id, now),
            Some(until) => {
                self.undecided.insert((until, id.clone()));
                self.desk.ledger.write(pending);
                self.notify(&id, now);
            }
        }
        id
    }

    fn decided(&mut self, id: &str, now: i64) {
        let Some(payment) = self.payments.get(id) else { return };
        let kind = match payment.kind.as_str() {
            "CB" => "chargeback",
            _ if !codes::is_success(&payment.code) => "decline",
            "DB" | "CP" => "capture",
            "PA" => "authorize",
            "RF" => "refund",
            _ => "reversal",
        };
        let entry = payment.entry(now, kind);
        self.desk.ledger.write(entry);
        self.notify(id, now);
    }

    /// One look at a transaction: an undecided one comes closer to its decision.
    pub(super) fn look_at(&mut self, id: &str, moment: &Moment) -> String {
        let due =
            self.payments.get_mut(id).and_then(|payment| payment.interim.as_mut()).is_some_and(
                |interim| {
                    let due = interim.left == 0 || interim.until <= moment.now;
                    interim.left = interim.left.saturating_sub(1);
                    due
                },
            );
        if due {
            self.decide(id, moment.now);
        }
        self.payments.get(id).map(|payment| payment.code.clone()).unwrap_or_default()
    }

    pub(super) fn decide(&mut self, id: &str, now: i64) {
        let interim = self.payments.get_mut(id).and_then(|payment| {
            let interim = payment.interim.take()?;
            payment.code.clone_from(&interim.becomes);
            Some(interim)
        });
        if let Some(interim) = interim {
            self.undecided.remove(&(interim.until, id.to_owned()));
            if !codes::is_success(&interim.becomes)
                && let Some(payment) = self.payments.get(id)
                && let Some(checkout) = self.checkouts.get_mut(&payment.ndc)
            {
                checkout.paid = false;
            }
            self.decided(id, now);
        }
    }
}

/// Whether a shopper's card may be refused with this code.
fn is_decline(code: &str) -> bool {
    !code.is_empty() && !codes::is_success(code) && !codes::is_pending(code)
}

/// A genuine transaction that is not the one asked for.
fn distort(payment: &mut Payment, moment: &Moment) {
    match moment.fault.as_ref().map(|fault| fault.name.as_str()) {
        Some("amount_mismatch") => payment.amount += 100,
        Some("currency_mismatch") => "AED".clone_into(&mut payment.currency),
        Some("reference_mismatch") => payment.reference.push_str("-other"),
        _ => {}
    }
}
