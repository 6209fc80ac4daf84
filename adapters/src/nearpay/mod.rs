//! `NearPay`: a card held to the terminal of a kiosk.
//!
//! Three facts shaped this folder. The money is taken by the terminal, not by us: all we do is look (server API,
//! "Transactions"), so every verb can be repeated. A terminal's transaction is known by the reference that the kiosk
//! gave it, and what the kiosk says of it is never believed. And money goes back at the terminal alone: by a reversal
//! within 60 seconds (terminal SDK, `irreversible_transaction`), later by a person at the counter.
//!
//! No public document names the host, header and path that this account is served under; all three are configured.

pub mod login;
mod showing;
mod webhook;
mod wire;

use crate::{
    card_numbers,
    error::Error,
    http::{Answer, Call, Deadline, Http},
    provider::{
        CaptureOrder, CaptureState, Charge, Delivery, Hint, Opened, PaymentProvider, Question,
        RefundOrder, RefundState, Session, Transaction,
    },
};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use schema::{
    ids::PaymentId,
    paying::{NextAct, PayWith, Taking},
};
use secrecy::{ExposeSecret, SecretString};
use showing::Shown;
use std::time::Duration;
use wire::{Failure, Listed, Terminals, Transactions};

/// More transactions than this under one reference are nobody's honest doing.
const PAGE: usize = 50;

#[derive(Clone, Debug)]
pub struct Config {
    /// `https://sandbox-api.nearpay.io/v1/clients-sdk`
    pub base_url: String,
    pub api_key: SecretString,
    /// The header that the key is in: `api-key`.
    pub key_header: String,
    /// Below the base: where terminals and transactions are listed.
    pub terminals_path: String,
    pub transactions_path: String,
    /// The last part of our webhook address, which is all that proves a delivery; two while one replaces the other.
    pub webhook_secrets: Vec<SecretString>,
    /// Real money.
    pub live: bool,
    /// How long after it was opened a customer may still tap.
    pub session_life: Duration,
    /// How long a terminal can reverse a transaction: a minute.
    pub reversal_window: Duration,
    /// How long a reversal may be under way after that: the terminal gives up after 40 seconds (10 to connect, 30 to
    /// read), and what it has sent counts.
    pub reversal_answer: Duration,
}

pub struct NearPay {
    http: Http,
    key: HeaderMap,
    terminals_path: String,
    transactions_path: String,
    webhook_secrets: webhook::Secrets,
    session_lives_ms: u64,
    reversible: TimeDelta,
}

