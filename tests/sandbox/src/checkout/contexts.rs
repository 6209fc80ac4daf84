//! STC Pay: a context sends a one-time password to a phone; whoever gives it back in time pays.

use super::payments::{Fate, Payment, Source, fate};
use super::refusals::{bare, refused};
use super::requests::{self, Asked};
use super::{Checkout, new_id};
use crate::clock::{self, MINUTE};
use crate::ledger::Entry;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const PASSWORD_LIFE_MS: i64 = 2 * MINUTE;
const TOO_LATE: &str = "20019";
const WRONG: &str = "20087";
const TRIES: u32 = 3;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Context {
    id: String,
    amount: i64,
    currency: String,
    reference: String,
    capture: bool,
    customer: Value,
    expires_at: i64,
    tries_left: u32,
    paid: bool,
}

impl Context {
    fn answer(&self, href: &str, status: u16) -> Answer {
        let links = json!({ "self": { "href": href } });
        let mut shown = json!({"id": self.id, "partner_metadata": {}, "_links": links});
        if status == 200 {
            shown["status"] = json!(if self.paid { "Approved" } else { "Created" });
            shown["payment_request"] = json!({"source": {"type": "stcpay"}, "amount": self.amount,
                "currency": self.currency, "reference": self.reference});
        }
        Answer::json(status, &shown)
    }
}

impl Checkout {
    pub(super) fn reference_of_context(&self, id: &str) -> &str {
        self.contexts.get(id).map(|context| context.reference.as_str()).unwrap_or_default()
    }

    /// `POST payment-contexts`
    pub(super) fn open_context(&mut self, wire: &Wire, moment: &Moment) -> Answer {
        let asked = requests::body(wire).and_then(|body| {
            let asked = requests::payment(&body, &self.settings.account.processing_channel)?;
            let source = body.pointer("/source/type").and_then(Value::as_str);
            let phone = body.pointer("/customer/phone/number").and_then(Value::as_str);
            match (source, phone) {
                (Some("stcpay"), Some(phone)) if phone.starts_with('5') => Ok(asked),
                (Some("stcpay"), Some(_)) => Err("customer_phone_number_invalid"),
                (Some("stcpay"), None) => Err("customer_phone_required"),
                (Some(_), _) => Err("payment_method_not_supported"),
                (None, _) => Err("payment_source_required"),
            }
        });
        let asked = match asked {
            Ok(asked) => asked,
            Err(code) => return refused(422, code),
        };
        let context = Context {
            id: new_id("pct"),
            amount: asked.amount,
            currency: asked.currency,
            reference: asked.reference,
            capture: asked.capture,
            customer: asked.customer,
            expires_at: moment.now + moment.clock.shortened(PASSWORD_LIFE_MS),
            tries_left: TRIES,
            paid: false,
        };
        let entry = Entry::new(moment.now, "password_sent", &context.reference)
            .vendor_id(&context.id)
            .amount(context.amount)
            .extra("until", clock::rfc3339(context.expires_at));
        self.desk.ledger.write(entry);
        let answer = context.answer(&self.href(&format!("payment-contexts/{}", context.id)), 201);
        self.contexts.insert(context.id.clone(), context);
        answer
    }

    pub(super) fn get_context(&self, id: &str) -> Answer {
        let href = self.href(&format!("payment-contexts/{id}"));
        self.contexts.get(id).map_or_else(|| bare(404), |context| context.answer(&href, 200))
    }

    /// The second call: right, wrong or late. What it leaves out, the context says.
    pub(super) fn pay_with_context(
        &mut self,
        id: &str,
        body: &Value,
        moment: &Moment,
    ) -> Result<String, &'static str> {
        let password = self.desk.switches.get("password").to_owned();
        let context = self.contexts.get_mut(id).ok_or("payment_context_invalid")?;
        if context.paid || context.tries_left == 0 {
            return Err("payment_context_used");
        }
        let given = body.pointer("/processing/otp_value").and_then(Value::as_str);
        let given = given.ok_or("otp_value_required")?;
        let same = requests::amount(body)?.is_none_or(|amount| amount == context.amount)
            && requests::text(body, "currency").is_none_or(|it| it == context.currency);
        if !same {
            return Err("amount_invalid");
        }
        let reference = requests::reference(body)?;
        let asked = Asked {
            amount: context.amount,
            currency: context.currency.clone(),
            reference: if reference.is_empty() { context.reference.clone() } else { reference },
            capture: context.capture,
            challenge: false,
            success_url: None,
            failure_url: None,
            metadata: Value::Null,
            customer: context.customer.clone(),
        };
        let natural = if context.expires_at <= moment.now {
            TOO_LATE
        } else if given == password {
            context.paid = true;
            super::payments::APPROVED
        } else {
            context.tries_left -= 1;
            WRONG
        };
        let mut payment = Payment::new(asked, Source::StcPay, moment);
        match fate(natural, super::payments::DECLINED, moment) {
            Fate::Now(code) => Ok(self.keep(payment, Some(&code), moment)),
            Fate::Later(waiting) => {
                payment.waiting = Some(waiting);
                Ok(self.keep(payment, None, moment))
            }
        }
    }
}
