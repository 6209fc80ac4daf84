//! Every fault by name: which operations it fits, and on which side of their effect it falls.

use serde::Serialize;

/// What an operation is to its vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// It changes something at the vendor.
    Effect,
    /// It only looks.
    Read,
    /// A shopper does it on the vendor's page.
    Shopper,
    /// The vendor tells the merchant.
    Notice,
}

/// An operation's name, and what it is.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Operation {
    pub name: &'static str,
    pub kind: Kind,
}

pub(crate) const fn operation(name: &'static str, kind: Kind) -> Operation {
    Operation { name, kind }
}

/// On which side of the effect a fault falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum When {
    /// The effect never happens.
    Before,
    /// The effect happens; its answer is lost, spoiled or odd.
    After,
    /// The effect happens after its answer, or after the caller has given up.
    Late,
    /// What happens is something else: a decline, an undecided payment, another amount.
    Inside,
}

/// What is done to a call that a general fault hits. A vendor's own faults are `Inside`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Before(Spoil),
    After(Spoil),
    /// Performed after a while, also when the caller has hung up, and answered then.
    Delay,
    /// 503 at once, performed after a while.
    LateCommit,
    Inside,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// Silence for a while, then the connection closes.
    Hold,
    Reset,
    /// Its last bytes are never sent; the connection closes.
    Truncate,
    /// Its last bytes are never sent; the connection stays open for a while.
    Stall,
    /// A server's error page.
    Status(u16),
    /// HTTP 200 with this instead.
    Body(&'static str),
    /// HTTP 200 with a sign-in page.
    SignIn,
    /// HTTP 200 with the first half of the answer, as if it were whole.
    Half,
    /// Whole, after a while.
    Slow,
    /// Whole, in small pieces over a while.
    Drip,
    /// Whole, behind a byte-order mark.
    Bom,
    /// Whole, called `text/html`.
    WrongType,
    /// Whole, with fields nobody has heard of in every object.
    UnknownFields,
}

/// The operations a fault fits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum On {
    Any,
    /// Whatever the merchant or a browser asks over HTTP.
    Wire,
    Effects,
    Only(&'static [&'static str]),
}

impl On {
    fn covers(self, operation: Operation) -> bool {
        match self {
            Self::Any => true,
            Self::Wire => matches!(operation.kind, Kind::Effect | Kind::Read),
            Self::Effects => operation.kind == Kind::Effect,
            Self::Only(names) => names.contains(&operation.name),
        }
    }
}

/// A fault. In its name a trailing `N` stands for a number or a code, `NNN` for an HTTP status.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub name: &'static str,
    pub when: When,
    pub on: On,
    /// Names to install, where its own stands for several.
    pub examples: &'static [&'static str],
    shape: Shape,
}

impl Known {
    /// A vendor's own: the vendor knows what to do.
    pub(crate) const fn own(name: &'static str, when: When, on: &'static [&'static str]) -> Self {
        Self { name, when, on: On::Only(on), examples: &[], shape: Shape::Inside }
    }

    pub(crate) const fn like(self, examples: &'static [&'static str]) -> Self {
        Self { examples, ..self }
    }

    const fn general(name: &'static str, shape: Shape) -> Self {
        let (when, on) = match shape {
            Shape::Before(_) | Shape::Inside => (When::Before, On::Wire),
            Shape::After(_) => (When::After, On::Wire),
            Shape::Delay => (When::Late, On::Any),
            Shape::LateCommit => (When::Late, On::Effects),
        };
        Self { name, when, on, examples: &[], shape }
    }