impl NearPay {
    pub fn new(config: Config) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::refused("configuration", format!("nearpay: {reason}"));
        if config.live && !config.base_url.starts_with("https://") {
            return Err(wrong("the live system wants https"));
        }
        let name = HeaderName::try_from(&config.key_header)
            .map_err(|_| wrong("the name of the key's header is none"))?;
        let mut value = HeaderValue::from_str(config.api_key.expose_secret())
            .map_err(|_| wrong("the api key is no header value"))?;
        value.set_sensitive(true);
        let paths = [&config.terminals_path, &config.transactions_path];
        if !paths.into_iter().all(|path| is_path(path)) {
            return Err(wrong("a path is none"));
        }
        let reversible = config.reversal_window.saturating_add(config.reversal_answer);
        Ok(Self {
            http: Http::new("nearpay", &config.base_url)?,
            key: HeaderMap::from_iter([(name, value)]),
            terminals_path: config.terminals_path,
            transactions_path: config.transactions_path,
            webhook_secrets: webhook::Secrets::new(config.webhook_secrets)?,
            session_lives_ms: u64::try_from(config.session_life.as_millis()).unwrap_or(u64::MAX),
            reversible: TimeDelta::from_std(reversible)
                .map_err(|_| wrong("the time to reverse is too long"))?,
        })
    }

    /// Asks with our key. Every call of this folder only reads: what is asked twice is only seen twice.
    async fn ask_vendor(&self, call: Call, until: Deadline) -> Result<Answer, Error> {
        let answer = self.http.send(call.signed(self.key.clone()), until).await?;
        if answer.is_forbidden() {
            let status = answer.status.as_u16().to_string();
            return Err(Error::refused(status, "nearpay refuses our key"));
        }
        if answer.is_throttled() {
            let reason = "nearpay: asked too often".to_owned();
            return Err(Error::Unavailable { reason, retry_after: answer.retry_after });
        }
        Ok(answer)
    }

    /// Every transaction under a reference, and the vendor's time. An empty list: it shows none (yet).
    async fn by_reference(
        &self,
        reference: &str,
        until: Deadline,
    ) -> Result<(Vec<Listed>, DateTime<Utc>), Error> {
        let call = Call::get("transactions", &self.transactions_path)
            .query("customer_reference_number", reference)
            .query("page", "1")
            .query("limit", PAGE.to_string());
        let answer = self.ask_vendor(call, until).await?;
        if answer.status != 200 {
            return Err(no_answer(&answer));
        }
        let listed = answer.json::<Transactions>()?.whole(PAGE)?;
        // A list that was not narrowed to our reference says nothing about what is under it.
        if let Some(stranger) = listed.iter().find(|it| it.reference() != Some(reference)) {
            let what = if stranger.reference().is_some() { "another" } else { "no" };
            return Err(Error::unknown(format!("nearpay lists what has {what} reference")));
        }
        Ok((listed, answer.now))
    }
}

#[async_trait]
impl PaymentProvider for NearPay {
    fn taking(&self, pay_with: &PayWith) -> Option<Taking> {
        match pay_with {
            PayWith::Terminal { .. } => Some(Taking::AtOnce),
            PayWith::Page
            | PayWith::CreditCard
            | PayWith::Mada
            | PayWith::Token { .. }
            | PayWith::SavedCard { .. }
            | PayWith::ApplePay { .. }
            | PayWith::StcPay { .. } => None,
        }
    }

    /// Looks whether the terminal is there, and tells the kiosk which reference to give it. Nothing begins by this.
    async fn open(&self, charge: &Charge, within: Duration) -> Result<Opened, Error> {
        let PayWith::Terminal { terminal } = &charge.pay_with else {
            return Err(not_here("paying without a terminal"));
        };
        if !is_terminal(terminal) {
            return Err(Error::refused("configuration", "nearpay: not a terminal's number"));
        }
        let call = Call::get("terminals", &self.terminals_path).query("tid", terminal);
        let answer = self.ask_vendor(call, Deadline::after(within)).await?;
        match answer.status.as_u16() {
            200 => {}
            404 => return Ok(rejected("terminal_unknown")),
            405 => return Ok(rejected("terminal_away")),
            406 | 410 => return Ok(rejected("terminal_busy")),
            _ => return Err(no_answer(&answer)),
        }
        let Some(found) = answer.json::<Terminals>()?.the(terminal) else {
            return Ok(rejected("terminal_unknown"));
        };
        if !found.is_there() {
            return Ok(rejected("terminal_away"));
        }
        let reference = charge.payment.bare();
        Ok(Opened::Open(Session {
            id: reference.clone(),
            account: terminal.clone(),
            lives_ms: self.session_lives_ms,
            next: NextAct::Terminal { terminal: terminal.clone(), reference },
        }))
    }

    async fn find_opened(&self, _: &Charge, _: Duration) -> Result<Option<Opened>, Error> {
        Err(not_here("paying without a terminal"))
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
        let reference = question.payment.bare();
        let (listed, _) = self.by_reference(&reference, Deadline::after(within)).await?;
        showing::charges(&listed, &reference, question.account.as_deref())
    }

    async fn capture(&self, _: &CaptureOrder, _: Duration) -> Result<CaptureState, Error> {
        Err(not_here("reserving money"))
    }

