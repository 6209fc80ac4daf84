//! The books, as they were read, and which rows and entries belong together.

use super::rows::{
    Booking, Call, Capture, Case, Delivery, Entry, Event, Letter, Payment, Refund, Seat, Ticket,
};
use std::collections::{BTreeSet, HashMap};

/// Everybody's books, about some bookings or about all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    /// All there is, not some bookings of many: then what is nobody's is somebody's mistake.
    pub whole: bool,
    /// Causes of cases that the test expects.
    pub expected: Vec<String>,
    /// Ids, with their prefixes, that callers were given with a 202.
    pub promised: Vec<String>,
    /// The open cases that staff are shown, if anybody was there to show them.
    pub listed: BTreeSet<String>,
    pub bookings: Vec<Booking>,
    pub seats: Vec<Seat>,
    pub events: Vec<Event>,
    pub payments: Vec<Payment>,
    pub captures: Vec<Capture>,
    pub refunds: Vec<Refund>,
    pub tickets: Vec<Ticket>,
    /// What a scanner reads in the stored pictures, by booking; or why it reads nothing. Those that were looked at.
    pub pictures: HashMap<String, Result<BTreeSet<String>, String>>,
    pub calls: Vec<Call>,
    pub cases: Vec<Case>,
    pub deliveries: Vec<Delivery>,
    /// The published edges of a booking.
    pub edges: BTreeSet<(String, String)>,
    /// All payment vendors' ledgers, told alike.
    pub vendors: Vec<Entry>,
    pub outbox: Vec<Letter>,
    pub vista: Vec<Entry>,
}

/// What everybody has written down about one booking. Rows and entries are in the order they were written.
#[derive(Debug)]
pub(crate) struct Book<'a> {
    pub booking: &'a Booking,
    pub seats: Vec<&'a Seat>,
    pub events: Vec<&'a Event>,
    pub payments: Vec<&'a Payment>,
    pub captures: Vec<&'a Capture>,
    pub refunds: Vec<&'a Refund>,
    pub tickets: Vec<&'a Ticket>,
    pub calls: Vec<&'a Call>,
    pub cases: Vec<&'a Case>,
    /// Pages opened, money reserved, let go, taken and given back, as the vendors have it.
    pub pages: Vec<&'a Entry>,
    pub reserved: Vec<&'a Entry>,
    pub let_go: Vec<&'a Entry>,
    pub taken: Vec<&'a Entry>,
    pub given_back: Vec<&'a Entry>,
    /// What was booked, refunded and cancelled at Vista under our note.
    pub booked: Vec<&'a Entry>,
    /// Everything about the booking's order at Vista.
    pub order: Vec<&'a Entry>,
    /// What a scanner reads in its stored picture, if it was looked at.
    pub picture: Option<&'a Result<BTreeSet<String>, String>>,
    pub edges: &'a BTreeSet<(String, String)>,
    pub expected: &'a [String],
}

impl Books {
    pub(crate) fn by_booking(&self) -> Vec<Book<'_>> {
        let owners = self.owners();
        let mut shelves = Shelves::of(self);
        shelves.file(&self.seats, |row| Some(&*row.booking_id), |book| &mut book.seats);
        shelves.file(&self.events, |row| Some(&*row.booking_id), |book| &mut book.events);
        shelves.file(&self.payments, |row| Some(&*row.booking_id), |book| &mut book.payments);
        shelves.file(&self.captures, |row| Some(&*row.booking_id), |book| &mut book.captures);
        shelves.file(&self.refunds, |row| Some(&*row.booking_id), |book| &mut book.refunds);
        shelves.file(&self.tickets, |row| Some(&*row.booking_id), |book| &mut book.tickets);
        shelves.file(&self.calls, |row| row.booking_id.as_deref(), |book| &mut book.calls);
        shelves.file(&self.cases, |row| row.booking_id.as_deref(), |book| &mut book.cases);
        let money = |entry| owners.of_money(entry);
        shelves.file(self.entries("checkout"), money, |book| &mut book.pages);
        shelves.file(self.entries("authorize"), money, |book| &mut book.reserved);
        shelves.file(self.entries("void"), money, |book| &mut book.let_go);
        shelves.file(self.entries("capture"), money, |book| &mut book.taken);
        shelves.file(self.entries("refund"), money, |book| &mut book.given_back);
        shelves.file(&self.vista, |entry| owners.of_booked(entry), |book| &mut book.booked);
        shelves.file(&self.vista, |entry| owners.of_order(entry), |book| &mut book.order);
        shelves.books
    }

    /// The payment vendors' entries of one kind.
    pub(crate) fn entries(&self, kind: &'static str) -> impl Iterator<Item = &Entry> {
        self.vendors.iter().filter(move |entry| entry.kind == kind)
    }

    pub(crate) fn owners(&self) -> Owners<'_> {
        Owners::of(self)
    }
}

