//! Money: what was taken, what was kept, what went back. M1, M2, M3.

use super::{
    Findings,
    books::{Book, Books},
    cases::Waits,
    rows::{Capture, Entry, Refund},
};
use std::collections::BTreeSet;

pub(super) fn of_booking(book: &Book<'_>, found: &mut Findings) {
    promises(book, found);
    kept(book, found);
    in_the_end(book, found);
}

/// M1: nothing goes back, or is promised to, that was not taken.
fn promises(book: &Book<'_>, found: &mut Findings) {
    for took in &book.taken {
        let back = given_back_of(book, took.vendor_id());
        if back > took.amount_minor {
            found.broken("M1", format!("{back} went back of {}", took.amount_minor), took);
        }
    }
    for capture in &book.captures {
        let shown = if capture.is_only_reserved() { &book.reserved } else { &book.taken };
        let taken = shown.iter().find(|took| took.vendor_id() == capture.vendor_transaction);
        // Of another amount than asked for, a person is asked what it was.
        let disputed = capture.verdict == "DISPUTED";
        if taken.is_none_or(|took| took.amount_minor != capture.amount_minor && !disputed) {
            let transaction = &capture.vendor_transaction;
            found.broken("M1", format!("the vendor has no such capture: {transaction}"), capture);
        }
        let of_this = |refund: &&&Refund| refund.vendor_transaction == capture.vendor_transaction;
        let promised: i64 =
            book.refunds.iter().filter(of_this).map(|refund| refund.amount_minor).sum();
        if promised > capture.amount_minor {
            found.broken("M1", "more is promised back than was taken", capture);
        }
    }
}

/// M2, M3: one capture is kept, and nothing is booked without it.
fn kept(book: &Book<'_>, found: &mut Findings) {
    let won: Vec<&&Capture> = book.captures.iter().filter(|row| row.verdict == "WON").collect();
    if won.len() > 1 {
        found.broken("M2", format!("{} captures are kept", won.len()), &won);
    }
    let costs = book.booking.total_minor.unwrap_or(0);
    let paid = won.iter().map(|capture| capture.amount_minor).sum::<i64>();
    if book.is_confirmed() && paid != costs {
        found.broken("M3", "confirmed without its money", book.booking);
    }
    let booked = book.booked.iter().find(|entry| entry.kind == "booking");
    if let Some(booked) = booked.filter(|_| costs > 0 && book.captures.is_empty()) {
        found.broken("M3", "booked at Vista before there was money", booked);
    }
    // A terminal gives back for a minute only: there the money goes first. That Vista's booking goes, too, is S1.
    for capture in won.into_iter().filter(|capture| capture.provider != "nearpay") {
        money_before_release(book, capture, found);
    }
}

/// Vista's booking is released first, and only then its money goes back.
fn money_before_release(book: &Book<'_>, won: &Capture, found: &mut Findings) {
    let back = book.given_back.iter().chain(&book.let_go);
    let back = back.filter(|back| back.parent() == won.vendor_transaction);
    let Some(first) = back.map(|back| &back.at).min() else { return };
    for booked in book.booked.iter().filter(|entry| entry.kind == "booking") {
        let of_it =
            |entry: &&&Entry| entry.kind != "booking" && entry.vendor_id() == booked.vendor_id();
        let released = book.booked.iter().filter(of_it).map(|entry| &entry.at).max();
        if released.is_none_or(|released| released > first) {
            found.broken("M3", "the money went back before Vista's booking", &book.booked);
        }
    }
}

