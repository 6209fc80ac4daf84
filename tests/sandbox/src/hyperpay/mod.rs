//! The card gateway's stand-in: checkouts, transactions, follow-ups, reports, a payment page and webhooks.

mod catalogue;
mod chargebacks;
mod checkouts;
mod codes;
mod distortion;
mod fate;
mod follow_ups;
mod page;
mod payments;
mod reads;
mod registrations;
mod webhooks;

use crate::Config;
use crate::catalogue::{Known, Operation};
use crate::clock::{Clock, HOUR, MINUTE};
use crate::faults::Call;
use crate::outbox::{Letter, Parcel};
use crate::switches::Switch;
use crate::vendor::{Desk, Moment, Outcome, Snapshot, Vendor};
use crate::wire::{Answer, Wire};
use axum::http::Method;
use catalogue::{FAULTS, OPERATIONS, SWITCHES};
use checkouts::Checkout;
use data_encoding::{HEXLOWER, HEXUPPER};
use payments::Payment;
use registrations::Registration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// The access token when none is configured.
pub const DEFAULT_TOKEN: &str = "sandbox-hyperpay-token";
/// The webhooks' key when none is configured; it protects nothing but test data.
pub const DEFAULT_WEBHOOK_KEY: &str =
    "7361e6f15b0c4dd08a3b2c9d4e5f60718293a4b5c6d7e8f900112233445566ff";
/// The channel for mada cards.
pub const MADA_ENTITY: &str = "8ac7a4c79000000001900000000000a1";
/// The channel for Visa and Mastercard.
pub const CARD_ENTITY: &str = "8ac7a4c79000000001900000000000c1";
/// The channel for Apple Pay.
pub const WALLET_ENTITY: &str = "8ac7a4c79000000001900000000000b1";

const TTL_MS: i64 = 30 * MINUTE;
/// How long an expired checkout is remembered.
const PURGE_MS: i64 = HOUR;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct HyperPay {
    desk: Desk,
    checkouts: HashMap<String, Checkout>,
    payments: HashMap<String, Payment>,
    by_reference: HashMap<String, Vec<String>>,
    children: HashMap<String, Vec<String>>,
    undecided: BTreeSet<(i64, String)>,
    /// Payments that will be charged back, and when.
    #[serde(default)]
    charge_backs: BTreeSet<(i64, String)>,
    /// When each counted status read stops counting.
    reads: HashMap<String, Vec<i64>>,
    read_log: VecDeque<(i64, String)>,
    closing: BTreeSet<(i64, String)>,
    /// Saved cards.
    #[serde(default)]
    registrations: HashMap<String, Registration>,
    /// Charges that wait for the customer's bank, and where the browser goes from there.
    #[serde(default)]
    challenges: HashMap<String, Option<String>>,
    #[serde(skip)]
    settings: Settings,
}

/// What came from the configuration.
#[derive(Clone, Debug, Default)]
struct Settings {
    token: String,
    /// Entity id and card brand.
    entities: Vec<(String, String)>,
    webhook_url: Option<String>,
    webhook_key: Option<String>,
    clock: Clock,
}

impl HyperPay {
    pub(crate) fn new(config: &Config, clock: &Clock) -> Self {
        Self::with(Settings {
            token: config.hyperpay_token.clone(),
            entities: config.hyperpay_entities.clone(),
            webhook_url: config.webhook_url.clone(),
            webhook_key: config.webhook_key.clone(),
            clock: clock.clone(),
        })
    }

    fn with(settings: Settings) -> Self {
        let mut fresh = Self { desk: Desk::new(SWITCHES), settings, ..Self::default() };
        fresh.configure();
        fresh
    }

    fn configure(&mut self) {
        if let Some(url) = &self.settings.webhook_url {
            self.desk.switches.put("webhook_url", url);
        }
        if let Some(key) = &self.settings.webhook_key {
            self.desk.switches.put("webhook_key", key);
        }
    }

    fn brand(&self, entity: &str) -> Option<&str> {
        let channel = self.settings.entities.iter().find(|(known, _)| known == entity);
        channel.map(|(_, brand)| brand.as_str())
    }

