//! The kiosk terminals' stand-in: the server that shows terminals and transactions, the door that terminals sign in at,
//! and the terminals themselves, which tests tap cards at.

mod catalogue;
mod login;
mod shown;
mod terminal;
mod webhooks;

use crate::Config;
use crate::catalogue::{Known, Operation};
use crate::clock::Clock;
use crate::faults::Call;
use crate::outbox::{Letter, Parcel};
use crate::switches::Switch;
use crate::vendor::{Desk, Moment, Snapshot, Vendor};
use crate::wire::{Answer, Wire};
use axum::http::Method;
use catalogue::{FAULTS, OPERATIONS, SWITCHES};
use clap::Args;
pub use login::{LoginKey, login_key};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use terminal::Transaction;

/// The API key when none is configured.
pub const DEFAULT_KEY: &str = "sandbox-nearpay-key";
/// The terminal there is when none is configured.
pub const DEFAULT_TERMINAL: &str = "0211920800119208";
/// What the merchant is called in sign-in tokens when nothing else is configured.
pub const DEFAULT_CLIENT: &str = "6f1c2c1e-3d53-4c55-9d3e-0a7a9b1c2d3e";

/// What it is set up with.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Setup {
    /// The API key the terminals' server takes.
    #[arg(id = "nearpay-key", long = "nearpay-key", env = "SANDBOX_NEARPAY_KEY", default_value = DEFAULT_KEY)]
    pub key: String,
    /// The terminals there are, by number, separated by commas.
    #[arg(id = "nearpay-terminals", long = "nearpay-terminals", env = "SANDBOX_NEARPAY_TERMINALS", value_delimiter = ',',
        default_value = DEFAULT_TERMINAL)]
    pub terminals: Vec<String>,
    /// The merchant's name in sign-in tokens.
    #[arg(id = "nearpay-client", long = "nearpay-client", env = "SANDBOX_NEARPAY_CLIENT", default_value = DEFAULT_CLIENT)]
    pub client: String,
    /// The public half of the key that sign-in tokens are signed with, in PEM; without it nobody signs in.
    #[arg(
        id = "nearpay-public-key",
        long = "nearpay-public-key",
        env = "SANDBOX_NEARPAY_PUBLIC_KEY"
    )]
    pub public_key: Option<String>,
    /// Where its webhooks go, with the secret at the end.
    #[arg(
        id = "nearpay-webhook-url",
        long = "nearpay-webhook-url",
        env = "SANDBOX_NEARPAY_WEBHOOK_URL"
    )]
    pub webhook_url: Option<String>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            key: DEFAULT_KEY.to_owned(),
            terminals: vec![DEFAULT_TERMINAL.to_owned()],
            client: DEFAULT_CLIENT.to_owned(),
            public_key: None,
            webhook_url: None,
        }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct NearPay {
    desk: Desk,
    transactions: BTreeMap<String, Transaction>,
    by_reference: HashMap<String, Vec<String>>,
    /// Reversals that are on their way, and when they arrive.
    reversing: BTreeSet<(i64, String)>,
    #[serde(skip)]
    setup: Setup,
    #[serde(skip)]
    clock: Clock,
}

impl NearPay {
    pub(crate) fn new(config: &Config, clock: &Clock) -> Self {
        Self::with(config.nearpay.clone(), clock.clone())
    }

    fn with(setup: Setup, clock: Clock) -> Self {
        let mut fresh = Self { desk: Desk::new(SWITCHES), setup, clock, ..Self::default() };
        fresh.configure();
        fresh
    }

    fn configure(&mut self) {
        if let Some(url) = &self.setup.webhook_url {
            self.desk.switches.put("webhook_url", url);
        }
    }

    /// The references a transaction goes by: its own, and what it gives back.
    fn about(&self, call: Call, id: &str) -> Call {
        let Some(transaction) = self.transactions.get(id) else { return call };
        let parent = transaction.parent.as_ref().and_then(|id| self.transactions.get(id));
        let parent = parent.map(|parent| parent.reference.as_str()).unwrap_or_default();
        call.goes_by(&transaction.reference).goes_by(parent)
    }
}

impl Vendor for NearPay {
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

    /// Whatever stands before `terminals` and `transactions` in a path: no public document is sure of it.
    fn identify(&self, wire: &Wire) -> Option<Call> {
        let route = wire.route(1);
        let end: Vec<&str> = route.iter().rev().take(2).map(String::as_str).collect();
        let query = |name: &str| wire.query.filled(name).unwrap_or_default();
        match (&wire.method, end.as_slice()) {
            (&Method::GET, ["terminals", ..]) => {
                Some(Call::new("terminals", &[query("tid")]).goes_by(query("tid")))
            }
            (&Method::GET, ["transactions", ..]) => {
                let reference = query("customer_reference_number");
                Some(Call::new("transactions", &[reference]).goes_by(reference))
            }
            (&Method::GET, [id, "transactions"]) => {
                Some(self.about(Call::new("transaction", &[*id]), id))
            }
            (&Method::POST, ["jwt", "login"]) => Some(Call::new("login", &[])),
            _ => None,
        }
    }

    fn perform(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        if call.op == "login" {
            return self.sign_in(wire, moment);
        }
        if wire.header(self.desk.switches.get("key_header")) != Some(self.setup.key.as_str()) {
            return shown::refusal(401, "unauthorized", 401);
        }
        match call.op {
            "terminals" => self.terminals(call, moment),
            "transactions" => self.list(call, moment),
            _ => self.show(call, moment),
        }
    }

    fn terminal_call(&self, act: &str, wire: &Wire) -> Option<Call> {
        let body = wire.json()?;
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        match act {
            "purchase" => Some(Call::new("purchase", &[]).goes_by(text("reference"))),
            "reverse" => Some(self.about(Call::new("reverse", &[]), text("transaction"))),
            "refund" => {
                let call = Call::new("refund", &[]).goes_by(text("reference"));
                Some(self.about(call, text("transaction")))
            }
            _ => None,
        }
    }

    fn at_terminal(&mut self, call: &Call, wire: &Wire, moment: &Moment) -> Answer {
        match call.op {
            "purchase" => self.purchase(wire, moment),
            "reverse" => self.reverse(wire, moment),
            _ => self.refund(wire, moment),
        }
    }

    fn seal(&self, letter: &Letter) -> Option<Parcel> {
        self.parcel(letter)
    }

    fn sweep(&mut self, now: i64) -> bool {
        let mut changed = false;
        while let Some((_, id)) = self.reversing.first().cloned().filter(|(at, _)| *at <= now) {
            self.reversing.pop_first();
            self.reverse_now(&id, now);
            changed = true;
        }
        changed
    }

    fn reset(&mut self) {
        *self = Self::with(std::mem::take(&mut self.setup), self.clock.clone());
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
        restored.setup = std::mem::take(&mut self.setup);
        restored.clock = self.clock.clone();
        restored.configure();
        *self = restored;
        Ok(())
    }
}
