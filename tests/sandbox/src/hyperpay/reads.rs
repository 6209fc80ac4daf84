//! Reading transactions back: by id, by reference, as often as the gateway allows.

use super::HyperPay;
use super::codes::{self, envelope};
use super::distortion::distorted;
use super::payments::Payment;
use crate::clock::MINUTE;
use crate::faults::Call;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use serde_json::{Value, json};

const LIST_LIMIT: usize = 100;

impl HyperPay {
    /// Counts a status read; the third within a minute is refused.
    pub(super) fn throttle(&mut self, call: &Call, moment: &Moment) -> Option<Answer> {
        let limit = usize::try_from(self.desk.switches.number("throttle_per_minute")).unwrap_or(0);
        let key = match call.op {
            "status_checkout" | "status_registration" => format!("checkout {}", call.arg(0)),
            "status_payment" | "query_id" => format!("payment {}", call.arg(0)),
            "query_reference" => format!("reference {}", call.arg(0)),
            _ => return None,
        };
        if limit == 0 {
            return None;
        }
        let reads = self.reads.entry(key.clone()).or_default();
        reads.retain(|free_at| *free_at > moment.now);
        if reads.len() >= limit {
            return Some(self.refuse(codes::THROTTLED, moment.now));
        }
        let free_at = moment.now + moment.clock.shortened(MINUTE);
        reads.push(free_at);
        self.read_log.push_back((free_at, key));
        None
    }

    pub(super) fn forget_reads(&mut self, now: i64) {
        while let Some((_, key)) = self.read_log.pop_front_if(|(free_at, _)| *free_at <= now) {
            if self.reads.get(&key).is_some_and(|reads| reads.iter().all(|at| *at <= now)) {
                self.reads.remove(&key);
            }
        }
    }

    /// `GET payments/{id}`
    pub(super) fn status_payment(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        if !self.is_visible(call.arg(0), wire, None) {
            return self.refuse(codes::NOT_FOUND, moment.now);
        }
        self.look_at(call.arg(0), moment);
        self.show(call.arg(0), moment)
    }

    /// `GET query/{id}`: the transaction, or a list of it and its linked ones.
    pub(super) fn query_id(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let id = call.arg(0);
        if !self.is_visible(id, wire, Some(moment.now)) {
            return self.refuse(codes::NOT_FOUND, moment.now);
        }
        if wire.query.filled("includeLinkedTransactions") != Some("true") {
            self.look_at(id, moment);
            return self.show(id, moment);
        }
        self.list(vec![id.to_owned()], wire, moment)
    }

    /// `GET query?merchantTransactionId=`: everything under our reference.
    pub(super) fn query_reference(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let ids = self.by_reference.get(call.arg(0)).cloned().unwrap_or_default();
        let seen = |id: &String| self.is_visible(id, wire, Some(moment.now));
        let ids: Vec<String> = ids.into_iter().filter(seen).collect();
        if call.arg(0).is_empty() || ids.is_empty() {
            return self.refuse(codes::NOT_FOUND, moment.now);
        }
        self.list(ids, wire, moment)
    }

    /// Whether this channel may see it, and reporting has caught up where it lags.
    fn is_visible(&self, id: &str, wire: &Wire, lagging: Option<i64>) -> bool {
        let entity = wire.query.filled("entityId");
        self.payments.get(id).is_some_and(|payment| {
            Some(payment.entity.as_str()) == entity
                && lagging.is_none_or(|now| payment.visible_from <= now)
        })
    }

    fn list(&mut self, mut ids: Vec<String>, wire: &Wire, moment: &Moment) -> Answer {
        if wire.query.filled("includeLinkedTransactions") == Some("true") {
            let linked: Vec<String> = ids
                .iter()
                .filter_map(|id| self.children.get(id))
                .flatten()
                .filter(|id| self.is_visible(id, wire, Some(moment.now)))
                .cloned()
                .collect();
            ids.extend(linked);
        }
        for id in &ids {
            self.look_at(id, moment);
        }
        let kinds = wire.query.filled("paymentTypes");
        let wanted = |payment: &&Payment| {
            kinds.is_none_or(|kinds| kinds.split(',').any(|k| k == payment.kind))
        };
        let found = ids.iter().filter_map(|id| self.payments.get(id)).filter(wanted);
        let rows: Vec<Value> = found
            .take(LIST_LIMIT)
            .map(|payment| distorted(payment.json(moment.now), moment))
            .collect();
        let code = codes::LIST_OK;
        let result = json!({"code": code, "description": codes::text(code)});
        let mut body = envelope(&result, moment.now);
        body[self.desk.switches.get("list_key")] = json!(rows);
        Answer::json(200, &body)
    }

    /// One transaction with the HTTP status its result has.
    pub(super) fn show(&self, id: &str, moment: &Moment) -> Answer {
        match self.payments.get(id) {
            Some(payment) => {
                let body = distorted(payment.json(moment.now), moment);
                Answer::json(self.http_status(&payment.code), &body)
            }
            None => self.refuse(codes::NOT_FOUND, moment.now),
        }
    }
}
