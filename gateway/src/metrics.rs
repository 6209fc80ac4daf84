//! `/metrics`: what Prometheus reads, on a listener of its own that no customer reaches.

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

/// Serves what `render` says, until `stop`. It is asked for every scrape, so it must not wait for anything.
pub async fn serve_metrics(
    render: impl Fn() -> String + Clone + Send + Sync + 'static,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let scrape = move || {
        let text = render();
        async move { ([(CONTENT_TYPE, TEXT)], text) }
    };
    let router = Router::new().route("/metrics", get(scrape)).layer(
        TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(5)),
    );
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}
