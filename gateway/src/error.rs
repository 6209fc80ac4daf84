//! What a caller may be told: RFC 9457 problems with a stable `code`. Nothing of a vendor's text, nothing of ours.

use crate::{engine::Away, telemetry};
use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, schema::Type},
};

/// Why a request was not done.
#[derive(Debug)]
pub(crate) enum Error {
    /// The request itself is wrong: `code` names what, `detail` says what to do.
    Invalid {
        code: &'static str,
        detail: Cow<'static, str>,
    },
    Unauthorized {
        detail: &'static str,
    },
    /// Staff, and others, who may not do this at all, whatever it is about.
    Forbidden {
        permission: &'static str,
    },
    /// Missing, or somebody else's: nobody can tell which.
    NotFound,
    /// There is something here, but not for this method.
    MethodNotAllowed,
    /// The thing is not in a state for it.
    Conflict {
        code: Cow<'static, str>,
        detail: Cow<'static, str>,
        retryable: bool,
    },
    /// The Idempotency-Key was used for another request.
    KeyReused,
    TooLarge,
    /// The body is compressed.
    Encoded,
    /// The body did not come in time.
    TooSlow,
    /// Somebody has asked too often.
    TooManyRequests {
        retry_after_s: u64,
    },
    /// Closed for works.
    Maintenance {
        retry_after_s: u64,
    },
    /// Not now: nothing was promised, try again.
    Unavailable {
        code: &'static str,
        detail: &'static str,
    },
    /// A mistake of ours; logged here, once.
    Internal(String),
}

/// Every `code` there is: what an app may act on. Whoever adds one lists it here.
pub const CODES: &[&str] = &[
    // The request is wrong.
    "invalid_body",
    "body_too_complex",
    "duplicate_field",
    "card_data_refused",
    "request_too_slow",
    "unsupported_encoding",
    "unreadable_body",
    "body_too_large",
    "control_character",
    "invalid_query",
    "invalid_cursor",
    "invalid_name",
    "validation_url",
    "seat_count",
    "seat_twice",
    "idempotency_key_missing",
    "idempotency_key_reused",
    "unknown_platform",
    "invalid_device",
    "invalid_token",
    "invalid_apple_payment",
    "invalid_phone",
    "invalid_buyer",
    "invalid_otp",
    "provider_wanted",
    "method_not_allowed",
    // Who asks may not, or there is nothing of theirs.
    "unauthorized",
    "forbidden",
    "not_found",
    // The booking, or its payment, is not in a state for it.
    "booking_is_confirming",
    "booking_is_confirmed",
    "booking_has_ended",
    "too_many_open_bookings",
    "too_many_held_seats",
    "booking_takes_no_payment",
    "nothing_to_pay",
    "too_late_to_pay",
    "not_opened",
    "order_gone",
    "provider_off",
    "not_taken_here",
    "no_terminal",
    // What a vendor says of this customer, this card, this terminal.
    "amount_too_high",
    "amount_too_low",
    "not_available",
    "buyer_incomplete",
    "card_token_invalid",
    "card_token_expired",
    "card_token_used",
    "card_unknown",
    "card_not_accepted",
    "card_form_over",
    "card_saved_before",
    "card_being_deleted",
    "too_many_cards",
    "too_many_cards_begun",
    "customers_only",
    "cards_not_kept",
    "card_is_being_saved",
    "token_not_wanted",
    "apple_pay_unreadable",
    "apple_pay_not_accepted",
    "one_time_password_malformed",
    "one_time_password_over",
    "phone_not_accepted",
    "payment_under_way",
    "waits_for_nothing",
    "terminal_unknown",
    "terminal_away",
    "terminal_busy",
    // Decisions of staff.
    "reason_missing",
    "decision_not_offered",
    "decided_before",
    "evidence_insufficient",
    "evidence_not_wanted",
    "booking_of_another",
    "step_has_ended",
    "until_is_past",
    // Not now.
    "too_many_streams",
    "too_many_requests",
    "busy",
    "maintenance",
    "identity_away",
    "not_started_in_time",
    "took_too_long",
    "engine_away",
    "database_away",
    "vista_away",
    "apple_pay_away",
    "store_away",
    "no_pass_now",
    "too_many_devices",
    "internal",
];

fn codes() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(CODES.iter().copied())).build()
}

