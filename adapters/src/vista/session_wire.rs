//! The JSON of a session: its seats, its ticket types, its start.

use super::{
    answers::{Area, Row, Seat, SeatPlan, SeatStatus, TicketType},
    wire::{Place, list, text},
};
use crate::error::Error;
use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
use schema::money::Money;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SeatLayout {
    #[serde(deserialize_with = "list")]
    areas: Vec<LayoutArea>,
    #[serde(default, deserialize_with = "list")]
    area_categories: Vec<AreaCategory>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LayoutArea {
    area_category_code: String,
    description: Option<String>,
    #[serde(default, deserialize_with = "list")]
    rows: Vec<LayoutRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AreaCategory {
    area_category_code: String,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LayoutRow {
    physical_name: Option<String>,
    #[serde(default, deserialize_with = "list")]
    seats: Vec<LayoutSeat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LayoutSeat {
    #[serde(default, deserialize_with = "text")]
    id: Option<String>,
    position: Position,
    status: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Position {
    area_number: i64,
    row_index: i64,
    column_index: i64,
}

/// A seat by its name: where it is and what it costs as. `None`: two seats of the room bear this name.
pub(super) type Geometry = BTreeMap<String, Option<(Place, String)>>;

impl SeatLayout {
    pub(super) fn plan(&self) -> SeatPlan {
        let area = |area: &LayoutArea| {
            let category = &area.area_category_code;
            let of_area = |known: &&AreaCategory| known.area_category_code == *category;
            let named = self.area_categories.iter().find(of_area);
            let name = named.and_then(|known| known.name.clone()).or(area.description.clone());
            let rows = area.rows.iter().filter_map(LayoutRow::row).collect();
            Area { category: category.clone(), name: name.unwrap_or_default(), rows }
        };
        SeatPlan { areas: self.areas.iter().map(area).collect() }
    }

    pub(super) fn geometry(&self) -> Geometry {
        let mut geometry = Geometry::new();
        for area in &self.areas {
            for row in &area.rows {
                for (name, seat) in row.named() {
                    let place = Place {
                        area: seat.position.area_number,
                        row: seat.position.row_index,
                        column: seat.position.column_index,
                    };
                    geometry
                        .entry(name)
                        .and_modify(|seen| *seen = None)
                        .or_insert_with(|| Some((place, area.area_category_code.clone())));
                }
            }
        }
        geometry
    }
}

impl LayoutRow {
    /// Aisles have no name or no seats.
    fn row(&self) -> Option<Row> {
        let seat = |(id, seat): (String, &LayoutSeat)| Seat { id, status: seat.status() };
        let seats: Vec<Seat> = self.named().map(seat).collect();
        let name = self.physical_name.clone().filter(|name| !name.is_empty())?;
        (!seats.is_empty()).then_some(Row { name, seats })
    }

    fn named(&self) -> impl Iterator<Item = (String, &LayoutSeat)> {
        let row = self.physical_name.as_deref().filter(|name| !name.is_empty());
        let name = move |seat: &LayoutSeat| Some(format!("{}{}", row?, seat.id.as_deref()?));
        self.seats.iter().filter_map(move |seat| Some((name(seat)?, seat)))
    }
}

impl LayoutSeat {
    /// Empty, sold, house, special, reserved, broken, placeholder, companion (`SeatStatus` in the WSDL).
    const fn status(&self) -> SeatStatus {
        match self.status {
            0 => SeatStatus::Free,
            1 | 4 => SeatStatus::Taken,
            _ => SeatStatus::Blocked,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Ticket {
    #[serde(rename = "TicketTypeCode")]
    code: String,
    description: Option<String>,
    description_alt: Option<String>,
    area_category_code: Option<String>,
    price_in_cents: i64,
}

impl From<Ticket> for TicketType {
    fn from(ticket: Ticket) -> Self {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            name: filled(ticket.description).unwrap_or_else(|| ticket.code.clone()),
            code: ticket.code,
            name_alt: filled(ticket.description_alt),
            area_category: filled(ticket.area_category_code),
            price: Money::sar(ticket.price_in_cents),
        }
    }
}

/// The rows of an `OData` answer, in the light or the verbose form.
pub(super) fn odata_rows(body: &Value) -> Result<&Vec<Value>, Error> {
    let verbose = body.get("d").map(|d| d.get("results").unwrap_or(d));
    let rows = body.get("value").or(verbose).and_then(Value::as_array);
    rows.ok_or_else(|| Error::unknown("vista: an OData answer without rows"))
}

/// A show's start. Without an offset it is the cinema's wall clock, and Riyadh is at +03:00 all year; the verbose form
/// writes the same wall clock as if it were UTC.
pub(super) fn showtime(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(exact) = DateTime::parse_from_rfc3339(text) {
        return Some(exact.to_utc());
    }
    let verbose = text.strip_prefix("/Date(").and_then(|text| text.strip_suffix(")/"));
    let wall = match verbose {
        Some(ms) => DateTime::from_timestamp_millis(ms.parse().ok()?)?.naive_utc(),
        None => NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?,
    };
    let start = wall.and_local_timezone(FixedOffset::east_opt(3 * 3_600)?).single()?.to_utc();
    // Year 1 is how .NET writes "none".
    (start > DateTime::UNIX_EPOCH).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vista::wire::parse;
    use serde_json::json;

    #[test]
    fn a_show_starts_by_the_cinemas_clock() {
        let at = |text| showtime(text).map(|start| start.to_rfc3339());
        let start = Some("2026-11-21T17:00:00+00:00".to_owned());
        assert_eq!(at("2026-11-21T20:00:00"), start);
        assert_eq!(at("2026-11-21T20:00:00.0000000"), start);
        assert_eq!(at("2026-11-21T20:00:00+03:00"), start);
        assert_eq!(at("/Date(1795291200000)/"), start);
        for none in ["0001-01-01T00:00:00", "2026-11-31T25:00:00", "", "/Date(x)/"] {
            assert_eq!(at(none), None, "{none}");
        }
    }

    #[test]
    fn a_seat_is_its_row_and_number_and_an_aisle_is_no_row() {
        let seat = |id: &str, status: i64, column: i64| {
            json!({"Id": id, "Status": status,
                "Position": {"AreaNumber": 1, "RowIndex": 0, "ColumnIndex": column}})
        };
        let layout = json!({"AreaCategories": null, "Areas": [{"AreaCategoryCode": "1",
            "Description": "STANDARD", "Rows": [
                {"PhysicalName": "A", "Seats": [seat("1", 0, 3), seat("2", 4, 4), seat("3", 5, 5)]},
                {"PhysicalName": null, "Seats": []},
                {"PhysicalName": "A", "Seats": [seat("3", 0, 9)]}]}]});
        let layout: SeatLayout = parse("plan", layout).unwrap();
        let geometry = layout.geometry();
        let place = Place { area: 1, row: 0, column: 3 };
        assert_eq!(geometry.get("A1"), Some(&Some((place, "1".to_owned()))));
        assert_eq!(geometry.get("A3"), Some(&None), "two seats of one name are neither");
        let plan = layout.plan();
        let statuses: Vec<SeatStatus> =
            plan.areas[0].rows[0].seats.iter().map(|seat| seat.status).collect();
        assert_eq!(statuses, [SeatStatus::Free, SeatStatus::Taken, SeatStatus::Blocked]);
        assert_eq!(plan.areas[0].rows.len(), 2);
    }
}
