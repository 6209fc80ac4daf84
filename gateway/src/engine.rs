//! The engine's front door: typed starts of workflows, with time-outs. It repeats nothing by itself: every start has
//! a key, so the caller may.

use crate::{ingress::Nodes, telemetry::Traced};
use restate_sdk::ingress::{Client, ClientError, SendStatus};
use restate_sdk::prelude::Json;
use schema::{
    bookings::BookingRequest,
    ids::{BookingId, CardId, PaymentId, RefundId},
    payments::PaymentRequest,
    saved_cards::CardRequest,
    sealed::Sealed,
    unwinding::Cancel,
};
use workflows::{
    Decided,
    booking::BookingIngressClient,
    delete_card::DeleteCardIngressClient,
    payment::PaymentIngressClient,
    refund::RefundIngressClient,
    save_card::SaveCardIngressClient,
    ticket_generate::TicketGenerateIngressClient,
    webhook_confirm::{Delivery, WebhookConfirmIngressClient},
};

/// The engine did not take it: it is away, or not ready. Nothing has been started, or it has and a repeat finds it.
#[derive(Debug, thiserror::Error)]
#[error("the engine does not answer: {0}")]
pub struct Away(String);

impl From<ClientError> for Away {
    fn from(error: ClientError) -> Self {
        let status = error.response().map(|response| response.status().as_u16());
        Self(format!("{error} (status {status:?})"))
    }
}

/// What became of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Now,
    /// It was sent before, and the engine still knows that: nothing begins again.
    Before,
}

/// Starts workflows. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Client<Traced<Nodes>>);

impl Engine {
    /// `urls` of the engine's ingress: one, or those of all its nodes with commas between them.
    pub fn new(urls: &str) -> Result<Self, Away> {
        let nodes = Nodes::new(urls).map_err(Away)?;
        let client = Client::new(nodes.first(), Traced(nodes));
        Ok(Self(client.map_err(|error| Away(error.to_string()))?))
    }

    /// Starts the booking, or finds it started.
    pub async fn book(&self, request: BookingRequest) -> Result<(), Away> {
        let key = request.booking_id.bare();
        BookingIngressClient::from_client(self.0.clone(), key).run(Json(request)).send().await?;
        Ok(())
    }

    /// The customer's cancel. Repeated, it asks the row again, so that a later answer is a true one.
    pub async fn cancel(&self, booking: BookingId, by: &str) -> Result<Cancel, Away> {
        let client = BookingIngressClient::from_client(self.0.clone(), booking.bare());
        let call = client.cancel(Json(by.to_owned())).call().await?;
        Ok(call.into_body()?.into_inner())
    }

    /// Starts the payment, or finds it started.
    pub async fn pay(&self, request: PaymentRequest) -> Result<(), Away> {
        let key = request.payment_id.bare();
        PaymentIngressClient::from_client(self.0.clone(), key).run(Json(request)).send().await?;
        Ok(())
    }

    /// Hands over what the customer has given for the vendor's session. The first is heard, a second one is not.
    pub async fn give(&self, payment: PaymentId, given: Sealed) -> Result<(), Away> {
        let client = PaymentIngressClient::from_client(self.0.clone(), payment.bare());
        client.give(Json(given)).send().await?;
        Ok(())
    }

    /// Asks the vendor about a payment now. `once`: repeats under the same name ask once.
    pub async fn ask(&self, payment: PaymentId, once: String) -> Result<(), Away> {
        let client = PaymentIngressClient::from_client(self.0.clone(), payment.bare());
        client.ask().idempotency_key(once).send().await?;
        Ok(())
    }

    /// Hands over a vendor's webhook, or finds it handed over.
    pub async fn confirm(&self, delivery: Delivery) -> Result<Sent, Away> {
        let key = delivery.key();
        let client = WebhookConfirmIngressClient::from_client(self.0.clone(), key);
        Ok(match client.run(Json(delivery)).send().await?.send_status() {
            SendStatus::Accepted => Sent::Now,
            SendStatus::PreviouslyAccepted => Sent::Before,
        })
    }

    /// Starts the refund that is owed, or finds it started.
    pub async fn refund(&self, refund: RefundId) -> Result<(), Away> {
        RefundIngressClient::from_client(self.0.clone(), refund.bare()).run().send().await?;
        Ok(())
    }

    /// Asks the vendor about a refund now. `once`: repeats under the same name ask once.
    pub async fn ask_refund(&self, refund: RefundId, once: String) -> Result<(), Away> {
        let client = RefundIngressClient::from_client(self.0.clone(), refund.bare());
        client.ask().idempotency_key(once).send().await?;
        Ok(())
    }

    /// Issues the ticket, or finds it being issued.
    pub async fn ticket(&self, booking: BookingId) -> Result<(), Away> {
        let client = TicketGenerateIngressClient::from_client(self.0.clone(), booking.bare());
        client.run().send().await?;
        Ok(())
    }

    /// Starts saving the card, or finds it started.
    pub async fn save_card(&self, request: CardRequest) -> Result<(), Away> {
        let key = request.card_id.bare();
        SaveCardIngressClient::from_client(self.0.clone(), key).run(Json(request)).send().await?;
        Ok(())
    }

    /// Asks the vendor about its form now. `once`: repeats under the same name ask once.
    pub async fn ask_card(&self, card: CardId, once: String) -> Result<(), Away> {
        let client = SaveCardIngressClient::from_client(self.0.clone(), card.bare());
        client.ask().idempotency_key(once).send().await?;
        Ok(())
    }

    /// Hands over what the browser has brought back from the vendor's form. `once`: the same is heard once.
    pub async fn give_card(&self, card: CardId, given: Sealed, once: String) -> Result<(), Away> {
        let client = SaveCardIngressClient::from_client(self.0.clone(), card.bare());
        client.give(Json(given)).idempotency_key(once).send().await?;
        Ok(())
    }

    /// Starts deleting the card, or finds it started.
    pub async fn delete_card(&self, card: CardId) -> Result<(), Away> {
        DeleteCardIngressClient::from_client(self.0.clone(), card.bare()).run().send().await?;
        Ok(())
    }

    /// Wakes the workflow whose step waits for a person's decision. The row has the truth, so again is harmless.
    pub async fn decided(&self, workflow: &str, key: String, decided: Decided) -> Result<(), Away> {
        let (engine, decided) = (self.0.clone(), Json(decided));
        match workflow {
            "Booking" => {
                BookingIngressClient::from_client(engine, key).decided(decided).send().await?;
            }
            "Payment" => {
                PaymentIngressClient::from_client(engine, key).decided(decided).send().await?;
            }
            "Refund" => {
                RefundIngressClient::from_client(engine, key).decided(decided).send().await?;
            }
            "TicketGenerate" => {
                let client = TicketGenerateIngressClient::from_client(engine, key);
                client.decided(decided).send().await?;
            }
            // Nothing else waits for a person.
            _ => {}
        }
        Ok(())
    }
}
