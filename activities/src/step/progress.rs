//! How far a step has come, as it is handed to the flow and kept in its journal.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End<T> {
    Answer(T),
    /// It never happened, and never will: an undo has closed it.
    Absent,
    /// Business gave up, with proof that nothing was done.
    GaveUp,
}

/// How far a step has come. Goes into the journal as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress<T> {
    Done(End<T>),
    /// Come back after this.
    NotYet {
        wait_ms: u64,
    },
    /// A person must decide about this step; the promise is `decision-{step}-{occurrence}`.
    Refused {
        step: String,
        occurrence: i32,
    },
}

impl<T> Progress<T> {
    /// Somebody else is at it this very moment.
    pub(crate) const fn soon() -> Self {
        Self::NotYet { wait_ms: 20 }
    }

    /// How it ended, or what is still to be waited for, in the words of another step that depends on it.
    pub fn done<U>(self) -> Result<End<T>, Progress<U>> {
        match self {
            Self::Done(end) => Ok(end),
            Self::NotYet { wait_ms } => Err(Progress::NotYet { wait_ms }),
            Self::Refused { step, occurrence } => Err(Progress::Refused { step, occurrence }),
        }
    }

    pub(crate) fn after(wait: Duration) -> Self {
        Self::NotYet { wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) }
    }
}
