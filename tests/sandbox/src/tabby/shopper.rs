//! The shopper: approves, is declined, walks away; and the page it happens on.

use super::payments::{Payment, Status};
use super::{Tabby, answers};
use crate::clock::SECOND;
use crate::faults::Call;
use crate::money::decimal;
use crate::vendor::{Moment, Outcome};
use crate::wire::{Answer, Wire, percent_encode};
use html_escape::{encode_double_quoted_attribute as attribute, encode_text};
use serde_json::json;

const PAGE: &str = include_str!("page.html");
/// The shopper of the test system who is declined on the page.
const DECLINED: &str = "otp.rejected@tabby.ai";
/// How long a decision takes when a fault does not say, in the vendor's time.
const UNDECIDED_MS: i64 = 30 * SECOND;

impl Tabby {
    /// The payment of a session, by the id of either.
    pub(super) fn payment_of(&self, session: &str) -> Option<&Payment> {
        let id = self.sessions.get(session).map_or(session, String::as_str);
        self.payments.get(id)
    }

    /// The shopper's decision, and where the browser goes then.
    pub(super) fn decide(
        &mut self,
        session: &str,
        outcome: Outcome,
        moment: &Moment,
    ) -> Result<Answer, Answer> {
        let now = moment.now;
        let refuse = |status, why: &str| Answer::json(status, &json!({"error": why}));
        let found = self.payment_of(session).cloned();
        let payment = found.ok_or_else(|| refuse(404, "there is no such session"))?;
        let id = payment.id.clone();
        if moment.fault_is("session_expired") {
            self.becomes(&id, Status::Expired, now);
        }
        let payment = self.payments.get(&id).unwrap_or(&payment);
        if payment.status == Status::Expired || payment.session_ends_at <= now {
            return Err(refuse(410, "this session has expired"));
        }
        if payment.status != Status::Created || payment.decides_at.is_some() {
            return Err(refuse(409, "this session is already paid or over"));
        }
        let declined = payment.asked["buyer"]["email"].as_str() == Some(DECLINED)
            || moment.fault_is("decline");
        let before = payment.json();
        match outcome {
            Outcome::Abandon => {}
            Outcome::Approve if !declined => self.approve(&id, moment),
            Outcome::Approve | Outcome::Decline => self.becomes(&id, Status::Rejected, now),
        }
        self.lag(&id, before, moment);
        let payment = self.payments.get(&id).ok_or_else(answers::no_such_payment)?;
        let redirect = match payment.status {
            Status::Authorized | Status::Closed => address(payment, "success"),
            Status::Rejected => address(payment, "failure"),
            Status::Created | Status::Expired => address(payment, "cancel"),
        };
        let status = payment.status;
        Ok(Answer::json(200, &json!({"payment_id": id, "status": status, "redirect": redirect})))
    }

    fn approve(&mut self, id: &str, moment: &Moment) {
        let now = moment.now;
        let after = |fault: &str, start: i64| {
            let fault = moment.fault.as_ref().filter(|it| it.is(fault))?;
            Some(start + fault.delay_or(moment.clock.shortened(UNDECIDED_MS)))
        };
        let Some(payment) = self.payments.get_mut(id) else { return };
        match moment.fault_name() {
            "amount_mismatch" => payment.amount += 100,
            "reference_mismatch" => payment.reference.push_str("-other"),
            _ => {}
        }
        let decides_at = after("undecided", now)
            .or_else(|| after("late_success", payment.session_ends_at))
            .or_else(|| after("expired_then_authorized", now));
        let Some(at) = decides_at else { return self.becomes(id, Status::Authorized, now) };
        if moment.fault_is("expired_then_authorized") {
            self.becomes(id, Status::Expired, now);
        }
        if let Some(payment) = self.payments.get_mut(id) {
            payment.decides_at = Some(at);
        }
        self.due.insert((at, id.to_owned()));
    }

    pub(super) fn page(&mut self, call: &Call, moment: &Moment) -> Answer {
        if moment.fault_is("session_expired") {
            self.becomes_expired(call.arg(0), moment.now);
        }
        let open = |payment: &&Payment| {
            payment.status == Status::Created && payment.session_ends_at > moment.now
        };
        let Some(payment) = self.payment_of(call.arg(0)).filter(open) else {
            return Answer::html(
                410,
                "<!doctype html><p>This session is over. · انتهت الجلسة.</p>",
            );
        };
        let action = format!("/tabby/?sessionId={}", percent_encode(&payment.session));
        let page = PAGE
            .replace("{amount}", &decimal(payment.amount))
            .replace("{currency}", &encode_text(&payment.currency))
            .replace("{reference}", &encode_text(&payment.reference))
            .replace("{action}", &attribute(&action));
        Answer::html(200, page)
    }

    /// What the shopper clicked. Cancel is a click of its own; who just closes the page clicks nothing.
    pub(super) fn submit_page(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let form = wire.form();
        let outcome = match form.get("outcome") {
            Some("approve") => Outcome::Approve,
            Some("decline") => Outcome::Decline,
            Some("abandon" | "cancel") => Outcome::Abandon,
            _ => return Answer::text(400, "the outcome is approve, decline, cancel or abandon"),
        };
        let cancels = form.get("outcome") == Some("cancel");
        if let Err(refusal) = self.decide(call.arg(0), outcome, moment) {
            return refusal;
        }
        if cancels && self.desk.switches.get("cancel_page") == "expires" {
            self.becomes_expired(call.arg(0), moment.now);
        }
        let Some(payment) = self.payment_of(call.arg(0)) else { return answers::plain(404) };
        let back = match payment.status {
            Status::Authorized | Status::Closed => "success",
            Status::Rejected => "failure",
            Status::Created | Status::Expired => "cancel",
        };
        match address(payment, back) {
            Some(url) => Answer::see_other(url),
            None => Answer::html(200, "<!doctype html><p>You may close this page.</p>"),
        }
    }

    fn becomes_expired(&mut self, session: &str, now: i64) {
        let created = |payment: &&Payment| payment.status == Status::Created;
        let id = self.payment_of(session).filter(created).map(|payment| payment.id.clone());
        if let Some(id) = id {
            self.becomes(&id, Status::Expired, now);
        }
    }
}

/// Where the browser goes back to: one of the merchant's addresses, with the payment's id.
fn address(payment: &Payment, which: &str) -> Option<String> {
    let url = payment.urls[which].as_str()?;
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return None;
    }
    let joint = if url.contains('?') { '&' } else { '?' };
    Some(format!("{url}{joint}payment_id={}", payment.id))
}
