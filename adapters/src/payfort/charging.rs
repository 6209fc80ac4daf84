//! Charging: the form that makes a token of a card, and what a token or Apple's sheet is charged with.

use super::{
    PAGE, PayFort, apple,
    codes::Class,
    message::{Message, is_name},
    requests::Request,
    saving::TOKEN_MAX,
    signing::Channel,
    standing::Standing,
};
use crate::{
    error::Error,
    http::Deadline,
    provider::{Charge, Opened, Session},
};
use schema::paying::{Language, NextAct, PayWith, Taking};
use secrecy::{ExposeSecret, SecretString};

/// The longest address the vendor sends a browser back to.
const RETURN_URL_MAX: usize = 400;
const PAGE_URL_MAX: usize = 2_048;

/// What `read_return` hands to `proceed`: the order a token was made for, and the token. A token of somebody else's order
/// pays for nobody.
pub(super) fn given(reference: &str, token: &str) -> SecretString {
    format!("{reference}:{token}").into()
}

impl PayFort {
    pub(super) async fn open_charge(
        &self,
        charge: &Charge,
        until: Deadline,
    ) -> Result<Opened, Error> {
        match &charge.pay_with {
            PayWith::Page | PayWith::CreditCard | PayWith::Mada => self.card_form(charge),
            PayWith::SavedCard { .. } => {
                let token = secret(charge)?.expose_secret();
                self.charge_token(charge, token, until).await
            }
            PayWith::ApplePay { .. } => {
                let Some(request) = apple::with_token(self.charging(charge)?, secret(charge)?)
                else {
                    return Ok(Opened::Rejected { code: "apple_pay_unreadable".to_owned() });
                };
                self.charge(charge, request, until).await
            }
            PayWith::Token { .. } | PayWith::StcPay { .. } | PayWith::Terminal { .. } => {
                Err(super::not_here("paying with this"))
            }
        }
    }

    /// Charges the token that the customer has brought back.
    pub(super) async fn charge_given(
        &self,
        charge: &Charge,
        given: &SecretString,
        until: Deadline,
    ) -> Result<Opened, Error> {
        let reference = charge.payment.bare();
        match given.expose_secret().split_once(':') {
            Some((of, token)) if of == reference => self.charge_token(charge, token, until).await,
            Some(_) | None => {
                Err(Error::refused("another_payment", "payfort: a token of another payment"))
            }
        }
    }

    fn card_form(&self, charge: &Charge) -> Result<Opened, Error> {
        let channel = self.channel_for(&charge.pay_with)?;
        let reference = charge.payment.bare();
        let about = (reference.as_str(), charge.buyer.language);
        let next = self.token_form(channel, about, &charge.return_url)?;
        Ok(self.session(charge, channel, next))
    }

    /// The vendor's page that takes the card and gives a token. Nothing is sent and nothing is charged: the customer's
    /// browser posts this, signed.
    pub(super) fn token_form(
        &self,
        channel: &Channel,
        (reference, language): (&str, Language),
        back: &str,
    ) -> Result<NextAct, Error> {
        let request = Request::new("tokenize", ("service_command", "TOKENIZATION"));
        let request = self
            .about(request, channel, reference)
            .with("language", language.code())
            .with("return_url", return_url(back)?);
        let action = format!("{}/{PAGE}", self.page_url);
        Ok(NextAct::Form { action, fields: request.form(channel) })
    }

    async fn charge_token(
        &self,
        charge: &Charge,
        token: &str,
        until: Deadline,
    ) -> Result<Opened, Error> {
        if !is_name(token, TOKEN_MAX) {
            return Err(Error::refused("malformed", "payfort: this is no token of a card"));
        }
        // A charge that goes through keeps its token where it says so ("Tokenization"), or unless it says not to ("Save
        // card"): the documents differ by account, so both are said.
        let keep = if is_saved(charge) { "YES" } else { "NO" };
        let request = self
            .charging(charge)?
            .with("token_name", token)
            .with("remember_me", keep)
            .with("eci", "ECOMMERCE")
            .with("return_url", return_url(&charge.return_url)?);
        self.charge(charge, request, until).await
    }

    /// What both ways of charging have. The command is what we have said of when the money moves.
    fn charging(&self, charge: &Charge) -> Result<Request, Error> {
        let (operation, command) = match charge.taking {
            Taking::AtOnce => ("purchase", "PURCHASE"),
            Taking::OnceConfirmed => ("authorize", "AUTHORIZATION"),
        };
        let channel = self.channel_for(&charge.pay_with)?;
        let reference = charge.payment.bare();
        let address = charge.buyer.address.map(|address| address.to_string());
        let request = self
            .about(Request::new(operation, ("command", command)), channel, &reference)
            .with("language", charge.buyer.language.code())
            .with("customer_email", self.email(charge))
            .with("customer_ip", address.as_ref().unwrap_or(&self.customer_ip));
        request.of(charge.amount)
    }

