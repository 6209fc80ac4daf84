//! Everything that can happen: the list of workflows, and how they are served to the engine.

mod announce;
pub mod booking;
pub mod payment;
pub mod refund;
mod saga;
mod step;
pub mod ticket_generate;
mod trace;
pub mod webhook_confirm;

use activities::Activities;
use restate_sdk::prelude::{Endpoint, HttpServer};
use std::future::Future;
pub use step::Decided;
use tokio::net::TcpListener;

/// Serves every workflow to the engine on this listener, until `stop`.
pub async fn serve(
    activities: Activities,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let endpoint = Endpoint::builder()
        .bind(booking::Booking::new(activities.clone()))
        .bind(payment::Payment::new(activities.clone()))
        .bind(webhook_confirm::WebhookConfirm::new(activities.clone()))
        .bind(refund::Refund::new(activities.clone()))
        .bind(ticket_generate::TicketGenerate::new(activities))
        .build();
    HttpServer::new(endpoint).serve_with_cancel(listener, stop).await;
}
