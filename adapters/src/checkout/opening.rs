//! Charging what the customer has given: the token of a card, a saved card, what Apple's sheet gave.
//!
//! A token can be used once ("Tokens", API reference). So a token that was used before is no refusal: it was most likely
//! used by our own request whose answer was lost, and the reference says what became of that.

use super::{
    Checkout,
    wire::{Codes, Made, Payment, Status, is_id, no_answer},
};
use crate::{
    error::Error,
    http::{Answer, Call, Deadline},
    provider::{Charge, Opened, Session},
};
use reqwest::Url;
use schema::paying::{NextAct, Taking};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

const URL_CHARS: usize = 2_048;

impl Checkout {
    pub(super) async fn pay_with_token(
        &self,
        charge: &Charge,
        until: Deadline,
    ) -> Result<Opened, Error> {
        let token = given(charge)?;
        if !is_id(token, "tok_") {
            return Ok(rejected("card_token_invalid"));
        }
        self.charge_card(charge, json!({ "type": "token", "token": token }), until).await
    }

    pub(super) async fn pay_with_saved_card(
        &self,
        charge: &Charge,
        until: Deadline,
    ) -> Result<Opened, Error> {
        let id = given(charge)?;
        if !is_id(id, "src_") {
            return Ok(rejected("card_unknown"));
        }
        self.charge_card(charge, json!({ "type": "id", "id": id }), until).await
    }

    /// Two calls: Apple's data becomes a token, the token is charged. Sent again, the first gives another token, so the
    /// second is not byte for byte what it was: its key still is, and the reference was looked up before.
    pub(super) async fn pay_with_apple(
        &self,
        charge: &Charge,
        until: Deadline,
    ) -> Result<Opened, Error> {
        let Ok(Value::Object(mut token)) = serde_json::from_str(given(charge)?) else {
            return Ok(rejected("apple_pay_unreadable"));
        };
        // The vendor wants the encrypted part of Apple's token alone.
        let data = token.remove("paymentData").unwrap_or(Value::Object(token));
        let Some(token) = self.exchange(data, until).await? else {
            return Ok(rejected("apple_pay_not_accepted"));
        };
        let body = self.payment_request(charge, &json!({ "type": "token", "token": token }))?;
        self.charge(charge, body, until).await
    }

    /// Apple's data for a token. None: the vendor does not take it. This moves no money: whatever became of a call
    /// without an answer, nothing was charged.
    async fn exchange(&self, data: Value, until: Deadline) -> Result<Option<String>, Error> {
        let body = json!({ "type": "applepay", "token_data": data });
        let call = Call::post("exchange", "tokens", body);
        let call = call.secret("authorization", "Bearer ", &self.public_key)?;
        let answer = self.http.send(call, until).await;
        answer.and_then(|answer| exchanged(&answer)).map_err(|error| match error {
            Error::Unknown { reason } => Error::unavailable(reason),
            Error::Unavailable { .. } | Error::Refused { .. } | Error::Forged { .. } => error,
        })
    }

    /// A card without Apple's or the phone's own proof of who pays: 3-D Secure, where the issuer has it.
    async fn charge_card(
        &self,
        charge: &Charge,
        source: Value,
        until: Deadline,
    ) -> Result<Opened, Error> {
        let mut body = self.payment_request(charge, &source)?;
        body["3ds"] = json!({ "enabled": true });
        self.charge(charge, body, until).await
    }

    async fn charge(&self, charge: &Charge, body: Value, until: Deadline) -> Result<Opened, Error> {
        let key = format!("{}-pay", charge.payment.bare());
        let answer = self.once(Call::post("pay", "payments", body), &key, until).await?;
        self.opened(charge, &answer, until).await
    }

    /// The same bytes for the same charge, at every attempt.
    pub(super) fn payment_request(&self, charge: &Charge, source: &Value) -> Result<Value, Error> {
        if charge.amount.amount_minor <= 0 {
            // The vendor would take it for the check of a card.
            return Err(Error::refused("amount", "checkout: nothing is to pay"));
        }
        let mut body = json!({
            "source": source,
            "amount": charge.amount.amount_minor,
            "currency": charge.amount.currency.code(),
            "capture": charge.taking == Taking::AtOnce,
            "reference": charge.payment.bare(),
            "processing_channel_id": self.processing_channel,
            "success_url": charge.return_url,
            "failure_url": charge.return_url,
            "metadata": { "booking": charge.booking.bare() },
        });
        if let Some(email) = &charge.buyer.email {
            body["customer"] = json!({ "email": email });
            if let Some(name) = &charge.buyer.name {
                body["customer"]["name"] = json!(name);
            }
        }
        Ok(body)
    }

