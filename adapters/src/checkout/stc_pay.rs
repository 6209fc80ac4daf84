//! STC Pay: the vendor sends a one-time password to a phone, and paying is giving it back within two minutes
//! (Checkout.com docs, "STC Pay"). Whoever is late or wrong is declined, and begins a new payment.

use super::{
    Checkout,
    opening::{rejected, unusable},
    wire::{Codes, Made, is_id, no_answer},
};
use crate::{
    error::Error,
    http::{Call, Deadline},
    provider::{Charge, Opened, Session},
};
use schema::paying::NextAct;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

impl Checkout {
    /// Makes the context that the password is for; the vendor sends it. Harmless: nobody pays by being sent a password.
    pub(super) async fn send_password(
        &self,
        charge: &Charge,
        phone: &str,
        until: Deadline,
    ) -> Result<Opened, Error> {
        let Some(number) = saudi_mobile(phone) else {
            return Ok(rejected("phone_not_accepted"));
        };
        let mut body = self.payment_request(charge, &json!({ "type": "stcpay" }))?;
        body["customer"]["phone"] = json!({ "country_code": "+966", "number": number });
        if let Some(name) = &charge.buyer.name {
            body["customer"]["name"] = json!(name);
        }
        let key = format!("{}-context", charge.payment.bare());
        let call = Call::post("open_context", "payment-contexts", body);
        let answer = self.once(call, &key, until).await?;
        let status = answer.status.as_u16();
        if let Some(word) = Codes::of(&answer).iter().find_map(unusable).filter(|_| status == 422) {
            return Ok(rejected(word));
        }
        if status != 201 {
            return Err(no_answer(&answer));
        }
        let context = answer.json::<Made>()?.id;
        if !is_id(&context, "pct_") {
            return Err(Error::unknown("checkout: a context without an id"));
        }
        Ok(Opened::Open(Session {
            id: context,
            account: self.processing_channel.clone(),
            lives_ms: self.password_lives_ms,
            next: NextAct::Otp,
        }))
    }

    /// Pays with the password, once: the key holds for the first one given. Amount and reference are said again: whether
    /// the context alone would do is not documented, and without our reference nobody could look the payment up.
    pub(super) async fn pay_with_password(
        &self,
        charge: &Charge,
        session: &Session,
        given: &SecretString,
        until: Deadline,
    ) -> Result<Opened, Error> {
        if !is_id(&session.id, "pct_") {
            return Err(Error::refused("malformed", "checkout: no session of STC Pay"));
        }
        let password = given.expose_secret();
        if !(4..=10).contains(&password.len()) || !password.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(rejected("one_time_password_malformed"));
        }
        let body = json!({
            "payment_context_id": session.id,
            "processing": { "otp_value": password },
            "processing_channel_id": session.account,
            "amount": charge.amount.amount_minor,
            "currency": charge.amount.currency.code(),
            "reference": charge.payment.bare(),
        });
        let key = format!("{}-pay", charge.payment.bare());
        let answer = self.once(Call::post("pay", "payments", body), &key, until).await?;
        self.opened(charge, &answer, until).await
    }
}

/// The nine digits of `+9665…`: the only phones that STC Pay is on.
fn saudi_mobile(phone: &str) -> Option<&str> {
    let number = phone.strip_prefix("+966")?;
    let sound = number.len() == 9 && number.bytes().all(|byte| byte.is_ascii_digit());
    (sound && number.starts_with('5')).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_to_saudi_mobiles_only() {
        assert_eq!(saudi_mobile("+966501234567"), Some("501234567"));
        for other in
            ["0501234567", "+971501234567", "+96650123456", "+966112345678", "+96650123456a"]
        {
            assert_eq!(saudi_mobile(other), None, "{other}");
        }
    }
}
