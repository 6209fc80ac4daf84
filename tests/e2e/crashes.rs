//! Power cuts: processes are killed in the middle of everything, and everything still ends right.

use chaos::{Crowd, Kill, Plan};
use harness::{Customer, Order, Shopper, Visit, visit_alone};
use tokio::task::JoinSet;

/// A small edition of `cargo run --release -p chaos`: see there for the large one.
#[tokio::test]
async fn whatever_is_killed_in_the_middle_of_bookings_alone_or_together_they_all_end_right() {
    let visit = visit_alone().await;
    let kills = [Kill::USHER, Kill::RESTATE, Kill::POSTGRES, Kill::ALL];
    let plan = Plan::of(1, kills, Crowd { visitors: 12, latecomers: false });
    let (mut open, mut confirmed) = (0, 0);
    for round in &plan.rounds {
        let outcome = chaos::play(&visit, round).await;
        assert!(outcome.is_clean(), "{outcome:#?}");
        open += outcome.open;
        confirmed += outcome.ends.get("CONFIRMED").copied().unwrap_or_default();
    }
    assert!(open > 0 && confirmed > 0, "the kills have hit nothing: {open}, {confirmed}");
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
