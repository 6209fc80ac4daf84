//! What the server shows: terminals, transactions with what was printed of them, and refusals in two languages.

use super::NearPay;
use super::terminal::Transaction;
use crate::clock;
use crate::faults::Call;
use crate::money::decimal;
use crate::vendor::Moment;
use crate::wire::Answer;
use serde_json::{Value, json};

const STRANGER: &str = "someone-elses-reference";

/// A refusal as the vendor writes it.
pub(super) fn refusal(status: u16, code_text: &str, code: u32) -> Answer {
    let body = json!({"code_text": code_text, "code": code,
        "error": {"arabic": "تعذر تنفيذ العملية", "english": "The operation could not be done"},
        "solution": {"arabic": "حاول مرة أخرى", "english": "Try again"}, "level": "MEDIUM",
        "source": {"arabic": "الخادم", "english": "server", "color": "#ff0000"},
        "message": code_text});
    Answer::json(status, &body)
}

impl NearPay {
    /// `GET terminals?tid=`
    pub(super) fn terminals(&self, call: &Call, moment: &Moment) -> Answer {
        match moment.fault_name() {
            "disconnected" => return refusal(405, "terminal_disconnected", 4050),
            "reconciling" => return refusal(406, "terminal_reconciling", 4060),
            "updating" => return refusal(410, "terminal_updating", 4100),
            _ => {}
        }
        let known = self.setup.terminals.iter().filter(|tid| {
            !moment.fault_is("unknown_terminal") && (call.arg(0).is_empty() || *tid == call.arg(0))
        });
        let rows: Vec<Value> = known
            .map(|tid| {
                let mut row = json!({"id": format!("terminal-{tid}"), "tid": tid, "name": "Kiosk",
                    "merchant": {"id": "m1", "name": "Cinema", "name_ar": "سينما"}, "user": null,
                    "device": null});
                if self.desk.switches.get("connected") == "shown" {
                    row["is_connected"] = json!(!moment.fault_is("not_connected"));
                } else if moment.fault_is("not_connected") {
                    row["is_connected"] = json!(false);
                }
                row
            })
            .collect();
        if rows.is_empty() && self.desk.switches.get("unknown_terminal") == "404" {
            return refusal(404, "terminal_not_found", 4004);
        }
        Answer::json(200, &json!({"terminals": rows, "pages": {"current": 1, "total": 1}}))
    }

    /// `GET transactions?customer_reference_number=`
    pub(super) fn list(&mut self, call: &Call, moment: &Moment) -> Answer {
        let ids = self.by_reference.get(call.arg(0)).cloned().unwrap_or_default();
        let seen: Vec<String> = ids.into_iter().filter(|id| self.is_seen(id, moment)).collect();
        let mut rows: Vec<Value> = seen.iter().filter_map(|id| self.row(id, moment)).collect();
        if moment.fault_is("not_narrowed") {
            rows.push(
                json!({"id": "other", "customer_reference_number": STRANGER, "receipts": []}),
            );
        }
        let total = if moment.fault_is("second_page") { 2 } else { 1 };
        Answer::json(200, &json!({"transactions": rows, "pages": {"current": 1, "total": total}}))
    }

    /// `GET transactions/{id}`
    pub(super) fn show(&mut self, call: &Call, moment: &Moment) -> Answer {
        if !self.is_seen(call.arg(0), moment) {
            return refusal(404, "transaction_not_found", 4040);
        }
        match self.row(call.arg(0), moment) {
            Some(row) => Answer::json(200, &json!({"transaction": row})),
            None => refusal(404, "transaction_not_found", 4040),
        }
    }

    /// One look. What is hidden comes closer to being shown.
    fn is_seen(&mut self, id: &str, moment: &Moment) -> bool {
        let Some(transaction) = self.transactions.get_mut(id) else { return false };
        let hidden = transaction.hidden > 0;
        transaction.hidden = transaction.hidden.saturating_sub(1);
        !hidden && !moment.fault_is("lookup_lag")
    }

