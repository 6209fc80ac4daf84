//! Tabby: pay later, approved on a page of the vendor's, reserved there and taken once the seats are confirmed.
//!
//! Three facts shaped this folder. Nobody can ask by our reference: a payment is found by the vendor's id of it alone,
//! so that is the session's id (Tabby, "Retrieve a payment"). A payment is one object with its captures and refunds in
//! it, and each of these is made once by its `reference_id`, which makes every change safe to repeat and to look up
//! (Tabby, "Capture", "Refund"). And a webhook proves itself by a fixed header and nothing else, so it says only whom to
//! ask about (Tabby, "Webhooks").
//!
//! Opening a session is not idempotent and need not be. If its answer is lost, so is the address of its page: nobody can
//! pay there, its payment expires by itself, and the next try opens another.

mod opening;
mod payments;
mod webhook;
mod wire;

use crate::{
    error::Error,
    http::{Call, Deadline, Http},
    provider::{
        CaptureOrder, CaptureState, Charge, Delivery, Hint, Opened, PaymentProvider, Question,
        RefundOrder, RefundState, Session, Transaction,
    },
};
use async_trait::async_trait;
use opening::Checkout;
use payments::Reservation;
use schema::{
    ids::PaymentId,
    paying::{PayWith, Taking},
};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::time::Duration;
use wire::{Complaint, Payment, Problem, broken, is_uuid};

/// What keys of the test system begin with.
const TEST_KEY: &str = "sk_test_";

#[derive(Clone, Debug)]
pub struct Config {
    /// `https://api.tabby.sa`: another country's host refuses our key.
    pub base_url: String,
    /// `sk_…`, or `sk_test_…`: the key chooses the system.
    pub key: SecretString,
    /// The shop that sessions are opened for.
    pub merchant_code: String,
    /// The header that webhooks come with, chosen when they were registered.
    pub webhook_header: String,
    /// What is in it; several are valid at once while they are exchanged.
    pub webhook_secrets: Vec<SecretString>,
    /// Real money: the key must be of the live system.
    pub live: bool,
    /// How long a payment can still be approved, at most: 30 minutes. Its page closes after 20.
    pub session_life: Duration,
}

pub struct Tabby {
    http: Http,
    key: SecretString,
    merchant_code: String,
    live: bool,
    session_lives_ms: u64,
    webhook_lock: webhook::Lock,
}

