//! Bookings: made once per order, cancelled or refunded.

use super::codes::{self, refuse};
use super::look_ups::Asked;
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
    pub visible_from: i64,
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
    /// Look-ups do not show it before.
    #[serde(default)]
    pub visible_from: i64,
    pub note: String,
    pub bank_reference: String,
    pub contact: Contact,
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

    pub(super) fn json(&self) -> Value {
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
            visible_from: new.visible_from,
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
            let code = match self.desk.switches.get("refund_again") {
                "executes" if booking.paid => {
                    let amount = asked.refund_amount.unwrap_or_default();
                    let entry = booking.entry(now, "refund", &[]).amount(amount);
                    self.desk.ledger.write(entry.parent(&booking.id));
                    return Ok(());
                }
                "63" if booking.paid => codes::ALREADY_REFUNDED,
                _ => codes::ALREADY_CANCELLED,
            };
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
