//! Orders on the older surface: read, continued, cancelled, and completed. HTTP 200 even when it fails.

use super::bookings::{Contact, NewBooking};
use super::codes::{self, pair, refuse, words};
use super::orders::{Order, State};
use super::seats::Seat;
use super::{TIMER_MS, Vista, programme, session_key};
use crate::clock;
use crate::faults::Call;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Completion {
    perform_payment: bool,
    booking_mode: i64,
    unpaid_booking: bool,
    payment_info: Option<PaymentInfo>,
    payment_info_collection: Option<Vec<PaymentInfo>>,
    customer_email: Option<String>,
    customer_phone: Option<String>,
    customer_name: Option<String>,
    booking_notes: Option<String>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "PascalCase")]
struct PaymentInfo {
    #[serde(default)]
    payment_value_cents: i64,
    bank_reference: Option<String>,
}

impl Completion {
    fn infos(&self) -> Vec<PaymentInfo> {
        let many = self.payment_info_collection.clone().unwrap_or_default();
        self.payment_info.iter().cloned().chain(many).collect()
    }
}

fn text(body: Option<&Value>, name: &str) -> String {
    body.and_then(|body| body.get(name)?.as_str()).unwrap_or_default().to_owned()
}

impl Vista {
    pub(super) fn identify_order(&self, wire: &Wire, rest: &[&str]) -> Option<Call> {
        let op = match rest {
            ["order"] => "get_order",
            ["order", "cancel"] => "cancel_order",
            ["order", "payment"] => "pay_order",
            ["order", "continue"] => "continue_order",
            ["order", "bookingstatus"] => "booking_status",
            _ => return None,
        };
        let body = wire.json();
        let usid = text(body.as_ref(), "UserSessionId");
        let info = body.as_ref().and_then(|body| body.get("PaymentInfo"));
        let call = Call::new(op, &[&usid, "v1"])
            .notes(&text(body.as_ref(), "BookingNotes"))
            .notes(&text(info, "BankReference"));
        Some(self.refer(call, &usid))
    }

    pub(super) fn get_order_v1(&mut self, call: &Call, moment: &Moment) -> Answer {
        match self.live_order(call.arg(0), moment.now) {
            Some(order) => {
                let body = json!({"Result": 0, "ExtendedResultCode": 0, "ErrorDescription": null,
                    "Order": self.order_v1(&order)});
                Answer::json(200, &body)
            }
            None => refuse(&self.desk.switches, call, codes::NO_SUCH_ORDER),
        }
    }

    /// Restarts the timer of an order that still lives.
    pub(super) fn continue_order(&mut self, call: &Call, moment: &Moment) -> Answer {
        let Some(mut order) = self.live_order(call.arg(0), moment.now) else {
            return refuse(&self.desk.switches, call, codes::NO_SUCH_ORDER);
        };
        order.expires_at = moment.now + moment.clock.shortened(TIMER_MS);
        order.changed_at = moment.now;
        self.deadlines.insert((order.expires_at, order.usid.clone()));
        self.desk.ledger.write(order.entry(moment.now, "extend"));
        self.orders.insert(order.usid.clone(), order);
        let body = json!({"Result": 0, "ExtendedResultCode": 0, "ErrorDescription": null,
            "OrderLastUpdated": clock::seven_digits(self.shown(moment.now))});
        Answer::json(200, &body)
    }

    /// Carts in progress only: a finished booking is not an order any more.
    pub(super) fn cancel_order(&mut self, call: &Call, moment: &Moment) -> Answer {
        let Some(order) = self.live_order(call.arg(0), moment.now) else {
            return refuse(&self.desk.switches, call, codes::NO_SUCH_ORDER);
        };
        if order.state == State::Completing {
            return refuse(&self.desk.switches, call, codes::BEING_COMPLETED);
        }
        if self.let_go(&order) {
            self.desk.ledger.write(order.entry(moment.now, "release"));
        }
        self.end(&order.usid, State::Cancelled, moment.now);
        let body = json!({"Result": 0, "ExtendedResultCode": 0, "ErrorDescription": null,
            "OrderNotFound": false});
        Answer::json(200, &body)
    }

