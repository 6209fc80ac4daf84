//! Amazon Payment Services' stand-in (`PayFort`): one address for every command, a page for cards, 3-D Secure, feedback.
//!
//! Written from the vendor's documents alone. Two channels, each with its access code and phrases: cards and Apple Pay.

mod catalogue;
mod charges;
mod feedback;
mod follow_ups;
mod orders;
mod page;
mod shown;
mod signature;
mod tokens;

use crate::Config;
use crate::catalogue::{Known, Operation};
use crate::clock::{Clock, MINUTE};
use crate::faults::Call;
use crate::outbox::{Letter, Parcel};
use crate::switches::Switch;
use crate::vendor::{Desk, Moment, Outcome, Snapshot, Vendor};
use crate::wire::{Answer, Wire};
use axum::http::Method;
use catalogue::{FAULTS, OPERATIONS, SWITCHES};
use orders::Order;
use page::Page;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signature::Fields;
use std::collections::{BTreeSet, HashMap};
use tokens::Token;

/// The merchant everybody is.
pub const MERCHANT: &str = "sandboxMerchant";
/// The channel for cards.
pub const ACCESS_CODE: &str = "sandboxCardsAccess01";
/// The channel for Apple Pay.
pub const APPLE_ACCESS_CODE: &str = "sandboxAppleAccess01";
/// What the phrases begin with when nothing is configured; it protects nothing but test data.
pub const DEFAULT_PHRASE: &str = "sandbox-phrase";

/// How long the vendor's pages can be used.
const PAGE_MS: i64 = 30 * MINUTE;

