//! How Tabby says no: a kind and a sentence, and sometimes neither.

use crate::wire::Answer;
use serde_json::json;

pub(super) fn bad_data(text: &str) -> Answer {
    no(400, "bad_data", text)
}

pub(super) fn not_authorized(text: &str) -> Answer {
    no(401, "not_authorized", text)
}

pub(super) fn no_permission() -> Answer {
    Answer::json(403, &json!({"status": "error", "errorType": "no_permission"}))
}

pub(super) fn no_such_payment() -> Answer {
    no(404, "not_found", "no such payment")
}

pub(super) fn disputed() -> Answer {
    no(409, "conflict", "payment is disputed")
}

/// Two of its answers are no objects.
pub(super) fn plain(status: u16) -> Answer {
    match status {
        404 => Answer::text(404, "404 page not found"),
        _ => Answer::json(status, &"Internal Server error"),
    }
}

/// What a change is refused with when the payment does not allow it.
pub(super) fn denied(op: &str) -> Answer {
    bad_data(match op {
        "capture" => "could not capture not authorized payments",
        "refund" => "can not refund payment that has no captures and not closed",
        _ => "already closed",
    })
}

fn no(status: u16, kind: &str, text: &str) -> Answer {
    Answer::json(status, &json!({"status": "error", "errorType": kind, "error": text}))
}
