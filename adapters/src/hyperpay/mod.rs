//! `HyperPay`: cards and mada, paid on a page of the vendor's inside a checkout session.
//!
//! Three facts shaped this folder. There is no idempotency key: a reference used twice is an error or a second charge,
//! by acquirer, so nothing that moves money is sent again before the reference was looked up (OPPWA, "Reporting").
//! The code in the body decides and the HTTP status does not: declines come as 200 or 400. And one session may make
//! several transactions, so a payment is known by our reference, never by the session (OPPWA, "COPY and PAY").

mod reads;
mod reserving;
mod result_codes;
mod transactions;
mod webhook;
mod wire;

use crate::{
    error::Error,
    http::{Call, Deadline, Http},
    provider::{
        CaptureOrder, CaptureState, Charge, Delivery, Hint, Opened, PaymentProvider, Question,
        RefundOrder, RefundState, Session, Transaction, TransactionState,
    },
};
use async_trait::async_trait;
use reads::Reads;
use result_codes::{CHECKOUT_CREATED, Class, NOT_FOUND, ResultCodes, THREE_MEANINGS};
use schema::paying::{NextAct, PayWith, Taking};
use secrecy::SecretString;
use std::time::Duration;
use tracing::warn;
use transactions::same_refund;
use wire::{Answer, Kind};

#[derive(Clone, Debug)]
pub struct Config {
    /// `https://eu-test.oppwa.com`, without the `/v1`.
    pub base_url: String,
    pub token: SecretString,
    /// The account's channel.
    pub entity_id: String,
    /// 64 hex digits each; several are valid at once while they are exchanged.
    pub webhook_keys: Vec<SecretString>,
    /// Real money: a code of the test system is no success.
    pub live: bool,
    /// `EXTERNAL` asks the acquirer's simulator instead of the vendor's own. Never on the live system.
    pub test_mode: Option<String>,
    /// The vendor allows two status reads of an id in this time: a minute.
    pub read_window: Duration,
    /// How long a checkout can be paid in: 30 minutes.
    pub session_life: Duration,
}

pub struct HyperPay {
    http: Http,
    token: SecretString,
    entity_id: String,
    test_mode: Option<String>,
    session_lives_ms: u64,
    reads: Reads,
    codes: ResultCodes,
    webhook_keys: webhook::Keys,
}