impl Tabby {
    pub fn new(config: Config) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::refused("configuration", format!("tabby: {reason}"));
        if config.live == config.key.expose_secret().starts_with(TEST_KEY) {
            return Err(wrong("the key is of the other system, test or live"));
        }
        if config.live && !config.base_url.starts_with("https://") {
            return Err(wrong("the live system wants https"));
        }
        if config.merchant_code.is_empty() {
            return Err(wrong("the merchant code is empty"));
        }
        Ok(Self {
            http: Http::new("tabby", &config.base_url)?,
            key: config.key,
            merchant_code: config.merchant_code,
            live: config.live,
            session_lives_ms: u64::try_from(config.session_life.as_millis()).unwrap_or(u64::MAX),
            webhook_lock: webhook::Lock::new(&config.webhook_header, config.webhook_secrets)?,
        })
    }

    /// Sends with our key. The inner error is a documented no: nothing was done, or nothing more was.
    async fn ask_vendor<T: DeserializeOwned>(
        &self,
        call: Call,
        until: Deadline,
    ) -> Result<Result<T, Problem>, Error> {
        let call = call.secret("authorization", "Bearer ", &self.key)?;
        let answer = self.http.send(call, until).await?;
        let status = answer.status.as_u16();
        if answer.status.is_success() {
            return answer.json().map(Ok);
        }
        if answer.is_throttled() {
            let reason = "tabby: too many requests".to_owned();
            return Err(Error::Unavailable { reason, retry_after: answer.retry_after });
        }
        let problem = answer.json::<Complaint>().ok().and_then(|said| Problem::new(status, &said));
        match problem {
            _ if answer.is_forbidden() => {
                let code = problem.map_or("forbidden", |problem| problem.code());
                Err(Error::refused(code, "tabby refuses our key, or it is of another country"))
            }
            Some(problem) if answer.status.is_client_error() => Ok(Err(problem)),
            Some(_) | None => Err(Error::unknown(format!("tabby: HTTP {status}"))),
        }
    }

    /// A payment as it is now. None: the vendor knows none of this id.
    async fn payment(&self, id: &str, until: Deadline) -> Result<Option<Payment>, Error> {
        let call = Call::get("payment", format!("api/v2/payments/{id}"));
        match self.ask_vendor(call, until).await? {
            Ok(payment) => self.same_payment(id, payment).map(Some),
            Err(problem) if problem.is_not_found() => Ok(None),
            Err(problem) => Err(problem.refused()),
        }
    }

    /// Changes a payment; the answer is the payment.
    async fn change(
        &self,
        id: &str,
        call: Call,
        until: Deadline,
    ) -> Result<Result<Payment, Problem>, Error> {
        match self.ask_vendor(call, until).await? {
            Ok(payment) => self.same_payment(id, payment).map(Ok),
            Err(problem) => Ok(Err(problem)),
        }
    }

    fn same_payment(&self, id: &str, payment: Payment) -> Result<Payment, Error> {
        if !payment.id.eq_ignore_ascii_case(id) {
            return Err(broken("that is not the one asked about"));
        }
        payment.money()?;
        self.same_system(&payment)?;
        Ok(payment)
    }

    /// Money of the test system is none, and our key is of one of the two.
    fn same_system(&self, payment: &Payment) -> Result<(), Error> {
        if payment.is_test == Some(self.live) {
            return Err(broken("of the other system, test or live"));
        }
        Ok(())
    }

    /// Lets go of what was reserved. None: it was taken after all, so it is to be refunded.
    async fn let_go(
        &self,
        order: &RefundOrder,
        until: Deadline,
    ) -> Result<Option<RefundState>, Error> {
        let id = known(&order.transaction)?;
        let call = Call::post_bare("close", format!("api/v2/payments/{id}/close"));
        let (shown, problem) = match self.change(id, call, until).await? {
            Ok(payment) => (Some(payment), None),
            // Closed before, perhaps by us: what it is now is what counts.
            Err(problem) => (self.payment(id, until).await?, Some(problem)),
        };
        let standing = || match &problem {
            Some(problem) => problem.refused(),
            None => broken("that is open after it was closed"),
        };
        let Some(payment) = shown else { return Err(standing()) };
        match payment.reservation(order)? {
            Reservation::Over(state) => Ok(Some(state)),
            Reservation::Taken => Ok(None),
            Reservation::Stands => Err(standing()),
        }
    }

    async fn give_back(&self, order: &RefundOrder, until: Deadline) -> Result<RefundState, Error> {
        let id = known(&order.transaction)?;
        let body = json!({"amount": wire::amount_to_wire(order.amount)?,
            "reference_id": order.refund.bare()});
        let call = Call::post("refund", format!("api/v2/payments/{id}/refunds"), body);
        let problem = match self.change(id, call, until).await? {
            Ok(payment) => {
                let left_out = || broken("without the refund that it was asked for");
                return payment.refund_state(order)?.ok_or_else(left_out);
            }
            Err(problem) => problem,
        };
        // For how long a reference is remembered is not documented: a no may be to a refund that was made before.
        let shown = self.payment(id, until).await?;
        let before = shown.map(|payment| payment.refund_state(order)).transpose()?.flatten();
        match before {
            Some(state) => Ok(state),
            None if problem.is_malformed() || problem.is_not_found() => Err(problem.refused()),
            None => Ok(RefundState::Rejected {
                code: problem.code().to_owned(),
                reason: problem.reason(),
            }),
        }
    }
}

#[async_trait]
impl PaymentProvider for Tabby {
    fn wants_purchases(&self) -> bool {
        true
    }

    fn taking(&self, pay_with: &PayWith) -> Option<Taking> {
        match pay_with {
            PayWith::Page => Some(Taking::OnceConfirmed),
            PayWith::CreditCard
            | PayWith::Mada
            | PayWith::Token { .. }
            | PayWith::SavedCard { .. }
            | PayWith::ApplePay { .. }
            | PayWith::StcPay { .. }
            | PayWith::Terminal { .. } => None,
        }
    }

    async fn open(&self, charge: &Charge, within: Duration) -> Result<Opened, Error> {
        let Some(buyer) = opening::buyer(&charge.buyer) else {
            return Ok(Opened::Rejected { code: "buyer_incomplete".to_owned() });
        };
        let body = opening::body(charge, &buyer, &self.merchant_code)?;
        let call = Call::post("open", "api/v2/checkout", body);
        match self.ask_vendor::<Checkout>(call, Deadline::after(within)).await? {
            Ok(checkout) => self.opened(charge, &checkout),
            Err(problem) => Err(problem.refused()),
        }
    }

