//! Webhooks: a payment as it is now, behind a header of the merchant's choosing. Nothing is signed, nothing is numbered.

use super::payments::{Payment, Status};
use super::{Tabby, WEBHOOK_HEADER, distortion};
use crate::clock::{self, Clock, DAY, HOUR, MINUTE};
use crate::faults::{Call, Fault};
use crate::outbox::{Forgery, Ladder, Letter, Parcel};
use serde_json::{Value, json};

const LATE_MS: i64 = 5_000;
/// Four more tries, and then the event is gone.
pub(super) const LADDER: Ladder = Ladder {
    steps: &[MINUTE, 2 * MINUTE, 4 * MINUTE, 4 * MINUTE],
    tries: 5,
    takes_redirects: false,
};

impl Tabby {
    /// Tells the merchant how a payment stands now.
    pub(super) fn notify(&mut self, id: &str, now: i64) {
        if let Some(payment) = self.payments.get(id).cloned() {
            self.tell(&payment, event(&payment), now);
        }
    }

    /// Tells it as if it stood otherwise.
    pub(super) fn notify_as(&mut self, id: &str, status: Status, now: i64) {
        if let Some(payment) = self.payments.get(id).cloned() {
            self.tell(&payment, event(&Payment { status, ..payment.clone() }), now);
        }
    }

    /// A dispute is told in a shape of its own.
    pub(super) fn notify_dispute(&mut self, payment: &Payment, now: i64) {
        let body = json!({"status": "new", "dispute_id": super::uuid(), "payment_id": payment.id,
            "amount": crate::money::decimal(payment.captured()), "currency": payment.currency,
            "created_at": clock::rfc3339(now)});
        self.tell(payment, body, now);
    }

    fn tell(&mut self, payment: &Payment, event: Value, now: i64) {
        if self.desk.switches.get("webhook_url").is_empty() {
            return;
        }
        let refund = payment.refunds.last().and_then(|refund| refund.reference.clone());
        let call = Call::new("webhook", &[])
            .goes_by(&payment.reference)
            .goes_by(&refund.unwrap_or_default());
        let fault = self.desk.faults.take(&call);
        let name = fault.as_ref().map(|fault| fault.name.as_str()).unwrap_or_default();
        let letter = Letter {
            reference: payment.reference.clone(),
            thread: payment.reference.clone(),
            event: event["status"].as_str().unwrap_or_default().to_owned(),
            body: distortion::distorted(event, name).to_string(),
            due_at: now,
            ..Letter::default()
        };
        match &fault {
            Some(fault) => self.post_oddly(letter, payment, fault),
            None => {
                self.desk.outbox.post(letter);
            }
        }
    }

    /// Lost, late, doubled, overtaken, or in bad company.
    fn post_oddly(&mut self, mut letter: Letter, payment: &Payment, fault: &Fault) {
        let clock = self.settings.clock.clone();
        let day = clock.shortened(DAY);
        let claims = |status: Status| {
            let body = event(&Payment { status, ..payment.clone() }).to_string();
            Letter { body, ..letter.clone() }
        };
        let outbox = &mut self.desk.outbox;
        match fault.name.as_str() {
            "lost" => {
                let id = outbox.post(letter);
                outbox.lose(id);
            }
            "duplicate" => {
                for _ in 0..5 {
                    outbox.post(letter.clone());
                }
            }
            "replayed" => {
                outbox.post(letter.clone());
                letter.due_at += fault.delay_or(day);
                outbox.post(letter);
            }
            "stale" => {
                let old = claims(Status::Authorized);
                let last = outbox.post(letter);
                outbox.post(Letter { after: Some(last), ..old });
            }
            "forged_key" | "forged_tag" | "forged_vector" => {
                let forgery = match fault.name.as_str() {
                    "forged_key" => Forgery::WrongKey,
                    "forged_tag" => Forgery::FlippedTag,
                    _ => Forgery::SwappedVector,
                };
                let claim = claims(Status::Authorized);
                outbox.post(Letter { forgery: Some(forgery), once: true, ..claim });
                outbox.post(letter);
            }
            _ => {
                letter.due_at += delay(fault, &clock);
                letter.forgery = fault.is("corrupt").then_some(Forgery::FlippedTag);
                letter.yields = fault.is("overtaken");
                let unheard = fault.number("unheard").and_then(|count| count.try_into().ok());
                letter.unheard = unheard.unwrap_or_default();
                outbox.post(letter);
            }
        }
    }

    pub(super) fn parcel(&self, letter: &Letter) -> Option<Parcel> {
        let switches = &self.desk.switches;
        let url = switches.get("webhook_url");
        if url.is_empty() {
            return None;
        }
        let secret = switches.get("webhook_secret");
        let offered = match letter.forgery {
            None => Some(secret.to_owned()),
            Some(
                Forgery::WrongKey
                | Forgery::Respaced
                | Forgery::Truncated
                | Forgery::WrongAuthorization,
            ) => Some(super::uuid()),
            // A secret that is wrong in its last character, and none at all.
            Some(Forgery::FlippedTag) => {
                let last = if secret.ends_with('0') { '1' } else { '0' };
                let mut all = secret.to_owned();
                all.pop();
                Some(format!("{all}{last}"))
            }
            Some(Forgery::SwappedVector | Forgery::Unsigned) => None,
        };
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(offered.map(|offered| (WEBHOOK_HEADER, offered)));
        Some(Parcel {
            url: url.to_owned(),
            headers,
            body: letter.body.clone(),
            vector: String::new(),
            patience_ms: u64::try_from(switches.number("webhook_patience_ms")).ok(),
        })
    }
}

/// A payment as a webhook tells it: the status in small letters.
fn event(payment: &Payment) -> Value {
    let shown = payment.json();
    let status = shown["status"].as_str().unwrap_or_default().to_ascii_lowercase();
    json!({"id": payment.id, "created_at": shown["created_at"], "expires_at": shown["expires_at"],
        "closed_at": payment.closed_at.map(clock::rfc3339), "status": status,
        "is_test": true, "is_expired": status == "expired", "amount": shown["amount"],
        "currency": payment.currency, "order": {"reference_id": payment.reference},
        "captures": shown["captures"], "refunds": shown["refunds"], "meta": shown["meta"],
        "token": null})
}

/// How much later than it should a letter leaves.
fn delay(fault: &Fault, clock: &Clock) -> i64 {
    let hours = fault.number("late_hours").map(|hours| i64::from(hours) * HOUR);
    let days = fault.number("late_days").map(|days| i64::from(days) * DAY);
    match fault.name.as_str() {
        "late" | "delay" => fault.delay_or(LATE_MS),
        "overtaken" => fault.delay_or(clock.shortened(DAY)),
        _ => clock.shortened(hours.or(days).unwrap_or_default()),
    }
}
