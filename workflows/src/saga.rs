//! Taking it back: every undo, on one page.

use crate::{
    refund::{RefundClient, RefundEnd},
    step::{AtVendor, Patience, is_cancelled, step, until_done},
    trace::WithTrace,
};
use activities::Activities;
use restate_sdk::prelude::*;
use sabotage::Rule;
use schema::{
    bookings::BookingRequest,
    ids::RefundId,
    states::BookingStatus,
    unwinding::{Cause, Unwinding},
};
use std::time::Duration;

/// Every way we know to take something back. Each names the effect to reach, so it is right at any point.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Undo {
    /// No seats are held at Vista.
    CancelOrder,
    /// Vista has no booking for the order.
    ReleaseBooking,
}

/// The undos owed so far, oldest first.
#[derive(Debug)]
pub(crate) struct Saga(Vec<Undo>);

impl Saga {
    pub(crate) fn owing(undos: &[Undo]) -> Self {
        Self(undos.to_vec())
    }

    /// Call this before the step it undoes: a step that timed out may still have happened.
    pub(crate) fn owe(&mut self, undo: Undo) {
        self.0.push(undo);
    }

    /// Takes everything back, newest first: Vista's release, read back, then the money, as the row says. Money that a
    /// terminal gives back for a minute only does not wait for Vista, nor do the seats wait for it; there is no ticket
    /// either way. None: the booking is confirmed, and nothing is taken back.
    pub(crate) async fn unwind(
        self,
        ctx: &WorkflowContext<'_>,
        activities: &Activities,
        request: &BookingRequest,
        cause: Cause,
    ) -> Result<Option<BookingStatus>, TerminalError> {
        let back = TakeBack { ctx, activities, request };
        let Unwinding::Owed { refund, by_hand } = until_done(|| back.begin(cause)).await? else {
            return Ok(None);
        };
        if let Some(refund) = refund.filter(|_| by_hand) {
            back.send_refund(refund);
        }
        let dropped =
            |undo: &Undo| matches!(undo, Undo::ReleaseBooking) && Rule::ReleaseBooking.is_out();
        for undo in self.0.into_iter().rev().filter(|undo| !dropped(undo)) {
            until_done(|| back.undo(undo)).await?;
        }
        if let Some(refund) = refund.filter(|_| !by_hand) {
            until_done(|| back.refund(refund)).await?;
        }
        until_done(|| back.end()).await.map(Some)
    }
}

/// Before we look again at a refund that was ended by force.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

#[derive(Clone, Copy)]
struct TakeBack<'a> {
    ctx: &'a WorkflowContext<'a>,
    activities: &'a Activities,
    request: &'a BookingRequest,
}

impl TakeBack<'_> {
    async fn begin(self, cause: Cause) -> Result<Unwinding, TerminalError> {
        let Self { ctx, activities, request } = self;
        step(ctx, "begin_unwind", move || activities.begin_unwind(request.booking_id, cause)).await
    }

    async fn undo(self, undo: Undo) -> Result<(), TerminalError> {
        let Self { ctx, activities, request } = self;
        let vendor = AtVendor { ctx, activities, patience: Patience::Endless };
        match undo {
            Undo::CancelOrder => {
                vendor.finish("cancel_order", move || activities.cancel_order(request)).await?;
            }
            Undo::ReleaseBooking => {
                let release = move || activities.release_booking(request);
                vendor.finish("release_booking", release).await?;
            }
        }
        Ok(())
    }

    /// Starts the refund, and does not wait for it.
    fn send_refund(self, refund: RefundId) {
        let client = self.ctx.workflow_client::<RefundClient>(refund.bare());
        client.run().traced(self.ctx).send();
    }

    async fn refund(self, refund: RefundId) -> Result<(), TerminalError> {
        loop {
            let client = self.ctx.workflow_client::<RefundClient>(refund.bare());
            let sent = client.run().traced(self.ctx).send().await?;
            match sent.attach::<Json<RefundEnd>>().await {
                Ok(_) => return Ok(()),
                Err(error) if is_cancelled(&error) => return Err(error),
                // Somebody has ended the refund's workflow by force: its row still owes the money.
                Err(_) => self.ctx.sleep(LOOK_AGAIN).await?,
            }
        }
    }

    async fn end(self) -> Result<BookingStatus, TerminalError> {
        let Self { ctx, activities, request } = self;
        step(ctx, "finish_unwind", move || activities.finish_unwind(request.booking_id)).await
    }
}
