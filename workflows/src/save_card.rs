//! Save a card: open the vendor's form, and ask until the vendor keeps the card or the form is over.
//!
//! | step          | waits for                                                                    |
//! |---------------|------------------------------------------------------------------------------|
//! | `record_card` |                                                                              |
//! | `open_card`   | the vendor's form; or, where the customer gave a token, the vendor keeping it |
//! | `ask_card`    | the customer, who types the card into the form; asked on a widening schedule |
//! | `finish_card` | beside the flow: what the customer's browser has brought back from the form  |

use crate::step::{cancelled, shared_step, step, until_done};
use activities::{Activities, saved_cards::CardProgress};
use restate_sdk::prelude::*;
use schema::{ids::CardId, saved_cards::CardRequest, sealed::Sealed};
use std::time::Duration;

/// Resolved when somebody else has heard how it ended.
const ENDED: &str = "ended";

pub struct SaveCard {
    activities: Activities,
}

#[restate_sdk::workflow(workflow_completion_retention = "1 day", journal_retention = "1 hour")]
impl SaveCard {
    /// Takes one card to its end, which is in its row. The key is the card's bare id.
    #[handler]
    async fn run(
        &self,
        ctx: WorkflowContext<'_>,
        Json(request): Json<CardRequest>,
    ) -> Result<(), TerminalError> {
        let story = Story { ctx: &ctx, activities: &self.activities, request: &request };
        // A form that a customer can type into is watched to its end, even if somebody cancels this workflow.
        if until_done(|| story.open()).await? {
            until_done(|| story.ask_until_the_end()).await?;
        }
        Ok(())
    }

    /// The customer is back from the vendor's form: ask now.
    #[handler]
    async fn ask(&self, ctx: SharedWorkflowContext<'_>) -> Result<(), TerminalError> {
        let Ok(card) = CardId::from_bare(ctx.key()) else {
            return Err(TerminalError::new_with_code(400, "the key is not a card's id"));
        };
        let activities = &self.activities;
        let ask = move || activities.ask_card(card);
        if shared_step(&ctx, "ask_card", ask).await? == CardProgress::Over {
            ctx.resolve_promise(ENDED, "ended".to_owned());
        }
        Ok(())
    }

    /// The customer is back from the vendor's form, and the browser has brought this; sealed.
    #[handler]
    async fn give(
        &self,
        ctx: SharedWorkflowContext<'_>,
        Json(given): Json<Sealed>,
    ) -> Result<(), TerminalError> {
        let Ok(card) = CardId::from_bare(ctx.key()) else {
            return Err(TerminalError::new_with_code(400, "the key is not a card's id"));
        };
        let (activities, given) = (&self.activities, &given);
        loop {
            let finish = move || activities.finish_card(card, given);
            match shared_step(&ctx, "finish_card", finish).await? {
                CardProgress::Over => {
                    ctx.resolve_promise(ENDED, "ended".to_owned());
                    return Ok(());
                }
                CardProgress::Form => return Ok(()),
                CardProgress::NotYet { wait_ms } => {
                    ctx.sleep(Duration::from_millis(wait_ms)).await?;
                }
            }
        }
    }
}

impl SaveCard {
    pub fn new(activities: Activities) -> Self {
        Self { activities }
    }
}

#[derive(Clone, Copy)]
struct Story<'a> {
    ctx: &'a WorkflowContext<'a>,
    activities: &'a Activities,
    request: &'a CardRequest,
}

impl Story<'_> {
    /// False: it has ended already.
    async fn open(self) -> Result<bool, TerminalError> {
        let Self { ctx, activities, request } = self;
        let record = move || activities.record_card(request);
        if step(ctx, "record_card", record).await? == CardProgress::Over {
            return Ok(false);
        }
        loop {
            let open = move || activities.open_card(request);
            match step(ctx, "open_card", open).await? {
                CardProgress::Over => return Ok(false),
                CardProgress::Form => return Ok(true),
                CardProgress::NotYet { wait_ms } => {
                    ctx.sleep(Duration::from_millis(wait_ms)).await?;
                }
            }
        }
    }

    async fn ask_until_the_end(self) -> Result<(), TerminalError> {
        let Self { ctx, activities, request } = self;
        let mut wait = request.timings.ask_after(0);
        for times in 1_u32.. {
            let ended = restate_sdk::select! {
                ended = ctx.promise::<String>(ENDED) => { ended?; true },
                waited = ctx.sleep(wait) => { waited?; false },
                on_cancel => { return Err(cancelled()); }
            };
            if ended {
                break;
            }
            let ask = move || activities.ask_card(request.card_id);
            wait = match step(ctx, "ask_card", ask).await? {
                CardProgress::Over => break,
                CardProgress::Form => request.timings.ask_after(times),
                CardProgress::NotYet { wait_ms } => Duration::from_millis(wait_ms),
            };
        }
        Ok(())
    }
}
