//! Vista's JSON, and how it becomes our words.
//!
//! The status of an answer of the older surface stands under `Result`, `ResultCode` or `ResponseCode`, by endpoint, and
//! beside it `Extended…`. Success is a number 0 there, and nothing else is: a missing status is a broken answer.

use super::{
    answers::{BookingState, OrderRef, OrderSnapshot, PaymentNote, VistaBooking},
    is_plain,
    result_codes::{self, Class, Operation},
};
use crate::error::Error;
use chrono::{DateTime, Utc};
use schema::money::Money;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The status of an answer of the older surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    main: i64,
    extended: i64,
}

impl Status {
    pub(super) fn read(body: &Value, key: &str) -> Result<Self, Error> {
        let main = body
            .get(key)
            .and_then(Value::as_i64)
            .ok_or_else(|| Error::unknown(format!("vista: an answer without {key}")))?;
        let extended = match body.get("ExtendedResultCode").or(body.get("ExtendedResponseCode")) {
            None | Some(Value::Null) => 0,
            Some(code) => code
                .as_i64()
                .ok_or_else(|| Error::unknown("vista: an extended code that is no number"))?,
        };
        Ok(Self { main, extended })
    }

    /// The code that says most. Older versions know 0–29 only, and put newer ones beside a plain 1.
    pub(super) fn code(self) -> i64 {
        let plain = matches!(self.main, result_codes::OK | result_codes::UNEXPECTED);
        if plain && self.extended != 0 { self.extended } else { self.main }
    }

    /// The code that leaves most open, for completing: two codes that differ are no proof.
    pub(super) fn completing_code(self) -> i64 {
        let ambiguous = |code| result_codes::class(code, Operation::Completing) == Class::Ambiguous;
        if self.extended != 0 && ambiguous(self.extended) { self.extended } else { self.code() }
    }
}

/// The code in an error's body of the newer surface, if it has one that can be read.
pub(super) fn error_code(body: &Value) -> Option<i64> {
    let named = body
        .get("errorCode")
        .and_then(|code| code.as_i64().or_else(|| result_codes::named(code.as_str()?)));
    let keys = ["Result", "ResultCode", "ResponseCode"];
    let status = || keys.iter().find_map(|key| Status::read(body, key).ok()).map(Status::code);
    named.or_else(status).filter(|code| *code != result_codes::OK)
}

pub(super) fn parse<T: DeserializeOwned>(what: &str, body: Value) -> Result<T, Error> {
    serde_json::from_value(body)
        .map_err(|error| Error::unknown(format!("vista: unreadable {what}: {error}")))
}

/// Text that some versions send as a number. Empty text, zero and null are nothing.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) if text.is_empty() || text == "0" => None,
        Value::String(text) => Some(text),
        Value::Number(number) if number.as_i64() != Some(0) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    })
}

/// `"1"`, `1` or `true`; anything unreadable is an error, because it decides whether a booking stands.
fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match Value::deserialize(from)? {
        Value::Bool(flag) => Ok(flag),
        Value::String(text) if text == "0" || text == "1" => Ok(text == "1"),
        Value::Number(number) if number.as_i64().is_some() => Ok(number.as_i64() != Some(0)),
        Value::Null | Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(serde::de::Error::custom("neither 0 nor 1"))
        }
    }
}

/// Null where a list was meant.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

#[derive(Deserialize)]
pub(super) struct OrderEnvelope {
    pub(super) order: Order,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Order {
    cinema_id: String,
    pub(super) user_session_id: String,
    #[serde(rename = "orderTotalValueInCents")]
    total_in_cents: i64,
    expiry_date_utc: Option<String>,
    #[serde(default, deserialize_with = "list")]
    sessions: Vec<OrderSession>,
}

#[derive(Deserialize)]
struct OrderSession {
    #[serde(default, deserialize_with = "list")]
    tickets: Vec<OrderTicket>,
}

#[derive(Deserialize)]
struct OrderTicket {
    #[serde(default, deserialize_with = "list")]
    seats: Vec<OrderSeat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderSeat {
    area_number: i64,
    row_index: i64,
    column_index: i64,
    #[serde(default, deserialize_with = "text")]
    row_display: Option<String>,
    #[serde(default, deserialize_with = "text")]
    column_display: Option<String>,
}

/// Where a seat is: area, row, column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) area: i64,
    pub(super) row: i64,
    pub(super) column: i64,
}

impl Order {
    pub(super) fn reference(&self) -> OrderRef {
        let user_session = self.user_session_id.clone();
        OrderRef { cinema: self.cinema_id.clone(), user_session }
    }