    /// What is refused before an operation is looked at.
    fn refuse_caller(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Option<Answer> {
        if matches!(call.op, "pay" | "page" | "widget") {
            return None;
        }
        let token = wire.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if token != Some(self.settings.token.as_str()) {
            return Some(self.refuse(codes::UNAUTHORISED, moment.now));
        }
        if wire.method == Method::GET || wire.method == Method::DELETE {
            let entity = wire.query.filled("entityId");
            if let Err(refusal) = self.channel(entity, moment.now) {
                return Some(refusal);
            }
        }
        self.throttle(call, moment)
    }

    /// The faults that answer for the gateway. None of them executes the call.
    fn refuse_by_fault(&mut self, call: &Call, moment: &Moment) -> Option<Answer> {
        let fault = moment.fault.as_ref()?;
        if fault.is("consumed") {
            self.consume(call.arg(0), moment);
            return Some(codes::no_session(moment.now));
        }
        if fault.is("session_expired") {
            self.expire(call.arg(0), moment.now);
            return None;
        }
        let reading = call.op.starts_with("status") || call.op.starts_with("query");
        let code = match fault.name.as_str() {
            "throttled" => codes::THROTTLED,
            "lookup_lag" if reading => codes::NOT_FOUND,
            "uncertain" if reading => codes::UNCERTAIN,
            _ if call.op == "pay" => return None,
            _ => match fault.code("code") {
                Some(code) => code,
                None if reading && fault.number("pending").is_some() => codes::PENDING,
                None => return None,
            },
        };
        Some(self.refuse(code, moment.now))
    }

    fn about(&self, call: Call, payment: &str) -> Call {
        match self.payments.get(payment) {
            Some(payment) => {
                let parent = payment.parent.as_ref().and_then(|id| self.payments.get(id));
                let parent = parent.map(|parent| parent.reference.as_str()).unwrap_or_default();
                call.goes_by(&payment.reference).goes_by(parent)
            }
            None => call,
        }
    }

    fn identify_follow_up(&self, wire: &Wire, parent: &str) -> Call {
        let form = wire.form();
        let op = match form.filled("paymentType") {
            Some("CP") => "capture",
            Some("RV") => "reversal",
            _ => "refund",
        };
        let own = form.filled("merchantTransactionId").unwrap_or_default().to_owned();
        self.about(Call::new(op, &[parent]).goes_by(&own), parent)
    }

    fn by_checkout(&self, op: &'static str, id: &str) -> Call {
        let reference = self.checkouts.get(id).map(|checkout| checkout.reference.as_str());
        Call::new(op, &[id]).goes_by(reference.unwrap_or_default())
    }
}

impl Vendor for HyperPay {
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
        let at = |index: usize| wire.path.get(index + 1).map(String::as_str).unwrap_or_default();
        let reference = wire.query.filled("merchantTransactionId").unwrap_or_default();
        match (&wire.method, segments.as_slice()) {
            (&Method::POST, ["v1", "checkouts"]) => {
                let form = wire.form();
                let reference = form.filled("merchantTransactionId").unwrap_or_default();
                Some(Call::new("create_checkout", &[]).goes_by(reference))
            }
            (&Method::GET, ["v1", "checkouts", _, "payment"]) => {
                Some(self.by_checkout("status_checkout", at(2)))
            }
            (&Method::GET, ["v1", "checkouts", _, "registration"]) => {
                Some(self.by_checkout("status_registration", at(2)))
            }
            (&Method::POST, ["v1", "registrations", _, "payments"]) => {
                let form = wire.form();
                let reference = form.filled("merchantTransactionId").unwrap_or_default();
                Some(Call::new("charge_registration", &[at(2)]).goes_by(reference))
            }
            (&Method::DELETE, ["v1", "registrations", _]) => {
                Some(self.by_registration("deregister", at(2)))
            }
            (&Method::GET, ["v1", "payments", _]) => {
                Some(self.about(Call::new("status_payment", &[at(2)]), at(2)))
            }
            (&Method::POST, ["v1", "payments", _]) => Some(self.identify_follow_up(wire, at(2))),
            (&Method::GET, ["v1" | "v3", "query", _]) => {
                Some(self.about(Call::new("query_id", &[at(2)]), at(2)))
            }
            (&Method::GET, ["v1" | "v3", "query"] | ["v1", "payments"]) => {
                Some(Call::new("query_reference", &[reference]).goes_by(reference))
            }
            (&Method::GET, ["v1", "paymentwidgets.js"]) => {
                let id = wire.query.get("checkoutId").unwrap_or_default();
                Some(self.by_checkout("widget", id))
            }
            (&Method::GET, ["page", _]) => Some(self.by_checkout("page", at(1))),
            (&Method::POST, ["page", _]) => Some(self.by_checkout("pay", at(1))),
            _ => None,
        }
    }

