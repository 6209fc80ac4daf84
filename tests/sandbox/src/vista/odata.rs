//! The cinema system's catalogue, in the little of `OData` that a booking needs.

use super::programme::{self, CINEMAS, Cinema, Film, Sale, Session};
use super::{Vista, seats, session_key};
use crate::clock;
use crate::faults::Call;
use crate::wire::{Answer, Wire};
use serde_json::{Value, json};

/// `field op 'value'`
struct Term {
    field: String,
    op: String,
    value: String,
}

impl Vista {
    pub(super) fn odata(&self, wire: &Wire, call: &Call) -> Answer {
        let filter = match terms(wire.query.get("$filter").unwrap_or_default()) {
            Ok(filter) => filter,
            Err(why) => return refuse(400, &why),
        };
        let (set, rows) = match call.arg(0) {
            "cinemas" => ("Cinemas", CINEMAS.iter().map(cinema_row).collect()),
            "sessions" => ("Sessions", self.session_rows(&filter)),
            "scheduledfilms" => ("ScheduledFilms", programme::scheduled().map(film_row).collect()),
            other => return refuse(404, &format!("Resource not found for the segment '{other}'.")),
        };
        let mut rows: Vec<Value> = rows;
        rows.retain(|row| filter.iter().all(|term| holds(row, term)));
        let count = rows.len();
        let number = |name: &str| wire.query.get(name).and_then(|text| text.parse().ok());
        let (skip, top) = (number("$skip").unwrap_or(0), number("$top").unwrap_or(usize::MAX));
        let page: Vec<Value> = rows.into_iter().skip(skip).take(top).collect();
        let host = wire.header("host").unwrap_or("localhost");
        let metadata = format!("http://{host}/vista/WSVistaWebClient/OData.svc/$metadata#{set}");
        let select = wire.query.get("$select").map(|fields| fields.split(',').collect::<Vec<_>>());
        let page: Vec<Value> =
            page.into_iter().map(|row| selected(row, select.as_deref())).collect();
        let mut body = json!({"odata.metadata": metadata, "value": page});
        if wire.query.get("$inlinecount") == Some("allpages") {
            body["odata.count"] = json!(count.to_string());
        }
        Answer::json(200, &body)
    }

    fn session_rows(&self, filter: &[Term]) -> Vec<Value> {
        let asked = filter.iter().find(|term| term.field == "ID" && term.op == "eq");
        if let Some((cinema, id)) = asked.and_then(|term| term.value.split_once('-')) {
            let session = self.session(cinema, id);
            return session.map(|session| self.session_row(&session)).into_iter().collect();
        }
        let mut rows = Vec::new();
        for cinema in CINEMAS {
            for id in programme::listed(cinema.id) {
                if let Some(session) = self.session(cinema.id, &id.to_string()) {
                    rows.push(self.session_row(&session));
                }
            }
        }
        rows
    }

    fn session_row(&self, session: &Session) -> Value {
        let (cinema, id) = (session.cinema.id, session.id.to_string());
        let key = session_key(cinema, &id);
        let taken = self.houses.get(&key).map(seats::House::taken).unwrap_or_default();
        let free = match session.sale {
            Sale::SoldOut => 0,
            Sale::Open | Sale::Closed => session.capacity().saturating_sub(taken),
        };
        let showtime = clock::riyadh(session.starts_at);
        json!({"ID": key, "CinemaId": cinema,
            "ScheduledFilmId": session.film.id, "SessionId": id,
            "AreaCategoryCodes": [seats::AREA_CATEGORY], "Showtime": showtime,
            "IsAllocatedSeating": true, "AllowChildAdmits": true, "SeatsAvailable": free,
            "AllowComplimentaryTickets": true, "EventId": null, "PriceGroupCode": "0001",
            "ScreenName": format!("Screen {}", session.screen),
            "ScreenNameAlt": format!("شاشة {}", session.screen), "ScreenNumber": session.screen,
            "CinemaOperatorCode": cinema, "FormatCode": "0000000001",
            "SalesChannels": ";WWW;CELL;KIOSK;POS;", "SessionAttributesNames": [],
            "ConceptAttributesNames": [], "AllowTicketSales": session.sale != Sale::Closed,
            "HasDynamicallyPricedTicketsAvailable": false, "PlayThroughId": null,
            "SessionBusinessDate": format!("{}T00:00:00", showtime.get(..10).unwrap_or_default()),
            "SessionDisplayPriority": 0, "GroupSessionsByAttribute": false,
            "SoldoutStatus": u32::from(free == 0)})
    }
}

