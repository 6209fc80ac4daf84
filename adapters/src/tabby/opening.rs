//! Opening a session: what Tabby wants to know of the buyer and the order, and whether it wants them.

use super::{
    Tabby,
    wire::{Payment, amount_to_wire, is_uuid},
};
use crate::{
    error::Error,
    provider::{Charge, Opened, Session},
};
use chrono::{DateTime, SecondsFormat, Utc};
use schema::paying::{Buyer, NextAct};
use serde::Deserialize;
use serde_json::{Value, json};

/// How much of the buyer's history is sent: Tabby asks for five to ten orders.
const HISTORY: usize = 10;
const URL_LIMIT: usize = 2_048;

/// What opening a session is answered with. Its configuration is looked into, never kept.
#[derive(Debug, Deserialize)]
pub(super) struct Checkout {
    status: String,
    payment: Option<Payment>,
    #[serde(default)]
    configuration: Value,
}

/// Who pays, as Tabby wants it: name, e-mail and mobile phone, all three. None: one is missing or is no such thing.
pub(super) fn buyer(buyer: &Buyer) -> Option<Value> {
    let filled = |text: &Option<String>| {
        let text = text.as_deref()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let (name, email, phone) = (filled(&buyer.name)?, filled(&buyer.email)?, filled(&buyer.phone)?);
    let (local, domain) = email.split_once('@')?;
    let digits = phone.strip_prefix('+').unwrap_or(&phone);
    let dials = (9..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    (dials && !local.is_empty() && domain.contains('.'))
        .then(|| json!({"name": name, "email": email, "phone": phone}))
}

/// The order is one line: seats and food have been priced by the cinema, and only their sum is paid here.
pub(super) fn body(charge: &Charge, buyer: &Value, merchant: &str) -> Result<Value, Error> {
    let amount = amount_to_wire(charge.amount)?;
    let item = json!({"reference_id": charge.booking.bare(), "title": "Cinema tickets",
        "quantity": 1, "unit_price": amount, "category": "Entertainment"});
    // Tickets go to a phone. Where there is no address, Tabby's own plug-in leaves these empty, too.
    let address = json!({"city": "", "address": "", "zip": ""});
    let history: Vec<Value> = charge
        .purchases
        .iter()
        .take(HISTORY)
        .map(|bought| {
            let status = if bought.refunded { "refunded" } else { "complete" };
            let amount = amount_to_wire(bought.amount)?;
            Ok(json!({"purchased_at": rfc3339(bought.at), "amount": amount, "status": status,
                "buyer": buyer, "shipping_address": address}))
        })
        .collect::<Result<_, Error>>()?;
    // Of an account only what was bought with it is known here.
    let since = charge.purchases.iter().map(|bought| bought.at).min().unwrap_or_else(Utc::now);
    let loyalty = charge.purchases.iter().filter(|bought| !bought.refunded).count();
    Ok(json!({
        "payment": {
            "amount": amount,
            "currency": charge.amount.currency.code(),
            "buyer": buyer,
            "shipping_address": address,
            "order": {"reference_id": charge.payment.bare(), "items": [item]},
            "buyer_history": {"registered_since": rfc3339(since), "loyalty_level": loyalty},
            "order_history": history,
            "meta": {"order_id": charge.booking.bare()},
        },
        "lang": charge.buyer.language.code(),
        "merchant_code": merchant,
        // Where the browser comes back to proves nothing, so it is one place.
        "merchant_urls": {"success": charge.return_url, "cancel": charge.return_url,
            "failure": charge.return_url},
    }))
}

impl Tabby {
    /// The session's id is the payment's: by it alone can be asked what became of the money.
    pub(super) fn opened(&self, charge: &Charge, answer: &Checkout) -> Result<Opened, Error> {
        let broken = |what: &str| Error::unknown(format!("tabby: a session {what}"));
        let page = match answer.status.as_str() {
            "rejected" => None,
            "created" => answer.page(),
            _ => return Err(broken("in a status that is none of a new one")),
        };
        // Created, but with no way to pay in it, is a no as well (Tabby, "Checkout flow").
        let Some(page) = page else {
            return Ok(Opened::Rejected { code: answer.rejection().to_owned() });
        };
        let payment = answer.payment.as_ref().ok_or_else(|| broken("without a payment"))?;
        if !is_uuid(&payment.id) {
            return Err(broken("without a payment's id"));
        }
        self.same_system(payment)?;
        let reference = charge.payment.bare();
        if payment.money()? != charge.amount || payment.reference() != Some(reference.as_str()) {
            return Err(broken("about another order"));
        }
        if !self.is_page(page) {
            return Err(broken("with an address that is no page"));
        }
        Ok(Opened::Open(Session {
            id: payment.id.clone(),
            account: self.merchant_code.clone(),
            lives_ms: self.session_lives_ms,
            next: NextAct::Redirect { url: page.to_owned() },
        }))
    }

    /// A browser is sent there: a secure page, unless the vendor itself is asked without security (a stand-in).
    fn is_page(&self, text: &str) -> bool {
        let Ok(url) = reqwest::Url::parse(text) else { return false };
        let secure = url.scheme() == "https"
            || url.scheme() == "http" && self.http.base_url().starts_with("http://");
        secure && url.has_host() && text.len() <= URL_LIMIT
    }
}

impl Checkout {
    fn page(&self) -> Option<&str> {
        let page = "/available_products/installments/0/web_url";
        self.configuration.pointer(page)?.as_str()
    }

    /// Why the vendor does not want this customer or this order, in a word of ours.
    fn rejection(&self) -> &'static str {
        let reason = "/products/installments/rejection_reason";
        match self.configuration.pointer(reason).and_then(Value::as_str) {
            Some("order_amount_too_high") => "amount_too_high",
            Some("order_amount_too_low") => "amount_too_low",
            Some(_) | None => "not_available",
        }
    }
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
