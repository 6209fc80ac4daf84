//! Sessions: what is asked for, what is refused, and whom Tabby does not want.

use super::payments::{Payment, Status};
use super::{Tabby, amounts, answers, distortion, uuid};
use crate::clock::{MINUTE, SECOND};
use crate::faults::Call;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire, percent_encode};
use serde_json::{Value, json};

const SESSION_MS: i64 = 20 * MINUTE;
const PAYMENT_MS: i64 = 30 * MINUTE;
const WINDOW_MS: i64 = 10 * SECOND;
/// The phone of the test system whose owner is not wanted.
const UNWANTED: &str = "500000002";

impl Tabby {
    pub(super) fn create_session(&mut self, wire: &Wire, moment: &Moment) -> Answer {
        if self.is_crowded(moment) {
            return Answer::text(429, "");
        }
        let Some(asked) = wire.json() else { return answers::bad_data("could not decode request") };
        if let Some(missing) = missing(&asked) {
            tracing::debug!(missing, "a session without what it needs");
            return answers::bad_data("could not decode request");
        }
        if asked["merchant_code"].as_str() != Some(self.settings.merchant.as_str()) {
            return answers::not_authorized("merchant is null");
        }
        let currency = text(&asked["payment"], "currency");
        if currency != "SAR" {
            let why = "could not create payment: only 'SAR' is supported, but got";
            return answers::bad_data(&format!("{why} '{currency}'"));
        }
        let amount =
            amounts::parse(&text(&asked["payment"], "amount")).filter(|amount| *amount > 0);
        let Some(amount) = amount else { return answers::bad_data("could not decode request") };
        let reason = reason(&asked, moment);
        let payment = Payment {
            id: uuid(),
            session: uuid(),
            reference: text(&asked["payment"]["order"], "reference_id"),
            amount,
            currency,
            status: if reason.is_some() { Status::Rejected } else { Status::Created },
            asked: asked["payment"].clone(),
            urls: asked["merchant_urls"].clone(),
            created_at: moment.now,
            session_ends_at: moment.now + moment.clock.shortened(SESSION_MS),
            expires_at: moment.now + moment.clock.shortened(PAYMENT_MS),
            ..Payment::default()
        };
        let host = wire.header("host").unwrap_or_default();
        let products = match reason {
            Some(_) => Value::Null,
            None if moment.fault_is("no_product") => json!({"installments": []}),
            None => json!({"installments": [{"web_url": page_url(host, &payment.session),
                "qr_code": format!("http://{host}/tabby/api/v2/checkout/{}/hpp_link_qr", payment.session)}]}),
        };
        let body = session(&payment, &products, reason, moment);
        self.file(payment, moment.now);
        Answer::json(200, &body)
    }

    /// `GET checkout/{id}`
    pub(super) fn session(&self, wire: &Wire, call: &Call, moment: &Moment) -> Answer {
        let payment = self.sessions.get(call.arg(0)).and_then(|id| self.payments.get(id));
        let Some(payment) = payment else { return answers::plain(404) };
        let open = payment.status == Status::Created && payment.session_ends_at > moment.now;
        let products = if open {
            let url = page_url(wire.header("host").unwrap_or_default(), &payment.session);
            json!({"installments": [{"web_url": url}]})
        } else {
            Value::Null
        };
        Answer::json(200, &session(payment, &products, None, moment))
    }

    /// Keys of the test system open ten sessions in ten seconds.
    fn is_crowded(&mut self, moment: &Moment) -> bool {
        let limit =
            usize::try_from(self.desk.switches.number("sessions_per_ten_seconds")).unwrap_or(0);
        if limit == 0 {
            return false;
        }
        let since = moment.now - moment.clock.shortened(WINDOW_MS);
        while self.opened.pop_front_if(|at| *at <= since).is_some() {}
        if self.opened.len() >= limit {
            return true;
        }
        self.opened.push_back(moment.now);
        false
    }
}

fn page_url(host: &str, session: &str) -> String {
    format!("http://{host}/tabby/?sessionId={}", percent_encode(session))
}

fn session(
    payment: &Payment,
    products: &Value,
    reason: Option<&'static str>,
    moment: &Moment,
) -> Value {
    let status = match payment.status {
        Status::Created => "created",
        Status::Rejected => "rejected",
        Status::Expired => "expired",
        Status::Authorized | Status::Closed => "approved",
    };
    let available = status == "created" && products["installments"][0].is_object();
    json!({"id": payment.session, "status": status, "token": null, "merchant_urls": payment.urls,
        "payment": distortion::distorted(payment.in_session(), moment.fault_name()),
        "configuration": {"available_products": products, "products": {"installments":
            {"type": "installments", "is_available": available, "rejection_reason": reason}}}})
}

/// Why this customer or this order is not wanted.
fn reason(asked: &Value, moment: &Moment) -> Option<&'static str> {
    match moment.fault_name() {
        "amount_too_high" => Some("order_amount_too_high"),
        "amount_too_low" => Some("order_amount_too_low"),
        "rejected" => Some("not_available"),
        _ => {
            let phone = text(&asked["payment"]["buyer"], "phone");
            phone.ends_with(UNWANTED).then_some("not_available")
        }
    }
}

/// The first thing that is required and is not there, or is no such thing.
fn missing(asked: &Value) -> Option<&'static str> {
    let is_text = |at: &str| asked.pointer(at).is_some_and(Value::is_string);
    let texts = [
        "/merchant_code",
        "/payment/amount",
        "/payment/currency",
        "/payment/buyer/name",
        "/payment/buyer/email",
        "/payment/buyer/phone",
        "/payment/order/reference_id",
        "/payment/shipping_address/city",
        "/payment/shipping_address/address",
        "/payment/shipping_address/zip",
        "/payment/buyer_history/registered_since",
    ];
    let text = texts.into_iter().find(|at| !is_text(at));
    let lang = !matches!(asked["lang"].as_str(), Some("ar" | "en"));
    let loyalty = !asked["payment"]["buyer_history"]["loyalty_level"].is_number();
    let items = asked["payment"]["order"]["items"].as_array();
    let items = items.is_none_or(|items| !items.iter().all(is_item));
    let history = asked["payment"]["order_history"].as_array();
    let history = history.is_none_or(|history| !history.iter().all(is_bought));
    text.or(lang.then_some("lang"))
        .or(loyalty.then_some("loyalty_level"))
        .or(items.then_some("items"))
        .or(history.then_some("order_history"))
}

fn is_item(item: &Value) -> bool {
    item["title"].is_string()
        && item["quantity"].as_u64().is_some_and(|quantity| quantity >= 1)
        && item["unit_price"].as_str().and_then(amounts::parse).is_some()
        && item["category"].is_string()
}

fn is_bought(order: &Value) -> bool {
    let statuses = ["new", "processing", "complete", "refunded", "canceled", "unknown"];
    order["purchased_at"].is_string()
        && order["amount"].as_str().and_then(amounts::parse).is_some()
        && order["status"].as_str().is_some_and(|status| statuses.contains(&status))
        && order["buyer"].is_object()
        && order["shipping_address"].is_object()
}

fn text(of: &Value, field: &str) -> String {
    of[field].as_str().unwrap_or_default().to_owned()
}
