//! The payment page a shopper sees, and the script that puts it into a merchant's page.

use super::HyperPay;
use super::checkouts::Checkout;
use super::codes;
use super::payments::Payment;
use crate::faults::Call;
use crate::money::decimal;
use crate::vendor::{Moment, Outcome};
use crate::wire::{Answer, Wire, percent_encode};
use data_encoding::BASE64;
use html_escape::{encode_double_quoted_attribute as attribute, encode_text};
use sha2::{Digest, Sha384};

const WIDGET: &str = include_str!("widget.js");
const PAGE: &str = include_str!("page.html");

/// The digest of the script, for a merchant that asks for it.
pub(super) fn widget_integrity() -> String {
    format!("sha384-{}", BASE64.encode(&Sha384::digest(WIDGET)))
}

pub(super) fn widget() -> Answer {
    Answer::script(WIDGET).with("access-control-allow-origin", "*")
}

impl HyperPay {
    pub(super) fn page(&self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        self.draw(call.arg(0), wire.query.filled("result"), "", moment)
    }

    /// What the shopper clicked.
    pub(super) fn submit_page(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let form = wire.form();
        let outcome = match form.get("outcome") {
            Some("approve") => Outcome::Approve,
            Some("decline") => Outcome::Decline,
            Some("abandon") => Outcome::Abandon,
            // A form of the merchant's has led here.
            None if form.get("MD").is_some() => return self.page(wire, call, moment),
            _ => return Answer::text(400, "the outcome is approve, decline or abandon"),
        };
        let reason = form.filled("reason").unwrap_or_default();
        let result = form.filled("result");
        let id = match self.submit(call.arg(0), outcome, reason, moment) {
            Ok(id) => id,
            Err((status, why)) => return Answer { status, ..closed(why) },
        };
        let payment = id.and_then(|id| self.payments.get(&id));
        let declined = payment
            .filter(|payment| !codes::is_success(&payment.code) && payment.interim.is_none());
        match (declined, self.return_url(call.arg(0), result)) {
            (Some(payment), _) => {
                let code = &payment.code;
                let why = format!("{} ({code})", codes::text(code));
                self.draw(call.arg(0), result, &why, moment)
            }
            (None, Some(url)) => Answer::see_other(url),
            (None, None) => closed("Thank you. You may close this page."),
        }
    }

    /// Where the browser goes back to; the merchant reads the result from `resourcePath`.
    pub(super) fn return_url(&self, id: &str, asked: Option<&str>) -> Option<String> {
        let checkout = self.checkouts.get(id);
        let own = checkout.and_then(|checkout| checkout.shopper_result_url.as_deref());
        let own = own.or(self.challenges.get(id).and_then(Option::as_deref));
        let url = own.or(asked)?;
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return None;
        }
        let joint = if url.contains('?') { '&' } else { '?' };
        let path = match checkout {
            Some(checkout) if checkout.registers() => format!("/v1/checkouts/{id}/registration"),
            Some(_) => format!("/v1/checkouts/{id}/payment"),
            None => format!("/v1/payments/{id}"),
        };
        let path = percent_encode(&path);
        Some(format!("{url}{joint}id={}&resourcePath={path}", percent_encode(id)))
    }

    fn draw(&self, id: &str, result: Option<&str>, notice: &str, moment: &Moment) -> Answer {
        let Some(shown) = self.shown(id, moment.now) else {
            return closed("This payment session is over.");
        };
        let notice = if notice.is_empty() {
            String::new()
        } else {
            let text = encode_text(notice);
            format!("<p class=\"notice\" role=\"alert\">{text}. Try another card.</p>")
        };
        let page = PAGE
            .replace("{amount}", &decimal(shown.amount))
            .replace("{currency}", &encode_text(shown.currency))
            .replace("{brand}", &encode_text(shown.brand))
            .replace("{reference}", &encode_text(shown.reference))
            .replace("{action}", &attribute(&format!("/hyperpay/page/{}", percent_encode(id))))
            .replace("{result}", &attribute(result.unwrap_or_default()))
            .replace("{notice}", &notice);
        Answer::html(200, page)
    }
}

/// What a shopper is asked about.
struct Shown<'a> {
    amount: i64,
    currency: &'a str,
    brand: &'a str,
    reference: &'a str,
}

impl HyperPay {
    /// An open checkout, or a charge that waits for the customer's bank.
    fn shown(&self, id: &str, now: i64) -> Option<Shown<'_>> {
        if let Some(payment) = self.payments.get(id).filter(|_| self.challenges.contains_key(id)) {
            let Payment { amount, currency, brand, reference, .. } = payment;
            let shown = Shown { amount: *amount, currency, brand, reference };
            return payment.interim.is_some().then_some(shown);
        }
        let open = |checkout: &&Checkout| !checkout.paid && checkout.expires_at > now;
        let checkout = self.checkouts.get(id).filter(open)?;
        let Checkout { amount, currency, reference, .. } = checkout;
        let brand = self.brand(&checkout.entity).unwrap_or("VISA");
        Some(Shown { amount: *amount, currency, brand, reference })
    }
}

/// A page with nothing left to do.
fn closed(why: &str) -> Answer {
    let page = format!(
        "<!doctype html><html lang=\"en\" dir=\"auto\"><meta charset=\"utf-8\">\
         <title>Payment</title><body style=\"font-family:system-ui;margin:4rem auto;\
         max-width:28rem;text-align:center\"><p>{}</p></body></html>",
        encode_text(why)
    );
    Answer::html(200, page)
}
