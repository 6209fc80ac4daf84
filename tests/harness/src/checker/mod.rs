//! The checker: Usher's tables, each vendor's own ledger and the tickets are three books, and they must agree.
//!
//! `check` is pure: the books in, what is broken out, for which booking, with the evidence. `reading` opens the books
//! in a handful of queries. Every end-to-end test ends here, and so does every round of the chaos runs.
//!
//! | invariant (`invariants.md`) | evaluated |
//! |---|---|
//! | M1 M2 M3 | `money`, `tickets` |
//! | S1 S2 | `seats` |
//! | EFF UNK | `calls` |
//! | ORD DUR LIV | `timeline`; the graphs themselves by `tests/e2e/states.rs` |
//! | LIV "needs attention", AUD | `cases`; that nothing is rewritten by `tests/e2e/states.rs` |
//! | ACC | elsewhere: `tests/e2e/requests.rs` asks as strangers do |
//! | SEC | elsewhere: `tests/e2e/secrets.rs` searches every table, journal and log |
//! | BND | elsewhere: the gateway's own tests of sizes and times; the stand-ins' limits |
//! | M4 | not yet: there is no wallet |

pub(crate) mod books;
mod calls;
mod cases;
mod money;
mod pictures;
mod qr;
pub(crate) mod reading;
mod rows;
mod seats;
#[cfg(test)]
mod tests;
mod tickets;
mod timeline;
mod watch;

use books::Books;
pub use pictures::read as read_picture;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;
pub(crate) use watch::{
    assert_balanced, assert_unbalanced, assert_unbalanced_in_the_end, balance, violations,
};

/// When a rule has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// It may never be broken, not for a moment.
    Always,
    /// It may take its time (retries, look-ups, a refund on its way), but has to hold in the end.
    InTheEnd,
}

/// A rule that is broken.
#[derive(Clone, Debug, Serialize)]
pub struct Violation {
    /// As `invariants.md` calls it.
    pub invariant: &'static str,
    /// The bare id; None for what is nobody's.
    pub booking: Option<String>,
    pub what: String,
    pub evidence: Value,
    pub when: When,
}

/// `M2: paid once (of 01ARZ…): {evidence}`
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.told_briefly(), self.evidence)
    }
}

impl Violation {
    /// Without the evidence.
    pub fn told_briefly(&self) -> String {
        let Self { invariant, booking, what, .. } = self;
        let booking = booking.as_deref().unwrap_or("nobody");
        format!("{invariant}: {what} (of {booking})")
    }

    /// The same thing is wrong, whatever the evidence looks like by now.
    fn is_again(&self, earlier: &Self) -> bool {
        (self.invariant, &self.booking, &self.what)
            == (earlier.invariant, &earlier.booking, &earlier.what)
    }
}

/// Everything that is wrong with these books.
pub(crate) fn check(books: &Books) -> Vec<Violation> {
    let mut found = Findings::default();
    for book in books.by_booking() {
        found.booking = Some(book.id().to_owned());
        timeline::of_booking(&book, &mut found);
        money::of_booking(&book, &mut found);
        seats::of_booking(&book, &mut found);
        tickets::of_booking(&book, &mut found);
        calls::of_booking(&book, &mut found);
        cases::of_booking(&book, &mut found);
    }
    found.booking = None;
    timeline::of_everything(books, &mut found);
    money::of_everything(books, &mut found);
    seats::of_everything(books, &mut found);
    calls::of_everything(books, &mut found);
    cases::of_everything(books, &mut found);
    found.violations
}

/// What the rules have found so far, about the booking they look at.
#[derive(Debug, Default)]
struct Findings {
    booking: Option<String>,
    violations: Vec<Violation>,
}

impl Findings {
    /// Broken, and it never may be.
    fn broken(
        &mut self,
        invariant: &'static str,
        what: impl Into<String>,
        evidence: impl Serialize,
    ) {
        self.add(When::Always, invariant, what.into(), json!(evidence));
    }

    /// Has to be so in the end; `what` says what.
    fn wants(&mut self, so: bool, invariant: &'static str, what: &str, evidence: impl Serialize) {
        if !so {
            self.add(When::InTheEnd, invariant, what.to_owned(), json!(evidence));
        }
    }

    fn add(&mut self, when: When, invariant: &'static str, what: String, evidence: Value) {
        let booking = self.booking.clone();
        self.violations.push(Violation { invariant, booking, what, evidence, when });
    }
}
