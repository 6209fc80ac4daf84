//! Lines that nobody should read: what the engine's library warns of although nothing is wrong.

use super::fields::Fields;
use tracing::{Event, Subscriber};
use tracing_subscriber::{Layer, layer::Context};

/// Whose lines.
const LIBRARY: &str = "restate_sdk::endpoint";

/// A workflow that waits is put aside by the engine: its normal life, and yet a failure to the library.
const PUT_ASIDE: &str = "Suspended invocation";

/// Keeps such lines from everybody.
pub(super) struct Dropped;

impl<S: Subscriber> Layer<S> for Dropped {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let put_aside = |(_, value): &(&str, serde_json::Value)| {
            value.as_str().is_some_and(|text| text.contains(PUT_ASIDE))
        };
        !event.metadata().target().starts_with(LIBRARY)
            || !Fields::of(event).0.iter().any(put_aside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    use tracing::warn;
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Counted(Arc<AtomicUsize>);

    impl<S: Subscriber> Layer<S> for Counted {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_waiting_workflow_is_no_warning_and_a_failing_one_is() {
        let counted = Counted::default();
        let layers: Vec<Box<dyn Layer<_> + Send + Sync>> =
            vec![Box::new(counted.clone()), Box::new(Dropped)];
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layers), || {
            warn!(target: "restate_sdk::endpoint::futures", "failed: Suspended invocation");
            warn!(target: "restate_sdk::endpoint", "failed: Suspended invocation");
            warn!(target: "restate_sdk::endpoint", "failed: journal mismatch");
            warn!("of ours: Suspended invocation");
        });
        assert_eq!(counted.0.load(Ordering::Relaxed), 2);
    }
}
