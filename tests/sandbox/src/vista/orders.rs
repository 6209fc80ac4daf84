//! Orders on the newer surface: opened, read, and given their tickets, all or none.

use super::codes::{self, refuse};
use super::misbehaving::dearer;
use super::programme::{self, Sale, Session};
use super::seats::{AREA_CATEGORY, Seat};
use super::{TIMER_MS, Vista, new_usid, session_key};
use crate::clock;
use crate::faults::Call;
use crate::ledger::Entry;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const SEAT_LIMIT: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    Open,
    Held,
    Completing,
    Completed,
    Cancelled,
    Expired,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ticket {
    /// None while only the seat is held.
    pub code: Option<String>,
    pub seat: Seat,
    pub price: i64,
    pub tax: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub usid: String,
    pub cinema: String,
    pub state: State,
    pub created_at: i64,
    pub expires_at: i64,
    pub changed_at: i64,
    pub session: Option<String>,
    pub tickets: Vec<Ticket>,
    /// The merchant's own marks, known once it pays.
    pub notes: Vec<String>,
}

impl Order {
    pub(super) fn total(&self) -> i64 {
        self.tickets.iter().map(|ticket| ticket.price).sum()
    }

    pub(super) fn tax(&self) -> i64 {
        self.tickets.iter().map(|ticket| ticket.tax).sum()
    }

