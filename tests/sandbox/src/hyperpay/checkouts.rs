//! Checkouts: opened with strictly checked parameters, read until they give their final word.

use super::codes::{self, envelope, invalid, wrong};
use super::{HyperPay, PURGE_MS, TTL_MS, hex_upper};
use crate::faults::Call;
use crate::ledger::Entry;
use crate::money::parse_decimal;
use crate::vendor::Moment;
use crate::wire::{Answer, Pairs, Wire};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const AMOUNT_RULE: &str = "must match ^[0-9]{1,12}(\\.[0-9]{2})?$";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Checkout {
    pub id: String,
    pub entity: String,
    pub amount: i64,
    pub currency: String,
    /// `DB`, `PA`, or `RG`: it takes no money, a card is typed in to be saved.
    pub kind: String,
    pub reference: String,
    pub expires_at: i64,
    pub shopper_result_url: Option<String>,
    pub external: bool,
    pub custom: BTreeMap<String, String>,
    pub attempts: Vec<String>,
    pub paid: bool,
    pub consumed: bool,
    /// The registration that came of it, or the code of the refusal.
    #[serde(default)]
    pub registered: Option<String>,
}

impl Checkout {
    pub(super) fn registers(&self) -> bool {
        self.kind == "RG"
    }
}

impl HyperPay {
    pub(super) fn create_checkout(&mut self, wire: &Wire, moment: &Moment) -> Answer {
        let form = match self.form(wire, moment.now) {
            Ok(form) => form,
            Err(refusal) => return refusal,
        };
        let registers = form.filled("createRegistration") == Some("true")
            && form.filled("paymentType").is_none()
            && form.filled("amount").is_none();
        let mut errors = if registers { Vec::new() } else { money_errors(&form, true) };
        errors.extend(checkout_errors(&form, registers));
        if !errors.is_empty() {
            return invalid(&errors, moment.now);
        }
        let field = |name: &str| form.filled(name).unwrap_or_default().to_owned();
        let custom = form.0.iter().filter_map(|(name, value)| {
            let key = name.strip_prefix("customParameters[")?.strip_suffix(']')?;
            Some((key.to_owned(), value.clone()))
        });
        let checkout = Checkout {
            id: format!("{}.uat01-vm-tx04", hex_upper()),
            entity: field("entityId"),
            amount: parse_decimal(&field("amount")).unwrap_or_default(),
            currency: field("currency"),
            kind: if registers { "RG".to_owned() } else { field("paymentType") },
            reference: field("merchantTransactionId"),
            expires_at: moment.now + moment.clock.shortened(TTL_MS),
            shopper_result_url: form.filled("shopperResultUrl").map(str::to_owned),
            external: form.filled("testMode") == Some("EXTERNAL"),
            custom: custom.collect(),
            attempts: Vec::new(),
            paid: false,
            consumed: false,
            registered: None,
        };
        let kind = if registers { "card_form" } else { "checkout" };
        let entry = Entry::new(moment.now, kind, &checkout.reference)
            .vendor_id(&checkout.id)
            .amount(checkout.amount)
            .currency(&checkout.currency);
        self.desk.ledger.write(entry);
        let code = codes::CHECKOUT_CREATED;
        let result = json!({"code": code, "description": codes::text(code)});
        let mut body = envelope(&result, moment.now);
        body["id"] = json!(checkout.id);
        body["ndc"] = json!(checkout.id);
        if form.filled("integrity") == Some("true") {
            body["integrity"] = json!(super::page::widget_integrity());
        }
        self.closing.insert((checkout.expires_at + PURGE_MS, checkout.id.clone()));
        self.checkouts.insert(checkout.id.clone(), checkout);
        Answer::json(200, &body)
    }

