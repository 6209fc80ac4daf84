//! Books written by hand: one booking that was paid, and what may have become of it.

use crate::checker::{
    books::Books,
    rows::{
        Booking, Call, Capture, Case, Delivery, Entry, Event, Letter, Payment, Refund, Seat, Ticket,
    },
};
use fast_qr::{
    QRBuilder,
    convert::{Builder, svg::SvgBuilder},
};
use serde_json::json;

const EDGES: [(&str, &str); 7] = [
    ("REQUESTED", "PENDING"),
    ("REQUESTED", "REJECTED"),
    ("PENDING", "CONFIRMING"),
    ("PENDING", "CANCELLED"),
    ("PENDING", "EXPIRED"),
    ("CONFIRMING", "CONFIRMED"),
    ("CONFIRMING", "CANCELLED"),
];

pub(super) fn text(text: &str) -> String {
    text.to_owned()
}

#[expect(clippy::unnecessary_wraps, reason = "it is what optional columns hold")]
pub(super) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(super) fn picture(text: &str) -> String {
    let code = QRBuilder::new(text).build().unwrap();
    SvgBuilder::default().margin(4).to_str(&code)
}

pub(super) fn call(key: &str, step: &str) -> Call {
    let (call_key, booking_id) = (format!("{key}:{step}"), some("B"));
    Call { call_key, booking_id, step: text(step), outcome: some("ANSWER"), ..Call::default() }
}

pub(super) fn event(version: i64, kind: &str, detail: serde_json::Value) -> Event {
    Event { booking_id: text("B"), version, kind: text(kind), detail, at: String::new() }
}

pub(super) fn at_vista(at: &str, kind: &str) -> Entry {
    let vendor_id = some("V1").filter(|_| kind == "booking" || kind == "refund");
    Entry {
        at: text(at),
        kind: text(kind),
        reference: text("O"),
        note: some("usher:B").filter(|_| vendor_id.is_some()),
        vendor_id,
        cinema: some("0001"),
        session: some("3000"),
        seats: vec![text("A1")],
        ..Entry::default()
    }
}

pub(super) fn at_hyperpay(at: &str, kind: &str, reference: &str, vendor_id: &str) -> Entry {
    Entry {
        at: text(at),
        kind: text(kind),
        reference: text(reference),
        vendor_id: some(vendor_id),
        amount_minor: 100,
        ..Entry::default()
    }
}

pub(super) fn refund(parent: &str) -> Entry {
    Entry { parent: some(parent), ..at_hyperpay("7", "refund", "R", "T2") }
}

/// A page is opened, and paid on; the money has won booking B.
pub(super) fn paid() -> Books {
    let created = json!({ "v": 1, "answer": { "is": "open", "order": { "user_session": "O" } } });
    Books {
        whole: true,
        promised: vec![text("bk_B"), text("pay_P")],
        bookings: vec![Booking {
            booking_id: text("B"),
            total_minor: Some(100),
            vista_order: some("O"),
            won_payment: some("P"),
            ..Booking::default()
        }],
        events: vec![
            event(1, "requested", json!({})),
            event(2, "held", json!({})),
            event(3, "paid", json!({})),
        ],
        payments: vec![Payment {
            payment_id: text("P"),
            booking_id: text("B"),
            status: text("CAPTURED"),
            amount_minor: Some(100),
            session_over: true,
        }],
        captures: vec![Capture {
            vendor_transaction: text("T1"),
            payment_id: text("P"),
            booking_id: text("B"),
            amount_minor: 100,
            verdict: text("WON"),
            ..Capture::default()
        }],
        calls: vec![
            Call { answer: Some(created), ..call("B", "create_order") },
            call("P", "open_payment"),
            call("B", "confirm_order"),
        ],
        deliveries: vec![Delivery {
            event: text("E1"),
            claim: json!({ "reference": "P", "transaction": "T1" }),
            booking_id: some("B"),
            verdict: some("APPLIED"),
        }],
        edges: EDGES.map(|(from, to)| (text(from), text(to))).into(),
        vendors: vec![
            at_hyperpay("2", "checkout", "P", "C1"),
            Entry { checkout: some("C1"), ..at_hyperpay("3", "capture", "P", "T1") },
        ],
        outbox: vec![Letter {
            reference: text("P"),
            body: json!({ "payload": { "id": "T1" } }).to_string(),
        }],
        vista: vec![at_vista("1", "hold"), at_vista("4", "booking")],
        ..Books::default()
    }
}

