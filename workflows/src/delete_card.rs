//! Delete a saved card: here first, so that nobody pays with it any more; then at its vendor, until it is done.
//!
//! | step          | waits for                 |
//! |---------------|---------------------------|
//! | `delete_card` |                           |
//! | `forget_card` | the vendor, without limit |

use crate::step::{step, until_done};
use activities::{Activities, saved_cards::CardProgress};
use restate_sdk::prelude::*;
use schema::ids::CardId;
use std::time::Duration;

pub struct DeleteCard {
    activities: Activities,
}

#[restate_sdk::workflow(workflow_completion_retention = "1 day", journal_retention = "1 hour")]
impl DeleteCard {
    /// Deletes the card. The key is its bare id; all else is in its row.
    #[handler]
    async fn run(&self, ctx: WorkflowContext<'_>) -> Result<(), TerminalError> {
        let Ok(card) = CardId::from_bare(ctx.key()) else {
            return Err(TerminalError::new_with_code(400, "the key is not a card's id"));
        };
        let (ctx, activities) = (&ctx, &self.activities);
        let delete = move || activities.delete_card(card);
        // What its owner wanted gone goes: a cancel changes nothing.
        until_done(|| step(ctx, "delete_card", delete)).await?;
        until_done(|| forget(ctx, activities, card)).await
    }
}

async fn forget<'a>(
    ctx: &'a WorkflowContext<'a>,
    activities: &'a Activities,
    card: CardId,
) -> Result<(), TerminalError> {
    loop {
        let forget = move || activities.forget_card(card);
        match step(ctx, "forget_card", forget).await? {
            CardProgress::NotYet { wait_ms } => {
                ctx.sleep(Duration::from_millis(wait_ms)).await?;
            }
            CardProgress::Over | CardProgress::Form => return Ok(()),
        }
    }
}

impl DeleteCard {
    pub fn new(activities: Activities) -> Self {
        Self { activities }
    }
}
