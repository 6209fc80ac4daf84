//! What operations see, and where it goes.

use super::reader::Reader;

pub(crate) struct Telemetry {
    /// What is written at all, as `tracing_subscriber::EnvFilter` reads it.
    pub log_filter: String,
    pub metrics_addr: String,
    /// None: nothing is exported.
    pub otlp: Option<Otlp>,
    /// None: nobody is told.
    pub sentry: Option<Sentry>,
}

/// A collector that speaks OTLP over HTTP.
pub(crate) struct Otlp {
    /// `http://host:4318`
    pub endpoint: String,
    /// The part of all traces that is exported, from 0 to 1. Decided by the trace's id, so a trace is whole or not there.
    pub ratio: f64,
}

pub(crate) struct Sentry {
    pub dsn: sentry::types::Dsn,
    pub environment: String,
}

pub(super) fn telemetry(from: &mut Reader) -> Telemetry {
    Telemetry {
        log_filter: from.optional("USHER_LOG").unwrap_or_else(|| "info".to_owned()),
        metrics_addr: from
            .optional("USHER_METRICS_ADDR")
            .unwrap_or_else(|| "127.0.0.1:9464".to_owned()),
        otlp: otlp(from),
        sentry: sentry(from),
    }
}

fn otlp(from: &mut Reader) -> Option<Otlp> {
    let endpoint = from.optional("OTEL_EXPORTER_OTLP_ENDPOINT")?;
    let ratio = from.optional("OTEL_TRACES_SAMPLER_ARG").unwrap_or_else(|| "1".to_owned());
    let ratio = ratio.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    if ratio.is_none() {
        from.complain("OTEL_TRACES_SAMPLER_ARG is no part of all traces: a number from 0 to 1");
    }
    let endpoint = endpoint.trim_end_matches('/').to_owned();
    Some(Otlp { endpoint, ratio: ratio.unwrap_or(1.0) })
}

fn sentry(from: &mut Reader) -> Option<Sentry> {
    let dsn = from.optional("SENTRY_DSN")?;
    let environment = from.optional("SENTRY_ENVIRONMENT");
    let environment = environment.unwrap_or_else(|| "production".to_owned());
    let Ok(dsn) = dsn.parse() else {
        from.complain("SENTRY_DSN is not what Sentry shows as the project's DSN");
        return None;
    };
    Some(Sentry { dsn, environment })
}
