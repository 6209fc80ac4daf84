//! What is left lying when the engine forgets: the sweep at start-up finds it in the rows, and it ends right.

use crate::sweep::Plan;
use harness::{Booking, Order, Setup, Visit, until, visit_alone, visit_with};

#[tokio::test]
async fn a_paid_booking_whose_workflow_was_killed_is_confirmed_after_a_restart() {
    let visit = visit_alone().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    booking.at_engine("kill").await;
    booking.pays().await;
    booking.until("CONFIRMING").await;

    until_quiet(&visit, &booking).await;
    visit.system.kill_usher_9().await;
    visit.system.start_usher().await;
    booking.until_ticket().await;
    assert_eq!(booking.status().await, "CONFIRMED");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_booking_whose_workflow_was_killed_while_unwinding_gives_the_money_back_after_a_restart()
{
    let visit = visit_alone().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    visit.vista().fails("pay_order", &booking.order.session, "code_69").await;
    visit.vista().is_away("cancel_order", &booking.order.session).await;
    booking.pays().await;
    visit.until_under_way("cancel_order", Some(&booking)).await;
    booking.at_engine("kill").await;

    until_quiet(&visit, &booking).await;
    visit.vista().heals().await;
    visit.system.kill_usher_9().await;
    visit.system.start_usher().await;
    booking.until("CANCELLED").await;
    booking.until_refunded().await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_second_life_called_off_at_its_first_step_takes_back_what_the_first_has_done() {
    let plan = Plan::new();
    let with = vec![("SABOTAGE_PLAN", plan.folder())];
    let visit = visit_with(Setup { with, ..Setup::default() }).await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    // Vista has booked it when the first life ends.
    visit.vista().fails("pay_order", &booking.order.session, "timeout_after").await;
    booking.pays().await;
    visit.until_under_way("confirm_order", Some(&booking)).await;
    booking.at_engine("kill").await;

    until_quiet(&visit, &booking).await;
    visit.system.kill_usher_9().await;
    plan.add_one("record_booking.before.error");
    let calls_off = async {
        until("a first step that fails", || async { plan.left().is_empty().then_some(()) }).await;
        booking.at_engine("cancel").await;
    };
    tokio::join!(visit.system.start_usher(), calls_off);
    booking.until("CANCELLED").await;
    booking.until_refunded().await;
    visit.assert_balanced().await;
}

/// The booking's row has been silent for longer than any step waits.
async fn until_quiet(visit: &Visit, booking: &Booking) {
    let query = "SELECT updated_at < now() - interval '1.5 s' FROM bookings WHERE booking_id = $1";
    let look = || async {
        let quiet = sqlx::query_scalar(query).bind(booking.bare()).fetch_one(&visit.db).await;
        quiet.ok().filter(|quiet| *quiet)
    };
    until("a silent row", look).await;
}
