//! Money goes back: sent once, waited for until the vendor says that it is there.
//!
//! | step          | waits for                                                         |
//! |---------------|-------------------------------------------------------------------|
//! | `send_refund` | the vendor, or a person's decision                                |
//! | `ask_refund`  | the vendor's last word, or that the counter's customer stays away |

use crate::step::{AtVendor, Decided, Patience, answered, shared_step, until_done};
use activities::{Activities, refunds::ASK_REFUND};
use adapters::provider::RefundState;
use restate_sdk::prelude::*;
use schema::{ids::RefundId, states::RefundStatus};
use serde::{Deserialize, Serialize};

/// How a refund ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundEnd {
    Refunded,
    /// Nobody has claimed it for long. Whoever decides its case, or says that it is back, still ends it.
    LeftAtTheCounter,
    /// A person has decided otherwise.
    GivenUp,
}

pub struct Refund {
    activities: Activities,
}

#[restate_sdk::workflow(workflow_completion_retention = "7 days", journal_retention = "1 hour")]
impl Refund {
    /// Sends the refund that is owed. The key is its bare id; all else is in its row.
    #[handler]
    async fn run(&self, ctx: WorkflowContext<'_>) -> Result<Json<RefundEnd>, TerminalError> {
        let Ok(refund) = RefundId::from_bare(ctx.key()) else {
            return Err(not_a_refund());
        };
        let (ctx, activities) = (&ctx, &self.activities);
        let vendor = AtVendor { ctx, activities, patience: Patience::Endless };
        // Money that is owed is not called off: a cancel changes nothing.
        let send = move || activities.send_refund(refund);
        let answer = until_done(|| vendor.finish("send_refund", send)).await?;
        match answered(answer) {
            Some(RefundState::Pending { .. }) => {}
            Some(RefundState::Refunded { .. } | RefundState::Rejected { .. }) => {
                return Ok(Json(RefundEnd::Refunded));
            }
            None => return Ok(Json(RefundEnd::GivenUp)),
        }
        let ask = move || activities.ask_refund(refund);
        let asked = until_done(|| vendor.finish(ASK_REFUND, ask)).await?;
        Ok(Json(match answered(asked) {
            Some(RefundStatus::Refunded) => RefundEnd::Refunded,
            Some(RefundStatus::Requested | RefundStatus::Sent) => RefundEnd::LeftAtTheCounter,
            None => RefundEnd::GivenUp,
        }))
    }

    /// Somebody says that it is done: ask now.
    #[handler]
    async fn ask(&self, ctx: SharedWorkflowContext<'_>) -> Result<(), TerminalError> {
        let Ok(refund) = RefundId::from_bare(ctx.key()) else { return Err(not_a_refund()) };
        let activities = &self.activities;
        let ask = move || activities.ask_refund(refund);
        shared_step(&ctx, ASK_REFUND, ask).await?;
        Ok(())
    }

    /// A person has decided about a step of this refund that was refused; or that the money is back, which the row is to
    /// say now, however rarely anybody asks by then, and if nobody does any more.
    #[handler]
    async fn decided(
        &self,
        ctx: SharedWorkflowContext<'_>,
        Json(decided): Json<Decided>,
    ) -> Result<(), TerminalError> {
        ctx.resolve_promise(&decided.promise(), "decided".to_owned());
        if decided.step == ASK_REFUND {
            let Ok(refund) = RefundId::from_bare(ctx.key()) else { return Err(not_a_refund()) };
            let activities = &self.activities;
            let ask = move || activities.ask_refund(refund);
            shared_step(&ctx, ASK_REFUND, ask).await?;
        }
        Ok(())
    }
}

fn not_a_refund() -> TerminalError {
    TerminalError::new_with_code(400, "the key is not a refund's id")
}

impl Refund {
    pub fn new(activities: Activities) -> Self {
        Self { activities }
    }
}