/// The phrases of both channels, by what they are for: `request`, `response`, `apple-request`, `apple-response`.
pub fn phrase(root: &str, purpose: &str) -> String {
    format!("{root}-{purpose}")
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PayFort {
    desk: Desk,
    /// By the merchant's reference.
    orders: HashMap<String, Order>,
    by_fort_id: HashMap<String, String>,
    tokens: HashMap<String, Token>,
    /// The references that tokens were updated under.
    #[serde(default)]
    updates: BTreeSet<String>,
    pages: HashMap<String, Page>,
    undecided: BTreeSet<(i64, String)>,
    closing: BTreeSet<(i64, String)>,
    #[serde(skip)]
    settings: Settings,
}

/// What came from the configuration.
#[derive(Clone, Debug, Default)]
struct Settings {
    channels: Vec<Channel>,
    webhook_url: Option<String>,
    clock: Clock,
}

#[derive(Clone, Debug, Default)]
struct Channel {
    access_code: &'static str,
    sha_type: String,
    request_phrase: String,
    response_phrase: String,
}

impl PayFort {
    pub(crate) fn new(config: &Config, clock: &Clock) -> Self {
        let channel = |access_code, asks: &str, answers: &str| Channel {
            access_code,
            sha_type: config.payfort_sha_type.clone(),
            request_phrase: phrase(&config.payfort_phrase, asks),
            response_phrase: phrase(&config.payfort_phrase, answers),
        };
        Self::with(Settings {
            channels: vec![
                channel(ACCESS_CODE, "request", "response"),
                channel(APPLE_ACCESS_CODE, "apple-request", "apple-response"),
            ],
            webhook_url: config.payfort_webhook_url.clone(),
            clock: clock.clone(),
        })
    }

    fn with(settings: Settings) -> Self {
        let mut fresh = Self { desk: Desk::new(SWITCHES), settings, ..Self::default() };
        fresh.configure();
        fresh
    }

    fn configure(&mut self) {
        self.desk.outbox.climbs(feedback::LADDER);
        if let Some(url) = &self.settings.webhook_url {
            self.desk.switches.put("webhook_url", url);
        }
    }

    fn channel(&self, access_code: &str) -> Option<&Channel> {
        self.settings.channels.iter().find(|channel| channel.access_code == access_code)
    }

    fn identify_command(&self, wire: &Wire) -> Call {
        let fields = Fields::json(&wire.body).unwrap_or_default();
        let [command, service, query] =
            ["command", "service_command", "query_command"].map(|name| fields.get(name));
        let op = match (command, service, query) {
            ("PURCHASE", "", "") => "purchase",
            ("AUTHORIZATION", "", "") => "authorize",
            ("CAPTURE", "", "") => "capture",
            ("VOID_AUTHORIZATION", "", "") => "void",
            ("REFUND", "", "") => "refund",
            ("", "UPDATE_TOKEN", "") => "update_token",
            ("", "", "CHECK_STATUS") => "status",
            _ => "other",
        };
        let mut call = Call::new(op, &[]);
        for field in ["merchant_reference", "maintenance_reference", "fort_id"] {
            call = call.goes_by(fields.get(field));
        }
        if op == "update_token"
            && let Some(token) = self.tokens.get(fields.get("token_name"))
        {
            call = call.goes_by(&token.reference);
        }
        call
    }

    fn by_fort_id(&self, op: &'static str, fort_id: &str) -> Call {
        let reference = self.by_fort_id.get(fort_id).map(String::as_str).unwrap_or_default();
        Call::new(op, &[reference]).goes_by(reference).goes_by(fort_id)
    }

    /// What the API answers, whatever the command.
    fn command(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let fields = match self.enter(wire) {
            Ok(fields) => fields,
            Err(refusal) => return refusal,
        };
        if moment.fault_is("throttled") {
            return Answer::html(429, "<html><body>Too many requests</body></html>");
        }
        if let Some(code) = moment.fault_code("code") {
            return self.refuse(&fields, code);
        }
        let host = wire.header("host").unwrap_or_default();
        let answer = match call.op {
            "purchase" | "authorize" => self.charge(&fields, (call.op, host), moment),
            "capture" | "void" | "refund" => self.follow_up(&fields, call.op, moment),
            "update_token" => self.update_token(&fields, moment),
            "status" => self.check_status(&fields, moment),
            _ => self.refuse(&fields, "00004"),
        };
        match moment.fault_code("commit") {
            Some(code) => self.refuse(&fields, code),
            None => answer,
        }
    }
}

impl Vendor for PayFort {
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
        let last = wire.path.last().map(String::as_str).unwrap_or_default();
        match (&wire.method, segments.as_slice()) {
            (&Method::POST, ["fortapi", "paymentapi"]) => Some(self.identify_command(wire)),
            (&Method::POST, ["fortapi", "paymentpage"]) => {
                let form = wire.form();
                let reference = form.filled("merchant_reference").unwrap_or_default();
                Some(Call::new("page", &[]).goes_by(reference))
            }
            (&Method::POST, ["card", _]) => Some(Call::new("page", &[last]).goes_by(last)),
            (&Method::GET, ["3ds", _]) => Some(self.by_fort_id("page", last)),
            (&Method::POST, ["3ds", _]) => Some(self.by_fort_id("pay", last)),
            _ => None,
        }
    }

    fn perform(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let segment = |at: usize| wire.path.get(at).map(|it| it.to_ascii_lowercase());
        match (segment(1).as_deref(), segment(2).as_deref(), &wire.method) {
            (Some("fortapi"), Some("paymentapi"), _) => self.command(wire, call, moment),
            (Some("fortapi"), _, _) => self.open_page(wire, moment),
            (Some("card"), _, _) => self.submit_card(wire, call.arg(0), moment),
            (Some("3ds"), _, &Method::GET) => self.show_challenge(call.arg(0), moment),
            _ => self.submit_challenge(wire, call.arg(0), moment),
        }
    }

    fn pay_call(&self, session: &str) -> Option<Call> {
        let known = self.orders.contains_key(session) || self.pages.contains_key(session);
        known.then(|| Call::new("pay", &[session]).goes_by(session))
    }

    fn pay(&mut self, session: &str, outcome: Outcome, moment: &Moment) -> Answer {
        self.shopper_does(session, outcome, moment)
    }

    fn seal(&self, letter: &Letter) -> Option<Parcel> {
        self.parcel(letter)
    }

    fn sweep(&mut self, now: i64) -> bool {
        let mut changed = false;
        while let Some((_, reference)) =
            self.undecided.first().cloned().filter(|(at, _)| *at <= now)
        {
            self.undecided.pop_first();
            self.decide(&reference, now);
            changed = true;
        }
        while let Some((_, reference)) = self.closing.first().cloned().filter(|(at, _)| *at <= now)
        {
            self.closing.pop_first();
            self.pages.remove(&reference);
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
