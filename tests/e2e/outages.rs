//! An engine is away, killed or stopped, while bookings are at every stage: nothing is promised that is not kept, reads go
//! on where they can, and afterwards everything ends right by itself, once.

use harness::{Answer, Booking, Customer, Order, Payment, Shopper, Visit, until, visit_alone};
use serde_json::{Value, json};
use stack::Engine;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// How an engine goes away.
#[derive(Clone, Copy)]
enum Away {
    Killed,
    Stopped,
}

impl Away {
    async fn goes(self, engine: &Engine) {
        match self {
            Self::Killed => engine.kill_9().await,
            Self::Stopped => engine.stop().await,
        }
    }
}

/// Bookings at every stage.
struct Stages {
    visit: Arc<Visit>,
    confirmed: Booking,
    held: Booking,
    /// Of the one that is held.
    page: Payment,
    confirming: Booking,
    refunding: Booking,
    starting: JoinHandle<Booking>,
}

/// A vendor takes so long for what is under way when the engine goes away.
const UNDER_WAY_MS: u64 = 1_000;

impl Stages {
    async fn reached() -> Self {
        let visit = visit_alone().await;
        let books = async |order| visit.customer().books(order).await;
        let confirmed = books(Order::new(&visit).free()).await;
        confirmed.until_ticket().await;
        let held = books(Order::new(&visit)).await;
        let page = held.opens_payment().await;

        let refunding = books(Order::new(&visit)).await;
        let payment = refunding.opens_payment().await;
        let slowly = ("delay", UNDER_WAY_MS);
        visit.hyperpay().fails_for("refund", payment.reference(), slowly).await;
        refunding.cancels().await;
        let confirming = books(Order::new(&visit)).await;
        visit.vista().fails_for("pay_order", confirming.bare(), slowly).await;
        confirming.pays().await;
        payment.shopper(Shopper::Approves).await;
        visit.until_under_way("confirm_order", Some(&confirming)).await;
        visit.until_under_way("send_refund", Some(&refunding)).await;

        let (customer, order) = (visit.customer().stubborn(), Order::new(&visit));
        let starting = tokio::spawn(async move { customer.books(order).await });
        Self { visit, confirmed, held, page, confirming, refunding, starting }
    }

    /// Everything has ended as if nothing had been, once: the money that came meanwhile has won or is back.
    async fn end_right(self) {
        self.starting.await.unwrap();
        self.confirming.until_ticket().await;
        assert_eq!(self.refunding.until_refunded().await["status"], "CANCELLED");
        let ended = |view: &Value| {
            view["ticket"]["status"] == "ISSUED" || view["refunds"][0]["status"] == "REFUNDED"
        };
        self.held.until_so("a ticket, or the money back", ended).await;
        self.visit.assert_balanced().await;
        self.visit.assert_quiet().await;
    }
}

/// A customer who is told to come again, and does.
struct Undeterred {
    customer: Customer,
    order: Order,
    keys: [String; 2],
}

impl Undeterred {
    fn new(visit: &Arc<Visit>) -> Self {
        let keys = [Customer::key(), Customer::key()];
        Self { customer: visit.customer(), order: Order::new(visit), keys }
    }

    /// Each wish is refused, however often it comes.
    async fn is_refused(&self) {
        let [one, other] = &self.keys;
        for _ in 0..2 {
            let one = self.customer.orders(&self.order, one);
            let (one, other) = tokio::join!(one, self.customer.orders(&self.order, other));
            assert_away(&one);
            assert_away(&other);
        }
    }

    /// Afterwards each wish is one booking, however often it comes; of those one gets the seats.
    async fn is_served_once_for_each_key(&self) {
        let customer = self.customer.stubborn();
        for key in self.keys.iter().chain(&self.keys) {
            assert_eq!(customer.orders(&self.order, key).await.status, 202);
        }
        let query = "SELECT count(*) FROM bookings WHERE caller = $1";
        let db = &customer.visit.db;
        let bookings: i64 =
            sqlx::query_scalar(query).bind(&customer.id).fetch_one(db).await.unwrap();
        assert_eq!(bookings, 2);
    }
}

