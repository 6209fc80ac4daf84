//! Tickets: exactly for what is confirmed, with exactly Vista's booking id in the picture. M3.

use super::{Findings, books::Book, cases::Waits, qr};
use std::collections::BTreeSet;

pub(super) fn of_booking(book: &Book<'_>, found: &mut Findings) {
    let at_vista: Vec<&str> = book.booked.iter().map(|entry| entry.vendor_id()).collect();
    let ours = book.booking.vista_booking_id.as_deref();
    if let Some(id) = ours.filter(|id| !at_vista.contains(id)) {
        found.broken("M3", format!("Vista has no booking {id}"), book.booking);
    }
    for ticket in &book.tickets {
        if !book.is_confirmed() {
            found.broken("M3", "there is no ticket", ticket);
        }
        if ours != Some(&*ticket.vista_booking_id) {
            found.broken("M3", "the ticket is for Vista's booking", ticket);
        }
        let picture = ticket.qr_svg.as_deref().map(qr::read);
        if let Some(read) = picture.filter(|read| read.as_ref() != Ok(&ticket.vista_booking_id)) {
            found.broken("M3", "the picture says Vista's booking id", read);
        }
    }
    if let Some(read) = book.picture {
        let says = |codes: &BTreeSet<String>| ours.is_some_and(|id| codes.contains(id));
        if !read.as_ref().is_ok_and(says) {
            found.broken("M3", "the stored picture says Vista's booking id", read);
        }
    }
    if book.is_confirmed() {
        let issued = matches!(&*book.tickets, [only] if only.status == "ISSUED");
        let key = format!("{}:issue_ticket", book.id());
        let waits = Waits::of(book).on_call(&key);
        // Only a person gives it up.
        let mut calls = book.calls.iter().filter(|call| call.call_key == key);
        let given_up = calls.any(|call| call.outcome.as_deref() == Some("GAVE_UP"));
        found.wants(issued || waits || given_up, "M3", "its ticket", &book.tickets);
    }
}
