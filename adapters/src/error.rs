//! What we know when a vendor gave no answer. A decline, "sold out", "too late" are answers, not errors.

use std::time::Duration;

/// Why there is no answer. Only the life of a step (activities) decides what follows.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Certainly not executed: no byte of the request left us, or the vendor throttled it before doing anything.
    #[error("not executed: {reason}")]
    Unavailable { reason: String, retry_after: Option<Duration> },
    /// Perhaps executed: time-out, 5xx, an unreadable or contradictory body, "duplicate reference".
    #[error("outcome unknown: {reason}")]
    Unknown { reason: String },
    /// Provably not executed, and our fault (configuration, a malformed request): a person has to act.
    #[error("refused ({code}): {reason}")]
    Refused { code: String, reason: String },
    /// A webhook that its vendor did not write, or that nobody can read. The reason has nothing of what it said.
    #[error("{reason}")]
    Forged { forgery: Forgery, reason: &'static str },
}

/// What is wrong with a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// No secret of ours proves it.
    Unproven,
    /// It names another account or channel than ours.
    Elsewhere,
    /// Whoever wrote it: nobody can read it.
    Unreadable,
}

impl Error {
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::Unknown { reason: reason.into() }
    }

    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into(), retry_after: None }
    }

    pub fn refused(code: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Refused { code: code.into(), reason: reason.into() }
    }

    /// A webhook that no secret of ours proves.
    pub const fn forged(reason: &'static str) -> Self {
        Self::Forged { forgery: Forgery::Unproven, reason }
    }

    /// A webhook for another account or channel than ours.
    pub const fn elsewhere(reason: &'static str) -> Self {
        Self::Forged { forgery: Forgery::Elsewhere, reason }
    }

    /// A webhook that nobody can read.
    pub const fn unreadable(reason: &'static str) -> Self {
        Self::Forged { forgery: Forgery::Unreadable, reason }
    }
}
