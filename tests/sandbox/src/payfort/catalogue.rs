//! What the stand-in of Amazon Payment Services does, which faults it has of its own, and what nobody knows about the
//! real one.

use crate::catalogue::{Kind, Known, Operation, When, operation};
use crate::switches::Switch;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("purchase", Kind::Effect),
    operation("authorize", Kind::Effect),
    operation("capture", Kind::Effect),
    operation("void", Kind::Effect),
    operation("refund", Kind::Effect),
    operation("update_token", Kind::Effect),
    operation("status", Kind::Read),
    operation("pay", Kind::Shopper),
    operation("page", Kind::Read),
    operation("webhook", Kind::Notice),
];

/// Where money may move.
const MONEY: &[&str] = &["purchase", "authorize", "pay", "capture", "void", "refund"];
const CHARGES: &[&str] = &["purchase", "authorize", "pay"];
const POSTS: &[&str] = &["purchase", "authorize", "capture", "void", "refund"];
const STATUS: &[&str] = &["status"];
/// Where an order is shown to the merchant.
const SHOWN: &[&str] = &["purchase", "authorize", "capture", "void", "refund", "status", "webhook"];
const TOKENS: &[&str] = &["update_token"];
const WEBHOOK: &[&str] = &["webhook"];

pub(super) const FAULTS: &[Known] = &[
    // What becomes of the money.
    Known::own("decline", When::Inside, MONEY),
    Known::own("fails_N", When::Inside, MONEY).like(&[
        "fails_012",
        "fails_029",
        "fails_030",
        "fails_079",
        "fails_785",
    ]),
    Known::own("review", When::Inside, &["purchase", "pay"]),
    Known::own("pending_N", When::Inside, MONEY).like(&["pending_2"]),
    Known::own("pending_then_decline_N", When::Inside, MONEY).like(&["pending_then_decline_2"]),
    Known::own("pending_forever", When::Inside, MONEY),
    Known::own("uncertain", When::Inside, MONEY),
    Known::own("uncertain_then_reversed", When::Inside, MONEY),
    Known::own("takes_another_amount", When::Inside, CHARGES),
    Known::own("takes_another_currency", When::Inside, CHARGES),
    Known::own("lookup_lag", When::After, MONEY),
    // What is shown of it, signed by the vendor nevertheless.
    Known::own("amount_mismatch", When::After, SHOWN),
    Known::own("amount_hundredth", When::After, SHOWN),
    Known::own("amount_as_number", When::After, SHOWN),
    Known::own("currency_mismatch", When::After, SHOWN),
    Known::own("reference_mismatch", When::After, SHOWN),
    Known::own("fort_id_mismatch", When::After, SHOWN),
    Known::own("missing_fields", When::After, SHOWN),
    Known::own("bare_result", When::After, SHOWN),
    Known::own("new_fields", When::After, SHOWN),
    // Not signed, or not by the vendor's phrase of this channel.
    Known::own("unsigned", When::After, SHOWN),
    Known::own("signed_by_request_phrase", When::After, SHOWN),
    Known::own("signed_by_other_channel", When::After, SHOWN),
    // Answers instead of the operation, or in spite of it.
    Known::own("code_N", When::Before, POSTS).like(&[
        "code_00006",
        "code_00007",
        "code_00008",
        "code_00009",
        "code_00010",
        "code_00047",
        "code_00066",
        "code_00015",
        "code_15777",
        "code_97000",
    ]),
    Known::own("code_N", When::Before, STATUS).like(&[
        "code_00006",
        "code_00008",
        "code_00036",
        "code_11036",
        "code_11006",
        "code_97000",
    ]),
    Known::own("commit_N", When::After, POSTS).like(&[
        "commit_00006",
        "commit_00007",
        "commit_00047",
        "commit_00066",
        "commit_15777",
        "commit_15781",
        "commit_97000",
    ]),
    Known::own("code_N", When::Before, TOKENS).like(&["code_00006", "code_59000", "code_97000"]),
    Known::own("commit_N", When::After, TOKENS).like(&["commit_00006", "commit_97000"]),
    Known::own("unsigned", When::After, TOKENS),
    Known::own("signed_by_request_phrase", When::After, TOKENS),
    Known::own("reference_mismatch", When::After, TOKENS),
    Known::own("lookup_lag", When::Before, STATUS),
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
    Known::own("pending_last", When::After, WEBHOOK),
    Known::own("stale_decline", When::After, WEBHOOK),
    Known::own("forged_key", When::After, WEBHOOK),
    Known::own("forged_amount", When::After, WEBHOOK),
    Known::own("forged_phrase", When::After, WEBHOOK),
];

pub(super) const SWITCHES: &[Switch] = &[
    Switch::of(
        "three_ds",
        &["challenge", "frictionless"],
        "whether a card's holder is asked by the bank; Apple Pay's never is",
    ),
    Switch::of("dup_policy", &["00066", "00047", "00007"], "the code of a reference used before"),
    Switch::of(
        "order_not_found",
        &["11036", "00036", "12000"],
        "the code of an order that is not there; 12000 comes without a transaction",
    ),
    Switch::of("refund_exceeds", &["00048", "07048"], "the code of more than was captured"),
    Switch::of(
        "maintenance_reference",
        &["unique", "ignored"],
        "whether a second refund under a reference that has gone through is refused",
    ),
    Switch::of("sign_errors", &["true", "false"], "whether an answer of status 00 or 11 is signed"),
    Switch::of("http_status_on_error", &["200", "400"], "the HTTP status of status 00"),
    Switch::of("feedback_format", &["json", "form", "alternating"], "the form of a webhook's body"),
    Switch::of("feedbacks", &["one", "both"], "whether both webhook addresses are told everything"),
    Switch::of("return_method", &["post", "get"], "how the browser brings fields back"),
    Switch::of(
        "uncharged_token",
        &["kept", "dropped"],
        "whether a token that nobody has charged is there for longer than a day",
    ),
    Switch::of(
        "remember_me",
        &["yes", "unless_no"],
        "whether a charge keeps its token only if it says YES, or unless it says NO",
    ),
    Switch::of(
        "security_code",
        &["optional", "required"],
        "whether a card that was charged before needs its security code again",
    ),
    Switch::of("token_updated", &["58063", "58000"], "the code of a token that was updated"),
    Switch::of(
        "token_again",
        &["updated", "00044"],
        "what making a token inactive that is inactive already is answered",
    ),
    Switch::of(
        "update_reference",
        &["unique", "ignored"],
        "whether a reference that was used before is refused for a token's update",
    ),
    Switch::of("echo_nested", &["false", "true"], "whether Apple's nested fields are said back"),
    Switch::of(
        "status_shows_token",
        &["false", "true"],
        "whether the status of an order that is only a token shows the tokenization",
    ),
    Switch::of(
        "captured_of_purchase",
        &["counted", "authorized_only"],
        "whether a purchase counts as captured, or only as authorised",
    ),
    Switch::of(
        "customer_ip",
        &["required", "optional"],
        "whether a charge needs the buyer's address",
    ),
    Switch::free(
        "query_lag_ms",
        &["0", "5000", "30000"],
        "how long CHECK_STATUS does not show an order, in the vendor's time",
    ),
    Switch::free(
        "webhook_patience_ms",
        &["30000", "1000"],
        "how long the merchant may take to answer a webhook, in real time",
    ),
    Switch::of("error_page", &["html", "empty", "json"], "the body of a 5xx"),
    Switch::of("retry_after", &["5", "none"], "the Retry-After of a 503 or 429"),
    Switch::setting("webhook_url", "", "where webhooks go"),
];
