//! `/api/v1/cms/webhooks`: every delivery of a vendor, and what became of it.

use super::body::Asked;
use crate::{app::App, error::Error, staff::MayRead};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use schema::{
    ids::BookingId,
    provider::Provider,
    states::DeliveryFate,
    webhooks::{self, Delivery, Filter, Told},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

const PAGE_MAX: u16 = 100;

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only those of this vendor.
    vendor: Option<Provider>,
    /// Only those that this became of.
    verdict: Option<DeliveryFate>,
    /// The `next` of the page before.
    #[param(pattern = "^[A-Za-z0-9_-]{1,128}$")]
    before: Option<String>,
    /// At most 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Deliveries)]
struct Page {
    deliveries: Vec<DeliveryView>,
    /// There are more: `before` of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A delivery, as staff see it. Of those that began nothing there are names of fields, and never a value.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
struct DeliveryView {
    vendor: Provider,
    verdict: DeliveryFate,
    received_at: DateTime<Utc>,
    /// What the vendor calls it, in a digest; the same for every delivery of one event.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking: Option<BookingId>,
    /// What it claimed, which was never believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    claim: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<RefusedView>,
}

/// Why a delivery began nothing, and what it looked like.
#[derive(Serialize, ToSchema)]
#[schema(as = RefusedDelivery)]
struct RefusedView {
    reason: String,
    /// Where it came from, as callers are counted.
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_bytes: Option<i64>,
    /// In hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_sha256: Option<String>,
    header_names: Vec<String>,
    /// The names of its fields; a star for each value, and for each name that is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<String>,
}

impl DeliveryView {
    fn of(delivery: Delivery) -> Self {
        let (vendor, verdict) = (delivery.provider, delivery.fate);
        let view = Self {
            vendor,
            verdict,
            received_at: delivery.received_at,
            event: None,
            booking: None,
            claim: None,
            refused: None,
        };
        match delivery.is {
            Told::Event { claim, booking } => {
                Self { event: Some(delivery.key), booking, claim: Some(claim), ..view }
            }
            Told::Refused { reason, body_sha256, body_bytes, header_names, excerpt, address } => {
                let refused =
                    RefusedView { reason, address, body_bytes, body_sha256, header_names, excerpt };
                Self { refused: Some(refused), ..view }
            }
        }
    }
}

/// List deliveries of webhooks
///
/// The youngest first: what vendors have told, what became of it, and what was refused.
#[utoipa::path(get, path = "/api/v1/cms/webhooks", tag = "staff", operation_id = "list_webhooks",
    params(Wanted),
    responses((status = 200, body = Page, description = "A page of them.")))]
async fn list(
    State(app): State<App>,
    _staff: MayRead,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Page>, Error> {
    let limit = wanted.limit.unwrap_or(PAGE_MAX);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Error::invalid("invalid_query", "A page has 1 to 100 deliveries."));
    }
    let before = wanted.before.as_deref().map(place).transpose()?;
    let filter = Filter { provider: wanted.vendor, fate: wanted.verdict, before };
    let mut found = webhooks::list(&app.db, &filter, i64::from(limit) + 1).await?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let next = found.last().filter(|_| more).map(|last| cursor(last.received_at, &last.key));
    let deliveries = found.into_iter().map(DeliveryView::of).collect();
    Ok(Json(Page { deliveries, next }))
}

/// Where a page has ended.
fn cursor(at: DateTime<Utc>, key: &str) -> String {
    BASE64URL_NOPAD.encode(format!("{}.{key}", at.timestamp_micros()).as_bytes())
}

fn place(cursor: &str) -> Result<(DateTime<Utc>, String), Error> {
    /// In seconds since 1970: what the database can compare with, too.
    const YEAR_10_000: i64 = 253_402_300_800;
    let read = || {
        let place = String::from_utf8(BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?).ok()?;
        let (at, key) = place.split_once('.')?;
        let at = DateTime::from_timestamp_micros(at.parse().ok()?)?;
        let known = (0..YEAR_10_000).contains(&at.timestamp());
        let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let sound = (1..=80).contains(&key.len()) && key.bytes().all(part);
        (known && sound).then(|| (at, key.to_owned()))
    };
    read().ok_or_else(|| {
        Error::invalid(
            "invalid_cursor",
            "Take `before` from the `next` of a page, or start without it.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place_and_nothing_else_is_one() {
        let at = DateTime::from_timestamp_micros(1_795_285_640_123_456).unwrap();
        for key in ["refused-42", "0f9e8d7c6b5a4c3d8e1f0f9e8d7c6b5a4c3d8e1f"] {
            assert_eq!(place(&cursor(at, key)).unwrap(), (at, key.to_owned()));
        }
        let encoded = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        let far = encoded("9223372036854775807.refused-1");
        for wrong in ["", "x", "\0", &far, &encoded("1."), &encoded("1.a b"), &encoded("-1.a")] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
