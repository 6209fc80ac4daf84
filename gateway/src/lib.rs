//! The front door: HTTP in, workflows started, state returned. It decides nothing, and writes nothing but what a person
//! has decided and which phones want to hear of a pass.

mod app;
mod auth;
mod engine;
mod error;
mod routes;
mod staff;
mod sweep;
mod view;

pub use app::{App, Settings};
pub use auth::{Claims, JwtKey, Kind, Status, Verifier, sign};
pub use engine::Engine;
pub use staff::PERMISSIONS;
pub use sweep::sweep;

use std::{future::Future, io};
use tokio::net::TcpListener;

/// Serves the API on this listener, until `stop`; what has begun is finished.
pub async fn serve(
    app: App,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, routes::router(app)).with_graceful_shutdown(stop).await
}
