//! Captures, refunds and reversals: what may follow a transaction, and for how much.

use super::checkouts::money_errors;
use super::codes::{self, invalid, wrong};
use super::payments::Payment;
use super::{HyperPay, hex_lower};
use crate::faults::Call;
use crate::money::parse_decimal;
use crate::vendor::Moment;
use crate::wire::{Answer, Pairs, Wire};

impl HyperPay {
    /// `POST payments/{id}`: capture, refund or reversal of an earlier transaction.
    pub(super) fn follow_up(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let now = moment.now;
        let form = match self.form(wire, now) {
            Ok(form) => form,
            Err(refusal) => return refusal,
        };
        let kind = form.filled("paymentType");
        let mut errors = money_errors(&form, kind != Some("RV"));
        if !matches!(kind, Some("CP" | "RF" | "RV")) {
            errors.push(wrong("paymentType", kind, "must be one of [CP, RF, RV]"));
        }
        if !errors.is_empty() {
            return invalid(&errors, now);
        }
        let payment = match self.followed(&form, call.arg(0), moment) {
            Ok(payment) => payment,
            Err(code) => return self.refuse(code, now),
        };
        let uncertain = payment.code == codes::UNCERTAIN;
        let id = self.keep(payment, now);
        if uncertain { self.refuse(codes::UNCERTAIN, now) } else { self.show(&id, moment) }
    }

    fn followed(
        &self,
        form: &Pairs,
        parent: &str,
        moment: &Moment,
    ) -> Result<Payment, &'static str> {
        let parent = self.payments.get(parent).ok_or(codes::UNKNOWN_PARENT)?;
        if form.filled("entityId") != Some(parent.entity.as_str()) {
            return Err(codes::WRONG_CHANNEL);
        }
        if parent.interim.is_some() {
            return Err(codes::PARENT_PENDING);
        }
        if !codes::is_success(&parent.code) {
            return Err(codes::PARENT_REJECTED);
        }
        if form.filled("currency").is_some_and(|currency| currency != parent.currency) {
            return Err(codes::WRONG_CURRENCY);
        }
        let kind = form.filled("paymentType").unwrap_or_default();
        let amount = form.filled("amount").and_then(parse_decimal);
        let reference = form.filled("merchantTransactionId").unwrap_or_default();
        if let Some(code) = self.duplicate(reference) {
            return Err(code);
        }
        let again =
            self.desk.switches.get("dup_policy") == "charge_again" && self.is_used(reference);
        let amount = match self.arithmetic(kind, parent, amount) {
            Err(_) if again => amount.unwrap_or(parent.amount),
            counted => counted?,
        };
        let mut payment = Payment {
            id: hex_lower(),
            kind: kind.to_owned(),
            amount,
            reference: reference.to_owned(),
            parent: Some(parent.id.clone()),
            created_at: moment.now,
            visible_from: self.visible_from(moment),
            ndc: format!("{}_{}", parent.entity, hex_lower()),
            interim: None,
            ..parent.clone()
        };
        let natural = self.success_code(&payment);
        let fate = self.fate(natural, moment.now, moment);
        (payment.code, payment.interim) = (fate.code, fate.interim);
        Ok(payment)
    }

    /// How much a follow-up is for, or the code that says why it cannot be.
    fn arithmetic(
        &self,
        kind: &str,
        parent: &Payment,
        amount: Option<i64>,
    ) -> Result<i64, &'static str> {
        let asked = amount.unwrap_or(parent.amount);
        let (captured, refunded) = (self.sum(parent, "CP"), self.sum(parent, "RF"));
        let reversed = self.sum(parent, "RV") > 0;
        let left = match (kind, parent.kind.as_str()) {
            ("CP", "PA") if reversed || captured + asked > parent.amount => {
                return Err(codes::OVER_CAPTURE);
            }
            ("CP", "PA") => asked,
            ("CP", _) => return Err(codes::CAPTURE_NEEDS_PA),
            ("RF", "DB" | "CP") if self.is_charged_back(parent) => {
                return Err(codes::PARENT_CHARGED_BACK);
            }
            ("RF", "DB" | "CP") if reversed || refunded + asked > parent.amount => {
                let again = refunded == parent.amount;
                let code = self.desk.switches.get("refund_again");
                let again = again && code == codes::ALREADY_DONE;
                return Err(if again { codes::ALREADY_DONE } else { codes::OVER_REFUND });
            }
            ("RF", "DB" | "CP") => asked,
            ("RF", _) => return Err(codes::REFUND_NEEDS_DB),
            ("RV", "PA" | "DB") if reversed || refunded > 0 || asked > parent.amount => {
                return Err(codes::CANNOT_REVERSE);
            }
            ("RV", "PA") if captured > 0 => return Err(codes::NO_REVERSAL),
            ("RV", "DB") if self.desk.switches.get("rv_on_db") == "deny" => {
                return Err(codes::INVALID_TYPE);
            }
            ("RV", "PA" | "DB") => asked,
            _ => return Err(codes::REVERSAL_NEEDS_PA),
        };
        if left > 0 { Ok(left) } else { Err("100.550.300") }
    }

    /// What one kind of follow-up has taken of a transaction, decided or not.
    fn sum(&self, parent: &Payment, kind: &str) -> i64 {
        let children = self.children.get(&parent.id).into_iter().flatten();
        let children = children.filter_map(|id| self.payments.get(id));
        let open = children.filter(|child| child.kind == kind && child.open_money());
        open.map(|child| child.amount).sum()
    }
}
