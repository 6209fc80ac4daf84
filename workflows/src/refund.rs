//! Money goes back: sent once, waited for until the vendor says that it is there.
//!
//! | step          | waits for                          |
//! |---------------|------------------------------------|
//! | `send_refund` | the vendor, or a person's decision |
//! | `ask_refund`  | the vendor's last word             |

use crate::{
    saga::answered,
    step::{AtVendor, cancelled, decision_promise, step},
};
use activities::Activities;
use adapters::provider::RefundState;
use restate_sdk::prelude::*;
use schema::{ids::RefundId, states::RefundStatus};
use serde::{Deserialize, Serialize};

/// Resolved when the vendor has hinted at news.
const HINTED: &str = "hinted";

/// How a refund ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundEnd {
    Refunded,
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
            return Err(TerminalError::new_with_code(400, "the key is not a refund's id"));
        };
        let (ctx, activities) = (&ctx, &self.activities);
        let vendor = AtVendor { ctx, activities, workflow: "Refund", unless: None };
        let send = move || activities.send_refund(refund);
        match answered(vendor.finish("send_refund", send).await?) {
            Some(RefundState::Refunded { .. }) => Ok(Json(RefundEnd::Refunded)),
            Some(RefundState::Pending { .. }) => wait_for(ctx, activities, refund).await.map(Json),
            Some(RefundState::Rejected { .. }) | None => Ok(Json(RefundEnd::GivenUp)),
        }
    }

    /// The vendor has news of this refund.
    #[handler]
    async fn nudge(&self, ctx: SharedWorkflowContext<'_>) -> Result<(), TerminalError> {
        ctx.resolve_promise(HINTED, "hinted".to_owned());
        Ok(())
    }

    /// A person has decided about a step of this refund that was refused.
    #[handler]
    async fn decided(
        &self,
        ctx: SharedWorkflowContext<'_>,
        Json(decided): Json<crate::booking::Decided>,
    ) -> Result<(), TerminalError> {
        let promise = decision_promise(&decided.step, decided.occurrence);
        ctx.resolve_promise(&promise, "decided".to_owned());
        Ok(())
    }
}

impl Refund {
    pub fn new(activities: Activities) -> Self {
        Self { activities }
    }
}

/// Asks on a widening schedule; the first hint makes it ask sooner.
async fn wait_for<'a>(
    ctx: &'a WorkflowContext<'a>,
    activities: &'a Activities,
    refund: RefundId,
) -> Result<RefundEnd, TerminalError> {
    let timings = step(ctx, "refund_timings", move || activities.refund_timings(refund)).await?;
    let timings = timings.unwrap_or_default();
    let mut hinted = false;
    for times in 0_u32.. {
        let wait = timings.ask_after(times);
        if hinted {
            ctx.sleep(wait).await?;
        } else {
            restate_sdk::select! {
                hint = ctx.promise::<String>(HINTED) => { hint?; hinted = true; },
                waited = ctx.sleep(wait) => { waited?; },
                on_cancel => { return Err(cancelled()); }
            }
        }
        let ask = move || activities.ask_refund(refund);
        if step(ctx, "ask_refund", ask).await? == RefundStatus::Refunded {
            break;
        }
    }
    Ok(RefundEnd::Refunded)
}
