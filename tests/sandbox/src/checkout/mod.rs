//! Checkout.com's stand-in: tokens, payments with 3-D Secure, STC Pay's contexts, follow-ups that are only accepted,
//! idempotency keys, and signed webhooks.

mod actions;
mod cards;
mod catalogue;
mod contexts;
mod events;
mod keys;
mod page;
mod payments;
mod reads;
mod refusals;
mod requests;
mod time;
mod webhooks;

use crate::Config;
use crate::catalogue::{Known, Operation};
use crate::clock::Clock;
use crate::faults::Call;
use crate::outbox::{Letter, Parcel};
use crate::switches::Switch;
use crate::vendor::{Desk, Moment, Outcome, Snapshot, Vendor};
use crate::wire::{Answer, Wire};
use axum::http::Method;
use cards::{Card, Token};
use catalogue::{FAULTS, LADDER, OPERATIONS, SWITCHES};
use contexts::Context;
use data_encoding::BASE32_NOPAD;
use keys::Kept;
use payments::{Payment, Source};
use refusals::bare;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use time::Due;

/// The merchant's account: what it calls with, and where it wants to hear of things.
#[derive(Clone, Debug)]
pub struct CheckoutAccount {
    pub secret_key: String,
    pub public_key: String,
    pub processing_channel: String,
    /// Where webhooks go; nowhere when absent.
    pub webhook_url: Option<String>,
    /// What they are signed with, and what they show as `Authorization`.
    pub webhook_key: String,
    pub webhook_authorization: String,
}

