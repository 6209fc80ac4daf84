//! The checker: three books about every booking of a visit, Usher's tables and both vendors' ledgers, must agree.
//!
//! Some things may never be so, not for a moment; others may take their time, and are waited for.

use super::{PATIENCE, PAUSE, visit::Visit};
use serde_json::Value;
use sqlx::PgPool;
use std::{collections::BTreeSet, time::Instant};

/// Waits until all books agree; fails at once when something has happened that never may.
pub(crate) async fn assert_balanced(visit: &Visit, causes: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    let mut open = visit.bookings();
    assert!(!open.is_empty(), "a visit without a booking proves nothing");
    loop {
        let refunds = visit.hyperpay().refunds().await;
        let mut complaints = Vec::new();
        let mut still_open = Vec::new();
        for booking in open {
            let books = Books::open(visit, &booking, &refunds).await;
            let broken = books.never(causes);
            assert!(
                broken.is_empty(),
                "the books of {booking} are broken: {broken:#?}\n{books:#?}"
            );
            let waiting = books.not_yet();
            if !waiting.is_empty() {
                complaints.push(format!("{booking}: {waiting:#?}\n{books:#?}"));
                still_open.push(booking);
            }
        }
        if still_open.is_empty() {
            return;
        }
        open = still_open;
        assert!(Instant::now() < deadline, "the books never balanced:\n{}", complaints.join("\n"));
        tokio::time::sleep(PAUSE * 2).await;
    }
}

/// What is wrong with the books of a visit now, everything together.
pub(crate) async fn complaints(visit: &Visit) -> Vec<String> {
    let refunds = visit.hyperpay().refunds().await;
    let mut complaints = Vec::new();
    for booking in visit.bookings() {
        let books = Books::open(visit, &booking, &refunds).await;
        complaints.extend(books.never(&[]));
        complaints.extend(books.not_yet());
    }
    complaints
}

/// What everybody has written down about one booking.
#[derive(Debug)]
struct Books {
    booking: Value,
    seats: Vec<Value>,
    payments: Vec<Value>,
    captures: Vec<Value>,
    refunds: Vec<Value>,
    events: Vec<Value>,
    tickets: Vec<Value>,
    cases: Vec<Value>,
    calls: Vec<Value>,
    edges: BTreeSet<(String, String)>,
    taken: Vec<Value>,
    given_back: Vec<Value>,
    vista: Vec<Value>,
    order: Vec<Value>,
}

impl Books {
    async fn open(visit: &Visit, booking: &str, all_refunds: &[Value]) -> Self {
        let db = &visit.db;
        let of = |table: &'static str| rows(db, table, booking);
        let bookings = of("bookings").await;
        let row = bookings.into_iter().next().unwrap_or_default();
        let payments = of("payments").await;
        let mut taken = Vec::new();
        for payment in &payments {
            let entries = visit.hyperpay().about(text(payment, "payment_id")).await;
            taken.extend(entries.into_iter().filter(|entry| entry["kind"] == "capture"));
        }
        let ours = |refund: &&Value| taken.iter().any(|took| took["vendor_id"] == refund["parent"]);
        let given_back = all_refunds.iter().filter(ours).cloned().collect();
        let order = match row["vista_order"].as_str() {
            Some(order) => visit.vista().about_order(order).await,
            None => Vec::new(),
        };
        Self {
            seats: of("seats").await,
            captures: of("captures").await,
            refunds: of("refunds").await,
            events: of("booking_events").await,
            tickets: of("tickets").await,
            cases: of("cases").await,
            calls: of("vendor_calls").await,
            edges: edges(db).await,
            vista: visit.vista().about(booking).await,
            booking: row,
            payments,
            taken,
            given_back,
            order,
        }
    }

    /// What may not be so, not even for a moment.
    fn never(&self, causes: &[&str]) -> Vec<String> {
        let mut broken = self.off_the_graph();
        for took in &self.taken {
            let back = sum(self.given_back.iter().filter(|b| b["parent"] == took["vendor_id"]));
            broken.extend((back > minor(took)).then(|| format!("M1: {back} went back of {took}")));
        }
        for payment in &self.payments {
            let mut captures =
                self.taken.iter().filter(|t| t["reference"] == payment["payment_id"]);
            broken.extend(captures.nth(1).map(|more| format!("EFF: captured twice: {more}")));
        }
        let mut references = BTreeSet::new();
        for back in &self.given_back {
            let new = references.insert(text(back, "reference"));
            broken.extend((!new).then(|| format!("EFF: refunded twice: {back}")));
        }
        let booked = self.vista.iter().filter(|entry| entry["kind"] == "booking").count();
        broken.extend((booked > 1).then(|| format!("S1: Vista has {booked} bookings")));
        for capture in &self.captures {
            let same = |took: &&Value| {
                took["vendor_id"] == capture["vendor_transaction"] && minor(took) == minor(capture)
            };
            let known = self.taken.iter().any(|took| same(&took));
            broken
                .extend((!known).then(|| format!("M1: the vendor has no such capture: {capture}")));
        }
        let kept = self.captures.iter().filter(|capture| capture["verdict"] == "WON").count();
        broken.extend((kept > 1).then(|| format!("M2: {kept} captures are kept")));
        let unexpected = |case: &&Value| !causes.iter().any(|cause| case["cause"] == *cause);
        broken.extend(self.cases.iter().filter(unexpected).map(|case| format!("a case: {case}")));
        broken
    }

