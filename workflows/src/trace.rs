//! The trace that a workflow belongs to, and hands on to the workflows it starts.

use restate_sdk::{
    context::{HeaderMap, Request},
    prelude::{SharedWorkflowContext, WorkflowContext},
};
use schema::trace::{HEADER, Trace};

/// What belongs to a trace.
pub(crate) trait Traced {
    /// The trace of whoever has started this, from the journaled headers; else one of its own. The same in every replay.
    fn trace(&self) -> Trace;
}

impl Traced for WorkflowContext<'_> {
    fn trace(&self) -> Trace {
        read(self.headers(), self.invocation_id())
    }
}

impl Traced for SharedWorkflowContext<'_> {
    fn trace(&self) -> Trace {
        read(self.headers(), self.invocation_id())
    }
}

fn read(headers: &HeaderMap, invocation: &str) -> Trace {
    let given = headers.get(HEADER).and_then(|header| Trace::read(header));
    given.unwrap_or_else(|| Trace::named(invocation))
}

/// A request to another workflow.
pub(crate) trait WithTrace {
    /// The same, in the trace of its sender.
    #[must_use]
    fn traced(self, sender: &impl Traced) -> Self;
}

impl<Input, Output> WithTrace for Request<'_, Input, Output> {
    fn traced(self, sender: &impl Traced) -> Self {
        self.header(HEADER.to_owned(), sender.trace().header())
    }
}
