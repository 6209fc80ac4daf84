//! Bookings looked up: by number, id, order or contact.

use super::Vista;
use super::bookings::Booking;
use super::codes::{self, refuse};
use crate::clock;
use crate::faults::Call;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use serde::Deserialize;
use serde_json::{Value, json};

const FOUND_LIMIT: usize = 100;

/// How a booking is asked for. Numbers come as text or as numbers.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Asked {
    pub cinema_id: Option<String>,
    pub booking_number: Value,
    pub booking_id: Option<String>,
    pub user_session_id: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub session_date: Option<String>,
    pub booking_date: Option<String>,
    pub refund_group_numbers: Vec<usize>,
    pub refund_amount: Option<i64>,
}

impl Asked {
    pub(super) fn number(&self) -> Option<u64> {
        self.booking_number.as_u64().or_else(|| self.booking_number.as_str()?.parse().ok())
    }
}

fn filled(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

impl Vista {
    pub(super) fn find(&self, asked: &Asked, by_usid: bool) -> Option<&Booking> {
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

    pub(super) fn get_booking(&self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let switches = &self.desk.switches;
        let Ok(asked) = serde_json::from_slice::<Asked>(&wire.body) else {
            return refuse(switches, call, codes::INVALID_REQUEST);
        };
        let found = self.find(&asked, switches.on("booking_by_usid"));
        match found.filter(|booking| booking.visible_from <= moment.now) {
            Some(booking) => {
                let body =
                    json!({"ResultCode": 0, "ErrorDescription": null, "Booking": booking.json()});
                Answer::json(200, &body)
            }
            None => refuse(switches, call, codes::BOOKING_NOT_FOUND),
        }
    }

    pub(super) fn search_booking(&self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
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
        found.retain(|booking| booking.visible_from <= moment.now && self.matches(booking, &asked));
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
}