    /// Turns a held order into a booking, once.
    pub(super) fn pay_order(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let usid = call.arg(0);
        if moment.begun
            && let Some(order) = self.under_way.get_mut(usid).and_then(Vec::pop)
        {
            return self.pay_unprotected(order, wire, call, moment);
        }
        if let Some(repeat) = self.paid_before(call) {
            return repeat;
        }
        if usid.is_empty() || usid.len() > 32 || !usid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return refuse(&self.desk.switches, call, codes::UNEXPECTED);
        }
        let order = self.live_order(usid, moment.now);
        let payment = serde_json::from_slice::<Completion>(&wire.body);
        let checked = match (order, payment) {
            (None, _) => Err(codes::NO_SUCH_ORDER),
            (_, Err(_)) => Err(codes::INVALID_REQUEST),
            (Some(order), Ok(payment)) => {
                check(&order, &payment, moment).map(|()| (order, payment))
            }
        };
        match checked {
            Ok((order, payment)) => self.commit(order, &payment, moment),
            Err(code) => {
                if let Some(order) = self.orders.get_mut(usid)
                    && moment.begun
                    && order.state == State::Completing
                {
                    order.state = State::Held;
                    self.deadlines.insert((order.expires_at, usid.to_owned()));
                }
                refuse(&self.desk.switches, call, code)
            }
        }
    }

    /// Books the order as it was when this payment began, whatever has become of it: only its seats are looked at.
    fn pay_unprotected(
        &mut self,
        order: Order,
        wire: &Wire,
        call: &Call,
        moment: &Moment,
    ) -> Answer {
        let checked = serde_json::from_slice::<Completion>(&wire.body)
            .map_err(|_| codes::INVALID_REQUEST)
            .and_then(|payment| check(&order, &payment, moment).map(|()| payment));
        let payment = match checked {
            Ok(payment) => payment,
            Err(code) => return refuse(&self.desk.switches, call, code),
        };
        let key = session_key(&order.cinema, order.session.as_deref().unwrap_or_default());
        let house = self.houses.entry(key).or_default();
        if !house.can_sell(&order.usid, &order.seats()) {
            return refuse(&self.desk.switches, call, codes::SEATS_UNAVAILABLE);
        }
        house.hold(&order.usid, &order.seats());
        self.commit(order, &payment, moment)
    }

    fn paid_before(&self, call: &Call) -> Option<Answer> {
        let booking = self.bookings.get(self.by_usid.get(call.arg(0))?)?;
        let switches = &self.desk.switches;
        Some(match switches.get("double_complete") {
            "replay" => Answer::json(200, &booking.completed(codes::OK, codes::OK)),
            "56" => refuse(switches, call, codes::PAYMENTS_PROCESSED),
            _ => refuse(switches, call, codes::NO_SUCH_ORDER),
        })
    }

    fn commit(&mut self, order: Order, payment: &Completion, moment: &Moment) -> Answer {
        let infos = payment.infos();
        let contact = Contact {
            email: payment.customer_email.clone().unwrap_or_default(),
            phone: payment.customer_phone.clone().unwrap_or_default(),
            name: payment.customer_name.clone().unwrap_or_default(),
        };
        let bank = infos.iter().find_map(|info| info.bank_reference.clone()).unwrap_or_default();
        let new = NewBooking {
            note: payment.booking_notes.clone().unwrap_or_default(),
            bank_reference: bank,
            contact,
            paid: payment.booking_mode != 1 && !payment.unpaid_booking,
            visible_from: self.visible_from(moment),
        };
        let commit = moment.fault.as_ref().and_then(|fault| fault.number("commit"));
        let (result, extended) = pair(&self.desk.switches, i64::from(commit.unwrap_or_default()));
        let booking = self.book(order, new, moment.now);
        Answer::json(200, &booking.completed(result, extended))
    }

    fn visible_from(&self, moment: &Moment) -> i64 {
        let lag = moment.clock.shortened(self.desk.switches.number("lookup_lag_ms"));
        let fault = moment.fault.as_ref().filter(|fault| fault.is("lookup_lag"));
        moment.now + fault.map_or(lag, |fault| fault.delay_or(5_000))
    }

    pub(super) fn booking_status(&mut self, call: &Call, moment: &Moment) -> Answer {
        let switches = &self.desk.switches;
        if switches.get("bookingstatus_endpoint") == "404" {
            return Answer::html(404, "<html><body><h1>Endpoint not found.</h1></body></html>");
        }
        let usid = call.arg(0);
        let booking = self.by_usid.get(usid).and_then(|id| self.bookings.get(id));
        if let Some(booking) = booking.filter(|booking| booking.visible_from <= moment.now) {
            let code = if booking.cancelled { codes::ALREADY_REFUNDED } else { codes::OK };
            let body = json!({"ResponseCode": code, "ResponseDescription": words(code).1,
                "OrderSummary": {"UserSessionId": usid, "CinemaId": booking.cinema,
                    "VistaBookingId": booking.id, "VistaBookingNumber": booking.number.to_string(),
                    "TotalValueCents": booking.total()}});
            return Answer::json(200, &body);
        }
        let code = match self.live_order(usid, moment.now).map(|order| order.state) {
            Some(State::Completing) => codes::BEING_COMPLETED,
            Some(_) => codes::BOOKING_NOT_FOUND,
            None => codes::NO_SUCH_ORDER,
        };
        refuse(&self.desk.switches, call, code)
    }

    fn order_v1(&self, order: &Order) -> Value {
        let session = order.session.as_deref().and_then(|id| self.session(&order.cinema, id)).map(
            |session| {
                json!({"CinemaId": order.cinema, "SessionId": session.id, "AllocatedSeating": true,
                    "SeatsAllocated": true, "FilmTitle": session.film.title,
                    "AltFilmTitle": session.film.title_alt,
                    "FilmClassification": session.film.rating,
                    "ShowingRealDateTime": clock::riyadh(session.starts_at),
                    "Tickets": tickets_v1(order)})
            },
        );
        let sessions: Vec<Value> = session.into_iter().collect();
        json!({"UserSessionId": order.usid, "CinemaId": order.cinema,
            "TotalValueCents": order.total(), "BookingFeeValueCents": 0,
            "TotalOrderCount": order.tickets.len(), "TotalTicketFeeValueInCents": 0,
            "Sessions": sessions, "Concessions": [], "Customer": null,
            "VistaTransactionNumber": 0, "VistaBookingNumber": 0,
            "LastUpdated": clock::riyadh(order.changed_at),
            "LastUpdatedUtc": clock::seven_digits(self.shown(order.changed_at)),
            "AppliedGiftCards": [], "SuggestedDeals": [],
            "ExpiryDateUtc": clock::seven_digits(self.shown(order.expires_at))})
    }
}

