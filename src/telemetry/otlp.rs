//! Spans and lines, sent to a collector by OTLP over HTTP (protobuf).

use super::queue::{Queue, Sender, queue};
use crate::config::Otlp as Config;
use opentelemetry::{Context, InstrumentationScope, trace::TracerProvider};
use opentelemetry_appender_tracing::layer::{OpenTelemetryTracingBridge, TracingSpanAttributes};
use opentelemetry_otlp::{LogExporter, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    logs::{LogBatch, LogExporter as _, LogProcessor, SdkLogRecord, SdkLoggerProvider},
    trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanExporter as _, SpanProcessor},
};
use std::{sync::Arc, time::Duration};
use tracing_subscriber::{Layer, Registry, filter::filter_fn};

/// Whose spans and lines are sent. Not those of the libraries that send them: they would tell of themselves for ever.
const OURS: [&str; 6] = ["usher", "gateway", "workflows", "activities", "adapters", "schema"];

/// The connection to a collector.
pub(super) struct Otlp {
    tracers: SdkTracerProvider,
    loggers: SdkLoggerProvider,
    senders: [Sender; 2],
}

impl Otlp {
    pub(super) fn start(config: &Config) -> Result<Self, super::Error> {
        let resource = Resource::builder()
            .with_service_name("usher")
            .with_attribute(opentelemetry::KeyValue::new(
                "service.version",
                env!("CARGO_PKG_VERSION"),
            ))
            .build();
        let url = |signal: &str| format!("{}/v1/{signal}", config.endpoint);

        let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
        let mut exporter = exporter.with_endpoint(url("traces")).build()?;
        exporter.set_resource(&resource);
        let exporter = Arc::new(exporter);
        let (spans, sends_spans) = queue("spans", move |batch| {
            let exporter = Arc::clone(&exporter);
            async move { exporter.export(batch).await.is_ok() }
        });
        let tracers = SdkTracerProvider::builder()
            .with_span_processor(Spans(spans))
            // By the trace's id alone, so that every process decides alike.
            .with_sampler(Sampler::TraceIdRatioBased(config.ratio))
            .with_resource(resource.clone())
            .build();

        let exporter = LogExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
        let mut exporter = exporter.with_endpoint(url("logs")).build()?;
        exporter.set_resource(&resource);
        let exporter = Arc::new(exporter);
        let (lines, sends_lines) = queue("lines", move |batch: Vec<Line>| {
            let exporter = Arc::clone(&exporter);
            async move {
                let lines: Vec<_> = batch.iter().map(|(line, scope)| (line, scope)).collect();
                exporter.export(LogBatch::new(&lines)).await.is_ok()
            }
        });
        let loggers = SdkLoggerProvider::builder()
            .with_log_processor(LinesOut(lines))
            .with_resource(resource)
            .build();
        Ok(Self { tracers, loggers, senders: [sends_spans, sends_lines] })
    }

    /// What listens to our spans and lines.
    pub(super) fn layers(&self) -> [Box<dyn Layer<Registry> + Send + Sync>; 2] {
        let ours =
            || filter_fn(|metadata| OURS.iter().any(|name| metadata.target().starts_with(name)));
        let spans = tracing_opentelemetry::layer()
            .with_tracer(self.tracers.tracer("usher"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        let lines = OpenTelemetryTracingBridge::builder(&self.loggers)
            .with_tracing_span_attributes(TracingSpanAttributes::all())
            .build();
        [spans.with_filter(ours()).boxed(), lines.with_filter(ours()).boxed()]
    }

    pub(super) async fn stop(self) {
        let [spans, lines] = self.senders;
        tokio::join!(spans.stop(), lines.stop());
    }
}

/// Finished spans, put into the queue.
#[derive(Debug)]
struct Spans(Queue<SpanData>);

impl SpanProcessor for Spans {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.0.put(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _within: Duration) -> OTelSdkResult {
        Ok(())
    }
}

type Line = (SdkLogRecord, InstrumentationScope);

/// Lines, put into the queue.
#[derive(Debug)]
struct LinesOut(Queue<Line>);

impl LogProcessor for LinesOut {
    fn emit(&self, line: &mut SdkLogRecord, scope: &InstrumentationScope) {
        self.0.put((line.clone(), scope.clone()));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _within: Duration) -> OTelSdkResult {
        Ok(())
    }
}
