//! The checker, checked: books that agree, and the same books with one thing wrong. Every rule is seen red once.

mod hand_made;

use super::{
    books::Books,
    check, qr,
    rows::{Case, Delivery, Entry, Payment},
    watch::lasting,
};
use hand_made::{
    at_hyperpay, at_vista, case, confirmed, not_collected, picture, refund, reserved, some, stuck,
    text, unwound,
};
use serde_json::json;

fn found(books: &Books) -> Vec<String> {
    let found = check(books).into_iter();
    found.map(|broken| format!("{}: {}", broken.invariant, broken.what)).collect()
}

type Tampering = (&'static str, fn(&mut Books));

/// Each of these is noticed by its own rule.
fn each_is_noticed(good: fn() -> Books, tampering: &[Tampering]) {
    assert_eq!(found(&good()), Vec::<String>::new());
    for (why, tamper) in tampering {
        let mut books = good();
        tamper(&mut books);
        let found = found(&books);
        assert!(found.iter().any(|what| what.starts_with(why)), "{why}: only {found:#?}");
    }
}

#[test]
fn money_that_does_not_add_up_is_noticed() {
    each_is_noticed(
        confirmed,
        &[
            ("M1: the vendor has no such capture", |books| books.captures[0].amount_minor = 90),
            ("M1: the vendor has no such capture", |books| drop(books.vendors.pop())),
            ("M2: paid once", |books| books.vendors[1].amount_minor = 90),
            ("M2: paid once", |books| books.vendors.push(at_hyperpay("3", "capture", "P", "T9"))),
            ("M2: 2 captures are kept", |books| books.captures.push(books.captures[0].clone())),
            ("M3: every capture is written down", |books| {
                books.vendors.push(at_hyperpay("3", "capture", "P", "T9"));
            }),
            ("M3: confirmed without its money", |books| books.captures.clear()),
            ("M3: booked at Vista before there was money", |books| books.captures.clear()),
            ("M3: money of nobody", |books| {
                books.vendors[1] = at_hyperpay("3", "capture", "X", "T1");
            }),
            ("M1: the sums agree", |books| {
                books.vendors.push(at_hyperpay("3", "capture", "X", "T9"));
            }),
        ],
    );
    each_is_noticed(
        unwound,
        &[
            ("M1: 200 went back of 100", |books| books.vendors.push(refund("T1"))),
            ("M1: more is promised back", |books| books.refunds[0].amount_minor = 101),
            ("M1: refunds are as written down", |books| drop(books.vendors.pop())),
            ("M3: no money is kept", |books| drop(books.vendors.pop())),
            ("M3: the money went back before", |books| books.vista[2].at = text("8")),
            ("M3: the money went back before", |books| drop(books.vista.pop())),
            ("LIV: every refund has reached its end", |books| {
                books.refunds[0].status = text("SENT");
            }),
            ("M3: somebody is asked", |books| books.captures[0].verdict = text("DISPUTED")),
        ],
    );
}

#[test]
fn money_that_stays_reserved_is_noticed() {
    each_is_noticed(
        reserved,
        &[
            ("M3: what is reserved is taken or let go, once", |books| drop(books.vendors.pop())),
            ("M3: what is reserved is taken or let go, once", |books| {
                books
                    .vendors
                    .push(Entry { parent: some("T1"), ..at_hyperpay("9", "void", "R", "V1") });
            }),
            ("M3: every reservation is written down", |books| {
                books.vendors.push(at_hyperpay("3", "authorize", "P", "T9"));
            }),
            ("M2: paid once", |books| {
                books.captures[0].taken_at = None;
                books.vendors.pop();
            }),
        ],
    );
}

#[test]
fn reserved_money_that_is_given_up_without_a_word_is_noticed() {
    each_is_noticed(
        not_collected,
        &[
            ("M3: a booking says that its money was not collected", |books| {
                books.events.pop();
                books.bookings[0].version -= 1;
            }),
            ("M3: what is reserved is taken or let go, once", |books| {
                books.cases[0].decision = some("retry");
            }),
        ],
    );
}

#[test]
fn seats_sold_twice_or_held_for_nobody_are_noticed() {
    each_is_noticed(
        confirmed,
        &[
            ("S1: Vista has 2 bookings", |books| books.vista.push(at_vista("5", "booking"))),
            ("S1: A1 is sold twice", |books| {
                books.vista.push(Entry { vendor_id: some("V2"), ..at_vista("5", "booking") });
            }),
            ("S1: its seats are held", |books| books.seats[0].released_at = some("9")),
            ("S1: Vista has sold exactly its seats", |books| {
                books.vista[1].seats = vec![text("B7")];
            }),
            ("S1: a booking of nobody", |books| books.vista[1].note = some("usher:X")),
            ("S2: order X holds no seats", |books| {
                books.vista.push(Entry { reference: text("X"), ..at_vista("5", "hold") });
            }),
            ("M3: Vista has its booking", |books| books.vista.push(at_vista("5", "refund"))),
        ],
    );
    each_is_noticed(
        unwound,
        &[
            ("S1: Vista has no booking", |books| drop(books.vista.pop())),
            ("S2: its seats are free at Vista", |books| drop(books.vista.pop())),
            ("S2: its seats are free here", |books| books.seats[0].released_at = None),
            ("S2: order O holds no seats", |books| drop(books.vista.pop())),
        ],
    );
}

#[test]
fn tickets_for_nothing_and_bookings_without_one_are_noticed() {
    each_is_noticed(
        confirmed,
        &[
            ("M3: its ticket", |books| books.tickets.clear()),
            ("M3: its ticket", |books| books.tickets[0].status = text("WAITING")),
            ("M3: the ticket is for Vista's booking", |books| {
                books.tickets[0].vista_booking_id = text("V2");
            }),
            ("M3: the picture says", |books| books.tickets[0].qr_svg = Some(picture("V2"))),
            ("M3: the picture says", |books| books.tickets[0].qr_svg = some("<svg/>")),
            ("M3: the stored picture says", |books| {
                books.pictures.insert(text("B"), Ok([text("V2")].into()));
            }),
            ("M3: the stored picture says", |books| {
                books.pictures.insert(text("B"), Err(text("not there")));
            }),
            ("M3: Vista has no booking V2", |books| {
                books.bookings[0].vista_booking_id = some("V2");
            }),
        ],
    );
    each_is_noticed(
        unwound,
        &[("M3: there is no ticket", |books| {
            books.tickets = confirmed().tickets;
        })],
    );
}

#[test]
fn effects_nobody_asked_for_or_that_are_denied_are_noticed() {
    each_is_noticed(
        unwound,
        &[
            ("EFF: nobody has asked for this", |books| drop(books.calls.remove(1))),
            ("EFF: nobody has asked for this", |books| drop(books.calls.remove(2))),
            ("EFF: nobody has asked for this", |books| drop(books.calls.remove(3))),
            ("EFF: nobody has asked for this", |books| books.vendors[2].reference = text("other")),
            ("EFF: refunded twice", |books| books.vendors.push(refund("T1"))),
            ("UNK: it never happened, says R:send_refund", |books| {
                books.calls[3].outcome = some("ABSENT");
            }),
            ("UNK: it never happened, says B:confirm_order", |books| {
                books.calls[2].outcome = some("GAVE_UP");
            }),
            ("LIV: every vendor call has an outcome", |books| books.calls[0].outcome = None),
            ("EFF: a webhook about T1 applied 2 times", |books| {
                books
                    .deliveries
                    .push(Delivery { event: text("E2"), ..books.deliveries[0].clone() });
            }),
        ],
    );
    let mut by_hand = unwound();
    let claim = json!({ "reference": "P", "transaction": "forged" });
    by_hand.deliveries.push(Delivery { claim, ..by_hand.deliveries[0].clone() });
    assert_eq!(found(&by_hand), Vec::<String>::new(), "the vendor never wrote about it");
}

#[test]
fn a_life_off_the_graph_without_an_end_or_forgotten_is_noticed() {
    each_is_noticed(
        confirmed,
        &[
            ("ORD: confirmed should be number 4", |books| books.events[3].version = 7),
            ("ORD: from PENDING to CONFIRMED", |books| drop(books.events.remove(2))),
            ("ORD: the events lead to CONFIRMED", |books| {
                books.bookings[0].status = text("EXPIRED");
            }),
            ("ORD: version 9 without its event", |books| books.bookings[0].version = 9),
            ("EFF: ticket_issued twice", |books| books.events.push(books.events[4].clone())),
            ("DUR: a 202 that nothing is behind", |books| books.promised.push(text("bk_C"))),
            ("DUR: a 202 that nothing is behind", |books| books.promised.push(text("pay_C"))),
            ("LIV: an end; it is PENDING", |books| books.bookings[0].status = text("PENDING")),
            ("LIV: every payment ends", |books| books.payments[0].status = text("OPEN")),
        ],
    );
    each_is_noticed(
        unwound,
        &[("EFF: refunded twice", |books| {
            books.events.push(books.events[4].clone());
        })],
    );
    let mut open_page = confirmed();
    open_page.payments.push(Payment {
        payment_id: text("P2"),
        booking_id: text("B"),
        status: text("OPEN"),
        session_over: false,
        ..Payment::default()
    });
    assert_eq!(found(&open_page), Vec::<String>::new(), "somebody may still pay there");
}

#[test]
fn a_case_is_expected_explained_and_signed_or_noticed() {
    each_is_noticed(
        confirmed,
        &[
            ("LIV: a person is asked: a_cause", |books| {
                books.cases.push(case("Booking", "B", "x"));
            }),
            ("LIV: a person is asked: a_cause", |books| {
                books.cases.push(Case { booking_id: None, ..case("WebhookConfirm", "E", "x") });
            }),
            ("LIV: a case says why", |books| {
                books.cases.push(Case { detail: String::new(), ..case("Booking", "B", "x") });
            }),
            ("AUD: a decision says who and why", |books| {
                let decided = Case { decision: some("retry"), ..case("Booking", "B", "x") };
                books.cases.push(Case { decided_by: some("staff"), ..decided });
            }),
        ],
    );
}

#[test]
fn only_an_expected_open_case_excuses_what_waits_for_it() {
    each_is_noticed(
        stuck,
        &[
            ("LIV: an end; it is CONFIRMING", |books| books.cases.clear()),
            ("LIV: an open case needs attention", |books| books.listed.clear()),
            ("LIV: every refund has reached its end", |books| books.expected.clear()),
            ("LIV: every vendor call has an outcome", |books| {
                books.cases[0].step = text("another_step");
            }),
            ("LIV: an end; it is CONFIRMING", |books| books.cases[0].decision = some("retry")),
        ],
    );
}

#[test]
fn what_is_read_at_two_moments_is_believed_only_the_second_time() {
    let mut torn = confirmed();
    torn.vendors.pop();
    let (torn, whole) = (check(&torn), check(&confirmed()));
    assert!(!torn.is_empty());
    assert!(lasting(&torn, &whole).is_empty());
    assert!(!lasting(&torn, &torn).is_empty());
    assert!(lasting(&[], &torn).is_empty());
}

#[test]
fn a_picture_is_read_as_a_scanner_does() {
    assert_eq!(qr::read(&picture("WXQ3KLM")), Ok(text("WXQ3KLM")));
    let torn = picture("WXQ3KLM").replace("M4,4h1v1h-1", "");
    assert!(qr::read(&torn.replace("h-1M", "h-1")).is_err());
}
