//! Saved cards (instruments): the vendor's fields in the app make a token of the card, and the vendor keeps it under an id
//! of its own ("Instruments", API reference).
//!
//! No idempotency key is honoured there, and a token can be used once. So a token that was used before was most likely used
//! by our own request whose answer was lost: the card is typed in again, and what the vendor keeps besides is charged by
//! nobody.

use super::{
    Checkout, not_here,
    opening::unusable,
    wire::{Codes, brand, is_id, last4, no_answer},
};
use crate::{
    card_keeper::{CardKeeper, Ended, KeptCard, NewCard, Saving},
    error::Error,
    http::{Answer, Call, Deadline},
    provider::Session,
};
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

#[async_trait]
impl CardKeeper for Checkout {
    fn wants_token(&self) -> bool {
        true
    }

    async fn save(&self, card: &NewCard, within: Duration) -> Result<Saving, Error> {
        let token = card.token.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
        if !is_id(token, "tok_") {
            return Ok(refused("card_token_invalid"));
        }
        let body = json!({ "type": "token", "token": token });
        let call = Call::post("save_card", "instruments", body);
        let answer = self.ask_vendor(call, Deadline::after(within)).await?;
        if answer.status == 201 {
            return self.kept(&answer);
        }
        let codes = Codes::of(&answer);
        let used = codes.has("token_used") || codes.has("token_in_use");
        let word = if used { Some("card_token_used") } else { codes.iter().find_map(unusable) };
        match word.filter(|_| answer.status == 422) {
            Some(word) => Ok(refused(word)),
            None => Err(no_answer(&answer)),
        }
    }

    async fn ask_saved(&self, _: &Session, _: Duration) -> Result<Option<Ended>, Error> {
        Err(not_here("form for a card"))
    }

    async fn forget(&self, token: &SecretString, _: &str, within: Duration) -> Result<(), Error> {
        let id = token.expose_secret();
        if !is_id(id, "src_") {
            return Err(Error::refused("malformed", "checkout: not an instrument's id"));
        }
        let call = Call::delete("delete_card", format!("instruments/{id}"));
        let answer = self.ask_vendor(call, Deadline::after(within)).await?;
        match answer.status.as_u16() {
            204 | 404 => Ok(()),
            _ => Err(no_answer(&answer)),
        }
    }
}

#[derive(Deserialize)]
struct Instrument {
    id: String,
    scheme: Option<String>,
    last4: Option<String>,
}

impl Checkout {
    fn kept(&self, answer: &Answer) -> Result<Saving, Error> {
        let Instrument { id, scheme, last4: digits } = answer.json()?;
        if !is_id(&id, "src_") {
            return Err(Error::unknown("checkout: an instrument without an id"));
        }
        Ok(Saving::Ended(Ended::Kept(KeptCard {
            token: id.into(),
            account: self.processing_channel.clone(),
            brand: brand(scheme.as_deref()),
            last4: last4(digits.as_deref()),
        })))
    }
}

fn refused(code: &str) -> Saving {
    Saving::Ended(Ended::Refused { code: code.to_owned() })
}
