//! The card gateway's result codes and the envelope every answer comes in.

use super::HyperPay;
use crate::clock;
use crate::wire::Answer;
use serde_json::{Value, json};

pub(super) const LIST_OK: &str = "000.000.100";
pub(super) const PENDING: &str = "000.200.000";
pub(super) const CHECKOUT_CREATED: &str = "000.200.100";
pub(super) const INVALID: &str = "200.300.404";
pub(super) const DUPLICATE: &str = "800.110.100";
pub(super) const DECLINED: &str = "800.100.152";
pub(super) const WRONG_BRAND: &str = "600.200.201";
pub(super) const UNKNOWN_PARENT: &str = "700.100.100";
pub(super) const WRONG_CURRENCY: &str = "700.100.500";
pub(super) const INVALID_TYPE: &str = "700.300.100";
pub(super) const PARENT_REJECTED: &str = "700.300.200";
pub(super) const ALREADY_DONE: &str = "700.300.300";
pub(super) const NO_REVERSAL: &str = "700.300.700";
pub(super) const OVER_CAPTURE: &str = "700.400.100";
pub(super) const OVER_REFUND: &str = "700.400.200";
pub(super) const CANNOT_REVERSE: &str = "700.400.300";
pub(super) const CAPTURE_NEEDS_PA: &str = "700.400.510";
pub(super) const REFUND_NEEDS_DB: &str = "700.400.520";
pub(super) const REVERSAL_NEEDS_PA: &str = "700.400.530";
pub(super) const PARENT_PENDING: &str = "700.400.570";
pub(super) const NOT_FOUND: &str = "700.400.580";
pub(super) const WRONG_CHANNEL: &str = "700.400.700";
pub(super) const THROTTLED: &str = "800.120.100";
pub(super) const UNAUTHORISED: &str = "800.900.300";
pub(super) const UNKNOWN_CHANNEL: &str = "800.900.201";
pub(super) const UNCERTAIN: &str = "900.100.300";
pub(super) const REVERSED: &str = "900.100.301";
pub(super) const REVIEW: &str = "000.400.000";
pub(super) const CHARGED_BACK: &str = "000.100.200";
pub(super) const PARENT_CHARGED_BACK: &str = "700.300.600";

const BUILD: &str = "9a7f25e2679d81630133ac842b2597f4a8f41935@2026-11-20 09:15:46 +0000";
const NO_SESSION: &str = "No payment session found for the requested id - are you mixing \
    test/live servers or have you paid more than 30min ago?";

pub(super) fn text(code: &str) -> &'static str {
    match code {
        "000.000.000" => "Transaction succeeded",
        LIST_OK => "successful request",
        "000.100.110" => "Request successfully processed in 'Merchant in Integrator Test Mode'",
        "000.100.112" => "Request successfully processed in 'Merchant in Connector Test Mode'",
        "000.300.000" => "Two-step transaction succeeded",
        "000.600.000" => "transaction succeeded due to external update",
        REVIEW => "Transaction succeeded (please review manually due to fraud suspicion)",
        "000.400.100" => "Transaction succeeded, risk after payment rejected",
        "000.400.101" => "card not participating/authentication unavailable",
        CHARGED_BACK => "Reason not Specified",
        PENDING => "transaction pending",
        CHECKOUT_CREATED => "successfully created checkout",
        INVALID => "invalid or missing parameter",
        DUPLICATE => "duplicate transaction",
        "200.200.106" => "duplicate transaction. Please verify that the UUID is unique",
        DECLINED => "transaction declined by authorization system",
        "800.100.155" => "transaction declined (amount exceeds credit)",
        "800.100.159" => "transaction declined (stolen card)",
        "300.100.100" => "Transaction declined (additional customer authentication required)",
        "100.380.401" => "User Authentication Failed",
        "100.390.112" => "Technical Error in 3D system",
        "100.150.200" => "registration does not exist",
        "100.150.202" => "registration is already deregistered",
        "100.396.101" => "Cancelled by user",
        "100.400.500" => "waiting for external risk",
        "800.300.101" => "account or user is blacklisted",
        "800.400.500" => "Waiting for confirmation of non-instant payment. Denied for now.",
        "800.600.100" => "transaction is being already processed",
        WRONG_BRAND => "Channel/Merchant not configured for this payment method",
        UNKNOWN_PARENT => "reference id not existing",
        WRONG_CURRENCY => "referenced payment currency does not match",
        INVALID_TYPE => "referenced tx can not be refunded, captured or reversed (invalid type)",
        PARENT_REJECTED => "referenced tx was rejected",
        ALREADY_DONE => "referenced tx is already refunded, captured or reversed",
        NO_REVERSAL => "referenced tx can not be reversed (reversal is not possible anymore)",
        OVER_CAPTURE => "cannot capture (PA value exceeded, PA reverted or invalid workflow?)",
        OVER_REFUND => "cannot refund (refund volume exceeded or tx reversed or invalid workflow?)",
        CANNOT_REVERSE => {
            "cannot reverse (already refunded|reversed, invalid workflow or amount exceeded)"
        }
        CAPTURE_NEEDS_PA => "capture needs at least one successful transaction of type (PA)",
        REFUND_NEEDS_DB => "refund needs at least one successful transaction of type (CP or DB)",
        REVERSAL_NEEDS_PA => {
            "reversal needs at least one successful transaction of type (CP or DB or RB or PA)"
        }
        PARENT_PENDING => "cannot reference a waiting/pending transaction",
        NOT_FOUND => "cannot find transaction",
        WRONG_CHANNEL => "initial and referencing channel-ids do not match",
        THROTTLED => "Too many requests. Please try again later.",
        UNAUTHORISED => "invalid authentication information",
        UNKNOWN_CHANNEL => "unknown channel",
        UNCERTAIN => "timeout, uncertain result",
        REVERSED => "timed out, was reversed",
        PARENT_CHARGED_BACK => "referenced tx can not be refunded (was charged back)",
        "900.100.400" => "timeout at acquirer side",
        "900.100.600" => "connector/acquirer currently down",
        _ => "UNDEFINED CONNECTOR/ACQUIRER ERROR",
    }
}

