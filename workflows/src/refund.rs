//! Money goes back: sent once, waited for until the vendor says that it is there.
//!
//! | step          | waits for                          |
//! |---------------|------------------------------------|
//! | `send_refund` | the vendor, or a person's decision |
//! | `ask_refund`  | the vendor's last word             |

use crate::step::{AtVendor, Decided, Patience, answered, shared_step, until_done};
use activities::{Activities, step::End};
use adapters::provider::RefundState;
use restate_sdk::prelude::*;
use schema::ids::RefundId;
use serde::{Deserialize, Serialize};

/// How a refund ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundEnd {
    Refunded,
    /// A person has decided otherwise.
    GivenUp,
}

impl RefundEnd {
    fn of<T>(answer: Option<T>) -> Self {
        answer.map_or(Self::GivenUp, |_| Self::Refunded)
    }
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
        let pending = matches!(answer, End::Answer(RefundState::Pending { .. }));
        if !pending {
            return Ok(Json(RefundEnd::of(answered(answer))));
        }
        let ask = move || activities.ask_refund(refund);
        let asked = until_done(|| vendor.finish("ask_refund", ask)).await?;
        Ok(Json(RefundEnd::of(answered(asked))))
    }

    /// Somebody says that it is done: ask now.
    #[handler]
    async fn ask(&self, ctx: SharedWorkflowContext<'_>) -> Result<(), TerminalError> {
        let Ok(refund) = RefundId::from_bare(ctx.key()) else { return Err(not_a_refund()) };
        let activities = &self.activities;
        let ask = move || activities.ask_refund(refund);
        shared_step(&ctx, "ask_refund", ask).await?;
        Ok(())
    }

    /// A person has decided about a step of this refund that was refused.
    #[handler]
    async fn decided(
        &self,
        ctx: SharedWorkflowContext<'_>,
        Json(decided): Json<Decided>,
    ) -> Result<(), TerminalError> {
        ctx.resolve_promise(&decided.promise(), "decided".to_owned());
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