impl HyperPay {
    pub fn new(config: Config) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::refused("configuration", format!("hyperpay: {reason}"));
        if config.live && (config.test_mode.is_some() || !config.base_url.starts_with("https://")) {
            return Err(wrong("the live system wants https and no test mode"));
        }
        if !is_plain(&config.entity_id) {
            return Err(wrong("the entity id is no id"));
        }
        let codes = ResultCodes::new(config.live).map_err(|error| wrong(&error.to_string()))?;
        Ok(Self {
            http: Http::new("hyperpay", &config.base_url)?,
            token: config.token,
            entity_id: config.entity_id,
            test_mode: config.test_mode,
            session_lives_ms: u64::try_from(config.session_life.as_millis()).unwrap_or(u64::MAX),
            reads: Reads::new(config.read_window),
            codes,
            webhook_keys: webhook::Keys::new(&config.webhook_keys)?,
        })
    }

    /// The script that shows the card form of this checkout in a browser.
    pub fn widget_url(&self, checkout: &str) -> String {
        format!("{}/v1/paymentWidgets.js?checkoutId={checkout}", self.http.base_url())
    }

    /// Sends with our token and reads the answer. An answer is whatever has a result code, whatever its HTTP status.
    async fn ask_vendor(&self, call: Call, until: Deadline) -> Result<Answer, Error> {
        let call = call.secret("authorization", "Bearer ", &self.token)?;
        let answer = self.http.send(call, until).await?;
        let status = answer.status.as_u16();
        match answer.json::<Answer>() {
            Ok(read) if !answer.is_forbidden() => Ok(read),
            Ok(read) => Err(Error::refused(read.code(), read.reason())),
            Err(_) if answer.is_forbidden() => {
                Err(Error::refused(status.to_string(), "hyperpay refuses our token"))
            }
            Err(_) => Err(Error::unknown(format!("hyperpay: HTTP {status} without a result"))),
        }
    }

    /// Why there is no answer in an answer that is none of what its verb knows.
    fn no_answer(&self, answer: &Answer) -> Error {
        let reason = answer.reason();
        let wrong_parameters = !answer.result.parameter_errors.is_empty();
        match self.codes.class(&answer.result.code) {
            Class::Throttled => {
                Error::Unavailable { reason, retry_after: Some(self.reads.window()) }
            }
            Class::Invalid(_) if answer.result.code == THREE_MEANINGS && !wrong_parameters => {
                Error::unknown(reason)
            }
            Class::Invalid(_) | Class::Declined(_) => Error::refused(answer.code(), reason),
            Class::Busy
            | Class::Duplicate
            | Class::ListOk
            | Class::Pending
            | Class::PendingLong
            | Class::Approved
            | Class::Review
            | Class::Uncertain
            | Class::System
            | Class::Chargeback
            | Class::Unknown => Error::unknown(reason),
        }
    }

    /// Every transaction under a reference, of whatever kind. Nothing known under it is an empty list.
    async fn by_reference(
        &self,
        reference: &str,
        account: &str,
        until: Deadline,
    ) -> Result<Vec<Answer>, Error> {
        self.reads.take(reference)?;
        let call = Call::get("query", "v1/query")
            .query("entityId", account)
            .query("merchantTransactionId", reference);
        let answer = self.ask_vendor(call, until).await?;
        if answer.result.code == NOT_FOUND {
            return Ok(Vec::new());
        }
        match self.codes.class(&answer.result.code) {
            Class::ListOk | Class::Approved => answer
                .payments
                .or(answer.records)
                .ok_or_else(|| Error::unknown("hyperpay: a query's answer without a list")),
            Class::Throttled
            | Class::Busy
            | Class::Duplicate
            | Class::Pending
            | Class::PendingLong
            | Class::Review
            | Class::Uncertain
            | Class::System
            | Class::Declined(_)
            | Class::Invalid(_)
            | Class::Chargeback
            | Class::Unknown => Err(self.no_answer(&answer)),
        }
    }

    /// The one transaction that a hint or a session leads to. Its own result may be anything; without an id it is
    /// about the reading, and "not found" there is nothing shown.
    async fn single(
        &self,
        (operation, path): (&'static str, String),
        account: &str,
        until: Deadline,
    ) -> Result<Vec<Answer>, Error> {
        let call = Call::get(operation, path).query("entityId", account);
        let mut answer = self.ask_vendor(call, until).await?;
        if let Some(list) = answer.payments.take().or(answer.records.take()) {
            return Ok(list);
        }
        if answer.id.is_some() && answer.payment_type.is_some() {
            return Ok(vec![answer]);
        }
        let code = answer.result.code.as_str();
        if code == NOT_FOUND || code == THREE_MEANINGS || code.starts_with("000.200.") {
            return Ok(Vec::new());
        }
        Err(self.no_answer(&answer))
    }

    /// What the reference does not show (yet), but a hint or the session may.
    async fn elsewhere(
        &self,
        question: &Question,
        listed: &[Transaction],
        until: Deadline,
    ) -> Result<Vec<Answer>, Error> {
        let account = self.account(question);
        let settled = |id: &str| {
            let same = |it: &&Transaction| it.id == id;
            listed.iter().find(same).is_some_and(|it| it.state != TransactionState::Pending)
        };
        let mut found = Vec::new();
        if let Some(id) = question.transaction.as_deref().filter(|id| is_plain(id) && !settled(id))
        {
            self.reads.take(id)?;
            found = self.single(("query_id", format!("v1/query/{id}")), account, until).await?;
        }
        let session = question.session.as_deref().filter(|id| is_plain(id));
        if let Some(session) = session.filter(|_| listed.is_empty() && found.is_empty()) {
            self.reads.take(session)?;
            let path = format!("v1/checkouts/{session}/payment");
            found = self.single(("checkout_payment", path), account, until).await?;
        }
        Ok(found)
    }

    fn account<'a>(&'a self, question: &'a Question) -> &'a str {
        question.account.as_ref().unwrap_or(&self.entity_id)
    }

    async fn give_back(
        &self,
        order: &RefundOrder,
        payment_type: &str,
        within: Duration,
    ) -> Result<RefundState, Error> {
        if !is_plain(&order.transaction) {
            return Err(Error::refused("malformed", "hyperpay: not a transaction's id"));
        }
        let mut form = vec![
            ("entityId", order.account.clone()),
            ("paymentType", payment_type.to_owned()),
            ("amount", wire::amount_to_wire(order.amount)?),
            ("currency", order.amount.currency.code().to_owned()),
            ("merchantTransactionId", order.refund.bare()),
        ];
        form.extend(self.test_mode.clone().map(|mode| ("testMode", mode)));
        let path = format!("v1/payments/{}", order.transaction);
        let call = Call::post_form("refund", path, form);
        let answer = self.ask_vendor(call, Deadline::after(within)).await?;
        let state = self.refund_state(&answer)?;
        same_refund(order, &answer)?;
        Ok(state)
    }
}

#[async_trait]
impl PaymentProvider for HyperPay {
    fn taking(&self, pay_with: &PayWith) -> Option<Taking> {
        reserving::taking(pay_with)
    }

