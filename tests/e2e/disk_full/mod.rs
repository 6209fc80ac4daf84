//! An engine's disk is full while people are booking: nothing more is promised, and once there is room again everything
//! that was promised ends right. Nobody edits anything; at most the engine is started again as it was.
//!
//! What the engines do without room, as seen here (Restate 1.7, PostgreSQL 18):
//! - PostgreSQL without room for a page refuses what needs one ("could not extend file") and keeps running: reads go on,
//!   and so does everything else as soon as there is room.
//! - PostgreSQL without room for its log ends at once (PANIC); its postmaster may stay, but does not come back by itself.
//!   It cannot be started before there is room.
//! - Restate keeps running, and its health checks stay green, but it has switched writing off "until the node is manually
//!   restarted": starts wait for it in vain. Room alone does not help; started again, it goes on.

mod small_disk;

use harness::{Answer, Booking, Customer, Order, Shopper, Visit, until, visit_alone};
use small_disk::SmallDisk;
use sqlx::{Connection, Executor, PgConnection};
use stack::{Engine, Engines};
use std::sync::Arc;
use tokio::task::JoinSet;

const CUSTOMERS: usize = 12;

#[tokio::test]
async fn postgres_without_room_for_a_page_goes_on_by_itself() {
    let Some(full) = Full::disk_of(|engines| &engines.postgres).await else { return };
    full.promises_nothing().await;
    assert_eq!(full.confirmed.status().await, "CONFIRMED");

    full.disk.empty();
    full.ends_right().await;
}

#[tokio::test]
async fn postgres_without_room_for_its_log_goes_on_when_it_is_started_again() {
    let Some(full) = Full::disk_of(|engines| &engines.postgres).await else { return };
    let postgres = &full.visit.system.engines.postgres;
    let until_it_ends = || async {
        full.disk.fill();
        uses_up_its_log(&full.visit).await.is_err().then_some(())
    };
    until("an end of PostgreSQL", until_it_ends).await;
    postgres.stop().await;
    assert!(postgres.start().await.is_err(), "there is no room yet");
    full.promises_nothing().await;

    full.disk.empty();
    postgres.start().await.unwrap();
    full.ends_right().await;
}

/// Fails when nobody is there any more.
async fn uses_up_its_log(visit: &Visit) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(&visit.system.database).await?;
    let write = "SELECT pg_logical_emit_message(true, 'test', ''), pg_switch_wal()";
    connection.execute(write).await.map(drop)
}

#[tokio::test]
async fn restate_without_room_goes_on_when_it_is_started_again() {
    let Some(full) = Full::disk_of(|engines| &engines.restate).await else { return };
    let engines = &full.visit.system.engines;
    let restate = &engines.restate;
    full.promises_nothing().await;
    for url in
        [engines.restate_ingress_url() + "/restate/health", engines.restate_admin_url() + "/health"]
    {
        assert_eq!(full.visit.http.get(url).send().await.unwrap().status(), 200);
    }
    assert_eq!(full.confirmed.status().await, "CONFIRMED");

    full.disk.empty();
    full.promises_nothing().await;
    restate.stop().await;
    restate.start().await.unwrap();
    full.ends_right().await;
}

/// A disk that has become full while people were booking.
struct Full {
    /// Goes first: the next system may get the same folders.
    disk: SmallDisk,
    visit: Arc<Visit>,
    /// From before.
    confirmed: Booking,
    paying: JoinSet<()>,
}

impl Full {
    /// None where nobody lets us have a disk of our own: there is nothing to see then.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so, and why")]
    async fn disk_of(engine: fn(&Engines) -> &Engine) -> Option<Self> {
        let visit = visit_alone().await;
        let disk = match SmallDisk::under(engine(&visit.system.engines)).await {
            Ok(disk) => disk,
            Err(why) => {
                eprintln!("skipped, without a small disk to fill: {why}");
                return None;
            }
        };
        let confirmed = visit.customer().stubborn().books(Order::new(&visit).free()).await;
        confirmed.until_ticket().await;
        let mut holding = JoinSet::new();
        for _ in 0..CUSTOMERS {
            let (customer, order) = (visit.customer().stubborn(), Order::new(&visit));
            holding.spawn(async move { customer.books(order).await });
        }
        let mut paying = JoinSet::new();
        for booking in holding.join_all().await {
            paying.spawn(pays(booking));
        }
        disk.fill();
        Some(Self { disk, visit, confirmed, paying })
    }

    /// What the engine has set aside is used up first, and a promise until then is as good as any. Then all starts are
    /// told to come again.
    async fn promises_nothing(&self) {
        let look = || async {
            let mut starts = JoinSet::new();
            for _ in 0..CUSTOMERS {
                let (customer, order) = (self.visit.customer(), Order::new(&self.visit));
                starts.spawn(async move { customer.orders(&order, &Customer::key()).await });
            }
            let answers = starts.join_all().await;
            let refused = |answer: &Answer| {
                assert!([202, 503].contains(&answer.status), "{answer:?}");
                answer.status == 503 && !answer.header("retry-after").is_empty()
            };
            answers.iter().all(refused).then_some(())
        };
        until("an end of promises", look).await;
    }

    /// Everything that was begun, before or meanwhile, and one more booking.
    async fn ends_right(self) {
        self.paying.join_all().await;
        let next = self.visit.customer().stubborn().books(Order::new(&self.visit)).await;
        pays(next).await;
        self.visit.assert_balanced().await;
        self.visit.assert_quiet().await;
    }
}

/// After a long repair the time may be over; then there is nothing to pay any more.
async fn pays(booking: Booking) {
    if let Some(payment) = booking.may_open_payment().await {
        payment.tries(Shopper::Approves).await;
    }
}
