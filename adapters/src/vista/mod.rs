//! Vista Connect: the cinemas' own system. It holds seats in orders and turns an order into a booking.
//!
//! Three facts shaped this folder. The purchase's only idempotency key is the order's `UserSessionId`, and what a
//! second completion answers differs by version, so an order is completed once and then asked about (`order_fate`).
//! The older surface (`REST….svc`) answers HTTP 200 even when it fails, with the code in the body; the newer one
//! (`orders`) speaks in statuses, with a body that may be empty or HTML (Vista Connect API, "Result codes"; Connect
//! `orders` SDK types). A paid booking cannot be cancelled, only refunded, and nothing but reading it back tells
//! whether that worked.

mod answers;
mod bookings;
mod cache;
mod order_fate;
mod result_codes;
mod seating;
mod session_wire;
mod show;
mod wire;

use crate::{
    error::Error,
    http::{Answer, Call, Deadline, Http},
};
pub use answers::*;
use cache::Cache;
use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use result_codes::{Class, NO_SUCH_ORDER, Operation};
use schema::provider::Platform;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tracing::warn;
use wire::{OrderEnvelope, Status};

/// The code of `Error::Refused` when an order is opened in a cinema that Vista does not know.
pub const UNKNOWN_CINEMA: &str = "unknown_cinema";

#[derive(Clone, Debug)]
pub struct Config {
    /// `https://{host}/WSVistaWebClient`.
    pub base_url: String,
    /// Vista knows each kind of app by a token of its own. A platform without one cannot book.
    pub tokens: BTreeMap<Platform, SecretString>,
    /// Vista's sales channel for each platform.
    pub client_classes: BTreeMap<Platform, String>,
}

impl Config {
    /// With Vista's usual channels.
    pub fn new(base_url: impl Into<String>, tokens: BTreeMap<Platform, SecretString>) -> Self {
        let class = |platform| match platform {
            Platform::Ios | Platform::Android | Platform::Huawei => "CELL",
            Platform::Website => "WWW",
            Platform::Kiosk => "KIOSK",
        };
        let classes = Platform::ALL.map(|platform| (platform, class(platform).to_owned()));
        Self { base_url: base_url.into(), tokens, client_classes: classes.into() }
    }
}

/// Vista, as one of our platforms sees it at a time. A verb ends within its `within`, however many calls it makes.
#[derive(Debug)]
pub struct Vista {
    http: Http,
    tokens: BTreeMap<Platform, SecretString>,
    client_classes: BTreeMap<Platform, String>,
    geometry: Cache<session_wire::Geometry>,
    ticket_types: Cache<Vec<TicketType>>,
    rows: Cache<Value>,
}

/// On whose behalf, and until when.
#[derive(Clone, Copy)]
struct As {
    platform: Platform,
    until: Deadline,
}

impl As {
    fn new(platform: Platform, within: Duration) -> Self {
        Self { platform, until: Deadline::after(within) }
    }
}

/// An answer of the older surface: the most specific code, and the body.
struct Reply {
    status: Status,
    code: i64,
    body: Value,
}

/// An answer of the newer surface.
enum OrderReply {
    Order { order: wire::Order, snapshot: OrderSnapshot },
    No { status: StatusCode, code: Option<i64> },
}

impl Vista {
    pub fn new(config: Config) -> Result<Self, Error> {
        Ok(Self {
            http: Http::new("vista", &config.base_url)?,
            tokens: config.tokens,
            client_classes: config.client_classes,
            geometry: Cache::new(),
            ticket_types: Cache::new(),
            rows: Cache::new(),
        })
    }

    /// Opens an empty order. Harmless: an order nobody fills expires.
    pub async fn create_order(
        &self,
        platform: Platform,
        cinema: &str,
        within: Duration,
    ) -> Result<OpenOrder, Error> {
        let call = Call::post("create_order", "orders", json!({"cinemaId": cinema}));
        match self.order_reply(call, As::new(platform, within)).await? {
            OrderReply::Order { order, snapshot } => {
                let order = order.reference();
                if order.cinema != cinema || !is_plain(&order.user_session) {
                    return Err(Error::unknown("vista create_order: not the order asked for"));
                }
                Ok(OpenOrder { order, snapshot })
            }
            OrderReply::No { status: StatusCode::NOT_FOUND, code: None }
            | OrderReply::No { code: Some(result_codes::SITE_NOT_FOUND), .. } => {
                Err(Error::refused(UNKNOWN_CINEMA, "vista knows no such cinema"))
            }
            OrderReply::No { status, code } => Err(no_order("create_order", status, code)),
        }
    }

