//! A vendor has called: ask the vendor itself, and settle what it shows.
//!
//! | step               | waits for                                                              |
//! |--------------------|------------------------------------------------------------------------|
//! | `record_delivery`  |                                                                        |
//! | `ask_vendor`       | again over the vendor's lag, while the hint claims more than it shows  |
//! | `ask_refund`       | again over its lag, while nothing shows of what is given back by hand  |
//! | `open_webhook_case` | only if it never showed, or for a chargeback                          |
//! | `finish_delivery`  |                                                                        |
//!
//! The key is `{vendor}:{event}`: a delivery that comes a hundred times is one workflow.

use crate::{announce::announce, step::step};
use activities::{
    Activities,
    payments::Asked,
    step::{End, Progress},
    webhooks::Subject,
};
use adapters::provider::{Claim, Hint};
use restate_sdk::prelude::*;
use schema::{
    ids::{BookingId, PaymentId, RefundId},
    provider::Provider,
    states::{DeliveryVerdict, RefundStatus},
    timings::Timings,
};
use serde::{Deserialize, Serialize};

/// A webhook, verified: what it hints at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub provider: Provider,
    pub hint: Hint,
}

impl Delivery {
    /// The workflow's key: the same for every delivery of one event.
    pub fn key(&self) -> String {
        format!("{}:{}", self.provider, self.hint.event)
    }
}

pub struct WebhookConfirm {
    activities: Activities,
}

#[restate_sdk::workflow(workflow_completion_retention = "7 days", journal_retention = "1 hour")]
impl WebhookConfirm {
    /// Applies one event of a vendor, once.
    #[handler]
    async fn run(
        &self,
        ctx: WorkflowContext<'_>,
        Json(delivery): Json<Delivery>,
    ) -> Result<Json<DeliveryVerdict>, TerminalError> {
        let story = Story { ctx: &ctx, activities: &self.activities, delivery: &delivery };
        story.apply().await.map(Json)
    }
}

impl WebhookConfirm {
    pub fn new(activities: Activities) -> Self {
        Self { activities }
    }
}

#[derive(Clone, Copy)]
struct Story<'a> {
    ctx: &'a WorkflowContext<'a>,
    activities: &'a Activities,
    delivery: &'a Delivery,
}

impl Story<'_> {
    async fn apply(self) -> Result<DeliveryVerdict, TerminalError> {
        let Self { ctx, activities, delivery: Delivery { provider, hint } } = self;
        let record = move || activities.record_delivery(*provider, hint);
        let (booking, verdict) = match step(ctx, "record_delivery", record).await? {
            Subject::Seen { verdict } => return Ok(verdict),
            Subject::Orphan => (None, DeliveryVerdict::Orphan),
            Subject::Nothing => (None, DeliveryVerdict::Ignored),
            Subject::Chargeback { booking } => {
                self.ask_a_person(booking, "chargeback").await?;
                (booking, DeliveryVerdict::Applied)
            }
            Subject::Refund { refund, booking, timings } => {
                (Some(booking), self.ask_about(refund, &timings).await?)
            }
            Subject::Payment { payment, booking, timings } => {
                (Some(booking), self.confirm(payment, booking, &timings).await?)
            }
        };
        let finish = move || activities.finish_delivery(*provider, &hint.event, booking, verdict);
        step(ctx, "finish_delivery", finish).await?;
        Ok(verdict)
    }

    /// Its own workflow looks at the row; whoever asks first writes it. What is given back by hand may be told before it is
    /// shown, and perhaps nobody else asks for an hour, or ever: there it is asked again, at most over the vendor's lag.
    async fn ask_about(
        self,
        refund: RefundId,
        timings: &Timings,
    ) -> Result<DeliveryVerdict, TerminalError> {
        let Self { ctx, activities, delivery: Delivery { provider, .. } } = self;
        let mut waited_ms = 0;
        for times in 0_u32.. {
            let ask = move || activities.ask_refund(refund);
            let asked = step(ctx, "ask_refund", ask).await?;
            let is_back = asked == Progress::Done(End::Answer(RefundStatus::Refunded));
            if is_back || !provider.gives_back_by_hand() {
                return Ok(DeliveryVerdict::Applied);
            }
            if waited_ms > timings.refund.lag_ms {
                break;
            }
            let wait = timings.retry_after(times);
            waited_ms += u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            ctx.sleep(wait).await?;
        }
        Ok(DeliveryVerdict::NothingNew)
    }

    /// Asks until the vendor shows what the hint claims, at most over its lag.
    async fn confirm(
        self,
        payment: PaymentId,
        booking: BookingId,
        timings: &Timings,
    ) -> Result<DeliveryVerdict, TerminalError> {
        let Self { ctx, activities, delivery: Delivery { provider, hint } } = self;
        let (transaction, claims_money) = match &hint.claim {
            Claim::Payment { transaction, final_success, .. } => (transaction, *final_success),
            Claim::Refund { transaction, .. } | Claim::Chargeback { transaction, .. } => {
                (transaction, false)
            }
            Claim::Other { .. } => (&None, false),
        };
        let goes_back = !claims_money && provider.gives_back_by_hand();
        let mut waited_ms = 0;
        for times in 0_u32.. {
            let ask = move || activities.ask_vendor(payment, transaction.clone());
            let asked: Asked = step(ctx, "ask_vendor", ask).await?;
            announce(ctx, payment, &asked);
            // The money it speaks of, not some other that was taken under the same reference.
            let shown = match transaction {
                Some(claimed) => asked.captures.contains(claimed),
                None => !asked.captures.is_empty(),
            };
            // What has gone back by hand may be told before it is shown.
            let stays = goes_back && asked.still_shows(transaction.as_ref());
            if shown && !stays {
                return Ok(DeliveryVerdict::Applied);
            }
            let wait = match asked.unanswered {
                Some(unanswered) if !asked.ended => unanswered.wait(timings, times),
                // Nobody waits for its answer any more: a person has settled what became of the payment.
                Some(_) if claims_money => break,
                Some(_) => return Ok(DeliveryVerdict::NothingNew),
                None if !claims_money && (!stays || waited_ms > timings.payment.lag_ms) => {
                    return Ok(DeliveryVerdict::NothingNew);
                }
                None if waited_ms > timings.payment.lag_ms => break,
                None => timings.retry_after(times),
            };
            if asked.unanswered.is_none() {
                waited_ms += u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            }
            ctx.sleep(wait).await?;
        }
        self.ask_a_person(Some(booking), "webhook_claims_more_than_the_vendor_shows").await?;
        Ok(DeliveryVerdict::Contradicted)
    }

    async fn ask_a_person(
        self,
        booking: Option<BookingId>,
        cause: &'static str,
    ) -> Result<(), TerminalError> {
        let Self { ctx, activities, delivery: Delivery { provider, hint } } = self;
        let open = move || activities.open_webhook_case(*provider, &hint.event, booking, cause);
        step(ctx, "open_webhook_case", open).await
    }
}