    async fn charge(
        &self,
        charge: &Charge,
        request: Request,
        until: Deadline,
    ) -> Result<Opened, Error> {
        let channel = self.channel_for(&charge.pay_with)?;
        let reference = charge.payment.bare();
        let answer = self.send(channel, (&reference, request), until).await?;
        if let Some(opened) = self.charged(charge, channel, &answer)? {
            return Ok(opened);
        }
        // "Not allowed" and "no such order" contradict each other: which of them is late only a later look can tell.
        let none = || Error::unknown("payfort: not allowed, by an order that it does not show");
        let shown = self.shown_after_a_no(channel, charge.payment, until).await?;
        Ok(self.found(charge, channel, &shown.ok_or_else(none)?))
    }

    /// What the answer to a charge comes to. `None`: the order does not allow it, and what it shows is the answer. Of
    /// whatever is not certain nothing is said: it is looked up.
    fn charged(
        &self,
        charge: &Charge,
        channel: &Channel,
        answer: &Message,
    ) -> Result<Option<Opened>, Error> {
        let class = answer.class();
        let shown = answer.minor("amount")?;
        let same_amount = shown.is_none_or(|minor| minor == charge.amount.amount_minor);
        let is_success = matches!(class, Class::Purchased | Class::Authorized);
        if !same_amount || !answer.is_in_riyals() || is_success && shown.is_none() {
            return Err(Error::unknown("payfort: the answer is about another amount"));
        }
        Ok(Some(match class {
            Class::Purchased | Class::Authorized | Class::Pending => {
                self.session(charge, channel, NextAct::Nothing)
            }
            Class::Checks3ds => {
                let url = answer.get("3ds_url").filter(|url| self.is_a_page(url));
                let url =
                    url.ok_or_else(|| Error::unknown("payfort: 3-D Secure without a page"))?;
                let next = NextAct::Redirect { url: url.to_owned() };
                self.session(charge, channel, next)
            }
            Class::NoToken if is_saved(charge) => {
                Opened::Rejected { code: "card_unknown".to_owned() }
            }
            Class::Declined | Class::NoToken => over(charge, channel),
            Class::NotNow => return Ok(None),
            Class::Invalid => {
                return Err(Error::refused(answer.code("response_code"), answer.reason()));
            }
            Class::Captured
            | Class::Refunded
            | Class::Voided
            | Class::Queried
            | Class::Tokenized
            | Class::TokenUpdated
            | Class::Duplicate
            | Class::NotFound
            | Class::Uncertain
            | Class::Unknown => return Err(Error::unknown(answer.reason())),
        }))
    }

    /// A charge that was looked up. Where 3-D Secure waits, its page is lost with the answer that named it: nothing is
    /// charged, and nobody can pay there any more.
    pub(super) fn found(&self, charge: &Charge, channel: &Channel, standing: &Standing) -> Opened {
        if standing.is_declined() {
            return over(charge, channel);
        }
        self.session(charge, channel, NextAct::Nothing)
    }

    /// The vendor knows no sessions; an order's reference is as good.
    fn session(&self, charge: &Charge, channel: &Channel, next: NextAct) -> Opened {
        Opened::Open(Session {
            id: charge.payment.bare(),
            account: channel.access_code.clone(),
            lives_ms: self.session_lives_ms,
            next,
        })
    }

    /// The buyer's address, if it has only what the vendor takes in one.
    fn email<'a>(&'a self, charge: &'a Charge) -> &'a str {
        let plain = |text: &&String| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.@+".contains(&byte);
            text.len() <= 254 && text.contains('@') && text.bytes().all(allowed)
        };
        charge.buyer.email.as_ref().filter(plain).unwrap_or(&self.guest_email)
    }

    /// Where a browser may be sent: the vendor's word is signed, and still must be a page.
    fn is_a_page(&self, url: &str) -> bool {
        let scheme = url.starts_with("https://") || !self.live && url.starts_with("http://");
        scheme && url.len() <= PAGE_URL_MAX && url.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

/// A decline: one charge, one card, and the reference is used up.
fn over(charge: &Charge, channel: &Channel) -> Opened {
    Opened::Open(Session {
        id: charge.payment.bare(),
        account: channel.access_code.clone(),
        lives_ms: 0,
        next: NextAct::Nothing,
    })
}

fn secret(charge: &Charge) -> Result<&SecretString, Error> {
    let none = || Error::refused("malformed", "payfort: nothing to charge was given");
    charge.secret.as_ref().ok_or_else(none)
}

const fn is_saved(charge: &Charge) -> bool {
    matches!(charge.pay_with, PayWith::SavedCard { .. })
}

fn return_url(url: &str) -> Result<&str, Error> {
    if url.len() > RETURN_URL_MAX {
        return Err(Error::refused("configuration", "payfort: the return address is too long"));
    }
    Ok(url)
}
