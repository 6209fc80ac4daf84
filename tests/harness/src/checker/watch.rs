//! Waiting for the books to agree; or, when a safeguard was taken out, for them not to.

use super::{Violation, When, check, reading};
use crate::{PATIENCE, PAUSE, visit::Visit};
use std::time::{Duration, Instant};

/// Reading everything costs something: who waits long looks rarely.
const RARELY: Duration = Duration::from_millis(400);

/// So many looks in a row find the engine with nothing to do before nothing more is expected: a vendor may yet do what
/// it was asked long ago.
const QUIET_LOOKS: u32 = 5;

/// Waits until all books agree, but for cases with these causes; else says what is wrong.
pub(crate) async fn assert_balanced(visit: &Visit, causes: &[&str]) {
    assert!(!visit.bookings().is_empty(), "a visit without a booking proves nothing");
    if let Err(found) = balance(visit, causes, PATIENCE).await {
        panic!("the books do not agree:\n{}", told(&found));
    }
}

/// Waits until all books agree, but for cases with these causes, and gives up once nothing has become better for so
/// long. Ok: what was waited for last. Err: what is wrong; at once, if it may never be and was seen twice: the books are
/// not all read at one moment.
pub(crate) async fn balance(
    visit: &Visit,
    causes: &[&str],
    patience: Duration,
) -> Result<Option<Violation>, Vec<Violation>> {
    let (mut deadline, mut pause) = (Instant::now() + patience, PAUSE);
    let (mut before, mut fewest) = (Vec::new(), usize::MAX);
    loop {
        let now = violations(visit, causes).await;
        if now.is_empty() {
            return Ok(before.pop());
        }
        let broken = lasting(&before, &now);
        if !broken.is_empty() {
            return Err(broken);
        }
        if now.len() < fewest {
            (fewest, deadline) = (now.len(), Instant::now() + patience);
        }
        if Instant::now() > deadline {
            return Err(now);
        }
        before = now;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RARELY);
    }
}

/// What is wrong with the books of a visit now, everything together.
pub(crate) async fn violations(visit: &Visit, causes: &[&str]) -> Vec<Violation> {
    check(&reading::open(visit, causes).await)
}

/// What may never be, and was so both times. (`what` names the very thing, so that two different moments are not taken
/// for one.)
pub(crate) fn lasting(before: &[Violation], now: &[Violation]) -> Vec<Violation> {
    let again = |now: &&Violation| {
        now.when == When::Always && before.iter().any(|earlier| now.is_again(earlier))
    };
    now.iter().filter(again).cloned().collect()
}

/// The books must not agree now, and say why: the checker checked.
pub(crate) async fn assert_unbalanced(visit: &Visit, why: &str) {
    let found = violations(visit, &[]).await;
    assert!(found.iter().any(|broken| is_about(broken, why)), "{why}: only\n{}", told(&found));
}

/// The books must not agree in the end: something is broken that may never be, or something has not become so although
/// the engine has nothing left to do, or although it was waited for as long as for anything.
pub(crate) async fn assert_unbalanced_in_the_end(visit: &Visit, why: &str) {
    let deadline = Instant::now() + PATIENCE;
    let (mut before, mut quiet) = (Vec::new(), 0);
    loop {
        quiet = if !visit.shared() && visit.is_quiet().await { quiet + 1 } else { 0 };
        let over = Instant::now() > deadline || quiet >= QUIET_LOOKS;
        let now = violations(visit, &[]).await;
        let so = |found: &[Violation]| found.iter().any(|broken| is_about(broken, why));
        if so(&lasting(&before, &now)) || (over && so(&now)) {
            return;
        }
        assert!(!over, "{why}: only\n{}", told(&now));
        before = now;
        tokio::time::sleep(RARELY).await;
    }
}

fn is_about(broken: &Violation, why: &str) -> bool {
    format!("{}: {}", broken.invariant, broken.what).starts_with(why)
}

fn told(found: &[Violation]) -> String {
    let lines: Vec<String> = found.iter().map(|broken| format!("  {broken}")).collect();
    lines.join("\n")
}
