//! Orders: what was reserved, taken and given back under a reference, and what is not decided yet.

use super::PayFort;
use crate::clock::SECOND;
use crate::ledger::Entry;
use crate::vendor::Moment;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How long something stays undecided when nobody asks, in the vendor's time.
const UNDECIDED_MS: i64 = 30 * SECOND;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Order {
    pub reference: String,
    /// Eighteen digits.
    pub fort_id: String,
    pub access_code: String,
    /// `purchase` or `authorize`.
    pub op: String,
    pub amount: i64,
    pub currency: String,
    /// The last operation's.
    pub code: String,
    pub authorized: i64,
    pub captured: i64,
    pub refunded: i64,
    /// What the merchant has sent, to be said back.
    pub echo: Map<String, Value>,
    pub return_url: String,
    /// The holder's bank will say no.
    pub refused: bool,
    /// The refunds that have gone through.
    pub refunds: Vec<String>,
    pub visible_from: i64,
    pub challenged_until: Option<i64>,
    pub interim: Option<Interim>,
}

/// Not decided yet: so many looks or so much time, whichever is first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Interim {
    pub left: u32,
    pub until: i64,
    pub becomes: Deed,
}

/// Something done to an order's money, and how it ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Deed {
    /// `purchase`, `authorize`, `capture`, `void` or `refund`.
    pub op: String,
    pub code: String,
    pub amount: i64,
    /// A refund's own reference.
    pub maintenance: String,
}

/// The codes of a command's success, and the status of its failure.
pub(super) fn codes(op: &str) -> (&'static str, &'static str) {
    match op {
        "authorize" => ("02000", "03"),
        "capture" => ("04000", "05"),
        "void" => ("08000", "09"),
        "refund" => ("06000", "07"),
        _ => ("14000", "13"),
    }
}

impl Deed {
    pub(super) fn succeeds(&self) -> bool {
        self.code == codes(&self.op).0 || self.code == "40090"
    }

    fn failed(&self, message: &str) -> Self {
        Self { code: format!("{}{message}", codes(&self.op).1), ..self.clone() }
    }
}

impl PayFort {
    /// Does what was asked, as a fault shapes it; the code that the order shows then.
    pub(super) fn carry_out(&mut self, reference: &str, deed: Deed, moment: &Moment) -> String {
        let until = |wait: Option<i64>| moment.now.saturating_add(wait.unwrap_or(i64::MAX));
        let short = moment.clock.shortened(UNDECIDED_MS);
        let soon = moment.fault.as_ref().map_or(short, |fault| fault.delay_or(short));
        let (shown, left, wait, becomes) = match moment.fault_name() {
            "uncertain" => ("15777", 1, Some(soon), deed),
            "uncertain_then_reversed" => ("15777", 1, Some(soon), deed.failed("666")),
            "pending_forever" => ("19000", u32::MAX, None, deed),
            "decline" if deed.succeeds() => {
                return self.settle(reference, &deed.failed("666"), moment.now);
            }
            "review" if deed.code == "14000" => {
                let reviewed = Deed { code: "40090".to_owned(), ..deed };
                return self.settle(reference, &reviewed, moment.now);
            }
            _ => {
                let number = |stem| moment.fault.as_ref().and_then(|fault| fault.number(stem));
                if let Some(left) = number("pending") {
                    ("19000", left, Some(soon), deed)
                } else if let Some(left) = number("pending_then_decline") {
                    ("19000", left, Some(soon), deed.failed("666"))
                } else {
                    let message = moment.fault_code("fails").filter(|_| deed.succeeds());
                    let ends = message.map_or_else(|| deed.clone(), |code| deed.failed(code));
                    return self.settle(reference, &ends, moment.now);
                }
            }
        };
        let until = until(wait);
        let entry = self.entry(reference, &becomes, ("pending", moment.now));
        self.desk.ledger.write(entry.extra("code", shown));
        let asked = becomes.clone();
        if let Some(order) = self.orders.get_mut(reference) {
            shown.clone_into(&mut order.code);
            order.interim = Some(Interim { left, until, becomes });
        }
        self.undecided.insert((until, reference.to_owned()));
        self.notify(reference, &asked, moment.now);
        shown.to_owned()
    }

    /// The end of a deed: money moves, or does not, and the merchant is told.
    pub(super) fn settle(&mut self, reference: &str, deed: &Deed, now: i64) -> String {
        let kind = match deed.op.as_str() {
            _ if !deed.succeeds() => "decline",
            "authorize" => "authorize",
            "void" => "void",
            "refund" => "refund",
            _ => "capture",
        };
        if let Some(order) = self.orders.get_mut(reference) {
            order.code.clone_from(&deed.code);
            order.interim = None;
            match kind {
                "authorize" => order.authorized = deed.amount,
                "refund" => {
                    order.refunded += deed.amount;
                    order.refunds.push(deed.maintenance.clone());
                }
                "capture" if deed.op == "capture" => order.captured += deed.amount,
                "capture" => (order.authorized, order.captured) = (deed.amount, deed.amount),
                _ => {}
            }
        }
        if ["authorize", "capture"].contains(&kind) {
            self.keep_token(reference);
        }
        let entry = self.entry(reference, deed, (kind, now));
        self.desk.ledger.write(entry.extra("code", deed.code.as_str()));
        self.notify(reference, deed, now);
        deed.code.clone()
    }

    fn entry(&self, reference: &str, deed: &Deed, (kind, now): (&str, i64)) -> Entry {
        let order = self.orders.get(reference).cloned().unwrap_or_default();
        let own = if deed.maintenance.is_empty() { reference } else { &deed.maintenance };
        let entry = Entry::new(now, kind, own)
            .amount(deed.amount)
            .currency(&order.currency)
            .vendor_id(&order.fort_id)
            .extra("command", deed.op.as_str());
        if ["capture", "void", "refund"].contains(&deed.op.as_str()) {
            entry.parent(&order.fort_id).extra("order", reference)
        } else {
            entry
        }
    }

    /// One look at an order: an undecided one comes closer to its decision.
    pub(super) fn look_at(&mut self, reference: &str, now: i64) {
        let interim = self.orders.get_mut(reference).and_then(|order| order.interim.as_mut());
        let due = interim.is_some_and(|interim| {
            let due = interim.left == 0 || interim.until <= now;
            interim.left = interim.left.saturating_sub(1);
            due
        });
        if due {
            self.decide(reference, now);
        }
    }

    pub(super) fn decide(&mut self, reference: &str, now: i64) {
        let interim = self.orders.get_mut(reference).and_then(|order| order.interim.take());
        if let Some(interim) = interim {
            self.undecided.remove(&(interim.until, reference.to_owned()));
            self.settle(reference, &interim.becomes, now);
        }
    }

    pub(super) fn visible_from(&self, moment: &Moment) -> i64 {
        let lag = moment.clock.shortened(self.desk.switches.number("query_lag_ms"));
        let fault = moment.fault.as_ref().filter(|fault| fault.is("lookup_lag"));
        moment.now + fault.map_or(lag, |fault| fault.delay_or(5_000))
    }
}
