//! Power cuts: processes are killed in the middle of everything, and everything still ends right.

use harness::{Customer, Order, Shopper, Visit, until, visit_alone};
use std::sync::Arc;
use tokio::task::JoinSet;

const BOOKINGS: usize = 20;

/// Twenty customers at once: three in five pay, one is declined, one calls it off.
fn open_the_doors(visit: &Arc<Visit>) -> JoinSet<()> {
    let mut customers = JoinSet::new();
    for number in 0..BOOKINGS {
        let (customer, order) = (visit.customer().stubborn(), Order::new(visit));
        customers.spawn(async move {
            match number % 5 {
                0 => calls_off(&customer, order).await,
                1 => pays(&customer, order, Shopper::Declined).await,
                _ => pays(&customer, order, Shopper::Approves).await,
            }
        });
    }
    customers
}

async fn calls_off(customer: &Customer, order: Order) {
    let booking = customer.books(order).await;
    let answer = booking.cancels().await;
    assert!([200, 409].contains(&answer.status), "{answer:?}");
}

/// After a long repair the time may be over; then there is nothing to pay any more.
async fn pays(customer: &Customer, order: Order, does: Shopper) {
    let booking = customer.books(order).await;
    if let Some(payment) = booking.may_open_payment().await {
        payment.tries(does).await;
    }
}

/// So many steps of all bookings together have been begun.
async fn until_begun(visit: &Visit, calls: i64) {
    let query = "SELECT count(*) FROM vendor_calls";
    let look = || async {
        let begun: i64 = sqlx::query_scalar(query).fetch_one(&visit.db).await.ok()?;
        (begun >= calls).then_some(())
    };
    until(&format!("{calls} steps"), look).await;
}

async fn assert_all_ended_right(visit: &Visit, customers: JoinSet<()>) {
    customers.join_all().await;
    visit.assert_balanced().await;
    visit.assert_quiet().await;
    let query = "SELECT count(*) FROM bookings WHERE status = 'CONFIRMED'";
    let confirmed: i64 = sqlx::query_scalar(query).fetch_one(&visit.db).await.unwrap();
    assert!(confirmed > 0, "the repair took so long that this proves nothing");
    let query = "SELECT count(*) FROM payments WHERE status NOT IN ('CAPTURED', 'ABANDONED')";
    let open: i64 = sqlx::query_scalar(query).fetch_one(&visit.db).await.unwrap();
    assert_eq!(open, 0, "payments without an end");
}

#[tokio::test]
async fn usher_killed_in_the_middle_of_twenty_bookings_ends_them_all_right() {
    let visit = visit_alone().await;
    let customers = open_the_doors(&visit);
    for calls in [10, 40, 70] {
        until_begun(&visit, calls).await;
        visit.system.kill_usher_9().await;
        visit.system.start_usher().await;
    }
    assert_all_ended_right(&visit, customers).await;
}

#[tokio::test]
async fn restate_killed_in_the_middle_of_twenty_bookings_ends_them_all_right() {
    let visit = visit_alone().await;
    let customers = open_the_doors(&visit);
    for calls in [10, 60] {
        until_begun(&visit, calls).await;
        visit.system.engines.restate.kill_9().await;
        visit.system.engines.restate.start().await.unwrap();
    }
    assert_all_ended_right(&visit, customers).await;
}

/// Each call with an effect, and the step that makes it.
const CALLS: [(&str, &str); 7] = [
    ("create_order", "create_order"),
    ("hold_seats", "set_tickets"),
    ("price_order", "continue_order"),
    ("open_payment", "create_checkout"),
    ("confirm_order", "pay_order"),
    ("cancel_order", "cancel_order"),
    ("send_refund", "refund"),
];

/// Goes a way that leads through this step.
async fn goes_through(step: &str, customer: Customer, order: Order) {
    let booking = customer.books(order).await;
    match step {
        "cancel_order" => drop(booking.cancels().await),
        "send_refund" => {
            let Some(payment) = booking.may_open_payment().await else { return };
            booking.cancels().await;
            payment.tries(Shopper::Approves).await;
        }
        _ => {
            let Some(payment) = booking.may_open_payment().await else { return };
            payment.tries(Shopper::Approves).await;
        }
    }
}

/// The call is lost, or done before the crash, or done after it: at each step in turn.
async fn usher_is_killed_at_each_step_while_its_call(fault: &str) {
    let visit = visit_alone().await;
    let mut customers = JoinSet::new();
    for (step, call) in CALLS {
        match call {
            "create_checkout" | "refund" => visit.hyperpay().fails_next(call, fault).await,
            _ => visit.vista().fails_next(call, fault).await,
        }
        let (customer, order) = (visit.customer().stubborn(), Order::new(&visit));
        customers.spawn(goes_through(step, customer, order));
        visit.until_under_way(step, None).await;
        visit.system.kill_usher_9().await;
        visit.system.start_usher().await;
    }
    assert_all_ended_right(&visit, customers).await;
}

#[tokio::test]
async fn usher_killed_at_each_step_whose_call_was_lost_ends_right() {
    usher_is_killed_at_each_step_while_its_call("timeout_before").await;
}

#[tokio::test]
async fn usher_killed_at_each_step_whose_call_was_done_ends_right() {
    usher_is_killed_at_each_step_while_its_call("timeout_after").await;
}

#[tokio::test]
async fn usher_killed_at_each_step_whose_call_is_done_later_ends_right() {
    usher_is_killed_at_each_step_while_its_call("delay").await;
}
