//! What became of an order whose completion was not answered. Asked, never guessed from a failure.
//!
//! Vista answers 62 both for "expired" and for "completed and purged", and no version has every look-up: so the order
//! is read first, and the bookings after it. An order that was gone before its bookings were looked for, and has none
//! then, has none; the other way round a booking made in between would be missed.

use super::{
    As, Vista,
    answers::{Fate, OrderRef, PaymentNote, VistaBooking},
    read_reply,
    result_codes::{
        self, BOOKING_NOT_FOUND, BOOKING_NOT_IDENTIFIED, Class, NO_SUCH_ORDER, OK, ORDER_REFUNDED,
        Operation,
    },
    wire::{self, Booking, OrderSummary},
};
use crate::{error::Error, http::Call};
use schema::provider::Platform;
use serde_json::json;
use std::time::Duration;

/// What the look-ups show of an order's booking.
enum Shown {
    Standing(VistaBooking),
    Cancelled,
    Nothing,
    Unclear(String),
}

/// What `bookingstatus` says.
enum Told {
    /// A booking with this number.
    Number(String),
    Nothing,
    /// It has become a booking that was given back, without saying which.
    Refunded,
    /// Being completed, or several orders match.
    Unclear(String),
}

impl Vista {
    /// Decides by asking. `Gone` and `Open` are as fresh as Vista's look-ups: whoever needs proof of absence waits out
    /// their lag and asks twice.
    pub async fn order_fate(
        &self,
        platform: Platform,
        order: &OrderRef,
        note: &PaymentNote,
        within: Duration,
    ) -> Result<Fate, Error> {
        let on = As::new(platform, within);
        let open = self.read_order(order, on).await?.is_some();
        Ok(match (self.booking_of(order, note, on).await?, open) {
            (Shown::Standing(booking), _) => Fate::Booked(booking),
            (Shown::Unclear(reason), _) => Fate::Unclear { reason },
            (Shown::Cancelled, true) => {
                Fate::Unclear { reason: "a cancelled booking of an open order".to_owned() }
            }
            (Shown::Nothing, true) => Fate::Open,
            (Shown::Nothing | Shown::Cancelled, false) => Fate::Gone,
        })
    }

    /// The order's booking, by every look-up there is until one shows it.
    async fn booking_of(
        &self,
        order: &OrderRef,
        note: &PaymentNote,
        on: As,
    ) -> Result<Shown, Error> {
        let mut refunded = false;
        match self.booking_status(order, on).await? {
            Told::Number(number) => {
                let asked = json!({"CinemaId": order.cinema, "BookingNumber": number});
                return Ok(match self.look_up_booking(asked, on).await? {
                    Some(booking) => judge(&booking, order, note),
                    None => Shown::Unclear("a booking is named that cannot be read".to_owned()),
                });
            }
            Told::Unclear(reason) => return Ok(Shown::Unclear(reason)),
            Told::Refunded => refunded = true,
            Told::Nothing => {}
        }
        let asked = json!({"CinemaId": order.cinema, "UserSessionId": order.user_session});
        if let Some(booking) = self.look_up_booking(asked, on).await? {
            return Ok(judge(&booking, order, note));
        }
        let found = self.find_bookings(&order.cinema, &wire::address(note), on).await?;
        let mut ours = found.iter().map(|booking| judge(booking, order, note));
        Ok(match (ours.next(), ours.next()) {
            (None, _) if refunded => Shown::Cancelled,
            (None, _) => Shown::Nothing,
            (Some(one), None) => one,
            (Some(_), Some(_)) => Shown::Unclear("several bookings bear our mark".to_owned()),
        })
    }

    /// `QueryOrderBookingStatus`, where the version has it under a path: a 404 says only that it has not.
    async fn booking_status(&self, order: &OrderRef, on: As) -> Result<Told, Error> {
        let body = json!({"UserSessionId": order.user_session,
            "OptionalClientClass": self.client_class(on.platform)});
        let path = "RESTTicketing.svc/order/bookingstatus";
        let answer = self.ask(Call::post("booking_status", path, body), on).await?;
        if matches!(answer.status.as_u16(), 404 | 405) {
            return Ok(Told::Nothing);
        }
        let reply = read_reply(&answer, "ResponseCode")?;
        let summary = reply.body.get("OrderSummary").filter(|summary| !summary.is_null()).cloned();
        let summary: Option<OrderSummary> =
            summary.map(|summary| wire::parse("order summary", summary)).transpose()?;
        // A number alone is no proof: Vista may reserve one while the order is still open.
        let booked = summary.filter(|summary| summary.id.is_some()).and_then(|it| it.number);
        match (reply.code, booked) {
            (OK | ORDER_REFUNDED, Some(number)) => Ok(Told::Number(number)),
            (ORDER_REFUNDED, None) => Ok(Told::Refunded),
            (OK | NO_SUCH_ORDER | BOOKING_NOT_FOUND | BOOKING_NOT_IDENTIFIED, _) => {
                Ok(Told::Nothing)
            }
            (code, _) => match result_codes::class(code, Operation::Elsewhere) {
                Class::Ambiguous => {
                    Ok(Told::Unclear(format!("{code} {}", result_codes::name(code))))
                }
                Class::Terminal => Ok(Told::Nothing),
                Class::Success | Class::Safe | Class::Configuration => {
                    Err(result_codes::no_answer("booking_status", code, Operation::Elsewhere))
                }
            },
        }
    }
}

/// Whether a booking that a look-up shows is this order's, and stands.
fn judge(booking: &Booking, order: &OrderRef, note: &PaymentNote) -> Shown {
    let Some(state) = booking.state(&order.cinema) else {
        return Shown::Unclear("a booking of another cinema, or without ids".to_owned());
    };
    match booking.is_of(order, note) {
        Some(false) => Shown::Unclear("the look-up shows somebody else's booking".to_owned()),
        Some(true) | None if state.cancelled => Shown::Cancelled,
        Some(true) => Shown::Standing(state.booking),
        None if state.current_value == note.total => Shown::Standing(state.booking),
        None => Shown::Unclear("a booking of another value, without our mark".to_owned()),
    }
}
