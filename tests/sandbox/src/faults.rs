//! Misbehaviour on demand: which call fails, when, and how. Deterministic by operation, reference and ordinal.

use serde::{Deserialize, Serialize};

const RULE_LIMIT: usize = 10_000;

/// The faults every vendor knows; each vendor adds its own.
pub(crate) const GENERAL: &[&str] = &[
    "timeout_before",
    "timeout_after",
    "http_NNN_before",
    "http_NNN_after",
    "reset_before",
    "reset_after",
    "truncated_after",
    "html_200_before",
    "html_200",
    "empty_object_before",
    "empty_object_after",
    "maintenance",
    "throttled",
    "delay",
    "late_commit",
];

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rule {
    #[serde(rename = "match")]
    pub matching: Matching,
    pub fault: String,
    /// How often it fires; 0 is forever.
    #[serde(default = "once")]
    pub times: u32,
    #[serde(default)]
    pub delay_ms: Option<u64>,
    #[serde(default)]
    seen: u32,
    #[serde(default)]
    fired: u32,
}

/// One call as a vendor recognised it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub op: &'static str,
    /// The ids in its path.
    pub args: Vec<String>,
    /// The references it goes by.
    pub references: Vec<String>,
    /// Free text that may contain a reference.
    pub notes: Vec<String>,
}

impl Call {
    pub(crate) fn new(op: &'static str, args: &[&str]) -> Self {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Self { op, args, references: Vec::new(), notes: Vec::new() }
    }

    pub(crate) fn arg(&self, at: usize) -> &str {
        self.args.get(at).map(String::as_str).unwrap_or_default()
    }

    pub(crate) fn goes_by(mut self, reference: &str) -> Self {
        if !reference.is_empty() {
            self.references.push(reference.to_owned());
        }
        self
    }

    pub(crate) fn notes(mut self, note: &str) -> Self {
        if !note.is_empty() {
            self.notes.push(note.to_owned());
        }
        self
    }

    fn is_about(&self, reference: &str) -> bool {
        self.references.iter().any(|have| have == reference)
            || self.notes.iter().any(|note| note.contains(reference))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Matching {
    pub op: String,
    #[serde(default)]
    pub reference: Option<String>,
    /// Fires from the nth matching call on, counted from the rule's making.
    #[serde(default)]
    pub nth: Option<u32>,
}

fn once() -> u32 {
    1
}

/// A fault that is due for one call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Fault {
    pub name: String,
    pub delay_ms: Option<u64>,
}

/// What happens around the effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The effect never happens.
    Before(Spoil),
    /// The effect happens; its answer does not arrive as it should.
    After(Spoil),
    /// Everything happens, later.
    Delay,
    /// 503 at once, the effect later.
    LateCommit,
    /// The vendor itself knows what to do.
    Inside,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    Hold,
    Reset,
    Truncate,
    Html,
    EmptyObject,
    Maintenance,
    Status(u16),
}

