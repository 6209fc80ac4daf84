//! `PayFort` (Amazon Payment Services): credit cards reserved first, mada, saved cards and Apple Pay taken at once.
//!
//! Three facts shaped this folder. Everything goes to one address and every message is signed, both ways, by the phrases
//! of its channel; cards and Apple Pay are two channels, told apart by the access code ("Signature", "Apple Pay"). There is
//! no idempotency key: an order's reference can be used once and a second use is an error, never the first result, so
//! whatever is not a plain answer is unknown and is looked up ("Merchant reference"). And `CHECK_STATUS` shows an order's
//! last operation and its totals only ("Check status"); `standing.rs` says what that can prove.
//!
//! The card is typed on the vendor's page, which gives us a token; charging the token is a call of ours (`proceed`). The
//! same page makes the token of a card that is saved (`saving.rs`).

mod apple;
mod charging;
mod codes;
mod follow_ups;
mod message;
mod requests;
mod saving;
mod signing;
mod standing;
mod webhook;

use crate::{
    card_keeper::CardKeeper,
    error::Error,
    http::{Call, Deadline, Http},
    provider::{
        CaptureOrder, CaptureState, Charge, Delivery, Hint, Opened, PaymentProvider, Question,
        RefundOrder, RefundState, Session, Transaction,
    },
};
use async_trait::async_trait;
use codes::{Class, is_refused_at_the_door};
use message::{Message, is_name};
use requests::Request;
use schema::{
    ids::PaymentId,
    paying::{PayWith, Taking},
};
use secrecy::SecretString;
use standing::Standing;
use std::time::Duration;

pub use signing::{Channel, ShaType};

const API: &str = "FortAPI/paymentApi";
const PAGE: &str = "FortAPI/paymentPage";

#[derive(Clone, Debug)]
pub struct Config {
    /// `https://paymentservices.payfort.com`, with or without `/FortAPI/paymentApi`.
    pub base_url: String,
    /// `https://checkout.payfort.com`, where browsers go, with or without `/FortAPI/paymentPage`.
    pub page_url: String,
    pub merchant_identifier: String,
    pub cards: Channel,
    /// Apple Pay is off without its own channel.
    pub apple: Option<Channel>,
    /// The vendor wants an address with every charge: whose, when the buyer has given none.
    pub guest_email: String,
    /// The vendor wants an IP address with every charge: ours, when the buyer's is not known any more.
    pub customer_ip: String,
    /// Real money: nothing but https.
    pub live: bool,
    /// How long a customer may take on the vendor's pages.
    pub session_life: Duration,
}

impl Config {
    fn mistake(&self) -> Option<&'static str> {
        let apple = self.apple.as_ref().map(|channel| channel.access_code.as_str());
        let ids = [Some(self.cards.access_code.as_str()), apple, Some(&self.merchant_identifier)];
        if !ids.into_iter().flatten().all(|id| is_name(id, 20)) {
            return Some("an access code or the merchant identifier is no id");
        }
        let same = apple == Some(self.cards.access_code.as_str());
        same.then_some("Apple Pay's channel has an access code of its own")
    }
}

pub struct PayFort {
    http: Http,
    page_url: String,
    merchant_identifier: String,
    cards: Channel,
    apple: Option<Channel>,
    guest_email: String,
    customer_ip: String,
    live: bool,
    session_lives_ms: u64,
}