    /// What the vendor answers to a charge. A decline is decided, and nothing is left to do in it.
    pub(super) async fn opened(
        &self,
        charge: &Charge,
        answer: &Answer,
        until: Deadline,
    ) -> Result<Opened, Error> {
        let status = answer.status.as_u16();
        if matches!(status, 201 | 202) {
            let payment: Payment = answer.json()?;
            payment.is_for(charge, status == 201)?;
            return Ok(Opened::Open(self.session(&payment)?));
        }
        let codes = Codes::of(answer);
        let used = codes.has("token_used") || codes.has("token_in_use");
        let word = codes.iter().find_map(unusable);
        if status != 422 || (!used && word.is_none()) {
            return Err(no_answer(answer));
        }
        match (self.find_payment(charge, until).await, word) {
            (Ok(Some(opened)), _) => Ok(opened),
            (Ok(None), Some(word)) if !used => Ok(rejected(word)),
            (Ok(None), _) => Err(Error::unknown("checkout: a used token; no payment with it yet")),
            // Not even "not executed": that would be about the look-up.
            (Err(error), _) => Err(Error::unknown(format!("checkout: after a refusal, {error}"))),
        }
    }

    pub(super) fn session(&self, payment: &Payment) -> Result<Session, Error> {
        let next = match payment.redirect().filter(|_| payment.status == Status::Pending) {
            Some(url) if self.is_page(url) => NextAct::Redirect { url: url.to_owned() },
            Some(_) => return Err(Error::unknown("checkout: a page that is none")),
            None => NextAct::Nothing,
        };
        Ok(Session {
            id: payment.id.clone(),
            account: self.processing_channel.clone(),
            // Whoever was declined can pay another way at once. Money is waited for until it shows.
            lives_ms: if payment.status.is_over() { 0 } else { self.challenge_lives_ms },
            next,
        })
    }

    /// A page somebody can be sent to; in the clear only where the vendor itself is asked in the clear.
    fn is_page(&self, url: &str) -> bool {
        let secure = |url: &Url| url.scheme() == "https" || url.scheme() == self.scheme();
        url.len() <= URL_CHARS && Url::parse(url).is_ok_and(|url| url.has_host() && secure(&url))
    }

    fn scheme(&self) -> &str {
        if self.http.base_url().starts_with("http://") { "http" } else { "https" }
    }
}

fn exchanged(answer: &Answer) -> Result<Option<String>, Error> {
    match answer.status.as_u16() {
        201 => {
            let token = answer.json::<Made>()?.id;
            let none = || Error::unknown("checkout: a token that is none");
            is_id(&token, "tok_").then_some(Some(token)).ok_or_else(none)
        }
        422 if Codes::of(answer).iter().any(|code| code.starts_with("token_")) => Ok(None),
        _ => Err(no_answer(answer)),
    }
}

/// What the customer has given, which opens the payment.
fn given(charge: &Charge) -> Result<&str, Error> {
    let none = || Error::refused("malformed", "checkout: nothing was given to pay with");
    charge.secret.as_ref().map(ExposeSecret::expose_secret).ok_or_else(none)
}

pub(super) fn rejected(code: &str) -> Opened {
    Opened::Rejected { code: code.to_owned() }
}

/// What is wrong with what the customer gave, in a word they can be told; none where it is we who are wrong.
pub(super) fn unusable(code: &str) -> Option<&'static str> {
    match code {
        "token_expired" => Some("card_token_expired"),
        "token_invalid" | "token_type_invalid" | "source_token_invalid" => {
            Some("card_token_invalid")
        }
        "source_id_unknown" | "source_id_invalid" => Some("card_unknown"),
        "card_disabled" | "card_expired" | "card_authorization_failed" => Some("card_not_accepted"),
        "3ds_malfunction" | "3ds_not_enabled_for_card" | "3ds_not_supported" => {
            Some("card_not_accepted")
        }
        _ if code.starts_with("payment_context_") || code.starts_with("otp_") => {
            Some("one_time_password_over")
        }
        _ if code.starts_with("customer_phone_") || code.starts_with("phone_") => {
            Some("phone_not_accepted")
        }
        _ => None,
    }
}
