//! Saved cards: a checkout that only registers a card, charging a registration, and deregistering it.

use super::checkouts::{Checkout, money_errors};
use super::codes::{self, envelope, invalid, wrong};
use super::fate::Interim;
use super::payments::{Payment, card};
use super::{HyperPay, hex_lower};
use crate::clock::MINUTE;
use crate::faults::Call;
use crate::ledger::Entry;
use crate::money::parse_decimal;
use crate::vendor::{Moment, Outcome};
use crate::wire::{Answer, Pairs, Wire};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

const NO_REGISTRATION: &str = "100.150.200";
const DEREGISTERED: &str = "100.150.202";
/// How long the customer's bank waits for them.
const CHALLENGE_MS: i64 = 15 * MINUTE;
const GIVEN_UP: &str = "100.380.401";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Registration {
    entity: String,
    brand: String,
    /// Of the checkout that it was made in.
    reference: String,
    deregistered: bool,
}

impl HyperPay {
    pub(super) fn by_registration(&self, op: &'static str, id: &str) -> Call {
        let reference = self.registrations.get(id).map(|found| found.reference.as_str());
        Call::new(op, &[id]).goes_by(reference.unwrap_or_default())
    }

    /// The shopper has typed a card into a form that only registers it. The new registration, if there is one.
    pub(super) fn register(
        &mut self,
        checkout: &str,
        outcome: Outcome,
        moment: &Moment,
    ) -> Result<Option<String>, (u16, &'static str)> {
        let form = self.checkouts.get(checkout).ok_or((404, "there is no such checkout"))?;
        if form.expires_at <= moment.now || form.registered.is_some() {
            return Err((410, "this form is over"));
        }
        let declined = outcome == Outcome::Decline || moment.fault_is("decline");
        let outcome = if declined { Outcome::Decline } else { outcome };
        let brand = self.brand(&form.entity).unwrap_or("VISA").to_owned();
        let (entity, reference) = (form.entity.clone(), form.reference.clone());
        let result = match outcome {
            Outcome::Abandon => return Ok(None),
            Outcome::Decline => codes::DECLINED.to_owned(),
            Outcome::Approve => {
                let id = hex_lower();
                let entry = Entry::new(moment.now, "registration", &reference).vendor_id(&id);
                self.desk.ledger.write(entry);
                let registration = Registration { entity, brand, reference, deregistered: false };
                self.registrations.insert(id.clone(), registration);
                id
            }
        };
        if let Some(form) = self.checkouts.get_mut(checkout) {
            form.registered = Some(result.clone());
        }
        Ok(Some(result).filter(|_| outcome == Outcome::Approve))
    }

    /// `GET checkouts/{id}/registration`
    pub(super) fn status_registration(
        &mut self,
        wire: &Wire,
        call: &Call,
        moment: &Moment,
    ) -> Answer {
        let (now, id) = (moment.now, call.arg(0));
        let entity = wire.query.filled("entityId");
        let known = |form: &&Checkout| {
            form.registers()
                && Some(form.entity.as_str()) == entity
                && !form.consumed
                && form.expires_at > now
        };
        let Some(form) = self.checkouts.get(id).filter(known) else {
            return codes::no_session(now);
        };
        let Some(result) = form.registered.clone() else {
            return match self.desk.switches.get("pending_before_submit") {
                codes::INVALID => codes::no_session(now),
                code => self.refuse(code, now),
            };
        };
        let once = self.desk.switches.get("registration_reads") == "one";
        if let Some(form) = self.checkouts.get_mut(id) {
            form.consumed = once;
        }
        let Some(registration) = self.registrations.get(&result) else {
            return self.refuse(&result, now);
        };
        let (bin, last, kind) = card(&registration.brand);
        let code = "000.100.110";
        let outcome = json!({"code": code, "description": codes::text(code)});
        let mut body = envelope(&outcome, now);
        body["id"] = json!(result);
        body["paymentBrand"] = json!(registration.brand);
        body["ndc"] = json!(id);
        body["card"] = json!({"bin": bin, "last4Digits": last, "holder": "Sara Ali",
            "expiryMonth": "05", "expiryYear": "2030", "type": kind});
        Answer::json(200, &body)
    }