impl Fault {
    pub(crate) fn shape(&self) -> Shape {
        shape(&self.name)
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// `pending_3` after `pending_` is 3.
    pub(crate) fn number(&self, prefix: &str) -> Option<u32> {
        self.name.strip_prefix(prefix)?.parse().ok()
    }
}

fn shape(name: &str) -> Shape {
    match name {
        "timeout_before" => Shape::Before(Spoil::Hold),
        "timeout_after" => Shape::After(Spoil::Hold),
        "reset_before" => Shape::Before(Spoil::Reset),
        "reset_after" => Shape::After(Spoil::Reset),
        "truncated_after" => Shape::After(Spoil::Truncate),
        "html_200_before" => Shape::Before(Spoil::Html),
        "html_200" => Shape::After(Spoil::Html),
        "empty_object_before" => Shape::Before(Spoil::EmptyObject),
        "empty_object_after" => Shape::After(Spoil::EmptyObject),
        "maintenance" => Shape::Before(Spoil::Maintenance),
        "delay" => Shape::Delay,
        "late_commit" => Shape::LateCommit,
        other => match status_fault(other) {
            Some((status, true)) => Shape::Before(Spoil::Status(status)),
            Some((status, false)) => Shape::After(Spoil::Status(status)),
            None => Shape::Inside,
        },
    }
}

/// `http_503_before` is `(503, true)`.
fn status_fault(name: &str) -> Option<(u16, bool)> {
    let (status, when) = name.strip_prefix("http_")?.split_once('_')?;
    let status = status.parse().ok().filter(|status| (400..600).contains(status))?;
    match when {
        "before" => Some((status, true)),
        "after" => Some((status, false)),
        _ => None,
    }
}

/// Whether a name is one of the patterns; a trailing `N` (or `NNN` inside) stands for a number or code.
pub(crate) fn known(name: &str, patterns: &[&str]) -> bool {
    status_fault(name).is_some()
        || patterns.iter().any(|pattern| match pattern.strip_suffix("_N") {
            Some(stem) => {
                let rest = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('_'));
                rest.is_some_and(|rest| {
                    !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.')
                })
            }
            None => *pattern == name,
        })
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Faults(Vec<Rule>);

impl Faults {
    /// False when there are too many rules already.
    pub(crate) fn add(&mut self, rule: Rule) -> bool {
        let room = self.0.len() < RULE_LIMIT;
        if room {
            self.0.push(rule);
        }
        room
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.0
    }

    /// The fault due for this call. The first rule that is due fires; all that match count the call.
    pub(crate) fn take(&mut self, call: &Call) -> Option<Fault> {
        let mut due = None;
        for rule in &mut self.0 {
            let about =
                rule.matching.reference.as_deref().is_none_or(|wanted| call.is_about(wanted));
            if !about || (rule.matching.op != call.op && rule.matching.op != "*") {
                continue;
            }
            rule.seen += 1;
            if due.is_none() && rule.seen >= rule.matching.nth.unwrap_or(1) {
                rule.fired += 1;
                due = Some(Fault { name: rule.fault.clone(), delay_ms: rule.delay_ms });
            }
        }
        self.0.retain(|rule| rule.times == 0 || rule.fired < rule.times);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(op: &str, reference: Option<&str>, nth: u32, times: u32) -> Rule {
        let matching =
            Matching { op: op.to_owned(), reference: reference.map(str::to_owned), nth: Some(nth) };
        Rule {
            matching,
            fault: "http_500_before".to_owned(),
            times,
            delay_ms: None,
            seen: 0,
            fired: 0,
        }
    }

    #[test]
    fn a_rule_fires_on_its_nth_matching_call_as_often_as_asked() {
        let mut faults = Faults::default();
        faults.add(rule("pay", Some("BK-1"), 2, 2));
        let call = Call::new("pay", &[]).notes("saga:BK-1-p1");
        let fired: Vec<bool> = (0..5).map(|_| faults.take(&call).is_some()).collect();
        assert_eq!(fired, [false, true, true, false, false]);
    }

    #[test]
    fn another_operation_or_reference_is_left_alone() {
        let mut faults = Faults::default();
        faults.add(rule("pay", Some("BK-1"), 1, 0));
        assert!(faults.take(&Call::new("refund", &[]).goes_by("BK-1")).is_none());
        assert!(faults.take(&Call::new("pay", &[]).goes_by("BK-10")).is_none());
        assert!(faults.take(&Call::new("pay", &[]).goes_by("BK-1")).is_some());
    }

    #[test]
    fn names_tell_when_the_effect_happens() {
        assert_eq!(shape("http_503_before"), Shape::Before(Spoil::Status(503)));
        assert_eq!(shape("timeout_after"), Shape::After(Spoil::Hold));
        assert_eq!(shape("seat_taken"), Shape::Inside);
        assert!(known("code_62", &["code_N"]) && known("code_800.100.152", &["code_N"]));
        assert!(!known("code_", &["code_N"]) && !known("http_999_after", &[]));
    }
}
