//! Book seats: hold them, wait for the money, tell Vista, issue the ticket. Or leave nothing behind.
//!
//! | step             | undone by          | waits for                               |
//! |------------------|--------------------|-----------------------------------------|
//! | `record_booking` |                    |                                         |
//! | `create_order`   | `cancel_order`     |                                         |
//! | `hold_seats`     | `cancel_order`     |                                         |
//! | `watch_booking`  |                    | a payment that won · a cancel · expiry  |
//! | `confirm_order`  | `release_booking`  | Vista; where a terminal took the money, 40 s |
//! | `TicketGenerate` |                    |                                         |
//! | `capture_payment`|                    | the vendor, if money is only reserved   |
//! | `ask_capture`    |                    | the vendor's last word about that       |
//!
//! Whoever asks the vendor settles what was taken or reserved with the booking's row (`schema::settling`), and the row
//! says what is owed back. Unwinding: Vista's release, read back, then the refund, which lets go of what was reserved;
//! what only a terminal can give back goes first (`saga`).

use crate::{
    saga::{Saga, Undo},
    step::{
        AtVendor, Decided, Patience, answered, cancelled, is_cancelled, shared_step, step,
        until_done,
    },
    ticket_generate::TicketGenerateClient,
    trace::WithTrace,
};
use activities::{
    Activities,
    bookings::{Created, Held},
};
use adapters::{
    provider::CaptureState,
    vista::{ConfirmAnswer, OrderRef},
};
use restate_sdk::prelude::*;
use sabotage::Rule;
use schema::{
    bookings::BookingRequest,
    ids::BookingId,
    states::BookingStatus,
    unwinding::{Cancel, Cause, Watch},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Resolved when the booking has left PENDING: a payment has won it, or it was cancelled.
const LEFT_PENDING: &str = "left_pending";

/// How a booking ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingEnd {
    pub status: BookingStatus,
}

pub struct Booking {
    activities: Activities,
}

#[restate_sdk::workflow(workflow_completion_retention = "7 days", journal_retention = "1 hour")]
impl Booking {
    /// Books the seats, or leaves nothing behind. The key is the booking's bare id.
    #[handler]
    async fn run(
        &self,
        ctx: WorkflowContext<'_>,
        Json(request): Json<BookingRequest>,
    ) -> Result<Json<BookingEnd>, TerminalError> {
        // Until the row has spoken, an older life may have done anything: a cancel at the first await takes it all back.
        let mut saga = Saga::owing(&[Undo::CancelOrder, Undo::ReleaseBooking]);
        let story = Story { ctx: &ctx, activities: &self.activities, request: &request };
        let ending = match story.book(&mut saga).await {
            Ok(ending) => ending,
            Err(error) if is_cancelled(&error) => Err(Cause::CancelledByStaff),
            Err(error) => return Err(error),
        };
        let Ended { status, reserved } = match ending {
            Ok(ended) => ended,
            Err(cause) => {
                let end = saga.unwind(&ctx, &self.activities, &request, cause).await?;
                Ended::perhaps_reserved(end.unwrap_or(BookingStatus::Confirmed))
            }
        };
        if status == BookingStatus::Confirmed {
            ctx.workflow_client::<TicketGenerateClient>(ctx.key()).run().traced(&ctx).send();
        }
        if reserved && matches!(status, BookingStatus::Confirmed | BookingStatus::Completed) {
            story.take_what_is_reserved().await?;
        }
        Ok(Json(BookingEnd { status }))
    }

    /// The customer's cancel: claims the row, and wakes the booking if it was won.
    #[handler]
    async fn cancel(
        &self,
        ctx: SharedWorkflowContext<'_>,
        Json(by): Json<String>,
    ) -> Result<Json<Cancel>, TerminalError> {
        let Ok(booking) = BookingId::from_bare(ctx.key()) else { return Err(not_a_booking()) };
        let activities = &self.activities;
        let claim = move || async move { activities.cancel_booking(booking, &by).await };
        let cancel = shared_step(&ctx, "cancel_booking", claim).await?;
        if cancel == Cancel::Cancelled {
            ctx.resolve_promise(LEFT_PENDING, "cancelled".to_owned());
        }
        Ok(Json(cancel))
    }

    /// Something has happened to the row: look at it now.
    #[handler]
    async fn nudge(&self, ctx: SharedWorkflowContext<'_>) -> Result<(), TerminalError> {
        ctx.resolve_promise(LEFT_PENDING, "nudged".to_owned());
        Ok(())
    }

    /// A person has decided about a step of this booking that was refused.
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

impl Booking {
    pub fn new(activities: Activities) -> Self {
        Self { activities }
    }
}

fn not_a_booking() -> TerminalError {
    TerminalError::new_with_code(400, "the key is not a booking's id")
}

#[derive(Clone, Copy)]
struct Story<'a> {
    ctx: &'a WorkflowContext<'a>,
    activities: &'a Activities,
    request: &'a BookingRequest,
}

/// The status it ends in, or why everything is to be taken back.
type Ending = Result<Ended, Cause>;

#[derive(Clone, Copy)]
struct Ended {
    status: BookingStatus,
    /// Its money may be reserved, and not taken yet.
    reserved: bool,
}

