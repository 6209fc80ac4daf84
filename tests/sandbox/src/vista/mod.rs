//! The cinema system's stand-in: seats, orders with a timer, bookings and their undoing.

mod bookings;
mod catalogue;
mod codes;
mod look_ups;
mod misbehaving;
mod odata;
mod odata_faults;
mod orders;
mod programme;
mod seats;
mod ticketing;

use crate::Config;
use crate::catalogue::{Known, Operation};
use crate::clock::{self, HOUR, MINUTE, SECOND};
use crate::faults::Call;
use crate::switches::Switch;
use crate::vendor::{Desk, Moment, Snapshot, Vendor};
use crate::wire::{Answer, Wire};
use axum::http::Method;
use bookings::Booking;
use catalogue::{FAULTS, OPERATIONS, SWITCHES};
use orders::{Order, State};
use programme::Session;
use seats::House;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// One token per platform.
pub const DEFAULT_TOKENS: [&str; 5] =
    ["vista-ios", "vista-android", "vista-website", "vista-huawei", "vista-kiosk"];

const TIMER_MS: i64 = 10 * MINUTE;
/// How long an order that has ended is remembered.
const PURGE_MS: i64 = HOUR;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Vista {
    desk: Desk,
    orders: HashMap<String, Order>,
    /// When each order's timer may have run out.
    deadlines: BTreeSet<(i64, String)>,
    houses: HashMap<String, House>,
    bookings: HashMap<String, Booking>,
    by_number: HashMap<String, String>,
    by_usid: HashMap<String, String>,
    by_contact: HashMap<String, Vec<String>>,
    last_number: HashMap<String, u64>,
    /// Orders as they were when a payment began that nothing protects any more.
    #[serde(skip)]
    under_way: HashMap<String, Vec<Order>>,
    #[serde(skip)]
    tokens: Vec<String>,
    #[serde(skip)]
    opened_at: i64,
}

impl Vista {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            desk: Desk::new(SWITCHES),
            tokens: config.vista_tokens.clone(),
            opened_at: clock::now_ms(),
            ..Self::default()
        }
    }

    fn session(&self, cinema: &str, session: &str) -> Option<Session> {
        programme::session(self.opened_at, cinema, session)
    }

    /// The order while it lives; an order whose time is over is expired by looking at it.
    fn live_order(&mut self, usid: &str, now: i64) -> Option<Order> {
        self.expire(usid, now, false);
        self.orders.get(usid).filter(|order| order.is_live()).cloned()
    }

    /// True when the order was let expire now.
    fn expire(&mut self, usid: &str, now: i64, early: bool) -> bool {
        let Some(order) = self.orders.get(usid) else { return false };
        let timed = matches!(order.state, State::Open | State::Held);
        if !timed || (order.expires_at > now && !early) {
            return false;
        }
        let order = order.clone();
        let freed = self.let_go(&order);
        if freed {
            self.desk.ledger.write(order.entry(now, "release"));
        }
        self.desk.ledger.write(order.entry(now, "expire"));
        self.end(usid, State::Expired, now);
        true
    }

    /// Frees the seats of an order. True when it had any.
    fn let_go(&mut self, order: &Order) -> bool {
        let Some(session) = order.session.as_deref() else { return false };
        if let Some(house) = self.houses.get_mut(&session_key(&order.cinema, session)) {
            house.release(&order.usid, &order.seats());
        }
        !order.tickets.is_empty()
    }

    fn end(&mut self, usid: &str, state: State, now: i64) {
        if let Some(order) = self.orders.get_mut(usid) {
            order.state = state;
            order.changed_at = now;
            self.deadlines.insert((now + PURGE_MS, usid.to_owned()));
        }
    }

    fn refuse_caller(&self, wire: &Wire, call: &Call) -> Option<Answer> {
        let switches = &self.desk.switches;
        if switches.on("title_case_403") && wire.line.title_cased() {
            return Some(Answer::text(403, "Forbidden"));
        }
        let token = wire.header("connectapitoken").unwrap_or_default();
        let code = if token.is_empty() {
            codes::NO_TOKEN
        } else if !self.tokens.iter().any(|known| known == token) {
            codes::BAD_TOKEN
        } else if call.op == "refund_booking" && !switches.on("refund_permission") {
            codes::FORBIDDEN
        } else {
            return None;
        };
        Some(codes::refuse_token(switches, code))
    }

    /// An instant as the server's clock shows it.
    fn shown(&self, at: i64) -> i64 {
        at + self.desk.switches.number("clock_skew_s") * SECOND
    }

    fn refer(&self, call: Call, usid: &str) -> Call {
        let mut call = call.goes_by(usid);
        if let Some(order) = self.orders.get(usid) {
            call = call.goes_by(order.session.as_deref().unwrap_or_default());
            call = order.notes.iter().fold(call, |call, note| call.notes(note));
        } else if let Some(booking) = self.by_usid.get(usid).and_then(|id| self.bookings.get(id)) {
            call = call.goes_by(&booking.session).notes(&booking.note);
        }
        call
    }
}

