//! Seats and prices: the plan a customer picks from, and putting the picked seats into an order.

use super::{
    As, OrderReply, Vista,
    answers::{HoldAnswer, OrderRef, SeatPlan, SeatRequest, SeatStatus, Seating, TicketType},
    cache::Key,
    is_plain, name, no_order, read_reply,
    result_codes::{
        self, Class, NO_SUCH_ORDER, NOT_CONTIGUOUS, NOT_ON_SALE, OK, Operation, SEATS_UNAVAILABLE,
        SESSION_UNAVAILABLE, SITE_NOT_FOUND, SOLD_OUT, UNEXPECTED,
    },
    session_wire::{Geometry, SeatLayout, Ticket},
    wire::{self, Place},
};
use crate::{error::Error, http::Call};
use reqwest::StatusCode;
use schema::provider::Platform;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// A session's reading, or the code that says there is none to be had.
type Readable<T> = Result<T, i64>;

/// A seat with the ticket for it.
struct Placed<'a> {
    place: Place,
    ticket_type: &'a str,
}

impl Vista {
    /// The seats of a session as they are now. `None`: Vista sells no such session; sold out is a plan without seats.
    pub async fn seat_plan(
        &self,
        platform: Platform,
        cinema: &str,
        session: &str,
        within: Duration,
    ) -> Result<Option<SeatPlan>, Error> {
        if !is_plain(cinema) || !is_plain(session) {
            return Ok(None);
        }
        let key = (platform, cinema.to_owned(), session.to_owned());
        match self.read_layout(&key, As::new(platform, within)).await? {
            Ok(layout) => Ok(Some(layout.plan())),
            Err(SOLD_OUT) => Ok(Some(SeatPlan { areas: Vec::new() })),
            Err(_) => Ok(None),
        }
    }

    /// The ticket types of a session, at most a minute old. `None`: Vista sells no such session.
    pub async fn ticket_types(
        &self,
        platform: Platform,
        cinema: &str,
        session: &str,
        within: Duration,
    ) -> Result<Option<Vec<TicketType>>, Error> {
        if !is_plain(cinema) || !is_plain(session) {
            return Ok(None);
        }
        let key = (platform, cinema.to_owned(), session.to_owned());
        if let Some(types) = self.ticket_types.get(&key) {
            return Ok(Some(types.to_vec()));
        }
        let types = self.read_ticket_types(&key, As::new(platform, within)).await?;
        Ok(types.ok().map(|types| types.to_vec()))
    }

    /// Puts these seats, and no others, into the order. Harmless to repeat. While what it reads first is fresh it is
    /// one call, and a failure of those readings is `Unavailable`: nothing was set.
    pub async fn set_tickets(
        &self,
        platform: Platform,
        order: &OrderRef,
        seating: &Seating,
        within: Duration,
    ) -> Result<HoldAnswer, Error> {
        if !is_plain(&seating.session) || !is_plain(&order.cinema) {
            return Ok(HoldAnswer::SessionClosed { code: SESSION_UNAVAILABLE });
        }
        let on = As::new(platform, within);
        let key = (platform, order.cinema.clone(), seating.session.clone());
        let (geometry, types) = match self.sale(&key, seating, on).await.map_err(nothing_set)? {
            Ok(sale) => sale,
            Err(code) => return Ok(closed(code)),
        };
        let placed = match place(seating, &geometry, &types) {
            Ok(placed) => placed,
            Err(reason) => return Ok(HoldAnswer::Invalid { reason }),
        };
        let path = format!(
            "orders/{}/sessions/{}/set-tickets",
            name(&order.user_session)?,
            seating.session
        );
        let call = Call::post("set_tickets", path, set_tickets_body(&placed));
        match self.order_reply(call, on).await? {
            OrderReply::Order { order: shown, snapshot } => {
                if shown.reference() != *order || shown.places() != places(&placed) {
                    return Err(Error::unknown("vista set_tickets: not the seats asked for"));
                }
                Ok(HoldAnswer::Held(snapshot))
            }
            OrderReply::No { code: Some(UNEXPECTED), .. }
            | OrderReply::No { status: StatusCode::INTERNAL_SERVER_ERROR, code: None } => {
                self.look_why(order, &key, &placed, on).await
            }
            OrderReply::No { status, code } => refusal(status, code),
        }
    }

