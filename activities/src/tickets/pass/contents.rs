//! What a pass says: `pass.json`, and its words in Arabic and English, between which the phone chooses.

use super::{
    super::picture::{date, money, plain, time},
    Config, NoPass,
    bundle::File,
};
use chrono::{FixedOffset, SecondsFormat, TimeDelta};
use schema::{
    passes::Pass,
    tickets::{Bilingual, Facts},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::fmt::Write;

/// A show without a known length, with what comes before it.
const USUAL_MINUTES: i64 = 180;
const RIYADH_SECONDS: i32 = 3 * 3_600;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PassJson<'a> {
    format_version: u8,
    pass_type_identifier: &'a str,
    serial_number: String,
    team_identifier: &'a str,
    organization_name: &'a str,
    description: &'static str,
    #[serde(rename = "webServiceURL")]
    web_service_url: &'a str,
    authentication_token: &'a str,
    barcodes: [Barcode<'a>; 1],
    relevant_date: String,
    expiration_date: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    voided: bool,
    sharing_prohibited: bool,
    foreground_color: &'static str,
    label_color: &'static str,
    background_color: &'static str,
    event_ticket: EventTicket,
    semantics: Semantics<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Barcode<'a> {
    format: &'static str,
    message: &'a str,
    message_encoding: &'static str,
    alt_text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "fields are called as the wallet calls them")]
struct EventTicket {
    header_fields: Vec<Field>,
    primary_fields: Vec<Field>,
    secondary_fields: Vec<Field>,
    auxiliary_fields: Vec<Field>,
    back_fields: Vec<Field>,
}

