//! What a person is asked: only what the test expects, with a cause, and decided by somebody for a reason. LIV, AUD.

use super::{
    Findings,
    books::{Book, Books},
    rows::Case,
};
use std::collections::BTreeSet;

/// What may be unfinished because a person has not decided yet. Only a case that is open, and that the test expects,
/// excuses anything, and only what waits for it.
#[derive(Debug, Default)]
pub(super) struct Waits {
    booking: bool,
    workflow_keys: BTreeSet<String>,
    calls: BTreeSet<String>,
}

impl Waits {
    pub(super) fn of(book: &Book<'_>) -> Self {
        let open = book.cases.iter().filter(|case| case.is_open() && expected(book.expected, case));
        let mut waits = Self::default();
        for case in open {
            // A booking that is being taken back waits for its refund.
            let won = |refund: &str| {
                let row = book.refunds.iter().find(|row| row.refund_id == refund);
                row.is_some() && book.booking.unwind_cause.is_some()
            };
            waits.booking |= case.workflow == "Booking" || won(&case.workflow_key);
            waits.workflow_keys.insert(case.workflow_key.clone());
            waits.calls.insert(case.call_key());
        }
        waits
    }

    pub(super) fn on_booking(&self) -> bool {
        self.booking
    }

    pub(super) fn on_refund(&self, refund: &str) -> bool {
        self.workflow_keys.contains(refund)
    }

    pub(super) fn on_payment(&self, payment: &str) -> bool {
        self.workflow_keys.contains(payment)
    }

    pub(super) fn on_call(&self, key: &str) -> bool {
        self.calls.contains(key)
    }
}

/// `vista_refused_*` is every cause that begins so.
fn expected(causes: &[String], case: &Case) -> bool {
    causes.iter().any(|cause| match cause.strip_suffix('*') {
        Some(stem) => case.cause.starts_with(stem),
        None => case.cause == *cause,
    })
}

pub(super) fn of_booking(book: &Book<'_>, found: &mut Findings) {
    for case in &book.cases {
        rules(case, book.expected, found);
    }
    for capture in book.captures.iter().filter(|capture| capture.verdict == "DISPUTED") {
        let asked = book.cases.iter().any(|case| case.workflow_key == capture.payment_id);
        found.wants(asked, "M3", "somebody is asked about money of another amount", capture);
    }
}

/// Cases about no booking of ours, and that staff are shown each that is open.
pub(super) fn of_everything(books: &Books, found: &mut Findings) {
    for case in books.cases.iter().filter(|case| case.is_open()) {
        let shown = books.listed.contains(&case.case_id);
        found.wants(shown, "LIV", "an open case needs attention, and is listed", case);
    }
    for case in books.cases.iter().filter(|case| case.booking_id.is_none()) {
        rules(case, &books.expected, found);
    }
}

fn rules(case: &Case, causes: &[String], found: &mut Findings) {
    let blank = |text: &str| text.trim().is_empty();
    if !expected(causes, case) {
        found.broken("LIV", format!("a person is asked: {}", case.cause), case);
    }
    if blank(&case.cause) || blank(&case.detail) || case.decisions.is_empty() {
        found.broken("LIV", "a case says why, and what can be decided", case);
    }
    let signed = |text: &Option<String>| text.as_deref().is_some_and(|text| !blank(text));
    let unsigned = !signed(&case.decided_by) || !signed(&case.reason);
    if unsigned && !case.is_open() {
        found.broken("AUD", "a decision says who and why", case);
    }
}
