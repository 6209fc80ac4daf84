//! The issuer's page: the customer approves, declines, or closes it.

use super::Checkout;
use super::payments::{APPROVED, DECLINED, Fate, distort, fate};
use super::time::Due;
use crate::money::decimal;
use crate::vendor::{Moment, Outcome};
use crate::wire::{Answer, Wire, percent_encode};
use html_escape::{encode_double_quoted_attribute as attribute, encode_text};

const PAGE: &str = include_str!("page.html");
const NOT_AUTHENTICATED: &str = "20151";

impl Checkout {
    pub(super) fn page(&self, id: &str) -> Answer {
        let Some(payment) = self.payment(id).filter(|payment| payment.challenged) else {
            return Answer::html(
                200,
                "<!doctype html><title>3-D Secure</title><p>Nothing is asked.",
            );
        };
        let page = PAGE
            .replace("{amount}", &decimal(payment.amount))
            .replace("{currency}", &encode_text(&payment.currency))
            .replace("{reference}", &encode_text(&payment.reference))
            .replace("{action}", &attribute(&self.href(&format!("3ds/{}", payment.id))));
        Answer::html(200, page)
    }

    /// What the customer clicked.
    pub(super) fn submit_page(&mut self, wire: &Wire, id: &str, moment: &Moment) -> Answer {
        let outcome = match wire.form().get("outcome") {
            Some("approve") => Outcome::Approve,
            Some("decline") => Outcome::Decline,
            Some("abandon") => Outcome::Abandon,
            _ => return Answer::text(400, "the outcome is approve, decline or abandon"),
        };
        match self.decide_challenge(id, outcome, moment) {
            Ok(Some(url)) => Answer::see_other(url),
            Ok(None) => Answer::html(200, "<!doctype html><title>3-D Secure</title><p>Closed."),
            Err((status, why)) => Answer::text(status, why),
        }
    }

    /// Where the browser goes then. An abandoned page is decided by its time alone.
    pub(super) fn decide_challenge(
        &mut self,
        id: &str,
        outcome: Outcome,
        moment: &Moment,
    ) -> Result<Option<String>, (u16, &'static str)> {
        let found = self.payment(id).ok_or((404, "there is no such payment"))?;
        if !found.challenged {
            return Err((409, "nothing is asked of the customer (any more)"));
        }
        let natural = match outcome {
            Outcome::Approve => self.natural_code(found),
            Outcome::Decline => NOT_AUTHENTICATED.to_owned(),
            Outcome::Abandon => return Ok(None),
        };
        let id = found.id.clone();
        let fate = fate(&natural, DECLINED, moment);
        if let Some(payment) = self.payments.get_mut(&id) {
            distort(payment, moment);
            if moment.fault_is("capture_declined") {
                DECLINED.clone_into(&mut payment.capture_becomes);
            }
        }
        let approved = match fate {
            Fate::Now(code) => {
                self.decide_payment(&id, &code, moment.now);
                code == APPROVED
            }
            Fate::Later(waiting) => {
                self.due.insert((waiting.until, Due::Payment(id.clone())));
                if let Some(payment) = self.payments.get_mut(&id) {
                    payment.challenged = false;
                    payment.waiting = Some(waiting);
                }
                true
            }
        };
        Ok(self.return_url(&id, approved && !moment.fault_is("returns_to_failure")))
    }

    fn return_url(&self, id: &str, success: bool) -> Option<String> {
        let payment = self.payments.get(id)?;
        let url = if success { &payment.success_url } else { &payment.failure_url };
        let url = url.as_deref()?;
        let joint = if url.contains('?') { '&' } else { '?' };
        let session = percent_encode(&payment.id.replacen("pay_", "sid_", 1));
        Some(format!("{url}{joint}cko-session-id={session}"))
    }
}