    pub(super) fn seats(&self) -> Vec<Seat> {
        self.tickets.iter().map(|ticket| ticket.seat).collect()
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.state, State::Open | State::Held | State::Completing)
    }

    pub(super) fn entry(&self, now: i64, kind: &str) -> Entry {
        let names: Vec<String> = self.seats().into_iter().map(Seat::name).collect();
        Entry::new(now, kind, &self.usid)
            .amount(self.total())
            .extra("cinema", self.cinema.clone())
            .extra("session", self.session.clone())
            .extra("seats", names)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewOrder {
    cinema_id: String,
}

#[derive(Deserialize)]
struct SetTickets {
    tickets: Vec<Wanted>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    ticket_details: Option<Details>,
    #[serde(default)]
    seats: Vec<Position>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    ticket_type_code: String,
    price_in_cents: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Position {
    area_number: u32,
    row_index: u32,
    column_index: u32,
}

impl Vista {
    pub(super) fn create_order(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let switches = &self.desk.switches;
        let Ok(new) = serde_json::from_slice::<NewOrder>(&wire.body) else {
            return refuse(switches, call, codes::INVALID_REQUEST);
        };
        if programme::cinema(&new.cinema_id).is_none() {
            return refuse(switches, call, codes::NO_SUCH_SITE);
        }
        let order = Order {
            usid: new_usid(),
            cinema: new.cinema_id,
            state: State::Open,
            created_at: moment.now,
            expires_at: moment.now + moment.clock.shortened(TIMER_MS),
            changed_at: moment.now,
            session: None,
            tickets: Vec::new(),
            notes: Vec::new(),
        };
        self.desk.ledger.write(order.entry(moment.now, "order"));
        self.deadlines.insert((order.expires_at, order.usid.clone()));
        let answer = self.order_v2(&order);
        self.orders.insert(order.usid.clone(), order);
        answer
    }

    pub(super) fn get_order_v2(&mut self, call: &Call, moment: &Moment) -> Answer {
        match self.live_order(call.arg(0), moment.now) {
            Some(order) => self.order_v2(&order),
            None => refuse(&self.desk.switches, call, codes::NO_SUCH_ORDER),
        }
    }

    pub(super) fn set_tickets(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let done = self.replace_tickets(wire, call, moment);
        match done {
            Ok(order) => self.order_v2(&order),
            Err(code) => refuse(&self.desk.switches, call, code),
        }
    }

    fn replace_tickets(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Result<Order, i64> {
        let (usid, session_id) = (call.arg(0), call.arg(2));
        let mut order = self.live_order(usid, moment.now).ok_or(codes::NO_SUCH_ORDER)?;
        if order.state == State::Completing {
            return Err(codes::BEING_COMPLETED);
        }
        let wanted: SetTickets =
            serde_json::from_slice(&wire.body).map_err(|_| codes::INVALID_REQUEST)?;
        let session = self.session(&order.cinema, session_id).ok_or(codes::SESSION_UNAVAILABLE)?;
        match session.sale {
            Sale::Closed => return Err(codes::NOT_ON_SALE),
            Sale::SoldOut => return Err(codes::SEATS_UNAVAILABLE),
            Sale::Open if session.starts_at <= moment.now => return Err(codes::NOT_ON_SALE),
            Sale::Open => {}
        }
        let mut tickets = tickets(&session, &wanted)?;
        if moment.fault_is("price_changed") {
            tickets.iter_mut().for_each(dearer);
        }
        let seats: Vec<Seat> = tickets.iter().map(|ticket| ticket.seat).collect();
        let key = session_key(&order.cinema, session_id);
        if !self.houses.entry(key.clone()).or_default().can_hold(usid, &seats) {
            return Err(codes::SEATS_UNAVAILABLE);
        }
        if self.let_go(&order) {
            self.desk.ledger.write(order.entry(moment.now, "release"));
        }
        self.houses.entry(key).or_default().hold(usid, &seats);
        order.state = if tickets.is_empty() { State::Open } else { State::Held };
        order.session = Some(session_id.to_owned());
        order.tickets = tickets;
        order.changed_at = moment.now;
        if self.desk.switches.on("extend_on_modify") {
            order.expires_at = moment.now + moment.clock.shortened(TIMER_MS);
            self.deadlines.insert((order.expires_at, order.usid.clone()));
        }
        if !order.tickets.is_empty() {
            self.desk.ledger.write(order.entry(moment.now, "hold"));
        }
        self.orders.insert(usid.to_owned(), order.clone());
        Ok(order)
    }

    pub(super) fn order_v2(&self, order: &Order) -> Answer {
        let sessions: Vec<Value> = order
            .session
            .as_deref()
            .and_then(|id| self.session(&order.cinema, id))
            .map(|session| session_v2(&session, &order.tickets))
            .into_iter()
            .collect();
        let body = json!({"order": {
            "cinemaId": order.cinema, "userSessionId": order.usid,
            "orderTotalValueInCents": order.total(), "taxValueInCents": order.tax(),
            "bookingFeeTotalValueInCents": 0, "bookingFeeTaxValueInCents": 0,
            "ticketFeeTotalValueInCents": 0, "loyaltyPointsTotalCost": [],
            "sessions": sessions, "concessions": [], "bookingFees": [], "appliedGiftCards": [],
            "appliedLoyaltyPointsPayments": [], "appliedPaymentVouchers": [],
            "loyaltyPointsPayableValueInCents": 0,
            "createdDateUtc": clock::seven_digits(self.shown(order.created_at)),
            "expiryDateUtc": clock::seven_digits(self.shown(order.expires_at)),
            "hasCardPaymentPromotionTickets": false, "promotionCards": [], "customer": null,
            "bookingTip": null,
        }, "suggestedDeals": []});
        Answer::json(200, &body)
    }
}

/// The wanted tickets at list price, or why not.
fn tickets(session: &Session, wanted: &SetTickets) -> Result<Vec<Ticket>, i64> {
    let mut tickets: Vec<Ticket> = Vec::new();
    for group in &wanted.tickets {
        let kind = match &group.ticket_details {
            None => None,
            Some(details) => {
                let kind = programme::ticket_type(&details.ticket_type_code)
                    .ok_or(codes::NO_SUCH_TICKET_TYPE)?;
                if details.price_in_cents.is_some_and(|price| price >= 0 && price != kind.price) {
                    return Err(codes::PRICE_OVERRIDE);
                }
                Some(kind)
            }
        };
        if group.seats.is_empty() {
            return Err(codes::WRONG_SEATS);
        }
        for position in &group.seats {
            let seat = Seat { row: position.row_index, column: position.column_index };
            let twice = tickets.iter().any(|ticket| ticket.seat == seat);
            if twice || position.area_number != 1 || !session.has_seat(seat.row, seat.column) {
                return Err(codes::WRONG_SEATS);
            }
            let code = kind.map(|kind| kind.code.to_owned());
            let (price, tax) = kind.map_or((0, 0), |kind| (kind.price, kind.tax()));
            tickets.push(Ticket { code, seat, price, tax });
        }
    }
    if tickets.len() > SEAT_LIMIT { Err(codes::INVALID_REQUEST) } else { Ok(tickets) }
}

fn session_v2(session: &Session, tickets: &[Ticket]) -> Value {
    let tickets: Vec<Value> = (1..)
        .zip(tickets)
        .map(|(number, ticket): (u32, &Ticket)| {
            let details = ticket.code.as_deref().and_then(programme::ticket_type).map(|kind| {
                json!({"ticketId": number.to_string(), "ticketTypeCode": kind.code,
                    "ticketCode": kind.code, "description": kind.name,
                    "finalPriceInCents": ticket.price, "originalPriceInCents": ticket.price,
                    "taxInCents": ticket.tax, "voucherBarcode": null})
            });
            json!({"ticketDetails": details, "seats": [{"areaCategoryCode": AREA_CATEGORY,
                "areaNumber": 1, "rowIndex": ticket.seat.row, "columnIndex": ticket.seat.column,
                "rowDisplay": ticket.seat.row_name(), "columnDisplay": ticket.seat.number()}]})
        })
        .collect();
    json!({"id": session.id, "filmTitle": session.film.title,
        "altFilmTitle": session.film.title_alt, "filmClassification": session.film.rating,
        "startTime": clock::riyadh(session.starts_at), "allocatedSeating": true,
        "screen": format!("Screen {}", session.screen), "tickets": tickets})
}
