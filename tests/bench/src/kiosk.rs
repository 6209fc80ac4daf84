//! The kiosks, and all who stand at them: they book, pay and look over connections that are kept, as a load balancer's are.

use crate::{seats::Seats, ways::Ways};
use chrono::{DateTime, Utc};
use harness::{Answer, Shopper, Visit};
use reqwest::{Client, Method, RequestBuilder, header};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Semaphore, time::sleep};

/// So many kiosks: of each only so many customers may wait for news at a time, and the others would ask again and again.
const KIOSKS: usize = 32;
/// Requests of ours that may be under way; who comes beyond that waits, and the wait is measured.
const AT_ONCE: usize = 512;
/// No answer within this is none.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// A booking that gets nowhere for so long ends the bench.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks at a booking that has not changed. A server that honours `Prefer: wait` answers at the change, and
/// then none of this is waited.
const LOOK_FIRST: Duration = Duration::from_millis(20);
const LOOK_LONGEST: Duration = Duration::from_millis(320);
const WAIT: &str = "wait=10";

static NEXT_KEY: AtomicU64 = AtomicU64::new(1);
static NEXT_CUSTOMER: AtomicUsize = AtomicUsize::new(0);

pub(crate) struct Kiosk {
    pub visit: Arc<Visit>,
    /// A ticket's picture is waited for.
    pictures: bool,
    /// How the customers pay.
    ways: Ways,
    /// The how-manieth customer has sent this order's key, and owns this booking.
    customers: Mutex<HashMap<String, usize>>,
    seats: Seats,
    http: Client,
    /// Of every kiosk; the first has the terminal.
    tokens: Vec<String>,
    turns: Semaphore,
    /// Requests sent, and those that had no answer or one that says "later".
    sent: AtomicU64,
    unanswered: AtomicU64,
}

impl Kiosk {
    pub(crate) fn new(visit: &Arc<Visit>, pictures: bool, ways: Ways) -> Arc<Self> {
        let http = Client::builder()
            .no_proxy()
            .timeout(ANSWER_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let mut tokens = vec![visit.kiosk_with_terminal().token().to_owned()];
        tokens.extend((1..KIOSKS).map(|_| visit.kiosk().token().to_owned()));
        Arc::new(Self {
            visit: Arc::clone(visit),
            pictures,
            ways,
            customers: Mutex::default(),
            seats: Seats::default(),
            http,
            tokens,
            turns: Semaphore::new(AT_ONCE),
            sent: AtomicU64::default(),
            unanswered: AtomicU64::default(),
        })
    }

    /// Requests sent so far, and how many of them had no answer or one that says "later".
    pub(crate) fn counted(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.unanswered.load(Ordering::Relaxed))
    }

    /// A name for something that is wanted once.
    pub(crate) fn key() -> String {
        format!("bench-{}", NEXT_KEY.fetch_add(1, Ordering::Relaxed))
    }

    /// An order nobody has made yet.
    pub(crate) fn order(&self) -> Value {
        self.seats.order()
    }

    /// Orders once. The booking's id if it was accepted: 202, and the row is written.
    pub(crate) async fn orders(&self, order: &Value, key: &str) -> Result<String, Refused> {
        let nth = self.customer(key);
        let booking = self.starts(nth, "/api/v1/orders", order, key).await?;
        self.customers.lock().unwrap().insert(booking.clone(), nth);
        Ok(booking)
    }

    /// Who sends an order under this key, or owns this booking; somebody new, if nobody has yet.
    fn customer(&self, name: &str) -> usize {
        let mut customers = self.customers.lock().unwrap();
        let new = || NEXT_CUSTOMER.fetch_add(1, Ordering::Relaxed);
        *customers.entry(name.to_owned()).or_insert_with(new)
    }

    /// Of the kiosk where this customer stands.
    fn token(&self, nth: usize) -> &str {
        if self.ways.at_the_terminal(nth) {
            return &self.tokens[0];
        }
        &self.tokens[1 + nth % (KIOSKS - 1)]
    }

    /// Books and pays, to the ticket. The booking's id; None if it ended otherwise.
    pub(crate) async fn books(&self) -> Option<String> {
        let page = self.reaches_the_page().await?;
        self.approves(&page).await?;
        self.gets_the_ticket(page).await
    }

