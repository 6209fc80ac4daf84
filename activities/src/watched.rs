//! Steps, watched: each attempt is a span of its trace, timed, and a failed one says so in one line.

use crate::step::{End, Progress, VendorStep};
use metrics::{counter, histogram};
use schema::{
    ids::BookingId,
    provider::Provider,
    states::{BookingStatus, DeliveryVerdict},
    trace::Trace,
};
use std::{future::Future, time::Instant};
use tracing::{Instrument, Span, field::Empty, info_span, warn};

/// One attempt at a step of the workflow with this key. Lines and vendor calls within carry the trace's id, the step
/// and the key. `Err` is why the engine will try again.
pub async fn attempt<T>(
    step: &'static str,
    key: &str,
    trace: Trace,
    action: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let span =
        info_span!("step", otel.name = step, trace_id = %trace, step, key, booking.id = Empty);
    trace.adopt(&span);
    let begun = Instant::now();
    let ended = action.instrument(span.clone()).await;
    let outcome = if ended.is_ok() { "done" } else { "failed" };
    histogram!("usher_step_seconds", "step" => step, "outcome" => outcome).record(begun.elapsed());
    if let Err(error) = &ended {
        span.in_scope(|| warn!(%error, "{step} of {key} failed and is tried again: {error}"));
    }
    ended
}

/// The lines of this step are about this booking.
pub(crate) fn about(booking: BookingId) {
    Span::current().record("booking.id", tracing::field::display(booking));
}

/// One attempt at an effect at a vendor, timed by what it came to.
pub(crate) async fn effect<S: VendorStep, E>(
    step: &S,
    action: impl Future<Output = Result<Progress<S::Answer>, E>>,
) -> Result<Progress<S::Answer>, E> {
    about(step.booking());
    let begun = Instant::now();
    let ended = action.await;
    let outcome = match &ended {
        Ok(Progress::Done(End::Answer(_))) => "answer",
        Ok(Progress::Done(End::Absent)) => "absent",
        Ok(Progress::Done(End::GaveUp)) => "gave_up",
        Ok(Progress::NotYet { .. }) => "not_yet",
        Ok(Progress::Refused { .. }) => "refused",
        Err(_) => "failed",
    };
    histogram!("usher_vendor_step_seconds", "step" => S::NAME, "vendor" => S::VENDOR, "outcome" => outcome)
        .record(begun.elapsed());
    ended
}

/// A booking has come to this end. A step that is done again after a crash counts it twice.
pub(crate) fn ended(booking: BookingId, status: BookingStatus) {
    about(booking);
    counter!("usher_bookings_ended_total", "status" => status.name()).increment(1);
}

/// A webhook has come to this.
pub(crate) fn delivered(provider: Provider, verdict: DeliveryVerdict) {
    counter!("usher_webhooks_total", "vendor" => provider.name(), "verdict" => verdict.name())
        .increment(1);
}