    fn perform(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        if let Some(refusal) = self.refuse_caller(wire, call, moment) {
            return refusal;
        }
        if let Some(refusal) = self.refuse_by_fault(call, moment) {
            return refusal;
        }
        let answer = match call.op {
            "create_checkout" => self.create_checkout(wire, moment),
            "status_checkout" => self.status_checkout(wire, call, moment),
            "status_registration" => self.status_registration(wire, call, moment),
            "charge_registration" => self.charge_registration(wire, call, moment),
            "deregister" => self.deregister(wire, call, moment.now),
            "status_payment" => self.status_payment(wire, call, moment),
            "query_id" => self.query_id(wire, call, moment),
            "query_reference" => self.query_reference(wire, call, moment),
            "widget" => page::widget(),
            "page" => self.page(wire, call, moment),
            "pay" => self.submit_page(wire, call, moment),
            _ => self.follow_up(wire, call, moment),
        };
        match moment.fault_code("commit") {
            Some(code) => self.refuse(code, moment.now),
            None => answer,
        }
    }

    fn pay_call(&self, session: &str) -> Option<Call> {
        if self.challenges.contains_key(session) {
            return Some(self.about(Call::new("pay", &[session]), session));
        }
        self.checkouts.contains_key(session).then(|| self.by_checkout("pay", session))
    }

    fn pay(&mut self, session: &str, outcome: Outcome, moment: &Moment) -> Answer {
        match self.submit(session, outcome, "", moment) {
            Ok(id) => {
                let payment = id.as_ref().and_then(|id| self.payments.get(id));
                let code = payment.map(|payment| payment.code.clone());
                let redirect = self.return_url(session, None);
                Answer::json(200, &json!({"payment_id": id, "code": code, "redirect": redirect}))
            }
            Err((status, why)) => Answer::json(status, &json!({"error": why})),
        }
    }

    fn charge_back(&mut self, reference: &str, now: i64) -> Answer {
        self.charge_back_reference(reference, now)
    }

    fn seal(&self, letter: &Letter) -> Option<Parcel> {
        self.parcel(letter)
    }

    fn sweep(&mut self, now: i64) -> bool {
        self.forget_reads(now);
        let mut changed = false;
        while let Some((_, id)) = self.undecided.first().cloned().filter(|(at, _)| *at <= now) {
            self.undecided.pop_first();
            self.decide(&id, now);
            changed = true;
        }
        while let Some((_, id)) = self.charge_backs.first().cloned().filter(|(at, _)| *at <= now) {
            self.charge_backs.pop_first();
            changed |= self.charge_back_payment(&id, now).is_some();
        }
        while let Some((_, id)) = self.closing.first().cloned().filter(|(at, _)| *at <= now) {
            self.closing.pop_first();
            self.checkouts.remove(&id);
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

/// 32 lower-case hex digits, as transactions are called.
fn hex_lower() -> String {
    HEXLOWER.encode(&rand::random::<[u8; 16]>())
}

/// 32 upper-case hex digits, as checkouts are called.
fn hex_upper() -> String {
    HEXUPPER.encode(&rand::random::<[u8; 16]>())
}