    /// The order as it stands. `None`: it is gone, which says nothing about a booking.
    pub async fn get_order(
        &self,
        platform: Platform,
        order: &OrderRef,
        within: Duration,
    ) -> Result<Option<OrderSnapshot>, Error> {
        let shown = self.read_order(order, As::new(platform, within)).await?;
        Ok(shown.map(|(_, snapshot)| snapshot))
    }

    /// Restarts the order's timer, then reads it. `None`: it is gone.
    pub async fn continue_order(
        &self,
        platform: Platform,
        order: &OrderRef,
        within: Duration,
    ) -> Result<Option<OrderSnapshot>, Error> {
        let on = As::new(platform, within);
        let body = json!({"UserSessionId": order.user_session,
            "OptionalClientClass": self.client_class(platform)});
        let call = Call::post("continue_order", "RESTTicketing.svc/order/continue", body);
        let reply = self.reply(call, "Result", on).await?;
        match reply.code {
            result_codes::OK => {
                let shown = self.read_order(order, on).await.map_err(after_effect)?;
                Ok(shown.map(|(_, snapshot)| snapshot))
            }
            NO_SUCH_ORDER => Ok(None),
            code => Err(result_codes::no_answer("continue_order", code, Operation::Elsewhere)),
        }
    }

    /// Drops an order in progress and frees its seats. Never touches a booking.
    pub async fn cancel_order(
        &self,
        platform: Platform,
        order: &OrderRef,
        within: Duration,
    ) -> Result<CancelAnswer, Error> {
        let body = json!({"UserSessionId": order.user_session,
            "OptionalClientClass": self.client_class(platform)});
        let call = Call::post("cancel_order", "RESTTicketing.svc/order/cancel", body);
        let reply = self.reply(call, "Result", As::new(platform, within)).await?;
        let not_found = reply.body.get("OrderNotFound") == Some(&Value::Bool(true));
        match reply.code {
            NO_SUCH_ORDER => Ok(CancelAnswer::NotFound),
            _ if not_found => Ok(CancelAnswer::NotFound),
            result_codes::OK => Ok(CancelAnswer::Cancelled),
            code => Err(result_codes::no_answer("cancel_order", code, Operation::Elsewhere)),
        }
    }

    /// Turns the order into a booking, without moving money. Once: what a second one answers differs by version, so
    /// after anything but an answer ask `order_fate`.
    pub async fn pay_order(
        &self,
        platform: Platform,
        order: &OrderRef,
        note: &PaymentNote,
        within: Duration,
    ) -> Result<ConfirmAnswer, Error> {
        let on = As::new(platform, within);
        let body = wire::completion(order, note, self.client_class(platform));
        let call = Call::post("pay_order", "RESTTicketing.svc/order/payment", body);
        let reply = self.reply(call, "Result", on).await?;
        let code = reply.status.completing_code();
        match result_codes::class(code, Operation::Completing) {
            Class::Success => {
                let completed: wire::Completed = wire::parse("completion", reply.body)?;
                let booking = completed.booking(order).ok_or_else(|| {
                    Error::unknown("vista pay_order: success without this cinema's booking")
                })?;
                if code == result_codes::BOOKED_WITH_ERRORS {
                    warn!(code, "vista booked, and something after that failed there");
                }
                Ok(ConfirmAnswer::Booked(booking))
            }
            Class::Terminal => {
                Ok(ConfirmAnswer::Rejected { code, name: result_codes::name(code).to_owned() })
            }
            Class::Safe | Class::Ambiguous | Class::Configuration => {
                Err(result_codes::no_answer("pay_order", code, Operation::Completing))
            }
        }
    }

    /// When the show starts. `None`: Vista lists no such session.
    pub async fn show_start(
        &self,
        platform: Platform,
        cinema: &str,
        session: &str,
        within: Duration,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        if !is_plain(cinema) || !is_plain(session) {
            return Ok(None);
        }
        let call = Call::get("show_start", "OData.svc/Sessions")
            .query("$filter", format!("ID eq '{cinema}-{session}'"))
            .query("$format", "json");
        let answer = self.ask(call, As::new(platform, within)).await?;
        if !answer.status.is_success() {
            return Err(Error::unknown(format!(
                "vista show_start: HTTP {}",
                answer.status.as_u16()
            )));
        }
        let body: Value = answer.json()?;
        let id = format!("{cinema}-{session}");
        let mine = |row: &&Value| row.get("ID").and_then(Value::as_str) == Some(id.as_str());
        let Some(row) = session_wire::odata_rows(&body)?.iter().find(mine) else { return Ok(None) };
        let start = row.get("Showtime").and_then(Value::as_str).and_then(session_wire::showtime);
        start.map(Some).ok_or_else(|| Error::unknown("vista show_start: an unreadable Showtime"))
    }

