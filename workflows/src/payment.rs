//! One attempt to pay: open the vendor's page, ask until the vendor's session is over, settle what was taken.
//!
//! | step             | waits for                                                           |
//! |------------------|---------------------------------------------------------------------|
//! | `record_payment` |                                                                     |
//! | `price_order`    | Vista: its timer restarted, what is to pay                          |
//! | `open_payment`   | the vendor's page                                                   |
//! | `charge_payment` | instead of it, when the customer has given all the vendor needs     |
//! | `refuse_payment` | only if there is no page to pay on                                  |
//! | `proceed_payment`| the customer, where the vendor's session goes on with what is given |
//! | `ask_vendor`     | the vendor's last word, asked on a widening schedule; hints are heard |
//!
//! It lives as long as the vendor's session plus lag, whatever became of the booking: late money is found here.

use crate::{
    announce::announce,
    step::{AtVendor, Decided, Patience, answered, cancelled, shared_step, step, until_done},
};
use activities::{Activities, payments::Asked};
use adapters::{
    provider::{Opened, Session},
    vista::OrderRef,
};
use restate_sdk::prelude::*;
use schema::{
    ids::PaymentId,
    paying::{NextAct, PayWith},
    payments::{Opening, PaymentRequest},
    sealed::Sealed,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Resolved when somebody else has heard the vendor's last word.
const ENDED: &str = "ended";
/// Resolved with what the customer has given, once: a second one is not heard.
const GIVEN: &str = "given";

/// How a payment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentEnd {
    /// It was never opened.
    Refused,
    /// The vendor's last word is in the row.
    Ended,
}

pub struct Payment {
    activities: Activities,
}

#[restate_sdk::workflow(workflow_completion_retention = "7 days", journal_retention = "1 hour")]
impl Payment {
    /// Takes one payment to its end. The key is the payment's bare id, which is also the vendor's reference.
    #[handler]
    async fn run(
        &self,
        ctx: WorkflowContext<'_>,
        Json(request): Json<PaymentRequest>,
    ) -> Result<Json<PaymentEnd>, TerminalError> {
        let story = Story { ctx: &ctx, activities: &self.activities, request: &request };
        // A page that a customer can pay on is watched to its end, even if somebody cancels this workflow.
        match until_done(|| story.open()).await? {
            None => Ok(Json(PaymentEnd::Refused)),
            Some(session) => {
                let wait = until_done(|| story.proceed(&session)).await?;
                until_done(|| story.ask_until_the_end(wait)).await.map(Json)
            }
        }
    }

    /// What the customer has given for the vendor's session: a one-time password, the token of a card; sealed.
    #[handler]
    async fn give(
        &self,
        ctx: SharedWorkflowContext<'_>,
        Json(given): Json<Sealed>,
    ) -> Result<(), TerminalError> {
        ctx.resolve_promise(GIVEN, Json(given));
        Ok(())
    }

    /// The customer is back from the vendor's page: ask now.
    #[handler]
    async fn ask(&self, ctx: SharedWorkflowContext<'_>) -> Result<(), TerminalError> {
        let Ok(payment) = PaymentId::from_bare(ctx.key()) else { return Err(not_a_payment()) };
        let activities = &self.activities;
        let ask = move || activities.ask_vendor(payment, None);
        let asked = shared_step(&ctx, "ask_vendor", ask).await?;
        announce(&ctx, payment, &asked);
        Ok(())
    }

    /// Somebody else has heard the vendor's last word.
    #[handler]
    async fn nudge(&self, ctx: SharedWorkflowContext<'_>) -> Result<(), TerminalError> {
        ctx.resolve_promise(ENDED, "ended".to_owned());
        Ok(())
    }

    /// A person has decided about a step of this payment that was refused.
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

impl Payment {
    pub fn new(activities: Activities) -> Self {
        Self { activities }
    }
}

fn not_a_payment() -> TerminalError {
    TerminalError::new_with_code(400, "the key is not a payment's id")
}

/// Before the vendor is asked for the first time.
fn first_wait(request: &PaymentRequest, session: &Session) -> Duration {
    match session.next {
        NextAct::Nothing => Duration::ZERO,
        NextAct::Redirect { .. } | NextAct::Widget { .. } | NextAct::Form { .. } | NextAct::Otp => {
            request.timings.ask_after(0).min(Duration::from_millis(session.lives_ms))
        }
        NextAct::Terminal { .. } => Duration::from_millis(request.timings.terminal.ask_ms),
    }
}

/// Before the vendor is asked again, if its session goes on.
fn next_wait(request: &PaymentRequest, asked: &Asked, times: u32) -> Duration {
    let timings = &request.timings;
    let at_a_terminal = matches!(request.pay_with, PayWith::Terminal { .. });
    if at_a_terminal && asked.captures.is_empty() && asked.session_left_ms > 0 {
        // What is tapped now can be given back for a minute only: a silence does not widen this.
        let wait = Duration::from_millis(timings.terminal.ask_ms);
        return asked.unanswered.map_or(wait, |silent| silent.wait(timings, 0).max(wait));
    }
    match asked.unanswered {
        Some(unanswered) => unanswered.wait(timings, times),
        None => timings.ask_after(times.saturating_add(1)),
    }
}

#[derive(Clone, Copy)]
struct Story<'a> {
    ctx: &'a WorkflowContext<'a>,
    activities: &'a Activities,
    request: &'a PaymentRequest,
}

