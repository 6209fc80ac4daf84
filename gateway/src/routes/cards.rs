//! `/api/v1/cards`: cards that a customer saves at a vendor, to pay with later. Only their owner sees them.

use super::{
    appears,
    body::{Body, Named},
    ways_to_pay,
};
use crate::{
    app::App,
    auth::{Caller, CallerHeader, IdempotencyKey, KeyHeader},
    error::Error,
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use schema::{
    ids::CardId,
    paying::NextAct,
    provider::Provider,
    saved_cards::{self, CardRequest, SavedCard},
    states::CardStatus,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(save, list)).routes(routes!(show, delete))
}

/// A saved card, or one that is being saved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Card)]
struct CardView {
    id: CardId,
    provider: Provider,
    status: CardStatus,
    /// Why it was not saved, as a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Where to type it in, in a browser, while it is being saved; it opens for ten minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    form_url: Option<String>,
    /// The same for apps that show the vendor's form themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<NextAct>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last4: Option<String>,
    created_at: DateTime<Utc>,
}

impl CardView {
    fn of(app: &App, card: SavedCard) -> Self {
        let next = card.form().cloned();
        let url = format!("{}/pay/cards/{}", app.settings.public_url, card.card_id);
        Self {
            id: card.card_id,
            provider: card.provider,
            status: card.status,
            reason: card.failed_because,
            form_url: next.is_some().then_some(url),
            next,
            brand: card.brand,
            last4: card.last4,
            created_at: card.created_at,
        }
    }
}

/// Which vendor shall keep the card.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SaveCard, example = json!({ "provider": "hyperpay" }))]
struct NewCard {
    provider: Provider,
    /// What the vendor's own fields in the app have made of the card; only for a vendor without a form of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 8, max_length = 128)]
    token: Option<String>,
}

/// Save a card
///
/// Opens the vendor's form, at `form_url`, or has the vendor keep the card behind a token; or finds the card that this key
/// has begun to save. It can be paid with once it is `SAVED`. The card goes to the vendor and never through us. Twenty may be
/// begun within a day, whatever becomes of them; then 429 says when the next.
#[utoipa::path(post, path = "/api/v1/cards", tag = "cards", operation_id = "save_card",
    params(KeyHeader, CallerHeader),
    request_body = NewCard,
    responses(
        (status = 202, body = CardView, description = "It is written down, and goes on by itself.", headers(
            ("Location" = String, description = "The card."))),
        (status = 409, description = "This card cannot be saved, or not with this vendor."),
        (status = 422, description = "The Idempotency-Key belongs to another request."),
    ))]
async fn save(
    State(app): State<App>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body { value: NewCard { provider, token }, hash }: Body<NewCard>,
) -> Result<Response, Error> {
    if !caller.saves_cards() {
        return Err(conflict("customers_only", "Only customers who are signed in save cards."));
    }
    let wants_token = keeps_cards(&app, provider)?;
    let token = match (wants_token, token) {
        (true, Some(token)) => Some(ways_to_pay::sealed_token(&app, &token)?),
        (false, None) => None,
        (true, None) => return Err(ways_to_pay::INVALID_TOKEN),
        (false, Some(_)) => {
            return Err(Error::invalid("token_not_wanted", "This vendor has a form of its own."));
        }
    };
    let card_id = app.id_key.card(&caller.id, &key);
    if let Some(retry_after_s) = saved_cards::wait_s(&app.db, &caller.id, card_id).await? {
        return Err(Error::TooManyRequests { retry_after_s });
    }
    let request = CardRequest {
        card_id,
        owner: caller.id.clone(),
        provider,
        platform: caller.platform,
        token,
        return_url: format!("{}/return/cards/{card_id}", app.settings.public_url),
        request_hash: hash.clone(),
        timings: app.settings.timings,
    };
    app.engine.save_card(request).await?;
    // The form, or how it ended; a vendor that takes its time is looked at again.
    let ready = || async {
        let now = saved_cards::find_for(&app.db, &caller.id, card_id).await?;
        Ok(now.filter(|now| now.status != CardStatus::Adding || now.next.is_some()))
    };
    let card = match appears(ready).await? {
        Some(card) => Some(card),
        None => saved_cards::find_for(&app.db, &caller.id, card_id).await?,
    };
    let card = card.ok_or(Error::Unavailable {
        code: "not_started_in_time",
        detail: "It has not started in time. Send the same request with the same Idempotency-Key again.",
    })?;
    answer(&app, card, &hash)
}