impl Default for CheckoutAccount {
    /// Keys that protect nothing but test data.
    fn default() -> Self {
        Self {
            secret_key: "sk_sbox_aaaaaaaaaaaaaaaaaaaaaaaaaa=".to_owned(),
            public_key: "pk_sbox_aaaaaaaaaaaaaaaaaaaaaaaaaa=".to_owned(),
            processing_channel: "pc_aaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned(),
            webhook_url: None,
            webhook_key: "sandbox-checkout-webhook-key".to_owned(),
            webhook_authorization: "sandbox-checkout-authorization".to_owned(),
        }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Checkout {
    desk: Desk,
    payments: HashMap<String, Payment>,
    by_reference: HashMap<String, Vec<String>>,
    tokens: HashMap<String, Token>,
    /// Saved cards, by their `src_` id.
    cards: HashMap<String, Card>,
    contexts: HashMap<String, Context>,
    kept: HashMap<String, Kept>,
    /// Keys of requests that are still at work.
    running: BTreeSet<String>,
    due: BTreeSet<(i64, Due)>,
    #[serde(skip)]
    settings: Settings,
}

/// What came from the configuration.
#[derive(Clone, Debug, Default)]
struct Settings {
    account: CheckoutAccount,
    /// Where it is reached.
    place: String,
    clock: Clock,
}

impl Checkout {
    pub(crate) fn new(config: &Config, clock: &Clock) -> Self {
        let place = config.listener.local_addr().map(|it| format!("http://{it}/checkout"));
        let settings = Settings {
            account: config.checkout.clone(),
            place: place.unwrap_or_default(),
            clock: clock.clone(),
        };
        Self::with(settings)
    }

    fn with(settings: Settings) -> Self {
        let mut fresh = Self { desk: Desk::new(SWITCHES), settings, ..Self::default() };
        fresh.configure();
        fresh
    }

    fn configure(&mut self) {
        let (switches, settings) = (&mut self.desk.switches, &self.settings);
        let account = &settings.account;
        switches.put("public_url", &settings.place);
        switches.put("webhook_url", account.webhook_url.as_deref().unwrap_or_default());
        switches.put("webhook_key", &account.webhook_key);
        switches.put("webhook_authorization", &account.webhook_authorization);
        self.desk.outbox.climbs(LADDER);
    }

    /// A key that is none is answered without a word. The public key opens nothing but `/tokens`.
    fn refuse_caller(&self, wire: &Wire, call: &Call) -> Option<Answer> {
        if matches!(call.op, "page" | "pay") {
            return None;
        }
        let known = match call.op {
            "exchange" => &self.settings.account.public_key,
            _ => &self.settings.account.secret_key,
        };
        let shown = wire.header("authorization").and_then(|it| it.strip_prefix("Bearer "));
        (shown != Some(known)).then(|| bare(401))
    }

    /// What the merchant calls a payment, and what it calls what is to be done with it.
    fn about(&self, op: &'static str, id: &str, wire: &Wire) -> Call {
        let own = requests::reference_of(wire).unwrap_or_default();
        let reference = self.payment(id).map(|payment| payment.reference.as_str());
        let key = wire.header(keys::HEADER).unwrap_or_default();
        Call::new(op, &[id, key]).goes_by(&own).goes_by(reference.unwrap_or_default())
    }

    /// By its own id, or by the id of its session.
    fn payment(&self, id: &str) -> Option<&Payment> {
        match id.strip_prefix("sid_") {
            Some(rest) => self.payments.get(&format!("pay_{rest}")),
            None => self.payments.get(id),
        }
    }

    fn execute(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        match call.op {
            "exchange" => self.exchange(wire, moment),
            "create_instrument" => self.create_instrument(wire, moment),
            "get_instrument" => self.get_instrument(call.arg(0)),
            "delete_instrument" => self.delete_instrument(call.arg(0), moment),
            "open_context" => self.open_context(wire, moment),
            "get_context" => self.get_context(call.arg(0)),
            "create_payment" => self.create_payment(wire, moment),
            "find_payments" => self.find_payments(wire, moment),
            "get_payment" => self.get_payment(call.arg(0), moment),
            "get_actions" => self.get_actions(call.arg(0), moment),
            "capture" | "refund" | "void" => self.follow_up(wire, call, moment),
            "page" => self.page(call.arg(0)),
            "pay" => self.submit_page(wire, call.arg(0), moment),
            _ => bare(405),
        }
    }
}

impl Vendor for Checkout {
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
        let path: Vec<&str> = wire.path.iter().skip(1).map(String::as_str).collect();
        let (get, post) = (wire.method == Method::GET, wire.method == Method::POST);
        let key = wire.header(keys::HEADER).unwrap_or_default();
        let own = requests::reference_of(wire).unwrap_or_default();
        let call = match path.as_slice() {
            ["tokens"] if post => {
                let apples = requests::apples_transaction_of(wire).unwrap_or_default();
                Call::new("exchange", &[]).goes_by(&apples)
            }
            ["instruments"] if post => Call::new("create_instrument", &[]),
            ["instruments", id] if get => Call::new("get_instrument", &[id]),
            ["instruments", id] if wire.method == Method::DELETE => {
                Call::new("delete_instrument", &[id])
            }
            ["payment-contexts"] if post => Call::new("open_context", &["", key]).goes_by(&own),
            ["payment-contexts", id] if get => {
                Call::new("get_context", &[id]).goes_by(self.reference_of_context(id))
            }
            ["payments"] if post => {
                let context = requests::context_of(wire).unwrap_or_default();
                let context = self.reference_of_context(&context);
                Call::new("create_payment", &["", key]).goes_by(&own).goes_by(context)
            }
            ["payments"] if get => {
                let reference = wire.query.get("reference").unwrap_or_default();
                Call::new("find_payments", &[]).goes_by(reference)
            }
            ["payments", id] if get => self.about("get_payment", id, wire),
            ["payments", id, "actions"] if get => self.about("get_actions", id, wire),
            ["payments", id, "captures"] if post => self.about("capture", id, wire),
            ["payments", id, "refunds"] if post => self.about("refund", id, wire),
            ["payments", id, "voids"] if post => self.about("void", id, wire),
            ["3ds", id] if get => self.about("page", id, wire),
            ["3ds", id] if post => self.about("pay", id, wire),
            ["tokens" | "instruments" | "payment-contexts" | "payments"]
            | ["payments" | "instruments" | "payment-contexts", _] => Call::new("no_method", &[]),
            _ => Call::new("no_route", &[]),
        };
        Some(call)
    }

    fn begin(&mut self, call: &Call) {
        if !call.arg(1).is_empty() {
            self.running.insert(keys::name(call));
        }
    }

    fn perform(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        self.settle(moment.now);
        if call.op == "no_route" {
            return bare(404);
        }
        if moment.begun {
            self.running.remove(&keys::name(call));
        }
        if let Some(refusal) = self.refuse_caller(wire, call) {
            return refusal;
        }
        if let Some(refusal) = self.refuse_by_fault(call, moment) {
            return refusal;
        }
        if let Some(answer) = self.answered_before(wire, call, moment) {
            return answer;
        }
        let answer = self.execute(wire, call, moment);
        self.remember(wire, call, moment, &answer);
        if moment.fault_is("duplicate_request_after") { self.in_flight() } else { answer }
    }

    fn pay_call(&self, session: &str) -> Option<Call> {
        let payment = self.payment(session)?;
        Some(Call::new("pay", &[&payment.id]).goes_by(&payment.reference))
    }

    fn pay(&mut self, session: &str, outcome: Outcome, moment: &Moment) -> Answer {
        self.settle(moment.now);
        match self.decide_challenge(session, outcome, moment) {
            Ok(redirect) => {
                let payment = self.payment(session);
                let code = payment.and_then(|payment| payment.actions.last());
                let code = code.map(|action| action.code.clone());
                let id = payment.map(|payment| payment.id.clone());
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
        self.settle(now)
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
        // Nobody waits any more for what was at work.
        restored.running.clear();
        restored.settings = std::mem::take(&mut self.settings);
        restored.configure();
        *self = restored;
        Ok(())
    }
}

/// A prefix and 26 letters and digits, as everything here is called.
fn new_id(prefix: &str) -> String {
    let text = BASE32_NOPAD.encode(&rand::random::<[u8; 16]>()).to_ascii_lowercase();
    format!("{prefix}_{text}")
}
