//! Bookings: read, found, and given back. Giving back is proven by reading, never by what the verb answered.

use super::{
    As, Reply, Vista, after_effect,
    answers::{BookingState, ReleaseAnswer, VerbAnswer, VistaBooking},
    result_codes::{
        self, BOOKING_ALREADY_CANCELLED, BOOKING_IS_PAID, BOOKING_NOT_FOUND,
        BOOKING_NOT_IDENTIFIED, Class, OK, ORDER_REFUNDED, Operation,
    },
    wire::{self, Booking},
};
use crate::{error::Error, http::Call};
use schema::provider::Platform;
use serde_json::{Value, json};
use std::time::Duration;

/// A refund is asked for twice at most: the second time with the value as it then is.
const REFUNDS: usize = 2;

impl Vista {
    /// The booking as it stands. `None`: Vista knows no such booking.
    pub async fn get_booking(
        &self,
        platform: Platform,
        booking: &VistaBooking,
        within: Duration,
    ) -> Result<Option<BookingState>, Error> {
        self.read_booking(booking, As::new(platform, within)).await
    }

    /// Bookings made under this address in this cinema, cancelled ones too.
    pub async fn search_bookings(
        &self,
        platform: Platform,
        cinema: &str,
        email: &str,
        within: Duration,
    ) -> Result<Vec<BookingState>, Error> {
        let found = self.find_bookings(cinema, email, As::new(platform, within)).await?;
        Ok(found.iter().filter_map(|booking| booking.state(cinema)).collect())
    }

    /// Cancels an unpaid booking. Believe only what is read back.
    pub async fn cancel_booking(
        &self,
        platform: Platform,
        booking: &VistaBooking,
        within: Duration,
    ) -> Result<VerbAnswer, Error> {
        self.cancel(booking, As::new(platform, within)).await
    }

    /// Gives back what is left of a paid booking, all tickets. Vista only keeps books here: the money it writes off is
    /// ours to return. Believe only what is read back.
    pub async fn refund_booking(
        &self,
        platform: Platform,
        booking: &BookingState,
        within: Duration,
    ) -> Result<VerbAnswer, Error> {
        self.write_off(booking, As::new(platform, within)).await
    }

    /// Gives a booking back, whatever its state, and frees its seats. May be repeated at any point.
    pub async fn release_booking(
        &self,
        platform: Platform,
        booking: &VistaBooking,
        within: Duration,
    ) -> Result<ReleaseAnswer, Error> {
        let on = As::new(platform, within);
        match self.read_booking(booking, on).await? {
            None => return Ok(ReleaseAnswer::NotFound),
            Some(state) if state.cancelled => return Ok(ReleaseAnswer::Released),
            Some(_) => {}
        }
        let mut said = match self.cancel(booking, on).await {
            Err(Error::Unknown { .. }) => None,
            answer => Some(answer?),
        };
        for _ in 0..REFUNDS {
            let Some(state) = self.read_booking(booking, on).await.map_err(after_effect)? else {
                return Err(Error::unknown("vista release_booking: shown, then not shown"));
            };
            if state.cancelled {
                return Ok(ReleaseAnswer::Released);
            }
            if !state.paid && said != Some(VerbAnswer::Paid) {
                break;
            }
            said = match self.write_off(&state, on).await {
                Err(Error::Unknown { .. }) => None,
                answer => Some(answer.map_err(after_effect)?),
            };
        }
        match self.read_booking(booking, on).await.map_err(after_effect)? {
            Some(state) if state.cancelled => Ok(ReleaseAnswer::Released),
            Some(_) => rejection(said),
            None => Err(Error::unknown("vista release_booking: shown, then not shown")),
        }
    }

    async fn read_booking(
        &self,
        booking: &VistaBooking,
        on: As,
    ) -> Result<Option<BookingState>, Error> {
        let asked = json!({"CinemaId": booking.cinema, "BookingNumber": booking.booking_number});
        let Some(shown) = self.look_up_booking(asked, on).await? else { return Ok(None) };
        let state = shown.state(&booking.cinema).filter(|state| state.booking == *booking);
        state.map(Some).ok_or_else(|| Error::unknown("vista get_booking: not the one asked for"))
    }

