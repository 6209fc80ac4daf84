//! Webhooks: hints, kept with what they came to.

use crate::{Activities, Error, watched};
use adapters::provider::{Claim, Hint};
use schema::{
    cases::{self, Decision, NewCase},
    ids::{BookingId, PaymentId, RefundId},
    money::Money,
    payments,
    provider::Provider,
    refunds, settling,
    states::DeliveryVerdict,
    timings::Timings,
    webhooks,
};
use serde::{Deserialize, Serialize};

/// What a hint is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Subject {
    /// An earlier delivery of the same event has come to this.
    Seen {
        verdict: DeliveryVerdict,
    },
    Payment {
        payment: PaymentId,
        booking: BookingId,
        timings: Box<Timings>,
    },
    Refund {
        refund: RefundId,
        booking: BookingId,
        #[serde(default)]
        timings: Box<Timings>,
    },
    /// The cardholder's bank has taken the money back: a person decides.
    Chargeback {
        booking: Option<BookingId>,
    },
    /// Names nothing of ours.
    Orphan,
    /// Asks nothing of us.
    Nothing,
}

impl Activities {
    /// Keeps the delivery and finds what it is about. Safe to repeat.
    pub async fn record_delivery(&self, provider: Provider, hint: &Hint) -> Result<Subject, Error> {
        let claim = serde_json::to_value(&hint.claim)?;
        if let Some(verdict) = webhooks::record(&self.db, provider, &hint.event, &claim).await? {
            return Ok(Subject::Seen { verdict });
        }
        match &hint.claim {
            Claim::Payment { reference, .. } => {
                let named = self.payment_named(provider, reference).await?;
                // To a terminal's vendor what goes back under a refund's reference is a transaction like any other.
                if matches!(named, Subject::Orphan) && provider.gives_back_by_hand() {
                    return self.refund_named(provider, reference).await;
                }
                Ok(named)
            }
            Claim::Refund { reference, .. } => self.refund_named(provider, reference).await,
            Claim::Chargeback { reference, transaction } => {
                let named = (reference.as_deref(), transaction.as_deref());
                Ok(Subject::Chargeback { booking: self.taken_back(provider, named).await? })
            }
            Claim::Other { .. } => Ok(Subject::Nothing),
        }
    }

    /// Whose money the cardholder's bank has taken back. Not every vendor says so by our reference; then it is known by the
    /// transaction that took it.
    async fn taken_back(
        &self,
        provider: Provider,
        (reference, transaction): (Option<&str>, Option<&str>),
    ) -> Result<Option<BookingId>, Error> {
        let named = self.payment_named(provider, reference.unwrap_or_default()).await?;
        if let Subject::Payment { booking, .. } = named {
            return Ok(Some(booking));
        }
        let Some(transaction) = transaction else { return Ok(None) };
        Ok(settling::booking_of(&self.db, provider, transaction).await?)
    }

    async fn payment_named(&self, provider: Provider, reference: &str) -> Result<Subject, Error> {
        let Ok(payment) = PaymentId::from_bare(reference) else { return Ok(Subject::Orphan) };
        let found = payments::find(&self.db, payment).await?;
        Ok(match found.filter(|found| found.provider == provider) {
            None => Subject::Orphan,
            Some(found) => Subject::Payment {
                payment,
                booking: found.booking_id,
                timings: Box::new(found.request.timings),
            },
        })
    }

    async fn refund_named(&self, provider: Provider, reference: &str) -> Result<Subject, Error> {
        let Ok(refund) = RefundId::from_bare(reference) else { return Ok(Subject::Orphan) };
        let found = refunds::find(&self.db, refund).await?;
        Ok(match found.filter(|found| found.provider == provider) {
            None => Subject::Orphan,
            Some(found) => Subject::Refund {
                refund,
                booking: found.booking_id,
                timings: Box::new(found.timings),
            },
        })
    }

    /// Writes down what the delivery came to. The first verdict stays.
    pub async fn finish_delivery(
        &self,
        provider: Provider,
        event: &str,
        booking: Option<BookingId>,
        verdict: DeliveryVerdict,
    ) -> Result<(), Error> {
        if let Some(booking) = booking {
            watched::about(booking);
        }
        webhooks::finish(&self.db, provider, event, booking, verdict).await?;
        watched::delivered(provider, verdict);
        Ok(())
    }

    /// What a webhook says needs a person: it claims money that the vendor does not show, or a chargeback.
    pub async fn open_webhook_case(
        &self,
        provider: Provider,
        event: &str,
        booking: Option<BookingId>,
        cause: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let asked = NewCase {
            workflow: "WebhookConfirm",
            workflow_key: format!("{provider}:{event}"),
            step: "open_webhook_case",
            booking,
            cause,
            detail: "the delivery is in webhook_deliveries; ask the vendor by the reference it names",
            at_risk: Money::sar(0),
            decisions: &[Decision::Settled],
        };
        cases::open_once(&mut tx, &asked).await?;
        Ok(tx.commit().await.map_err(schema::Error::from)?)
    }
}
