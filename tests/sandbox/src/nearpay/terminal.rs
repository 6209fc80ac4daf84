//! The terminals: a card is tapped, a purchase reversed within a minute, money refunded at the counter.

use super::NearPay;
use super::shown::refusal;
use crate::clock::{self, MINUTE, SECOND};
use crate::ledger::Entry;
use crate::vendor::{Moment, Outcome};
use crate::wire::{Answer, Wire};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const PURCHASE: &str = "00";
const REFUND: &str = "20";
/// How much later a reversal arrives that nobody waited for.
const LATE_MS: i64 = 30 * SECOND;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Transaction {
    pub id: String,
    pub row: String,
    pub rrn: String,
    pub reference: String,
    pub terminal: String,
    pub amount: i64,
    /// `00` or `20`.
    pub kind: String,
    pub approved: bool,
    pub action_code: String,
    pub reversed: bool,
    pub refunded: i64,
    pub parent: Option<String>,
    pub created_at: i64,
    /// How many looks it is not shown at yet.
    pub hidden: u32,
}

#[derive(Deserialize)]
struct Tap {
    terminal: String,
    reference: String,
    amount_minor: i64,
    outcome: Outcome,
}

#[derive(Deserialize)]
struct Reversal {
    transaction: String,
}

#[derive(Deserialize)]
struct GivenBack {
    transaction: String,
    reference: String,
    amount_minor: i64,
}

fn read<T: for<'a> Deserialize<'a>>(wire: &Wire) -> Result<T, Answer> {
    let said = |error: serde_json::Error| Answer::json(400, &json!({"error": error.to_string()}));
    serde_json::from_slice(&wire.body).map_err(said)
}

impl NearPay {
    /// What the SDK tells the kiosk's app: its own status and the receipts.
    pub(super) fn purchase(&mut self, wire: &Wire, moment: &Moment) -> Answer {
        let tap: Tap = match read(wire) {
            Ok(tap) => tap,
            Err(refusal) => return refusal,
        };
        if !self.setup.terminals.contains(&tap.terminal) {
            return refusal(404, "terminal_not_found", 4004);
        }
        if tap.outcome == Outcome::Abandon {
            // Nobody has tapped.
            return Answer::json(200, &json!({"status": 402, "receipts": []}));
        }
        let fault = moment.fault_name();
        let mut paid = self.begun(&tap.reference, &tap.terminal, tap.amount_minor, moment.now);
        if tap.outcome == Outcome::Decline || fault == "decline" {
            (paid.approved, paid.action_code) = (false, "116".to_owned());
        }
        if fault == "amount_mismatch" {
            paid.amount += 100;
        }
        if fault == "terminal_mismatch" {
            "0211920800119999".clone_into(&mut paid.terminal);
        }
        let hidden = moment.fault.as_ref().and_then(|fault| fault.number("shown_after"));
        paid.hidden = hidden.unwrap_or_default();
        let id = self.keep(paid.clone(), moment.now);
        match fault {
            "double_tap" => {
                let again = self.begun(&tap.reference, &tap.terminal, tap.amount_minor, moment.now);
                self.keep(again, moment.now);
            }
            "reversed_by_itself" => self.reverse_now(&id, moment.now),
            "refunded_by_itself" => {
                self.give_back(&id, &format!("{}-counter", tap.reference), paid.amount, moment.now);
            }
            _ => {}
        }
        let status = if paid.approved { 200 } else { 405 };
        self.told(status, &id, fault)
    }

    /// Only an approved purchase, and only within a minute of it: people are no faster than the clocks are.
    pub(super) fn reverse(&mut self, wire: &Wire, moment: &Moment) -> Answer {
        let wanted: Reversal = match read(wire) {
            Ok(wanted) => wanted,
            Err(refusal) => return refusal,
        };
        let Some(paid) = self.transactions.get(&wanted.transaction) else {
            return refusal(404, "transaction_not_found", 4040);
        };
        let id = paid.id.clone();
        let last = paid.created_at + MINUTE;
        let sound = paid.approved && paid.kind == PURCHASE && paid.refunded == 0;
        if !sound || moment.now > last || moment.fault_is("too_late") {
            return refusal(400, "irreversible_transaction", 5004);
        }
        match moment.fault_name() {
            "not_reversed" => return nothing_heard(),
            "late_reversal" => {
                let late = moment.clock.shortened(LATE_MS);
                let wait = moment.fault.as_ref().map_or(late, |fault| fault.delay_or(late));
                self.reversing.insert((moment.now + wait, id));
                return nothing_heard();
            }
            _ => self.reverse_now(&id, moment.now),
        }
        self.told(200, &id, moment.fault_name())
    }

