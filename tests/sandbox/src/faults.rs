//! Misbehaviour on demand: which call fails, when, and how. Deterministic by operation, reference and ordinal.

use crate::catalogue::{self, Shape};
use serde::{Deserialize, Serialize};

const RULE_LIMIT: usize = 10_000;

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
    /// `*` is every operation that the fault fits.
    pub op: String,
    #[serde(default)]
    pub reference: Option<String>,
    /// Fires from the nth matching call on, counted from the rule's making.
    #[serde(default)]
    pub nth: Option<u32>,
}

/// A rule as it is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NewRule {
    #[serde(rename = "match")]
    pub matching: Matching,
    pub fault: String,
    /// How often it fires; 0 is forever.
    #[serde(default = "once")]
    pub times: u32,
    /// Real milliseconds; what they are depends on the fault.
    #[serde(default)]
    pub delay_ms: Option<u64>,
}

fn once() -> u32 {
    1
}

/// A rule until it has fired as often as it shall.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rule {
    #[serde(default)]
    pub id: u64,
    #[serde(flatten)]
    pub asked: NewRule,
    /// The operations it waits for.
    #[serde(default)]
    ops: Vec<String>,
    /// How many calls have matched.
    seen: u32,
    fired: u32,
}

impl Rule {
    fn matches(&self, call: &Call) -> bool {
        let reference = self.asked.matching.reference.as_deref();
        self.ops.iter().any(|op| op == call.op)
            && reference.is_none_or(|reference| call.is_about(reference))
    }
}

/// A fault that is due for one call.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub name: String,
    pub delay_ms: Option<u64>,
}

impl Fault {
    pub(crate) fn shape(&self) -> Shape {
        catalogue::shape(&self.name)
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// The 3 of `pending_3`, whose stem is `pending`.
    pub(crate) fn number(&self, stem: &str) -> Option<u32> {
        self.code(stem)?.parse().ok()
    }

    /// The code of `code_800.100.152`, whose stem is `code`.
    pub(crate) fn code(&self, stem: &str) -> Option<&str> {
        catalogue::suffix(&self.name, stem)
    }

    /// Its own time, else this, in milliseconds.
    pub(crate) fn delay_or(&self, default_ms: i64) -> i64 {
        self.delay_ms.and_then(|ms| i64::try_from(ms).ok()).unwrap_or(default_ms)
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    last_id: u64,
}

impl Faults {
    /// Adds all of them, each with the operations it waits for. None when there would be too many rules.
    pub(crate) fn add(&mut self, new: Vec<(NewRule, Vec<&'static str>)>) -> Option<Vec<u64>> {
        if self.rules.len() + new.len() > RULE_LIMIT {
            return None;
        }
        let mut ids = Vec::with_capacity(new.len());
        for (asked, ops) in new {
            self.last_id += 1;
            let ops = ops.into_iter().map(str::to_owned).collect();
            self.rules.push(Rule { id: self.last_id, asked, ops, seen: 0, fired: 0 });
            ids.push(self.last_id);
        }
        Some(ids)
    }

    /// Forgets the rules about a reference, or all.
    pub(crate) fn forget(&mut self, reference: Option<&str>) {
        self.rules.retain(|rule| {
            reference.is_some_and(|wanted| rule.asked.matching.reference.as_deref() != Some(wanted))
        });
    }

    /// The rules that may still fire.
    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that have never fired.
    pub(crate) fn unfired(&self) -> Vec<&Rule> {
        self.rules.iter().filter(|rule| rule.fired == 0).collect()
    }

    /// The fault due for this call. The first rule that is due fires; all that match count the call.
    pub(crate) fn take(&mut self, call: &Call) -> Option<Fault> {
        let mut due = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.matches(call)) {
            rule.seen += 1;
            if due.is_none() && rule.seen >= rule.asked.matching.nth.unwrap_or(1) {
                rule.fired += 1;
                let asked = &rule.asked;
                due = Some(Fault { name: asked.fault.clone(), delay_ms: asked.delay_ms });
            }
        }
        if due.is_some() {
            self.rules.retain(|rule| rule.asked.times == 0 || rule.fired < rule.asked.times);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(reference: &str, nth: u32, times: u32) -> (NewRule, Vec<&'static str>) {
        let matching = Matching {
            op: "pay".to_owned(),
            reference: Some(reference.to_owned()),
            nth: Some(nth),
        };
        let fault = "http_500_before".to_owned();
        (NewRule { matching, fault, times, delay_ms: None }, vec!["pay"])
    }

    #[test]
    fn a_rule_fires_on_its_nth_matching_call_as_often_as_asked() {
        let mut faults = Faults::default();
        faults.add(vec![rule("BK-1", 2, 2)]);
        let call = Call::new("pay", &[]).notes("saga:BK-1-p1");
        let fired: Vec<bool> = (0..5).map(|_| faults.take(&call).is_some()).collect();
        assert_eq!(fired, [false, true, true, false, false]);
    }

    #[test]
    fn another_operation_or_reference_is_left_alone() {
        let mut faults = Faults::default();
        faults.add(vec![rule("BK-1", 1, 0)]);
        assert!(faults.take(&Call::new("refund", &[]).goes_by("BK-1")).is_none());
        assert!(faults.take(&Call::new("pay", &[]).goes_by("BK-10")).is_none());
        assert_eq!(faults.unfired().len(), 1);
        assert!(faults.take(&Call::new("pay", &[]).goes_by("BK-1")).is_some());
        assert!(faults.unfired().is_empty());
    }

    #[test]
    fn rules_are_forgotten_by_reference() {
        let mut faults = Faults::default();
        faults.add(vec![rule("BK-1", 1, 1), rule("BK-2", 1, 1)]);
        faults.forget(Some("BK-1"));
        let left: Vec<u64> = faults.rules().iter().map(|rule| rule.id).collect();
        assert_eq!(left, [2]);
        faults.forget(None);
        assert!(faults.rules().is_empty());
    }

    #[test]
    fn too_many_rules_are_refused_together() {
        let mut faults = Faults::default();
        assert!(faults.add(vec![rule("BK-1", 1, 1); RULE_LIMIT]).is_some());
        assert!(faults.add(vec![rule("BK-1", 1, 1)]).is_none());
        assert_eq!(faults.rules().len(), RULE_LIMIT);
    }
}