    /// A booking by whatever names it. `None`: Vista knows none.
    pub(super) async fn look_up_booking(
        &self,
        asked: Value,
        on: As,
    ) -> Result<Option<Booking>, Error> {
        let call = Call::post("get_booking", "RESTBooking.svc/booking", asked);
        let reply = self.reply(call, "ResultCode", on).await?;
        if !found(&reply, "get_booking")? {
            return Ok(None);
        }
        let shown = reply.body.get("Booking").cloned().unwrap_or_default();
        wire::parse("booking", shown).map(Some)
    }

    pub(super) async fn find_bookings(
        &self,
        cinema: &str,
        email: &str,
        on: As,
    ) -> Result<Vec<Booking>, Error> {
        let asked = json!({"CinemaId": cinema, "Email": email,
            "ReturnTransactionStatusInfoIfSingleBookingMatch": true});
        let call = Call::post("search_bookings", "RESTBooking.svc/booking/search", asked);
        let reply = self.reply(call, "ResultCode", on).await?;
        if !found(&reply, "search_bookings")? {
            return Ok(Vec::new());
        }
        let part = |name: &str| reply.body.get(name).filter(|part| !part.is_null()).cloned();
        let single =
            part("SingleBookingMatch").map(|one| wire::parse("booking", one)).transpose()?;
        let several = part("BookingSearchResults").unwrap_or_else(|| Value::Array(Vec::new()));
        let several: Vec<Booking> = wire::parse("bookings", several)?;
        Ok(single.into_iter().chain(several).collect())
    }

    async fn cancel(&self, booking: &VistaBooking, on: As) -> Result<VerbAnswer, Error> {
        let asked = json!({"CinemaId": booking.cinema, "BookingNumber": booking.booking_number});
        let call = Call::post("cancel_booking", "RESTBooking.svc/booking/cancel", asked);
        let reply = self.reply(call, "Result", on).await?;
        verb_answer("cancel_booking", &reply)
    }

    async fn write_off(&self, state: &BookingState, on: As) -> Result<VerbAnswer, Error> {
        let asked = json!({"CinemaId": state.booking.cinema,
            "BookingNumber": state.booking.booking_number,
            "RefundGroupNumbers": state.ticket_groups,
            "RefundAmount": state.current_value.amount_minor});
        let call = Call::post("refund_booking", "RESTBooking.svc/booking/refund", asked);
        let reply = self.reply(call, "ResultCode", on).await?;
        verb_answer("refund_booking", &reply)
    }
}

/// Whether the answer shows a booking. Several codes say that there is none.
fn found(reply: &Reply, asked: &str) -> Result<bool, Error> {
    match reply.code {
        OK => Ok(true),
        BOOKING_NOT_FOUND | BOOKING_NOT_IDENTIFIED | result_codes::NO_SUCH_ORDER => Ok(false),
        code => Err(result_codes::no_answer(asked, code, Operation::Elsewhere)),
    }
}

fn verb_answer(asked: &str, reply: &Reply) -> Result<VerbAnswer, Error> {
    match reply.code {
        OK | BOOKING_ALREADY_CANCELLED | ORDER_REFUNDED => Ok(VerbAnswer::Done),
        BOOKING_NOT_FOUND | BOOKING_NOT_IDENTIFIED => Ok(VerbAnswer::NotFound),
        BOOKING_IS_PAID => Ok(VerbAnswer::Paid),
        code if result_codes::class(code, Operation::Elsewhere) == Class::Terminal => {
            Ok(VerbAnswer::Rejected { code })
        }
        code => Err(result_codes::no_answer(asked, code, Operation::Elsewhere)),
    }
}

/// The booking stands, read back. What was said last tells whether that is final.
fn rejection(said: Option<VerbAnswer>) -> Result<ReleaseAnswer, Error> {
    let code = match said {
        Some(VerbAnswer::Rejected { code }) => code,
        Some(VerbAnswer::Paid) => BOOKING_IS_PAID,
        Some(VerbAnswer::Done | VerbAnswer::NotFound) | None => {
            return Err(Error::unknown("vista release_booking: the booking still stands"));
        }
    };
    Ok(ReleaseAnswer::Rejected { code, name: result_codes::name(code).to_owned() })
}
