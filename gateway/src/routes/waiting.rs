//! Waiting for a booking: `Prefer: wait=N`, and streams.

use crate::{app::App, auth::Caller, error::Error, guard};
use schema::{
    ids::BookingId,
    snapshot::{self, Snapshot},
};
use std::time::Duration;
use tokio::time::Instant;

/// The caller's booking as it is once it is `so`; at the latest after `within`, however it is then. When too many wait
/// already, the answer is how it is now.
pub(super) async fn until(
    app: &App,
    caller: &Caller,
    booking: BookingId,
    within: Duration,
    so: impl Fn(&Snapshot) -> bool,
) -> Result<Snapshot, Error> {
    let deadline = Instant::now() + within;
    let mut now = look(app, caller, booking).await?;
    if so(&now) || within.is_zero() {
        return Ok(now);
    }
    let Some(mut watching) = app.changes.watch(&caller.id, booking) else { return Ok(now) };
    guard::waits();
    while !so(&now) && watching.past(now.version, deadline).await.is_some() {
        now = look(app, caller, booking).await?;
    }
    Ok(now)
}

/// The version of the caller's booking once it is `so`; at the latest after `within`, whatever it is then. Nothing else of the
/// booking is read.
pub(super) async fn version(
    app: &App,
    caller: &Caller,
    booking: BookingId,
    within: Duration,
    so: impl Fn(i32) -> bool,
) -> Result<i32, Error> {
    let deadline = Instant::now() + within;
    let now = snapshot::version(&app.db, &caller.id, booking).await?;
    let mut now = now.ok_or(Error::NotFound)?;
    if so(now) || within.is_zero() {
        return Ok(now);
    }
    let Some(mut watching) = app.changes.watch(&caller.id, booking) else { return Ok(now) };
    guard::waits();
    while !so(now) {
        let Some(next) = watching.past(now, deadline).await else { break };
        now = next;
    }
    Ok(now)
}

/// The caller's booking now. A missing and a foreign one take the same way to the same answer.
pub(super) async fn look(
    app: &App,
    caller: &Caller,
    booking: BookingId,
) -> Result<Snapshot, Error> {
    snapshot::of(&app.db, &caller.id, booking).await?.ok_or(Error::NotFound)
}

/// The next move is not ours: there is something to pay, or it is the end.
pub(super) fn is_callers_turn(booking: &Snapshot) -> bool {
    !booking.standing.stage.is_ours()
}