impl Vendor for Vista {
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
        let mut route = wire.route(1);
        let mut raw: Vec<&str> = wire.path.iter().skip(1).map(String::as_str).collect();
        for prefix in ["wsvistawebclient", "restdata.svc"] {
            if route.first().is_some_and(|segment| segment == prefix) {
                route.remove(0);
                raw.remove(0);
            }
        }
        let segments: Vec<&str> = route.iter().map(String::as_str).collect();
        let at = |index: usize| raw.get(index).copied().unwrap_or_default();
        match (&wire.method, segments.as_slice()) {
            (&Method::POST, ["orders"]) => Some(Call::new("create_order", &[])),
            (&Method::GET, ["orders", _]) => {
                Some(self.refer(Call::new("get_order", &[at(1), "v2"]), at(1)))
            }
            (&Method::POST, ["orders", _, "sessions", _, "set-tickets"]) => {
                let call = Call::new("set_tickets", &[at(1), "v2", at(3)]).goes_by(at(3));
                Some(self.refer(call, at(1)))
            }
            (&Method::GET, ["cinemas", _, "sessions", _, what]) => {
                let op = match *what {
                    "seat-plan" => "seat_plan",
                    "tickets" => "ticket_types",
                    _ => return None,
                };
                Some(Call::new(op, &[at(1), at(3)]).goes_by(at(3)))
            }
            (&Method::GET, ["odata.svc", set]) => Some(Call::new("odata", &[set])),
            (&Method::POST, ["restticketing.svc", rest @ ..]) => self.identify_order(wire, rest),
            (&Method::POST, ["restbooking.svc", rest @ ..]) => self.identify_booking(wire, rest),
            _ => None,
        }
    }

    fn perform(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        if let Some(refusal) = self.refuse_caller(wire, call) {
            return refusal;
        }
        if let Some(refusal) = self.refuse_by_fault(call, moment) {
            return refusal;
        }
        if moment.fault_is("price_changed") && call.op != "set_tickets" {
            self.reprice(call.arg(0));
        }
        let answer = match (call.op, call.arg(1)) {
            ("create_order", _) => self.create_order(wire, call, moment),
            ("get_order", "v2") => self.get_order_v2(call, moment),
            ("get_order", _) => self.get_order_v1(call, moment),
            ("set_tickets", _) => self.set_tickets(wire, call, moment),
            ("continue_order", _) => self.continue_order(call, moment),
            ("cancel_order", _) => self.cancel_order(call, moment),
            ("pay_order", _) => self.pay_order(wire, call, moment),
            ("booking_status", _) => self.booking_status(call, moment),
            ("get_booking", _) => self.get_booking(wire, call, moment),
            ("search_booking", _) => self.search_booking(wire, call, moment),
            ("cancel_booking", _) => self.cancel_booking(wire, call, moment),
            ("refund_booking", _) => self.refund_booking(wire, call, moment),
            ("seat_plan", _) => self.seat_plan(call),
            ("ticket_types", _) => self.ticket_types(call),
            _ => self.odata(wire, call),
        };
        let answer = self.told_oddly(answer, call, moment);
        match self.shown(moment.now) {
            now if now == moment.now => answer,
            now => answer.with("date", clock::http_date(now)),
        }
    }

    fn begin(&mut self, call: &Call) {
        let usid = call.arg(0);
        let order = self.live_order(usid, clock::now_ms());
        let Some(order) = order.filter(|order| order.state == State::Held) else { return };
        if call.op != "pay_order" {
            return;
        }
        if self.desk.switches.get("while_completing") == "unlocked" {
            self.under_way.entry(usid.to_owned()).or_default().push(order);
        } else if let Some(order) = self.orders.get_mut(usid) {
            order.state = State::Completing;
        }
    }

    fn sweep(&mut self, now: i64) -> bool {
        let mut changed = false;
        while let Some((at, usid)) = self.deadlines.first().cloned()
            && at <= now
        {
            self.deadlines.remove(&(at, usid.clone()));
            changed |= self.expire(&usid, now, false);
            let ended = |order: &Order| !order.is_live() && order.changed_at + PURGE_MS <= now;
            if self.orders.get(&usid).is_some_and(ended) {
                self.orders.remove(&usid);
            }
        }
        changed
    }

    fn reset(&mut self) {
        let (tokens, opened_at) = (std::mem::take(&mut self.tokens), clock::now_ms());
        *self = Self { desk: Desk::new(SWITCHES), tokens, opened_at, ..Self::default() };
    }

    fn snapshot(&self) -> Snapshot {
        let copy = self.clone();
        Box::new(move || serde_json::to_string(&copy))
    }

    fn restore(&mut self, saved: Value) -> serde_json::Result<()> {
        let fresh = Desk::new(SWITCHES).switches;
        let mut restored: Self = serde_json::from_value(saved)?;
        let kept = std::mem::replace(&mut restored.desk.switches, fresh);
        restored.desk.switches.restore(&kept);
        restored.tokens = std::mem::take(&mut self.tokens);
        restored.opened_at = self.opened_at;
        *self = restored;
        // A completion that was under way when the sandbox stopped never comes.
        for order in self.orders.values_mut().filter(|order| order.state == State::Completing) {
            order.state = State::Held;
            self.deadlines.insert((order.expires_at, order.usid.clone()));
        }
        Ok(())
    }
}

fn session_key(cinema: &str, session: &str) -> String {
    format!("{cinema}-{session}")
}

/// 32 lower-case hex digits.
fn new_usid() -> String {
    data_encoding::HEXLOWER.encode(&rand::random::<[u8; 16]>())
}