    /// Books, and goes as far as the customer's last click, unless the booking ends before.
    pub(crate) async fn reaches_the_page(&self) -> Option<Page> {
        let (order, key) = (self.order(), Self::key());
        let booking = self.until("an order", || self.orders(&order, &key)).await?;
        let held = |view: &Value| (view["status"] == "PENDING").then_some(());
        self.follows(&booking, "its seats", held).await?;
        let (path, key) = (format!("/api/v1/orders/{booking}/payments"), Self::key());
        let nth = self.customer(&booking);
        let body = self.ways.asked(nth, &self.visit, &key).await;
        self.until("a payment", || self.starts(nth, &path, &body, &key)).await?;
        let page = self.asks_next(booking, &Value::Null).await?;
        if page.next["is"] != "form" {
            return Some(page);
        }
        if !self.visit.fills_in(&page.vendor, &page.session, &page.next).await {
            return None;
        }
        self.asks_next(page.booking, &page.next).await
    }

    /// What the vendor asks of the customer next, once it is something else than what is done.
    async fn asks_next(&self, booking: String, done: &Value) -> Option<Page> {
        let find = |view: &Value| {
            let payment = &view["payments"][0];
            let text = |field: &str| payment[field].as_str().map(str::to_owned);
            let (vendor, session) = (text("provider")?, text("vendor_session")?);
            let (id, amount) = (text("id")?, payment["amount"]["amount_minor"].clone());
            let next = payment["next"].clone();
            let is_new = !next.is_null() && next != *done;
            is_new.then_some((id, vendor, session, next, amount))
        };
        let found = self.follows(&booking, "a page to pay on", find).await?;
        let (payment, vendor, session, next, amount) = found;
        Some(Page { booking, payment, vendor, session, next, amount })
    }

    /// The shopper pays, unless it is too late for that. When: just before the click is sent, so the vendor's work and
    /// its webhook come after it.
    pub(crate) async fn approves(&self, page: &Page) -> Option<DateTime<Utc>> {
        match page.next["is"].as_str()? {
            "otp" => self.types(page).await,
            "terminal" => {
                let _turn = self.turns.acquire().await.unwrap();
                let paid_at = Utc::now();
                self.visit.taps(&page.next, &page.amount, Shopper::Approves).await;
                Some(paid_at)
            }
            "widget" | "redirect" => {
                let _turn = self.turns.acquire().await.unwrap();
                let paid_at = Utc::now();
                let Page { vendor, session, .. } = page;
                let answer = self.visit.at_vendor(vendor, session, Shopper::Approves).await;
                (answer.status == 200).then_some(paid_at)
            }
            _ => None,
        }
    }

    /// The password from the phone.
    async fn types(&self, page: &Page) -> Option<DateTime<Utc>> {
        let password = json!({ "otp": self.visit.password().await });
        let path = format!("/api/v1/orders/{}/payments/{}/otp", page.booking, page.payment);
        let paid_at = Utc::now();
        let nth = self.customer(&page.booking);
        let answer = self.posts(nth, &path, &password, &page.payment).await?;
        (answer.status == 202).then_some(paid_at)
    }

    /// Looks until there is a ticket, or, without pictures, the code for the door. The booking's id; None if it ended
    /// otherwise.
    pub(crate) async fn gets_the_ticket(&self, page: Page) -> Option<String> {
        let (place, word) =
            if self.pictures { ("/ticket/status", "ISSUED") } else { ("/status", "CONFIRMED") };
        let issued = |view: &Value| (view.pointer(place)? == word).then_some(());
        self.follows(&page.booking, "its ticket", issued).await?;
        Some(page.booking)
    }

    /// Looks at a booking once. Whether it was shown.
    pub(crate) async fn looks(&self, booking: &str) -> bool {
        let nth = self.customer(booking);
        let request = self.request(nth, Method::GET, &format!("/api/v1/orders/{booking}"));
        self.asks(request).await.is_some_and(|answer| answer.status == 200)
    }

