//! Webhooks: plain JSON, signed by nobody, to an address with a secret at its end.

use super::NearPay;
use crate::clock;
use crate::faults::Call;
use crate::outbox::{Letter, Parcel};
use serde_json::{Value, json};

const LATE_MS: i64 = 5_000;

impl NearPay {
    /// Tells the merchant what became of a transaction.
    pub(super) fn notify(&mut self, id: &str, what: &str, now: i64) {
        if self.desk.switches.get("webhook_url").is_empty() {
            return;
        }
        let Some(transaction) = self.transactions.get(id) else { return };
        let reference = transaction.reference.clone();
        let call = self.about(Call::new("webhook", &[]), id);
        let fault = self.desk.faults.take(&call);
        let mut letter = Letter {
            reference: reference.clone(),
            thread: reference,
            event: format!("transaction.{what}"),
            body: self.message(id, &format!("transaction.{what}"), now).to_string(),
            due_at: now,
            once: self.desk.switches.get("webhook_repeats") == "false",
            ..Letter::default()
        };
        let Some(fault) = fault else {
            self.desk.outbox.post(letter);
            return;
        };
        match fault.name.as_str() {
            "lost" => {
                let id = self.desk.outbox.post(letter);
                self.desk.outbox.lose(id);
                return;
            }
            "duplicate" => {
                self.desk.outbox.post(letter.clone());
            }
            "forged_key" => {
                let claim = self.message(id, "transaction.approved", now).to_string();
                let forgery = Some(crate::outbox::Forgery::WrongKey);
                self.desk.outbox.post(Letter {
                    forgery,
                    once: true,
                    body: claim,
                    ..letter.clone()
                });
            }
            "unknown_event" => {
                let odd = self.message(id, "transaction.celebrated", now).to_string();
                self.desk.outbox.post(Letter { body: odd, ..letter.clone() });
            }
            "not_json" => {
                let torn = "{\"event\":".to_owned();
                self.desk.outbox.post(Letter { body: torn, once: true, ..letter.clone() });
            }
            _ => letter.due_at += fault.delay_or(LATE_MS),
        }
        self.desk.outbox.post(letter);
    }

    fn message(&self, id: &str, event: &str, now: i64) -> Value {
        let told = |name: &str| self.desk.switches.get(name).to_owned();
        let transaction = self.transactions.get(id);
        let reference = transaction.map(|it| it.reference.as_str()).unwrap_or_default();
        let data = if told("webhook_data") == "receipts" {
            let mut receipts = self.receipts(id);
            for receipt in &mut receipts {
                receipt["customer_reference_number"] = json!(reference);
            }
            json!({"receipts": receipts, "updated_at": clock::rfc3339(now)})
        } else {
            json!({"id": id, "customer_reference_number": reference,
                "tid": transaction.map(|it| &it.terminal), "client": {"id": "c1"},
                "created_at": transaction.map(|it| clock::rfc3339(it.created_at)),
                "updated_at": clock::rfc3339(now)})
        };
        let mut message = json!({"data": data});
        message[told("webhook_name")] = json!(event);
        message
    }

    pub(super) fn parcel(&self, letter: &Letter) -> Option<Parcel> {
        let mut url = self.desk.switches.get("webhook_url").to_owned();
        if url.is_empty() {
            return None;
        }
        if letter.forgery.is_some() {
            let (address, secret) = url.rsplit_once('/')?;
            let guessed: String = secret.chars().rev().collect();
            url = format!("{address}/x{guessed}");
        }
        let headers = vec![("content-type", "application/json".to_owned())];
        let (body, vector) = (letter.body.clone(), String::new());
        Some(Parcel { url, headers, body, vector, patience_ms: None })
    }
}
