//! `/api/v1/kiosk`: what only a kiosk asks for.

use crate::{
    app::App,
    auth::{Caller, CallerHeader},
    error::Error,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(login))
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
