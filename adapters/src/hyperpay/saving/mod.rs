//! Saved cards (registrations): a form that only registers a card, charging it with its owner present, and deregistering
//! (OPPWA, "Tokenization", "One-click checkout").
//!
//! The form is a checkout without an amount. Its result is the registration's id, and can be read as long as the checkout
//! lives; whether more than once is not documented. So a card whose result was lost is typed in again, and the registration
//! that nobody knows of is charged by nobody. A charge has a reference as any other, and is looked up by it.

use super::{
    HyperPay, not_here,
    result_codes::{CHECKOUT_CREATED, Class, Invalid, NOT_FOUND, THREE_MEANINGS},
    wire::{self, Answer, Redirect, is_plain},
};
use crate::{
    card_keeper::{CardKeeper, Ended, KeptCard, NewCard, Saving},
    error::Error,
    http::{Call, Deadline},
    provider::{Charge, Opened, Question, Session, TransactionState},
};
use async_trait::async_trait;
use schema::paying::NextAct;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// "Registration does not exist", "… is already deregistered".
const UNKNOWN_REGISTRATION: [&str; 2] = ["100.150.200", "100.150.202"];

#[async_trait]
impl CardKeeper for HyperPay {
    fn wants_token(&self) -> bool {
        false
    }

    async fn save(&self, card: &NewCard, within: Duration) -> Result<Saving, Error> {
        let mut form = vec![
            ("entityId", self.entity_id.clone()),
            ("createRegistration", "true".to_owned()),
            ("merchantTransactionId", card.card.bare()),
            ("shopperResultUrl", card.return_url.clone()),
        ];
        form.extend(self.test_mode.clone().map(|mode| ("testMode", mode)));
        let call = Call::post_form("open_card_form", "v1/checkouts", form);
        let answer = self.ask_vendor(call, Deadline::after(within)).await?;
        match &answer.id {
            Some(id) if answer.result.code == CHECKOUT_CREATED && is_plain(id) => {
                let script = format!("{}/registration", self.widget_url(id));
                let next = NextAct::Widget { script, brands: "VISA MASTER MADA".to_owned() };
                let lives_ms = self.session_lives_ms;
                let account = self.entity_id.clone();
                Ok(Saving::Form(Session { id: id.clone(), account, lives_ms, next }))
            }
            Some(_) | None => Err(self.no_answer(&answer)),
        }
    }

    async fn ask_saved(&self, form: &Session, within: Duration) -> Result<Option<Ended>, Error> {
        if !is_plain(&form.id) {
            return Err(Error::refused("malformed", "hyperpay: not a checkout's id"));
        }
        self.reads.take(&form.id)?;
        let call = Call::get("card_form", format!("v1/checkouts/{}/registration", form.id))
            .query("entityId", &form.account);
        let answer = self.ask_vendor(call, Deadline::after(within)).await?;
        let code = answer.result.code.as_str();
        // Nothing typed in yet, or the form is over: its time says which.
        if code == THREE_MEANINGS || code == NOT_FOUND {
            return Ok(None);
        }
        match self.codes.class(code) {
            Class::Pending | Class::PendingLong => Ok(None),
            Class::Approved | Class::Review => kept(&answer, &form.account).map(Some),
            Class::Declined(_) | Class::Invalid(Invalid::Account | Invalid::Registration) => {
                Ok(Some(Ended::Refused { code: "card_not_accepted".to_owned() }))
            }
            Class::Throttled
            | Class::Busy
            | Class::Duplicate
            | Class::ListOk
            | Class::Uncertain
            | Class::System
            | Class::Invalid(_)
            | Class::Chargeback
            | Class::Unknown => Err(self.no_answer(&answer)),
        }
    }

    async fn forget(
        &self,
        token: &SecretString,
        account: &str,
        within: Duration,
    ) -> Result<(), Error> {
        let path = format!("v1/registrations/{}", registration(token)?);
        let call = Call::delete("delete_card", path).query("entityId", account);
        let answer = self.ask_vendor(call, Deadline::after(within)).await?;
        let gone = UNKNOWN_REGISTRATION.contains(&answer.result.code.as_str());
        if gone || self.codes.class(&answer.result.code) == Class::Approved {
            return Ok(());
        }
        Err(self.no_answer(&answer))
    }
}

impl HyperPay {
    /// Charges a registration. Its owner is here (`CIT`), and may have to show that to their bank.
    pub(super) async fn charge_saved_card(
        &self,
        charge: &Charge,
        within: Duration,
    ) -> Result<Opened, Error> {
        let token = charge.secret.as_ref().ok_or_else(|| not_here("a saved card without one"))?;
        let mut form = vec![
            ("entityId", self.entity_id.clone()),
            ("paymentType", "DB".to_owned()),
            ("amount", wire::amount_to_wire(charge.amount)?),
            ("currency", charge.amount.currency.code().to_owned()),
            ("merchantTransactionId", charge.payment.bare()),
            ("merchantInvoiceId", charge.booking.bare()),
            ("standingInstruction.mode", "REPEATED".to_owned()),
            ("standingInstruction.source", "CIT".to_owned()),
            ("standingInstruction.type", "UNSCHEDULED".to_owned()),
            ("shopperResultUrl", charge.return_url.clone()),
        ];
        form.extend(self.test_mode.clone().map(|mode| ("testMode", mode)));
        let path = format!("v1/registrations/{}/payments", registration(token)?);
        let call = Call::post_form("charge_card", path, form);
        let answer = self.ask_vendor(call, Deadline::after(within)).await?;
        self.charged(charge, &answer)
    }

