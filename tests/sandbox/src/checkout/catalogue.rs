//! What Checkout.com's stand-in does, which faults it has of its own, and what nobody knows about the real one.

use crate::catalogue::{Kind, Known, Operation, When, operation};
use crate::clock::{HOUR, MINUTE};
use crate::outbox::Ladder;
use crate::switches::Switch;

/// Eight tries after the first, over some thirty hours.
pub(super) const LADDER: Ladder = Ladder {
    steps: &[
        5 * MINUTE,
        10 * MINUTE,
        15 * MINUTE,
        30 * MINUTE,
        HOUR,
        4 * HOUR,
        12 * HOUR,
        12 * HOUR,
    ],
    tries: 9,
    takes_redirects: false,
};

pub(super) const OPERATIONS: &[Operation] = &[
    operation("exchange", Kind::Effect),
    operation("create_instrument", Kind::Effect),
    operation("get_instrument", Kind::Read),
    operation("delete_instrument", Kind::Effect),
    operation("open_context", Kind::Effect),
    operation("get_context", Kind::Read),
    operation("create_payment", Kind::Effect),
    operation("pay", Kind::Shopper),
    operation("page", Kind::Read),
    operation("find_payments", Kind::Read),
    operation("get_payment", Kind::Read),
    operation("get_actions", Kind::Read),
    operation("capture", Kind::Effect),
    operation("refund", Kind::Effect),
    operation("void", Kind::Effect),
    operation("webhook", Kind::Notice),
];

/// Where a payment is decided.
const DECIDED: &[&str] = &["create_payment", "pay"];
const FOLLOW_UPS: &[&str] = &["capture", "refund", "void"];
const MONEY: &[&str] = &["create_payment", "pay", "capture", "refund", "void"];
/// What honours idempotency keys.
const KEYED: &[&str] = &["open_context", "create_payment", "capture", "refund", "void"];
const LOOKS: &[&str] = &["find_payments", "get_payment", "get_actions"];
const SHOWN: &[&str] = &["find_payments", "get_payment", "get_actions", "webhook"];
const API: &[&str] = &[
    "exchange",
    "create_instrument",
    "get_instrument",
    "delete_instrument",
    "open_context",
    "get_context",
    "create_payment",
    "find_payments",
    "get_payment",
    "get_actions",
    "capture",
    "refund",
    "void",
];
const WEBHOOK: &[&str] = &["webhook"];

pub(super) const FAULTS: &[Known] = &[
    // What becomes of a payment, a capture, a refund or a void.
    Known::own("decline", When::Inside, MONEY),
    Known::own("ends_N", When::Inside, DECIDED).like(&["ends_20051", "ends_20154", "ends_40101"]),
    Known::own("ends_N", When::Inside, FOLLOW_UPS).like(&["ends_20006", "ends_20158"]),
    Known::own("pending_N", When::Inside, MONEY).like(&["pending_2"]),
    Known::own("pending_then_decline_N", When::Inside, MONEY).like(&["pending_then_decline_2"]),
    Known::own("pending_forever", When::Inside, MONEY),
    Known::own("capture_declined", When::Inside, DECIDED),
    Known::own("frictionless", When::Inside, &["create_payment"]),
    Known::own("returns_to_failure", When::Inside, &["pay"]),
    Known::own("amount_mismatch", When::Inside, DECIDED),
    Known::own("currency_mismatch", When::Inside, DECIDED),
    Known::own("reference_mismatch", When::Inside, DECIDED),
    // What is shown of one that is as it should be.
    Known::own("amount_mismatch", When::After, SHOWN),
    Known::own("currency_mismatch", When::After, SHOWN),
    Known::own("reference_mismatch", When::After, SHOWN),
    Known::own("unknown_status", When::After, &["find_payments", "get_payment"]),
    Known::own("missing_fields", When::After, &["find_payments", "get_payment"]),
    Known::own("lookup_lag", When::Inside, &["create_payment"]),
    Known::own("lookup_lag", When::Before, LOOKS),
    // Answers instead of the operation, or in spite of it.
    Known::own("key_refused", When::Before, API),
    Known::own("duplicate_request", When::Before, KEYED),
    Known::own("duplicate_request_after", When::After, KEYED),
    Known::own(
        "not_found",
        When::Before,
        &["get_payment", "get_actions", "capture", "refund", "void"],
    ),
    Known::own("action_not_allowed", When::Before, FOLLOW_UPS),
    Known::own("amount_exceeds_balance", When::Before, FOLLOW_UPS),
    Known::own("token_used", When::Before, &["create_payment", "create_instrument"]),
    Known::own("token_in_use", When::Before, &["create_payment"]),
    Known::own("token_expired", When::Before, &["create_payment", "create_instrument"]),
    Known::own("token_invalid", When::Before, &["create_payment", "create_instrument"]),
    Known::own("token_data_invalid", When::Before, &["exchange"]),
    Known::own("apm_service_unavailable", When::Before, &["open_context"]),
    // Webhooks.
    Known::own("lost", When::Before, WEBHOOK),
    Known::own("late", When::Late, WEBHOOK),
    Known::own("late_hours_N", When::Late, WEBHOOK).like(&["late_hours_24"]),
    Known::own("late_days_N", When::Late, WEBHOOK).like(&["late_days_3"]),
    Known::own("duplicate", When::After, WEBHOOK),
    Known::own("other_event", When::After, WEBHOOK),
    Known::own("replayed", When::After, WEBHOOK),
    Known::own("unheard_N", When::After, WEBHOOK).like(&["unheard_1"]),
    Known::own("overtaken", When::Late, WEBHOOK),
    Known::own("malformed", When::Before, WEBHOOK),
    Known::own("forged_key", When::After, WEBHOOK),
    Known::own("forged_unsigned", When::After, WEBHOOK),
    Known::own("forged_respaced", When::After, WEBHOOK),
    Known::own("forged_truncated", When::After, WEBHOOK),
    Known::own("forged_authorization", When::After, WEBHOOK),
];

