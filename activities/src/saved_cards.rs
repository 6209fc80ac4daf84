//! Saved cards: kept by the vendor, known here by a sealed token, deleted here first and at the vendor until it is done.
//!
//! No money moves, and every call may be repeated: so there is no row of a call, and what is unknown is asked again.

use crate::{Activities, Error};
use adapters::{
    card_keeper::{CardKeeper, Ended, KeptCard, NewCard, Saving},
    error::Error as VendorError,
    provider::Session,
};
use schema::{
    cases::{self, Decision, NewCase, VENDOR_HAS_DECIDED},
    forgetting::{self, ToForget},
    ids::CardId,
    money::Money,
    paying::NextAct,
    provider::Provider,
    saved_cards::{self, CardRequest, NewToken, OpenForm, SavedCard},
    sealed::Sealed,
    states::CardStatus,
    timings::Timings,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How far it is. Goes into the journal as it is: nothing of the card is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum CardProgress {
    /// Its row says how it ended.
    Over,
    /// The vendor's form is open: ask when the customer is back, or on the usual schedule.
    Form,
    /// The vendor gave no answer: come back after this.
    NotYet { wait_ms: u64 },
}

impl Activities {
    /// Writes the card down, or finds an older life of it.
    pub async fn record_card(&self, request: &CardRequest) -> Result<CardProgress, Error> {
        let status = saved_cards::record(&self.db, request).await?;
        Ok(if status == CardStatus::Adding { CardProgress::Form } else { CardProgress::Over })
    }

    /// Opens the vendor's form, or has it keep the card behind the token that the customer gave.
    pub async fn open_card(&self, request: &CardRequest) -> Result<CardProgress, Error> {
        let card = request.card_id;
        let Some(now) = self.adding(card).await? else { return Ok(CardProgress::Over) };
        if now.vendor_session.is_some() {
            return Ok(CardProgress::Form);
        }
        let Some(keeper) = self.keeper(request.provider) else {
            return self.not_saved(card, "not_opened").await;
        };
        // What is unreadable is no token, and the vendor's adapter says so.
        let token = request.token.as_ref().and_then(|sealed| self.id_key.unseal(sealed));
        let new = NewCard { card, token, return_url: request.return_url.clone() };
        match keeper.save(&new, within(&request.timings)).await {
            Ok(Saving::Form(Session { id, account, lives_ms, next })) => {
                let form = OpenForm { session: &id, account: &account, lives_ms, next: &next };
                saved_cards::opened(&self.db, card, &form).await?;
                Ok(CardProgress::Form)
            }
            Ok(Saving::Ended(ended)) => self.ended(card, ended).await,
            Err(error) => {
                tracing::info!(card.id = %card, %error, "{card} is not being saved yet: {error}");
                let patience = i64::try_from(request.timings.booking_expiry_ms).unwrap_or(i64::MAX);
                let refused = matches!(error, VendorError::Refused { .. });
                if refused || now.age_ms > patience {
                    return self.not_saved(card, "not_opened").await;
                }
                Ok(later(&error, &request.timings))
            }
        }
    }

    /// Asks the vendor what became of its form. A form whose time is over, with nothing to show for it, is the end.
    pub async fn ask_card(&self, card: CardId) -> Result<CardProgress, Error> {
        let Some(now) = self.adding(card).await? else { return Ok(CardProgress::Over) };
        let (Some(id), Some(account)) = (now.vendor_session, now.vendor_account) else {
            return Ok(CardProgress::Form);
        };
        let timings = &now.request.timings;
        let form = Session { id, account, lives_ms: 0, next: NextAct::Nothing };
        let asked = match self.keeper(now.provider) {
            Some(keeper) => keeper.ask_saved(&form, within(timings)).await,
            None => Err(VendorError::unavailable("the vendor is off")),
        };
        let left = now.session_left_ms.unwrap_or(0);
        let is_over =
            |patience: u64| left.saturating_add(i64::try_from(patience).unwrap_or(i64::MAX)) <= 0;
        match asked {
            Ok(Some(ended)) => self.ended(card, ended).await,
            Ok(None) if is_over(timings.payment.lag_ms) => {
                self.not_saved(card, "card_form_over").await
            }
            Ok(None) => Ok(CardProgress::Form),
            Err(_) if is_over(timings.undecided_ms) => self.not_saved(card, "card_form_over").await,
            Err(error) => {
                tracing::info!(card.id = %card, %error, "no answer about {card}: {error}");
                Ok(later(&error, timings))
            }
        }
    }

    /// The customer's browser is back from the vendor's form and has brought this, which the vendor has signed. What does
    /// not belong to the card changes nothing: its form goes on.
    pub async fn finish_card(&self, card: CardId, given: &Sealed) -> Result<CardProgress, Error> {
        let Some(now) = self.adding(card).await? else { return Ok(CardProgress::Over) };
        let (Some(id), Some(account)) = (now.vendor_session, now.vendor_account) else {
            return Ok(CardProgress::Form);
        };
        let timings = &now.request.timings;
        let form = Session { id, account, lives_ms: 0, next: NextAct::Nothing };
        let finished = match (self.keeper(now.provider), self.id_key.unseal(given)) {
            (Some(keeper), Some(given)) => keeper.finish(&form, &given, within(timings)).await,
            (None, _) => Err(VendorError::unavailable("the vendor is off")),
            (_, None) => Err(VendorError::refused("sealed", "what was given is unreadable")),
        };
        match finished {
            Ok(ended) => self.ended(card, ended).await,
            Err(error @ VendorError::Refused { .. }) => {
                tracing::warn!(card.id = %card, %error, "{card} was given what is not its own: {error}");
                Ok(CardProgress::Form)
            }
            Err(error) => {
                tracing::info!(card.id = %card, %error, "no answer about {card}: {error}");
                Ok(later(&error, timings))
            }
        }
    }

    /// From now on nobody pays with it. Whoever pays with it this moment has done so.
    pub async fn delete_card(&self, card: CardId) -> Result<(), Error> {
        Ok(forgetting::delete(&self.db, card).await?)
    }

    /// Has the vendor delete a card that is deleted here. A vendor that does not do it for long makes a case, and is asked
    /// on, ever more rarely.
    pub async fn forget_card(&self, card: CardId) -> Result<CardProgress, Error> {
        let Some(kept) = forgetting::to_forget(&self.db, card).await? else {
            return Ok(CardProgress::Over);
        };
        let ToForget { request, account, token, waits_ms } = kept;
        let timings = &request.timings;
        let forgotten = match (self.keeper(request.provider), self.id_key.unseal(&token)) {
            (Some(keeper), Some(token)) => keeper.forget(&token, &account, within(timings)).await,
            (None, _) => Err(VendorError::unavailable("the vendor is off")),
            (_, None) => Err(VendorError::refused("sealed", "the token is unreadable")),
        };
        let Err(error) = forgotten else {
            forgetting::forgotten(&self.db, card).await?;
            let (key, since) = (card.bare(), VENDOR_HAS_DECIDED);
            cases::overtaken(&self.db, DELETE_CARD, &key, FORGET_CARD, since).await?;
            return Ok(CardProgress::Over);
        };
        tracing::info!(card.id = %card, %error, "{card} is not deleted at its vendor yet: {error}");
        let waits_ms = u64::try_from(waits_ms).unwrap_or(0);
        if waits_ms > timings.undecided_ms {
            self.ask_a_person_about(card).await?;
        }
        let longest = timings.undecided_ms.max(timings.retry_first_ms);
        Ok(CardProgress::NotYet { wait_ms: waits_ms.clamp(timings.retry_first_ms, longest) })
    }

    async fn adding(&self, card: CardId) -> Result<Option<SavedCard>, Error> {
        let found = saved_cards::find(&self.db, card).await?;
        Ok(found.filter(|found| found.status == CardStatus::Adding))
    }

    fn keeper(&self, provider: Provider) -> Option<&dyn CardKeeper> {
        self.providers.get(provider)?.cards()
    }

    async fn ended(&self, card: CardId, ended: Ended) -> Result<CardProgress, Error> {
        match ended {
            Ended::Kept(kept) => self.kept(card, &kept).await,
            Ended::Refused { code } => self.not_saved(card, &code).await,
        }
    }

    async fn kept(&self, card: CardId, kept: &KeptCard) -> Result<CardProgress, Error> {
        let KeptCard { token, account, brand, last4 } = kept;
        // Nothing that short is too long to be sealed.
        let Some(sealed) = self.id_key.seal(token.expose_secret()) else {
            return self.not_saved(card, "card_not_accepted").await;
        };
        let new = NewToken {
            account,
            token: &sealed,
            mark: &self.id_key.mark(token),
            brand: brand.as_deref(),
            last4: last4.as_deref(),
        };
        match saved_cards::save(&self.db, card, &new).await? {
            None => Ok(CardProgress::Over),
            Some(because) => self.not_saved(card, because).await,
        }
    }

    async fn not_saved(&self, card: CardId, because: &str) -> Result<CardProgress, Error> {
        saved_cards::fail(&self.db, card, because).await?;
        Ok(CardProgress::Over)
    }

    async fn ask_a_person_about(&self, card: CardId) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let kept = NewCase {
            workflow: DELETE_CARD,
            workflow_key: card.bare(),
            step: "forget_card:undecided",
            booking: None,
            cause: "card_not_deleted_at_its_vendor",
            detail: "its owner has deleted it, nobody can pay with it, and the vendor still keeps it",
            at_risk: Money::sar(0),
            decisions: &[Decision::Settled],
        };
        cases::open_once(&mut tx, &kept).await?;
        Ok(tx.commit().await.map_err(schema::Error::from)?)
    }
}

const DELETE_CARD: &str = "DeleteCard";
const FORGET_CARD: &str = "forget_card";

fn within(timings: &Timings) -> Duration {
    Duration::from_millis(timings.payment.timeout_ms)
}

/// What the vendor wishes is heard, within our own bound.
fn later(error: &VendorError, timings: &Timings) -> CardProgress {
    let wished = match error {
        VendorError::Unavailable { retry_after, .. } => *retry_after,
        VendorError::Unknown { .. } | VendorError::Refused { .. } | VendorError::Forged { .. } => {
            None
        }
    };
    let first = Duration::from_millis(timings.retry_first_ms);
    let longest = Duration::from_millis(timings.retry_longest_ms);
    let wait = wished.unwrap_or(first).clamp(first.min(longest), longest);
    CardProgress::NotYet { wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) }
}
