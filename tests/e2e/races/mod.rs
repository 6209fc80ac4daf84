//! Races: two things of which one may win, sent off at the same instant a few hundred times; then all books must agree.
//!
//! Every race is run `USHER_RACES` times; one about paying is run at every vendor at once, so many times in all. Who won
//! how often is printed (`cargo test races -- --show-output`), and each side must have won: a race that always goes the
//! same way shows nothing about the other.

mod money;
mod refunds;
mod seats;
mod webhooks;

use harness::{AT_THE_COUNTER, Booking, Customer, Order, Payment, Visit, Way, until};
use serde_json::Value;
use sqlx::PgPool;
use std::{
    env,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::JoinSet,
};

/// How often each race is run when nobody says otherwise.
const RACES: usize = 200;
/// So many are under way at once: two cores carry them.
const AT_ONCE: usize = 16;
/// Whoever has won starts this much later the next time.
const HANDICAP_MS: i64 = 3;
/// The same where a race is run only a few dozen times.
const LARGE_HANDICAP_MS: i64 = 25;
/// A hall has 26 rows of 20 seats.
const ROW: usize = 20;
const HALL: usize = 26 * ROW;

/// One kind of race, run many times at once.
struct Race {
    visit: Arc<Visit>,
    /// How its customers pay.
    way: Way,
    sides: [&'static str; 2],
    won: [AtomicUsize; 2],
    /// How much later the first side starts than the second; earlier, when it is negative.
    handicap_ms: AtomicI64,
    step_ms: i64,
    times: usize,
    lanes: Semaphore,
    halls: Vec<String>,
}

impl Race {
    fn new(visit: &Arc<Visit>, sides: [&'static str; 2]) -> Self {
        let times = env::var("USHER_RACES").map_or(RACES, |times| times.parse().unwrap());
        Self {
            visit: Arc::clone(visit),
            way: Way::HyperPayPage,
            sides,
            won: Default::default(),
            handicap_ms: AtomicI64::new(0),
            step_ms: HANDICAP_MS,
            times,
            lanes: Semaphore::new(AT_ONCE),
            halls: (0..times.div_ceil(HALL)).map(|_| visit.session()).collect(),
        }
    }

    /// Its part of a race that is run so many ways at once.
    fn of(self, way: Way, ways: usize) -> Self {
        let lanes = AT_ONCE.div_ceil(ways);
        Self { way, step_ms: LARGE_HANDICAP_MS, ..self.one_in(ways).with_lanes(lanes) }
    }

    /// Only every so many times: each of them is many by itself.
    fn one_in(self, many: usize) -> Self {
        Self { times: self.times.div_ceil(many), ..self }
    }

    /// So few at once that a sweep is soon done with all of them.
    fn with_lanes(self, lanes: usize) -> Self {
        Self { lanes: Semaphore::new(lanes), ..self }
    }

    /// The first side is so much quicker, or about that.
    fn with_handicap(self, ms: i64) -> Self {
        Self { handicap_ms: AtomicI64::new(ms), ..self }
    }

    /// Runs all of them to their ends.
    async fn run<Run, Running>(self, once: Run) -> Arc<Self>
    where
        Run: Fn(Arc<Self>, usize) -> Running,
        Running: Future<Output = ()> + Send + 'static,
    {
        let race = Arc::new(self);
        let mut all = JoinSet::new();
        for number in 0..race.times {
            all.spawn(once(Arc::clone(&race), number));
        }
        all.join_all().await;
        race.have_ended().await;
        race
    }

    /// Nothing of theirs is under way. The books say much more; but opening them takes long, for so many.
    async fn have_ended(&self) {
        let query = "SELECT count(*) FROM bookings LEFT JOIN tickets USING (booking_id)
                     LEFT JOIN refunds USING (booking_id)
                     WHERE session_id = ANY($1)
                       AND (bookings.status IN ('REQUESTED', 'PENDING', 'CONFIRMING')
                            OR bookings.status = 'CONFIRMED' AND issued_at IS NULL
                            OR refunds.status <> 'REFUNDED')";
        let look = || async {
            let query = sqlx::query_scalar::<_, i64>(query).bind(&self.halls);
            (query.fetch_one(&self.visit.db).await.ok()? == 0).then_some(())
        };
        until("an end of every race", look).await;
    }

    /// Waits for a free lane, which is taken until this is dropped.
    async fn lane(&self) -> SemaphorePermit<'_> {
        self.lanes.acquire().await.unwrap()
    }