pub(super) fn is_pending(code: &str) -> bool {
    code.starts_with("000.200") || code.starts_with("800.400.5") || code == "100.400.500"
}

/// Money moved: a success that shall be reviewed counts.
pub(super) fn is_success(code: &str) -> bool {
    let reviewed = ["000.400.000", "000.400.010", "000.400.020", "000.400.100"];
    let plain = ["000.000.", "000.100.1", "000.3", "000.6", "000.400.110", "000.400.120"];
    reviewed.contains(&code) || plain.iter().any(|group| code.starts_with(group))
}

impl HyperPay {
    /// Pending and success are 200; how a decline comes is a switch.
    pub(super) fn http_status(&self, code: &str) -> u16 {
        if is_success(code) || is_pending(code) || code == CHARGED_BACK {
            return 200;
        }
        match code.get(..4) {
            Some("200." | "700." | "600." | "100.") => 400,
            _ => self.status_switch("decline_http_status", 400),
        }
    }

    pub(super) fn status_switch(&self, name: &str, default: u16) -> u16 {
        self.desk.switches.get(name).parse().unwrap_or(default)
    }

    /// An answer without a transaction.
    pub(super) fn refuse(&self, code: &str, now: i64) -> Answer {
        let status = match code {
            UNAUTHORISED => 401,
            UNKNOWN_CHANNEL => 403,
            THROTTLED => self.status_switch("throttle_http_status", 429),
            other => self.http_status(other),
        };
        Answer::json(status, &envelope(&json!({"code": code, "description": text(code)}), now))
    }
}

/// The session is unknown, over, or has said its final word.
pub(super) fn no_session(now: i64) -> Answer {
    Answer::json(400, &envelope(&json!({"code": INVALID, "description": NO_SESSION}), now))
}

/// What is around every result.
pub(super) fn envelope(result: &Value, now: i64) -> Value {
    json!({"result": result, "buildNumber": BUILD, "timestamp": clock::spaced(now),
        "ndc": format!("{}.uat01-vm-tx04", super::hex_upper())})
}

/// `200.300.404` with what is wrong about each parameter.
pub(super) fn invalid(errors: &[Value], now: i64) -> Answer {
    let result = json!({"code": INVALID, "description": text(INVALID), "parameterErrors": errors});
    Answer::json(400, &envelope(&result, now))
}

pub(super) fn wrong(name: &str, value: Option<&str>, message: &str) -> Value {
    match value {
        Some(value) => json!({"name": name, "value": value, "message": message}),
        None => json!({"name": name, "message": message}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_is_no_success_and_a_review_is_one() {
        assert!(is_pending(PENDING) && !is_success(PENDING));
        assert!(is_success("000.100.110") && is_success("000.400.000"));
        assert!(!is_success(DECLINED) && !is_success(UNCERTAIN) && !is_success(REVERSED));
        for code in [CHARGED_BACK, "000.400.101", "000.400.030", "000.999.999"] {
            assert!(!is_success(code), "{code}");
        }
    }
}
