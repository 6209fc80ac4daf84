//! Power cuts: processes are killed in the middle of everything, and everything still ends right.

use chaos::{Crowd, Kill, Plan};
use harness::{Customer, Mishap, Order, Shopper, Visit, Way, visit_alone};
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
    let query =
        "SELECT count(*) FROM payments WHERE status NOT IN ('CAPTURED', 'ABANDONED', 'VOIDED')";
    let open: i64 = sqlx::query_scalar(query).fetch_one(&visit.db).await.unwrap();
    assert_eq!(open, 0, "payments without an end");
}

/// Each step that makes a call with an effect: at whom, which call, and how its customer pays.
const CALLS: [(&str, &str, &str, Way); 13] = [
    ("create_order", "vista", "create_order", Way::HyperPayPage),
    ("hold_seats", "vista", "set_tickets", Way::HyperPayPage),
    ("price_order", "vista", "continue_order", Way::HyperPayPage),
    ("open_payment", "hyperpay", "create_checkout", Way::HyperPayPage),
    ("open_payment", "tabby", "create_session", Way::Tabby),
    ("charge_payment", "checkout", "create_payment", Way::CheckoutCard),
    ("proceed_payment", "payfort", "authorize", Way::PayFortCard),
    ("confirm_order", "vista", "pay_order", Way::HyperPayPage),
    ("capture_payment", "tabby", "capture", Way::Tabby),
    ("cancel_order", "vista", "cancel_order", Way::HyperPayPage),
    ("send_refund", "hyperpay", "refund", Way::HyperPayPage),
    ("send_refund", "payfort", "void", Way::PayFortCard),
    ("send_refund", "checkout", "void", Way::CheckoutCard),
];

/// Goes a way that leads through this step.
async fn goes_through(step: &str, way: Way, customer: Customer, order: Order) {
    let booking = customer.books(order).await;
    if step == "cancel_order" {
        booking.cancels().await;
        return;
    }
    let Some(payment) = booking.may_open(way, &Customer::key()).await else { return };
    let Some(act) = payment.last_act().await else { return };
    if step == "send_refund" {
        booking.cancels().await;
    }
    payment.does(&act, Shopper::Approves).await;
}

/// The call is lost, or done before the crash, or done after it: at each step in turn.
async fn usher_is_killed_at_each_step_while_its_call(fault: &str) {
    let visit = visit_alone().await;
    let mut customers = JoinSet::new();
    for (step, vendor, op, way) in CALLS {
        visit.goes_wrong(&Mishap { vendor, op, fault, delay_ms: None }, None).await;
        let (customer, order) = (visit.customer().stubborn(), Order::new(&visit));
        customers.spawn(goes_through(step, way, customer, order));
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