    fn seats(&self) -> impl Iterator<Item = &OrderSeat> {
        self.sessions.iter().flat_map(|session| &session.tickets).flat_map(|ticket| &ticket.seats)
    }

    pub(super) fn places(&self) -> BTreeSet<Place> {
        let place = |seat: &OrderSeat| Place {
            area: seat.area_number,
            row: seat.row_index,
            column: seat.column_index,
        };
        self.seats().map(place).collect()
    }

    /// `now` is the server's clock.
    pub(super) fn snapshot(&self, now: DateTime<Utc>) -> Result<OrderSnapshot, Error> {
        if self.total_in_cents < 0 {
            return Err(Error::unknown("vista: an order with a negative total"));
        }
        let left = match self.expiry_date_utc.as_deref() {
            None => None,
            Some(text) => {
                let at = DateTime::parse_from_rfc3339(text)
                    .map_err(|_| Error::unknown("vista: an order with an unreadable expiry"))?;
                let left = (at.to_utc() - now).num_milliseconds();
                Some(u64::try_from(left).unwrap_or_default())
            }
        };
        let name = |seat: &OrderSeat| {
            format!(
                "{}{}",
                painted(seat.row_display.as_deref()),
                painted(seat.column_display.as_deref())
            )
        };
        let mut seats: Vec<String> = self.seats().map(name).collect();
        seats.sort();
        let total = Money::sar(self.total_in_cents);
        Ok(OrderSnapshot { total, expires_in_ms: left, seats })
    }
}

/// What is painted on a row or a seat; what cannot be is not repeated.
fn painted(text: Option<&str>) -> &str {
    let short = |text: &&str| text.chars().count() <= 4 && text.chars().all(char::is_alphanumeric);
    text.filter(short).unwrap_or("?")
}

/// What completing asks: the money was taken elsewhere, so Vista only books it. Our marks are written wherever a
/// look-up or a person can see them; the address can never be delivered to (RFC 2606).
pub(super) fn completion(order: &OrderRef, note: &PaymentNote, client_class: &str) -> Value {
    let payment = note.payment.map(|payment| {
        json!({"PaymentValueCents": note.total.amount_minor,
            "PaymentTenderCategory": "CREDIT", "BillFullOutstandingAmount": false,
            "BankReference": payment.bare(), "PaymentSystemId": "-"})
    });
    json!({"UserSessionId": order.user_session, "PerformPayment": false, "BookingMode": 0,
        "UnpaidBooking": false, "PaymentInfo": payment, "CustomerEmail": address(note),
        "SendBookingConfirmationEmail": false, "GeneratePrintStream": false,
        "ReturnPrintStream": false, "BookingNotes": mark(note),
        "OptionalClientClass": client_class})
}

/// How a booking of ours is marked at Vista.
pub(super) fn mark(note: &PaymentNote) -> String {
    format!("usher:{}", note.booking.bare())
}

pub(super) fn address(note: &PaymentNote) -> String {
    format!("{}@usher.invalid", note.booking.bare().to_lowercase())
}

#[derive(Deserialize)]
pub(super) struct Completed {
    #[serde(rename = "CinemaID", default, deserialize_with = "text")]
    cinema: Option<String>,
    #[serde(rename = "VistaBookingNumber", default, deserialize_with = "text")]
    number: Option<String>,
    #[serde(rename = "VistaBookingId", default, deserialize_with = "text")]
    id: Option<String>,
}

impl Completed {
    pub(super) fn booking(self, order: &OrderRef) -> Option<VistaBooking> {
        let same = self.cinema.is_none_or(|cinema| cinema == order.cinema);
        let (booking_id, booking_number) = names(self.id, self.number)?;
        let cinema = order.cinema.clone();
        same.then_some(VistaBooking { booking_id, booking_number, cinema })
    }
}

/// A booking's id and number. What could be no name in a path, a row or a QR is none.
fn names(id: Option<String>, number: Option<String>) -> Option<(String, String)> {
    id.filter(|id| is_plain(id)).zip(number.filter(|number| is_plain(number)))
}

#[derive(Deserialize)]
pub(super) struct OrderSummary {
    #[serde(rename = "VistaBookingNumber", default, deserialize_with = "text")]
    pub(super) number: Option<String>,
    #[serde(rename = "VistaBookingId", default, deserialize_with = "text")]
    pub(super) id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Booking {
    #[serde(rename = "BookingNumber", default, deserialize_with = "text")]
    number: Option<String>,
    #[serde(rename = "BookingId", default, deserialize_with = "text")]
    id: Option<String>,
    cinema_id: Option<String>,
    user_session_id: Option<String>,
    #[serde(rename = "BookingNotes")]
    notes: Option<String>,
    is_paid: bool,
    #[serde(deserialize_with = "flag")]
    cancelled_status: bool,
    current_value_in_cents: i64,
    #[serde(default, deserialize_with = "list")]
    tickets: Vec<BookedTicket>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BookedTicket {
    refund_group_number: i64,
    #[serde(deserialize_with = "flag")]
    refunded_status: bool,
}

impl Booking {
    /// `None`: it is of another cinema, or has no ids to go by.
    pub(super) fn state(&self, cinema: &str) -> Option<BookingState> {
        if self.cinema_id.as_deref().is_some_and(|shown| shown != cinema) {
            return None;
        }
        let (booking_id, booking_number) = names(self.id.clone(), self.number.clone())?;
        let open = self.tickets.iter().filter(|ticket| !ticket.refunded_status);
        let groups: BTreeSet<i64> = open.map(|ticket| ticket.refund_group_number).collect();
        Some(BookingState {
            booking: VistaBooking { booking_id, booking_number, cinema: cinema.to_owned() },
            paid: self.is_paid,
            cancelled: self.cancelled_status,
            current_value: Money::sar(self.current_value_in_cents),
            ticket_groups: groups.into_iter().collect(),
        })
    }

    /// Whether this booking came of this order: by the order's name or by our mark. `None`: it shows neither.
    pub(super) fn is_of(&self, order: &OrderRef, note: &PaymentNote) -> Option<bool> {
        let by_order = self.user_session_id.as_deref().filter(|shown| !shown.is_empty());
        let by_mark = self.notes.as_deref().filter(|shown| !shown.is_empty());
        by_order
            .map(|shown| shown.eq_ignore_ascii_case(&order.user_session))
            .or_else(|| by_mark.map(|shown| shown.contains(&mark(note))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_zero_is_success() {
        for body in
            ["{}", "null", "[]", r#"{"Result":"0"}"#, r#"{"Result":null}"#, r#"{"ResultCode":0}"#]
        {
            let body: Value = serde_json::from_str(body).unwrap();
            assert!(matches!(Status::read(&body, "Result"), Err(Error::Unknown { .. })), "{body}");
        }
        let status = |main: i64, extended: Value| {
            Status::read(&json!({"Result": main, "ExtendedResultCode": extended}), "Result")
        };
        assert_eq!(status(0, Value::Null).unwrap().code(), 0);
        assert_eq!(status(0, json!(62)).unwrap().code(), 62);
        assert_eq!(status(1, json!(62)).unwrap().code(), 62);
        assert_eq!(status(8, json!(8)).unwrap().code(), 8);
        assert_eq!(status(8, json!(83)).unwrap().completing_code(), 83);
        assert!(status(0, json!("x")).is_err());
    }

    #[test]
    fn seven_digits_of_a_second_are_read() {
        let order = json!({"order": {"cinemaId": "0001", "userSessionId": "a", "sessions": null,
            "orderTotalValueInCents": 0, "expiryDateUtc": "2026-11-21T08:10:00.5912687Z"}});
        let order: OrderEnvelope = parse("order", order).unwrap();
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let left = |now| order.order.snapshot(at(now)).unwrap().expires_in_ms;
        assert_eq!(left("2026-11-21T08:00:00Z"), Some(600_591));
        assert_eq!(left("2026-11-21T08:20:00Z"), Some(0));
    }

    #[test]
    fn whether_a_booking_stands_is_never_guessed() {
        let booking = |status: Value| {
            json!({"BookingNumber": 27573, "BookingId": "WNZW39Q", "IsPaid": true,
                "CancelledStatus": status, "CurrentValueInCents": 11500, "Tickets": [
                {"RefundGroupNumber": 1, "RefundedStatus": "1"},
                {"RefundGroupNumber": 2, "RefundedStatus": "0"},
                {"RefundGroupNumber": 2, "RefundedStatus": "0"}]})
        };
        let state = |status| parse::<Booking>("booking", booking(status)).map(|it| it.state("1"));
        let open = state(json!("0")).unwrap().unwrap();
        assert_eq!((open.cancelled, open.ticket_groups), (false, vec![2]));
        assert!(state(json!("1")).unwrap().unwrap().cancelled);
        for broken in [Value::Null, json!("yes"), json!([])] {
            assert!(state(broken).is_err());
        }
    }
}
