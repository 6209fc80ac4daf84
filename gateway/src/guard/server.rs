//! The listening loop: takes connections as long as there are places, and lets each have its say, in time.

use super::{
    address::{Peer, counted},
    line::{Answer, Line, PATIENCE, Places, Progress},
    works::LOOK_EVERY,
};
use crate::{app::App, routes};
use axum::{Router, body::Body};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use std::{convert::Infallible, future::Future, io, net::SocketAddr, pin::pin, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tower::Service;

const HEADERS_MAX: usize = 100;
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// What is read ahead, or written behind, of one connection.
const BUFFER: usize = 64 * 1024;
/// When the system has no more sockets or memory for us, asking at once again only takes more from it.
const BREATH: Duration = Duration::from_millis(100);

/// Serves the API on this listener, until `stop`; what has begun is finished.
pub async fn serve(
    app: App,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let limits = &app.settings.limits;
    // Behind our own proxies everybody comes from their addresses.
    let of_one = if limits.trusted_hops > 0 { usize::MAX } else { limits.connections_per_address };
    let places = Places::new(limits.connections, of_one);
    let routes = routes::router(app.clone());
    let connections = GracefulShutdown::new();
    // What is closed is closed from the first request on.
    app.guard.works.look(&app.db).await;
    let (mut stop, mut chores) = (pin!(stop), pin!(chores(&app)));
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            () = &mut chores => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(place) = places.take(counted(peer.ip())) else {
                    metrics::counter!("usher_rate_limited_total", "limit" => "connections")
                        .increment(1);
                    continue;
                };
                let one = connection(stream, peer, routes.clone(), connections.watcher());
                tokio::spawn(async move {
                    one.await;
                    drop(place);
                });
            }
            // Of that one connection only.
            Err(error) if is_of_the_other_end(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken: {error}");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
    Ok(())
}

/// Never ends: looks at what is closed, and forgets the idle.
async fn chores(app: &App) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        app.guard.works.look(&app.db).await;
        app.guard.rates.forget_the_idle();
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, routes: Router, stopping: Watcher) {
    // Usually inherited from the listener; if it cannot be set, answers are only slower.
    let _ = stream.set_nodelay(true);
    let progress = Progress::new();
    let line = Line::new(stream, progress.clone(), PATIENCE);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        progress.request();
        request.extensions_mut().insert(Peer(peer));
        let (answer, progress) = (routes.clone().call(request.map(Body::new)), progress.clone());
        async move {
            let answer = answer.await?;
            Ok::<_, Infallible>(answer.map(|body| Answer::new(body, progress)))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The line keeps the time of heads itself: here idle connections would count as slow ones.
        .header_read_timeout(None)
        .max_headers(HEADERS_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(line), service);
    if let Err(error) = stopping.watch(connection).await {
        tracing::debug!(%error, "a connection was cut: {error}");
    }
}

fn is_of_the_other_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}
