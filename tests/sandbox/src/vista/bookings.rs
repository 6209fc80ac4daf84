//! Bookings: made once per order, found by number, id, order or contact, cancelled or refunded.

use super::codes::{self, refuse};
use super::orders::{Order, State, Ticket};
use super::seats::Seat;
use super::{Vista, session_key};
use crate::clock;
use crate::faults::Call;
use crate::ledger::Entry;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const FIRST_NUMBER: u64 = 27_500;
const FOUND_LIMIT: usize = 100;
const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Contact {
    pub email: String,
    pub phone: String,
    pub name: String,
}

pub(super) struct NewBooking {
    pub note: String,
    pub bank_reference: String,
    pub contact: Contact,
    pub paid: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Booking {
    pub id: String,
    pub number: u64,
    pub cinema: String,
    pub usid: String,
    pub session: String,
    pub tickets: Vec<Ticket>,
    /// Per ticket, whether its money was given back.
    pub refunded: Vec<bool>,
    pub paid: bool,
    pub cancelled: bool,
    pub booked_at: i64,
    pub note: String,
    pub bank_reference: String,
    pub contact: Contact,
}

/// How a booking is asked for. Numbers come as text or as numbers.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Asked {
    cinema_id: Option<String>,
    booking_number: Value,
    booking_id: Option<String>,
    user_session_id: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    session_date: Option<String>,
    booking_date: Option<String>,
    refund_group_numbers: Vec<usize>,
    refund_amount: Option<i64>,
}

impl Asked {
    fn number(&self) -> Option<u64> {
        self.booking_number.as_u64().or_else(|| self.booking_number.as_str()?.parse().ok())
    }
}

fn filled(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

impl Booking {
    pub(super) fn total(&self) -> i64 {
        self.tickets.iter().map(|ticket| ticket.price).sum()
    }

    /// What has not been given back.
    fn value(&self) -> i64 {
        let open = self.tickets.iter().zip(&self.refunded).filter(|(_, refunded)| !**refunded);
        open.map(|(ticket, _)| ticket.price).sum()
    }

    fn seats(&self) -> Vec<Seat> {
        self.tickets.iter().map(|ticket| ticket.seat).collect()
    }

    fn transaction(&self) -> u64 {
        if self.paid { self.number + 900_000 } else { 0 }
    }

    pub(super) fn completed(&self, result: i64, extended: i64) -> Value {
        let text = (result != 0).then(|| codes::words(extended).1);
        json!({"Result": result, "ExtendedResultCode": extended, "ErrorDescription": text,
            "CinemaID": self.cinema, "VistaBookingNumber": self.number.to_string(),
            "VistaBookingId": self.id, "VistaTransNumber": self.transaction().to_string(),
            "HistoryID": self.number.to_string(), "PrintStream": null, "PassCollection": []})
    }

    fn json(&self) -> Value {
        let tickets: Vec<Value> = (1..)
            .zip(self.tickets.iter().zip(&self.refunded))
            .map(|(number, (ticket, refunded)): (u32, _)| {
                json!({"TicketSequenceNumber": number, "RefundGroupNumber": number,
                    "SessionId": self.session, "TicketTypeCode": ticket.code,
                    "PriceCents": ticket.price, "SeatRowId": ticket.seat.row_name(),
                    "SeatNumber": ticket.seat.number(), "RefundedStatus": flag(*refunded)})
            })
            .collect();
        let payments = if self.paid {
            json!([{"PaymentId": "1", "OrderPaymentAmount": self.total(),
                "BankReference": self.bank_reference}])
        } else {
            json!([])
        };
        json!({"BookingNumber": self.number, "BookingId": self.id, "CinemaId": self.cinema,
            "UserSessionId": self.usid, "IsPaid": self.paid,
            "CancelledStatus": flag(self.cancelled), "CurrentValueInCents": self.value(),
            "VistaTransactionId": self.transaction(), "BookingNotes": self.note,
            "BookingDate": clock::riyadh(self.booked_at), "Tickets": tickets,
            "Payments": payments, "Concessions": [], "Customer": {"Name": self.contact.name,
                "Email": self.contact.email, "Phone": self.contact.phone}})
    }

    fn entry(&self, now: i64, kind: &str, seats: &[Seat]) -> Entry {
        let names: Vec<String> = seats.iter().map(|seat| seat.name()).collect();
        Entry::new(now, kind, &self.usid)
            .vendor_id(&self.id)
            .extra("booking_number", self.number.to_string())
            .extra("cinema", self.cinema.clone())
            .extra("session", self.session.clone())
            .extra("seats", names)
            .extra("note", self.note.clone())
            .extra("bank_reference", self.bank_reference.clone())
    }
}

fn flag(yes: bool) -> &'static str {
    if yes { "1" } else { "0" }
}

