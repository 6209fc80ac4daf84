//! Recovery: sends the workflow of every open row that is past due again. That is all the recovery there is of our own.

use crate::{
    engine::{Away, Engine},
    telemetry,
};
use adapters::{provider::Hint, restate_admin::RestateAdmin};
use schema::{Db, past_due};
use workflows::{Decided, webhook_confirm::Delivery};

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

/// Decisions that a waiting step may not have heard of are told again. Rows that were silent for longer than `quiet_ms`
/// past their time are sent again. An invocation that has completed is purged at the engine first, since a send on a
/// kept key runs nothing. Tickets are let be while `pictures` are off: there is nothing to do for them. How many were sent.
pub async fn sweep(
    db: &Db,
    engine: &Engine,
    admin: &RestateAdmin,
    quiet_ms: i64,
    pictures: bool,
) -> Result<usize, Error> {
    telemetry::sweep(Box::pin(look(db, engine, admin, quiet_ms, pictures))).await
}

async fn look(
    db: &Db,
    engine: &Engine,
    admin: &RestateAdmin,
    quiet_ms: i64,
    pictures: bool,
) -> Result<usize, Error> {
    let mut sent = told_again(db, engine).await?;
    let mut bookings = past_due::bookings(db, quiet_ms).await?;
    bookings.extend(past_due::untaken(db, quiet_ms).await?);
    for request in bookings {
        let key = request.booking_id.bare();
        sent += again(admin, "Booking", &key, engine.book(request)).await;
    }
    for request in past_due::payments(db, quiet_ms).await? {
        let key = request.payment_id.bare();
        sent += again(admin, "Payment", &key, engine.pay(request)).await;
    }
    for refund in past_due::refunds(db, quiet_ms).await? {
        sent += again(admin, "Refund", &refund.bare(), engine.refund(refund)).await;
    }
    for request in past_due::cards(db, quiet_ms).await? {
        let key = request.card_id.bare();
        sent += again(admin, "SaveCard", &key, engine.save_card(request)).await;
    }
    for card in past_due::unforgotten(db, quiet_ms).await? {
        sent += again(admin, "DeleteCard", &card.bare(), engine.delete_card(card)).await;
    }
    for webhook in past_due::webhooks(db, quiet_ms).await? {
        let past_due::Unfinished { provider, event, claim } = webhook;
        // A claim that cannot be read any more is of another version, whose deployment runs it.
        let Ok(claim) = serde_json::from_value(claim) else { continue };
        let delivery = Delivery { provider, hint: Hint { event, claim } };
        let key = delivery.key();
        let confirm = async { engine.confirm(delivery).await.map(|_| ()) };
        sent += again(admin, "WebhookConfirm", &key, confirm).await;
    }
    let without = if pictures { past_due::tickets(db, quiet_ms).await? } else { Vec::new() };
    for booking in without {
        sent += again(admin, "TicketGenerate", &booking.bare(), engine.ticket(booking)).await;
    }
    Ok(sent)
}

/// Decisions of people, told again: whoever has kept one may have died before telling its workflow.
async fn told_again(db: &Db, engine: &Engine) -> Result<usize, Error> {
    let mut told = 0;
    for unheard in past_due::decisions(db).await? {
        let past_due::Unheard { workflow, workflow_key, step, occurrence } = unheard;
        let decided = Decided { step, occurrence };
        match engine.decided(&workflow, workflow_key, decided).await {
            Ok(()) => told += 1,
            Err(error) => tracing::warn!(%error, "a decision could not be told: {error}"),
        }
    }
    Ok(told)
}

/// One row's workflow, sent again: 1, or 0 if that did not work, which stops no other.
async fn again(
    admin: &RestateAdmin,
    service: &str,
    key: &str,
    send: impl Future<Output = Result<(), Away>>,
) -> usize {
    let both = async {
        forget(admin, service, key).await?;
        send.await?;
        Ok::<(), Error>(())
    };
    match both.await {
        Ok(()) => 1,
        Err(error) => {
            tracing::warn!(%error, "{service}/{key} could not be sent again: {error}");
            0
        }
    }
}

/// Drops a completed invocation of this key, so that the next send runs. One that still runs is left alone.
async fn forget(admin: &RestateAdmin, service: &str, key: &str) -> Result<(), adapters::Error> {
    let invocation = admin.workflow_invocation(service, key).await?;
    admin.purge(&invocation).await?;
    Ok(())
}
