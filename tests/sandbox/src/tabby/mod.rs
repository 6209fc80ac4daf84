//! Tabby's stand-in: sessions, payments that are taken or closed, a page to approve them on, and webhooks.

mod amounts;
mod answers;
mod catalogue;
mod changes;
mod distortion;
mod lists;
mod payments;
mod sessions;
mod shopper;
mod webhooks;

use crate::Config;
use crate::catalogue::{Known, Operation};
use crate::clock::Clock;
use crate::faults::Call;
use crate::ledger::Entry;
use crate::outbox::{Letter, Parcel};
use crate::switches::Switch;
use crate::vendor::{Desk, Moment, Outcome, Snapshot, Vendor};
use crate::wire::{Answer, Wire};
use axum::http::Method;
use catalogue::{FAULTS, OPERATIONS, SWITCHES};
use payments::Payment;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// The secret key when none is configured.
pub const KEY: &str = "sk_test_sandbox";
/// The shop when none is configured.
pub const MERCHANT: &str = "sandbox";
/// The header that webhooks are registered with.
pub const WEBHOOK_HEADER: &str = "x-tabby-hook";
/// What is in it when nothing is configured; it protects nothing but test data.
pub const WEBHOOK_SECRET: &str = "sandbox-tabby-hook";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tabby {
    desk: Desk,
    payments: HashMap<String, Payment>,
    /// Each session's payment.
    sessions: HashMap<String, String>,
    /// When time does something to a payment.
    due: BTreeSet<(i64, String)>,
    /// When the latest sessions were opened.
    opened: VecDeque<i64>,
    #[serde(skip)]
    settings: Settings,
}

/// What came from the configuration.
#[derive(Clone, Debug, Default)]
struct Settings {
    key: String,
    merchant: String,
    webhook_url: Option<String>,
    webhook_secret: Option<String>,
    clock: Clock,
}

impl Tabby {
    pub(crate) fn new(config: &Config, clock: &Clock) -> Self {
        Self::with(Settings {
            key: config.tabby_key.clone(),
            merchant: config.tabby_merchant.clone(),
            webhook_url: config.tabby_webhook_url.clone(),
            webhook_secret: config.tabby_webhook_secret.clone(),
            clock: clock.clone(),
        })
    }

    fn with(settings: Settings) -> Self {
        let mut fresh = Self { desk: Desk::new(SWITCHES), settings, ..Self::default() };
        fresh.configure();
        fresh
    }

    fn configure(&mut self) {
        self.desk.outbox.climbs(webhooks::LADDER);
        if let Some(url) = &self.settings.webhook_url {
            self.desk.switches.put("webhook_url", url);
        }
        if let Some(secret) = &self.settings.webhook_secret {
            self.desk.switches.put("webhook_secret", secret);
        }
    }

    /// What is refused before an operation is looked at. None of it executes the call.
    fn refuse(&self, wire: &Wire, call: &Call, moment: &Moment) -> Option<Answer> {
        if matches!(call.op, "pay" | "page") {
            return None;
        }
        let Some(header) = wire.header("authorization") else {
            return Some(answers::not_authorized("authorization"));
        };
        match header.strip_prefix("Bearer ") {
            None => return Some(answers::not_authorized("missing Bearer scheme")),
            Some(key) if key != self.settings.key => {
                return Some(answers::not_authorized("auth: provided key doesn't exist"));
            }
            Some(_) => {}
        }
        match moment.fault_name() {
            "throttled" => Some(Answer::text(429, "")),
            "not_authorized" => Some(answers::not_authorized("invalid secret key")),
            "wrong_region" => Some(answers::no_permission()),
            "plain_404" => Some(answers::plain(404)),
            "plain_500" => Some(answers::plain(500)),
            "currency_clash" => Some(answers::bad_data(
                "could not create payment: only 'AED' is supported, but got 'SAR'",
            )),
            "lookup_lag" if call.op == "payment" => Some(answers::no_such_payment()),
            "disputed" => Some(answers::disputed()),
            "denied" => Some(answers::denied(call.op)),
            _ => None,
        }
    }

    fn about(&self, call: Call, session: &str) -> Call {
        let reference = self.payment_of(session).map(|payment| payment.reference.as_str());
        call.goes_by(reference.unwrap_or_default()).goes_by(session)
    }
}