impl PayFort {
    pub fn new(config: Config) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::refused("configuration", format!("payfort: {reason}"));
        let address = |url: &str, path: &str| {
            let url = url.trim_end_matches('/');
            url.strip_suffix(path).unwrap_or(url).trim_end_matches('/').to_owned()
        };
        let base_url = address(&config.base_url, API);
        let page_url = address(&config.page_url, PAGE);
        if config.live && ![&base_url, &page_url].iter().all(|url| url.starts_with("https://")) {
            return Err(wrong("the live system wants https"));
        }
        if let Some(reason) = config.mistake() {
            return Err(wrong(reason));
        }
        Ok(Self {
            http: Http::trusted("payfort", &base_url)?,
            page_url,
            merchant_identifier: config.merchant_identifier,
            cards: config.cards,
            apple: config.apple,
            guest_email: config.guest_email,
            customer_ip: config.customer_ip,
            live: config.live,
            session_lives_ms: u64::try_from(config.session_life.as_millis()).unwrap_or(u64::MAX),
        })
    }

    fn channels(&self) -> impl Iterator<Item = &Channel> {
        [Some(&self.cards), self.apple.as_ref()].into_iter().flatten()
    }

    fn channel(&self, access_code: &str) -> Option<&Channel> {
        self.channels().find(|channel| channel.access_code == access_code)
    }

    /// The channel that something was done under; every later call about it must use the same.
    fn account(&self, access_code: &str) -> Result<&Channel, Error> {
        let unknown = || Error::refused("configuration", "payfort: no channel of this access code");
        self.channel(access_code).ok_or_else(unknown)
    }

    fn channel_for(&self, pay_with: &PayWith) -> Result<&Channel, Error> {
        match pay_with {
            PayWith::Page | PayWith::CreditCard | PayWith::Mada | PayWith::SavedCard { .. } => {
                Ok(&self.cards)
            }
            PayWith::ApplePay { .. } => self.apple.as_ref().ok_or_else(|| not_here("Apple Pay")),
            PayWith::Token { .. } | PayWith::StcPay { .. } | PayWith::Terminal { .. } => {
                Err(not_here("paying with this"))
            }
        }
    }

    /// What every message has: who we are, on which channel, about which order.
    fn about(&self, request: Request, channel: &Channel, reference: &str) -> Request {
        request
            .with("access_code", &channel.access_code)
            .with("merchant_identifier", &self.merchant_identifier)
            .with("merchant_reference", reference)
    }

    /// Sends once. The answer is the vendor's and about this reference, whatever it says and whatever the HTTP status.
    async fn send(
        &self,
        channel: &Channel,
        (reference, request): (&str, Request),
        until: Deadline,
    ) -> Result<Message, Error> {
        let call = Call::post(request.operation, API, request.json(channel));
        let answer = self.http.send(call, until).await?;
        let message: Message = answer.json().map_err(|error| {
            let busy = answer.is_throttled();
            if busy { Error::unknown("payfort: throttled, executed or not") } else { error }
        })?;
        self.believe(channel, reference, message)
    }

    /// Whether an error is signed is not documented. Unsigned, only that nothing was done is believed: what is refused at
    /// the door, and that there is no such order, or no such token.
    fn believe(
        &self,
        channel: &Channel,
        reference: &str,
        answer: Message,
    ) -> Result<Message, Error> {
        let code = answer.code("response_code");
        if is_refused_at_the_door(code) {
            return Err(Error::refused(code, answer.reason()));
        }
        let unsigned = answer.get("signature").is_none();
        let not_found = unsigned && matches!(answer.class(), Class::NotFound | Class::NoToken);
        if !not_found && !channel.has_signed(answer.texts()) {
            return Err(Error::unknown("payfort: the answer is not signed by the vendor"));
        }
        let echoes = [
            ("merchant_reference", reference),
            ("access_code", &channel.access_code),
            ("merchant_identifier", &self.merchant_identifier),
        ];
        let contradicts =
            |(field, ours): &(&str, &str)| answer.get(field).is_some_and(|shown| shown != *ours);
        let named = not_found || answer.get("merchant_reference").is_some();
        if !named || echoes.iter().any(contradicts) {
            return Err(Error::unknown("payfort: the answer is about another order"));
        }
        Ok(answer)
    }

    /// How an order stands. `None`: the vendor shows none (yet), or nothing that has to do with money.
    async fn standing(
        &self,
        channel: &Channel,
        payment: PaymentId,
        until: Deadline,
    ) -> Result<Option<Standing>, Error> {
        let reference = payment.bare();
        let request = Request::new("status", ("query_command", "CHECK_STATUS"));
        let request = self.about(request, channel, &reference).with("language", "en");
        let answer = self.send(channel, (&reference, request), until).await?;
        match answer.class() {
            Class::Queried => Standing::of(&answer),
            Class::NotFound => Ok(None),
            Class::Invalid => Err(Error::refused(answer.code("response_code"), answer.reason())),
            Class::Purchased
            | Class::Authorized
            | Class::Captured
            | Class::Refunded
            | Class::Voided
            | Class::Tokenized
            | Class::TokenUpdated
            | Class::NoToken
            | Class::Checks3ds
            | Class::Pending
            | Class::Duplicate
            | Class::NotNow
            | Class::Uncertain
            | Class::Declined
            | Class::Unknown => Err(Error::unknown(answer.reason())),
        }
    }
}