    async fn find_capture(
        &self,
        _: &CaptureOrder,
        _: Duration,
    ) -> Result<Option<CaptureState>, Error> {
        Err(not_here("reserving money"))
    }

    /// Nothing leaves: no server can send this money back. It is pending until the terminal, or the counter, has.
    async fn refund(&self, order: &RefundOrder, _: Duration) -> Result<RefundState, Error> {
        Ok(RefundState::Pending { transaction: order.transaction.clone() })
    }

    /// Reversed at the terminal, or refunded at the counter: under the refund's own reference, or under another, if
    /// what is shown of the transaction says how much. Once no reversal can be under way any more it is `Rejected` for a person, and
    /// still found when it happens after all. The mark of a refund alone proves none: part of it may still be owed, so a
    /// person compares.
    async fn find_refund(
        &self,
        order: &RefundOrder,
        within: Duration,
    ) -> Result<Option<RefundState>, Error> {
        let until = Deadline::after(within);
        let (listed, now) = self.by_reference(&order.payment.bare(), until).await?;
        let charged = Shown::find(&listed, &order.transaction)?;
        if let Some(charged) = &charged
            && let Some(given_back) = showing::given_back(order, charged, &listed)?
        {
            return Ok(Some(given_back));
        }
        let (refunds, _) = self.by_reference(&order.refund.bare(), until).await?;
        if let Some(refunded) = showing::refunded(order, &refunds)? {
            return Ok(Some(refunded));
        }
        let Some(charged) = charged else { return Ok(None) };
        if charged.refunded {
            return Ok(Some(for_a_person("refund_amount_unsaid", AMOUNT_UNSAID)));
        }
        let last = charged.at.and_then(|at| at.checked_add_signed(self.reversible));
        let too_late = last.is_some_and(|last| last < now);
        Ok(too_late.then(|| for_a_person("refund_at_the_counter", NO_MORE_REVERSAL)))
    }

    fn read_webhook(&self, delivery: Delivery<'_>) -> Result<Hint, Error> {
        webhook::read(&self.webhook_secrets, delivery.path, delivery.body)
    }

    fn read_return(
        &self,
        _: PaymentId,
        _: &[(String, String)],
    ) -> Result<Option<SecretString>, Error> {
        Ok(None)
    }
}

/// Whether this can be a terminal's number (TID). One that could be a card's number would be starred out wherever it
/// comes in, and never be recognised: such a terminal needs another number.
pub fn is_terminal(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (4..=36).contains(&text.len()) && text.bytes().all(plain) && card_numbers::find(text).is_none()
}

fn is_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    !text.is_empty() && !text.starts_with('/') && !text.contains("..") && text.bytes().all(plain)
}

const NO_MORE_REVERSAL: &str = "the terminal can reverse it no more; the counter gives it back";
const AMOUNT_UNSAID: &str = "the terminal shows a refund of it under another reference, and not how much: compare its \
                             receipt first; what is missing the counter gives back";

fn for_a_person(code: &str, reason: &str) -> RefundState {
    RefundState::Rejected { code: code.to_owned(), reason: reason.to_owned() }
}

fn rejected(code: &str) -> Opened {
    Opened::Rejected { code: code.to_owned() }
}

/// Nobody comes here: `taking` says so.
fn not_here(what: &str) -> Error {
    Error::refused("not_here", format!("nearpay: no {what} here"))
}

/// What an answer that is none of what its verb knows comes to. Their sentences may repeat anything: of them only the
/// code is kept.
fn no_answer(answer: &Answer) -> Error {
    let status = answer.status.as_u16();
    let code = answer.json::<Failure>().ok().and_then(Failure::code);
    let code = code.unwrap_or_else(|| status.to_string());
    let reason = format!("nearpay: HTTP {status} ({code})");
    if (400..500).contains(&status) { Error::refused(code, reason) } else { Error::unknown(reason) }
}

#[cfg(test)]
mod tests;