/// With its ticket.
pub(super) fn confirmed() -> Books {
    let mut books = paid();
    books.bookings[0].status = text("CONFIRMED");
    books.bookings[0].version = 5;
    books.bookings[0].vista_booking_id = some("V1");
    books.seats = vec![Seat { booking_id: text("B"), seat: text("A1"), released_at: None }];
    books.events.extend([event(4, "confirmed", json!({})), event(5, "ticket_issued", json!({}))]);
    books.tickets = vec![Ticket {
        booking_id: text("B"),
        status: text("ISSUED"),
        vista_booking_id: text("V1"),
        qr_svg: Some(picture("V1")),
        picture: some("p1"),
    }];
    books.pictures = [(text("B"), Ok([text("V1"), text("tax")].into()))].into();
    books
}

/// Taken back: Vista first, then the money.
pub(super) fn unwound() -> Books {
    let mut books = paid();
    books.bookings[0].status = text("CANCELLED");
    books.bookings[0].version = 6;
    books.bookings[0].unwind_cause = some("cancelled_by_staff");
    books.seats = vec![Seat { booking_id: text("B"), seat: text("A1"), released_at: some("8") }];
    books.events.extend([
        event(4, "unwinding", json!({})),
        event(5, "refunded", json!({ "refund": "rf_R" })),
        event(6, "unwound", json!({})),
    ]);
    books.refunds = vec![Refund {
        refund_id: text("R"),
        booking_id: text("B"),
        vendor_transaction: text("T1"),
        amount_minor: 100,
        status: text("REFUNDED"),
    }];
    books.calls.push(call("R", "send_refund"));
    books.vendors.push(refund("T1"));
    books.vista.push(at_vista("6", "refund"));
    books
}

pub(super) fn case(workflow: &str, key: &str, step: &str) -> Case {
    Case {
        case_id: text("C"),
        workflow: text(workflow),
        workflow_key: text(key),
        step: text(step),
        booking_id: some("B"),
        cause: text("a_cause"),
        detail: text("what happened"),
        decisions: vec![text("retry")],
        ..Case::default()
    }
}

/// The refund was refused, and a person is asked: the booking stays as it is until they have decided.
pub(super) fn stuck() -> Books {
    let mut books = unwound();
    books.bookings[0].status = text("CONFIRMING");
    books.bookings[0].version = 4;
    books.events.truncate(4);
    books.seats[0].released_at = None;
    books.refunds[0].status = text("REQUESTED");
    books.vendors.pop();
    books.calls[3].outcome = None;
    books.expected = vec![text("a_cause")];
    books.listed = [text("C")].into();
    books.cases = vec![case("Refund", "R", "send_refund")];
    books
}

/// Sold for money that was reserved first: the vendor knows the taking by the reservation.
pub(super) fn reserved() -> Books {
    let mut books = confirmed();
    books.captures[0].reserved = true;
    books.captures[0].taken_at = some("9");
    books.vendors.insert(1, at_hyperpay("2", "authorize", "P", "T1"));
    books
}

/// Sold, and what was reserved for it is not to be had: a person has given it up.
pub(super) fn not_collected() -> Books {
    let mut books = reserved();
    books.captures[0].taken_at = None;
    books.vendors.pop();
    books.payments[0].status = text("VOIDED");
    books.bookings[0].version += 1;
    let version = books.bookings[0].version;
    books.events.push(event(version, "not_collected", json!({})));
    books.expected = vec![text("a_cause")];
    books.cases = vec![Case {
        decision: some("give-up"),
        decided_by: some("staff:7"),
        reason: some("the reservation has lapsed"),
        ..case("Booking", "B", "capture_payment")
    }];
    books
}
