//! What customers do with a booking of theirs: look, pay, call it off.

use super::{
    customer::{Answer, Customer},
    until,
    vendors::Shopper,
    visit::Visit,
};
use serde_json::{Value, json};
use std::fmt;

/// Which seats of which session.
#[derive(Clone, Debug)]
pub struct Order {
    pub session: String,
    pub seats: Vec<String>,
    ticket_type: &'static str,
}

impl Order {
    /// Two seats of a session that is all ours.
    pub fn new(visit: &Visit) -> Self {
        Self::of(&visit.session(), &["A1", "A2"])
    }

    pub fn of(session: &str, seats: &[&str]) -> Self {
        let seats = seats.iter().map(|seat| (*seat).to_owned()).collect();
        Self { session: session.to_owned(), seats, ticket_type: "0001" }
    }

    /// With tickets that cost nothing.
    #[must_use]
    pub fn free(self) -> Self {
        Self { ticket_type: "0003", ..self }
    }

    pub fn body(&self) -> Value {
        let ticket = |seat: &String| json!({ "seat": seat, "ticket_type": self.ticket_type });
        let seats: Vec<Value> = self.seats.iter().map(ticket).collect();
        json!({ "cinema_id": "0001", "session_id": self.session, "seats": seats })
    }
}

#[derive(Clone)]
pub struct Booking {
    pub customer: Customer,
    /// `bk_…`
    pub id: String,
    pub order: Order,
}

/// Its `Debug` goes into messages: only the id says anything there.
impl fmt::Debug for Booking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl Booking {
    pub fn bare(&self) -> &str {
        self.id.trim_start_matches("bk_")
    }

    fn path(&self) -> String {
        format!("/api/v1/orders/{}", self.id)
    }