impl Ended {
    /// An older life has ended it: whether there is money to take, the row says.
    const fn perhaps_reserved(status: BookingStatus) -> Self {
        Self { status, reserved: true }
    }
}

impl Story<'_> {
    async fn book(self, saga: &mut Saga) -> Result<Ending, TerminalError> {
        let Self { ctx, activities, request } = self;
        let standing =
            step(ctx, "record_booking", move || activities.record_booking(request)).await?;
        *saga = Saga::owing(&[]);
        if standing.status.is_final() {
            // An older life has ended it, or the seats are another booking's. What it owed is its own unwinding's.
            return Ok(Ok(Ended::perhaps_reserved(standing.status)));
        }

        saga.owe(Undo::CancelOrder);
        if standing.status == BookingStatus::Confirming {
            // An older life has come this far: it may have told Vista.
            saga.owe(Undo::ReleaseBooking);
        }
        if standing.unwinding {
            return Ok(Err(Cause::EndedBefore));
        }
        let ms = request.timings.booking_expiry_ms;
        let patience = Patience::Bounded { unless: LEFT_PENDING, ms };
        let before_money = AtVendor { ctx, activities, patience };
        let create = move || activities.create_order(request);
        let order = match answered(before_money.finish("create_order", create).await?) {
            Some(Created::Open { order }) => order,
            Some(Created::No { .. }) => return Ok(Err(Cause::EndedBefore)),
            None => return Ok(Err(Cause::CinemaAway)),
        };
        let for_hold = order.clone();
        let hold = move || {
            let order = for_hold.clone();
            async move { activities.hold_seats(request, &order).await }
        };
        match answered(before_money.finish("hold_seats", hold).await?) {
            Some(Held::Held { .. }) => {}
            Some(Held::No { .. }) => return Ok(Err(Cause::EndedBefore)),
            None => return Ok(Err(Cause::CinemaAway)),
        }

        let (status, reserved) = self.leave_pending().await?;
        match status {
            BookingStatus::Confirming => self.confirm(order, reserved, saga).await,
            BookingStatus::Confirmed | BookingStatus::Completed => {
                Ok(Ok(Ended { status: BookingStatus::Confirmed, reserved }))
            }
            BookingStatus::Requested
            | BookingStatus::Pending
            | BookingStatus::Expired
            | BookingStatus::Cancelled
            | BookingStatus::Rejected => Ok(Err(Cause::EndedBefore)),
        }
    }

    /// Waits until a payment has won, the customer has cancelled, or the time is over. The row decides. With the status:
    /// whether the money that has won is only reserved.
    async fn leave_pending(self) -> Result<(BookingStatus, bool), TerminalError> {
        let Self { ctx, activities, request } = self;
        let mut nudged = false;
        loop {
            let look = move || activities.watch_booking(request.booking_id);
            let wait = match step(ctx, "watch_booking", look).await? {
                Watch::Moved { status, reserved } => return Ok((status, reserved)),
                Watch::Waiting { ms } => Duration::from_millis(ms),
            };
            if nudged {
                ctx.sleep(wait).await?;
                continue;
            }
            restate_sdk::select! {
                left = ctx.promise::<String>(LEFT_PENDING) => { left?; nudged = true; },
                over = ctx.sleep(wait) => { over?; },
                on_cancel => { return Err(cancelled()); }
            }
        }
    }

    async fn confirm(
        self,
        order: OrderRef,
        reserved: bool,
        saga: &mut Saga,
    ) -> Result<Ending, TerminalError> {
        let Self { ctx, activities, request } = self;
        if !Rule::OweFirst.is_out() {
            saga.owe(Undo::ReleaseBooking);
        }
        let paid = AtVendor { ctx, activities, patience: Patience::Endless };
        let confirm = move || {
            let order = order.clone();
            async move { activities.confirm_order(request, &order).await }
        };
        let confirmed = answered(paid.finish("confirm_order", confirm).await?);
        if Rule::OweFirst.is_out() {
            saga.owe(Undo::ReleaseBooking);
        }
        match confirmed {
            Some(ConfirmAnswer::Booked(_)) => {
                Ok(Ok(Ended { status: BookingStatus::Confirmed, reserved }))
            }
            Some(ConfirmAnswer::Rejected { .. }) => Ok(Err(Cause::VistaRejected)),
            Some(ConfirmAnswer::OrderGone) => Ok(Err(Cause::VistaOrderGone)),
            None => Ok(Err(Cause::VistaSilent)),
        }
    }

    /// The seats are sold: takes the money that was reserved for them. A cancel changes nothing.
    async fn take_what_is_reserved(self) -> Result<(), TerminalError> {
        let Self { ctx, activities, request } = self;
        let vendor = AtVendor { ctx, activities, patience: Patience::Endless };
        let capture = move || activities.capture_payment(request.booking_id);
        let captured = until_done(|| vendor.finish("capture_payment", capture)).await?;
        match answered(captured) {
            Some(CaptureState::Pending | CaptureState::Otherwise { .. }) => {
                let ask = move || activities.ask_capture(request.booking_id);
                until_done(|| vendor.finish("ask_capture", ask)).await?;
            }
            Some(CaptureState::Captured { .. } | CaptureState::Rejected { .. }) | None => {}
        }
        Ok(())
    }
}