/// Not now, but soon, and nothing was promised.
fn assert_away(answer: &Answer) {
    assert_eq!((answer.status, &answer.body["retryable"]), (503, &json!(true)), "{answer:?}");
    assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
}

async fn restate_is_away(how: Away) {
    let stages = Stages::reached().await;
    let visit = &stages.visit;
    let restate = &visit.system.engines.restate;
    how.goes(restate).await;

    let undeterred = Undeterred::new(visit);
    undeterred.is_refused().await;
    let refused = undeterred.customer.orders(&undeterred.order, &Customer::key()).await;
    refused.assert_problem(503, "engine_away");
    assert_away(&stages.held.cancels().await);
    assert_away(&stages.held.tries_to_pay(&Customer::key()).await);
    // Looking needs no engine.
    assert_eq!(stages.held.looks().await["payments"][0]["id"], stages.page.id);
    assert_eq!(stages.refunding.status().await, "CANCELLED");
    let Booking { customer, id, order } = &stages.confirmed;
    let seats = format!("/api/v1/cinemas/0001/sessions/{}/seats", order.session);
    for path in [format!("/api/v1/orders/{id}/ticket.svg"), seats] {
        assert_eq!(customer.gets(&path).await.status, 200, "{path}");
    }
    // The vendor keeps what nobody can take, and brings it again.
    stages.page.shopper(Shopper::Approves).await;
    let redelivery = json!({ "reference": stages.page.reference() });
    assert_eq!(visit.hyperpay().redelivers(&redelivery).await, [json!(503)]);

    restate.start().await.unwrap();
    undeterred.is_served_once_for_each_key().await;
    stages.end_right().await;
}

#[tokio::test]
async fn a_killed_restate_loses_nothing_and_starts_nothing_twice() {
    restate_is_away(Away::Killed).await;
}

#[tokio::test]
async fn a_stopped_restate_loses_nothing_and_starts_nothing_twice() {
    restate_is_away(Away::Stopped).await;
}

async fn postgres_is_away(how: Away) {
    let stages = Stages::reached().await;
    let visit = &stages.visit;
    let postgres = &visit.system.engines.postgres;
    how.goes(postgres).await;

    // Restate keeps a webhook until the tables are back: it is accepted, and the vendor does not bring it again.
    stages.page.shopper(Shopper::Approves).await;
    let redelivery = json!({ "reference": stages.page.reference() });
    assert_eq!(visit.hyperpay().redelivers(&redelivery).await, [json!(200)]);
    // It has these wishes, too, but nobody was told so: they are there when they come again.
    let undeterred = Undeterred::new(visit);
    let (Booking { customer, id, .. }, key) = (&stages.held, Customer::key());
    let path = format!("/api/v1/orders/{id}");
    let (read, cancel, pay, ()) = tokio::join!(
        customer.gets(&path),
        stages.held.cancels(),
        stages.held.tries_to_pay(&key),
        undeterred.is_refused(),
    );
    for answer in [read, cancel, pay] {
        assert_away(&answer);
    }

    postgres.start().await.unwrap();
    undeterred.is_served_once_for_each_key().await;
    assert_eq!(verdict(&stages.page).await, "APPLIED");
    stages.end_right().await;
}

/// What became of the webhook about a payment.
async fn verdict(payment: &Payment) -> String {
    let query = "SELECT verdict FROM webhook_deliveries WHERE claim ->> 'reference' = $1";
    let db = &payment.booking.customer.visit.db;
    let look = || async {
        let found = sqlx::query_scalar::<_, Option<String>>(query).bind(payment.reference());
        found.fetch_optional(db).await.ok().flatten().flatten()
    };
    until("the webhook's verdict", look).await
}

#[tokio::test]
async fn a_killed_postgres_loses_nothing_and_no_webhook() {
    postgres_is_away(Away::Killed).await;
}

#[tokio::test]
async fn a_stopped_postgres_loses_nothing_and_no_webhook() {
    postgres_is_away(Away::Stopped).await;
}