    /// Some versions call a taken seat an unexpected error. Whether it is one, the seats themselves say.
    async fn look_why(
        &self,
        order: &OrderRef,
        key: &Key,
        placed: &[Placed<'_>],
        on: As,
    ) -> Result<HoldAnswer, Error> {
        let wanted = places(placed);
        match self.read_order(order, on).await? {
            None => return Ok(HoldAnswer::OrderGone),
            Some((shown, snapshot)) if shown.places() == wanted => {
                return Ok(HoldAnswer::Held(snapshot));
            }
            Some(_) => {}
        }
        let layout = match self.read_layout(key, on).await? {
            Ok(layout) => layout,
            Err(code) => return Ok(closed(code)),
        };
        let geometry = layout.geometry();
        let free: BTreeSet<Place> = layout
            .plan()
            .areas
            .iter()
            .flat_map(|area| &area.rows)
            .flat_map(|row| &row.seats)
            .filter(|seat| seat.status == SeatStatus::Free)
            .filter_map(|seat| geometry.get(&seat.id)?.as_ref().map(|(place, _)| *place))
            .collect();
        if wanted.is_subset(&free) {
            return Err(Error::unknown(
                "vista set_tickets: an unexpected error, and the seats are free",
            ));
        }
        Ok(HoldAnswer::SeatsTaken)
    }

    /// Where the seats are and what they cost as: remembered, or read once more if what is asked for is not in it.
    async fn sale(
        &self,
        key: &Key,
        seating: &Seating,
        on: As,
    ) -> Result<Readable<(Arc<Geometry>, Arc<Vec<TicketType>>)>, Error> {
        let remembered = self.geometry.get(key).zip(self.ticket_types.get(key));
        if let Some((geometry, types)) = remembered
            && place(seating, &geometry, &types).is_ok()
        {
            return Ok(Ok((geometry, types)));
        }
        let (layout, types) =
            tokio::join!(self.read_layout(key, on), self.read_ticket_types(key, on));
        let (layout, types) = (layout?, types?);
        Ok(layout.and_then(|layout| {
            let geometry = self.geometry.get(key).unwrap_or_else(|| Arc::new(layout.geometry()));
            Ok((geometry, types?))
        }))
    }

    async fn read_layout(&self, key: &Key, on: As) -> Result<Readable<SeatLayout>, Error> {
        let path = sale_path(key, "seat-plan");
        let body = match self.reading("seat_plan", path, on).await? {
            Ok(body) => body,
            Err(code) => return Ok(Err(code)),
        };
        let layout = body.get("SeatLayoutData").cloned().unwrap_or_default();
        let layout: SeatLayout = wire::parse("seat plan", layout)?;
        self.geometry.put(key.clone(), layout.geometry());
        Ok(Ok(layout))
    }

    async fn read_ticket_types(
        &self,
        key: &Key,
        on: As,
    ) -> Result<Readable<Arc<Vec<TicketType>>>, Error> {
        let path = sale_path(key, "tickets");
        let body = match self.reading("ticket_types", path, on).await? {
            Ok(body) => body,
            Err(code) => return Ok(Err(code)),
        };
        let tickets = body.get("Tickets").cloned().unwrap_or_default();
        let tickets: Vec<Ticket> = wire::parse("ticket types", tickets)?;
        let types = tickets.into_iter().map(TicketType::from).collect();
        Ok(Ok(self.ticket_types.put(key.clone(), types)))
    }

    /// A reading of a session. Codes that say "not this one" are values.
    async fn reading(
        &self,
        asked: &'static str,
        path: String,
        on: As,
    ) -> Result<Readable<Value>, Error> {
        let channel = self.client_class(on.platform).to_owned();
        let call = Call::get(asked, path).query("salesChannelFilter", channel);
        let reply = read_reply(&self.ask(call, on).await?, "ResponseCode")?;
        if reply.code == OK {
            return Ok(Ok(reply.body));
        }
        match result_codes::class(reply.code, Operation::Elsewhere) {
            Class::Terminal => Ok(Err(reply.code)),
            Class::Success | Class::Safe | Class::Ambiguous | Class::Configuration => {
                Err(result_codes::no_answer(asked, reply.code, Operation::Elsewhere))
            }
        }
    }
}

fn sale_path((_, cinema, session): &Key, what: &str) -> String {
    format!("RESTData.svc/cinemas/{cinema}/sessions/{session}/{what}")
}

/// Each wanted seat with its place, or what is wrong with the wish.
fn place<'a>(
    seating: &'a Seating,
    geometry: &Geometry,
    types: &[TicketType],
) -> Result<Vec<Placed<'a>>, String> {
    let by_code: BTreeMap<&str, &TicketType> =
        types.iter().map(|kind| (kind.code.as_str(), kind)).collect();
    let one = |wanted: &'a SeatRequest| {
        let SeatRequest { seat, ticket_type } = wanted;
        let (place, category) = match geometry.get(seat) {
            Some(Some(known)) => known,
            Some(None) => return Err(format!("seat {seat} is not the only one of that name")),
            None => return Err(format!("there is no seat {seat}")),
        };
        let kind = by_code
            .get(ticket_type.as_str())
            .ok_or_else(|| format!("there is no ticket type {ticket_type}"))?;
        if kind.area_category.as_ref().is_some_and(|area| area != category) {
            return Err(format!("ticket type {ticket_type} is not for seat {seat}"));
        }
        Ok(Placed { place: *place, ticket_type })
    };
    let placed: Vec<Placed<'a>> = seating.seats.iter().map(one).collect::<Result<_, _>>()?;
    if placed.is_empty() || places(&placed).len() != placed.len() {
        return Err("no seat, or one seat twice".to_owned());
    }
    Ok(placed)
}

