//! A trace: a request and everything that follows from it, under one id, as W3C's Trace Context writes it.
//!
//! The request makes it; the engine keeps it in the journal as the one header of the invocation; every step and vendor
//! call carries its id. Where spans are exported, theirs are the same ids; elsewhere this module touches no span.

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use sha2::{Digest, Sha256};
use std::fmt;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The header's name: of requests, and of invocations.
pub const HEADER: &str = "traceparent";

/// Which trace, and under which of its spans what comes next belongs. Shown as the trace's id, 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    id: TraceId,
    parent: SpanId,
}

impl Trace {
    /// A new one, whose first span is this.
    pub fn begin(span: &Span) -> Self {
        let context = span.context();
        let exported = context.span().span_context().clone();
        if exported.is_valid() {
            return Self { id: exported.trace_id(), parent: exported.span_id() };
        }
        Self::from_bytes(rand::random())
    }

    /// The one of something that nobody's request has started: the same for the same name.
    pub fn named(name: &str) -> Self {
        let digest = Sha256::digest(name.as_bytes());
        let mut bytes = [0; 24];
        bytes.iter_mut().zip(digest).for_each(|(byte, digest)| *byte = digest);
        Self::from_bytes(bytes)
    }

    /// What a `traceparent` says, if it says anything.
    pub fn read(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, id, parent, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |text: &str, digits: usize| {
            text.len() == digits
                && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        if version != "00" || !hex(id, 32) || !hex(parent, 16) || !hex(flags, 2) {
            return None;
        }
        let read = Self { id: TraceId::from_hex(id).ok()?, parent: SpanId::from_hex(parent).ok()? };
        let ends = parts.next().is_none();
        (ends && read.id != TraceId::INVALID && read.parent != SpanId::INVALID).then_some(read)
    }

    /// The value of the header.
    pub fn header(self) -> String {
        format!("00-{}-{}-01", self.id, self.parent)
    }

    /// This span belongs to the trace. To be said before anybody enters the span.
    pub fn adopt(self, span: &Span) {
        let parent = Context::new().with_remote_span_context(self.context());
        // Nothing is exported here: then there is nobody to tell.
        let _ = span.set_parent(parent);
    }

    /// This span is of another trace, and follows from this one.
    pub fn link(self, span: &Span) {
        span.add_link(self.context());
    }

    fn context(self) -> SpanContext {
        let Self { id, parent } = self;
        SpanContext::new(id, parent, TraceFlags::SAMPLED, true, TraceState::default())
    }

    fn from_bytes(bytes: [u8; 24]) -> Self {
        let (mut id, mut parent) = ([0; 16], [0; 8]);
        id.iter_mut().chain(&mut parent).zip(bytes).for_each(|(to, from)| *to = from);
        Self { id: TraceId::from_bytes(id), parent: SpanId::from_bytes(parent) }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_is_read_and_written_as_it_was() {
        let trace = Trace::read(GIVEN).unwrap();
        assert_eq!(trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace.header(), GIVEN);
    }

    #[test]
    fn what_is_no_header_is_no_trace() {
        let zeros = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let upper = GIVEN.to_uppercase();
        let longer = format!("{GIVEN}-x");
        for wrong in
            ["", "00", "é", zeros, &upper, &longer, &GIVEN[1..], &GIVEN.replacen("00", "ff", 1)]
        {
            assert_eq!(Trace::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn traces_differ_unless_they_have_the_same_name() {
        let none = Span::none();
        assert_ne!(Trace::begin(&none), Trace::begin(&none));
        assert_eq!(Trace::named("inv_1"), Trace::named("inv_1"));
        assert_ne!(Trace::named("inv_1"), Trace::named("inv_2"));
    }
}