pub(super) const SWITCHES: &[Switch] = &[
    Switch::free(
        "key_retention_ms",
        &["86400000", "120000", "259200000", "0"],
        "how long a success is answered again under its idempotency key, in the vendor's time",
    ),
    Switch::of(
        "in_flight_status",
        &["429", "409"],
        "the HTTP status of a key whose first request is still at work",
    ),
    Switch::of(
        "same_key_other_body",
        &["replay", "refuse"],
        "whether a key with another body is answered as before",
    ),
    Switch::of(
        "challenge",
        &["asked", "never"],
        "whether the issuer asks the customer, where 3-D Secure is enabled",
    ),
    Switch::free(
        "settle_ms",
        &["2000", "0", "60000"],
        "how long an accepted capture, refund or void is not decided, in the vendor's time",
    ),
    Switch::of(
        "actions_show_undecided",
        &["false", "true"],
        "whether actions are listed before they are decided",
    ),
    Switch::of(
        "list_shows_page",
        &["true", "false"],
        "whether a list of payments shows where the customer is to go",
    ),
    Switch::free(
        "index_lag_ms",
        &["0", "5000", "30000"],
        "how long the list by reference does not show a payment, in the vendor's time",
    ),
    Switch::of(
        "captures_at_once",
        &["false", "true"],
        "whether a payment is captured although it was only to be reserved, as a local scheme may",
    ),
    Switch::of(
        "instrument_again",
        &["new", "same"],
        "whether a card that is kept already is kept under another id when it is saved again",
    ),
    Switch::of(
        "declines_by_amount",
        &["false", "true"],
        "whether the last digits of an amount choose a decline, as in the vendor's sandbox",
    ),
    Switch::of("stc_pay_status", &["201", "202"], "the HTTP status of paying with a password"),
    Switch::free("password", &["123456", "0000"], "the one-time password that every phone gets"),
    Switch::of(
        "envelope",
        &["first", "second", "alternating"],
        "an event with timestamp, source and version, or with created_on alone",
    ),
    Switch::of("signature_case", &["lower", "upper"], "the case of a signature's hex"),
    Switch::free(
        "webhook_patience_ms",
        &["10000", "1000"],
        "how long the merchant may take to answer a webhook, in real time",
    ),
    Switch::of("error_page", &["html", "empty", "json"], "the body of a 5xx"),
    Switch::of("retry_after", &["none", "5"], "the Retry-After of a 503 or 429"),
    Switch::setting("public_url", "", "where the links in its answers lead"),
    Switch::setting("webhook_url", "", "where webhooks go"),
    Switch::setting("webhook_key", "", "what signs webhooks"),
    Switch::setting("webhook_authorization", "", "what webhooks show as Authorization"),
];