impl Vista {
    pub(super) fn identify_booking(&self, wire: &Wire, rest: &[&str]) -> Option<Call> {
        let op = match rest {
            ["booking"] => "get_booking",
            ["booking", "search"] => "search_booking",
            ["booking", "cancel"] => "cancel_booking",
            ["booking", "refund"] => "refund_booking",
            _ => return None,
        };
        let asked: Asked = serde_json::from_slice(&wire.body).unwrap_or_default();
        let call = Call::new(op, &[]);
        let call = call.goes_by(asked.user_session_id.as_deref().unwrap_or_default());
        Some(match self.find(&asked, true) {
            Some(booking) => call
                .goes_by(&booking.usid)
                .goes_by(&booking.session)
                .notes(&booking.note)
                .notes(&booking.bank_reference),
            None => call,
        })
    }

    pub(super) fn book(&mut self, order: Order, new: NewBooking, now: i64) -> Booking {
        let number = self.last_number.entry(order.cinema.clone()).or_insert(FIRST_NUMBER);
        *number += 1;
        let number = *number;
        let booking = Booking {
            id: self.new_booking_id(),
            number,
            cinema: order.cinema.clone(),
            usid: order.usid.clone(),
            session: order.session.clone().unwrap_or_default(),
            refunded: vec![false; order.tickets.len()],
            tickets: order.tickets,
            paid: new.paid,
            cancelled: false,
            booked_at: now,
            note: new.note,
            bank_reference: new.bank_reference,
            contact: new.contact,
        };
        let seats = booking.seats();
        if let Some(house) = self.houses.get_mut(&session_key(&booking.cinema, &booking.session)) {
            house.sell(&seats);
        }
        self.by_number.insert(format!("{}/{number}", booking.cinema), booking.id.clone());
        self.by_usid.insert(booking.usid.clone(), booking.id.clone());
        for contact in [&booking.contact.email, &booking.contact.phone] {
            if !contact.is_empty() {
                let theirs = self.by_contact.entry(contact.to_lowercase()).or_default();
                theirs.push(booking.id.clone());
            }
        }
        let entry = booking.entry(now, "booking", &seats).amount(booking.total());
        self.desk.ledger.write(entry.extra("paid", booking.paid));
        if let Some(order) = self.orders.get_mut(&booking.usid) {
            order.notes = vec![booking.note.clone(), booking.bank_reference.clone()];
        }
        self.end(&booking.usid, State::Completed, now);
        self.bookings.insert(booking.id.clone(), booking.clone());
        booking
    }

    fn new_booking_id(&self) -> String {
        let mut dice = rand::rng();
        loop {
            let draw = |_| ALPHABET.get(usize::from(dice.next_u32().to_le_bytes()[0] & 31));
            let id: String = (0..7).filter_map(draw).map(|byte| char::from(*byte)).collect();
            if !self.bookings.contains_key(&id) {
                return id;
            }
        }
    }

    fn find(&self, asked: &Asked, by_usid: bool) -> Option<&Booking> {
        let id = match (asked.number(), filled(asked.booking_id.as_ref())) {
            (Some(number), _) => {
                let cinema = asked.cinema_id.as_deref().unwrap_or_default();
                self.by_number.get(&format!("{cinema}/{number}"))?
            }
            (None, Some(id)) => id,
            (None, None) if by_usid => self.by_usid.get(filled(asked.user_session_id.as_ref())?)?,
            (None, None) => return None,
        };
        let booking = self.bookings.get(id)?;
        let cinema = filled(asked.cinema_id.as_ref());
        cinema.is_none_or(|cinema| cinema == booking.cinema).then_some(booking)
    }

    pub(super) fn get_booking(&self, wire: &Wire, call: &Call) -> Answer {
        let switches = &self.desk.switches;
        let Ok(asked) = serde_json::from_slice::<Asked>(&wire.body) else {
            return refuse(switches, call, codes::INVALID_REQUEST);
        };
        match self.find(&asked, switches.on("booking_by_usid")) {
            Some(booking) => {
                let body =
                    json!({"ResultCode": 0, "ErrorDescription": null, "Booking": booking.json()});
                Answer::json(200, &body)
            }
            None => refuse(switches, call, codes::BOOKING_NOT_FOUND),
        }
    }

    pub(super) fn search_booking(&self, wire: &Wire, call: &Call) -> Answer {
        let switches = &self.desk.switches;
        let Ok(asked) = serde_json::from_slice::<Asked>(&wire.body) else {
            return refuse(switches, call, codes::INVALID_REQUEST);
        };
        let contact = filled(asked.email.as_ref()).or(filled(asked.phone.as_ref()));
        let mut found: Vec<&Booking> = match contact {
            Some(contact) => {
                let ids = self.by_contact.get(&contact.to_lowercase());
                ids.into_iter().flatten().filter_map(|id| self.bookings.get(id)).collect()
            }
            None => self.find(&asked, false).into_iter().collect(),
        };
        found.retain(|booking| self.matches(booking, &asked));
        let found: Vec<Value> =
            found.into_iter().rev().take(FOUND_LIMIT).map(Booking::json).collect();
        let (single, several) = match found.as_slice() {
            [] => return refuse(switches, call, codes::BOOKING_NOT_FOUND),
            [one] => (one.clone(), Value::Null),
            many => (Value::Null, json!(many)),
        };
        let body = json!({"ResultCode": 0, "ErrorDescription": null,
            "SingleBookingMatch": single, "BookingSearchResults": several});
        Answer::json(200, &body)
    }