/// Nobody has paid without a ticket, a refund, or a person asked about it. The time for it is what the end is waited for.
fn in_the_end(book: &Book<'_>, found: &mut Findings) {
    let waits = Waits::of(book);
    let left_alone = left_to_people(book, &waits);
    let counted = |id: &str| !left_alone.contains(id);
    for took in book.taken.iter().filter(|took| counted(took.vendor_id())) {
        let known = |row: &&Capture| row.vendor_transaction == took.vendor_id();
        let written = book.captures.iter().any(known);
        found.wants(written, "M3", "every capture is written down", took);
    }
    for reserved in book.reserved.iter().filter(|entry| counted(entry.vendor_id())) {
        let id = reserved.vendor_id();
        let known = book.captures.iter().any(|row| row.vendor_transaction == id);
        found.wants(known, "M3", "every reservation is written down", reserved);
        let taken = book.taken.iter().filter(|took| took.vendor_id() == id).count();
        let let_go = book.let_go.iter().filter(|entry| entry.parent() == id).count();
        found.wants(
            taken + let_go == 1,
            "M3",
            "what is reserved is taken or let go, once",
            reserved,
        );
    }
    let only_reserved: BTreeSet<&str> = book
        .captures
        .iter()
        .filter(|row| row.is_only_reserved())
        .map(|row| &*row.vendor_transaction)
        .collect();
    let refunds = book.refunds.iter().filter(|refund| {
        counted(&refund.vendor_transaction) && !only_reserved.contains(&*refund.vendor_transaction)
    });
    let promised: i64 = refunds.map(|refund| refund.amount_minor).sum();
    let back = book.given_back.iter().filter(|back| counted(back.parent()));
    let back: i64 = back.map(|back| back.amount_minor).sum();
    let taken = book.taken.iter().filter(|took| counted(took.vendor_id()));
    let net = taken.map(|took| took.amount_minor).sum::<i64>() - back;
    found.wants(promised == back, "M1", "refunds are as written down", &book.given_back);
    if book.is_confirmed() {
        let mut won = book.captures.iter().filter(|row| row.verdict == "WON");
        if won.clone().any(|row| !counted(&row.vendor_transaction)) {
            return;
        }
        let untaken = won.find(|row| row.is_only_reserved());
        let none = untaken.is_none();
        found.wants(none, "M3", "what is reserved for a sold booking is taken", untaken);
        let costs = book.booking.total_minor.unwrap_or(0);
        found.wants(net == costs, "M2", "paid once", (&book.taken, &book.given_back));
    } else if book.has_ended() {
        found.wants(net == 0, "M3", "no money is kept", (&book.taken, &book.given_back));
    }
}

/// Transactions that no machine moves any more: another amount than asked for, or a person decides, or has decided.
fn left_to_people<'a>(book: &Book<'a>, waits: &Waits) -> BTreeSet<&'a str> {
    let disputed = book.captures.iter().filter(|row| row.verdict == "DISPUTED");
    // A booking that waits for a person to be taken back gives its money back after that.
    let by_people = waits.on_booking() || book.is_not_collected();
    let won = book.captures.iter().filter(|row| row.verdict == "WON" && by_people);
    let refunds = book.refunds.iter().filter(|refund| {
        waits.on_refund(&refund.refund_id) || book.is_settled_by_hand(&refund.refund_id)
    });
    let undecided = book.taken.iter().filter(|took| waits.on_payment(&took.reference));
    let disputed = disputed.chain(won).map(|row| &*row.vendor_transaction);
    let refunds = refunds.map(|refund| &*refund.vendor_transaction);
    disputed.chain(refunds).chain(undecided.map(|took| took.vendor_id())).collect()
}

fn given_back_of(book: &Book<'_>, transaction: &str) -> i64 {
    let back = book.given_back.iter().filter(|back| back.parent() == transaction);
    back.map(|back| back.amount_minor).sum()
}

/// The sums over everything that is not left to people: the vendor's till and our rows, each added up on its own.
pub(super) fn of_everything(books: &Books, found: &mut Findings) {
    if !books.whole {
        return;
    }
    let owners = books.owners();
    for entry in books.entries("capture").chain(books.entries("refund")) {
        if owners.of_money(entry).is_none() {
            found.broken("M3", format!("money of nobody at the vendor: {}", entry.name()), entry);
        }
    }
    let by_booking = books.by_booking();
    let alone: BTreeSet<&str> =
        by_booking.iter().flat_map(|book| left_to_people(book, &Waits::of(book))).collect();
    let counted = |transaction: &str| !alone.contains(transaction);
    let taken = books.entries("capture").filter(|took| counted(took.vendor_id()));
    let back = books.entries("refund").filter(|back| counted(back.parent()));
    let till = sum(taken) - sum(back);
    let captures = books.captures.iter().filter(|row| counted(&row.vendor_transaction));
    let refunded = books
        .refunds
        .iter()
        .filter(|row| row.status == "REFUNDED" && counted(&row.vendor_transaction));
    let only_reserved: BTreeSet<&str> = books
        .captures
        .iter()
        .filter(|row| row.is_only_reserved())
        .map(|row| &*row.vendor_transaction)
        .collect();
    let captures = captures.filter(|row| !row.is_only_reserved());
    let refunded = refunded.filter(|row| !only_reserved.contains(&*row.vendor_transaction));
    let kept = captures.map(|row| row.amount_minor).sum::<i64>()
        - refunded.map(|row| row.amount_minor).sum::<i64>();
    let shown = [("the vendor has", till), ("we have", kept)];
    found.wants(till == kept, "M1", "the sums agree", shown);
}

fn sum<'a>(entries: impl Iterator<Item = &'a Entry>) -> i64 {
    entries.map(|entry| entry.amount_minor).sum()
}