/// Why a request was not done (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    /// A stable word, for programs.
    #[schema(schema_with = codes)]
    code: Cow<'static, str>,
    /// What to do, for people.
    detail: Cow<'static, str>,
    /// The same request may do later.
    retryable: bool,
    /// What to name when asking us about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    /// What the apps of today look for.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

const OURS: &str = "The mistake is ours. Nothing was promised; the same request may be sent again.";

impl Error {
    pub(crate) const fn invalid(code: &'static str, detail: &'static str) -> Self {
        Self::Invalid { code, detail: Cow::Borrowed(detail) }
    }

    /// Seconds after which the same request makes sense.
    const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyRequests { retry_after_s } | Self::Maintenance { retry_after_s } => {
                Some(*retry_after_s)
            }
            Self::Unavailable { .. } => Some(2),
            Self::Invalid { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Conflict { .. }
            | Self::KeyReused
            | Self::TooLarge
            | Self::Encoded
            | Self::TooSlow
            | Self::Internal(_) => None,
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each thing a caller may be told")]
    fn problem(self) -> (StatusCode, Problem) {
        let message = matches!(self, Self::TooManyRequests { .. }).then_some("too many requests");
        let (status, title, code, detail, retryable) = match self {
            Self::Invalid { code, detail } => {
                (StatusCode::BAD_REQUEST, "Invalid request", code.into(), detail, false)
            }
            Self::Unauthorized { detail } => (
                StatusCode::UNAUTHORIZED,
                "Not authenticated",
                "unauthorized".into(),
                detail.into(),
                false,
            ),
            Self::Forbidden { permission } => (
                StatusCode::FORBIDDEN,
                "Not permitted",
                "forbidden".into(),
                format!("It takes a token of staff with the permission {permission}.").into(),
                false,
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Not found",
                "not_found".into(),
                "There is nothing of yours here.".into(),
                false,
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "Method not allowed",
                "method_not_allowed".into(),
                "`Allow` says what can be done here.".into(),
                false,
            ),
            Self::Conflict { code, detail, retryable } => {
                (StatusCode::CONFLICT, "Not possible now", code, detail, retryable)
            }
            Self::KeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "Idempotency-Key reused",
                "idempotency_key_reused".into(),
                "This Idempotency-Key belongs to another request. Use a new one.".into(),
                false,
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "Too large",
                "body_too_large".into(),
                "A body may have 64 KiB.".into(),
                false,
            ),
            Self::Encoded => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Compressed",
                "unsupported_encoding".into(),
                "Send the body as it is, without Content-Encoding.".into(),
                false,
            ),
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "Too slow",
                "request_too_slow".into(),
                "The body did not come in time. Nothing was done; send the same request again."
                    .into(),
                true,
            ),
            Self::TooManyRequests { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
                "too_many_requests".into(),
                "Nothing was done. Send the same request again after Retry-After.".into(),
                true,
            ),
            Self::Maintenance { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Closed for maintenance",
                "maintenance".into(),
                "Nothing new can be begun now. Bookings that there are can be seen.".into(),
                true,
            ),
            Self::Unavailable { code, detail } => {
                (StatusCode::SERVICE_UNAVAILABLE, "Not available", code.into(), detail.into(), true)
            }
            Self::Internal(reason) => {
                tracing::error!(%reason, "a request failed: {reason}");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                (status, "Internal error", "internal".into(), OURS.into(), true)
            }
        };
        let problem = Problem {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            code,
            detail,
            retryable,
            trace_id: telemetry::trace().map(|trace| trace.to_string()),
            message,
        };
        (status, problem)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let retry_after = self.retry_after();
        let (status, problem) = self.problem();
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The tables do not answer: reads and starts wait for better times, webhooks are re-sent by their vendor.
impl From<schema::Error> for Error {
    fn from(error: schema::Error) -> Self {
        match error {
            schema::Error::Sql(_) => {
                tracing::warn!(%error, "the database does not answer: {error}");
                Self::Unavailable {
                    code: "database_away",
                    detail: "We cannot look right now. Try again in a moment.",
                }
            }
            schema::Error::Migrate(_)
            | schema::Error::Unreadable { .. }
            | schema::Error::Missing(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<Away> for Error {
    fn from(error: Away) -> Self {
        tracing::warn!(%error, "not started: {error}");
        Self::Unavailable {
            code: "engine_away",
            detail: "Nothing was started. Send the same request with the same Idempotency-Key again.",
        }
    }
}
