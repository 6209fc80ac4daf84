//! `/api/v1/kiosk`: what only a kiosk asks for.

use super::{
    body::{Body, Named},
    orders,
    waiting::{look, until},
};
use crate::{
    app::App,
    auth::{Caller, CallerHeader},
    error::Error,
    preferences::{Wait, WaitHeader},
    view::BookingView,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use schema::{
    ids::BookingId,
    snapshot::{Refund, Snapshot},
    states::RefundStatus,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(login)).routes(routes!(acknowledge))
}

/// What the kiosk's terminal signs in with.
#[derive(Serialize, ToSchema)]
struct TerminalLogin {
    /// The kiosk's own terminal.
    #[schema(example = "0211920800119208")]
    terminal: String,
    /// For the terminal's vendor, and for nobody else. A secret.
    jwt: String,
    /// Ten minutes from now. Who is signed in by then stays so.
    expires_at: DateTime<Utc>,
}

/// Sign a kiosk's terminal in
///
/// It takes a kiosk's token, and is for the terminal that is configured for that kiosk. Asked again, it makes another.
#[utoipa::path(post, path = "/api/v1/kiosk/terminal/login", tag = "payments", operation_id = "login_terminal",
    params(CallerHeader),
    responses(
        (status = 200, body = TerminalLogin, description = "The terminal signs in with this.", headers(
            ("Cache-Control" = String, description = "no-store"))),
        (status = 404, description = "There is no terminal of yours here."),
    ))]
async fn login(
    State(app): State<App>,
    caller: Caller,
) -> Result<([(HeaderName, &'static str); 1], Json<TerminalLogin>), Error> {
    let minter = app.minter.as_ref().ok_or(Error::NotFound)?;
    let terminal = caller.kiosk().and_then(|kiosk| app.settings.terminals.get(kiosk));
    let terminal = terminal.ok_or(Error::NotFound)?;
    let login = minter
        .mint(terminal, Utc::now())
        .map_err(|error| Error::Internal(format!("no login for terminal {terminal}: {error}")))?;
    let (kiosk, client_uuid) = (&caller.id, minter.client_uuid());
    tracing::info!(%kiosk, client_uuid, terminal, "{kiosk} signs terminal {terminal} in as {client_uuid}");
    let login = TerminalLogin {
        terminal: terminal.clone(),
        jwt: login.jwt.expose_secret().to_owned(),
        expires_at: login.expires_at,
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(login)))
}

/// What the kiosk's terminal has reversed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReversalDone, example = json!({ "transaction": "0b8e9a52-6a3f-4d0f-9b57-1d1c3b0a7f11" }))]
struct Acknowledgement {
    /// As `kiosk.reverse` has named it.
    #[schema(min_length = 8, max_length = 64)]
    transaction: String,
}

/// Say that a payment is reversed
///
/// The terminal has done what `kiosk.reverse` asks for. It is not believed: the terminals' vendor is asked now, and the
/// refund is REFUNDED once that shows it; `Prefer: wait=N` waits for that. Again is as good, and without it the vendor is
/// asked all the same.
#[utoipa::path(post, path = "/api/v1/kiosk/orders/{booking}/reversals", tag = "payments",
    operation_id = "acknowledge_reversal",
    params(
        ("booking" = BookingId, Path, description = "A booking of this kiosk."),
        CallerHeader, WaitHeader,
    ),
    request_body = Acknowledgement,
    responses(
        (status = 202, body = BookingView, description = "The vendor is being asked; the booking as it is now.", headers(
            ("Preference-Applied" = String, description = "How long it may have waited."))),
        (status = 404, description = "There is no such booking of yours, or no such refund of it."),
    ))]
async fn acknowledge(
    State(app): State<App>,
    caller: Caller,
    Named(booking): Named<String>,
    wait: Wait,
    Body { value: Acknowledgement { transaction }, .. }: Body<Acknowledgement>,
) -> Result<Response, Error> {
    caller.kiosk().ok_or(Error::NotFound)?;
    let booking = orders::find(&app, &caller, &booking).await?.booking_id;
    let asked = Instant::now();
    let now = look(&app, &caller, booking).await?;
    let refund = refund_of(&now, &transaction).ok_or(Error::NotFound)?;
    if refund.status != RefundStatus::Refunded {
        // However often it is said, the vendor is asked once a second.
        let once = format!("reversal:{}", Utc::now().timestamp());
        app.engine.ask_refund(refund.id, once).await?;
    }
    let is_back = |now: &Snapshot| {
        refund_of(now, &transaction).is_some_and(|refund| refund.status == RefundStatus::Refunded)
    };
    let left = wait.time().saturating_sub(asked.elapsed());
    let now = until(&app, &caller, booking, left, is_back).await?;
    let view = BookingView::of(&app, now);
    Ok((StatusCode::ACCEPTED, wait.applied(), Json(view)).into_response())
}

fn refund_of<'a>(booking: &'a Snapshot, transaction: &str) -> Option<&'a Refund> {
    booking.refunds.iter().find(|refund| refund.transaction == transaction)
}
