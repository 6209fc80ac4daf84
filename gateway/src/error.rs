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
    "unreadable_body",
    "body_too_large",
    "control_character",
    "invalid_query",
    "invalid_cursor",
    "invalid_name",
    "seat_count",
    "seat_twice",
    "idempotency_key_missing",
    "idempotency_key_reused",
    "unknown_platform",
    "method_not_allowed",
    // Who asks may not, or there is nothing of theirs.
    "unauthorized",
    "forbidden",
    "not_found",
    // The booking, or its payment, is not in a state for it.
    "booking_is_confirming",
    "booking_is_confirmed",
    "booking_has_ended",
    "booking_takes_no_payment",
    "nothing_to_pay",
    "too_late_to_pay",
    "not_opened",
    "order_gone",
    "provider_off",
    // Decisions of staff.
    "reason_missing",
    "decision_not_offered",
    "decided_before",
    "evidence_insufficient",
    "evidence_not_wanted",
    "booking_of_another",
    "step_has_ended",
    // Not now.
    "too_many_streams",
    "not_started_in_time",
    "engine_away",
    "database_away",
    "vista_away",
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
}

const OURS: &str = "The mistake is ours. Nothing was promised; the same request may be sent again.";

impl Error {
    pub(crate) const fn invalid(code: &'static str, detail: &'static str) -> Self {
        Self::Invalid { code, detail: Cow::Borrowed(detail) }
    }

    fn problem(self) -> (StatusCode, Problem) {
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
        };
        (status, problem)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, problem) = self.problem();
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("2"));
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
