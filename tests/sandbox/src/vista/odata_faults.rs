//! What `OData` answers look like on other days: verbose, XML, with rows that are wrong, doubled or missing.

use crate::faults::Fault;
use crate::wire::Answer;
use chrono::NaiveDateTime;
use serde_json::{Value, json};

pub(super) fn told(answer: Answer, fault: &Fault) -> Answer {
    let body: Option<Value> = serde_json::from_str(&answer.body).ok();
    let Some(mut body) = body.filter(|body| body["value"].is_array()) else { return answer };
    match fault.name.as_str() {
        "odata_xml" => return xml(answer.status),
        "odata_verbose" => body = verbose(&body),
        "odata_empty" => body["value"] = json!([]),
        "odata_endless" => body["odata.nextLink"] = body["odata.metadata"].clone(),
        "odata_duplicate_rows" => double(&mut body),
        _ => spoil_row(&mut body, fault.number("odata_bad_row").unwrap_or_default()),
    }
    Answer::json(answer.status, &body)
}

/// What comes without `Accept: application/json`.
fn xml(status: u16) -> Answer {
    let feed = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
        <feed xmlns=\"http://www.w3.org/2005/Atom\"><title type=\"text\">Sessions</title></feed>";
    Answer::of(status, "application/atom+xml;type=feed;charset=utf-8", feed.to_owned())
}

/// Dates are the same wall clock, written as if it were UTC.
fn verbose(light: &Value) -> Value {
    let mut rows = light["value"].clone();
    for row in rows.as_array_mut().into_iter().flatten() {
        let wall = row["Showtime"].as_str().map(str::parse::<NaiveDateTime>);
        if let Some(Ok(wall)) = wall {
            row["Showtime"] = json!(format!("/Date({})/", wall.and_utc().timestamp_millis()));
        }
    }
    json!({"d": {"results": rows, "__count": light["odata.count"]}})
}

/// Every row twice, the second one newer.
fn double(body: &mut Value) {
    if let Some(rows) = body["value"].as_array_mut() {
        let twice = rows.iter().flat_map(|row| {
            let mut newer = row.clone();
            newer["SeatsAvailable"] = json!(0);
            [row.clone(), newer]
        });
        *rows = twice.collect();
    }
}

/// The first row, wrong in one of six ways.
fn spoil_row(body: &mut Value, way: u32) {
    let Some(row) = body["value"].as_array_mut().and_then(|rows| rows.first_mut()) else { return };
    match way {
        1 => row["Showtime"] = Value::Null,
        2 => row["Showtime"] = json!("0001-01-01T00:00:00"),
        3 => row["Showtime"] = json!("2026-11-31T25:00:00"),
        4 => row["ID"] = json!(""),
        5 => row["SeatsAvailable"] = json!(-1),
        _ => row["SeatsAvailable"] = json!("12"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_by(name: &str) -> Value {
        let row = json!({"ID": "0001-1001", "Showtime": "2026-11-21T20:00:00"});
        let body = json!({"odata.metadata": "http://h/x", "value": [row]});
        let fault = Fault { name: name.to_owned(), delay_ms: None };
        serde_json::from_str(&told(Answer::json(200, &body), &fault).body).unwrap_or_default()
    }

    #[test]
    fn an_answer_takes_every_form() {
        let verbose = told_by("odata_verbose");
        assert_eq!(verbose["d"]["results"][0]["Showtime"], "/Date(1795291200000)/");
        assert_eq!(told_by("odata_xml"), Value::Null);
        assert_eq!(told_by("odata_empty")["value"], json!([]));
        assert_eq!(told_by("odata_endless")["odata.nextLink"], "http://h/x");
        assert_eq!(told_by("odata_duplicate_rows")["value"][1]["ID"], "0001-1001");
        assert_eq!(told_by("odata_bad_row_1")["value"][0]["Showtime"], Value::Null);
        assert_eq!(told_by("odata_bad_row_4")["value"][0]["ID"], "");
    }
}