/// Label and value are keys of the language's strings, or text that is the same in both.
#[derive(Serialize)]
struct Field {
    key: &'static str,
    label: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Semantics<'a> {
    event_type: &'static str,
    event_name: &'a str,
    event_start_date: &'a str,
    event_end_date: &'a str,
    venue_name: &'a str,
    venue_room: &'a str,
    seats: Vec<Seat>,
    total_price: Price,
    silence_requested: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Seat {
    seat_row: String,
    seat_number: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Price {
    amount: String,
    currency_code: &'static str,
}

/// `pass.json` and both languages' strings.
pub(super) fn files(
    config: &Config,
    token: &SecretString,
    pass: &Pass,
) -> Result<Vec<File>, NoPass> {
    let facts = cleaned(&pass.facts);
    let minutes = facts.minutes.map_or(USUAL_MINUTES, i64::from);
    let ends_at = facts.starts_at + TimeDelta::minutes(minutes);
    let local = |at: chrono::DateTime<chrono::Utc>| match FixedOffset::east_opt(RIYADH_SECONDS) {
        Some(riyadh) => at.with_timezone(&riyadh).to_rfc3339_opts(SecondsFormat::Secs, false),
        None => at.to_rfc3339_opts(SecondsFormat::Secs, true),
    };
    let (starts, ends) = (local(facts.starts_at), local(ends_at));
    let price = facts.total.amount_minor.unsigned_abs();
    let json = PassJson {
        format_version: 1,
        pass_type_identifier: &config.pass_type,
        serial_number: facts.booking.bare(),
        team_identifier: &config.team,
        organization_name: &config.organization,
        description: "description",
        web_service_url: &config.web_service_url,
        authentication_token: token.expose_secret(),
        barcodes: [Barcode {
            format: "PKBarcodeFormatQR",
            message: &facts.vista_booking_id,
            message_encoding: "iso-8859-1",
            alt_text: &facts.vista_booking_id,
        }],
        relevant_date: starts.clone(),
        // Kept until the lights are on again.
        expiration_date: local(ends_at + TimeDelta::hours(2)),
        voided: pass.is_void,
        sharing_prohibited: false,
        foreground_color: "rgb(255,255,255)",
        label_color: "rgb(196,206,230)",
        background_color: "rgb(24,27,58)",
        event_ticket: fields(&facts),
        semantics: Semantics {
            event_type: "PKEventTypeMovie",
            event_name: &facts.film.en,
            event_start_date: &starts,
            event_end_date: &ends,
            venue_name: &facts.cinema.en,
            venue_room: &facts.hall.en,
            seats: facts.seats.iter().map(|seat| split(seat)).collect(),
            total_price: Price {
                amount: format!("{}.{:02}", price / 100, price % 100),
                currency_code: facts.total.currency.code(),
            },
            silence_requested: true,
            duration: facts.minutes.map(|minutes| minutes.saturating_mul(60)),
        },
    };
    let words = words(&facts);
    Ok(vec![
        File::new("pass.json", serde_json::to_vec(&json)?),
        File::new("en.lproj/pass.strings", strings(&words, |said| &said.en)),
        File::new("ar.lproj/pass.strings", strings(&words, |said| &said.ar)),
    ])
}

fn cleaned(facts: &Facts) -> Facts {
    let clean = |name: &Bilingual| Bilingual { en: plain(&name.en, 120), ar: plain(&name.ar, 120) };
    let (film, cinema, hall) = (clean(&facts.film), clean(&facts.cinema), clean(&facts.hall));
    Facts { film, cinema, hall, ..facts.clone() }
}

fn fields(facts: &Facts) -> EventTicket {
    let field = |key, label, value: &str| Field { key, label, value: value.to_owned() };
    EventTicket {
        header_fields: vec![field("time", "time", "time_value")],
        primary_fields: vec![field("film", "film", "film_value")],
        secondary_fields: vec![
            field("cinema", "cinema", "cinema_value"),
            field("date", "date", "date_value"),
        ],
        auxiliary_fields: vec![
            field("hall", "hall", "hall_value"),
            field("seats", "seats", &facts.seats.join(", ")),
        ],
        back_fields: vec![
            field("tickets", "tickets", "tickets_value"),
            field("total", "total", "total_value"),
            field("booking", "booking", &facts.vista_booking_id),
            field("order", "order", &facts.booking.to_string()),
        ],
    }
}

/// Every key that the fields use, in both languages.
fn words(facts: &Facts) -> Vec<(&'static str, Bilingual)> {
    let word = |en: &str, ar: &str| Bilingual { en: en.to_owned(), ar: ar.to_owned() };
    let (date, time, total) = (date(facts.starts_at), time(facts.starts_at), money(facts.total));
    let kinds = |of: fn(&Bilingual) -> &str| {
        let kind = |count: &schema::tickets::TicketCount| {
            format!("{} × {}", count.count, plain(of(&count.name), 40))
        };
        facts.tickets.iter().map(kind).collect::<Vec<_>>().join(", ")
    };
    vec![
        ("description", word("Cinema ticket", "تذكرة سينما")),
        ("film", word("FILM", "الفيلم")),
        ("film_value", facts.film.clone()),
        ("time", word("TIME", "الوقت")),
        ("time_value", word(&time.en, &time.ar)),
        ("date", word("DATE", "التاريخ")),
        ("date_value", word(&date.en, &date.ar)),
        ("cinema", word("CINEMA", "السينما")),
        ("cinema_value", facts.cinema.clone()),
        ("hall", word("HALL", "الصالة")),
        ("hall_value", facts.hall.clone()),
        ("seats", word("SEATS", "المقاعد")),
        ("tickets", word("Tickets", "التذاكر")),
        ("tickets_value", word(&kinds(|name| &name.en), &kinds(|name| &name.ar))),
        ("total", word("Total incl. VAT", "الإجمالي مع الضريبة")),
        ("total_value", word(&total.en, &total.ar)),
        ("booking", word("Booking at the cinema", "رقم الحجز لدى السينما")),
        ("order", word("Order", "رقم الطلب")),
    ]
}

/// A language's `.strings` file, in UTF-8.
fn strings(words: &[(&str, Bilingual)], of: fn(&Bilingual) -> &String) -> Vec<u8> {
    let mut file = String::new();
    for (key, said) in words {
        let value = of(said).replace('\\', "\\\\").replace('"', "\\\"");
        // Writing into a string cannot fail.
        let _ = writeln!(file, "\"{key}\" = \"{value}\";");
    }
    file.into_bytes()
}

/// `A12` is seat 12 in row A.
fn split(seat: &str) -> Seat {
    let row = seat.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = seat.strip_prefix(row).unwrap_or_default();
    Seat { seat_row: row.to_owned(), seat_number: number.to_owned() }
}
