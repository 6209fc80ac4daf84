//! Everything that can happen: the list of workflows, and how they are served to the engine.

mod announce;
pub mod booking;
pub mod delete_card;
pub mod payment;
pub mod refund;
mod saga;
pub mod save_card;
mod step;
pub mod ticket_generate;
mod trace;
pub mod webhook_confirm;

use activities::Activities;
pub use restate_sdk::prelude::Endpoint;
use restate_sdk::prelude::HttpServer;
use std::future::Future;
pub use step::Decided;
use tokio::net::TcpListener;

/// Without a key that can be checked, anybody could call the workflows.
#[derive(Debug)]
pub struct NoIdentity(String);

impl std::fmt::Display for NoIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the engine's identity cannot be checked: {}", self.0)
    }
}

impl std::error::Error for NoIdentity {}

/// Every workflow. It answers only calls that were signed with one of these keys (`publickeyv1_…`; a second one while
/// they are rotated), and every other, even for its health, with 401.
pub fn endpoint(activities: Activities, engine_keys: &[String]) -> Result<Endpoint, NoIdentity> {
    if engine_keys.is_empty() {
        return Err(NoIdentity("there is no key".to_owned()));
    }
    let mut endpoint = Endpoint::builder()
        .bind(booking::Booking::new(activities.clone()))
        .bind(payment::Payment::new(activities.clone()))
        .bind(webhook_confirm::WebhookConfirm::new(activities.clone()))
        .bind(refund::Refund::new(activities.clone()))
        .bind(ticket_generate::TicketGenerate::new(activities.clone()))
        .bind(save_card::SaveCard::new(activities.clone()))
        .bind(delete_card::DeleteCard::new(activities));
    for key in engine_keys {
        endpoint = endpoint.identity_key(key).map_err(|error| NoIdentity(error.to_string()))?;
    }
    Ok(endpoint.build())
}

/// Serves the workflows to the engine on this listener, until `stop`.
pub async fn serve(
    endpoint: Endpoint,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    HttpServer::new(endpoint).serve_with_cancel(listener, stop).await;
}
