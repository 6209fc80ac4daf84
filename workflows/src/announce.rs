//! What asking a vendor has come to, told to those who wait for it. Nudges only: the rows have the truth.

use crate::{
    booking::BookingClient,
    payment::PaymentClient,
    refund::RefundClient,
    trace::{Traced, WithTrace},
};
use activities::payments::Asked;
use restate_sdk::prelude::ContextClient;
use schema::ids::PaymentId;

/// The booking hears that it is won, refunds owed for late money start, the payment's workflow hears its end.
pub(crate) fn announce<'ctx, C: ContextClient<'ctx> + Traced>(
    ctx: &C,
    payment: PaymentId,
    asked: &Asked,
) {
    if let (true, Some(booking)) = (asked.won, asked.booking) {
        ctx.workflow_client::<BookingClient>(booking.bare()).nudge().traced(ctx).send();
    }
    for refund in &asked.refunds {
        ctx.workflow_client::<RefundClient>(refund.bare()).run().traced(ctx).send();
    }
    if asked.ended {
        ctx.workflow_client::<PaymentClient>(payment.bare()).nudge().traced(ctx).send();
    }
}
