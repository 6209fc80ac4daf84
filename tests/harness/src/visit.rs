//! A visit: one test's part of a system. It knows its bookings, keeps their books, and shows its evidence when it fails.

use super::{
    checker::{self, Violation},
    customer::Customer,
    evidence,
    order::Booking,
    system::{Setup, System},
    until,
    vendors::{HyperPay, Vista},
};
use gateway::Kind;
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgPoolOptions};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime::Runtime,
    sync::{Semaphore, SemaphorePermit},
};

/// One system for all tests that leave it standing. Its runtime is no test's, and never ends.
static SHARED: LazyLock<Arc<System>> = LazyLock::new(|| {
    let start = || {
        let runtime = Box::leak(Box::new(Runtime::new().unwrap()));
        Arc::new(runtime.block_on(System::start(&Setup::default())))
    };
    std::thread::spawn(start).join().unwrap()
});

/// Tests with a system of their own take turns: two cores carry the shared one and two more, not five.
static TURNS: Semaphore = Semaphore::const_new(2);

/// The stand-in has these sessions, 520 seats each; nobody takes another's.
static NEXT_SESSION: AtomicU32 = AtomicU32::new(3_000);
static NEXT_CUSTOMER: AtomicU32 = AtomicU32::new(1);

pub struct Visit {
    pub system: Arc<System>,
    pub http: reqwest::Client,
    pub db: PgPool,
    /// Bare ids of the bookings.
    bookings: Mutex<Vec<String>>,
    /// Ids that callers were given with a 202.
    promised: Mutex<Vec<String>>,
    /// Only for a system of one's own.
    turn: Option<SemaphorePermit<'static>>,
}

/// On the shared system.
pub async fn visit() -> Arc<Visit> {
    Visit::of(Arc::clone(&SHARED), None)
}

/// On a system of its own, which may be killed.
pub async fn visit_alone() -> Arc<Visit> {
    visit_with(Setup::default()).await
}

/// On a system of its own, set up like this.
pub async fn visit_with(setup: Setup) -> Arc<Visit> {
    let turn = TURNS.acquire().await.unwrap();
    Visit::of(Arc::new(System::start(&setup).await), Some(turn))
}