    /// What the answer to a charge comes to. Of whatever is not certain nothing is said: it is looked up.
    fn charged(&self, charge: &Charge, answer: &Answer) -> Result<Opened, Error> {
        if UNKNOWN_REGISTRATION.contains(&answer.result.code.as_str()) {
            return Ok(Opened::Rejected { code: "card_unknown".to_owned() });
        }
        let lives_ms = self.session_lives_ms;
        let (lives_ms, next) = match self.codes.class(&answer.result.code) {
            Class::Approved | Class::Review | Class::PendingLong => (lives_ms, NextAct::Nothing),
            Class::Pending => (lives_ms, self.to_the_bank(answer)?),
            Class::Declined(_) => (0, NextAct::Nothing),
            Class::Throttled
            | Class::Busy
            | Class::Duplicate
            | Class::ListOk
            | Class::Uncertain
            | Class::System
            | Class::Invalid(_)
            | Class::Chargeback
            | Class::Unknown => return Err(self.no_answer(answer)),
        };
        same_charge(charge, answer)?;
        let id = answer.id.clone().filter(|id| is_plain(id));
        let id = id.ok_or_else(|| Error::unknown("hyperpay: a charge without an id"))?;
        Ok(Opened::Open(Session { id, account: self.entity_id.clone(), lives_ms, next }))
    }

    /// Where the customer's bank wants to see them, if it does. The device's fingerprint that some banks take beforehand
    /// (`preconditions`) is left out: they ask the customer instead.
    fn to_the_bank(&self, answer: &Answer) -> Result<NextAct, Error> {
        let Some(redirect) = &answer.redirect else { return Ok(NextAct::Nothing) };
        let odd = || Error::unknown("hyperpay: a bank's page that is none");
        let Redirect { url, fields } =
            Redirect::read(redirect, self.http.base_url()).ok_or_else(odd)?;
        Ok(if fields.is_empty() {
            NextAct::Redirect { url }
        } else {
            NextAct::Form { action: url, fields }
        })
    }

    /// What became of a charge, by its reference. Where the customer's bank waits, its page is lost with the answer that
    /// named it: nothing is charged then, and nobody can go on there.
    pub(super) async fn find_charge(
        &self,
        charge: &Charge,
        within: Duration,
    ) -> Result<Option<Opened>, Error> {
        let question = Question {
            payment: charge.payment,
            session: None,
            account: Some(self.entity_id.clone()),
            transaction: None,
            known: Vec::new(),
        };
        let until = Deadline::after(within);
        let reference = charge.payment.bare();
        let shown = self.by_reference(&reference, &self.entity_id, until).await?;
        let charges = self.charges(&question, &shown)?;
        let declined =
            |state: &TransactionState| matches!(state, TransactionState::Declined { .. });
        let open = charges.iter().find(|it| !declined(&it.state));
        let Some(found) = open.or(charges.last()) else { return Ok(None) };
        let lives_ms = if open.is_some() { self.session_lives_ms } else { 0 };
        let (id, account) = (found.id.clone(), self.entity_id.clone());
        Ok(Some(Opened::Open(Session { id, account, lives_ms, next: NextAct::Nothing })))
    }
}

fn kept(answer: &Answer, account: &str) -> Result<Ended, Error> {
    let none = || Error::unknown("hyperpay: a registration without an id");
    let id = answer.id.as_ref().filter(|id| is_plain(id)).ok_or_else(none)?;
    Ok(Ended::Kept(KeptCard {
        token: id.as_str().into(),
        account: account.to_owned(),
        brand: answer.brand(),
        last4: answer.last4(),
    }))
}

/// It can stand in a path as it is.
fn registration(token: &SecretString) -> Result<&str, Error> {
    let id = token.expose_secret();
    let odd = || Error::refused("malformed", "hyperpay: not a registration's id");
    is_plain(id).then_some(id).ok_or_else(odd)
}

/// What an answer says about a charge must be about this one. What it leaves out it does not contradict.
fn same_charge(charge: &Charge, answer: &Answer) -> Result<(), Error> {
    let reference = charge.payment.bare();
    let same_reference = answer.merchant_transaction_id.as_ref().is_none_or(|it| *it == reference);
    let same_amount = answer.amount.is_none() || answer.money()? == charge.amount;
    if same_reference && same_amount {
        return Ok(());
    }
    Err(Error::unknown("hyperpay: the answer is about another charge"))
}

#[cfg(test)]
mod tests;