    /// `POST registrations/{id}/payments`
    pub(super) fn charge_registration(
        &mut self,
        wire: &Wire,
        call: &Call,
        moment: &Moment,
    ) -> Answer {
        let now = moment.now;
        let form = match self.form(wire, now) {
            Ok(form) => form,
            Err(refusal) => return refusal,
        };
        let kind = form.filled("paymentType");
        let mut errors = money_errors(&form, true);
        if kind != Some("DB") {
            errors.push(wrong("paymentType", kind, "must be one of [DB]"));
        }
        if !errors.is_empty() {
            return invalid(&errors, now);
        }
        let mut payment = match self.charge_of(&form, call.arg(0), moment) {
            Ok(payment) => payment,
            Err(code) => return self.refuse(code, now),
        };
        let natural = self.success_code(&payment);
        if self.desk.switches.get("one_click_challenge") != "false" {
            codes::PENDING.clone_into(&mut payment.code);
            payment.interim = Some(Interim {
                left: u32::MAX,
                until: now + moment.clock.shortened(CHALLENGE_MS),
                becomes: GIVEN_UP.to_owned(),
            });
            let back = form.filled("shopperResultUrl").map(str::to_owned);
            let id = self.keep(payment, now);
            self.challenges.insert(id.clone(), back);
            return self.ask_the_shopper(wire, &id, now);
        }
        let fate = self.fate(natural, now, moment);
        (payment.code, payment.interim) = (fate.code, fate.interim);
        let uncertain = payment.code == codes::UNCERTAIN;
        let id = self.keep(payment, now);
        if uncertain { self.refuse(codes::UNCERTAIN, now) } else { self.show(&id, moment) }
    }

    fn charge_of(&self, form: &Pairs, id: &str, moment: &Moment) -> Result<Payment, &'static str> {
        let registration = self.registrations.get(id).ok_or(NO_REGISTRATION)?;
        if registration.deregistered {
            return Err(DEREGISTERED);
        }
        let entity = form.filled("entityId").unwrap_or_default();
        if entity != registration.entity {
            return Err(codes::WRONG_CHANNEL);
        }
        let field = |name: &str| form.filled(name).unwrap_or_default().to_owned();
        let reference = field("merchantTransactionId");
        if let Some(code) = self.duplicate(&reference) {
            return Err(code);
        }
        Ok(Payment {
            id: hex_lower(),
            entity: entity.to_owned(),
            kind: "DB".to_owned(),
            brand: registration.brand.clone(),
            amount: parse_decimal(&field("amount")).unwrap_or_default(),
            currency: field("currency"),
            reference,
            parent: None,
            code: String::new(),
            created_at: moment.now,
            visible_from: self.visible_from(moment),
            ndc: format!("{entity}_{}", hex_lower()),
            external: form.filled("testMode") == Some("EXTERNAL"),
            custom: BTreeMap::new(),
            interim: None,
        })
    }

    /// The customer's bank wants to see them, on a page here.
    fn ask_the_shopper(&self, wire: &Wire, id: &str, now: i64) -> Answer {
        let Some(payment) = self.payments.get(id) else { return codes::no_session(now) };
        let mut body = payment.json(now);
        let host = wire.header("host").unwrap_or_default();
        let by_form = self.desk.switches.get("one_click_challenge") == "form";
        let (method, parameters) = if by_form {
            ("POST", json!([{"name": "MD", "value": id}]))
        } else {
            ("GET", json!([]))
        };
        body["redirect"] = json!({"url": format!("http://{host}/hyperpay/page/{id}"),
            "method": method, "parameters": parameters});
        Answer::json(200, &body)
    }

    /// What the customer has answered their bank.
    pub(super) fn answer_the_bank(
        &mut self,
        id: &str,
        outcome: Outcome,
        now: i64,
    ) -> Result<Option<String>, (u16, &'static str)> {
        let Some(payment) = self.payments.get(id).filter(|payment| payment.interim.is_some())
        else {
            return Err((410, "the bank does not wait any more"));
        };
        let becomes = match outcome {
            Outcome::Approve => self.success_code(payment),
            Outcome::Decline => GIVEN_UP.to_owned(),
            Outcome::Abandon => return Ok(None),
        };
        if let Some(interim) = self.payments.get_mut(id).and_then(|it| it.interim.as_mut()) {
            interim.becomes = becomes;
        }
        self.decide(id, now);
        Ok(Some(id.to_owned()))
    }

    /// `DELETE registrations/{id}`
    pub(super) fn deregister(&mut self, wire: &Wire, call: &Call, now: i64) -> Answer {
        let entity = wire.query.filled("entityId").unwrap_or_default();
        let Some(registration) = self.registrations.get_mut(call.arg(0)) else {
            return self.refuse(NO_REGISTRATION, now);
        };
        if registration.entity != entity {
            return self.refuse(codes::WRONG_CHANNEL, now);
        }
        if std::mem::replace(&mut registration.deregistered, true) {
            return self.refuse(DEREGISTERED, now);
        }
        let reference = registration.reference.clone();
        let entry = Entry::new(now, "deregistration", &reference).vendor_id(call.arg(0));
        self.desk.ledger.write(entry);
        self.refuse("000.100.110", now)
    }
}
