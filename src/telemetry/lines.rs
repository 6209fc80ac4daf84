//! Lines for machines: one JSON object each, flat, so that `trace_id`, `booking.id` and `step` are found by name
//! whichever span has said them.

use super::fields::Fields;
use chrono::{SecondsFormat, Utc};
use serde::ser::{SerializeMap, Serializer};
use std::io::Write;
use tracing::{Event, Subscriber};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context, registry::LookupSpan};

/// Writes lines as JSON.
pub(super) struct Json<W>(W);

impl<W> Json<W>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    pub(super) fn to(writer: W) -> Self {
        Self(writer)
    }
}

impl<S, W> Layer<S> for Json<W>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Ok(mut line) = line(event, &context) else { return };
        line.push(b'\n');
        // A log that cannot be written must stop nobody.
        let _ = self.0.make_writer().write_all(&line);
    }
}

fn line<S>(event: &Event<'_>, context: &Context<'_, S>) -> serde_json::Result<Vec<u8>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let (around, said) = (Fields::around(event, context), Fields::of(event));
    let mut line = Vec::with_capacity(512);
    let mut json = serde_json::Serializer::new(&mut line);
    let mut map = json.serialize_map(None)?;
    map.serialize_entry("timestamp", &Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true))?;
    map.serialize_entry("level", event.metadata().level().as_str())?;
    let own = |name: &str| said.0.iter().any(|(known, _)| *known == name);
    if let Some((_, message)) = said.0.iter().find(|(name, _)| *name == "message") {
        map.serialize_entry("message", message)?;
    }
    for (name, value) in around.0.iter().filter(|(name, _)| !own(name)) {
        map.serialize_entry(name, value)?;
    }
    for (name, value) in said.0.iter().filter(|(name, _)| *name != "message") {
        map.serialize_entry(name, value)?;
    }
    map.serialize_entry("target", event.metadata().target())?;
    map.end()?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::{super::fields::Remember, *};
    use serde_json::{Value, json};
    use std::{
        io,
        sync::{Arc, Mutex},
    };
    use tracing::{field::Empty, info, info_span};
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_says_what_the_spans_around_it_say() {
        let written = Written::default();
        let writer = written.clone();
        let layers =
            tracing_subscriber::registry().with(Remember).with(Json::to(move || writer.clone()));
        tracing::subscriber::with_default(layers, || {
            let engine =
                info_span!("engine", rpc.service = "Booking", restate.sdk.is_replaying = false);
            let _in_engine = engine.enter();
            let step = info_span!("step", step = "hold", booking.id = Empty, vendor = "one");
            step.record("booking.id", "bk_1");
            let _in_step = step.enter();
            info!(vendor = "two", elapsed_ms = 3_u64, "asked\n{}", "two");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "one line: {text}");
        let mut line: Value = serde_json::from_str(&text).unwrap();
        assert!(line["timestamp"].take().as_str().unwrap().ends_with('Z'));
        let expected = json!({
            "timestamp": null, "level": "INFO", "message": "asked\ntwo", "workflow": "Booking", "step": "hold",
            "booking.id": "bk_1", "vendor": "two", "elapsed_ms": 3, "target": "usher::telemetry::lines::tests",
        });
        assert_eq!(line, expected);
        assert_eq!(text.matches("vendor").count(), 1, "no name twice: {text}");
    }
}