fn cinema_row(cinema: &Cinema) -> Value {
    json!({"ID": cinema.id, "CinemaNationalId": null, "Name": cinema.name,
        "NameAlt": cinema.name_alt, "City": cinema.city, "Latitude": "24.7", "Longitude": "46.6",
        "CurrencyCode": "SAR", "IsGiftStore": false, "AllowPrintAtHomeBookings": true,
        "AllowOnlineVoucherValidation": true, "DisplaySofaSeats": false,
        "TimeZoneId": "Arab Standard Time", "HOPK": cinema.id,
        "NameTranslations": [{"LanguageTag": "ar", "Text": cinema.name_alt}]})
}

/// A film in a cinema. Its title in the second language is Arabic; how long it runs is a number as text.
fn film_row((cinema, film): (&Cinema, &Film)) -> Value {
    json!({"ID": format!("{}-{}", cinema.id, film.id), "ScheduledFilmId": film.id,
        "CinemaId": cinema.id, "CinemaName": cinema.name, "CinemaNameAlt": cinema.name_alt,
        "HasFutureSessions": true, "Title": film.title, "TitleAlt": film.title_alt,
        "Rating": film.rating, "RatingAlt": null, "FilmHOCode": film.id, "ShortCode": film.id,
        "RunTime": film.minutes.to_string(), "TrailerUrl": null, "GraphicUrl": null,
        "HasSessionsAvailable": true, "AllowTicketSales": true})
}

/// Only these fields, if any are named.
fn selected(mut row: Value, fields: Option<&[&str]>) -> Value {
    if let (Some(fields), Some(row)) = (fields, row.as_object_mut()) {
        row.retain(|field, _| fields.contains(&field.as_str()));
    }
    row
}

fn refuse(status: u16, text: &str) -> Answer {
    let message = json!({"lang": "en-US", "value": text});
    Answer::json(status, &json!({"odata.error": {"code": "", "message": message}}))
}

/// Reads `A eq 'x' and B gt 'y'`; nothing cleverer.
fn terms(filter: &str) -> Result<Vec<Term>, String> {
    let parts = filter.split(" and ").map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let mut words = part.splitn(3, ' ');
            let (field, op, value) = (words.next(), words.next(), words.next());
            match (field, op, value) {
                (
                    Some(field),
                    Some(op @ ("eq" | "ne" | "gt" | "ge" | "lt" | "le")),
                    Some(value),
                ) => {
                    let value = value.trim().trim_start_matches("datetime");
                    let value = value.trim_matches('\'').replace("''", "'");
                    Ok(Term { field: field.to_owned(), op: op.to_owned(), value })
                }
                _ => Err(format!("Syntax error in '{part}'.")),
            }
        })
        .collect()
}

fn holds(row: &Value, term: &Term) -> bool {
    let have = match row.get(&term.field) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => return false,
    };
    let ordering = have.as_str().cmp(term.value.as_str());
    match term.op.as_str() {
        "eq" => ordering.is_eq(),
        "ne" => ordering.is_ne(),
        "gt" => ordering.is_gt(),
        "ge" => ordering.is_ge(),
        "lt" => ordering.is_lt(),
        _ => ordering.is_le(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_term_by_term() {
        let filter = terms("CinemaId eq '0001' and ID gt '0001-1004'").unwrap();
        let row = |id: &str| json!({"CinemaId": "0001", "ID": id});
        let passes = |id: &str| filter.iter().all(|term| holds(&row(id), term));
        assert!(passes("0001-1005"));
        assert!(!passes("0001-1004"));
        assert!(terms("contains(Title,'x')").is_err());
    }
}
