//! What the cinema system's stand-in does, which faults it has of its own, and what nobody knows about the real one.

use crate::catalogue::{Kind, Known, Operation, When, operation};
use crate::switches::Switch;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("create_order", Kind::Effect),
    operation("get_order", Kind::Read),
    operation("set_tickets", Kind::Effect),
    operation("continue_order", Kind::Effect),
    operation("cancel_order", Kind::Effect),
    operation("pay_order", Kind::Effect),
    operation("booking_status", Kind::Read),
    operation("get_booking", Kind::Read),
    operation("search_booking", Kind::Read),
    operation("cancel_booking", Kind::Effect),
    operation("refund_booking", Kind::Effect),
    operation("seat_plan", Kind::Read),
    operation("ticket_types", Kind::Read),
    operation("odata", Kind::Read),
];

const ORDERS: &[&str] =
    &["get_order", "set_tickets", "continue_order", "cancel_order", "pay_order"];
/// Where a code says how it went, with HTTP 200 or without.
const CODED: &[&str] = &[
    "create_order",
    "get_order",
    "set_tickets",
    "continue_order",
    "cancel_order",
    "booking_status",
    "get_booking",
    "search_booking",
    "cancel_booking",
    "refund_booking",
    "seat_plan",
    "ticket_types",
];
/// The older surface: the code is in the body alone.
const OLDER: &[&str] = &[
    "continue_order",
    "cancel_order",
    "pay_order",
    "booking_status",
    "get_booking",
    "search_booking",
    "cancel_booking",
    "refund_booking",
    "seat_plan",
    "ticket_types",
];
const EFFECTS: &[&str] = &[
    "create_order",
    "set_tickets",
    "continue_order",
    "cancel_order",
    "cancel_booking",
    "refund_booking",
];
const BOOKINGS: &[&str] = &["booking_status", "get_booking", "search_booking"];
const ODATA: &[&str] = &["odata"];

pub(super) const FAULTS: &[Known] = &[
    Known::own("seat_taken", When::Before, &["set_tickets", "pay_order"]),
    Known::own("sold_out", When::Before, &["set_tickets", "seat_plan"]),
    Known::own("session_closed", When::Before, &["set_tickets", "seat_plan", "ticket_types"]),
    Known::own("order_expired", When::Inside, ORDERS),
    Known::own("price_changed", When::Inside, &["get_order", "set_tickets", "continue_order"]),
    Known::own("code_N", When::Before, &["pay_order"]).like(&[
        "code_1", "code_2", "code_5", "code_8", "code_11", "code_12", "code_13", "code_14",
        "code_26", "code_50", "code_57", "code_62", "code_66", "code_69", "code_72", "code_79",
        "code_83", "code_92", "code_999",
    ]),
    Known::own("code_N", When::Before, CODED).like(&[
        "code_1", "code_2", "code_4", "code_5", "code_8", "code_50", "code_51", "code_61",
        "code_62", "code_71", "code_72", "code_73", "code_78", "code_79", "code_999",
    ]),
    Known::own("commit_N", When::After, &["pay_order"]).like(&[
        "commit_1",
        "commit_5",
        "commit_13",
        "commit_14",
        "commit_24",
        "commit_83",
        "commit_999",
    ]),
    Known::own("commit_N", When::After, EFFECTS).like(&["commit_1", "commit_2", "commit_39"]),
    Known::own("lookup_lag", When::After, &["pay_order"]),
    Known::own("lookup_lag", When::Before, BOOKINGS),
    Known::own("status_as_text", When::After, OLDER),
    Known::own("status_null", When::After, OLDER),
    Known::own("odata_verbose", When::After, ODATA),
    Known::own("odata_xml", When::After, ODATA),
    Known::own("odata_bad_row_N", When::After, ODATA).like(&[
        "odata_bad_row_1",
        "odata_bad_row_2",
        "odata_bad_row_3",
        "odata_bad_row_4",
        "odata_bad_row_5",
        "odata_bad_row_6",
    ]),
    Known::own("odata_duplicate_rows", When::After, ODATA),
    Known::own("odata_empty", When::After, ODATA),
    Known::own("odata_endless", When::After, ODATA),
];

pub(super) const SWITCHES: &[Switch] = &[
    Switch::of(
        "double_complete",
        &["62", "56", "replay"],
        "the answer to a second payment of a completed order",
    ),
    Switch::of(
        "while_completing",
        &["locked", "unlocked"],
        "an order whose payment is under way: locked it answers 83; unlocked a second payment books \
         a second time, and neither a cancel nor its expiry stops the first",
    ),
    Switch::of(
        "refund_again",
        &["63", "49", "executes"],
        "a second refund of a booking: its code, or that it is done again",
    ),
    Switch::free(
        "lookup_lag_ms",
        &["0", "5000", "30000"],
        "how long look-ups do not show a booking, in the vendor's time",
    ),
    Switch::of("extend_on_modify", &["false", "true"], "whether new tickets restart the timer"),
    Switch::of("auth_http_status", &["401", "200"], "the HTTP status of a refused token"),
    Switch::of("v2_error_body", &["json", "empty", "html"], "the newer surface's error bodies"),
    Switch::of("expired_status", &["404", "410"], "the newer surface's status for no such order"),
    Switch::of("booking_by_usid", &["true", "false"], "whether a booking is found by its order"),
    Switch::of(
        "bookingstatus_endpoint",
        &["available", "404"],
        "whether this version can be asked what became of an order",
    ),
    Switch::of("seat_taken_code", &["8", "1"], "the code of a taken seat"),
    Switch::of("title_case_403", &["false", "true"], "whether a title-cased token is refused"),
    Switch::of("result_style", &["extended", "plain"], "where a code beyond 29 is told"),
    Switch::of("error_text", &["english", "empty", "null"], "the text beside a code"),
    Switch::of("refund_permission", &["true", "false"], "whether the token may refund"),
    Switch::free(
        "clock_skew_s",
        &["0", "300", "-300"],
        "how far the server's clock is ahead, in its Date and in what it writes",
    ),
    Switch::of("error_page", &["html", "empty", "json"], "the body of a 5xx"),
    Switch::of("retry_after", &["5", "none"], "the Retry-After of a 503 or 429"),
];
