//! Captures, voids and refunds of an order, and its status.

use super::PayFort;
use super::charges::wrong_money;
use super::orders::{Deed, Order, codes};
use super::signature::Fields;
use crate::vendor::Moment;
use crate::wire::Answer;
use serde_json::{Map, Value, json};

impl PayFort {
    pub(super) fn follow_up(
        &mut self,
        fields: &Fields,
        op: &'static str,
        moment: &Moment,
    ) -> Answer {
        let reference = fields.get("merchant_reference").to_owned();
        let deed = match self.followed(fields, op) {
            Ok(deed) => deed,
            Err(code) => return self.refuse(fields, &code),
        };
        let code = self.carry_out(&reference, deed, moment);
        let mut shown = fields.echo(false);
        if let Some(order) = self.orders.get(&reference) {
            shown.insert("fort_id".to_owned(), order.fort_id.as_str().into());
        }
        self.say(fields.get("access_code"), (&code, shown), moment.fault_name())
    }

    /// What is done, or the code that says why it cannot be.
    fn followed(&self, fields: &Fields, op: &'static str) -> Result<Deed, String> {
        let not_found = || "00036".to_owned();
        let order = self.order_of(fields).ok_or_else(not_found)?;
        if order.interim.is_some() || order.challenged_until.is_some() {
            return Err("00662".to_owned());
        }
        if op != "void"
            && let Some(code) = wrong_money(fields)
        {
            return Err(code.to_owned());
        }
        if op != "void" && fields.get("currency") != order.currency {
            return Err("00013".to_owned());
        }
        let amount: i64 = fields.get("amount").parse().unwrap_or(order.authorized);
        let maintenance =
            if op == "refund" { fields.get("maintenance_reference") } else { "" }.to_owned();
        self.arithmetic(order, op, (amount, &maintenance))?;
        Ok(Deed { op: op.to_owned(), code: codes(op).0.to_owned(), amount, maintenance })
    }

    fn arithmetic(
        &self,
        order: &Order,
        op: &str,
        (amount, maintenance): (i64, &str),
    ) -> Result<(), String> {
        let voided = order.code == "08000";
        let refusal = match op {
            "capture" if voided => "05773",
            "capture" if order.captured + amount > order.authorized => "05042",
            "void" if voided || order.captured > 0 || order.authorized == 0 => "09034",
            "refund" if voided || order.captured == 0 => "00034",
            "refund" if self.is_used(order, maintenance) => "00047",
            "refund" if order.refunded + amount > order.captured => {
                self.desk.switches.get("refund_exceeds")
            }
            _ => return Ok(()),
        };
        Err(refusal.to_owned())
    }

    fn is_used(&self, order: &Order, maintenance: &str) -> bool {
        let unique = self.desk.switches.get("maintenance_reference") == "unique";
        unique && !maintenance.is_empty() && order.refunds.iter().any(|it| it == maintenance)
    }

    /// The order that a message names, on the channel it was made on.
    fn order_of(&self, fields: &Fields) -> Option<&Order> {
        let order = self.orders.get(fields.get("merchant_reference"))?;
        let fort_id = fields.get("fort_id");
        let same_id = fort_id.is_empty() || fort_id == order.fort_id;
        (same_id && order.access_code == fields.get("access_code")).then_some(order)
    }

    /// The last operation, and three totals.
    pub(super) fn check_status(&mut self, fields: &Fields, moment: &Moment) -> Answer {
        let reference = fields.get("merchant_reference").to_owned();
        let lags = moment.fault_is("lookup_lag");
        let hidden = |order: &Order| order.visible_from > moment.now || lags;
        if self.order_of(fields).is_none_or(hidden) {
            return self.no_order(fields, &reference);
        }
        self.look_at(&reference, moment.now);
        let Some(order) = self.orders.get(&reference) else {
            return self.no_order(fields, &reference);
        };
        let counted = self.desk.switches.get("captured_of_purchase") == "counted";
        let captured = if counted || order.op == "authorize" { order.captured } else { 0 };
        let mut shown = fields.echo(false);
        shown.extend(transaction(&order.code));
        shown.insert("fort_id".to_owned(), order.fort_id.as_str().into());
        for (name, total) in [
            ("authorized_amount", order.authorized),
            ("captured_amount", captured),
            ("refunded_amount", order.refunded),
        ] {
            shown.insert(name.to_owned(), total.to_string().into());
        }
        self.say(fields.get("access_code"), ("12000", shown), moment.fault_name())
    }

    fn no_order(&self, fields: &Fields, reference: &str) -> Answer {
        let tokenized = self.tokens.values().any(|token| token.reference == reference);
        if tokenized && self.desk.switches.on("status_shows_token") {
            let mut shown = fields.echo(false);
            shown.extend(transaction("18000"));
            return self.say(fields.get("access_code"), ("12000", shown), "");
        }
        self.refuse(fields, self.desk.switches.get("order_not_found"))
    }
}

fn transaction(code: &str) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("transaction_code".to_owned(), json!(code));
    shown.insert("transaction_status".to_owned(), json!(code.get(..2)));
    shown.insert("transaction_message".to_owned(), json!(super::shown::text(code)));
    shown
}
