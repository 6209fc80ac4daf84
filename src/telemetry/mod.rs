//! What operations see: lines, metrics, and, where somebody listens, traces and errors.
//!
//! | to               | what                                   | when                              |
//! |------------------|----------------------------------------|-----------------------------------|
//! | standard error   | lines, JSON                            | always                            |
//! | `/metrics`       | counts, durations, gauges              | always                            |
//! | a collector      | spans and lines, OTLP over HTTP        | `OTEL_EXPORTER_OTLP_ENDPOINT`     |
//! | Sentry           | where an error was, and in which trace | `SENTRY_DSN`                      |
//!
//! Nothing of it may hold anything up: queues are bounded, what does not fit is dropped and counted.

mod fields;
mod gauges;
mod lines;
mod metrics;
mod noise;
mod otlp;
mod panics;
mod process;
mod queue;
mod sentry;

use crate::config::Telemetry as Config;
pub(crate) use gauges::{LOOKS, Watched, draws_tickets, keep_current, sweeping_begins};
pub(crate) use metrics::Metrics;
use std::io;
use tracing_subscriber::{
    EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Where lines go.
pub(crate) enum Lines {
    /// Standard error, as JSON.
    Json,
    /// A file, for people.
    File(std::fs::File),
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Everything that is being told, until it is stopped.
pub(crate) struct Telemetry {
    pub(crate) metrics: Metrics,
    otlp: Option<otlp::Otlp>,
    sentry: Option<sentry::Sentry>,
}

impl Telemetry {
    /// From now on everything is told. Once a process.
    pub(crate) fn start(config: &Config, lines: Lines) -> Result<Self, Error> {
        let metrics = Metrics::start()?;
        let otlp = config.otlp.as_ref().map(otlp::Otlp::start).transpose()?;
        let sentry = config.sentry.as_ref().map(sentry::Sentry::start);
        let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = vec![match lines {
            Lines::Json => lines::Json::to(io::stderr).boxed(),
            Lines::File(file) => {
                tracing_subscriber::fmt::layer().with_ansi(false).with_writer(file).boxed()
            }
        }];
        layers.extend(otlp.iter().flat_map(otlp::Otlp::layers));
        layers.extend(sentry.iter().map(|_| sentry::Told.boxed()));
        // First of all, since the others read what it remembers.
        layers.insert(0, fields::Remember.boxed());
        layers.push(noise::Dropped.boxed());
        let filter = EnvFilter::try_new(&config.log_filter)?;
        tracing_subscriber::registry().with(layers).with(filter).try_init()?;
        panics::tell();
        Ok(Self { metrics, otlp, sentry })
    }

    /// Sends what is still here, for a few seconds at most.
    pub(crate) async fn stop(self) {
        if let Some(otlp) = self.otlp {
            otlp.stop().await;
        }
        if let Some(sentry) = self.sentry {
            sentry.stop().await;
        }
    }
}
