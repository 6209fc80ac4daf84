//! A booking's life: along the published edges, findable by whoever was promised it, and to an end. ORD, DUR, LIV.

use super::{
    Findings,
    books::{Book, Books},
    cases::Waits,
    rows::{Event, Payment},
};
use std::collections::BTreeSet;

/// What happens to a booking at most once, other than by moving its status.
const ONCE: [&str; 3] = ["requested", "ticket_issued", "unwinding"];

pub(super) fn of_booking(book: &Book<'_>, found: &mut Findings) {
    on_the_graph(book, found);
    once(book, found);
    let waits = Waits::of(book);
    let ended = book.has_ended() || book.is_confirmed() || waits.on_booking();
    found.wants(ended, "LIV", &format!("an end; it is {}", book.booking.status), book.booking);
    if book.is_not_collected() {
        // Unless the vendor has taken it after all.
        let ends = ["not_collected", "taken"];
        let told = book.events.iter().any(|event| ends.contains(&&*event.kind));
        found.wants(told, "M3", "a booking says that its money was not collected", book.booking);
    }
    for refund in &book.refunds {
        let ended = refund.status == "REFUNDED"
            || waits.on_refund(&refund.refund_id)
            || waits.on_booking()
            || book.is_settled_by_hand(&refund.refund_id);
        found.wants(ended, "LIV", "every refund has reached its end", refund);
    }
    // A page that somebody can still pay on is open, whatever has become of its booking.
    for payment in book.payments.iter().filter(|payment| payment.session_over) {
        let ended = ["CAPTURED", "ABANDONED", "VOIDED"].contains(&&*payment.status);
        let ended = ended
            || waits.on_payment(&payment.payment_id)
            || payment.status == "AUTHORIZED" && a_person_ends(payment, book, &waits);
        found.wants(ended, "LIV", "every payment ends with its session", payment);
    }
}

/// What is reserved waits for a person: for a sold booking to see it taken, else to see it let go.
fn a_person_ends(payment: &Payment, book: &Book<'_>, waits: &Waits) -> bool {
    let reserved = book.captures.iter().filter(|row| row.payment_id == payment.payment_id);
    let goes_back: BTreeSet<&str> = reserved.map(|row| &*row.vendor_transaction).collect();
    let mut refunds = book.refunds.iter();
    let waits_for_refund = refunds.any(|refund| {
        goes_back.contains(&*refund.vendor_transaction) && waits.on_refund(&refund.refund_id)
    });
    waits.on_booking() || waits_for_refund
}

/// The status is where its events lead, along published edges, one version after the other.
fn on_the_graph(book: &Book<'_>, found: &mut Findings) {
    let mut at = "REQUESTED";
    for (version, event) in (1..).zip(&book.events) {
        if event.version != version {
            found.broken("ORD", format!("{} should be number {version}", event.kind), event);
        }
        let Some(to) = leads_to(event) else { continue };
        if !book.edges.contains(&(at.to_owned(), to.to_owned())) {
            found.broken("ORD", format!("from {at} to {to}"), &book.events);
        }
        at = to;
    }
    let (status, version) = (&*book.booking.status, book.booking.version);
    if status != at && !(status == "COMPLETED" && at == "CONFIRMED") {
        found.broken(
            "ORD",
            format!("the events lead to {at}, the status is {status}"),
            &book.events,
        );
    }
    if book.events.last().map(|event| event.version) != Some(version) {
        found.broken("ORD", format!("version {version} without its event"), &book.events);
    }
}

fn leads_to(event: &Event) -> Option<&'static str> {
    match &*event.kind {
        "held" => Some("PENDING"),
        "rejected" => Some("REJECTED"),
        "paid" | "reserved" | "nothing_to_pay" => Some("CONFIRMING"),
        "confirmed" => Some("CONFIRMED"),
        "cancelled" | "unwound" => Some("CANCELLED"),
        "expired" => Some("EXPIRED"),
        _ => None,
    }
}

fn once(book: &Book<'_>, found: &mut Findings) {
    let mut seen = BTreeSet::new();
    for event in &book.events {
        let about = match &*event.kind {
            "refunded" | "refund_sent" => event.detail["refund"].as_str().unwrap_or_default(),
            kind if ONCE.contains(&kind) => "",
            _ => continue,
        };
        if !seen.insert((&*event.kind, about)) {
            found.broken("EFF", format!("{} twice", event.kind), &book.events);
        }
    }
}

/// DUR: what was promised is there.
pub(super) fn of_everything(books: &Books, found: &mut Findings) {
    let bookings = books.bookings.iter().map(|row| &*row.booking_id);
    let payments = books.payments.iter().map(|row| &*row.payment_id);
    let there: BTreeSet<&str> = bookings.chain(payments).collect();
    for id in &books.promised {
        let bare = id.rsplit('_').next().unwrap_or_default();
        if !there.contains(bare) {
            found.broken("DUR", "a 202 that nothing is behind", id);
        }
    }
}
