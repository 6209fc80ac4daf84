//! A payment: one object for its whole life, with what was captured and refunded in it.

use super::Tabby;
use crate::clock::{self, DAY};
use crate::ledger::Entry;
use crate::money::decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How long a payment may stay reserved before Tabby takes it itself, if it does.
const UNTOUCHED_MS: i64 = 21 * DAY;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Status {
    #[default]
    Created,
    Authorized,
    Closed,
    Rejected,
    Expired,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Movement {
    pub id: String,
    pub created_at: i64,
    pub amount: i64,
    /// None when Tabby did it by itself.
    pub reference: Option<String>,
}

/// A payment that is shown as it was, until then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Stale {
    pub until: i64,
    pub shown: Value,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Payment {
    pub id: String,
    pub session: String,
    pub reference: String,
    pub amount: i64,
    pub currency: String,
    pub status: Status,
    /// As the merchant has described it: the buyer, the order, and their histories.
    pub asked: Value,
    /// Where the browser goes: success, cancel and failure.
    pub urls: Value,
    pub created_at: i64,
    pub session_ends_at: i64,
    pub expires_at: i64,
    pub closed_at: Option<i64>,
    pub captures: Vec<Movement>,
    pub refunds: Vec<Movement>,
    /// The shopper has approved; when it is decided.
    pub decides_at: Option<i64>,
    /// When Tabby takes it, untouched by its merchant.
    pub taken_at: Option<i64>,
    pub disputed: bool,
    pub stale: Option<Stale>,
}

impl Payment {
    pub(super) fn captured(&self) -> i64 {
        self.captures.iter().map(|capture| capture.amount).sum()
    }

    pub(super) fn refunded(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount).sum()
    }

    /// As the API shows it now.
    pub(super) fn shown(&self, now: i64) -> Value {
        match &self.stale {
            Some(stale) if stale.until > now => stale.shown.clone(),
            Some(_) | None => self.json(),
        }
    }

    pub(super) fn json(&self) -> Value {
        let mut body = self.asked.clone();
        body["id"] = json!(self.id);
        body["created_at"] = json!(clock::rfc3339(self.created_at));
        body["expires_at"] = json!(clock::rfc3339(self.expires_at));
        body["status"] = json!(self.status);
        body["is_test"] = json!(true);
        body["amount"] = json!(decimal(self.amount));
        body["currency"] = json!(self.currency);
        body["order"]["reference_id"] = json!(self.reference);
        body["captures"] = movements(&self.captures);
        body["refunds"] = movements(&self.refunds);
        body
    }

    /// Without what has not happened yet: how a session shows its payment.
    pub(super) fn in_session(&self) -> Value {
        let mut body = self.json();
        if let Some(fields) = body.as_object_mut() {
            for later in ["expires_at", "captures", "refunds"] {
                fields.remove(later);
            }
        }
        body
    }

    fn entry(&self, now: i64, kind: &str) -> Entry {
        Entry::new(now, kind, &self.reference)
            .vendor_id(&self.id)
            .amount(self.amount)
            .currency(&self.currency)
            .extra("checkout", self.session.clone())
    }
}

fn movements(all: &[Movement]) -> Value {
    let one = |movement: &Movement| {
        json!({"id": movement.id, "created_at": clock::rfc3339(movement.created_at),
            "amount": decimal(movement.amount), "items": [], "reference_id": movement.reference})
    };
    all.iter().map(one).collect()
}

impl Tabby {
    /// Files a new one. What has been rejected was none.
    pub(super) fn file(&mut self, payment: Payment, now: i64) {
        let kind = if payment.status == Status::Rejected { "rejection" } else { "checkout" };
        self.desk.ledger.write(payment.entry(now, kind));
        self.sessions.insert(payment.session.clone(), payment.id.clone());
        if payment.status == Status::Created {
            self.due.insert((payment.expires_at, payment.id.clone()));
        }
        self.payments.insert(payment.id.clone(), payment);
    }

    /// Puts a payment into another status, in the books and to the merchant.
    pub(super) fn becomes(&mut self, id: &str, status: Status, now: i64) {
        let untouched = self.desk.switches.get("untouched") == "captured";
        let taken_at = now + self.settings.clock.shortened(UNTOUCHED_MS);
        let Some(payment) = self.payments.get_mut(id) else { return };
        payment.status = status;
        payment.decides_at = None;
        let kind = match status {
            Status::Created => return,
            Status::Authorized => "authorize",
            Status::Closed if payment.captures.is_empty() => "void",
            Status::Closed => "release",
            Status::Rejected => "decline",
            Status::Expired => "expire",
        };
        let released = payment.amount - payment.captured();
        let entry = payment.entry(now, kind);
        match status {
            Status::Authorized if untouched => {
                payment.taken_at = Some(taken_at);
                self.due.insert((taken_at, id.to_owned()));
                self.desk.ledger.write(entry);
            }
            Status::Closed => {
                payment.closed_at = Some(now);
                if released > 0 {
                    self.desk.ledger.write(entry.amount(released));
                }
            }
            Status::Created | Status::Authorized | Status::Rejected | Status::Expired => {
                self.desk.ledger.write(entry);
            }
        }
        if status != Status::Expired || self.desk.switches.on("expired_webhook") {
            self.notify(id, now);
        }
    }

    /// Takes money that is reserved. All of it closes the payment.
    pub(super) fn take(&mut self, id: &str, amount: i64, reference: Option<&str>, now: i64) {
        let tells = self.desk.switches.get("capture_tells").to_owned();
        let Some(payment) = self.payments.get_mut(id) else { return };
        payment.captures.push(Movement {
            id: super::uuid(),
            created_at: now,
            amount,
            reference: reference.map(str::to_owned),
        });
        let own = reference.unwrap_or(&payment.reference);
        let entry = Entry::new(now, "capture", own)
            .vendor_id(payment.captures.last().map(|made| made.id.as_str()).unwrap_or_default())
            .parent(&payment.id)
            .amount(amount)
            .currency(&payment.currency);
        self.desk.ledger.write(entry);
        if payment.captured() < payment.amount {
            self.notify(id, now);
            return;
        }
        if tells == "capture_then_close" {
            self.notify(id, now);
        }
        self.becomes(id, Status::Closed, now);
        if tells == "close_then_capture" {
            self.notify_as(id, Status::Authorized, now);
        }
    }

    /// What a payment's time has brought.
    pub(super) fn tick(&mut self, id: &str, now: i64) {
        let Some(payment) = self.payments.get_mut(id) else { return };
        let is_due = |at: Option<i64>| at.is_some_and(|at| at <= now);
        if is_due(payment.decides_at) {
            self.becomes(id, Status::Authorized, now);
        } else if payment.status == Status::Created
            && payment.expires_at <= now
            && payment.decides_at.is_none()
        {
            self.becomes(id, Status::Expired, now);
        } else if payment.status == Status::Authorized && is_due(payment.taken_at) {
            let rest = payment.amount - payment.captured();
            self.take(id, rest, None, now);
        }
    }
}
