//! Each safeguard, taken out, is missed: the checker sees what it was there for, and is content with the same story
//! while it is in place.

use crate::unwinding::confirming;
use harness::{Order, Setup, Shopper, Visit, visit_alone, visit_with};
use serde_json::json;
use std::sync::Arc;

/// A story that needs one safeguard.
#[derive(Clone, Copy, Debug)]
enum Need {
    LookUp,
    SettleWindow,
    RefundReference,
    GuardedSettlement,
    WebhookDedupe,
    ReleaseBooking,
    OweFirst,
    CancelLoop,
}

impl Need {
    async fn tell(self, visit: &Arc<Visit>) {
        match self {
            // Vista has booked it, and nobody heard.
            Self::LookUp => drop(confirming(visit, "timeout_after").await),
            // The money goes back after the vendor has said that it is away; asked again meanwhile, it gives it twice.
            Self::SettleWindow => {
                visit.hyperpay().switch("dup_policy", "charge_again").await;
                let late = ("late_commit", 800);
                Self::refund_goes_wrong(visit, late).await;
            }
            // The money has gone back, and nobody heard.
            Self::RefundReference => Self::refund_goes_wrong(visit, ("timeout_after", 0)).await,
            Self::GuardedSettlement => {
                let booking = visit.customer().books(Order::new(visit)).await;
                let payment = booking.opens_payment().await;
                booking.cancels().await;
                payment.shopper(Shopper::Approves).await;
            }
            Self::WebhookDedupe => {
                let booking = visit.customer().books(Order::new(visit)).await;
                let payment = booking.pays().await;
                let again = json!({ "reference": payment.reference(), "times": 3 });
                visit.hyperpay().redelivers(&again).await;
            }
            // Vista has booked it when staff call it off.
            Self::ReleaseBooking | Self::OweFirst => {
                confirming(visit, "timeout_after").await.at_engine("cancel").await;
            }
            Self::CancelLoop => {
                let booking = confirming(visit, "timeout_after").await;
                visit
                    .vista()
                    .fails("refund_booking", &booking.order.session, "timeout_after")
                    .await;
                booking.at_engine("cancel").await;
                visit.until_under_way("release_booking", Some(&booking)).await;
                booking.at_engine("cancel").await;
            }
        }
    }

    /// Late money goes back, and its refund goes wrong like this.
    async fn refund_goes_wrong(visit: &Arc<Visit>, fault: (&str, u64)) {
        let booking = visit.customer().books(Order::new(visit)).await;
        let payment = booking.opens_payment().await;
        booking.cancels().await;
        visit.hyperpay().fails_for("refund", payment.reference(), fault).await;
        payment.shopper(Shopper::Approves).await;
    }

    /// Without the safeguard, the checker says this in the end.
    async fn is_missed(self, why: &str) {
        let with = vec![("SABOTAGE_RULE", format!("{self:?}"))];
        let visit = visit_with(Setup { with, ..Setup::default() }).await;
        self.tell(&visit).await;
        visit.assert_unbalanced_in_the_end(why).await;
    }
}

/// In place, the same stories end with books that balance.
#[tokio::test]
async fn with_every_safeguard_in_place_the_books_balance() {
    let visit = visit_alone().await;
    for need in [
        Need::LookUp,
        Need::SettleWindow,
        Need::RefundReference,
        Need::GuardedSettlement,
        Need::WebhookDedupe,
        Need::ReleaseBooking,
        Need::CancelLoop,
    ] {
        need.tell(&visit).await;
    }
    visit.assert_balanced().await;
}

#[tokio::test]
async fn without_the_look_up_a_booking_that_vista_has_made_is_given_up() {
    Need::LookUp.is_missed("S1: Vista has no booking").await;
}

#[tokio::test]
async fn without_the_settle_window_money_goes_back_twice() {
    Need::SettleWindow.is_missed("M1: 23000 went back").await;
}

#[tokio::test]
async fn without_one_reference_for_all_attempts_a_refund_is_never_found_again() {
    Need::RefundReference.is_missed("EFF: nobody has asked for this").await;
}

#[tokio::test]
async fn without_the_guard_late_money_is_kept() {
    Need::GuardedSettlement.is_missed("M3: no money is kept").await;
}

#[tokio::test]
async fn without_dedupe_one_webhook_is_applied_three_times() {
    Need::WebhookDedupe.is_missed("EFF: a webhook about").await;
}

#[tokio::test]
async fn without_its_undo_vista_keeps_a_booking_that_was_called_off() {
    Need::ReleaseBooking.is_missed("S1: Vista has no booking").await;
}

#[tokio::test]
async fn an_undo_that_is_owed_after_its_step_is_forgotten() {
    Need::OweFirst.is_missed("S1: Vista has no booking").await;
}

#[tokio::test]
async fn without_the_loop_a_second_cancel_ends_the_unwinding_half_way() {
    Need::CancelLoop.is_missed("LIV: an end; it is CONFIRMING").await;
}
