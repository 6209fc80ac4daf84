//! The faults only a cinema system has: what it refuses with, and what it says oddly after it has done it.

use super::codes::{self, refuse};
use super::orders::Ticket;
use super::{Vista, odata_faults};
use crate::faults::Call;
use crate::vendor::Moment;
use crate::wire::Answer;
use serde_json::Value;

/// What a changed price adds to each ticket.
const DEARER: i64 = 500;

/// The keys that say how it went, whatever the surface.
const STATUS_KEYS: [&str; 5] =
    ["Result", "ResultCode", "ResponseCode", "ExtendedResultCode", "ExtendedResponseCode"];

impl Vista {
    /// None of these executes the call.
    pub(super) fn refuse_by_fault(&mut self, call: &Call, moment: &Moment) -> Option<Answer> {
        let fault = moment.fault.as_ref()?;
        let code = match fault.name.as_str() {
            "throttled" => {
                let answer = Answer::text(429, "Too Many Requests");
                return Some(match self.desk.switches.get("retry_after") {
                    "none" => answer,
                    wait => answer.with("retry-after", wait),
                });
            }
            "sold_out" if call.op == "seat_plan" => codes::SOLD_OUT,
            "seat_taken" | "sold_out" => codes::SEATS_UNAVAILABLE,
            "session_closed" => codes::SESSION_UNAVAILABLE,
            "order_expired" => {
                self.expire(call.arg(0), moment.now, true);
                codes::NO_SUCH_ORDER
            }
            "lookup_lag" if call.op == "booking_status" => codes::NO_SUCH_ORDER,
            "lookup_lag" if call.op != "pay_order" => codes::BOOKING_NOT_FOUND,
            _ => i64::from(fault.number("code")?),
        };
        Some(match code {
            codes::NO_TOKEN | codes::BAD_TOKEN | codes::FORBIDDEN => {
                codes::refuse_token(&self.desk.switches, code)
            }
            _ => refuse(&self.desk.switches, call, code),
        })
    }

    /// An order whose price changes while it is looked at.
    pub(super) fn reprice(&mut self, usid: &str) {
        if let Some(order) = self.orders.get_mut(usid) {
            order.tickets.iter_mut().for_each(dearer);
        }
    }

    /// The answer as a fault tells it; what was done stays done.
    pub(super) fn told_oddly(&self, answer: Answer, call: &Call, moment: &Moment) -> Answer {
        let Some(fault) = moment.fault.as_ref() else { return answer };
        match fault.name.as_str() {
            "status_as_text" => restate(answer, |code| Value::String(code.to_string())),
            "status_null" => restate(answer, |_| Value::Null),
            name if name.starts_with("odata_") => odata_faults::told(answer, fault),
            // A completed order's answer has its ids beside the code.
            _ if call.op == "pay_order" => answer,
            _ => match fault.number("commit") {
                Some(code) => refuse(&self.desk.switches, call, i64::from(code)),
                None => answer,
            },
        }
    }
}

pub(super) fn dearer(ticket: &mut Ticket) {
    ticket.price += DEARER;
}

fn restate(mut answer: Answer, said: impl Fn(&Value) -> Value) -> Answer {
    if let Ok(Value::Object(mut body)) = serde_json::from_str(&answer.body) {
        for key in STATUS_KEYS {
            if let Some(code) = body.get_mut(key) {
                *code = said(code);
            }
        }
        answer.body = Value::Object(body).to_string();
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_status_is_told_as_text_or_not_at_all() {
        let answer = || Answer::json(200, &json!({"Result": 0, "Order": {"Result": 1}}));
        let text = restate(answer(), |code| Value::String(code.to_string()));
        assert_eq!(text.body, r#"{"Order":{"Result":1},"Result":"0"}"#);
        let null = restate(answer(), |_| Value::Null);
        assert_eq!(null.body, r#"{"Order":{"Result":1},"Result":null}"#);
    }
}
