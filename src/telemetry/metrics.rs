//! The metrics of this process: what each of them means, and how they are read.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::time::Duration;

/// Upper bounds of durations, in seconds: from a row of a table to a vendor's time-out.
const SECONDS: [f64; 13] =
    [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// What was recorded since it was last read is put in order this often, whether anybody reads it or not.
const UPKEEP: Duration = Duration::from_secs(5);

/// Reads the metrics.
#[derive(Clone)]
pub(crate) struct Metrics(PrometheusHandle);

impl Metrics {
    /// From now on everything is counted. Once a process.
    pub(super) fn start() -> Result<Self, super::Error> {
        let handle = PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder()?;
        let upkeep = handle.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                upkeep.run_upkeep();
            }
        });
        durations();
        counts();
        gauges();
        gauge!("usher_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
        Ok(Self(handle))
    }

    /// In Prometheus's text format.
    pub(crate) fn text(&self) -> String {
        self.0.render()
    }
}

fn durations() {
    let seconds = |name: &'static str, meaning| describe_histogram!(name, Unit::Seconds, meaning);
    seconds(
        "usher_http_request_seconds",
        "From a request to the head of its answer, or until it waits on purpose",
    );
    seconds(
        "usher_step_seconds",
        "One attempt at a step of a workflow; a failed one is tried again",
    );
    seconds(
        "usher_vendor_step_seconds",
        "One attempt at an effect at a vendor, by what it came to",
    );
    seconds("usher_vendor_call_seconds", "One call of a vendor");
    seconds("usher_engine_request_seconds", "From asking the engine for something to its answer");
}

/// Those without labels are there from the start, so that an alert on them never looks at nothing.
fn counts() {
    let counted = |name: &'static str, meaning| describe_counter!(name, meaning);
    counted("usher_http_requests_total", "Requests answered");
    counted("usher_rate_limited_total", "Requests refused because there were too many");
    counted("usher_webhook_deliveries_total", "Deliveries of vendors, by what they were answered");
    counted(
        "usher_webhook_refusals_total",
        "Deliveries that began nothing, and whether they are kept",
    );
    counted("usher_webhooks_total", "Events of vendors, by what they came to");
    counted("usher_engine_requests_total", "What was asked of the engine, and whether it took it");
    counted("usher_vendor_calls_total", "Calls of vendors, by how they ended");
    counted("usher_bookings_ended_total", "Bookings that came to an end");
    counted("usher_captured_minor_total", "Money taken, in minor units");
    counted("usher_captures_total", "Captures");
    counted("usher_refunded_minor_total", "Money given back, in minor units");
    counted("usher_refunds_total", "Refunds that have arrived");
    counted("usher_sweeps_total", "Sweeps for what was left lying");
    counted("usher_sweep_sent_total", "What sweeps have sent again");
    counted("usher_telemetry_dropped_total", "Spans and lines that did not reach the collector");
    counter!("usher_rate_limited_total").increment(0);
    counter!("usher_sweep_sent_total").increment(0);
    for outcome in ["taken", "away"] {
        counter!("usher_engine_requests_total", "outcome" => outcome).increment(0);
    }
    for signal in ["spans", "lines"] {
        counter!("usher_telemetry_dropped_total", "signal" => signal).increment(0);
    }
}

fn gauges() {
    let shown = |name: &'static str, meaning| describe_gauge!(name, meaning);
    shown("usher_sagas", "What has no end yet, by state and by how long ago it began");
    shown(
        "usher_paid_without_booking",
        "Money kept without a booking, a refund or a case: must be 0",
    );
    shown("usher_open_cases", "Cases that nobody has decided, by what they are about");
    shown("usher_open_case_oldest_seconds", "How long the oldest of them has been open");
    shown("usher_database_up", "Whether the tables could be read");
    shown("usher_database_connections", "Connections of this process's pool");
    shown(
        "usher_engine_up",
        "Whether the engine says that it is well; it does without room to write, too",
    );
    shown("usher_gauges_age_seconds", "How long ago the tables were last read");
    shown(
        "usher_sweep_last_success_timestamp_seconds",
        "When a sweep last came to its end, or, before the first, when this process began",
    );
    shown("usher_vendor_last_answer_timestamp_seconds", "When a vendor last answered");
    shown("usher_ticket_pictures", "Whether this process draws tickets' pictures");
    shown("usher_build_info", "Which build this is");
    shown("process_cpu_seconds_total", "Time this process has computed");
    shown("process_resident_memory_bytes", "Memory of this process");
    shown("process_open_fds", "Open files and connections of this process");
    shown("process_threads", "Threads of this process");
}
