//! Recovery: sends the workflow of every open row that is past due again. That is all the recovery there is of our own.

use crate::engine::{Away, Engine};
use adapters::restate_admin::RestateAdmin;
use schema::{Db, bookings, payments, refunds, tickets};

/// What a sweep can stumble over; the next one tries again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Database(#[from] schema::Error),
    #[error(transparent)]
    Engine(#[from] Away),
    #[error("the engine's admin API: {0}")]
    Admin(#[from] adapters::Error),
}

/// Rows that were silent for longer than `quiet_ms` past their time are sent again. An invocation that has completed
/// is purged at the engine first, since a send on a kept key runs nothing. How many were sent.
pub async fn sweep(
    db: &Db,
    engine: &Engine,
    admin: &RestateAdmin,
    quiet_ms: i64,
) -> Result<usize, Error> {
    let mut sent = 0;
    for request in bookings::past_due(db, quiet_ms).await? {
        forget(admin, "Booking", &request.booking_id.bare()).await?;
        engine.book(request).await?;
        sent += 1;
    }
    for request in payments::past_due(db, quiet_ms).await? {
        forget(admin, "Payment", &request.payment_id.bare()).await?;
        engine.pay(request).await?;
        sent += 1;
    }
    for refund in refunds::past_due(db, quiet_ms).await? {
        forget(admin, "Refund", &refund.bare()).await?;
        engine.refund(refund).await?;
        sent += 1;
    }
    for booking in tickets::missing(db, quiet_ms).await? {
        forget(admin, "TicketGenerate", &booking.bare()).await?;
        engine.ticket(booking).await?;
        sent += 1;
    }
    Ok(sent)
}

/// Drops a completed invocation of this key, so that the next send runs. One that still runs is left alone.
async fn forget(admin: &RestateAdmin, service: &str, key: &str) -> Result<(), adapters::Error> {
    let invocation = admin.workflow_invocation(service, key).await?;
    admin.purge(&invocation).await?;
    Ok(())
}