    /// Calls a booking off, unless it has ended already.
    pub(crate) async fn calls_off(&self, booking: &str) {
        let (path, key) = (format!("/api/v1/orders/{booking}/cancel"), Self::key());
        let nth = self.customer(booking);
        let cancel = || async {
            let answer = self.posts(nth, &path, &json!({}), &key).await;
            if answer.as_ref().is_some_and(|answer| answer.status == 200) {
                Ok(())
            } else {
                Err(Refused(answer))
            }
        };
        self.until("a cancel", cancel).await;
    }

    /// Looks until there is what is looked for, at every change when the server says when that is. None: the booking
    /// has ended without it.
    async fn follows<T>(
        &self,
        booking: &str,
        what: &str,
        find: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let (path, deadline) = (format!("/api/v1/orders/{booking}"), Instant::now() + PATIENCE);
        let nth = self.customer(booking);
        let (mut seen, mut version, mut pause) = (None, Value::Null, LOOK_FIRST);
        loop {
            let began = Instant::now();
            let mut request = self.request(nth, Method::GET, &path);
            if let Some(etag) = &seen {
                request = request.header(header::IF_NONE_MATCH, etag).header("prefer", WAIT);
            }
            if let Some(answer) = self.asks(request).await.filter(|answer| answer.status == 200) {
                let found = find(&answer.body);
                if found.is_some() || has_ended(&answer.body) {
                    return found;
                }
                let changed = answer.body["version"] != version;
                pause = if changed { LOOK_FIRST } else { (pause * 2).min(LOOK_LONGEST) };
                seen = answer.headers.get(header::ETAG).cloned();
                version = answer.body["version"].clone();
            }
            assert!(Instant::now() < deadline, "it never came: {what} of {booking}");
            sleep(pause.saturating_sub(began.elapsed())).await;
        }
    }

    /// Asks the same again until it is answered. None: it is too late for that.
    async fn until<T, Ask, Asking>(&self, what: &str, ask: Ask) -> Option<T>
    where
        Ask: Fn() -> Asking,
        Asking: Future<Output = Result<T, Refused>>,
    {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match ask().await {
                Ok(done) => return Some(done),
                Err(Refused(Some(answer))) if answer.status == 409 => return None,
                Err(last) => assert!(Instant::now() < deadline, "it never came: {what}; {last:?}"),
            }
            sleep(LOOK_FIRST).await;
        }
    }

    /// What is started under a key. Its id, with a 202.
    async fn starts(
        &self,
        nth: usize,
        path: &str,
        body: &Value,
        key: &str,
    ) -> Result<String, Refused> {
        let answer = self.posts(nth, path, body, key).await;
        let accepted = answer.as_ref().filter(|answer| answer.status == 202);
        match accepted.and_then(|answer| answer.body["id"].as_str()) {
            Some(id) => {
                self.visit.promise(id);
                Ok(id.to_owned())
            }
            None => Err(Refused(answer)),
        }
    }

    async fn posts(&self, nth: usize, path: &str, body: &Value, key: &str) -> Option<Answer> {
        let request = self.request(nth, Method::POST, path).header("idempotency-key", key);
        self.asks(request.json(body)).await
    }

    fn request(&self, nth: usize, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.visit.system.gateway);
        self.http.request(method, url).bearer_auth(self.token(nth))
    }

    /// The answer, unless there is none or it says "later".
    async fn asks(&self, request: RequestBuilder) -> Option<Answer> {
        let turn = self.turns.acquire().await.unwrap();
        self.sent.fetch_add(1, Ordering::Relaxed);
        let answer = match request.send().await {
            Ok(answer) => Some(Answer::read(answer).await),
            Err(_) => None,
        };
        drop(turn);
        let answer = answer.filter(|answer| answer.status < 500 && answer.status != 429);
        if answer.is_none() {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}

/// Another answer than was asked for; None: no answer, or one that says "later".
#[derive(Debug)]
pub(crate) struct Refused(Option<Answer>);

/// A payment of a booking, and what its customer has to do next: on the vendor's page, mostly.
pub(crate) struct Page {
    pub booking: String,
    payment: String,
    vendor: String,
    session: String,
    next: Value,
    amount: Value,
}

/// Without a ticket.
fn has_ended(view: &Value) -> bool {
    let status = view["status"].as_str().unwrap_or_default();
    ["REJECTED", "CANCELLED", "EXPIRED"].contains(&status)
}
