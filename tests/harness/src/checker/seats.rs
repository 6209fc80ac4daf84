//! Seats: sold once, held only as long as somebody may still get them. S1, S2.

use super::{
    Findings,
    books::{Book, Books},
    cases::Waits,
    rows::Entry,
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn of_booking(book: &Book<'_>, found: &mut Findings) {
    let booked = book.booked.iter().filter(|entry| entry.kind == "booking").count();
    if booked > 1 {
        found.broken("S1", format!("Vista has {booked} bookings"), &book.booked);
    }
    // Both are written in the statement that moves the booking.
    let held = book.seats.iter().filter(|seat| seat.released_at.is_none()).count();
    if book.has_ended() && held > 0 {
        found.broken("S2", "its seats are free here", &book.seats);
    }
    if !book.has_ended() && held < book.seats.len() {
        found.broken("S1", "its seats are held", &book.seats);
    }
    let waits = Waits::of(book);
    let gone = book.booked.len() - booked;
    let live = booked.saturating_sub(gone);
    if book.is_confirmed() {
        found.wants(live == 1, "M3", "Vista has its booking", &book.booked);
        let asked: BTreeSet<&str> = book.seats.iter().map(|seat| &*seat.seat).collect();
        found.wants(sold(book) == asked, "S1", "Vista has sold exactly its seats", &book.booked);
    } else if book.has_ended() && !waits.on_booking() {
        found.wants(live == 0, "S1", "Vista has no booking", &book.booked);
        found.wants(!holds(&book.order), "S2", "its seats are free at Vista", &book.order);
    }
}

fn sold<'a>(book: &Book<'a>) -> BTreeSet<&'a str> {
    let booked = book.booked.iter().filter(|entry| entry.kind == "booking");
    booked.flat_map(|entry| &entry.seats).map(|seat| &**seat).collect()
}

/// Whether an order still has seats, by the last that was written about them.
fn holds(order: &[&Entry]) -> bool {
    let kinds = ["hold", "release", "booking", "refund", "cancel"];
    let last = order.iter().rfind(|entry| kinds.contains(&&*entry.kind));
    last.is_some_and(|entry| ["hold", "booking"].contains(&&*entry.kind))
}

/// Across bookings: each seat is sold to one, and nobody holds any without a booking of ours.
pub(super) fn of_everything(books: &Books, found: &mut Findings) {
    sold_once(books, found);
    if books.whole {
        held_by_somebody(books, found);
    }
}

fn sold_once(books: &Books, found: &mut Findings) {
    let mut sold: BTreeMap<(&str, &str, &str), &Entry> = BTreeMap::new();
    let owners = books.owners();
    for entry in &books.vista {
        let (cinema, session) = (entry.cinema.as_deref(), entry.session.as_deref());
        let (Some(cinema), Some(session)) = (cinema, session) else { continue };
        for seat in &entry.seats {
            let place = (cinema, session, &**seat);
            match &*entry.kind {
                "booking" => {
                    let before = sold.insert(place, entry);
                    let before = before.filter(|before| before.vendor_id != entry.vendor_id);
                    let ours = books.whole || owners.of_booked(entry).is_some();
                    if let Some(before) = before.filter(|_| ours) {
                        found.broken("S1", format!("{seat} is sold twice"), [before, entry]);
                    }
                }
                "refund" | "cancel" => drop(sold.remove(&place)),
                _ => {}
            }
        }
    }
}

fn held_by_somebody(books: &Books, found: &mut Findings) {
    let mut orders: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in &books.vista {
        orders.entry(&entry.reference).or_default().push(entry);
    }
    let owners = books.owners();
    for entry in books.vista.iter().filter(|entry| entry.kind == "booking") {
        if owners.of_booked(entry).is_none() {
            found.broken(
                "S1",
                format!("a booking of nobody at Vista: {}", entry.vendor_id()),
                entry,
            );
        }
    }
    let ended = books.by_booking();
    let ended: BTreeSet<&str> = ended
        .iter()
        .filter(|book| book.has_ended())
        .map(|book| &*book.booking.booking_id)
        .collect();
    for (order, entries) in orders {
        let owner = entries.iter().find_map(|entry| owners.of_order(entry));
        let living = owner.is_some_and(|owner| !ended.contains(owner));
        let so = living || !holds(&entries);
        found.wants(so, "S2", &format!("order {order} holds no seats for nobody"), entries.last());
    }
}
