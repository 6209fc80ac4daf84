//! What the card gateway's stand-in does, which faults it has of its own, and what nobody knows about the real one.

use super::DEFAULT_WEBHOOK_KEY;
use crate::catalogue::{Kind, Known, Operation, When, operation};
use crate::switches::Switch;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("create_checkout", Kind::Effect),
    operation("pay", Kind::Shopper),
    operation("status_checkout", Kind::Read),
    operation("status_registration", Kind::Read),
    operation("charge_registration", Kind::Effect),
    operation("deregister", Kind::Effect),
    operation("status_payment", Kind::Read),
    operation("query_id", Kind::Read),
    operation("query_reference", Kind::Read),
    operation("refund", Kind::Effect),
    operation("reversal", Kind::Effect),
    operation("capture", Kind::Effect),
    operation("webhook", Kind::Notice),
    operation("widget", Kind::Read),
    operation("page", Kind::Read),
];

const MONEY: &[&str] = &["pay", "charge_registration", "refund", "reversal", "capture"];
const POSTS: &[&str] =
    &["create_checkout", "charge_registration", "deregister", "refund", "reversal", "capture"];
const READS: &[&str] =
    &["status_checkout", "status_registration", "status_payment", "query_id", "query_reference"];
/// Where a transaction is shown to the merchant.
const SHOWN: &[&str] = &[
    "charge_registration",
    "refund",
    "reversal",
    "capture",
    "status_checkout",
    "status_payment",
    "query_id",
    "query_reference",
    "webhook",
];
const WEBHOOK: &[&str] = &["webhook"];

pub(super) const FAULTS: &[Known] = &[
    // What becomes of a transaction.
    Known::own("decline", When::Inside, MONEY),
    Known::own("review", When::Inside, MONEY),
    Known::own("ends_N", When::Inside, MONEY).like(&[
        "ends_800.100.152",
        "ends_800.100.155",
        "ends_800.100.159",
        "ends_800.300.101",
        "ends_300.100.100",
        "ends_100.380.401",
        "ends_100.390.112",
        "ends_100.396.101",
        "ends_000.400.101",
        "ends_000.400.100",
        "ends_000.300.000",
        "ends_000.999.999",
    ]),
    Known::own("pending_N", When::Inside, MONEY).like(&["pending_2"]),
    Known::own("pending_then_decline_N", When::Inside, MONEY).like(&["pending_then_decline_2"]),
    Known::own("pending_long_N", When::Inside, MONEY).like(&["pending_long_2"]),
    Known::own("pending_forever", When::Inside, MONEY),
    Known::own("uncertain", When::Inside, MONEY),
    Known::own("uncertain_then_reversed", When::Inside, MONEY),
    Known::own("late_success", When::Inside, &["pay"]),
    Known::own("chargeback", When::Inside, &["pay"]),
    Known::own("amount_mismatch", When::Inside, &["pay"]),
    Known::own("currency_mismatch", When::Inside, &["pay"]),
    Known::own("reference_mismatch", When::Inside, &["pay"]),
    // What is shown of one that is as it should be.
    Known::own("amount_mismatch", When::After, SHOWN),
    Known::own("amount_hundredth", When::After, SHOWN),
    Known::own("amount_as_number", When::After, SHOWN),
    Known::own("currency_mismatch", When::After, SHOWN),
    Known::own("reference_mismatch", When::After, SHOWN),
    Known::own("entity_mismatch", When::After, SHOWN),
    Known::own("missing_fields", When::After, SHOWN),
    Known::own("bare_result", When::After, SHOWN),
    Known::own("lookup_lag", When::After, MONEY),
    // Answers instead of the operation, or in spite of it.
    Known::own("code_N", When::Inside, &["pay"]).like(&["code_800.100.152"]),
    Known::own("code_N", When::Before, POSTS).like(&[
        "code_200.300.404",
        "code_800.110.100",
        "code_200.200.106",
        "code_800.600.100",
        "code_800.120.100",
        "code_800.900.300",
        "code_800.900.201",
        "code_600.200.201",
        "code_700.400.570",
        "code_900.100.300",
        "code_900.100.600",
        "code_999.999.999",
        "code_000.999.999",
    ]),
    Known::own("code_N", When::Before, READS).like(&[
        "code_700.400.580",
        "code_800.120.100",
        "code_800.900.300",
        "code_900.100.400",
        "code_999.999.999",
        "code_000.999.999",
    ]),
    Known::own("commit_N", When::After, POSTS).like(&[
        "commit_800.110.100",
        "commit_200.300.404",
        "commit_900.100.300",
        "commit_999.999.999",
    ]),
    Known::own("pending_N", When::Before, READS).like(&["pending_1"]),
    Known::own("uncertain", When::Before, READS),
    Known::own("lookup_lag", When::Before, READS),
    Known::own("consumed", When::Before, &["status_checkout"]),
    Known::own("session_expired", When::Before, &["status_checkout", "pay", "page", "widget"]),
    // Webhooks.
    Known::own("lost", When::Before, WEBHOOK),
    Known::own("late", When::Late, WEBHOOK),
    Known::own("late_hours_N", When::Late, WEBHOOK).like(&["late_hours_2"]),
    Known::own("late_days_N", When::Late, WEBHOOK).like(&["late_days_3"]),
    Known::own("duplicate", When::After, WEBHOOK),
    Known::own("duplicate_same", When::After, WEBHOOK),
    Known::own("replayed", When::After, WEBHOOK),
    Known::own("unheard_N", When::After, WEBHOOK).like(&["unheard_1"]),
    Known::own("overtaken", When::Late, WEBHOOK),
    Known::own("pending_last", When::After, WEBHOOK),
    Known::own("stale_decline", When::After, WEBHOOK),
    Known::own("forged_key", When::After, WEBHOOK),
    Known::own("forged_tag", When::After, WEBHOOK),
    Known::own("forged_vector", When::After, WEBHOOK),
    Known::own("corrupt", When::Before, WEBHOOK),
];

