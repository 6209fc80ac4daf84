//! What goes wrong at the vendors while customers book: what each operation may meet, by vendor.

use harness::Mishap;

/// What may go wrong at an operation of a vendor's.
pub(crate) struct Faults {
    pub vendor: &'static str,
    op: &'static str,
    /// What stands there twice is twice as likely. A time is in real milliseconds, within the lag that vendors are given.
    names: &'static [(&'static str, Option<u64>)],
}

impl Faults {
    pub(crate) fn each(&self) -> impl Iterator<Item = Mishap<'static>> + use<> {
        let Self { vendor, op, names } = *self;
        names.iter().map(move |(fault, delay_ms)| Mishap { vendor, op, fault, delay_ms: *delay_ms })
    }
}

const fn at(
    vendor: &'static str,
    op: &'static str,
    names: &'static [(&'static str, Option<u64>)],
) -> Faults {
    Faults { vendor, op, names }
}

/// An answer that is lost, before and after its effect.
const LOST: &[(&str, Option<u64>)] =
    &[("timeout_before", None), ("timeout_after", None), ("http_500_after", None)];

/// About one visitor.
pub(crate) const FAULTS: [Faults; 32] = [
    at(
        "vista",
        "set_tickets",
        &[
            ("timeout_before", None),
            ("timeout_after", None),
            ("http_500_after", None),
            ("seat_taken", None),
            ("delay", Some(300)),
        ],
    ),
    at(
        "vista",
        "continue_order",
        &[("timeout_before", None), ("http_500_after", None), ("html_200", None)],
    ),
    at(
        "vista",
        "pay_order",
        &[
            ("timeout_before", None),
            ("timeout_after", None),
            ("http_500_before", None),
            ("http_500_after", None),
            ("html_200", None),
            ("truncated_after", None),
            ("late_commit", Some(600)),
            ("delay", Some(500)),
            ("code_69", None),
            ("code_69", None),
        ],
    ),
    at("vista", "get_order", &[("http_500_before", None), ("timeout_before", None)]),
    at(
        "vista",
        "cancel_order",
        &[("timeout_before", None), ("timeout_after", None), ("http_503_before", None)],
    ),
    at("vista", "refund_booking", LOST),
    at("hyperpay", "pay", &[("pending_2", None), ("decline", None)]),
    at("hyperpay", "status_checkout", &[("http_500_before", None), ("timeout_before", None)]),
    at("hyperpay", "query_reference", &[("http_500_before", None), ("lookup_lag", Some(300))]),
    at(
        "hyperpay",
        "webhook",
        &[
            ("lost", None),
            ("lost", None),
            ("duplicate", None),
            ("corrupt", None),
            ("late", Some(1_500)),
            ("late", Some(6_000)),
        ],
    ),
    at(
        "hyperpay",
        "refund",
        &[
            ("timeout_before", None),
            ("timeout_after", None),
            ("http_500_before", None),
            ("http_500_after", None),
            ("html_200", None),
            ("pending_2", None),
            ("late_commit", Some(400)),
            ("delay", Some(500)),
        ],
    ),
    at("hyperpay", "capture", LOST),
    at("hyperpay", "reversal", LOST),
    at("payfort", "authorize", LOST),
    at("payfort", "purchase", LOST),
    at("payfort", "pay", &[("pending_2", None), ("decline", None)]),
    at("payfort", "status", &[("http_500_before", None), ("lookup_lag", Some(300))]),
    at("payfort", "capture", LOST),
    at("payfort", "void", LOST),
    at("payfort", "refund", LOST),
    at("payfort", "webhook", &[("lost", None), ("duplicate", None), ("late", Some(1_500))]),
    at("checkout", "pay", &[("pending_2", None), ("decline", None)]),
    at("checkout", "find_payments", &[("http_500_before", None), ("lookup_lag", Some(300))]),
    at("checkout", "capture", LOST),
    at("checkout", "void", LOST),
    at("checkout", "refund", LOST),
    at("checkout", "webhook", &[("lost", None), ("duplicate", None), ("late", Some(1_500))]),
    at("tabby", "payment", &[("http_500_before", None), ("timeout_before", None)]),
    at("tabby", "capture", LOST),
    at("tabby", "close", LOST),
    at("tabby", "webhook", &[("lost", None), ("duplicate", None), ("late", Some(1_500))]),
    at("nearpay", "transactions", &[("http_500_before", None), ("lookup_lag", Some(300))]),
];

/// About calls that name nothing yet, or are made before anybody could have told the vendor what to do with them.
pub(crate) const ANYBODYS: [Faults; 6] = [
    at("vista", "create_order", LOST),
    at("hyperpay", "create_checkout", LOST),
    at("checkout", "create_payment", LOST),
    at("checkout", "open_context", LOST),
    at("tabby", "create_session", LOST),
    at("nearpay", "terminals", &[("timeout_before", None), ("http_500_before", None)]),
];
