//! Issue the ticket of a confirmed booking.
//!
//! | step           | waits for |
//! |----------------|-----------|
//! | `issue_ticket` | the cinema's names, the renderer and the store, without limit; a person, when it cannot be made |
//!
//! The booking is confirmed without it: Vista's booking id alone opens the door, and its code is there already.

use crate::step::{AtVendor, Decided, Patience, answered, until_done};
use activities::Activities;
use restate_sdk::prelude::*;
use schema::ids::BookingId;

pub struct TicketGenerate {
    activities: Activities,
}

#[restate_sdk::workflow(workflow_completion_retention = "7 days", journal_retention = "1 hour")]
impl TicketGenerate {
    /// Issues the ticket. The key is the booking's bare id. False: the booking has none, or a person has decided that it
    /// stays without.
    #[handler]
    async fn run(&self, ctx: WorkflowContext<'_>) -> Result<bool, TerminalError> {
        let Ok(booking) = BookingId::from_bare(ctx.key()) else {
            return Err(TerminalError::new_with_code(400, "the key is not a booking's id"));
        };
        let (ctx, activities) = (&ctx, &self.activities);
        let studio = AtVendor { ctx, activities, patience: Patience::Endless };
        let issue = move || activities.issue_ticket(booking);
        // What was paid for has its ticket: a cancel changes nothing.
        let issued = until_done(|| studio.finish("issue_ticket", issue)).await?;
        Ok(answered(issued).is_some())
    }

    /// A person has decided about a ticket that cannot be made.
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

impl TicketGenerate {
    pub fn new(activities: Activities) -> Self {
        Self { activities }
    }
}