impl Visit {
    fn of(system: Arc<System>, turn: Option<SemaphorePermit<'static>>) -> Arc<Self> {
        // Each test has a runtime of its own, and so connections of its own, which are not kept: servers get killed.
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(35))
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let db = PgPoolOptions::new().max_connections(3).connect_lazy(&system.database).unwrap();
        let (bookings, promised) = (Mutex::default(), Mutex::default());
        Arc::new(Self { system, http, db, bookings, promised, turn })
    }

    /// Somebody nobody else is.
    pub fn customer(self: &Arc<Self>) -> Customer {
        let number = NEXT_CUSTOMER.fetch_add(1, Ordering::Relaxed);
        Customer::new(self, &format!("visitor-{number}"))
    }

    /// A kiosk of the cinema's: by its credential, no limit on persons is meant for it.
    pub fn kiosk(self: &Arc<Self>) -> Customer {
        let number = NEXT_CUSTOMER.fetch_add(1, Ordering::Relaxed);
        Customer::of_kind(self, (Kind::Kiosk, "kiosk"), &format!("kiosk-{number}"))
    }

    /// The kiosk that has a terminal.
    pub fn kiosk_with_terminal(self: &Arc<Self>) -> Customer {
        Customer::of_kind(self, (Kind::Kiosk, "kiosk"), "1")
    }

    /// A session nobody else goes to.
    pub fn session(&self) -> String {
        NEXT_SESSION.fetch_add(1, Ordering::Relaxed).to_string()
    }

    pub fn vista(&self) -> Vista<'_> {
        Vista(self)
    }

    pub fn hyperpay(&self) -> HyperPay<'_> {
        HyperPay(self)
    }

    /// The booking's books are kept from now on.
    pub(crate) fn remember(&self, booking: &str) {
        let mut bookings = self.bookings.lock().unwrap();
        if !bookings.iter().any(|known| known == booking) {
            bookings.push(booking.to_owned());
        }
    }

    /// This id was given to a caller with a 202.
    pub fn promise(&self, id: &str) {
        self.promised.lock().unwrap().push(id.to_owned());
    }

    pub(crate) fn promised(&self) -> Vec<String> {
        self.promised.lock().unwrap().clone()
    }

    /// Whether other tests use this system at the same time.
    pub(crate) fn shared(&self) -> bool {
        self.turn.is_none()
    }

    /// Bare ids.
    pub(crate) fn bookings(&self) -> Vec<String> {
        self.bookings.lock().unwrap().clone()
    }

    /// All three books of every booking of this visit agree, and nothing is left open.
    pub async fn assert_balanced(&self) {
        checker::assert_balanced(self, &[]).await;
    }

    /// The same, but a person has to decide about these causes.
    pub async fn assert_balanced_but_for(&self, causes: &[&str]) {
        checker::assert_balanced(self, causes).await;
    }

    /// The books must not agree, and say why: the checker checked.
    pub async fn assert_unbalanced(&self, why: &str) {
        checker::assert_unbalanced(self, why).await;
    }

    /// The books must not agree in the end, and say why: for tests that took a safeguard out. On a shared system, what
    /// only has to be so in the end is waited for as long as for anything.
    pub async fn assert_unbalanced_in_the_end(&self, why: &str) {
        checker::assert_unbalanced_in_the_end(self, why).await;
    }

    /// Waits at most this long until all books of every booking agree, and nothing is left open but cases with these
    /// causes. Ok: what was waited for last. Err: what is wrong; at once, if it may never be.
    pub async fn balances_within(
        &self,
        causes: &[&str],
        patience: Duration,
    ) -> Result<Option<Violation>, Vec<Violation>> {
        checker::balance(self, causes, patience).await
    }

    /// What is wrong with the books now, but for cases with these causes. What is only underway is in it, too.
    pub async fn violations(&self, causes: &[&str]) -> Vec<Violation> {
        checker::violations(self, causes).await
    }

    /// Timelines, vendor calls and cases of these bookings (bare ids), and what Usher has written about them.
    pub async fn evidence(&self, bookings: &[String]) -> String {
        evidence::collect(&self.system, bookings).await
    }

    /// How many bookings have no end yet, of all there are.
    pub async fn open_bookings(&self) -> i64 {
        let query = "SELECT count(*) FROM bookings
                     WHERE status IN ('REQUESTED', 'PENDING', 'CONFIRMING')";
        sqlx::query_scalar(query).fetch_one(&self.db).await.unwrap()
    }

    /// Bookings, by their bare ids, that are in the middle of something, and wait for no customer.
    pub async fn under_way(&self) -> BTreeSet<String> {
        let query = "SELECT booking_id::text FROM bookings LEFT JOIN tickets USING (booking_id)
                     WHERE bookings.status IN ('REQUESTED', 'CONFIRMING')
                        OR bookings.status = 'CONFIRMED' AND issued_at IS NULL
                     UNION SELECT booking_id::text FROM refunds WHERE status <> 'REFUNDED' AND receipt IS NULL
                     UNION SELECT booking_id::text FROM vendor_calls WHERE outcome IS NULL";
        sqlx::query_scalar(query).fetch_all(&self.db).await.unwrap().into_iter().collect()
    }

    /// Waits until this step, of this booking or of any, was sent to its vendor and nobody knows yet what came of it.
    pub async fn until_under_way(&self, step: &str, of: Option<&Booking>) {
        let query = "SELECT count(*) FROM vendor_calls WHERE step = $1 AND sent_at IS NOT NULL
                     AND outcome IS NULL AND booking_id = COALESCE($2, booking_id)";
        let look = || async {
            let query = sqlx::query_scalar::<_, i64>(query).bind(step);
            let under_way = query.bind(of.map(Booking::bare)).fetch_one(&self.db).await;
            (under_way.ok()? > 0).then_some(())
        };
        until(&format!("{step} under way"), look).await;
    }

    /// Waits until a person is asked about this booking.
    pub async fn until_case(&self, cause: &str, of: &Booking) {
        let query = "SELECT count(*) FROM cases WHERE cause = $1 AND booking_id = $2";
        let look = || async {
            let query = sqlx::query_scalar::<_, i64>(query).bind(cause).bind(of.bare());
            (query.fetch_one(&self.db).await.ok()? > 0).then_some(())
        };
        until(&format!("a case: {cause}"), look).await;
    }

    /// Waits until the engine has nothing left to do: no workflow runs, waits or fails. Only on a system of one's own.
    pub async fn assert_quiet(&self) {
        let look = || async { self.is_quiet().await.then_some(()) };
        until("an engine with nothing left to do", look).await;
    }

    /// Whether the engine has nothing left to do.
    pub async fn is_quiet(&self) -> bool {
        let url = format!("{}/query", self.system.engines.restate_admin_url());
        let query = "SELECT count(*) AS running FROM sys_invocation WHERE status <> 'completed'";
        let asked = self.http.post(&url).header("accept", "application/json");
        let Ok(answer) = asked.json(&json!({ "query": query })).send().await else { return false };
        let counted: Value = answer.json().await.unwrap_or_default();
        counted["rows"][0]["running"] == 0
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if std::thread::panicking() {
            evidence::show(&self.system, &self.bookings());
        }
    }
}