#[async_trait]
impl PaymentProvider for PayFort {
    /// Only who has said "credit card" is sure not to hold a mada card, which the vendor purchases and never authorises.
    /// On the page for any card, and of a saved card or one in Apple's wallet, the brand is not known before the money
    /// moves (the token's answer names none), and a purchase is right for every brand.
    fn taking(&self, pay_with: &PayWith) -> Option<Taking> {
        match pay_with {
            PayWith::CreditCard => Some(Taking::OnceConfirmed),
            PayWith::Page | PayWith::Mada | PayWith::SavedCard { .. } => Some(Taking::AtOnce),
            PayWith::ApplePay { .. } => self.apple.as_ref().map(|_| Taking::AtOnce),
            PayWith::Token { .. } | PayWith::StcPay { .. } | PayWith::Terminal { .. } => None,
        }
    }

    fn wants_address(&self) -> bool {
        true
    }

    fn cards(&self) -> Option<&dyn CardKeeper> {
        Some(self)
    }

    async fn open(&self, charge: &Charge, within: Duration) -> Result<Opened, Error> {
        self.open_charge(charge, Deadline::after(within)).await
    }

    async fn find_opened(
        &self,
        charge: &Charge,
        within: Duration,
    ) -> Result<Option<Opened>, Error> {
        let channel = self.channel_for(&charge.pay_with)?;
        let standing = self.standing(channel, charge.payment, Deadline::after(within)).await?;
        Ok(standing.map(|standing| self.found(charge, channel, &standing)))
    }

    async fn proceed(
        &self,
        charge: &Charge,
        _: &Session,
        given: &SecretString,
        within: Duration,
    ) -> Result<Opened, Error> {
        self.charge_given(charge, given, Deadline::after(within)).await
    }

    async fn ask(&self, question: &Question, within: Duration) -> Result<Vec<Transaction>, Error> {
        let until = Deadline::after(within);
        let channels = match &question.account {
            Some(account) => vec![self.account(account)?],
            None => self.channels().collect(),
        };
        let mut found = Vec::new();
        for channel in channels {
            let standing = self.standing(channel, question.payment, until).await?;
            // A challenge that nobody has answered is no transaction (yet): with the session it is over.
            if let Some(standing) = standing.filter(|it| !it.waits_for_the_customer()) {
                found.push(standing.transaction(question, channel)?);
            }
        }
        Ok(found)
    }

    async fn capture(&self, order: &CaptureOrder, within: Duration) -> Result<CaptureState, Error> {
        self.take_reserved(order, Deadline::after(within)).await
    }

    async fn find_capture(
        &self,
        order: &CaptureOrder,
        within: Duration,
    ) -> Result<Option<CaptureState>, Error> {
        let channel = self.account(&order.account)?;
        match self.standing(channel, order.payment, Deadline::after(within)).await? {
            Some(standing) => standing.capture(order),
            None => Ok(None),
        }
    }

    async fn refund(&self, order: &RefundOrder, within: Duration) -> Result<RefundState, Error> {
        let until = Deadline::after(within);
        if order.reserved {
            self.void(order, until).await
        } else {
            self.send_back(order, until).await
        }
    }

    async fn find_refund(
        &self,
        order: &RefundOrder,
        within: Duration,
    ) -> Result<Option<RefundState>, Error> {
        let channel = self.account(&order.account)?;
        match self.standing(channel, order.payment, Deadline::after(within)).await? {
            Some(standing) => standing.refund(order),
            None => Ok(None),
        }
    }

    fn read_webhook(&self, delivery: Delivery<'_>) -> Result<Hint, Error> {
        self.read_feedback(delivery.body)
    }

    fn read_return(
        &self,
        payment: PaymentId,
        fields: &[(String, String)],
    ) -> Result<Option<SecretString>, Error> {
        self.read_token(payment, fields)
    }
}

/// Nobody comes here: `taking` says so.
fn not_here(what: &str) -> Error {
    Error::refused("not_here", format!("payfort: no {what} here"))
}

#[cfg(test)]
mod tests;
