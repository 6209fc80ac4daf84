//! Errors, told to Sentry: where in the code, and in which trace. Never what was said: Sentry is somebody else's house,
//! and a message may quote anything. The words are in our own log, under the same trace id.

use super::fields::Fields;
use crate::config::Sentry as Config;
use sentry::{
    ClientInitGuard, ClientOptions,
    protocol::{Event, Level, Map},
};
use std::{sync::Arc, time::Duration};
use tracing::Subscriber;
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

/// What of a line's fields Sentry may know: identifiers of ours, and names out of our code.
const MAY_KNOW: [&str; 9] = [
    "trace_id",
    "booking.id",
    "workflow",
    "step",
    "vendor",
    "operation",
    "http.route",
    "http.request.method",
    "place",
];

/// How long what is still here may take to get there at the end.
const GRACE: Duration = Duration::from_secs(2);

/// The connection to Sentry.
pub(super) struct Sentry(ClientInitGuard);

impl Sentry {
    pub(super) fn start(config: &Config) -> Self {
        let mut options = ClientOptions::new();
        options.dsn = Some(config.dsn.clone());
        options.release = Some(concat!("usher@", env!("CARGO_PKG_VERSION")).into());
        options.environment = Some(config.environment.clone().into());
        options.default_integrations = false;
        options.send_default_pii = false;
        options.max_breadcrumbs = 0;
        options.shutdown_timeout = GRACE;
        options.before_send = Some(Arc::new(|event| Some(scrubbed(event))));
        Self(sentry::init(options))
    }

    pub(super) async fn stop(self) {
        let flush = tokio::task::spawn_blocking(move || self.0.close(Some(GRACE)));
        // Whatever has not arrived is in the log.
        let _ = flush.await;
    }
}

/// Tells Sentry about every line that is an error.
pub(super) struct Told;

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Told {
    fn on_event(&self, line: &tracing::Event<'_>, context: Context<'_, S>) {
        if *line.metadata().level() != tracing::Level::ERROR {
            return;
        }
        let fields = Fields::around(line, &context).0.into_iter().chain(Fields::of(line).0);
        let text =
            |value: serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
        let tags: Map<String, String> =
            fields.map(|(name, value)| (name.to_owned(), text(value))).collect();
        let metadata = line.metadata();
        let here = (metadata.file().unwrap_or_default(), metadata.line().unwrap_or_default());
        let place = tags.get("place").cloned().unwrap_or_else(|| format!("{}:{}", here.0, here.1));
        sentry::capture_event(Event {
            level: Level::Error,
            message: Some(format!("an error at {place}")),
            logger: Some(metadata.target().to_owned()),
            culprit: Some(place.clone()),
            fingerprint: vec![place.into()].into(),
            tags,
            ..Event::default()
        });
    }
}

/// Only what is named here leaves the house, whoever made the event and whatever a later library adds to it.
fn scrubbed(event: Event<'static>) -> Event<'static> {
    let may_know = |(name, _): &(String, String)| MAY_KNOW.contains(&name.as_str());
    Event {
        event_id: event.event_id,
        level: event.level,
        timestamp: event.timestamp,
        platform: event.platform,
        release: event.release,
        environment: event.environment,
        sdk: event.sdk,
        message: event.message.filter(|message| message.starts_with("an error at ")),
        logger: event.logger,
        culprit: event.culprit,
        fingerprint: event.fingerprint,
        tags: event.tags.into_iter().filter(may_know).collect(),
        ..Event::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sentry::protocol::{Exception, User};

    #[test]
    fn nothing_leaves_the_house_but_what_is_named() {
        let sara = "Sara Ali".to_owned();
        let tag = |name: &str| (name.to_owned(), "x".to_owned());
        let event = Event {
            message: Some(sara.clone()),
            server_name: Some(sara.clone().into()),
            user: Some(User { username: Some(sara.clone()), ..User::default() }),
            exception: vec![Exception { value: Some(sara.clone()), ..Exception::default() }].into(),
            tags: [tag("trace_id"), ("error".to_owned(), sara.clone())].into(),
            extra: [(sara.clone(), sara.clone().into())].into(),
            ..Event::default()
        };
        let sent = serde_json::to_string(&scrubbed(event)).unwrap();
        assert!(!sent.contains(&sara), "{sent}");
        assert!(sent.contains("trace_id"), "{sent}");
    }
}