impl Vendor for Tabby {
    fn operations(&self) -> &'static [Operation] {
        OPERATIONS
    }

    fn faults(&self) -> &'static [Known] {
        FAULTS
    }

    fn switches(&self) -> &'static [Switch] {
        SWITCHES
    }

    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn desk_mut(&mut self) -> &mut Desk {
        &mut self.desk
    }

    fn identify(&self, wire: &Wire) -> Option<Call> {
        let route = wire.route(1);
        let segments: Vec<&str> = route.iter().map(String::as_str).collect();
        let id = wire.path.get(4).map(String::as_str).unwrap_or_default();
        let session = wire.query.get("sessionId").unwrap_or_default();
        let stated = |pointer: &str| {
            let body = wire.json().unwrap_or_default();
            body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let changes = |op| self.about(Call::new(op, &[id]), id).goes_by(&stated("/reference_id"));
        match (&wire.method, segments.as_slice()) {
            (&Method::POST, ["api", "v2", "checkout"]) => {
                let reference = stated("/payment/order/reference_id");
                Some(Call::new("create_session", &[]).goes_by(&reference))
            }
            (&Method::GET, ["api", "v2", "checkout", _]) => {
                Some(self.about(Call::new("session", &[id]), id))
            }
            (&Method::GET, ["api", "v2", "payments"]) => Some(Call::new("payments", &[])),
            (&Method::GET, ["api", "v2", "payments", _]) => {
                Some(self.about(Call::new("payment", &[id]), id))
            }
            (&Method::POST, ["api", "v2", "payments", _, "captures"]) => Some(changes("capture")),
            (&Method::POST, ["api", "v2", "payments", _, "refunds"]) => Some(changes("refund")),
            (&Method::POST, ["api", "v2", "payments", _, "close"]) => Some(changes("close")),
            (&Method::GET, []) => Some(self.about(Call::new("page", &[session]), session)),
            (&Method::POST, []) => Some(self.about(Call::new("pay", &[session]), session)),
            _ => None,
        }
    }

    fn perform(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        if let Some(refusal) = self.refuse(wire, call, moment) {
            return refusal;
        }
        match call.op {
            "create_session" => self.create_session(wire, moment),
            "session" => self.session(wire, call, moment),
            "payment" => self.show(call.arg(0), moment),
            "payments" => self.list(wire, moment),
            "page" => self.page(call, moment),
            "pay" => self.submit_page(wire, call, moment),
            _ => self.change(wire, call, moment),
        }
    }

    fn pay_call(&self, session: &str) -> Option<Call> {
        let known = self.payment_of(session).is_some();
        known.then(|| self.about(Call::new("pay", &[session]), session))
    }

    fn pay(&mut self, session: &str, outcome: Outcome, moment: &Moment) -> Answer {
        self.decide(session, outcome, moment).unwrap_or_else(|refusal| refusal)
    }

    /// The customer disputes what was captured: nothing moves until that is decided.
    fn charge_back(&mut self, reference: &str, now: i64) -> Answer {
        let captured =
            |payment: &&mut Payment| payment.reference == reference && !payment.captures.is_empty();
        let Some(payment) = self.payments.values_mut().find(captured) else {
            return Answer::json(404, &json!({"error": "nothing was captured under it"}));
        };
        payment.disputed = true;
        let payment = payment.clone();
        let entry = Entry::new(now, "dispute", reference)
            .vendor_id(&payment.id)
            .amount(payment.captured())
            .currency(&payment.currency);
        self.desk.ledger.write(entry);
        self.notify_dispute(&payment, now);
        Answer::json(200, &json!({"payment_id": payment.id}))
    }

    fn seal(&self, letter: &Letter) -> Option<Parcel> {
        self.parcel(letter)
    }

    fn sweep(&mut self, now: i64) -> bool {
        let mut changed = false;
        while let Some((_, id)) = self.due.first().cloned().filter(|(at, _)| *at <= now) {
            self.due.pop_first();
            self.tick(&id, now);
            changed = true;
        }
        changed
    }

    fn reset(&mut self) {
        *self = Self::with(std::mem::take(&mut self.settings));
    }

    fn snapshot(&self) -> Snapshot {
        let copy = self.clone();
        Box::new(move || serde_json::to_string(&copy))
    }

    fn restore(&mut self, saved: Value) -> serde_json::Result<()> {
        let mut restored: Self = serde_json::from_value(saved)?;
        let fresh = Desk::new(SWITCHES).switches;
        let kept = std::mem::replace(&mut restored.desk.switches, fresh);
        restored.desk.switches.restore(&kept);
        restored.settings = std::mem::take(&mut self.settings);
        restored.configure();
        *self = restored;
        Ok(())
    }
}

/// A new id, as Tabby writes them.
fn uuid() -> String {
    let hex = data_encoding::HEXLOWER.encode(&rand::random::<[u8; 16]>());
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}
