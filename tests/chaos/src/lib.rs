//! Chaos: `kill -9` of Usher and its engines in the middle of everything, and then nothing is lost and nothing double.
//!
//! A plan says who comes, what goes wrong and what is killed when; it is a pure function of its seed. A round opens the
//! doors, kills, starts everything again, waits until all that should end has ended, and asks the checker. One system is
//! kept for all rounds, so each starts on what the ones before have left. Customers pay in all ways, mixed.

#![expect(clippy::unwrap_used, reason = "like a test: what cannot happen here stops the run")]

mod evidence;
mod mishaps;
mod plan;
mod report;
mod round;
mod visitor;

pub use evidence::keep;
pub use plan::{Crowd, Kill, Plan, Round};
pub use report::{Outcome, Summary, headline, summary};
pub use round::{close, play};
