//! `/pay/cards/{card}`: the vendor's form that a card is typed into. `/return/cards/{card}`: back from it. Neither decides
//! anything.

use super::{
    body::Named,
    card_owner,
    pay::{NO_STORE, framed, told},
};
use crate::{app::App, error::Error, guard};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use chrono::Utc;
use maud::html;
use schema::{
    ids::CardId,
    paying::NextAct,
    saved_cards::{self, SavedCard},
};
use utoipa_axum::{router::OpenApiRouter, routes};

const TITLE: &str = "Save your card";

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(form)).routes(routes!(back))
}

/// Type a card in, in a browser
///
/// The vendor's form on our page, which says whose the card will be. The card goes from the browser to the vendor and never
/// through us. The page opens for ten minutes, and until a card is typed in.
#[utoipa::path(get, path = "/pay/cards/{card}", tag = "cards", operation_id = "show_card_form", security(()),
    params(("card" = CardId, Path, description = "The card that is being saved.")),
    responses(
        (status = 200, body = String, content_type = "text/html", description = "A page for people."),
        (status = 404, description = "There is no such card."),
    ))]
async fn form(State(app): State<App>, Named(card): Named<String>) -> Result<Response, Error> {
    let card = find(&app, &card).await?;
    let is_on = app.providers.get(card.provider).is_some();
    let Some(NextAct::Widget { script, brands }) = card.form().filter(|_| is_on) else {
        let over = told(
            "There is nothing to do on this page.",
            "لا يوجد ما يلزم فعله في هذه الصفحة.",
            "Go back to the app to see your cards.",
        );
        return Ok(
            (StatusCode::OK, NO_STORE, Html(framed(TITLE, &over).into_string())).into_response()
        );
    };
    let whose = card_owner::told(&app, &card.request.owner).await;
    let page = html! {
        h1 { "Save your card" }
        p lang="ar" dir="rtl" { "احفظ بطاقتك" }
        (whose)
        form.paymentWidgets action=(card.request.return_url) data-brands=(brands) {}
        script src=(script) {}
    };
    let html = Html(framed(TITLE, &page).into_string());
    let mut response = (StatusCode::OK, NO_STORE, html).into_response();
    if let Some(policy) = guard::vendors_page(script) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// Come back from the vendor's form, in a browser
///
/// The vendor is asked now. What the browser brings with it decides nothing.
#[utoipa::path(get, path = "/return/cards/{card}", tag = "cards", operation_id = "return_from_card_form",
    security(()),
    params(("card" = CardId, Path, description = "The card that is being saved.")),
    responses(
        (status = 200, body = String, content_type = "text/html", description = "A page for people."),
        (status = 404, description = "There is no such card."),
    ))]
async fn back(State(app): State<App>, Named(card): Named<String>) -> Result<Response, Error> {
    let card = find(&app, &card).await?.card_id;
    // However often the page is loaded, the vendor is asked once in ten seconds.
    let once = format!("return:{}", Utc::now().timestamp() / 10);
    if let Err(error) = app.engine.ask_card(card, once).await {
        tracing::warn!(%error, "{card} is asked about later: {error}");
    }
    let page = told(
        "Thank you. Your card is being saved.",
        "شكرًا لك. جارٍ حفظ بطاقتك.",
        "You can close this page and go back to the app.",
    );
    Ok((StatusCode::OK, NO_STORE, Html(framed(TITLE, &page).into_string())).into_response())
}

async fn find(app: &App, card: &str) -> Result<SavedCard, Error> {
    let id: CardId = card.parse().map_err(|_| Error::NotFound)?;
    saved_cards::find(&app.db, id).await?.ok_or(Error::NotFound)
}