    fn row(&self, id: &str, moment: &Moment) -> Option<Value> {
        let transaction = self.transactions.get(id)?;
        let mut receipts = self.receipts(id);
        for receipt in &mut receipts {
            distort(receipt, moment.fault_name());
        }
        if moment.fault_is("no_receipt") {
            receipts.clear();
        }
        let mut row = json!({"id": transaction.row, "is_reconcilied": false, "user": null,
            "created_at": clock::rfc3339(transaction.created_at), "device": null,
            "terminal": {"tid": transaction.terminal}, "merchant": {"id": "m1", "name": "Cinema"}});
        if self.desk.switches.get("reference_on") == "transaction" {
            let strange = moment.fault_is("reference_mismatch");
            let shown = if strange { STRANGER } else { &transaction.reference };
            row["customer_reference_number"] = json!(shown);
        }
        row[self.desk.switches.get("receipts")] = json!(receipts);
        Some(row)
    }

    /// What the terminal has printed of a transaction, of its reversal, and of its refunds.
    pub(super) fn receipts(&self, id: &str) -> Vec<Value> {
        let Some(transaction) = self.transactions.get(id) else { return Vec::new() };
        let first = self.receipt(transaction);
        let mut receipts = vec![first.clone()];
        if transaction.reversed && self.desk.switches.get("reversal_shown") == "flag" {
            receipts[0]["is_reversed"] = json!(true);
        } else if transaction.reversed {
            let mut second = first;
            second["is_reversed"] = json!(true);
            second["transaction_type"] =
                json!({"name": {"arabic": "عكس", "english": "PURCHASE REVERSAL"}, "id": "00"});
            receipts.push(second);
        }
        if transaction.refunded > 0 && self.desk.switches.get("refund_shown") == "second_receipt" {
            let of_this = |it: &&Transaction| it.parent.as_deref() == Some(id);
            receipts.extend(
                self.transactions.values().filter(of_this).map(|refund| self.receipt(refund)),
            );
        }
        receipts
    }

    fn receipt(&self, it: &Transaction) -> Value {
        let kind = if it.kind == "20" { "REFUND" } else { "PURCHASE" };
        let said = if it.approved { "APPROVED" } else { "DECLINED" };
        let mut receipt = json!({"id": it.row, "standard": "SPDH", "tid": it.terminal,
            "merchant": {"id": "m1", "name": {"arabic": "سينما", "english": "Cinema"},
                "address": {"arabic": "الرياض", "english": "Riyadh"}, "category_code": "7832"},
            "transaction_type": {"name": {"arabic": "شراء", "english": kind}, "id": it.kind},
            "amount_authorized": {"label": {"arabic": "المبلغ", "english": "AMOUNT"},
                "value": decimal(it.amount)},
            "currency": {"arabic": "ر.س", "english": "SAR"}, "is_approved": it.approved,
            "is_refunded": it.refunded > 0, "is_reversed": false, "action_code": it.action_code,
            "transaction_uuid": it.id});
        let local = clock::riyadh(it.created_at);
        receipt["start_date"] = json!(local.get(..10));
        receipt["start_time"] = json!(local.get(11..));
        receipt["retrieval_reference_number"] = json!(it.rrn);
        receipt["system_trace_audit_number"] = json!("000123");
        receipt["card_scheme"] = json!({"name": {"arabic": "مدى", "english": "mada"}, "id": "P1"});
        receipt["pan"] = json!("446404** **** 0007");
        receipt["card_expiration"] = json!("**/**");
        receipt["status_message"] = json!({"arabic": "الحالة", "english": said});
        receipt["approval_code"] = json!({"value": "123456", "label": {"english": "APPROVAL"}});
        receipt["entry_mode"] = json!("CONTACTLESS");
        receipt["qr_code"] = json!("https://example.invalid/receipt");
        if self.desk.switches.get("reference_on") == "receipt" {
            receipt["customer_reference_number"] = json!(it.reference);
        }
        receipt
    }
}

/// A genuine receipt that is not of what was asked for.
fn distort(receipt: &mut Value, fault: &str) {
    match fault {
        "amount_mismatch" => receipt["amount_authorized"]["value"] = json!("1.00"),
        "currency_mismatch" => receipt["currency"]["english"] = json!("AED"),
        "terminal_mismatch" => receipt["tid"] = json!("0211920800119999"),
        "type_mismatch" => receipt["transaction_type"]["id"] = json!("01"),
        "reference_mismatch" if receipt["customer_reference_number"].is_string() => {
            receipt["customer_reference_number"] = json!(STRANGER);
        }
        _ => {}
    }
}
