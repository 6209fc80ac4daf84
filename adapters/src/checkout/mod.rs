//! Checkout.com: cards and Apple Pay, reserved first and taken later; STC Pay, by a one-time password.
//!
//! Three facts shaped this folder. `Cko-Idempotency-Key` repeats the answer of what succeeded, for a while, and of nothing
//! else: the key is a pure function of what is asked, and what stays unknown is looked up by our reference (API
//! reference, "Idempotency"). Capture, void and refund are only accepted; what came of them is an action of the payment,
//! found by the reference we gave it ("Payment actions"). And the HTTP status does not tell whether money moved: a
//! decline is a 201, and whatever is wrong with a key is a 401 without a body ("Response codes").

mod follow_ups;
mod look_ups;
mod opening;
mod saving;
mod stc_pay;
mod webhook;
mod wire;

use crate::{
    card_keeper::CardKeeper,
    error::Error,
    http::{Answer, Call, Deadline, Http},
    provider::{
        CaptureOrder, CaptureState, Charge, Delivery, Hint, Opened, PaymentProvider, Question,
        RefundOrder, RefundState, Session, Transaction,
    },
};
use async_trait::async_trait;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use schema::{
    ids::PaymentId,
    paying::{PayWith, Taking},
};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

const IDEMPOTENCY_KEY: &str = "cko-idempotency-key";

#[derive(Clone, Debug)]
pub struct Config {
    /// `https://{prefix}.api.checkout.com`; the sandbox's is `https://{prefix}.api.sandbox.checkout.com`.
    pub base_url: String,
    /// `sk_…`, on the sandbox `sk_sbox_…`.
    pub secret_key: SecretString,
    /// `pk_…`: exchanges what Apple's sheet gave for a token, and can do nothing else.
    pub public_key: SecretString,
    /// `pc_…`: the channel that payments are made in.
    pub processing_channel: String,
    /// What the vendor signs webhooks with; several are valid at once while they are exchanged.
    pub webhook_keys: Vec<SecretString>,
    /// What the vendor shows as a webhook's `Authorization`; several are valid at once, too.
    pub webhook_authorizations: Vec<SecretString>,
    /// How long the customer has for 3-D Secure: 15 minutes.
    pub challenge_life: Duration,
    /// How long a one-time password is taken: 2 minutes.
    pub password_life: Duration,
}

pub struct Checkout {
    http: Http,
    secret_key: SecretString,
    public_key: SecretString,
    processing_channel: String,
    challenge_lives_ms: u64,
    password_lives_ms: u64,
    webhook_secrets: webhook::Secrets,
}

impl Checkout {
    pub fn new(config: Config) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::refused("configuration", format!("checkout: {reason}"));
        let live = !config.secret_key.expose_secret().starts_with("sk_sbox_");
        if live && !config.base_url.starts_with("https://") {
            return Err(wrong("the live system wants https"));
        }
        if !wire::is_id(&config.processing_channel, "pc_") {
            return Err(wrong("the processing channel is no id"));
        }
        let lives_ms = |life: Duration| u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        Ok(Self {
            http: Http::new("checkout", &config.base_url)?,
            secret_key: config.secret_key,
            public_key: config.public_key,
            processing_channel: config.processing_channel,
            challenge_lives_ms: lives_ms(config.challenge_life),
            password_lives_ms: lives_ms(config.password_life),
            webhook_secrets: webhook::Secrets::new(
                &config.webhook_keys,
                &config.webhook_authorizations,
            )?,
        })
    }

    async fn ask_vendor(&self, call: Call, until: Deadline) -> Result<Answer, Error> {
        self.http.send(call.secret("authorization", "Bearer ", &self.secret_key)?, until).await
    }

    /// A request that takes effect once: sent again under the same key, it is answered again.
    async fn once(&self, call: Call, key: &str, until: Deadline) -> Result<Answer, Error> {
        let key = HeaderValue::from_str(key)
            .map_err(|_| Error::refused("malformed", "checkout: no idempotency key"))?;
        let headers = HeaderMap::from_iter([(HeaderName::from_static(IDEMPOTENCY_KEY), key)]);
        self.ask_vendor(call.signed(headers), until).await
    }
}

#[async_trait]
impl PaymentProvider for Checkout {
    /// Cards are reserved; STC Pay knows no reservation of ours.
    fn taking(&self, pay_with: &PayWith) -> Option<Taking> {
        match pay_with {
            PayWith::Token { .. } | PayWith::SavedCard { .. } | PayWith::ApplePay { .. } => {
                Some(Taking::OnceConfirmed)
            }
            PayWith::StcPay { .. } => Some(Taking::AtOnce),
            PayWith::Page | PayWith::CreditCard | PayWith::Mada | PayWith::Terminal { .. } => None,
        }
    }

    fn cards(&self) -> Option<&dyn CardKeeper> {
        Some(self)
    }

    async fn open(&self, charge: &Charge, within: Duration) -> Result<Opened, Error> {
        let until = Deadline::after(within);
        match &charge.pay_with {
            PayWith::Token { .. } => self.pay_with_token(charge, until).await,
            PayWith::SavedCard { .. } => self.pay_with_saved_card(charge, until).await,
            PayWith::ApplePay { .. } => self.pay_with_apple(charge, until).await,
            PayWith::StcPay { phone } => self.send_password(charge, phone, until).await,
            PayWith::Page | PayWith::CreditCard | PayWith::Mada | PayWith::Terminal { .. } => {
                Err(not_here("such way to pay"))
            }
        }
    }

    async fn find_opened(
        &self,
        charge: &Charge,
        within: Duration,
    ) -> Result<Option<Opened>, Error> {
        self.find_payment(charge, Deadline::after(within)).await
    }

    async fn proceed(
        &self,
        charge: &Charge,
        session: &Session,
        given: &SecretString,
        within: Duration,
    ) -> Result<Opened, Error> {
        match &charge.pay_with {
            PayWith::StcPay { .. } => {
                self.pay_with_password(charge, session, given, Deadline::after(within)).await
            }
            PayWith::Page
            | PayWith::CreditCard
            | PayWith::Mada
            | PayWith::Token { .. }
            | PayWith::SavedCard { .. }
            | PayWith::ApplePay { .. }
            | PayWith::Terminal { .. } => Err(not_here("going on with such a session")),
        }
    }

    async fn ask(&self, question: &Question, within: Duration) -> Result<Vec<Transaction>, Error> {
        self.transactions(question, Deadline::after(within)).await
    }

    async fn capture(&self, order: &CaptureOrder, within: Duration) -> Result<CaptureState, Error> {
        self.capture_once(order, Deadline::after(within)).await
    }

    async fn find_capture(
        &self,
        order: &CaptureOrder,
        within: Duration,
    ) -> Result<Option<CaptureState>, Error> {
        self.capture_shown(order, Deadline::after(within)).await
    }

    async fn refund(&self, order: &RefundOrder, within: Duration) -> Result<RefundState, Error> {
        self.give_back_once(order, Deadline::after(within)).await
    }

    async fn find_refund(
        &self,
        order: &RefundOrder,
        within: Duration,
    ) -> Result<Option<RefundState>, Error> {
        self.giving_back_shown(order, Deadline::after(within)).await
    }

    fn read_webhook(&self, delivery: Delivery<'_>) -> Result<Hint, Error> {
        webhook::read(&self.webhook_secrets, delivery)
    }

    /// The browser brings a `cko-session-id`, which anybody could: nothing to go on with, the vendor is asked.
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
    Error::refused("not_here", format!("checkout: no {what} here"))
}

#[cfg(test)]
mod tests;
