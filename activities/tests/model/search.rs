//! A breadth-first search over every state that a model can reach.
//!
//! Our own, though there is `stateright`: that one brings a web server that cannot be left out, tells states apart by a
//! 64-bit hash alone, and cannot ask whether an end stays reachable from everywhere, which is how a wedge is found.

use std::{collections::HashMap, fmt, hash::Hash, mem};

/// Who does what.
pub(crate) type Step = (&'static str, &'static str);

/// A world that changes one step at a time.
pub(crate) trait Model {
    type State: Copy + Eq + Hash;

    fn first(&self) -> Self::State;
    /// Everything that can happen next.
    fn next(&self, state: &Self::State) -> Vec<(Step, Self::State)>;
    /// What must never be, if it is.
    fn broken(&self, state: &Self::State) -> Option<&'static str>;
    /// Everything that was begun has come to its end.
    fn is_end(&self, state: &Self::State) -> bool;
}

pub(crate) const WEDGE: &str = "no end can be reached any more";

/// What the search has come to.
pub(crate) struct Report {
    pub states: usize,
    pub found: Option<Counterexample>,
}

/// What must never be, and the shortest way there.
pub(crate) struct Counterexample {
    pub broken: &'static str,
    steps: Vec<Step>,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (who, does)) in self.steps.iter().enumerate() {
            writeln!(f, "  {:>2}. {who} {does}", number + 1)?;
        }
        writeln!(f, "      → {}", self.broken)
    }
}

/// Searches until something is broken, or every state has been seen.
pub(crate) fn search<M: Model>(model: &M) -> Report {
    let mut states = vec![model.first()];
    let mut numbers = HashMap::from([(states[0], 0)]);
    let mut came_by: Vec<Option<(usize, Step)>> = vec![None];
    let mut ways: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < states.len() {
        if let Some(broken) = model.broken(&states[at]) {
            let found = Counterexample { broken, steps: way_to(at, &came_by) };
            return Report { states: states.len(), found: Some(found) };
        }
        for (step, state) in model.next(&states[at]) {
            let number = *numbers.entry(state).or_insert(states.len());
            if number == states.len() {
                states.push(state);
                came_by.push(Some((at, step)));
            }
            ways.push((at, number));
        }
        at += 1;
    }
    let ends = (0..states.len()).filter(|at| model.is_end(&states[*at])).collect();
    let wedged = first_that_reaches_none(ends, states.len(), &ways);
    let found = wedged.map(|at| Counterexample { broken: WEDGE, steps: way_to(at, &came_by) });
    Report { states: states.len(), found }
}

fn way_to(mut at: usize, came_by: &[Option<(usize, Step)>]) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some((before, step)) = came_by[at] {
        steps.push(step);
        at = before;
    }
    steps.reverse();
    steps
}

/// The first state from which none of the ends can be reached.
fn first_that_reaches_none(
    ends: Vec<usize>,
    states: usize,
    ways: &[(usize, usize)],
) -> Option<usize> {
    let mut before = vec![Vec::new(); states];
    for (from, to) in ways {
        before[*to].push(*from);
    }
    let mut reaches = vec![false; states];
    let mut open = ends;
    while let Some(at) = open.pop() {
        if !mem::replace(&mut reaches[at], true) {
            open.append(&mut before[at]);
        }
    }
    reaches.iter().position(|reaches| !reaches)
}

/// Searches all of it: nothing is broken, and an end stays in reach.
pub(crate) fn holds<M: Model>(what: &str, model: &M) {
    let Report { states, found } = search(model);
    tell(&format!("{what}: {states} states"));
    if let Some(found) = found {
        panic!("{what}\n{found}");
    }
}

/// Searches until this is broken, and prints the way there.
pub(crate) fn is_missed<M: Model>(what: &str, model: &M, broken: &str) {
    let Report { states, found } = search(model);
    let Some(found) = found else { panic!("nobody misses {what}: {states} states") };
    tell(&format!("without {what}:\n{found}"));
    assert_eq!(found.broken, broken, "without {what}");
}

#[expect(clippy::print_stdout, reason = "a counterexample is there to be read")]
fn tell(text: &str) {
    println!("{text}");
}
