//! What Tabby's stand-in does, which faults it has of its own, and what nobody knows about the real one.

use super::WEBHOOK_SECRET;
use crate::catalogue::{Kind, Known, Operation, When, operation};
use crate::switches::Switch;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("create_session", Kind::Effect),
    operation("pay", Kind::Shopper),
    operation("session", Kind::Read),
    operation("payment", Kind::Read),
    operation("payments", Kind::Read),
    operation("capture", Kind::Effect),
    operation("refund", Kind::Effect),
    operation("close", Kind::Effect),
    operation("webhook", Kind::Notice),
    operation("page", Kind::Read),
];

/// Everything that is asked with the merchant's key.
const API: &[&str] =
    &["create_session", "session", "payment", "payments", "capture", "refund", "close"];
const CHANGES: &[&str] = &["capture", "refund", "close"];
/// Where a payment is shown to the merchant.
const SHOWN: &[&str] =
    &["create_session", "session", "payment", "payments", "capture", "refund", "close", "webhook"];
const WEBHOOK: &[&str] = &["webhook"];
const PAY: &[&str] = &["pay"];

pub(super) const FAULTS: &[Known] = &[
    // What becomes of a session or a payment.
    Known::own("rejected", When::Inside, &["create_session"]),
    Known::own("amount_too_high", When::Inside, &["create_session"]),
    Known::own("amount_too_low", When::Inside, &["create_session"]),
    Known::own("no_product", When::Inside, &["create_session"]),
    Known::own("decline", When::Inside, PAY),
    Known::own("undecided", When::Inside, PAY),
    Known::own("late_success", When::Inside, PAY),
    Known::own("expired_then_authorized", When::Inside, PAY),
    Known::own("amount_mismatch", When::Inside, PAY),
    Known::own("reference_mismatch", When::Inside, PAY),
    Known::own("partial_capture", When::Inside, &["capture"]),
    Known::own("partial_close", When::Inside, &["capture"]),
    // What is shown of one that is as it should be.
    Known::own("amount_mismatch", When::After, SHOWN),
    Known::own("amount_hundredth", When::After, SHOWN),
    Known::own("amount_as_number", When::After, SHOWN),
    Known::own("short_amounts", When::After, SHOWN),
    Known::own("currency_mismatch", When::After, SHOWN),
    Known::own("reference_mismatch", When::After, SHOWN),
    Known::own("other_system", When::After, SHOWN),
    Known::own("other_case", When::After, SHOWN),
    Known::own("unknown_status", When::After, SHOWN),
    Known::own("null_lists", When::After, SHOWN),
    Known::own("missing_fields", When::After, SHOWN),
    Known::own("lookup_lag", When::After, &["pay", "capture", "refund", "close"]),
    // Answers instead of the operation, or in spite of it.
    Known::own("not_authorized", When::Before, API),
    Known::own("wrong_region", When::Before, API),
    Known::own("plain_404", When::Before, API),
    Known::own("plain_500", When::Before, API),
    Known::own("currency_clash", When::Before, &["create_session"]),
    Known::own("lookup_lag", When::Before, &["payment"]),
    Known::own("disputed", When::Before, &["refund"]),
    Known::own("denied", When::Before, CHANGES),
    Known::own("denied_though_done", When::After, CHANGES),
    Known::own("session_expired", When::Before, &["pay", "page"]),
    // Webhooks.
    Known::own("lost", When::Before, WEBHOOK),
    Known::own("late", When::Late, WEBHOOK),
    Known::own("late_hours_N", When::Late, WEBHOOK).like(&["late_hours_2"]),
    Known::own("late_days_N", When::Late, WEBHOOK).like(&["late_days_3"]),
    Known::own("duplicate", When::After, WEBHOOK),
    Known::own("replayed", When::After, WEBHOOK),
    Known::own("unheard_N", When::After, WEBHOOK).like(&["unheard_1"]),
    Known::own("overtaken", When::Late, WEBHOOK),
    Known::own("stale", When::After, WEBHOOK),
    Known::own("forged_key", When::After, WEBHOOK),
    Known::own("forged_tag", When::After, WEBHOOK),
    Known::own("forged_vector", When::After, WEBHOOK),
    Known::own("corrupt", When::Before, WEBHOOK),
];

pub(super) const SWITCHES: &[Switch] = &[
    Switch::of(
        "repeated_reference",
        &["shown", "denied"],
        "a capture or refund under a reference used before: answered with the payment, or forgotten and refused",
    ),
    Switch::of(
        "capture_tells",
        &["once", "capture_then_close", "close_then_capture"],
        "the webhooks of a capture of everything",
    ),
    Switch::of("expired_webhook", &["true", "false"], "whether an expired payment is told"),
    Switch::of(
        "cancel_page",
        &["expires", "stays"],
        "a payment whose shopper clicks Cancel: expired at once, or with the session",
    ),
    Switch::of(
        "untouched",
        &["stays", "captured"],
        "a payment that is authorized for 21 days: stays, or is captured by Tabby itself",
    ),
    Switch::free(
        "sessions_per_ten_seconds",
        &["0", "10"],
        "how many sessions may be opened; 10 with keys of the test system, 0 is without limit",
    ),
    Switch::free(
        "webhook_patience_ms",
        &["60000", "1000"],
        "how long the merchant may take to answer a webhook, in real time",
    ),
    Switch::of("error_page", &["html", "empty", "json"], "the body of a 5xx"),
    Switch::of("retry_after", &["none", "5"], "the Retry-After of a 503 or 429"),
    Switch::setting("webhook_url", "", "where webhooks go"),
    Switch::setting("webhook_secret", WEBHOOK_SECRET, "what is in the header of webhooks"),
];
