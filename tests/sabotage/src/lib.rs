//! Takes Usher's safeguards out, one at a time, and makes its steps fail: for tests alone.
//!
//! A checker is only believed once it has been seen to fail. The product asks here at its safeguards and around every
//! step. Only the tests' build has the feature `armed` (a dev-dependency of the root package); in every other build the
//! answers are constants and the compiler leaves nothing of them.

use std::sync::atomic::{AtomicU64, Ordering};

/// A safeguard that can be taken out. Its name in the environment (`SABOTAGE_RULE`) is its variant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// An unknown outcome is looked up before anything is sent again.
    LookUp,
    /// Nobody looks, or sends again, before the vendor has had its time.
    SettleWindow,
    /// A refund carries the same reference on every attempt.
    RefundReference,
    /// Money claims its booking only while that waits for it.
    GuardedSettlement,
    /// An event of a vendor is one workflow, however often it is delivered.
    WebhookDedupe,
    /// What was booked at Vista is released when the booking is unwound.
    ReleaseBooking,
    /// An undo is owed before the step that it undoes.
    OweFirst,
    /// A cancel that arrives while the booking is unwound neither ends that nor skips a part.
    CancelLoop,
}

impl Rule {
    /// Whether the test that started this process has taken the rule out.
    pub fn is_out(self) -> bool {
        armed::is_out(self)
    }
}

/// Where an attempt at a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Nothing has been done yet.
    Before,
    /// It is done, and nobody knows.
    After,
}

/// The attempt fails at this moment, if the test has planned that. Err: it ends with an error. Other failures are worse
/// than returning.
///
/// A plan is a folder (`SABOTAGE_PLAN`) with a file `{step}.{before|after}.{error|panic|crash}` for each failure. Who
/// renames the file to `{name}@{key}` has it, so each fires once, whatever dies; and each key takes one at most.
pub fn strike(step: &str, key: &str, moment: Moment) -> Result<(), String> {
    armed::strike(step, key, moment)
}

/// A name that no other call has made: for rules that say "the same every time".
pub fn unlike_any_other(name: &str) -> String {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    format!("{name}-{}-{}", std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed))
}

#[cfg(not(feature = "armed"))]
mod armed {
    use super::{Moment, Rule};

    pub(super) const fn is_out(_: Rule) -> bool {
        false
    }

    #[expect(clippy::unnecessary_wraps, reason = "the armed one does fail")]
    pub(super) const fn strike(_: &str, _: &str, _: Moment) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(feature = "armed")]
mod armed;