fn check(order: &Order, payment: &Completion, moment: &Moment) -> Result<(), i64> {
    if order.state == State::Completing && !moment.begun {
        return Err(codes::BEING_COMPLETED);
    }
    if payment.perform_payment {
        return Err(codes::NO_PAYMENT_MODULE);
    }
    if order.tickets.is_empty() || order.tickets.iter().any(|ticket| ticket.code.is_none()) {
        return Err(codes::INVALID_REQUEST);
    }
    let paid: i64 = payment.infos().iter().map(|info| info.payment_value_cents).sum();
    let unpaid = payment.booking_mode == 1 || payment.unpaid_booking;
    if !unpaid && paid != order.total() {
        return Err(codes::WRONG_TOTAL);
    }
    Ok(())
}

fn tickets_v1(order: &Order) -> Vec<Value> {
    (1..)
        .zip(&order.tickets)
        .map(|(number, ticket): (u32, _)| {
            let kind = ticket.code.as_deref().and_then(programme::ticket_type);
            let seat: Seat = ticket.seat;
            json!({"Id": number.to_string(), "TicketTypeCode": ticket.code,
                "TicketTypeHOPK": ticket.code, "PriceCents": ticket.price,
                "FinalPriceCents": ticket.price, "TaxCents": ticket.tax, "Barcode": null,
                "SeatData": seat.name(), "SeatRowId": seat.row_name(),
                "SeatNumber": seat.number(), "Description": kind.map(|kind| kind.name),
                "AltDescription": kind.map(|kind| kind.name_alt), "IsTicketPackage": false})
        })
        .collect()
}
