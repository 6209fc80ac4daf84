//! Saved cards (tokens): the vendor's page makes a token of a card, the browser brings it back, signed, and a customer who
//! wants the card gone has the token made inactive ("Merchant page", "Tokenization", "Update token", Amazon Payment
//! Services). Charging one is a charge of a token as any other (`charging.rs`), with its owner present and without the card's
//! security code, which is nothing for us to see: the account must allow that, and their bank asks the customer instead.
//!
//! The page is the one that payments are made on, under the card's own reference. Nobody who asks by that reference is shown
//! a token, so the signed return is the only way to it: a card whose return was lost is typed in again, and the token that
//! nobody knows of is charged by nobody. While a card is saved no bank is asked and nothing is charged. The vendor keeps a
//! token for good once a charge of it has gone through with the customer's consent ("Tokenization"), which each charge of a
//! saved card states (`remember_me`); how long it keeps one that was never charged is not documented. One that is gone is
//! `card_unknown` when it is paid with.

use super::{
    PayFort,
    codes::Class,
    message::{Message, is_name},
    requests::Request,
    webhook::tokenized,
};
use crate::{
    card_keeper::{CardKeeper, Ended, KeptCard, NewCard, Saving},
    error::Error,
    http::Deadline,
    provider::Session,
};
use async_trait::async_trait;
use data_encoding::HEXLOWER;
use schema::{ids::CardId, paying::Language};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

pub(super) const TOKEN_MAX: usize = 100;

#[async_trait]
impl CardKeeper for PayFort {
    fn wants_token(&self) -> bool {
        false
    }

    /// Nothing is sent: the customer's browser posts the form, signed.
    async fn save(&self, card: &NewCard, _: Duration) -> Result<Saving, Error> {
        let reference = card.card.bare();
        let language = Language::default();
        let next = self.token_form(&self.cards, (&reference, language), &card.return_url)?;
        Ok(Saving::Form(Session {
            id: reference,
            account: self.cards.access_code.clone(),
            lives_ms: self.session_lives_ms,
            next,
        }))
    }

    /// The vendor tells nobody: the browser does.
    async fn ask_saved(&self, _: &Session, _: Duration) -> Result<Option<Ended>, Error> {
        Ok(None)
    }

    fn read_back(
        &self,
        card: CardId,
        fields: &[(String, String)],
    ) -> Result<Option<SecretString>, Error> {
        let reference = card.bare();
        let Some(message) = self.brought_back(&reference, fields)? else { return Ok(None) };
        let last4 = message.last4().unwrap_or_default();
        let given = match tokenized(&message) {
            Some(token) => Some(given(&reference, token, &last4)),
            None if is_refusal(&message) => Some(given(&reference, "", "")),
            None => None,
        };
        Ok(given)
    }

    async fn finish(
        &self,
        form: &Session,
        given: &SecretString,
        _: Duration,
    ) -> Result<Ended, Error> {
        let mut parts = given.expose_secret().split(':');
        if parts.next() != Some(form.id.as_str()) {
            return Err(Error::refused("another_card", "payfort: a token of another card"));
        }
        let token = parts.next().filter(|token| is_name(token, TOKEN_MAX));
        let Some(token) = token else {
            return Ok(Ended::Refused { code: "card_not_accepted".to_owned() });
        };
        Ok(Ended::Kept(KeptCard {
            token: token.into(),
            account: form.account.clone(),
            // The answer names none, and the first digits do not tell mada from the brand it shares a card with.
            brand: None,
            last4: parts.next().filter(|last4| !last4.is_empty()).map(str::to_owned),
        }))
    }

    /// A reference is good for one use, so each try has a new one: making a token inactive twice is as good as once.
    async fn forget(
        &self,
        token: &SecretString,
        account: &str,
        within: Duration,
    ) -> Result<(), Error> {
        let channel = self.account(account)?;
        let token = token.expose_secret();
        if !is_name(token, TOKEN_MAX) {
            return Err(Error::refused("malformed", "payfort: this is no token of a card"));
        }
        let reference = new_reference()?;
        let request = Request::new("delete_card", ("service_command", "UPDATE_TOKEN"));
        let request = self
            .about(request, channel, &reference)
            .with("language", "en")
            .with("token_name", token)
            .with("token_status", "INACTIVE");
        let answer = self.send(channel, (&reference, request), Deadline::after(within)).await?;
        match answer.class() {
            Class::TokenUpdated if is_inactive(&answer, token) => Ok(()),
            Class::NoToken => Ok(()),
            Class::Invalid => Err(Error::refused(answer.code("response_code"), answer.reason())),
            Class::Purchased
            | Class::Authorized
            | Class::Captured
            | Class::Refunded
            | Class::Voided
            | Class::Queried
            | Class::Tokenized
            | Class::TokenUpdated
            | Class::Checks3ds
            | Class::Pending
            | Class::Duplicate
            | Class::NotFound
            | Class::NotNow
            | Class::Uncertain
            | Class::Declined
            | Class::Unknown => Err(Error::unknown(answer.reason())),
        }
    }
}

/// What `read_back` hands to `finish`: the reference that a token was made under, the token, and the card's last digits.
/// Without a token the vendor did not take the card.
pub(super) fn given(reference: &str, token: &str, last4: &str) -> SecretString {
    format!("{reference}:{token}:{last4}").into()
}

/// The vendor has made no token of this card. (Who leaves the page without typing one in has refused nothing.)
fn is_refusal(message: &Message) -> bool {
    message.get("service_command") == Some("TOKENIZATION")
        && message.class() == Class::Declined
        && message.code("response_code") != "00072"
}

/// About this token, and not active. What it leaves out it does not contradict.
fn is_inactive(answer: &Message, token: &str) -> bool {
    answer.get("token_name").is_none_or(|shown| shown == token)
        && answer.get("token_status").is_none_or(|shown| shown == "INACTIVE")
}

/// 32 hex digits that nobody has used before.
fn new_reference() -> Result<String, Error> {
    let mut bytes = [0; 16];
    let unavailable = |_| Error::unavailable("payfort: no random bytes");
    aws_lc_rs::rand::fill(&mut bytes).map_err(unavailable)?;
    Ok(HEXLOWER.encode(&bytes))
}
