//! `/pay/cards/{card}`: the vendor's form that a card is typed into. `/return/cards/{card}`: back from it. Neither decides
//! anything.

use super::{
    body::Named,
    card_owner,
    pay::{Fields, NO_STORE, framed, told},
    ways_to_pay,
};
use crate::{app::App, error::Error, guard};
use axum::{
    Form,
    extract::{
        Query, State,
        rejection::{FormRejection, QueryRejection},
    },
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
use secrecy::ExposeSecret;
use utoipa_axum::{router::OpenApiRouter, routes};

const TITLE: &str = "Save your card";

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(form)).routes(routes!(back, posted_back))
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
    let (form, policy) = match card.form().filter(|_| is_on) {
        Some(NextAct::Widget { script, brands }) => {
            let form = html! {
                form.paymentWidgets action=(card.request.return_url) data-brands=(brands) {}
                script src=(script) {}
            };
            (form, guard::vendors_page(script))
        }
        Some(NextAct::Form { action, fields }) => {
            let form = html! {
                form method="post" action=(action) {
                    @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
                    button { "Enter your card · أدخل بطاقتك" }
                }
            };
            (form, guard::form_to(action))
        }
        Some(
            NextAct::Nothing | NextAct::Redirect { .. } | NextAct::Otp | NextAct::Terminal { .. },
        )
        | None => {
            let over = told(
                "There is nothing to do on this page.",
                "لا يوجد ما يلزم فعله في هذه الصفحة.",
                "Go back to the app to see your cards.",
            );
            let html = Html(framed(TITLE, &over).into_string());
            return Ok((StatusCode::OK, NO_STORE, html).into_response());
        }
    };
    let whose = card_owner::told(&app, &card.request.owner).await;
    let page = html! {
        h1 { "Save your card" }
        p lang="ar" dir="rtl" { "احفظ بطاقتك" }
        (whose)
        (form)
    };
    let html = Html(framed(TITLE, &page).into_string());
    let mut response = (StatusCode::OK, NO_STORE, html).into_response();
    if let Some(policy) = policy {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// Come back from the vendor's form, in a browser
///
/// The vendor is asked now. What the browser brings with it decides nothing; a card's token that the vendor has signed is
/// what saving goes on with.
#[utoipa::path(get, path = "/return/cards/{card}", tag = "cards", operation_id = "return_from_card_form",
    security(()),
    params(("card" = CardId, Path, description = "The card that is being saved.")),
    responses(
        (status = 200, body = String, content_type = "text/html", description = "A page for people."),
        (status = 404, description = "There is no such card."),
    ))]
async fn back(
    State(app): State<App>,
    Named(card): Named<String>,
    fields: Result<Query<Fields>, QueryRejection>,
) -> Result<Response, Error> {
    welcome(&app, &card, fields.map(|Query(fields)| fields).unwrap_or_default()).await
}

/// Come back from the vendor's form, in a browser, by a form
///
/// The same for vendors whose page posts the browser back.
#[utoipa::path(post, path = "/return/cards/{card}", tag = "cards",
    operation_id = "return_from_card_form_by_form", security(()),
    params(("card" = CardId, Path, description = "The card that is being saved.")),
    request_body(content = Option<String>, content_type = "application/x-www-form-urlencoded",
        description = "What the vendor tells the browser to say."),
    responses(
        (status = 200, body = String, content_type = "text/html", description = "A page for people."),
        (status = 404, description = "There is no such card."),
    ))]
async fn posted_back(
    State(app): State<App>,
    Named(card): Named<String>,
    fields: Result<Form<Fields>, FormRejection>,
) -> Result<Response, Error> {
    welcome(&app, &card, fields.map(|Form(fields)| fields).unwrap_or_default()).await
}

async fn welcome(app: &App, card: &str, fields: Fields) -> Result<Response, Error> {
    let card = find(app, card).await?;
    go_on(app, &card, &fields).await?;
    // However often the page is loaded, the vendor is asked once in ten seconds.
    let once = format!("return:{}", Utc::now().timestamp() / 10);
    if let Err(error) = app.engine.ask_card(card.card_id, once).await {
        tracing::warn!(%error, "{} is asked about later: {error}", card.card_id);
    }
    let page = told(
        "Thank you. Your card is being saved.",
        "شكرًا لك. جارٍ حفظ بطاقتك.",
        "You can close this page and go back to the app.",
    );
    Ok((StatusCode::OK, NO_STORE, Html(framed(TITLE, &page).into_string())).into_response())
}

/// Hands over what saving goes on with, if the vendor has sent that and it is genuine. The same is handed over once.
async fn go_on(app: &App, card: &SavedCard, fields: &Fields) -> Result<(), Error> {
    let id = card.card_id;
    let keeper = app.providers.get(card.provider).and_then(|vendor| vendor.cards());
    let Some(keeper) = keeper.filter(|_| !fields.is_empty()) else { return Ok(()) };
    match keeper.read_back(id, fields) {
        Ok(Some(given)) => {
            let sealed = ways_to_pay::seal(app, given.expose_secret())?;
            let once = format!("given:{}", app.id_key.mark(&given));
            Ok(app.engine.give_card(id, sealed, once).await?)
        }
        Ok(None) => Ok(()),
        Err(error) => {
            tracing::warn!(%error, "{id} came back with what is not its vendor's: {error}");
            Ok(())
        }
    }
}

async fn find(app: &App, card: &str) -> Result<SavedCard, Error> {
    let id: CardId = card.parse().map_err(|_| Error::NotFound)?;
    saved_cards::find(&app.db, id).await?.ok_or(Error::NotFound)
}
