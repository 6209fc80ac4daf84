//! `/api/v1/orders/{id}/payments`: pay for a booking; as often as it takes.

use super::{
    appears,
    body::{Body, Named},
    orders,
    waiting::{look, until},
};
use crate::{
    app::App,
    auth::{Caller, CallerHeader, IdempotencyKey, KeyHeader},
    error::Error,
    preferences::{Wait, WaitHeader},
    view::PaymentView,
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use schema::{
    ids::{BookingId, PaymentId},
    paying::{Buyer, PayWith},
    payments::PaymentRequest,
    provider::Provider,
    snapshot::{Payment, Snapshot},
};
use serde::{Deserialize, Serialize};
use std::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create))
}

/// How the customer wants to pay.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "provider": "hyperpay" }))]
struct CreatePayment {
    provider: Provider,
}

/// Pay for a booking
///
/// Opens a payment, or finds the one that this key has opened. It waits a second for the vendor's page, or longer with
/// `Prefer: wait=N`; without `vendor_session` the page is still being opened, and `payment_url` waits for it.
#[utoipa::path(post, path = "/api/v1/orders/{booking}/payments", tag = "payments", operation_id = "create_payment",
    params(
        ("booking" = BookingId, Path, description = "The booking."),
        KeyHeader, CallerHeader, WaitHeader,
    ),
    request_body = CreatePayment,
    responses(
        (status = 202, body = PaymentView, description = "It is written down, and goes on by itself.", headers(
            ("Location" = String, description = "The booking."),
            ("Retry-After" = u32, description = "Seconds until it is worth another look."),
            ("Preference-Applied" = String, description = "How long it may have waited."))),
        (status = 404, description = "There is nothing of yours here."),
        (status = 409, description = "The booking takes no payment now, or not with this vendor."),
        (status = 422, description = "The Idempotency-Key belongs to another request."),
    ))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    preferences: (IdempotencyKey, Wait),
    Named(booking): Named<String>,
    Body { value: CreatePayment { provider }, hash }: Body<CreatePayment>,
) -> Result<Response, Error> {
    let (IdempotencyKey(key), wait) = preferences;
    let booking = orders::find(&app, &caller, &booking).await?;
    if app.providers.get(provider).is_none() {
        return Err(Error::Conflict {
            code: "provider_off".into(),
            detail: format!("Paying with {provider} is not set up here.").into(),
            retryable: false,
        });
    }
    let asked = Instant::now();
    let payment_id = app.id_key.payment(booking.booking_id, &key);
    let request = PaymentRequest {
        payment_id,
        booking_id: booking.booking_id,
        provider,
        platform: caller.platform,
        pay_with: PayWith::Page,
        buyer: Buyer::default(),
        return_url: format!("{}/return/{provider}/{payment_id}", app.settings.public_url),
        request_hash: hash.clone(),
        timings: app.settings.timings,
    };
    app.engine.pay(request).await?;
    let look_now = || async {
        let now = look(&app, &caller, booking.booking_id).await?;
        Ok(is_ready(&now, payment_id).then_some(now))
    };
    let now = if let Some(now) = appears(look_now).await? {
        now
    } else {
        // The vendor takes its time; the payment is written down, and its page waits for it.
        let left = wait.time().saturating_sub(asked.elapsed());
        let ready = |now: &Snapshot| is_ready(now, payment_id);
        until(&app, &caller, booking.booking_id, left, ready).await?
    };
    let payment = now.payments.into_iter().find(|payment| payment.id == payment_id);
    let payment = payment.ok_or(Error::Unavailable {
        code: "not_started_in_time",
        detail: "It has not started in time. Send the same request with the same Idempotency-Key again.",
    })?;
    answer(&app, &booking.booking_id, payment, (&hash, wait))
}

/// There is a page to pay on, or there will be none.
fn is_ready(booking: &Snapshot, payment: PaymentId) -> bool {
    let payment = booking.payments.iter().find(|it| it.id == payment);
    payment.is_some_and(|it| it.vendor_session.is_some() || it.refused_because.is_some())
}

fn answer(
    app: &App,
    booking: &BookingId,
    payment: Payment,
    (hash, wait): (&str, Wait),
) -> Result<Response, Error> {
    if payment.request_hash != hash {
        return Err(Error::KeyReused);
    }
    if let Some(because) = payment.refused_because {
        let detail = "The booking takes no payment now. Look at the booking for what happens next.";
        return Err(Error::Conflict {
            code: because.into(),
            detail: detail.into(),
            retryable: false,
        });
    }
    let location = format!("/api/v1/orders/{booking}");
    let headers = [(header::LOCATION, location), (header::RETRY_AFTER, "1".to_owned())];
    let applied = wait.applied();
    Ok((StatusCode::ACCEPTED, headers, applied, Json(PaymentView::of(app, payment)))
        .into_response())
}