fn places(placed: &[Placed<'_>]) -> BTreeSet<Place> {
    placed.iter().map(|seat| seat.place).collect()
}

/// The list price goes unsaid: an override needs a permission, and the order's total is compared anyway.
fn set_tickets_body(placed: &[Placed<'_>]) -> Value {
    let ticket = |seat: &Placed<'_>| {
        json!({"ticketDetails": {"ticketTypeCode": seat.ticket_type}, "seats": [{
            "areaNumber": seat.place.area, "rowIndex": seat.place.row,
            "columnIndex": seat.place.column}]})
    };
    let tickets: Vec<Value> = placed.iter().map(ticket).collect();
    json!({"tickets": tickets})
}

/// A session that cannot be read has no seats to hold, for one reason or the other.
const fn closed(code: i64) -> HoldAnswer {
    match code {
        SOLD_OUT => HoldAnswer::SeatsTaken,
        code => HoldAnswer::SessionClosed { code },
    }
}

/// The newer surface's no. Its body may be missing; then the status has to do.
fn refusal(status: StatusCode, code: Option<i64>) -> Result<HoldAnswer, Error> {
    match (code, status) {
        (Some(SEATS_UNAVAILABLE | NOT_CONTIGUOUS | SOLD_OUT), _) | (None, StatusCode::CONFLICT) => {
            Ok(HoldAnswer::SeatsTaken)
        }
        (Some(code @ (SESSION_UNAVAILABLE | NOT_ON_SALE | SITE_NOT_FOUND)), _) => {
            Ok(HoldAnswer::SessionClosed { code })
        }
        (Some(NO_SUCH_ORDER), _) | (None, StatusCode::NOT_FOUND | StatusCode::GONE) => {
            Ok(HoldAnswer::OrderGone)
        }
        (Some(code), _) if result_codes::class(code, Operation::Elsewhere) == Class::Terminal => {
            let reason = format!("vista refuses: {code} {}", result_codes::name(code));
            Ok(HoldAnswer::Invalid { reason })
        }
        (None, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY) => {
            Ok(HoldAnswer::Invalid { reason: format!("vista refuses: HTTP {}", status.as_u16()) })
        }
        (code, status) => Err(no_order("set_tickets", status, code)),
    }
}

/// What failed came before anything was set.
fn nothing_set(error: Error) -> Error {
    match error {
        Error::Unknown { reason } => Error::unavailable(reason),
        Error::Unavailable { .. } | Error::Refused { .. } | Error::Forged { .. } => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::money::Money;

    fn types() -> Vec<TicketType> {
        let kind = |code: &str, area: &str| TicketType {
            code: code.to_owned(),
            name: code.to_owned(),
            name_alt: None,
            area_category: Some(area.to_owned()),
            price: Money::sar(5_750),
        };
        vec![kind("0001", "standard"), kind("0002", "premium")]
    }

    fn geometry() -> Geometry {
        let seat = |column| Some((Place { area: 1, row: 0, column }, "standard".to_owned()));
        let named = |name: &str, seat| (name.to_owned(), seat);
        Geometry::from([named("A1", seat(0)), named("A2", seat(1)), named("B1", None)])
    }

    fn wish(seats: &[(&str, &str)]) -> Seating {
        let one = |(seat, kind): &(&str, &str)| SeatRequest {
            seat: (*seat).to_owned(),
            ticket_type: (*kind).to_owned(),
        };
        Seating { session: "1".to_owned(), seats: seats.iter().map(one).collect() }
    }

    #[test]
    fn a_wish_is_placed_or_told_what_is_wrong_with_it() {
        let reason = |seats: &[(&str, &str)]| {
            place(&wish(seats), &geometry(), &types()).map(|placed| placed.len())
        };
        assert_eq!(reason(&[("A1", "0001"), ("A2", "0001")]), Ok(2));
        for broken in [
            &[][..],
            &[("A1", "0001"), ("A1", "0001")],
            &[("C9", "0001")],
            &[("B1", "0001")],
            &[("A1", "9999")],
            &[("A1", "0002")],
        ] {
            assert!(reason(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn a_no_is_read_from_its_code_first_and_from_its_status_else() {
        let answer = |status: u16, code| refusal(StatusCode::from_u16(status).unwrap(), code);
        for (status, code) in
            [(409, None), (409, Some(8)), (200, Some(8)), (409, Some(67)), (200, Some(31))]
        {
            assert_eq!(answer(status, code).unwrap(), HoldAnswer::SeatsTaken);
        }
        assert_eq!(answer(409, Some(51)).unwrap(), HoldAnswer::SessionClosed { code: 51 });
        for (status, code) in [(404, None), (410, None), (404, Some(62)), (200, Some(62))] {
            assert_eq!(answer(status, code).unwrap(), HoldAnswer::OrderGone);
        }
        for (status, code) in [(400, None), (400, Some(4)), (400, Some(68)), (400, Some(87))] {
            assert!(matches!(answer(status, code), Ok(HoldAnswer::Invalid { .. })));
        }
        for (status, code) in
            [(502, None), (503, None), (409, Some(83)), (302, None), (500, Some(2))]
        {
            assert!(
                matches!(answer(status, code), Err(Error::Unknown { .. })),
                "{status} {code:?}"
            );
        }
    }
}
