//! What people see in the terminal while a booking happens.

use chrono::{DateTime, Utc};
use serde_json::Value;

#[expect(clippy::print_stdout, reason = "this is the terminal's voice")]
pub(crate) fn say(text: &str) {
    // Some of it is a vendor's: nothing that a terminal would obey.
    let plain: String = text.chars().filter(|it| !it.is_control() || *it == '\n').collect();
    println!("{plain}");
}

/// One event of a booking's timeline, with the time since its first.
pub(crate) fn event(first: Option<&Value>, event: &Value) {
    let kind = text(event, "kind").replace('_', " ");
    let since = at(event) - first.map_or_else(|| at(event), at);
    let (seconds, millis) = (since.num_seconds(), since.num_milliseconds() % 1_000);
    say(&format!("  {seconds:>3}.{millis:03} s  {kind:<17} {}", detail(event)));
}

fn at(event: &Value) -> DateTime<Utc> {
    text(event, "at").parse().unwrap_or_default()
}

fn detail(event: &Value) -> String {
    let amount = || money(event);
    match text(event, "kind").as_str() {
        "extended" => {
            let minutes = event["expires_in_ms"].as_i64().unwrap_or(0) / 1_000;
            format!("to pay within {}:{:02}", minutes / 60, minutes % 60)
        }
        "requested" => event["seats"].as_array().map(|seats| list(seats)).unwrap_or_default(),
        "held" => {
            let minutes = event["expires_in_ms"].as_i64().unwrap_or(0) / 1_000;
            format!("{} to pay within {}:{:02}", total(event), minutes / 60, minutes % 60)
        }
        "payment_opened" => format!("with {}", text(event, "provider")),
        "payment_ready" => format!("{} on the vendor's page", amount()),
        "paid" => format!("{}, asked the vendor itself", amount()),
        "reserved" => format!("{}, to be taken once the seats are booked", amount()),
        "paid_late" => format!("{} goes back", amount()),
        "taken" | "not_collected" | "refunded" => amount(),
        "confirmed" => format!("Vista's booking {}", text(event, "vista_booking")),
        "payment_declined" => text(event, "code"),
        "rejected" | "payment_refused" => text(event, "reason"),
        "cancelled" => format!("by {}", text(event, "by")),
        "unwinding" | "case_opened" => text(event, "cause"),
        "case_decided" => text(event, "decision"),
        _ => String::new(),
    }
}

fn text(event: &Value, field: &str) -> String {
    event[field].as_str().unwrap_or_default().to_owned()
}

fn list(values: &[Value]) -> String {
    values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn total(event: &Value) -> String {
    riyals(event["total_minor"].as_i64().unwrap_or(0))
}

fn money(event: &Value) -> String {
    riyals(event["amount_minor"].as_i64().unwrap_or(0))
}

fn riyals(minor: i64) -> String {
    schema::money::Money::sar(minor).to_string()
}