    /// A new customer. Under this load an answer may be: not started in time, ask again.
    fn customer(&self) -> Customer {
        self.visit.customer_for(self.way).stubborn()
    }

    /// A seat that no other race wants.
    fn seat(&self, number: usize) -> Order {
        let row = char::from(b'A' + u8::try_from(number % HALL / ROW).unwrap());
        Order::of(&self.halls[number / HALL], &[&format!("{row}{}", number % ROW + 1)])
    }

    /// A new customer holds this seat.
    async fn books(&self, number: usize) -> Booking {
        self.customer().books(self.seat(number)).await
    }

    /// A new customer who holds this seat is on a page to pay on. On a machine that is so busy that the booking's time is
    /// over before that, there is another try.
    async fn page(&self, number: usize) -> Payment {
        loop {
            let booking = self.books(number).await;
            if let Some(page) = booking.may_open(self.way, &Customer::key()).await {
                return page;
            }
        }
    }

    /// The same, and all that is left is the customer's last act.
    async fn last_act(&self, number: usize) -> (Payment, Value) {
        loop {
            let page = self.page(number).await;
            if let Some(act) = page.last_act().await {
                return (page, act);
            }
        }
    }

    /// How much later the first side has to start for an even race.
    fn handicap_ms(&self) -> i64 {
        self.handicap_ms.load(Ordering::Relaxed)
    }

    /// Sends both sides off at once, but for the handicap.
    async fn both<One, Other>(
        &self,
        one: impl Future<Output = One>,
        other: impl Future<Output = Other>,
    ) -> (One, Other) {
        let handicap = self.handicap_ms();
        tokio::join!(after(handicap, one), after(-handicap, other))
    }

    /// The first side has won, or the second.
    fn has_won(&self, side: usize) {
        self.won[side].fetch_add(1, Ordering::Relaxed);
        let later = if side == 0 { self.step_ms } else { -self.step_ms };
        self.handicap_ms.fetch_add(later, Ordering::Relaxed);
    }

    /// Every race was won by somebody, and neither side won them all.
    #[expect(clippy::print_stdout, reason = "how close it was is part of the result")]
    fn assert_close(&self) {
        let ([first, second], won) = (self.sides, self.won.each_ref());
        let [one, other] = won.map(|side| side.load(Ordering::Relaxed));
        let way = self.way;
        let result = format!("{first} against {second}, {way:?}: {one} to {other}");
        println!("{result}");
        assert_eq!(one + other, self.times, "{result}");
        assert!(one > 0 && other > 0, "{result}");
    }
}

/// Runs a race at every vendor at once: in each of these ways as many times as to make it `USHER_RACES` in all.
async fn in_all<Run, Running>(visit: &Arc<Visit>, sides: [&'static str; 2], ways: &[Way], once: Run)
where
    Run: Fn(Arc<Race>, usize) -> Running + Copy + Send + Sync + 'static,
    Running: Future<Output = ()> + Send + 'static,
{
    let mut races = JoinSet::new();
    for way in ways {
        races.spawn(Race::new(visit, sides).of(*way, ways.len()).run(once));
    }
    for race in races.join_all().await {
        race.assert_close();
    }
    // What a terminal cannot reverse any more a person at the counter is asked for.
    visit.assert_balanced_but_for(&[AT_THE_COUNTER]).await;
}

/// Begins after so many milliseconds, if they are any.
async fn after<T>(ms: i64, then: impl Future<Output = T>) -> T {
    tokio::time::sleep(Duration::from_millis(u64::try_from(ms).unwrap_or(0))).await;
    then.await
}

/// What this query says about a booking, once it says something.
async fn row<T>(booking: &Booking, query: &'static str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let db: &PgPool = &booking.customer.visit.db;
    let look = || async {
        let found = sqlx::query_scalar(query).bind(booking.bare()).fetch_optional(db);
        found.await.ok().flatten()
    };
    until(&format!("{query} of {booking:?}"), look).await
}

/// The status of a booking once nobody can pay or cancel it any more.
async fn left_pending(booking: &Booking) -> String {
    let query = "SELECT status FROM bookings
                 WHERE booking_id = $1 AND status NOT IN ('REQUESTED', 'PENDING')";
    row(booking, query).await
}