impl Book<'_> {
    pub(crate) fn id(&self) -> &str {
        &self.booking.booking_id
    }

    pub(crate) fn is_confirmed(&self) -> bool {
        ["CONFIRMED", "COMPLETED"].contains(&&*self.booking.status)
    }

    pub(crate) fn has_ended(&self) -> bool {
        ["REJECTED", "CANCELLED", "EXPIRED"].contains(&&*self.booking.status)
    }

    /// A person has decided that what is reserved for this booking is not collected any more.
    pub(crate) fn is_not_collected(&self) -> bool {
        let of_capture = |case: &&Case| ["capture_payment", "ask_capture"].contains(&&*case.step);
        let mut about = self.cases.iter().copied().filter(of_capture);
        about.any(|case| case.decision.as_deref() == Some("give-up"))
    }

    /// A person has decided otherwise about this refund than to send it.
    pub(crate) fn is_settled_by_hand(&self, refund: &str) -> bool {
        let about = self.cases.iter().filter(|case| case.workflow_key == refund);
        about.into_iter().any(|case| case.decision.as_ref().is_some_and(|made| made != "retry"))
    }
}

/// The bookings' books while they are being filled.
struct Shelves<'a> {
    at: HashMap<&'a str, usize>,
    books: Vec<Book<'a>>,
}

impl<'a> Shelves<'a> {
    fn of(books: &'a Books) -> Self {
        let ids = books.bookings.iter().map(|row| &*row.booking_id);
        let at = ids.enumerate().map(|(at, id)| (id, at)).collect();
        Self { at, books: books.bookings.iter().map(|row| empty(books, row)).collect() }
    }

    fn file<T: 'a>(
        &mut self,
        rows: impl IntoIterator<Item = &'a T>,
        owner: impl Fn(&'a T) -> Option<&'a str>,
        place: impl for<'b> Fn(&'b mut Book<'a>) -> &'b mut Vec<&'a T>,
    ) {
        for row in rows {
            let at = owner(row).and_then(|id| self.at.get(id));
            if let Some(book) = at.and_then(|at| self.books.get_mut(*at)) {
                place(book).push(row);
            }
        }
    }
}

fn empty<'a>(books: &'a Books, booking: &'a Booking) -> Book<'a> {
    Book {
        booking,
        seats: Vec::new(),
        events: Vec::new(),
        payments: Vec::new(),
        captures: Vec::new(),
        refunds: Vec::new(),
        tickets: Vec::new(),
        calls: Vec::new(),
        cases: Vec::new(),
        pages: Vec::new(),
        reserved: Vec::new(),
        let_go: Vec::new(),
        taken: Vec::new(),
        given_back: Vec::new(),
        booked: Vec::new(),
        order: Vec::new(),
        picture: books.pictures.get(&booking.booking_id),
        edges: &books.edges,
        expected: &books.expected,
    }
}

/// Whose a vendor's entry is: the booking.
#[derive(Debug)]
pub(crate) struct Owners<'a> {
    payments: HashMap<&'a str, &'a str>,
    /// Pages and captures, by the vendor's own ids.
    vendor_ids: HashMap<&'a str, &'a str>,
    orders: HashMap<&'a str, &'a str>,
    bookings: BTreeSet<&'a str>,
}

impl<'a> Owners<'a> {
    fn of(books: &'a Books) -> Self {
        let payments = books.payments.iter().map(|row| (&*row.payment_id, &*row.booking_id));
        let held = books
            .bookings
            .iter()
            .filter_map(|row| row.vista_order.as_deref().map(|order| (order, &*row.booking_id)));
        // An order is known from its creation on, long before its seats are held.
        let created = books.calls.iter().filter_map(|call| {
            let answer = call.answer.as_ref().filter(|_| call.step == "create_order")?;
            Some((
                answer.pointer("/answer/order/user_session")?.as_str()?,
                call.booking_id.as_deref()?,
            ))
        });
        let mut owners = Self {
            payments: payments.collect(),
            vendor_ids: HashMap::new(),
            orders: held.chain(created).collect(),
            bookings: books.bookings.iter().map(|row| &*row.booking_id).collect(),
        };
        for kind in ["checkout", "authorize", "capture"] {
            for entry in books.entries(kind) {
                if let Some(owner) = owners.of_money(entry) {
                    owners.vendor_ids.insert(entry.vendor_id(), owner);
                }
            }
        }
        owners
    }

    /// By our reference; else by the page it was paid on, or by what it gives back.
    pub(crate) fn of_money(&self, entry: &Entry) -> Option<&'a str> {
        let related = entry.checkout.as_deref().into_iter().chain(entry.parent.as_deref());
        let mut related = related.filter_map(|id| self.vendor_ids.get(id));
        self.payments.get(&*entry.reference).or_else(|| related.next()).copied()
    }

    /// By our note.
    pub(crate) fn of_booked(&self, entry: &'a Entry) -> Option<&'a str> {
        entry.noted().filter(|booking| self.bookings.contains(booking))
    }

    /// By Vista's order.
    pub(crate) fn of_order(&self, entry: &Entry) -> Option<&'a str> {
        self.orders.get(&*entry.reference).copied()
    }
}
