//! What operations see: traces, lines, errors and metrics of the running system, as their receivers get them.

mod errors;
pub(crate) mod listener;
mod metrics;
mod scrape;
mod shipped;
mod traces;