impl Story<'_> {
    /// Opens the vendor's page, or charges. The vendor's session; None if it was refused.
    async fn open(self) -> Result<Option<Session>, TerminalError> {
        let Self { ctx, activities, request } = self;
        let opening =
            step(ctx, "record_payment", move || activities.record_payment(request)).await?;
        let (order, may_continue) = match opening {
            Opening::Ended { .. } => return Ok(None),
            Opening::Open { cinema_id, vista_order, may_continue } => {
                (OrderRef { cinema: cinema_id, user_session: vista_order }, may_continue)
            }
        };
        let ms = request.timings.booking_expiry_ms;
        let vendor =
            AtVendor { ctx, activities, patience: Patience::Bounded { unless: ENDED, ms } };
        let price = move || {
            let order = order.clone();
            async move { activities.price_order(request, &order, may_continue).await }
        };
        vendor.finish("price_order", price).await?;
        let opened = if request.pay_with.moves_money() {
            let charge = move || activities.charge_payment(request);
            vendor.finish("charge_payment", charge).await?
        } else {
            let open = move || activities.open_payment(request);
            vendor.finish("open_payment", open).await?
        };
        match answered(opened) {
            Some(Opened::Open(session)) => Ok(Some(session)),
            Some(Opened::Rejected { .. }) => Ok(None),
            None => {
                step(ctx, "refuse_payment", move || activities.refuse_payment(request)).await?;
                Ok(None)
            }
        }
    }

    /// Where the vendor's session waits for the customer: waits for what is given, and goes on with it. How long to wait
    /// before the vendor is asked first: not at all, when the customer has nothing left to do.
    async fn proceed(self, session: &Session) -> Result<Duration, TerminalError> {
        let Self { ctx, activities, request } = self;
        // What was charged already may wait for the customer's bank, and for nothing that is given to us.
        if request.pay_with.moves_money() || !session.next.waits_for_the_customer() {
            return Ok(first_wait(request, session));
        }
        let Json(given) = restate_sdk::select! {
            given = ctx.promise::<Json<Sealed>>(GIVEN) => given?,
            ended = ctx.promise::<String>(ENDED) => { ended?; return Ok(Duration::ZERO); },
            over = ctx.sleep(Duration::from_millis(session.lives_ms)) => { over?; return Ok(Duration::ZERO); },
            on_cancel => { return Err(cancelled()); }
        };
        let ms = request.timings.booking_expiry_ms;
        let vendor =
            AtVendor { ctx, activities, patience: Patience::Bounded { unless: ENDED, ms } };
        let proceed = move || {
            let given = given.clone();
            async move { activities.proceed_payment(request, &given).await }
        };
        match answered(vendor.finish("proceed_payment", proceed).await?) {
            Some(Opened::Open(session)) => Ok(first_wait(request, &session)),
            Some(Opened::Rejected { .. }) | None => Ok(Duration::ZERO),
        }
    }

    /// Asks on a widening schedule until the vendor has said its last word, or somebody else has heard it.
    async fn ask_until_the_end(self, first: Duration) -> Result<PaymentEnd, TerminalError> {
        let Self { ctx, activities, request } = self;
        let (payment, timings) = (request.payment_id, request.timings);
        let mut wait = first;
        for times in 0_u32.. {
            let ended = restate_sdk::select! {
                ended = ctx.promise::<String>(ENDED) => { ended?; true },
                waited = ctx.sleep(wait) => { waited?; false },
                on_cancel => { return Err(cancelled()); }
            };
            if ended {
                break;
            }
            let ask = move || activities.ask_vendor(payment, None);
            let asked: Asked = step(ctx, "ask_vendor", ask).await?;
            let over = asked.ended;
            announce(ctx, payment, &Asked { ended: false, ..asked.clone() });
            if over {
                break;
            }
            let next = next_wait(request, &asked, times);
            let session_left = Duration::from_millis(asked.session_left_ms);
            // After the session only what is under way is waited for, ever more rarely.
            wait = if asked.unanswered.is_some() || session_left.is_zero() {
                next
            } else {
                next.min(session_left + timings.retry_after(0))
            };
        }
        Ok(PaymentEnd::Ended)
    }
}
