//! Calls of vendors, counted: how many, how they ended, how long they took, and when a vendor last answered.

use crate::{error::Error, http::Answer};
use metrics::{counter, gauge, histogram};
use std::time::{Duration, SystemTime};

/// One call has ended.
pub(crate) fn count(
    vendor: &'static str,
    operation: &'static str,
    ended: &Result<Answer, Error>,
    took: Duration,
) {
    written(vendor, operation, outcome(ended), took);
}

/// A session was asked of Apple. Any other answer than a session is a refusal.
pub(crate) fn count_apple_pay<T>(ended: &Result<T, Error>, took: Duration) {
    let outcome = match ended {
        Ok(_) => "2xx",
        Err(Error::Refused { .. }) => "4xx",
        Err(error) => without_answer(error),
    };
    written("apple_pay", "session", outcome, took);
}

/// One call of the store has ended. It speaks HTTP or is a folder, so what it has answered counts as one word.
pub(crate) fn count_store<T>(operation: &'static str, ended: &Result<T, Error>, took: Duration) {
    written("store", operation, ended.as_ref().err().map_or("2xx", without_answer), took);
}

fn written(vendor: &'static str, operation: &'static str, outcome: &'static str, took: Duration) {
    counter!("usher_vendor_calls_total", "vendor" => vendor, "operation" => operation, "outcome" => outcome)
        .increment(1);
    histogram!("usher_vendor_call_seconds", "vendor" => vendor, "operation" => operation)
        .record(took);
    if matches!(outcome, "2xx" | "3xx" | "4xx") {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        gauge!("usher_vendor_last_answer_timestamp_seconds", "vendor" => vendor).set(now);
    }
}

/// The class of what was answered, or why nothing was.
fn outcome(ended: &Result<Answer, Error>) -> &'static str {
    match ended {
        Ok(answer) if answer.is_throttled() => "throttled",
        Ok(answer) => match answer.status.as_u16() {
            ..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500.. => "5xx",
        },
        Err(error) => without_answer(error),
    }
}

const fn without_answer(error: &Error) -> &'static str {
    match error {
        Error::Unavailable { .. } => "unavailable",
        Error::Unknown { .. } => "unknown",
        Error::Refused { .. } | Error::Forged { .. } => "refused",
    }
}
