//! `/metrics`, what Prometheus reads, and `/ready`, on a listener of their own that no customer reaches.

use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use std::{future::Future, io, time::Duration};
use tokio::net::TcpListener;
use tower_http::timeout::TimeoutLayer;

/// The text format's version that `render` writes.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves what `render` says, and whether this process `is_ready` for its work, until `stop`. Both are asked often, so
/// they must not wait for anything.
pub async fn serve_metrics(
    render: impl Fn() -> String + Clone + Send + Sync + 'static,
    is_ready: impl Fn() -> bool + Clone + Send + Sync + 'static,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let scrape = move || {
        let text = render();
        async move { ([(CONTENT_TYPE, TEXT)], text) }
    };
    let ready = move || {
        let ready = is_ready();
        async move { if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE } }
    };
    let in_time =
        TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(5));
    let both = Router::new().route("/metrics", get(scrape)).route("/ready", get(ready));
    let router = both.layer(in_time);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}
