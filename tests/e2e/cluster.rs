//! Three nodes of Restate: any one of them is killed under load, and nothing that was accepted is lost or double.

use harness::{Customer, Order, Setup, Shopper, Visit, until, visit_with};
use stack::{CLUSTER, Engine};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Customers who come around the loss of each node.
const CROWD: usize = 13;
/// So many bookings are open when a node is lost.
const OPEN: i64 = 4;

/// Books and pays. A customer who was too late to pay has lost nothing.
async fn books_and_pays(customer: Customer, order: Order) {
    let booking = customer.books(order).await;
    if let Some(payment) = booking.may_open_payment().await {
        payment.tries(Shopper::Approves).await;
    }
}

fn crowd(visit: &Arc<Visit>) -> JoinSet<()> {
    let come = |_| books_and_pays(visit.customer().stubborn(), Order::new(visit));
    (0..CROWD).map(come).collect()
}

async fn count(visit: &Visit, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&visit.db).await.unwrap()
}

#[tokio::test]
async fn any_node_of_three_is_killed_under_load_and_every_accepted_booking_ends_right() {
    let visit = visit_with(Setup { nodes: CLUSTER, ..Setup::default() }).await;
    let nodes: Vec<&Engine> = visit.system.engines.restate_nodes().collect();
    assert_eq!(nodes.len(), CLUSTER);
    for node in nodes {
        let crowd = crowd(&visit);
        let busy = || async { (visit.open_bookings().await >= OPEN).then_some(()) };
        until("bookings to be in the middle of", busy).await;
        node.kill_9().await;
        // The others go on, starts included, while it is away.
        let meanwhile = visit.customer().stubborn().books(Order::new(&visit).free()).await;
        meanwhile.until_ticket().await;
        assert!(!node.is_alive().await);
        crowd.join_all().await;
        node.start().await.unwrap();
    }
    visit.assert_balanced().await;
    visit.assert_quiet().await;
    let all = count(&visit, "SELECT count(*) FROM bookings").await;
    let confirmed = count(&visit, "SELECT count(*) FROM bookings WHERE status = 'CONFIRMED'").await;
    tell(&format!(
        "{all} bookings, {confirmed} confirmed, over the loss of each of {CLUSTER} nodes"
    ));
    assert!(
        confirmed > all / 2,
        "{confirmed} of {all}: the repair took so long that this proves little"
    );
}

#[expect(clippy::print_stderr, reason = "the counts are the test's result, with --show-output")]
fn tell(line: &str) {
    eprintln!("{line}");
}
