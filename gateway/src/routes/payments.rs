//! `/api/v1/orders/{id}/payments`: pay for a booking; as often as it takes.

use super::{
    appears,
    body::{Body, Named},
    choosing, orders,
    waiting::{look, until},
    ways_to_pay::{self, Asked},
};
use crate::{
    app::App,
    auth::{Caller, CallerHeader, IdempotencyKey, KeyHeader},
    error::Error,
    guard::Client,
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
    paying::{Buyer, NextAct, PayWith},
    payments::PaymentRequest,
    provider::Provider,
    snapshot::{Payment, Snapshot},
};
use serde::{Deserialize, Serialize};
use std::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(proceed))
}

/// How the customer wants to pay.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "provider": "hyperpay" }))]
struct CreatePayment {
    /// Without one the first that is well is chosen, in the operator's order; only for the vendor's own page, since
    /// tokens and sheets are each bound to their vendor. A saved card names its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<Provider>,
    #[serde(default, skip_serializing_if = "is_default")]
    pay: Asked,
    #[serde(default, skip_serializing_if = "is_default")]
    buyer: Buyer,
}

/// What is left out means the same as what is said to be so: the hash of both is one.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
    about: (IdempotencyKey, Wait, Client),
    Named(booking): Named<String>,
    Body { value: CreatePayment { provider, pay, buyer }, hash }: Body<CreatePayment>,
) -> Result<Response, Error> {
    let (IdempotencyKey(key), wait, Client(address)) = about;
    let booking = orders::find(&app, &caller, &booking).await?;
    let payment_id = app.id_key.payment(booking.booking_id, &key);
    let keeper = match pay.card() {
        Some(card) => Some(choosing::keeper(&app, &caller, payment_id, card).await?),
        None => None,
    };
    let (pay_with, buyer) = (pay.sealed(&app, &caller)?, ways_to_pay::checked(buyer)?);
    let provider = match (provider, keeper) {
        (Some(named), Some(keeper)) if named != keeper => return Err(not_the_keeper()),
        (_, Some(keeper)) => {
            choosing::nothing_under_way(&app, booking.booking_id, payment_id).await?;
            keeper
        }
        (Some(named), None) => named,
        (None, None) => choosing::provider(&app, booking.booking_id, payment_id, &pay_with).await?,
    };
    takes(&app, provider, &pay_with)?;
    let buyer_address = ways_to_pay::address(&app, provider, address)?;
    let asked = Instant::now();
    let request = PaymentRequest {
        payment_id,
        booking_id: booking.booking_id,
        provider,
        platform: caller.platform,
        pay_with,
        buyer,
        buyer_address,
        return_url: format!("{}/return/{provider}/{payment_id}", app.settings.public_url),
        request_hash: hash.clone(),
        timings: app.settings.timings.on(caller.platform),
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

fn not_the_keeper() -> Error {
    Error::Conflict {
        code: "not_taken_here".into(),
        detail: "Another vendor keeps this card: leave `provider` out.".into(),
        retryable: false,
    }
}

/// The vendor is set up here, and takes this.
fn takes(app: &App, provider: Provider, pay_with: &PayWith) -> Result<(), Error> {
    let refused = |code: &'static str, detail: String| {
        Err(Error::Conflict { code: code.into(), detail: detail.into(), retryable: false })
    };
    let Some(vendor) = app.providers.get(provider) else {
        return refused("provider_off", format!("Paying with {provider} is not set up here."));
    };
    if vendor.taking(pay_with).is_none() {
        return refused("not_taken_here", format!("{provider} does not take this way to pay."));
    }
    Ok(())
}

/// What the customer has been asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "otp": "123456" }))]
struct Proceed {
    /// The one-time password that has gone to the phone.
    #[schema(pattern = "^[0-9]{4,8}$")]
    otp: String,
}

/// Go on with a payment
///
/// Where `next` says `otp`: hands over the one-time password. The first one counts; if it is wrong, begin another payment.
/// It is never kept in the clear.
#[utoipa::path(post, path = "/api/v1/orders/{booking}/payments/{payment}/otp", tag = "payments",
    operation_id = "proceed_with_payment",
    params(
        ("booking" = BookingId, Path, description = "The booking."),
        ("payment" = PaymentId, Path, description = "The payment."),
        CallerHeader,
    ),
    request_body = Proceed,
    responses(
        (status = 202, body = PaymentView, description = "It is handed over; look at the booking for what comes of it."),
        (status = 404, description = "There is nothing of yours here."),
        (status = 409, description = "The payment waits for nothing."),
    ))]
async fn proceed(
    State(app): State<App>,
    caller: Caller,
    Named((booking, payment)): Named<(String, String)>,
    Body { value: Proceed { otp }, .. }: Body<Proceed>,
) -> Result<Response, Error> {
    let booking = orders::find(&app, &caller, &booking).await?;
    let id: PaymentId = payment.parse().map_err(|_| Error::NotFound)?;
    let now = look(&app, &caller, booking.booking_id).await?;
    let payment = now.payments.into_iter().find(|it| it.id == id).ok_or(Error::NotFound)?;
    if !(4..=8).contains(&otp.len()) || !otp.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::invalid("invalid_otp", "`otp` is the 4 to 8 digits from the message."));
    }
    if !payment.payable || payment.next != Some(NextAct::Otp) {
        return Err(Error::Conflict {
            code: "waits_for_nothing".into(),
            detail: "This payment does not wait for a one-time password now.".into(),
            retryable: false,
        });
    }
    app.engine.give(id, ways_to_pay::seal(&app, &otp)?).await?;
    Ok((StatusCode::ACCEPTED, Json(PaymentView::of(&app, payment))).into_response())
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
        let detail = match &*because {
            "booking_takes_no_payment" | "nothing_to_pay" | "too_late_to_pay" | "order_gone" => {
                "The booking takes no payment now. Look at the booking for what happens next."
            }
            "payment_under_way" => choosing::CHARGE_UNDER_WAY,
            _ => "The vendor does not take this payment. Choose another way to pay.",
        };
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
