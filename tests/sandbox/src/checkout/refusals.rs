//! How calls are refused: without a body, with codes, or because a fault says so.

use super::Checkout;
use crate::catalogue::Kind;
use crate::faults::Call;
use crate::vendor::Moment;
use crate::wire::Answer;
use serde_json::json;

/// No body, and no type of one.
pub(super) fn bare(status: u16) -> Answer {
    Answer::of(status, "", String::new())
}

pub(super) fn refused(status: u16, code: &str) -> Answer {
    let kind = if code == "request_malformed" { code } else { "request_invalid" };
    let request_id = super::new_id("req");
    let body = json!({"request_id": request_id, "error_type": kind, "error_codes": [code]});
    Answer::json(status, &body)
}

impl Checkout {
    /// The first request with this key has not ended.
    pub(super) fn in_flight(&self) -> Answer {
        let status = match self.desk.switches.get("in_flight_status") {
            "409" => 409,
            _ => 429,
        };
        refused(status, "duplicate_request")
    }

    /// The faults that answer instead of the operation.
    pub(super) fn refuse_by_fault(&self, call: &Call, moment: &Moment) -> Option<Answer> {
        let fault = moment.fault.as_ref()?;
        let reading = super::OPERATIONS
            .iter()
            .any(|operation| operation.name == call.op && operation.kind == Kind::Read);
        Some(match fault.name.as_str() {
            "throttled" => refused(429, "api_calls_quota_exceeded"),
            "key_refused" => bare(401),
            "duplicate_request" => self.in_flight(),
            "action_not_allowed" => refused(403, "action_not_allowed"),
            "amount_exceeds_balance" => refused(422, "amount_exceeds_balance"),
            "token_used"
            | "token_expired"
            | "token_invalid"
            | "token_in_use"
            | "token_data_invalid"
            | "apm_service_unavailable" => refused(422, &fault.name),
            "not_found" => bare(404),
            "lookup_lag" if reading => match call.op {
                "find_payments" => super::reads::empty_page(),
                "get_actions" => Answer::json(200, &json!([])),
                _ => bare(404),
            },
            _ => return None,
        })
    }
}