    /// ORD: the status is where its events lead, along published edges, one version after the other.
    fn off_the_graph(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut at = "REQUESTED";
        for (version, event) in (1..).zip(&self.events) {
            if event["version"] != version {
                broken.push(format!("ORD: {event} should be number {version}"));
            }
            let to = match text(event, "kind") {
                "held" => "PENDING",
                "rejected" => "REJECTED",
                "paid" | "nothing_to_pay" => "CONFIRMING",
                "confirmed" => "CONFIRMED",
                "cancelled" | "unwound" => "CANCELLED",
                "expired" => "EXPIRED",
                _ => continue,
            };
            if !self.edges.contains(&(at.to_owned(), to.to_owned())) {
                broken.push(format!("ORD: from {at} to {to} by {event}"));
            }
            at = to;
        }
        let (status, last) = (text(&self.booking, "status"), self.events.len());
        // The rows were read one after the other: the booking may have moved on between.
        if self.booking["version"] == last && status != at {
            broken.push(format!("ORD: the events lead to {at}, the status is {status}"));
        }
        broken
    }

    /// What is not so yet, and has to be in the end.
    fn not_yet(&self) -> Vec<String> {
        let mut waiting = Vec::new();
        let mut wants = |so: bool, what: &str| waiting.extend((!so).then(|| what.to_owned()));
        let count = |entries: &[Value], kind: &str| {
            entries.iter().filter(|entry| entry["kind"] == kind).count()
        };
        let net = sum(&self.taken) - sum(&self.given_back);
        let live = count(&self.vista, "booking").saturating_sub(count(&self.vista, "refund"));
        let done = |rows: &[Value], status: &str| rows.iter().all(|row| row["status"] == status);
        let held = self.seats.iter().filter(|seat| seat["released_at"].is_null()).count();

        wants(self.taken.len() == self.captures.len(), "M3: every capture is written down");
        wants(done(&self.refunds, "REFUNDED"), "LIV: every refund has reached its end");
        wants(sum(&self.refunds) == sum(&self.given_back), "M1: refunds are as written down");
        let ended = |call: &&Value| call["outcome"].is_null();
        wants(!self.calls.iter().any(|call| ended(&call)), "LIV: every vendor call has an outcome");
        match text(&self.booking, "status") {
            "CONFIRMED" => {
                wants(net == self.booking["total_minor"].as_i64().unwrap_or(-1), "M2: paid once");
                wants(live == 1, "M3: Vista has its booking");
                wants(self.sold() == self.asked(), "S1: Vista has sold exactly its seats");
                wants(held == self.seats.len(), "S1: its seats are held");
                wants(self.tickets.len() == 1 && done(&self.tickets, "ISSUED"), "M3: its ticket");
            }
            "REJECTED" | "CANCELLED" | "EXPIRED" => {
                wants(net == 0, "M3: no money is kept");
                wants(live == 0, "S1: Vista has no booking");
                wants(held == 0, "S2: its seats are free here");
                wants(!self.holds_at_vista(), "S2: its seats are free at Vista");
                wants(self.tickets.is_empty(), "M3: there is no ticket");
            }
            status => wants(false, &format!("LIV: an end; it is {status}")),
        }
        waiting
    }

    fn holds_at_vista(&self) -> bool {
        let kinds = ["hold", "release", "booking", "refund", "cancel"];
        let matters = |entry: &&Value| kinds.contains(&text(entry, "kind"));
        let last = self.order.iter().rfind(matters);
        last.is_some_and(|entry| ["hold", "booking"].contains(&text(entry, "kind")))
    }

    fn sold(&self) -> BTreeSet<&str> {
        let booked = self.vista.iter().filter(|entry| entry["kind"] == "booking");
        let seats = booked.filter_map(|entry| entry["seats"].as_array()).flatten();
        seats.filter_map(Value::as_str).collect()
    }

    fn asked(&self) -> BTreeSet<&str> {
        self.seats.iter().map(|seat| text(seat, "seat")).collect()
    }
}

fn sum<'a>(entries: impl IntoIterator<Item = &'a Value>) -> i64 {
    entries.into_iter().map(minor).sum()
}

fn minor(entry: &Value) -> i64 {
    entry["amount_minor"].as_i64().unwrap_or_default()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// The rows of a booking as JSON, oldest first where they have an order.
pub(crate) async fn rows(db: &PgPool, table: &'static str, booking: &str) -> Vec<Value> {
    let query = match table {
        "bookings" => "SELECT to_jsonb(r) FROM bookings r WHERE booking_id = $1",
        "seats" => "SELECT to_jsonb(r) FROM seats r WHERE booking_id = $1",
        "payments" => "SELECT to_jsonb(r) FROM payments r WHERE booking_id = $1",
        "captures" => "SELECT to_jsonb(r) FROM captures r WHERE booking_id = $1",
        "refunds" => "SELECT to_jsonb(r) FROM refunds r WHERE booking_id = $1",
        "tickets" => "SELECT to_jsonb(r) - 'qr_svg' FROM tickets r WHERE booking_id = $1",
        "cases" => "SELECT to_jsonb(r) FROM cases r WHERE booking_id = $1",
        "vendor_calls" => {
            "SELECT to_jsonb(r) FROM vendor_calls r WHERE booking_id = $1 ORDER BY created_at"
        }
        _ => "SELECT to_jsonb(r) FROM booking_events r WHERE booking_id = $1 ORDER BY version",
    };
    sqlx::query_scalar(query).bind(booking).fetch_all(db).await.unwrap()
}

async fn edges(db: &PgPool) -> BTreeSet<(String, String)> {
    let query = "SELECT from_state, to_state FROM state_edges WHERE thing = 'booking'";
    sqlx::query_as(query).fetch_all(db).await.unwrap().into_iter().collect()
}
