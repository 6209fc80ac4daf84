//! What the spans around a line say: remembered while they are open, for the lines and the errors within.

use serde_json::Value;
use std::fmt::Debug;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::Context,
    registry::{LookupSpan, Scope, SpanRef},
};

/// Names and values, in the order they were said. A later value of a name replaces an earlier one.
#[derive(Default)]
pub(super) struct Fields(pub(super) Vec<(&'static str, Value)>);

impl Fields {
    /// Of an event alone.
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut fields = Self::default();
        event.record(&mut fields);
        fields
    }

    /// Of all spans around an event, the outermost first.
    pub(super) fn around<S>(event: &Event<'_>, context: &Context<'_, S>) -> Self
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let mut all = Self::default();
        let spans = context.event_scope(event).into_iter().flat_map(Scope::from_root);
        for span in spans {
            all.add(&span);
        }
        all
    }

    fn add<'span, S: LookupSpan<'span>>(&mut self, span: &SpanRef<'span, S>) {
        if let Some(said) = span.extensions().get::<Self>() {
            for (name, value) in &said.0 {
                self.set(name, value.clone());
            }
        }
    }

    fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    fn visit(&mut self, field: &Field, value: impl Into<Value>) {
        match field.name() {
            // How the engine's library calls the workflow.
            "rpc.service" => self.set("workflow", value.into()),
            name if name.starts_with("rpc.")
                || name.starts_with("restate.")
                || name.starts_with("otel.") => {}
            name => self.set(name, value.into()),
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.visit(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.visit(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.visit(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.visit(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.visit(field, format!("{value:?}"));
    }
}

/// Remembers what each span says.
pub(super) struct Remember;

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Remember {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }
}
