//! Where a trace begins: every request has one, names it in its answer and hands it to the engine. And what is counted
//! at the front door: requests, webhooks, starts, sweeps.

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use metrics::{counter, gauge, histogram};
use restate_sdk::ingress::RequestExecutor;
use schema::{
    ids::BookingId,
    provider::Provider,
    trace::{HEADER, Trace},
};
use std::{
    fmt::Display,
    future::Future,
    time::{Duration, Instant, SystemTime},
};
use tracing::{Instrument, Span, debug, field::Empty, info, info_span};

/// Under which name a caller learns the trace of its request.
const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

tokio::task_local! {
    static TRACE: Trace;
}

/// The trace of the request that is being served.
pub(crate) fn trace() -> Option<Trace> {
    TRACE.try_with(|trace| *trace).ok()
}

/// Of an answer that was waited for on purpose: from then on it was not we who took long.
#[derive(Clone, Copy)]
pub(crate) struct WaitsSince(pub Instant);

/// Of a refusal that somebody here has decided on: no mistake, whatever its status.
#[derive(Clone, Copy)]
pub(crate) struct OnPurpose;

/// Serves a request in a trace of its own, and counts it. A `traceparent` that comes in is anybody's word: it is linked,
/// and never taken over, so that nobody can write into another's trace or choose what is sampled.
pub(crate) async fn watch(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let route = route.unwrap_or("unmatched").to_owned();
    let method = known(request.method());
    let (span, trace) = begin(&request, method, &route);
    let begun = Instant::now();
    let mut response = TRACE.scope(trace, next.run(request)).instrument(span.clone()).await;
    if let Ok(id) = HeaderValue::from_str(&trace.to_string()) {
        response.headers_mut().insert(TRACE_ID, id);
    }
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    let waits = response.extensions().get::<WaitsSince>();
    let worked = waits.map_or_else(|| begun.elapsed(), |WaitsSince(since)| *since - begun);
    let on_purpose = response.extensions().get::<OnPurpose>().is_some();
    count(method, &route, class(status, on_purpose), worked);
    span.in_scope(|| tell(method, &route, status, begun.elapsed()));
    response
}

fn begin(request: &Request, method: &'static str, route: &str) -> (Span, Trace) {
    let span = info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        trace_id = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        booking.id = booking(request.uri().path()),
        caller.trace_id = Empty,
    );
    let trace = Trace::begin(&span);
    span.record("trace_id", tracing::field::display(trace));
    let theirs = request.headers().get(HEADER).and_then(|header| header.to_str().ok());
    if let Some(theirs) = theirs.and_then(Trace::read) {
        theirs.link(&span);
        span.record("caller.trace_id", tracing::field::display(theirs));
    }
    (span, trace)
}

/// The booking that an address names.
fn booking(path: &str) -> Option<&str> {
    path.split('/').find(|part| part.parse::<BookingId>().is_ok())
}

/// What an answer is counted as. While it is closed for maintenance, nothing fails.
const fn class(status: u16, on_purpose: bool) -> &'static str {
    match status {
        _ if on_purpose => "closed",
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

/// One answer, and how long we worked on it.
fn count(method: &'static str, route: &str, status: &'static str, worked: Duration) {
    let labels = [("route", route.to_owned()), ("method", method.to_owned())];
    counter!("usher_http_requests_total", "route" => route.to_owned(), "method" => method, "status" => status)
        .increment(1);
    histogram!("usher_http_request_seconds", &labels).record(worked);
}

/// Reads are many, and say nothing new; what is asked for is worth a line.
fn tell(method: &'static str, route: &str, status: u16, took: Duration) {
    let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if method == "GET" || method == "HEAD" {
        debug!(elapsed_ms, "answered {method} {route} with {status}");
    } else {
        info!(elapsed_ms, "answered {method} {route} with {status}");
    }
}

/// A caller can make up methods; labels are not for that.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// What a delivery of a vendor was answered: `taken`, `refused`, or `not_kept`.
pub(crate) fn delivery(vendor: Provider, answer: &'static str) {
    counter!("usher_webhook_deliveries_total", "vendor" => vendor.name(), "answer" => answer)
        .increment(1);
}

/// One sweep, in a trace of its own, counted.
pub(crate) async fn sweep<E: Display>(
    look: impl Future<Output = Result<usize, E>>,
) -> Result<usize, E> {
    let span = info_span!("sweep", trace_id = Empty);
    let trace = Trace::begin(&span);
    span.record("trace_id", tracing::field::display(trace));
    let swept = TRACE.scope(trace, look).instrument(span).await;
    let result = if swept.is_ok() { "done" } else { "failed" };
    counter!("usher_sweeps_total", "result" => result).increment(1);
    if let Ok(sent) = &swept {
        counter!("usher_sweep_sent_total").increment(u64::try_from(*sent).unwrap_or(u64::MAX));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        gauge!("usher_sweep_last_success_timestamp_seconds").set(now);
    }
    swept
}

/// Asks the engine in the trace of the request that is being served. Nothing else of a caller's headers goes there: the
/// engine keeps what it is given in its journal.
pub(crate) struct Traced<Inner>(pub(crate) Inner);

impl<Inner: RequestExecutor + Sync> RequestExecutor for Traced<Inner> {
    type Error = Inner::Error;

    async fn execute(
        &self,
        mut request: axum::http::Request<axum::body::Bytes>,
    ) -> Result<axum::http::Response<axum::body::Bytes>, Self::Error> {
        let header = trace().and_then(|trace| HeaderValue::from_str(&trace.header()).ok());
        if let Some(header) = header {
            request.headers_mut().insert(HEADER, header);
        }
        let begun = Instant::now();
        let answer = self.0.execute(request).await;
        // A refusal is an answer, too: only silence and 5xx say that it takes nothing.
        let taken = answer.as_ref().is_ok_and(|answer| !answer.status().is_server_error());
        let outcome = if taken { "taken" } else { "away" };
        counter!("usher_engine_requests_total", "outcome" => outcome).increment(1);
        histogram!("usher_engine_request_seconds").record(begun.elapsed());
        answer
    }
}