    fn matches(&self, booking: &Booking, asked: &Asked) -> bool {
        let same = |wanted: &Option<String>, have: &str| {
            filled(wanted.as_ref()).is_none_or(|wanted| wanted.eq_ignore_ascii_case(have))
        };
        let same_day = |wanted: &Option<String>, have: &str| {
            filled(wanted.as_ref()).is_none_or(|day| day.get(..10) == have.get(..10))
        };
        let starts = self
            .session(&booking.cinema, &booking.session)
            .map(|session| clock::riyadh(session.starts_at))
            .unwrap_or_default();
        same(&asked.cinema_id, &booking.cinema)
            && same(&asked.email, &booking.contact.email)
            && same(&asked.phone, &booking.contact.phone)
            && same(&asked.booking_id, &booking.id)
            && asked.number().is_none_or(|number| number == booking.number)
            && same_day(&asked.session_date, &starts)
            && same_day(&asked.booking_date, &clock::riyadh(booking.booked_at))
    }

    /// For unpaid bookings only; a paid one is refunded.
    pub(super) fn cancel_booking(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let asked: Asked = serde_json::from_slice(&wire.body).unwrap_or_default();
        let code = match self.find(&asked, false) {
            None => codes::BOOKING_NOT_IDENTIFIED,
            Some(booking) if booking.cancelled => codes::ALREADY_CANCELLED,
            Some(booking) if booking.paid => codes::BOOKING_IS_PAID,
            Some(booking) => {
                let mut booking = booking.clone();
                let seats = booking.seats();
                self.desk.ledger.write(booking.entry(moment.now, "cancel", &seats));
                booking.refunded.fill(true);
                self.give_back(booking, &seats);
                let body = json!({"ExtendedResultCode": 0, "Result": 0, "ErrorDescription": null});
                return Answer::json(200, &body);
            }
        };
        refuse(&self.desk.switches, call, code)
    }

    /// Bookkeeping for bookings whose money was taken elsewhere: the value goes, the seats are free.
    pub(super) fn refund_booking(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let Ok(asked) = serde_json::from_slice::<Asked>(&wire.body) else {
            return refuse(&self.desk.switches, call, codes::INVALID_REQUEST);
        };
        let Some(booking) = self.find(&asked, false).cloned() else {
            return refuse(&self.desk.switches, call, codes::BOOKING_NOT_FOUND);
        };
        match self.refund(booking, &asked, moment.now) {
            Ok(()) => Answer::json(200, &json!({"ResultCode": 0, "ErrorDescription": null})),
            Err((code, None)) => refuse(&self.desk.switches, call, code),
            Err((code, Some(text))) => {
                Answer::json(200, &json!({"ResultCode": code, "ErrorDescription": text}))
            }
        }
    }

    fn refund(
        &mut self,
        mut booking: Booking,
        asked: &Asked,
        now: i64,
    ) -> Result<(), (i64, Option<String>)> {
        if booking.cancelled {
            let code =
                if booking.paid { codes::ALREADY_REFUNDED } else { codes::ALREADY_CANCELLED };
            return Err((code, None));
        }
        if !booking.paid {
            return Err((codes::NO_PAYMENT, None));
        }
        let mut seats = Vec::new();
        let mut outstanding = 0;
        for group in &asked.refund_group_numbers {
            let at = group.wrapping_sub(1);
            let (Some(ticket), Some(refunded)) =
                (booking.tickets.get(at), booking.refunded.get_mut(at))
            else {
                return Err((codes::INVALID_REQUEST, None));
            };
            if std::mem::replace(refunded, true) {
                return Err((codes::ALREADY_REFUNDED, None));
            }
            outstanding += ticket.price;
            seats.push(ticket.seat);
        }
        if seats.is_empty() {
            return Err((codes::INVALID_REQUEST, None));
        }
        if asked.refund_amount != Some(outstanding) {
            let requested = asked.refund_amount.unwrap_or_default();
            let text = format!("Refund amount {requested} does not equal the total {outstanding}");
            return Err((codes::REFUND_FAILED, Some(text)));
        }
        let entry = booking.entry(now, "refund", &seats).amount(outstanding);
        self.desk.ledger.write(entry.parent(&booking.id));
        self.give_back(booking, &seats);
        Ok(())
    }

    fn give_back(&mut self, mut booking: Booking, seats: &[Seat]) {
        if let Some(house) = self.houses.get_mut(&session_key(&booking.cinema, &booking.session)) {
            house.release(&booking.usid, seats);
        }
        booking.cancelled = booking.refunded.iter().all(|refunded| *refunded);
        self.bookings.insert(booking.id.clone(), booking);
    }
}
