//! What the terminals' stand-in does, which faults it has of its own, and what nobody knows about the real one.

use crate::catalogue::{Kind, Known, Operation, When, operation};
use crate::switches::Switch;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("terminals", Kind::Read),
    operation("transactions", Kind::Read),
    operation("transaction", Kind::Read),
    operation("login", Kind::Read),
    operation("purchase", Kind::Shopper),
    operation("reverse", Kind::Shopper),
    operation("refund", Kind::Shopper),
    operation("webhook", Kind::Notice),
];

const TERMINALS: &[&str] = &["terminals"];
const SHOWN: &[&str] = &["transactions", "transaction"];
const PURCHASE: &[&str] = &["purchase"];
const REVERSE: &[&str] = &["reverse"];
const WEBHOOK: &[&str] = &["webhook"];

pub(super) const FAULTS: &[Known] = &[
    // The terminal.
    Known::own("unknown_terminal", When::Before, TERMINALS),
    Known::own("not_connected", When::Before, TERMINALS),
    Known::own("disconnected", When::Before, TERMINALS),
    Known::own("reconciling", When::Before, TERMINALS),
    Known::own("updating", When::Before, TERMINALS),
    // What becomes of a tap.
    Known::own("decline", When::Inside, PURCHASE),
    Known::own("double_tap", When::Inside, PURCHASE),
    Known::own("amount_mismatch", When::Inside, PURCHASE),
    Known::own("terminal_mismatch", When::Inside, PURCHASE),
    Known::own("lost_answer", When::After, &["purchase", "reverse", "refund"]),
    Known::own("shown_after_N", When::After, PURCHASE).like(&["shown_after_2"]),
    Known::own("reversed_by_itself", When::After, PURCHASE),
    Known::own("refunded_by_itself", When::After, PURCHASE),
    // What becomes of a reversal.
    Known::own("too_late", When::Before, REVERSE),
    Known::own("not_reversed", When::Before, REVERSE),
    Known::own("late_reversal", When::Late, REVERSE),
    // What is shown of a transaction that is as it should be.
    Known::own("amount_mismatch", When::After, SHOWN),
    Known::own("currency_mismatch", When::After, SHOWN),
    Known::own("terminal_mismatch", When::After, SHOWN),
    Known::own("reference_mismatch", When::After, SHOWN),
    Known::own("type_mismatch", When::After, SHOWN),
    Known::own("no_receipt", When::After, SHOWN),
    Known::own("second_page", When::After, &["transactions"]),
    Known::own("not_narrowed", When::After, &["transactions"]),
    Known::own("lookup_lag", When::Before, SHOWN),
    // Webhooks.
    Known::own("lost", When::Before, WEBHOOK),
    Known::own("late", When::Late, WEBHOOK),
    Known::own("duplicate", When::After, WEBHOOK),
    Known::own("forged_key", When::After, WEBHOOK),
    Known::own("unknown_event", When::After, WEBHOOK),
    Known::own("not_json", When::After, WEBHOOK),
];

pub(super) const SWITCHES: &[Switch] = &[
    Switch::setting("key_header", "api-key", "the header that the API key comes in"),
    Switch::setting("terminal_claim", "terminal_id", "the claim that names the terminal"),
    Switch::of(
        "unknown_terminal",
        &["empty_list", "404"],
        "what is said of a terminal there is not",
    ),
    Switch::of(
        "connected",
        &["shown", "not_shown"],
        "whether a terminal shows that it is connected",
    ),
    Switch::of("receipts", &["receipts", "reciepts"], "how the list of receipts is spelled"),
    Switch::of(
        "reference_on",
        &["transaction", "receipt"],
        "where the merchant's reference is shown",
    ),
    Switch::of(
        "reversal_shown",
        &["flag", "second_receipt"],
        "whether a reversal marks the purchase's receipt or adds one",
    ),
    Switch::of(
        "refund_shown",
        &["second_receipt", "flag"],
        "whether a refund adds a receipt to the purchase's or only marks that",
    ),
    Switch::of("webhook_name", &["event", "type", "name"], "the field that an event's name is in"),
    Switch::of(
        "webhook_data",
        &["transaction", "receipts"],
        "what an event tells of a transaction",
    ),
    Switch::of("webhook_repeats", &["true", "false"], "whether a webhook is sent again"),
    Switch::of("error_page", &["html", "empty", "json"], "the body of a 5xx"),
    Switch::of("retry_after", &["5", "none"], "the Retry-After of a 503 or 429"),
    Switch::setting("webhook_url", "", "where webhooks go, with the secret at the end"),
];
