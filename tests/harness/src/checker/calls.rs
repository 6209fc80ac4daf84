//! Effects at vendors: each was asked for under one key, happened at most once, and is remembered as it was. EFF, UNK.

use super::{
    Findings,
    books::{Book, Books},
    cases::Waits,
    rows::{Call, Entry},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Outcomes that say: it never happened.
const NEVER: [&str; 2] = ["ABSENT", "GAVE_UP"];

pub(super) fn of_booking(book: &Book<'_>, found: &mut Findings) {
    let calls: BTreeMap<&str, &Call> =
        book.calls.iter().map(|call| (&*call.call_key, *call)).collect();
    let booked = book.booked.iter().filter(|entry| entry.kind == "booking");
    for booked in booked {
        asked_for(&calls, &format!("{}:confirm_order", book.id()), booked, found);
    }
    for page in &book.pages {
        asked_for(&calls, &format!("{}:open_payment", page.reference), page, found);
    }
    let (waits, mut references) = (Waits::of(book), BTreeSet::new());
    for back in &book.given_back {
        // What somebody has done at a terminal himself, and people are asked about.
        let taken = book.taken.iter().find(|took| took.vendor_id() == back.parent());
        if taken.is_some_and(|took| waits.on_payment(&took.reference)) {
            continue;
        }
        asked_for(&calls, &format!("{}:send_refund", back.reference), back, found);
        if !references.insert(&*back.reference) {
            found.broken("EFF", "refunded twice", back);
        }
    }
    for call in &book.calls {
        let ended = call.outcome.is_some() || waits.on_call(&call.call_key);
        found.wants(ended, "LIV", "every vendor call has an outcome", call);
    }
}

/// The effect has its row, which does not say that it never happened. (What may be repeated at once, such as opening a
/// page, leaves effects behind that nobody uses: giving it up is no statement about them.)
fn asked_for(calls: &BTreeMap<&str, &Call>, key: &str, effect: &Entry, found: &mut Findings) {
    match calls.get(key) {
        None => {
            found.broken("EFF", format!("nobody has asked for this: {}", effect.name()), effect);
        }
        Some(call) => {
            let denied = call.outcome.as_deref().is_some_and(|outcome| NEVER.contains(&outcome));
            if denied && call.step != "open_payment" {
                found.broken("UNK", format!("it never happened, says {key}"), (call, effect));
            }
        }
    }
}

/// A vendor's event is applied once, however often it is delivered.
///
/// Counted are events about transactions that the vendor has written to us about. What a test delivers by hand, forged
/// or invented, names a transaction of its own, and is not in the vendor's outbox.
pub(super) fn of_everything(books: &Books, found: &mut Findings) {
    let mut sent: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    for letter in &books.outbox {
        let body: Value = serde_json::from_str(&letter.body).unwrap_or_default();
        // A chargeback is about the transaction that it takes back.
        let about = if body["payload"]["paymentType"] == "CB" { "referencedId" } else { "id" };
        let transaction = text(&body["payload"][about]);
        sent.entry((letter.reference.clone(), transaction)).or_default().insert(&letter.body);
    }
    let mut applied: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for row in books.deliveries.iter().filter(|row| row.verdict.as_deref() == Some("APPLIED")) {
        let about = (text(&row.claim["reference"]), text(&row.claim["transaction"]));
        applied.entry(about).or_default().push(&row.event);
    }
    for (about, events) in applied {
        let letters = sent.get(&about).map(BTreeSet::len);
        if letters.is_some_and(|letters| events.len() > letters) {
            let times = events.len();
            found.broken(
                "EFF",
                format!("a webhook about {} applied {times} times", about.1),
                events,
            );
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