    pub(super) fn reverse_now(&mut self, id: &str, now: i64) {
        let Some(paid) = self.transactions.get_mut(id).filter(|paid| !paid.reversed) else {
            return;
        };
        paid.reversed = true;
        let entry = paid.entry(now, "reversal").parent(id);
        self.desk.ledger.write(entry);
        self.notify(id, "reversed", now);
    }

    pub(super) fn refund(&mut self, wire: &Wire, moment: &Moment) -> Answer {
        let wanted: GivenBack = match read(wire) {
            Ok(wanted) => wanted,
            Err(refusal) => return refusal,
        };
        let Some(paid) = self.transactions.get(&wanted.transaction) else {
            return refusal(404, "transaction_not_found", 4040);
        };
        let left = paid.amount - paid.refunded;
        let sound = paid.approved && paid.kind == PURCHASE && !paid.reversed;
        if !sound || wanted.amount_minor <= 0 || wanted.amount_minor > left {
            return refusal(400, "refund_amount_exceeds", 5010);
        }
        let GivenBack { transaction, reference, amount_minor } = wanted;
        match self.give_back(&transaction, &reference, amount_minor, moment.now) {
            Some(id) => self.told(200, &id, moment.fault_name()),
            None => refusal(404, "transaction_not_found", 4040),
        }
    }

    fn give_back(&mut self, of: &str, reference: &str, amount: i64, now: i64) -> Option<String> {
        let paid = self.transactions.get_mut(of)?;
        paid.refunded += amount;
        let terminal = paid.terminal.clone();
        let mut refund = self.begun(reference, &terminal, amount, now);
        REFUND.clone_into(&mut refund.kind);
        refund.parent = Some(of.to_owned());
        Some(self.keep(refund, now))
    }

    fn begun(&self, reference: &str, terminal: &str, amount: i64, now: i64) -> Transaction {
        Transaction {
            id: uuid(),
            row: uuid(),
            rrn: format!("4321{:08}", self.transactions.len()),
            reference: reference.to_owned(),
            terminal: terminal.to_owned(),
            amount,
            kind: PURCHASE.to_owned(),
            approved: true,
            action_code: "000".to_owned(),
            reversed: false,
            refunded: 0,
            parent: None,
            created_at: now,
            hidden: 0,
        }
    }

    fn keep(&mut self, transaction: Transaction, now: i64) -> String {
        let id = transaction.id.clone();
        let kind = match (transaction.approved, transaction.kind.as_str()) {
            (false, _) => "decline",
            (true, PURCHASE) => "capture",
            (true, _) => "refund",
        };
        let entry = transaction.entry(now, kind);
        self.desk.ledger.write(match &transaction.parent {
            Some(parent) => entry.parent(parent),
            None => entry,
        });
        self.by_reference.entry(transaction.reference.clone()).or_default().push(id.clone());
        let event = if transaction.approved { "approved" } else { "rejected" };
        self.transactions.insert(id.clone(), transaction);
        self.notify(&id, event, now);
        id
    }

    fn told(&self, status: u16, id: &str, fault: &str) -> Answer {
        if fault == "lost_answer" {
            return nothing_heard();
        }
        let receipts: Vec<Value> = self.receipts(id);
        Answer::json(200, &json!({"status": status, "receipts": receipts}))
    }
}

impl Transaction {
    fn entry(&self, now: i64, kind: &str) -> Entry {
        Entry::new(now, kind, &self.reference)
            .vendor_id(&self.id)
            .amount(self.amount)
            .extra("terminal", self.terminal.clone())
            .extra("rrn", self.rrn.clone())
            .extra("at", clock::rfc3339(self.created_at))
    }
}

/// The app has died, or the line has: it knows nothing of what the terminal has done.
fn nothing_heard() -> Answer {
    Answer::json(200, &json!({"status": null, "receipts": null}))
}

/// As the terminals name transactions: version 4, in small letters.
fn uuid() -> String {
    let mut bytes = rand::random::<[u8; 16]>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}
