//! The verbs of a vendor that keeps cards for customers: saved once, charged by a token, deleted when the customer wants it.
//! None of them moves money.

use crate::{error::Error, provider::Session};
use async_trait::async_trait;
use schema::ids::CardId;
use secrecy::SecretString;
use std::time::Duration;

/// A card that a customer wants to save. It is typed into the vendor's form, or into the vendor's fields in the app, which
/// make a token of it; never into anything of ours.
#[derive(Clone, Debug)]
pub struct NewCard {
    pub card: CardId,
    /// What the vendor's fields in the app gave.
    pub token: Option<SecretString>,
    /// Where the vendor sends the browser when the customer is done with its form.
    pub return_url: String,
}

/// What saving a card has come to so far.
#[derive(Clone, Debug)]
pub enum Saving {
    /// The customer types the card into the vendor's form.
    Form(Session),
    Ended(Ended),
}

#[derive(Clone, Debug)]
pub enum Ended {
    Kept(KeptCard),
    /// The vendor does not take this card; `code` is a word of ours that the customer can be told.
    Refused {
        code: String,
    },
}

/// A card that the vendor keeps.
#[derive(Clone, Debug)]
pub struct KeptCard {
    /// What it is charged and deleted by.
    pub token: SecretString,
    /// The vendor's account (entity) that the token belongs to.
    pub account: String,
    pub brand: Option<String>,
    pub last4: Option<String>,
}

/// A vendor that keeps cards. Charging one is `PaymentProvider::open`, with the token as the charge's secret.
#[async_trait]
pub trait CardKeeper: Send + Sync {
    /// It keeps what its fields in the app have made a token of; otherwise it has a form of its own.
    fn wants_token(&self) -> bool;

    /// Opens the vendor's form, or has the vendor keep the card behind the token. Harmless to repeat: a form nobody fills
    /// in is nothing, and of a token that was used before nothing is charged.
    async fn save(&self, card: &NewCard, within: Duration) -> Result<Saving, Error>;

    /// What became of the vendor's form. None: nothing yet.
    async fn ask_saved(&self, form: &Session, within: Duration) -> Result<Option<Ended>, Error>;

    /// What the browser brings back from the form of this card that saving it goes on with (`finish`), once it is verified.
    /// None: nothing, the vendor is asked. What the vendor has signed for another card is forged here. `fields` are those of
    /// the query or of the form.
    fn read_back(
        &self,
        _card: CardId,
        _fields: &[(String, String)],
    ) -> Result<Option<SecretString>, Error> {
        Ok(None)
    }

    /// What became of the vendor's form, by what `read_back` has read. A vendor whose form tells the browser nothing
    /// refuses.
    async fn finish(
        &self,
        _form: &Session,
        _given: &SecretString,
        _within: Duration,
    ) -> Result<Ended, Error> {
        Err(Error::refused("not_here", "this vendor's form tells the browser nothing"))
    }

    /// Has the vendor delete a card. Safe to repeat: a card that it does not know is deleted.
    async fn forget(
        &self,
        token: &SecretString,
        account: &str,
        within: Duration,
    ) -> Result<(), Error>;
}
