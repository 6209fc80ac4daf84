//! What a failed test leaves behind for the reader: timelines, vendor calls, and what Usher wrote about them.

use super::{
    checker::reading::story,
    system::{System, lines_about},
};
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use std::{sync::Arc, time::Duration};
use tokio::runtime::Runtime;

const LINES: usize = 30;

/// Prints it. Called while a test unwinds, so it may not fail, and has a runtime of its own.
pub(crate) fn show(system: &Arc<System>, bookings: &[String]) {
    let (system, bookings) = (Arc::clone(system), bookings.to_vec());
    let shown = std::thread::spawn(move || {
        let found = Runtime::new().map(|runtime| runtime.block_on(collect(&system, &bookings)));
        tell(&found.unwrap_or_default());
    });
    drop(shown.join());
}

/// The same as text. What cannot be read any more is left out.
pub(crate) async fn collect(system: &System, bookings: &[String]) -> String {
    let patience = Duration::from_secs(3);
    let pool = PgPoolOptions::new().acquire_timeout(patience).connect(&system.database).await;
    let mut lines = Vec::new();
    for booking in bookings {
        lines.push(format!("\n=== booking {booking}"));
        let Ok(db) = &pool else { continue };
        let Ok([events, calls, cases]) = story(db, booking).await else { continue };
        for event in events {
            lines.push(format!("  {} {} {}", event["at"], event["kind"], event["detail"]));
        }
        lines.extend(calls.into_iter().map(|call| format!("  call {}", short(call))));
        lines.extend(cases.into_iter().map(|case| format!("  case {case}")));
    }
    lines.push(format!("\n=== {}", system.log().display()));
    let about = lines_about(system.log(), bookings, LINES);
    let last = lines_about(system.log(), &[], LINES);
    lines.extend(if about.is_empty() { last } else { about });
    lines.join("\n")
}

/// Without what is empty.
fn short(mut row: Value) -> Value {
    if let Some(fields) = row.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    row
}

#[expect(clippy::print_stderr, reason = "the evidence belongs beside the failure")]
fn tell(text: &str) {
    eprintln!("{text}");
}
