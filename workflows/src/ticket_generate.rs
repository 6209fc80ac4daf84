//! Issue the ticket of a confirmed booking.
//!
//! | step           | waits for |
//! |----------------|-----------|
//! | `issue_ticket` |           |
//!
//! The booking is confirmed without it: Vista's booking id alone opens the door.

use crate::step::step;
use activities::Activities;
use restate_sdk::prelude::*;
use schema::ids::BookingId;

pub struct TicketGenerate {
    activities: Activities,
}

#[restate_sdk::workflow(workflow_completion_retention = "7 days", journal_retention = "1 hour")]
impl TicketGenerate {
    /// Issues the ticket. The key is the booking's bare id. False: the booking has none to issue.
    #[handler]
    async fn run(&self, ctx: WorkflowContext<'_>) -> Result<bool, TerminalError> {
        let Ok(booking) = BookingId::from_bare(ctx.key()) else {
            return Err(TerminalError::new_with_code(400, "the key is not a booking's id"));
        };
        let activities = &self.activities;
        step(&ctx, "issue_ticket", move || activities.issue_ticket(booking)).await
    }
}

impl TicketGenerate {
    pub fn new(activities: Activities) -> Self {
        Self { activities }
    }
}