    /// A form body with a known channel, or the refusal.
    pub(super) fn form(&self, wire: &Wire, now: i64) -> Result<Pairs, Answer> {
        let kind = wire.header("content-type").unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") || !wire.query.0.is_empty() {
            return Err(self.refuse(codes::INVALID, now));
        }
        let form = wire.form();
        self.channel(form.filled("entityId"), now)?;
        Ok(form)
    }

    pub(super) fn channel(&self, entity: Option<&str>, now: i64) -> Result<(), Answer> {
        match entity {
            None => Err(invalid(&[wrong("entityId", None, "may not be empty")], now)),
            Some(entity) if self.brand(entity).is_none() => {
                Err(self.refuse(codes::UNKNOWN_CHANNEL, now))
            }
            Some(_) => Ok(()),
        }
    }

    /// Consumable: the first final answer of a paid session is its last.
    pub(super) fn status_checkout(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let (now, id) = (moment.now, call.arg(0));
        let entity = wire.query.filled("entityId");
        let known = |checkout: &&Checkout| {
            Some(checkout.entity.as_str()) == entity
                && !checkout.consumed
                && checkout.expires_at > now
        };
        let Some(checkout) = self.checkouts.get(id).filter(known) else {
            return codes::no_session(now);
        };
        let Some(attempt) = self.deciding_attempt(checkout) else {
            return match self.desk.switches.get("pending_before_submit") {
                codes::INVALID => codes::no_session(now),
                code => self.refuse(code, now),
            };
        };
        let code = self.look_at(&attempt, moment);
        let ends = codes::is_success(&code)
            || (!codes::is_pending(&code) && self.desk.switches.on("decline_ends_session"));
        if let Some(checkout) = self.checkouts.get_mut(id).filter(|_| ends) {
            checkout.consumed = true;
        }
        self.show(&attempt, moment)
    }

    /// Another reader has had the final word, if there was one to have.
    pub(super) fn consume(&mut self, id: &str, moment: &Moment) {
        let attempt = self.checkouts.get(id).and_then(|checkout| self.deciding_attempt(checkout));
        let Some(attempt) = attempt else { return };
        let code = self.look_at(&attempt, moment);
        if let Some(checkout) = self.checkouts.get_mut(id).filter(|_| codes::is_success(&code)) {
            checkout.consumed = true;
        }
    }

    /// The success when there is one, else the latest attempt.
    fn deciding_attempt(&self, checkout: &Checkout) -> Option<String> {
        let won = checkout.attempts.iter().find(|id| {
            self.payments.get(*id).is_some_and(|payment| codes::is_success(&payment.code))
        });
        won.or(checkout.attempts.last()).cloned()
    }
}

/// What is wrong with amount and currency.
pub(super) fn money_errors(form: &Pairs, required: bool) -> Vec<Value> {
    let mut errors = Vec::new();
    match form.filled("amount") {
        Some(amount) if parse_decimal(amount).is_none() => {
            errors.push(wrong("amount", Some(amount), AMOUNT_RULE));
        }
        None if required => errors.push(wrong("amount", None, "may not be empty")),
        _ => {}
    }
    let currency = form.filled("currency");
    let is_code = |text: &str| text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
    if currency.is_some_and(|text| !is_code(text)) {
        errors.push(wrong("currency", currency, "must match [A-Z]{3}"));
    } else if currency.is_none() && (required || form.filled("amount").is_some()) {
        errors.push(wrong("currency", None, "may not be empty"));
    }
    errors
}

fn checkout_errors(form: &Pairs, registers: bool) -> Vec<Value> {
    let mut errors = Vec::new();
    let kind = form.filled("paymentType");
    if !registers && !matches!(kind, Some("DB" | "PA")) {
        errors.push(wrong("paymentType", kind, "must be one of [DB, PA]"));
    }
    let reference = form.filled("merchantTransactionId");
    if reference.is_some_and(|text| !(8..=255).contains(&text.chars().count())) {
        errors.push(wrong("merchantTransactionId", reference, "length must be between 8 and 255"));
    }
    let mode = form.filled("testMode");
    if mode.is_some_and(|mode| mode != "EXTERNAL" && mode != "INTERNAL") {
        errors.push(wrong("testMode", mode, "must be one of [EXTERNAL, INTERNAL]"));
    }
    let limits = [
        ("merchantInvoiceId", 255),
        ("descriptor", 127),
        ("shopperResultUrl", 2048),
        ("customer.merchantCustomerId", 255),
        ("customer.givenName", 50),
        ("customer.surname", 50),
        ("customer.email", 128),
        ("customer.mobile", 25),
        ("customer.phone", 25),
        ("billing.street1", 100),
        ("billing.city", 80),
        ("billing.postcode", 16),
        ("billing.country", 2),
    ];
    for (name, limit) in limits {
        if form.get(name).is_some_and(|value| value.chars().count() > limit) {
            let message = format!("length must be between 1 and {limit}");
            errors.push(wrong(name, form.get(name), &message));
        }
    }
    for (name, value) in &form.0 {
        if let Some(key) = name.strip_prefix("customParameters[") {
            let key = key.strip_suffix(']').unwrap_or_default();
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'_';
            if !(3..=64).contains(&key.len()) || !key.bytes().all(allowed) {
                errors.push(wrong(name, Some(value), "the name must match [A-Za-z0-9._]{3,64}"));
            }
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(form: &str) -> Vec<String> {
        let form = Pairs::parse(form);
        let errors = money_errors(&form, true).into_iter().chain(checkout_errors(&form, false));
        errors.map(|error| error["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_wrong_parameter_is_named() {
        let good = "amount=92.00&currency=SAR&paymentType=DB&merchantTransactionId=BK-12345";
        assert!(names(good).is_empty());
        let bad = "amount=-20.20&currency=sar&paymentType=XX&merchantTransactionId=short\
            &customParameters%5Bx%5D=1";
        let all =
            ["amount", "currency", "paymentType", "merchantTransactionId", "customParameters[x]"];
        assert_eq!(names(bad), all);
        assert_eq!(names("paymentType=PA"), ["amount", "currency"]);
    }
}
