//! Reading payments back: by id, by session, by the merchant's reference, and what was done with them.

use super::payments::Payment;
use super::refusals::{bare, refused};
use super::{Checkout, Source};
use crate::clock;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use serde_json::{Map, Value, json};

const LIMIT_DEFAULT: usize = 10;
const LIMIT_MAX: usize = 100;
/// What a payment is never shown without.
const ALWAYS: &[&str] =
    &["id", "requested_on", "amount", "currency", "status", "approved", "reference", "_links"];

pub(super) fn empty_page() -> Answer {
    Answer::json(200, &json!({"limit": LIMIT_DEFAULT, "skip": 0, "total_count": 0, "data": []}))
}

impl Checkout {
    /// `GET payments?reference=`, newest first.
    pub(super) fn find_payments(&mut self, wire: &Wire, moment: &Moment) -> Answer {
        let number = |name: &str, default| match wire.query.filled(name) {
            Some(text) => text.parse::<usize>().ok(),
            None => Some(default),
        };
        let limit = number("limit", LIMIT_DEFAULT).filter(|it| (1..=LIMIT_MAX).contains(it));
        let (Some(limit), Some(skip)) = (limit, number("skip", 0)) else {
            return refused(422, "paging_limit_invalid");
        };
        let reference = wire.query.get("reference").unwrap_or_default();
        let ids = self.by_reference.get(reference).cloned().unwrap_or_default();
        let visible = |id: &&String| {
            self.payments.get(*id).is_some_and(|payment| payment.visible_from <= moment.now)
        };
        let ids: Vec<String> = ids.iter().rev().filter(visible).cloned().collect();
        let shown: Vec<String> = ids.iter().skip(skip).take(limit).cloned().collect();
        for id in &shown {
            self.look_at(id, moment.now);
        }
        let hides_pages = self.desk.switches.get("list_shows_page") == "false";
        let row = |id: &String| {
            let mut row = self.payment_json(self.payments.get(id)?);
            if hides_pages && let Some(links) = row["_links"].as_object_mut() {
                links.remove("redirect");
            }
            Some(distorted(row, moment.fault_name()))
        };
        let data: Vec<Value> = shown.iter().filter_map(row).collect();
        let page = json!({"limit": limit, "skip": skip, "total_count": ids.len(), "data": data});
        Answer::json(200, &page)
    }

    /// `GET payments/{id}`, also by the id of the customer's session.
    pub(super) fn get_payment(&mut self, id: &str, moment: &Moment) -> Answer {
        let Some(found) = self.payment(id).map(|payment| payment.id.clone()) else {
            return bare(404);
        };
        self.look_at(&found, moment.now);
        let Some(payment) = self.payments.get(&found) else { return bare(404) };
        Answer::json(200, &distorted(self.payment_json(payment), moment.fault_name()))
    }

    /// `GET payments/{id}/actions`, newest first. What is not decided is not there, unless it is switched on.
    pub(super) fn get_actions(&mut self, id: &str, moment: &Moment) -> Answer {
        self.look_at(id, moment.now);
        let Some(payment) = self.payments.get(id) else { return bare(404) };
        let all = self.desk.switches.on("actions_show_undecided");
        let actions = payment.actions.iter().rev().filter(|action| all || action.is_decided());
        let shown: Vec<Value> =
            actions.map(|action| distorted(action.json(), moment.fault_name())).collect();
        Answer::json(200, &shown)
    }

    /// A payment as it stands.
    pub(super) fn payment_json(&self, payment: &Payment) -> Value {
        let path = format!("payments/{}", payment.id);
        let mut links = json!({"self": {"href": self.href(&path)},
            "actions": {"href": self.href(&format!("{path}/actions"))}});
        if payment.challenged {
            links["redirect"] = json!({"href": self.href(&format!("3ds/{}", payment.id))});
        }
        if payment.status() == "Authorized" {
            links["capture"] = json!({"href": self.href(&format!("{path}/captures"))});
            links["void"] = json!({"href": self.href(&format!("{path}/voids"))});
        }
        let mut shown = json!({"id": payment.id, "amount": payment.amount,
            "requested_on": clock::rfc3339(payment.created_at),
            "currency": payment.currency, "payment_type": "Regular",
            "reference": payment.reference, "status": payment.status(),
            "approved": payment.sum("Authorization") > 0, "balances": payment.balances(),
            "risk": {"flagged": false}, "source": payment.source_json(), "_links": links});
        if matches!(payment.source, Source::Card(_)) {
            shown["3ds"] = json!({"downgraded": false, "enrolled": "Y"});
        }
        if payment.metadata.is_object() {
            shown["metadata"] = payment.metadata.clone();
        }
        if payment.customer.is_object() {
            shown["customer"] = json!({"id": format!("cus_{}", "c".repeat(26)),
                "email": payment.customer["email"], "name": payment.customer["name"]});
            if let Some(customer) = shown["customer"].as_object_mut() {
                customer.retain(|_, value| !value.is_null());
            }
        }
        shown
    }

    pub(super) fn href(&self, path: &str) -> String {
        format!("{}/{path}", self.desk.switches.get("public_url"))
    }
}

/// A genuine answer that does not fit what was asked, or says less than it might.
pub(super) fn distorted(mut body: Value, fault: &str) -> Value {
    match fault {
        "amount_mismatch" => {
            body["amount"] = json!(body["amount"].as_i64().unwrap_or_default() + 1);
        }
        "currency_mismatch" => body["currency"] = json!("USD"),
        "reference_mismatch" => body["reference"] = json!("BK-someone-else"),
        "unknown_status" => body["status"] = json!("Something New"),
        "missing_fields" if body.get("status").is_some() => {
            if let Some(fields) = body.as_object_mut() {
                let kept: Map<String, Value> = std::mem::take(fields)
                    .into_iter()
                    .filter(|(name, _)| ALWAYS.contains(&name.as_str()))
                    .collect();
                *fields = kept;
            }
        }
        _ => {}
    }
    body
}
