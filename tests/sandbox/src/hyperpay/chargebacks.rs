//! Charge-backs: the shopper's bank takes a captured payment back, and the merchant is told.

use super::HyperPay;
use super::payments::Payment;
use super::{codes, hex_lower};
use crate::wire::Answer;
use serde_json::json;

impl HyperPay {
    /// The latest capture of a reference, unless it was charged back before.
    pub(super) fn charge_back_reference(&mut self, reference: &str, now: i64) -> Answer {
        let ids = self.by_reference.get(reference).into_iter().flatten();
        let captured = |id: &&String| {
            let payment = self.payments.get(*id);
            payment.is_some_and(|payment| payment.is_capture() && !self.is_charged_back(payment))
        };
        let Some(id) = ids.rev().find(captured).cloned() else {
            return Answer::json(404, &json!({"error": "nothing was captured under it"}));
        };
        let charge_back = self.charge_back_payment(&id, now);
        Answer::json(200, &json!({"payment_id": id, "chargeback_id": charge_back}))
    }

    /// None: it took no money.
    pub(super) fn charge_back_payment(&mut self, id: &str, now: i64) -> Option<String> {
        let payment = self.payments.get(id).filter(|payment| payment.is_capture())?;
        let charge_back = Payment {
            id: hex_lower(),
            kind: "CB".to_owned(),
            parent: Some(payment.id.clone()),
            code: codes::CHARGED_BACK.to_owned(),
            created_at: now,
            visible_from: now,
            interim: None,
            ..payment.clone()
        };
        Some(self.keep(charge_back, now))
    }

    pub(super) fn is_charged_back(&self, payment: &Payment) -> bool {
        let children = self.children.get(&payment.id).into_iter().flatten();
        children.filter_map(|id| self.payments.get(id)).any(|child| child.kind == "CB")
    }
}