pub(super) const SWITCHES: &[Switch] = &[
    Switch::of("decline_http_status", &["400", "200"], "the HTTP status of a decline"),
    Switch::of("throttle_http_status", &["429", "400", "200"], "the HTTP status of a throttle"),
    Switch::free(
        "throttle_per_minute",
        &["2", "1", "0"],
        "status reads a minute and transaction; 0 is without limit",
    ),
    Switch::of(
        "dup_policy",
        &["allow", "reject_200.300.404", "reject_800.110.100", "charge_again"],
        "a reference used before: executed within what was captured, refused, or executed whatever was captured",
    ),
    Switch::of(
        "session_takes",
        &["one_success", "several"],
        "whether a session that has been paid takes another payment",
    ),
    Switch::of("rv_on_db", &["deny", "allow"], "whether a debit can be reversed"),
    Switch::of(
        "refund_again",
        &["700.400.200", "700.300.300"],
        "the code of a refund when everything has gone back",
    ),
    Switch::of(
        "pending_before_submit",
        &["000.200.000", "200.300.404"],
        "the code of a session nobody has paid on yet",
    ),
    Switch::of(
        "registration_reads",
        &["many", "one"],
        "how often the registration that a form has made can be read",
    ),
    Switch::of(
        "one_click_challenge",
        &["false", "true", "form"],
        "whether the bank wants to see the customer when a saved card is charged, and whether a form leads to it",
    ),
    Switch::of("decline_ends_session", &["false", "true"], "whether reading a decline consumes"),
    Switch::of("list_key", &["payments", "records"], "the name of a query's list"),
    Switch::free(
        "success_code",
        &["auto", "000.000.000", "000.600.000"],
        "the code of a success; auto is the test platform's",
    ),
    Switch::of(
        "long_pending_code",
        &["800.400.500", "100.400.500"],
        "the code of what stays pending for days",
    ),
    Switch::free(
        "query_lag_ms",
        &["0", "5000", "30000"],
        "how long queries do not show a transaction, in the vendor's time",
    ),
    Switch::of(
        "webhook_wrapper",
        &["none", "json", "alternating"],
        "the form of a webhook's body; it may change between two attempts",
    ),
    Switch::of(
        "webhook_pending_first",
        &["false", "true"],
        "whether a success is told as pending a moment before",
    ),
    Switch::free(
        "webhook_patience_ms",
        &["30000", "1000"],
        "how long the merchant may take to answer a webhook, in real time",
    ),
    Switch::of("error_page", &["html", "empty", "json"], "the body of a 5xx"),
    Switch::of("retry_after", &["5", "none"], "the Retry-After of a 503 or 429"),
    Switch::setting("webhook_url", "", "where webhooks go"),
    Switch::setting("webhook_key", DEFAULT_WEBHOOK_KEY, "64 hex digits that seal webhooks"),
];