    /// The booking now.
    pub async fn looks(&self) -> Value {
        let answer = self.customer.gets(&self.path()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    pub async fn status(&self) -> String {
        self.looks().await["status"].as_str().unwrap().to_owned()
    }

    /// Looks until it is so. Errors of the server are waited out: it may be under repair.
    pub async fn until_so(&self, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        let (path, so) = (self.path(), &so);
        let look = || async {
            let answer = self.customer.request(reqwest::Method::GET, &path).send().await.ok()?;
            let view = Answer::read(answer).await.body;
            so(&view).then_some(view)
        };
        until(&format!("{what} of {}", self.id), look).await
    }

    pub async fn until(&self, status: &str) -> Value {
        self.until_so(status, |view| view["status"] == status).await
    }

    /// Until it is confirmed with its ticket.
    pub async fn until_ticket(&self) -> Value {
        self.until_so("a ticket", |view| view["ticket"]["status"] == "ISSUED").await
    }

    /// Until all its money is back.
    pub async fn until_refunded(&self) -> Value {
        let back = |view: &Value| {
            let refunds = view["refunds"].as_array().map_or(&[][..], Vec::as_slice);
            !refunds.is_empty() && refunds.iter().all(|refund| refund["status"] == "REFUNDED")
        };
        self.until_so("a refund", back).await
    }

    pub async fn tries_to_pay(&self, key: &str) -> Answer {
        self.tries_to_pay_with(key, &json!({ "provider": "hyperpay" })).await
    }

    /// The same, as the body says.
    pub async fn tries_to_pay_with(&self, key: &str, body: &Value) -> Answer {
        let answer = self.customer.posts(&format!("{}/payments", self.path()), key, body).await;
        self.customer.keeps(&answer);
        answer
    }

    /// Opens a page for credit cards, whose money is reserved first.
    pub async fn opens_card_payment(&self) -> Payment {
        self.may_open_card_payment_as(&Customer::key()).await.unwrap()
    }

    /// The same with this key, unless it is too late for that.
    pub async fn may_open_card_payment_as(&self, key: &str) -> Option<Payment> {
        let body = json!({ "provider": "hyperpay", "pay": { "with": "credit_card" } });
        let answer = self.tries_to_pay_with(key, &body).await;
        assert!([202, 409].contains(&answer.status), "{answer:?}");
        self.page(answer.body["id"].as_str()?).await
    }

    /// Opens the vendor's page.
    pub async fn opens_payment(&self) -> Payment {
        let answer = self.tries_to_pay(&Customer::key()).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        self.page(answer.body["id"].as_str().unwrap()).await.unwrap()
    }

    /// Opens the vendor's page, unless it is too late for that.
    pub async fn may_open_payment(&self) -> Option<Payment> {
        self.may_open_payment_as(&Customer::key()).await
    }

    /// The same, with this key.
    pub async fn may_open_payment_as(&self, key: &str) -> Option<Payment> {
        let answer = self.tries_to_pay(key).await;
        assert!([202, 409].contains(&answer.status), "{answer:?}");
        self.page(answer.body["id"].as_str()?).await
    }

    /// The payment once it has its page, or is paid already; None if it ended before.
    pub(crate) async fn page(&self, id: &str) -> Option<Payment> {
        let id = id.to_owned();
        let session =
            |view: &Value| payment(view, &id)["vendor_session"].as_str().map(str::to_owned);
        let status =
            |view: &Value| payment(view, &id)["status"].as_str().unwrap_or_default().to_owned();
        // What is given at once needs no page, and one that is paid is not shown any more.
        let paid = |view: &Value| ["AUTHORIZED", "CAPTURED", "VOIDED"].contains(&&*status(view));
        let ended = |view: &Value| {
            let booking = view["status"].as_str().unwrap_or_default();
            let has_ended = ["REJECTED", "CANCELLED", "EXPIRED"].contains(&booking);
            has_ended || status(view) == "ABANDONED"
        };
        let opened = |view: &Value| session(view).is_some() || paid(view) || ended(view);
        let view = self.until_so("a page to pay on", opened).await;
        let session = session(&view).or_else(|| paid(&view).then(String::new))?;
        let vendor = payment(&view, &id)["provider"].as_str().unwrap_or_default().to_owned();
        Some(Payment { booking: self.clone(), id, vendor, session })
    }

    /// Opens the vendor's page, and pays there.
    pub async fn pays(&self) -> Payment {
        let payment = self.opens_payment().await;
        payment.shopper(Shopper::Approves).await;
        payment
    }

    /// Does this to the booking's workflow at the engine, as staff can: `cancel`, or `kill`, which runs no undo.
    pub async fn at_engine(&self, verb: &str) {
        let Visit { http, system, .. } = &*self.customer.visit;
        let lookup = json!({ "target": "workflow", "workflowName": "Booking",
            "workflowKey": self.bare() });
        let url = format!("{}/restate/lookup", system.engines.restate_ingress_url());
        let found = http.post(url).json(&lookup).send().await.unwrap();
        let found: Value = found.json().await.unwrap();
        let id = found["invocationId"].as_str().unwrap();
        let url = format!("{}/invocations/{id}/{verb}", system.engines.restate_admin_url());
        let done = http.patch(url).send().await.unwrap().status();
        // It may have ended meanwhile.
        assert!(done.is_success() || done.is_client_error(), "{done}");
    }

    pub async fn cancels(&self) -> Answer {
        let path = format!("{}/cancel", self.path());
        self.customer.posts(&path, &Customer::key(), &json!({})).await
    }
}

/// One attempt to pay.
#[derive(Clone, Debug)]
pub struct Payment {
    pub booking: Booking,
    /// `pay_…`
    pub id: String,
    /// Who takes the money.
    pub(crate) vendor: String,
    /// The vendor's.
    pub(crate) session: String,
}

impl Payment {
    /// How the vendor knows it.
    pub fn reference(&self) -> &str {
        self.id.trim_start_matches("pay_")
    }

    pub fn vendor(&self) -> &str {
        &self.vendor
    }

    /// What the customer does on the vendor's page.
    pub async fn shopper(&self, does: Shopper) {
        let answer = self.tries(does).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// The same; the vendor's session may be over.
    pub async fn tries(&self, does: Shopper) -> Answer {
        self.booking.customer.visit.at_vendor(&self.vendor, &self.session, does).await
    }

    pub async fn until(&self, status: &str) -> Value {
        let so = |view: &Value| payment(view, &self.id)["status"] == status;
        let view = self.booking.until_so(&format!("{status} of {}", self.id), so).await;
        payment(&view, &self.id)
    }

    pub async fn looks(&self) -> Value {
        payment(&self.booking.looks().await, &self.id)
    }

    /// Whether it can still be paid, and what the customer does next.
    pub(crate) async fn waits_for(&self) -> (bool, Value) {
        let view = self.booking.looks().await;
        let now = payment(&view, &self.id);
        let open = now["status"] == "OPEN" || now["status"] == "FAILED";
        (open && view["status"] == "PENDING", now["next"].clone())
    }
}

fn payment(view: &Value, id: &str) -> Value {
    let payments = view["payments"].as_array().map_or(&[][..], Vec::as_slice);
    payments.iter().find(|payment| payment["id"] == id).cloned().unwrap_or_default()
}
