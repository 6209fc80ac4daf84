//! Feedback: what the merchant is told of each operation, signed by the response phrase, ten times in a hundred seconds.

use super::PayFort;
use super::orders::Deed;
use super::shown::distort;
use super::signature::{sign, texts_of};
use crate::clock::{Clock, DAY, HOUR, SECOND};
use crate::faults::{Call, Fault};
use crate::outbox::{Forgery, Ladder, Letter, Parcel};
use crate::wire::percent_encode;
use serde_json::{Map, Value, json};

const LATE_MS: i64 = 5_000;
/// Ten deliveries, ten seconds apart, and no more; a redirect is as good as a yes.
pub(super) const LADDER: Ladder =
    Ladder { steps: &[10 * SECOND], tries: 10, takes_redirects: true };

impl PayFort {
    /// Tells the merchant how an order stands now.
    pub(super) fn notify(&mut self, reference: &str, deed: &Deed, now: i64) {
        if self.desk.switches.get("webhook_url").is_empty() {
            return;
        }
        let Some(order) = self.orders.get(reference) else { return };
        let maintenance = deed.maintenance.as_str();
        let own = if maintenance.is_empty() { reference } else { maintenance };
        let call = Call::new("webhook", &[])
            .goes_by(reference)
            .goes_by(maintenance)
            .goes_by(&order.fort_id);
        let command = match deed.op.as_str() {
            "authorize" => "AUTHORIZATION",
            "capture" => "CAPTURE",
            "void" => "VOID_AUTHORIZATION",
            "refund" => "REFUND",
            _ => "PURCHASE",
        };
        let mut fields = self.order_fields(reference);
        fields.insert("command".to_owned(), json!(command));
        fields.insert("amount".to_owned(), json!(deed.amount.to_string()));
        if !maintenance.is_empty() {
            fields.insert("maintenance_reference".to_owned(), json!(maintenance));
        }
        let letter = |code: &str, fault: &str| Letter {
            reference: own.to_owned(),
            thread: reference.to_owned(),
            event: format!("{command} {code}"),
            body: told(&fields, code, fault),
            due_at: now,
            ..Letter::default()
        };
        let code = order.code.clone();
        let copies = if self.desk.switches.get("feedbacks") == "both" { 2 } else { 1 };
        let fault = self.desk.faults.take(&call);
        let Some(fault) = fault else {
            for _ in 0..copies {
                self.desk.outbox.post(letter(&code, ""));
            }
            return;
        };
        let other = letter(if fault.is("pending_last") { "20064" } else { "13666" }, "");
        let claim = letter("14000", "");
        self.post_oddly((letter(&code, &fault.name), other, claim), &fault);
    }

    /// Lost, late, doubled, overtaken, or in bad company.
    fn post_oddly(&mut self, (mut letter, old, claim): (Letter, Letter, Letter), fault: &Fault) {
        let clock = self.settings.clock.clone();
        let outbox = &mut self.desk.outbox;
        match fault.name.as_str() {
            "lost" => {
                let id = outbox.post(letter);
                outbox.lose(id);
            }
            "duplicate" => {
                outbox.post(letter.clone());
                outbox.post(letter);
            }
            "replayed" => {
                outbox.post(letter.clone());
                letter.due_at += fault.delay_or(clock.shortened(DAY));
                outbox.post(letter);
            }
            "pending_last" | "stale_decline" => {
                let last = outbox.post(letter);
                outbox.post(Letter { after: Some(last), ..old });
            }
            "forged_key" | "forged_amount" | "forged_phrase" => {
                let forgery = match fault.name.as_str() {
                    "forged_key" => Forgery::WrongKey,
                    "forged_amount" => Forgery::FlippedTag,
                    _ => Forgery::SwappedVector,
                };
                outbox.post(Letter { forgery: Some(forgery), once: true, ..claim });
                outbox.post(letter);
            }
            _ => {
                letter.due_at += delay(fault, &clock);
                letter.yields = fault.is("overtaken");
                let unheard = fault.number("unheard").and_then(|count| count.try_into().ok());
                letter.unheard = unheard.unwrap_or_default();
                outbox.post(letter);
            }
        }
    }

    /// Signed when it leaves, so under the phrases of that moment.
    pub(super) fn parcel(&self, letter: &Letter) -> Option<Parcel> {
        let switches = &self.desk.switches;
        let url = switches.get("webhook_url");
        if url.is_empty() {
            return None;
        }
        let mut fields: Map<String, Value> = serde_json::from_str(&letter.body).ok()?;
        let access_code = fields.get("access_code").and_then(Value::as_str).unwrap_or_default();
        let channel = self.channel(access_code).or_else(|| self.settings.channels.first())?;
        let fault = fields.remove("_fault");
        let fault = fault.as_ref().and_then(Value::as_str).unwrap_or_default();
        let other =
            self.settings.channels.iter().find(|it| it.access_code != channel.access_code)?;
        let phrase = match (letter.forgery, fault) {
            (
                Some(
                    Forgery::WrongKey
                    | Forgery::Respaced
                    | Forgery::Truncated
                    | Forgery::WrongAuthorization,
                ),
                _,
            ) => "a stranger's phrase",
            (Some(Forgery::SwappedVector), _) | (None, "signed_by_request_phrase") => {
                &channel.request_phrase
            }
            (None, "signed_by_other_channel") => &other.response_phrase,
            (Some(Forgery::FlippedTag | Forgery::Unsigned) | None, _) => &channel.response_phrase,
        };
        let signature = sign(&channel.sha_type, phrase, &texts_of(&fields))?;
        if letter.forgery == Some(Forgery::FlippedTag) {
            fields.insert("amount".to_owned(), json!("1"));
        }
        if fault != "unsigned" && letter.forgery != Some(Forgery::Unsigned) {
            fields.insert("signature".to_owned(), json!(signature));
        }
        let as_form = match switches.get("feedback_format") {
            "alternating" => letter.id.is_multiple_of(2) != letter.attempts.len().is_multiple_of(2),
            format => format == "form",
        };
        let (kind, body) = if as_form {
            ("application/x-www-form-urlencoded", form(&fields))
        } else {
            ("application/json", Value::Object(fields).to_string())
        };
        let headers = vec![("content-type", kind.to_owned())];
        let patience_ms = u64::try_from(switches.number("webhook_patience_ms")).ok();
        // Nothing in a message tells one sending from another: each is a replay of the first.
        let vector = String::from("same");
        Some(Parcel { url: url.to_owned(), headers, body, vector, patience_ms })
    }
}

/// A message before it is signed. How its signature shall be wrong travels with it.
fn told(fields: &Map<String, Value>, code: &str, fault: &str) -> String {
    let mut fields = fields.clone();
    fields.insert("response_code".to_owned(), json!(code));
    fields.insert("status".to_owned(), json!(code.get(..2)));
    fields.insert("response_message".to_owned(), json!(super::shown::text(code)));
    distort(&mut fields, fault);
    if fault == "unsigned" || fault.starts_with("signed_by") {
        fields.insert("_fault".to_owned(), json!(fault));
    }
    Value::Object(fields).to_string()
}

fn form(fields: &Map<String, Value>) -> String {
    let mut texts = texts_of(fields);
    let signature = fields.get("signature").and_then(Value::as_str);
    texts.extend(signature.map(|signature| ("signature".to_owned(), signature.to_owned())));
    let pair = |(name, value): (&String, &String)| {
        format!("{}={}", percent_encode(name), percent_encode(value))
    };
    texts.iter().map(pair).collect::<Vec<_>>().join("&")
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
