//! `/api/v1/orders/{id}/payments`: pay for a booking; as often as it takes.

use super::{appears, body::Body, orders};
use crate::{
    app::App,
    auth::{Caller, IdempotencyKey},
    error::Error,
    view::PaymentView,
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use schema::{
    payments::{self, Payment, PaymentRequest},
    provider::Provider,
};
use serde::{Deserialize, Serialize};

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/v1/orders/{booking}/payments", post(create))
}

/// How the customer wants to pay.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreatePayment {
    provider: Provider,
}

/// Opens a payment, or finds the one that this key has opened.
async fn create(
    State(app): State<App>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Path(booking): Path<String>,
    Body { value: CreatePayment { provider }, hash }: Body<CreatePayment>,
) -> Result<Response, Error> {
    let booking = orders::find(&app, &caller, &booking).await?;
    if app.providers.get(provider).is_none() {
        return Err(Error::Conflict {
            code: "provider_off".into(),
            detail: format!("Paying with {provider} is not set up here.").into(),
            retryable: false,
        });
    }
    let payment_id = app.id_key.payment(booking.booking_id, &key);
    let request = PaymentRequest {
        payment_id,
        booking_id: booking.booking_id,
        provider,
        platform: caller.platform,
        return_url: format!("{}/return/{provider}/{payment_id}", app.settings.public_url),
        request_hash: hash.clone(),
        timings: app.settings.timings,
    };
    app.engine.pay(request).await?;
    let look = || async {
        let found = payments::find(&app.db, payment_id).await?;
        Ok(found.filter(|found| found.vendor_session.is_some() || found.refused_because.is_some()))
    };
    let ready = appears(look).await?;
    let payment = match ready {
        Some(payment) => payment,
        // The vendor takes its time; the payment is written down, and its page waits for it.
        None => payments::find(&app.db, payment_id).await?.ok_or(Error::Unavailable {
            code: "not_started_in_time",
            detail: "It has not started in time. Send the same request with the same Idempotency-Key again.",
        })?,
    };
    answer(&app, payment, &hash)
}

fn answer(app: &App, payment: Payment, hash: &str) -> Result<Response, Error> {
    if payment.request.request_hash != hash {
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
    let location = format!("/api/v1/orders/{}", payment.booking_id);
    let headers = [(header::LOCATION, location), (header::RETRY_AFTER, "1".to_owned())];
    Ok((StatusCode::ACCEPTED, headers, Json(PaymentView::of(app, payment))).into_response())
}
