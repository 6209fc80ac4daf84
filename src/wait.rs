//! Waits outside the engine: for what is starting up beside us, and for the signal to stop.

use backoff::{ExponentialBackoff, future::retry};
use std::{fmt::Display, future::Future, time::Duration};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Tries until it works, widening, for at most a minute; then the last complaint.
pub(crate) async fn until_ready<T, E, Attempt, Done>(what: &str, attempt: Attempt) -> Result<T, E>
where
    E: Display,
    Attempt: Fn() -> Done,
    Done: Future<Output = Result<T, E>>,
{
    retry(widening(Duration::from_mins(1)), || async {
        attempt().await.map_err(|error| {
            tracing::info!("waiting for {what}: {error}");
            backoff::Error::transient(error)
        })
    })
    .await
}

/// Asks until there is an answer, widening, for at most half a minute. A refusal is one. For reads: it asks again also
/// when nobody knows what became of the question.
pub(crate) async fn until_answered<T, Attempt, Done>(
    what: &str,
    attempt: Attempt,
) -> Result<T, adapters::Error>
where
    Attempt: Fn() -> Done,
    Done: Future<Output = Result<T, adapters::Error>>,
{
    use adapters::Error::{Forged, Refused, Unavailable, Unknown};
    retry(widening(Duration::from_secs(30)), || async {
        attempt().await.map_err(|error| match error {
            Unavailable { .. } | Unknown { .. } => {
                tracing::info!("waiting for {what}: {error}");
                backoff::Error::transient(error)
            }
            Refused { .. } | Forged { .. } => backoff::Error::permanent(error),
        })
    })
    .await
}

fn widening(longest: Duration) -> ExponentialBackoff {
    ExponentialBackoff {
        initial_interval: Duration::from_millis(50),
        max_interval: Duration::from_secs(3),
        max_elapsed_time: Some(longest),
        ..ExponentialBackoff::default()
    }
}

/// Turns true when the process is asked to stop: Ctrl-C, or SIGTERM.
pub(crate) fn stop_signal() -> watch::Receiver<bool> {
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(async move {
        let terminated = async {
            match signal(SignalKind::terminate()) {
                Ok(mut terminate) => {
                    terminate.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = terminated => {}
        }
        let _ = stop.send(true);
    });
    stopping
}

/// Resolves once it is time to stop.
pub(crate) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // The sender gone is a stop as well.
    let _ = stopping.wait_for(|stop| *stop).await;
}