    /// The names of the operations it fits, among these.
    pub(crate) fn covers(&self, operations: &'static [Operation]) -> Vec<&'static str> {
        let fits = |operation: &&Operation| self.on.covers(**operation);
        operations.iter().filter(fits).map(|operation| operation.name).collect()
    }

    fn is_called(&self, name: &str) -> bool {
        match self.name {
            "http_NNN_before" => matches!(status_fault(name), Some(Shape::Before(_))),
            "http_NNN_after" => matches!(status_fault(name), Some(Shape::After(_))),
            plain => match plain.strip_suffix("_N") {
                Some(stem) => suffix(name, stem).is_some(),
                None => plain == name,
            },
        }
    }
}

/// The faults every vendor knows.
const GENERAL: &[Known] = &[
    Known::general("timeout_before", Shape::Before(Spoil::Hold)),
    Known::general("timeout_after", Shape::After(Spoil::Hold)),
    Known::general("reset_before", Shape::Before(Spoil::Reset)),
    Known::general("reset_after", Shape::After(Spoil::Reset)),
    Known::general("http_NNN_before", Shape::Before(Spoil::Status(500))).like(&[
        "http_500_before",
        "http_502_before",
        "http_503_before",
        "http_504_before",
    ]),
    Known::general("http_NNN_after", Shape::After(Spoil::Status(500))).like(&[
        "http_500_after",
        "http_502_after",
        "http_503_after",
        "http_504_after",
    ]),
    Known::general("maintenance", Shape::Before(Spoil::Status(503))),
    Known::general("throttled", Shape::Inside),
    Known::general("html_200_before", Shape::Before(Spoil::SignIn)),
    Known::general("html_200", Shape::After(Spoil::SignIn)),
    Known::general("empty_200_before", Shape::Before(Spoil::Body(""))),
    Known::general("empty_200_after", Shape::After(Spoil::Body(""))),
    Known::general("empty_object_before", Shape::Before(Spoil::Body("{}"))),
    Known::general("empty_object_after", Shape::After(Spoil::Body("{}"))),
    Known::general("empty_array_before", Shape::Before(Spoil::Body("[]"))),
    Known::general("empty_array_after", Shape::After(Spoil::Body("[]"))),
    Known::general("null_before", Shape::Before(Spoil::Body("null"))),
    Known::general("null_after", Shape::After(Spoil::Body("null"))),
    Known::general("torn_before", Shape::Before(Spoil::Body("{\"res"))),
    Known::general("torn_after", Shape::After(Spoil::Half)),
    Known::general("truncated_after", Shape::After(Spoil::Truncate)),
    Known::general("stalled_after", Shape::After(Spoil::Stall)),
    Known::general("slow_after", Shape::After(Spoil::Slow)),
    Known::general("drip_after", Shape::After(Spoil::Drip)),
    Known::general("bom_after", Shape::After(Spoil::Bom)),
    Known::general("wrong_type_after", Shape::After(Spoil::WrongType)),
    Known::general("unknown_fields", Shape::After(Spoil::UnknownFields)),
    Known::general("delay", Shape::Delay),
    Known::general("late_commit", Shape::LateCommit),
];

/// The general faults and a vendor's own.
pub(crate) fn all(own: &'static [Known]) -> impl Iterator<Item = &'static Known> {
    GENERAL.iter().chain(own)
}

/// The operations that a fault of this name fits; none when there is no such fault.
pub(crate) fn fitting(
    name: &str,
    own: &'static [Known],
    operations: &'static [Operation],
) -> Vec<&'static str> {
    let fits = |operation: &&Operation| {
        all(own).any(|known| known.is_called(name) && known.on.covers(**operation))
    };
    operations.iter().filter(fits).map(|operation| operation.name).collect()
}

pub(crate) fn shape(name: &str) -> Shape {
    let general = GENERAL.iter().find(|known| known.name == name).map(|known| known.shape);
    status_fault(name).or(general).unwrap_or(Shape::Inside)
}

/// The number or code behind a name's stem: `800.100.152` of `ends_800.100.152`.
pub(crate) fn suffix<'a>(name: &'a str, stem: &str) -> Option<&'a str> {
    let rest = name.strip_prefix(stem)?.strip_prefix('_')?;
    let numeric = rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (numeric && !rest.is_empty()).then_some(rest)
}

/// `http_503_before` is a 503 instead of the effect.
fn status_fault(name: &str) -> Option<Shape> {
    let (status, when) = name.strip_prefix("http_")?.split_once('_')?;
    let status = status.parse().ok().filter(|status| (400..600).contains(status))?;
    match when {
        "before" => Some(Shape::Before(Spoil::Status(status))),
        "after" => Some(Shape::After(Spoil::Status(status))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATIONS: &[Operation] = &[
        operation("refund", Kind::Effect),
        operation("query", Kind::Read),
        operation("pay", Kind::Shopper),
        operation("webhook", Kind::Notice),
    ];
    const OWN: &[Known] = &[
        Known::own("pending_N", When::Inside, &["refund", "pay"]),
        Known::own("pending_N", When::Before, &["query"]),
        Known::own("code_N", When::Before, &["query"]),
    ];

    #[test]
    fn names_tell_when_the_effect_happens() {
        assert_eq!(shape("http_503_before"), Shape::Before(Spoil::Status(503)));
        assert_eq!(shape("timeout_after"), Shape::After(Spoil::Hold));
        assert_eq!(shape("seat_taken"), Shape::Inside);
    }

    #[test]
    fn a_fault_fits_where_it_makes_sense() {
        let fits = |name| fitting(name, OWN, OPERATIONS);
        assert_eq!(fits("delay"), ["refund", "query", "pay", "webhook"]);
        assert_eq!(fits("http_404_after"), ["refund", "query"]);
        assert_eq!(fits("late_commit"), ["refund"]);
        assert_eq!(fits("pending_3"), ["refund", "query", "pay"]);
        assert_eq!(fits("code_800.100.152"), ["query"]);
        for name in ["pending", "pending_", "pending_x", "http_999_after", "nonsense"] {
            assert!(fits(name).is_empty(), "{name}");
        }
    }

    #[test]
    fn every_example_is_called_as_its_fault() {
        for known in GENERAL {
            assert!(known.examples.iter().all(|name| known.is_called(name)), "{}", known.name);
        }
    }
}