/// Whether this vendor wants a token of the card; otherwise it has a form.
fn keeps_cards(app: &App, provider: Provider) -> Result<bool, Error> {
    let keeper = app.providers.get(provider).and_then(|vendor| vendor.cards());
    let keeper = keeper
        .ok_or_else(|| conflict("cards_not_kept", "This vendor keeps no cards for us here."))?;
    Ok(keeper.wants_token())
}

fn answer(app: &App, card: SavedCard, hash: &str) -> Result<Response, Error> {
    if card.request.request_hash != hash {
        return Err(Error::KeyReused);
    }
    if let Some(because) = card.failed_because {
        return Err(Error::Conflict {
            detail: not_saved(&because).into(),
            code: because.into(),
            retryable: false,
        });
    }
    let location = [(header::LOCATION, format!("/api/v1/cards/{}", card.card_id))];
    Ok((StatusCode::ACCEPTED, location, Json(CardView::of(app, card))).into_response())
}

fn not_saved(because: &str) -> &'static str {
    match because {
        "too_many_cards" => {
            "The card is not saved. You have as many as you may: delete another one first."
        }
        "too_many_cards_begun" => {
            "The card is not saved. You have begun to save too many within a day."
        }
        _ => "The card is not saved. Type it in again, or take another one.",
    }
}

fn conflict(code: &'static str, detail: &'static str) -> Error {
    Error::Conflict { code: code.into(), detail: detail.into(), retryable: false }
}

/// See your cards
///
/// Those that can be paid with, the newest first.
#[utoipa::path(get, path = "/api/v1/cards", tag = "cards", operation_id = "list_cards",
    params(CallerHeader),
    responses((status = 200, body = Vec<CardView>, description = "Your cards; at most ten.")))]
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Vec<CardView>>, Error> {
    let cards = saved_cards::of_owner(&app.db, &caller.id).await?;
    Ok(Json(cards.into_iter().map(|card| CardView::of(&app, card)).collect()))
}

/// See a card
///
/// How saving it stands. A card that was deleted is not there any more.
#[utoipa::path(get, path = "/api/v1/cards/{card}", tag = "cards", operation_id = "show_card",
    params(("card" = CardId, Path, description = "The card."), CallerHeader),
    responses(
        (status = 200, body = CardView, description = "The card now."),
        (status = 404, description = "There is nothing of yours here."),
    ))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Named(card): Named<String>,
) -> Result<Json<CardView>, Error> {
    let card = find(&app, &caller, &card).await?;
    if card.status == CardStatus::Deleted {
        return Err(Error::NotFound);
    }
    Ok(Json(CardView::of(&app, card)))
}

/// Delete a card
///
/// From then on nobody pays with it, and its vendor deletes it, too. Again is as good.
#[utoipa::path(delete, path = "/api/v1/cards/{card}", tag = "cards", operation_id = "delete_card",
    params(("card" = CardId, Path, description = "The card."), CallerHeader),
    responses(
        (status = 204, description = "It is deleted."),
        (status = 404, description = "There is nothing of yours here."),
        (status = 409, description = "It is being saved. That ends by itself, with the vendor's form."),
    ))]
async fn delete(
    State(app): State<App>,
    caller: Caller,
    Named(card): Named<String>,
) -> Result<StatusCode, Error> {
    let card = find(&app, &caller, &card).await?;
    match card.status {
        // Nothing is kept of it.
        CardStatus::Failed => return Ok(StatusCode::NO_CONTENT),
        CardStatus::Adding => {
            return Err(Error::Conflict {
                code: "card_is_being_saved".into(),
                detail: "It is being saved. Delete it once it is, or leave the form.".into(),
                retryable: true,
            });
        }
        CardStatus::Saved | CardStatus::Deleted => {}
    }
    app.engine.delete_card(card.card_id).await?;
    let gone = || async {
        let now = saved_cards::find(&app.db, card.card_id).await?;
        Ok(now.filter(|now| now.status == CardStatus::Deleted))
    };
    appears(gone).await?.map(|_| StatusCode::NO_CONTENT).ok_or(Error::Unavailable {
        code: "not_started_in_time",
        detail: "It is not deleted yet. Send the same request again.",
    })
}

/// The caller's card. A missing and a foreign one take the same way to the same answer.
async fn find(app: &App, caller: &Caller, id: &str) -> Result<SavedCard, Error> {
    let id: CardId = id.parse().map_err(|_| Error::NotFound)?;
    saved_cards::find_for(&app.db, &caller.id, id).await?.ok_or(Error::NotFound)
}