    async fn open(&self, charge: &Charge, within: Duration) -> Result<Opened, Error> {
        let payment_type = match charge.taking {
            Taking::AtOnce => "DB",
            Taking::OnceConfirmed => "PA",
        };
        let mut form = vec![
            ("entityId", self.entity_id.clone()),
            ("amount", wire::amount_to_wire(charge.amount)?),
            ("currency", charge.amount.currency.code().to_owned()),
            ("paymentType", payment_type.to_owned()),
            ("merchantTransactionId", charge.payment.bare()),
            ("merchantInvoiceId", charge.booking.bare()),
            ("shopperResultUrl", charge.return_url.clone()),
        ];
        form.extend(self.test_mode.clone().map(|mode| ("testMode", mode)));
        let call = Call::post_form("open", "v1/checkouts", form);
        let answer = self.ask_vendor(call, Deadline::after(within)).await?;
        match &answer.id {
            Some(id) if answer.result.code == CHECKOUT_CREATED && is_plain(id) => {
                Ok(Opened::Open(Session {
                    id: id.clone(),
                    account: self.entity_id.clone(),
                    lives_ms: self.session_lives_ms,
                    next: NextAct::Widget {
                        script: self.widget_url(id),
                        brands: reserving::brands(&charge.pay_with).to_owned(),
                    },
                }))
            }
            Some(_) | None => Err(self.no_answer(&answer)),
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

    async fn ask(&self, question: &Question, within: Duration) -> Result<Vec<Transaction>, Error> {
        let until = Deadline::after(within);
        let account = self.account(question);
        let mut shown = self.by_reference(&question.payment.bare(), account, until).await?;
        let listed = self.charges(question, &shown)?;
        match self.elsewhere(question, &listed, until).await {
            Ok(more) => shown.extend(more),
            // The list is an answer by itself; nothing at all is only believed when every look-up has said so.
            Err(error) if listed.is_empty() => return Err(error),
            Err(error) => {
                warn!(payment.id = %question.payment, "hyperpay could not be asked further: {error}");
            }
        }
        self.charges(question, &shown)
    }

    async fn capture(&self, order: &CaptureOrder, within: Duration) -> Result<CaptureState, Error> {
        self.take(order, within).await
    }

    async fn find_capture(
        &self,
        order: &CaptureOrder,
        within: Duration,
    ) -> Result<Option<CaptureState>, Error> {
        self.find_taken(order, within).await
    }

    /// A reversal only for a reservation: whether a debit can be reversed differs by acquirer, so that is a refund.
    async fn refund(&self, order: &RefundOrder, within: Duration) -> Result<RefundState, Error> {
        self.give_back(order, if order.reserved { "RV" } else { "RF" }, within).await
    }

    async fn find_refund(
        &self,
        order: &RefundOrder,
        within: Duration,
    ) -> Result<Option<RefundState>, Error> {
        let reference = order.refund.bare();
        let until = Deadline::after(within);
        let shown = self.by_reference(&reference, &order.account, until).await?;
        let mut found = None;
        for answer in shown.iter().filter(|answer| answer.kind() == Kind::GivenBack) {
            if answer.merchant_transaction_id.as_ref() != Some(&reference) {
                warn!(refund.id = %order.refund, "hyperpay shows a refund that is not ours");
                continue;
            }
            same_refund(order, answer)?;
            let state = match self.refund_state(answer) {
                // Neither done nor refused for certain: it may still become either.
                Err(Error::Unknown { .. }) => {
                    let id = answer.id.clone().filter(|id| is_plain(id));
                    let transaction = id.unwrap_or_default();
                    RefundState::Pending { transaction }
                }
                state => state?,
            };
            if matches!(state, RefundState::Refunded { .. }) {
                return Ok(Some(state));
            }
            found = match found {
                Some(RefundState::Pending { .. }) => found,
                Some(RefundState::Rejected { .. } | RefundState::Refunded { .. }) | None => {
                    Some(state)
                }
            };
        }
        Ok(found)
    }

    fn read_webhook(&self, delivery: Delivery<'_>) -> Result<Hint, Error> {
        webhook::read(&self.webhook_keys, &self.codes, delivery.header, delivery.body)
    }

    fn read_return(&self, _: &[(String, String)]) -> Result<Option<SecretString>, Error> {
        Ok(None)
    }
}

/// Nobody comes here: `taking` says so.
fn not_here(what: &str) -> Error {
    Error::refused("not_here", format!("hyperpay: no {what} here"))
}

/// Whether an id can stand in a path as it is.
fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    (8..=64).contains(&id.len()) && !id.starts_with('.') && id.bytes().all(plain)
}

#[cfg(test)]
mod tests;