    async fn find_opened(&self, _: &Charge, _: Duration) -> Result<Option<Opened>, Error> {
        Err(not_here("paying without a page"))
    }

    async fn proceed(
        &self,
        _: &Charge,
        _: &Session,
        _: &SecretString,
        _: Duration,
    ) -> Result<Opened, Error> {
        Err(not_here("going on with a session"))
    }

    /// The session's payment, and the one that a hint has named. Without either nothing is asked: no page was ever given
    /// to anybody.
    async fn ask(&self, question: &Question, within: Duration) -> Result<Vec<Transaction>, Error> {
        let until = Deadline::after(within);
        let session = question.session.as_deref().filter(|id| is_uuid(id));
        let hinted = question.transaction.as_deref().filter(|id| is_uuid(id));
        let hinted =
            hinted.filter(|id| session.is_none_or(|known| !known.eq_ignore_ascii_case(id)));
        let mut shown: Vec<(String, Transaction)> = Vec::new();
        for id in [session, hinted].into_iter().flatten() {
            let Some(payment) = self.payment(id, until).await? else { continue };
            if let Some(transaction) = payment.transaction(question.payment)? {
                shown.push((payment.created_at, transaction));
            }
        }
        shown.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(shown.into_iter().map(|(_, transaction)| transaction).collect())
    }

    async fn capture(&self, order: &CaptureOrder, within: Duration) -> Result<CaptureState, Error> {
        let until = Deadline::after(within);
        let id = known(&order.transaction)?;
        let body = json!({"amount": wire::amount_to_wire(order.amount)?,
            "reference_id": order.payment.bare()});
        let call = Call::post("capture", format!("api/v2/payments/{id}/captures"), body);
        let problem = match self.change(id, call, until).await? {
            Ok(payment) => {
                let left_out = || broken("without the capture that it was asked for");
                return payment.capture_state(order)?.ok_or_else(left_out);
            }
            Err(problem) => problem,
        };
        // What is captured is closed, and to a closed one the answer is no: it may be our own capture, made before.
        let shown = self.payment(id, until).await?;
        let before = shown.map(|payment| payment.capture_state(order)).transpose()?.flatten();
        before.ok_or_else(|| problem.refused())
    }

    async fn find_capture(
        &self,
        order: &CaptureOrder,
        within: Duration,
    ) -> Result<Option<CaptureState>, Error> {
        let shown = self.payment(known(&order.transaction)?, Deadline::after(within)).await?;
        Ok(shown.map(|payment| payment.capture_state(order)).transpose()?.flatten())
    }

    async fn refund(&self, order: &RefundOrder, within: Duration) -> Result<RefundState, Error> {
        let until = Deadline::after(within);
        if order.reserved
            && let Some(state) = self.let_go(order, until).await?
        {
            return Ok(state);
        }
        self.give_back(order, until).await
    }

    async fn find_refund(
        &self,
        order: &RefundOrder,
        within: Duration,
    ) -> Result<Option<RefundState>, Error> {
        let shown = self.payment(known(&order.transaction)?, Deadline::after(within)).await?;
        let Some(payment) = shown else { return Ok(None) };
        if order.reserved {
            match payment.reservation(order)? {
                Reservation::Over(state) => return Ok(Some(state)),
                Reservation::Stands => return Ok(None),
                Reservation::Taken => {}
            }
        }
        payment.refund_state(order)
    }

    fn read_webhook(&self, delivery: Delivery<'_>) -> Result<Hint, Error> {
        webhook::read(&self.webhook_lock, delivery.header, delivery.body)
    }

    /// The page adds `payment_id` to the address, which anybody can: the vendor is asked.
    fn read_return(
        &self,
        _: PaymentId,
        _: &[(String, String)],
    ) -> Result<Option<SecretString>, Error> {
        Ok(None)
    }
}

/// Nobody comes here: `taking` says so.
fn not_here(what: &str) -> Error {
    Error::refused("not_here", format!("tabby: no {what} here"))
}

/// An id of ours that the vendor has given.
fn known(transaction: &str) -> Result<&str, Error> {
    if is_uuid(transaction) {
        return Ok(transaction);
    }
    Err(Error::refused("malformed", "tabby: not a payment's id"))
}

#[cfg(test)]
mod tests;