    async fn read_order(
        &self,
        order: &OrderRef,
        on: As,
    ) -> Result<Option<(wire::Order, OrderSnapshot)>, Error> {
        let call = Call::get("get_order", format!("orders/{}", name(&order.user_session)?));
        match self.order_reply(call, on).await? {
            OrderReply::Order { order: shown, snapshot } => {
                if shown.reference() != *order {
                    return Err(Error::unknown("vista get_order: not the order asked for"));
                }
                Ok(Some((shown, snapshot)))
            }
            OrderReply::No { code: Some(NO_SUCH_ORDER), .. }
            | OrderReply::No { status: StatusCode::NOT_FOUND | StatusCode::GONE, code: None } => {
                Ok(None)
            }
            OrderReply::No { status, code } => Err(no_order("get_order", status, code)),
        }
    }

    fn client_class(&self, platform: Platform) -> &str {
        self.client_classes.get(&platform).map_or("WWW", String::as_str)
    }

    /// Asks with the platform's token. A throttle and a refused token are told apart here, for every surface.
    async fn ask(&self, call: Call, on: As) -> Result<Answer, Error> {
        let token = self.tokens.get(&on.platform).ok_or_else(|| {
            Error::refused("configuration", format!("vista: no token for {}", on.platform.name()))
        })?;
        // Lower case on the wire: some gateways before Connect refuse a title-cased name.
        let answer = self.http.send(call.secret("connectapitoken", "", token)?, on.until).await?;
        if answer.is_throttled() {
            let retry_after = answer.retry_after;
            return Err(Error::Unavailable { reason: "vista: HTTP 429".to_owned(), retry_after });
        }
        if answer.is_forbidden() {
            let status = answer.status.as_u16().to_string();
            return Err(Error::refused(status, "vista refuses our token for this"));
        }
        Ok(answer)
    }

    /// An answer of the older surface, its code under `key`. Configuration codes are refusals for every verb.
    async fn reply(&self, call: Call, key: &str, on: As) -> Result<Reply, Error> {
        read_reply(&self.ask(call, on).await?, key)
    }

    /// An answer of the newer surface.
    async fn order_reply(&self, call: Call, on: As) -> Result<OrderReply, Error> {
        let answer = self.ask(call, on).await?;
        let body: Option<Value> = answer.json().ok();
        let code = body.as_ref().and_then(wire::error_code);
        if code.is_some_and(is_configuration) {
            let code = code.unwrap_or_default();
            return Err(result_codes::no_answer("orders", code, Operation::Elsewhere));
        }
        if !answer.status.is_success() || code.is_some() {
            return Ok(OrderReply::No { status: answer.status, code });
        }
        let body = body.ok_or_else(|| Error::unknown("vista orders: success without a body"))?;
        let OrderEnvelope { order } = wire::parse("order", body)?;
        let snapshot = order.snapshot(answer.now)?;
        Ok(OrderReply::Order { order, snapshot })
    }
}

fn read_reply(answer: &Answer, key: &str) -> Result<Reply, Error> {
    if !answer.status.is_success() {
        return Err(Error::unknown(format!("vista: HTTP {}", answer.status.as_u16())));
    }
    let body: Value = answer.json()?;
    let status = Status::read(&body, key)?;
    let code = status.code();
    if is_configuration(code) {
        return Err(result_codes::no_answer("asked", code, Operation::Elsewhere));
    }
    Ok(Reply { status, code, body })
}

fn is_configuration(code: i64) -> bool {
    result_codes::class(code, Operation::Elsewhere) == Class::Configuration
}

/// No order in an answer of the newer surface, and no reason that the verb knows.
fn no_order(asked: &str, status: StatusCode, code: Option<i64>) -> Error {
    let http = status.as_u16();
    match code {
        Some(code) if !status.is_server_error() => {
            result_codes::no_answer(asked, code, Operation::Elsewhere)
        }
        None if status.is_client_error() && !matches!(http, 408 | 409 | 425) => {
            Error::refused(format!("http-{http}"), format!("vista {asked}: HTTP {http}"))
        }
        Some(_) | None => Error::unknown(format!("vista {asked}: HTTP {http}")),
    }
}

/// Something has been changed before: nothing after that can be "not executed".
fn after_effect(error: Error) -> Error {
    match error {
        Error::Unavailable { reason, .. } => Error::unknown(reason),
        Error::Unknown { .. } | Error::Refused { .. } | Error::Forged { .. } => error,
    }
}

/// Whether a name can stand in a path or a filter as it is.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !name.is_empty() && name.len() <= 64 && name.bytes().all(plain)
}

fn name(name: &str) -> Result<&str, Error> {
    if is_plain(name) { Ok(name) } else { Err(Error::refused("malformed", "vista: not a name")) }
}

#[cfg(test)]
mod tests;
