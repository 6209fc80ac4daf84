//! Cards that customers have saved: whose they are, how far saving and deleting them is, and the vendor's token, sealed.

use crate::{
    Db, Error,
    error::{read, write},
    ids::{BookingId, CardId},
    paying::NextAct,
    provider::{Platform, Provider},
    sealed::Sealed,
    states::CardStatus,
    timings::Timings,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a customer asked for: the input of the workflow that saves the card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardRequest {
    pub card_id: CardId,
    /// `customer:…`
    pub owner: String,
    pub provider: Provider,
    pub platform: Platform,
    /// What the vendor's own fields in the app have made of the card, where the vendor wants that.
    pub token: Option<Sealed>,
    /// Where the vendor sends the browser back to.
    pub return_url: String,
    pub request_hash: String,
    pub timings: Timings,
}

/// A card's row, without the vendor's token.
#[derive(Clone, Debug)]
pub struct SavedCard {
    pub card_id: CardId,
    pub request: CardRequest,
    pub provider: Provider,
    pub status: CardStatus,
    /// Why it was not saved, as a word that the customer can be told.
    pub failed_because: Option<String>,
    pub vendor_session: Option<String>,
    pub vendor_account: Option<String>,
    /// What the customer does next, while the vendor's form is open.
    pub next: Option<NextAct>,
    pub brand: Option<String>,
    pub last4: Option<String>,
    /// Milliseconds until the vendor's form is over; negative when it is. None before there is one.
    pub session_left_ms: Option<i64>,
    pub age_ms: i64,
    pub created_at: DateTime<Utc>,
}

/// So many cards a customer may have, those that are being saved among them.
const CARDS_MAX: i64 = 10;

/// Writes the card down, or finds what an older life has written: how it stands. One too many has failed at once. Safe to
/// repeat.
pub async fn record(db: &Db, request: &CardRequest) -> Result<CardStatus, Error> {
    let mut tx = db.begin().await?;
    // The cards of one customer are counted one after the other until the transaction ends.
    let queue = format!("cards of {}", request.owner);
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", queue)
        .execute(&mut *tx)
        .await?;
    let held = sqlx::query_scalar!(
        r#"SELECT count(*) AS "held!" FROM saved_cards WHERE owner = $1 AND status IN ('ADDING', 'SAVED')"#,
        request.owner
    )
    .fetch_one(&mut *tx)
    .await?;
    let (status, because) = if held < CARDS_MAX {
        (CardStatus::Adding, None)
    } else {
        (CardStatus::Failed, Some("too_many_cards"))
    };
    let status = sqlx::query_scalar!(
        r#"
        INSERT INTO saved_cards AS kept (card_id, owner, provider, request, request_hash, status, failed_because)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (card_id) DO UPDATE SET status = kept.status
        RETURNING status AS "status: CardStatus"
        "#,
        request.card_id as CardId,
        request.owner,
        request.provider.name(),
        write("card request", request)?,
        request.request_hash,
        status as CardStatus,
        because
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(status)
}

/// The vendor's form that a card is typed into.
#[derive(Clone, Copy, Debug)]
pub struct OpenForm<'a> {
    pub session: &'a str,
    pub account: &'a str,
    pub lives_ms: u64,
    pub next: &'a NextAct,
}

/// The vendor has opened its form. The first one stays: somebody may be typing in it.
pub async fn opened(db: &Db, card: CardId, form: &OpenForm<'_>) -> Result<(), Error> {
    sqlx::query!(
        r#"
        UPDATE saved_cards SET vendor_session = $2, vendor_account = $3, next_act = $5,
               session_ends_at = clock_timestamp() + make_interval(secs => $4::bigint / 1000.0),
               updated_at = clock_timestamp()
        WHERE card_id = $1 AND status = 'ADDING' AND vendor_session IS NULL
        "#,
        card as CardId,
        form.session,
        form.account,
        i64::try_from(form.lives_ms).unwrap_or(i64::MAX),
        write("next act", form.next)?
    )
    .execute(&db.0)
    .await?;
    Ok(())
}

/// What the vendor keeps.
#[derive(Clone, Copy, Debug)]
pub struct NewToken<'a> {
    pub account: &'a str,
    pub token: &'a Sealed,
    /// The same for the same token.
    pub mark: &'a str,
    pub brand: Option<&'a str>,
    pub last4: Option<&'a str>,
}

/// The vendor keeps the card: ADDING → SAVED. False: it is not being saved any more, or this customer has saved the same
/// one before.
pub async fn save(db: &Db, card: CardId, new: &NewToken<'_>) -> Result<bool, Error> {
    let saved = sqlx::query!(
        r#"
        UPDATE saved_cards AS kept SET status = 'SAVED', vendor_account = $2, token = $3, token_mark = $4,
               brand = $5, last4 = $6, updated_at = clock_timestamp()
        WHERE card_id = $1 AND status = 'ADDING'
          AND NOT EXISTS (SELECT FROM saved_cards other
                          WHERE other.owner = kept.owner AND other.provider = kept.provider
                            AND other.token_mark = $4 AND other.status = 'SAVED')
        "#,
        card as CardId,
        new.account,
        new.token as &Sealed,
        new.mark,
        new.brand,
        new.last4
    )
    .execute(&db.0)
    .await?;
    Ok(saved.rows_affected() == 1)
}

/// It will not be saved: ADDING → FAILED. Safe to repeat.
pub async fn fail(db: &Db, card: CardId, because: &str) -> Result<(), Error> {
    sqlx::query!(
        r#"
        UPDATE saved_cards SET status = 'FAILED', failed_because = $2, updated_at = clock_timestamp()
        WHERE card_id = $1 AND status = 'ADDING'
        "#,
        card as CardId,
        because
    )
    .execute(&db.0)
    .await?;
    Ok(())
}

/// Nobody pays with it from now on: SAVED → DELETED. Safe to repeat.
pub async fn delete(db: &Db, card: CardId) -> Result<(), Error> {
    sqlx::query!(
        r#"
        UPDATE saved_cards SET status = 'DELETED', updated_at = clock_timestamp()
        WHERE card_id = $1 AND status = 'SAVED'
        "#,
        card as CardId
    )
    .execute(&db.0)
    .await?;
    Ok(())
}

/// A deleted card that its vendor still keeps.
#[derive(Clone, Debug)]
pub struct ToForget {
    pub request: CardRequest,
    pub account: String,
    pub token: Sealed,
    /// Milliseconds since it was deleted here.
    pub waits_ms: i64,
}

/// The vendor's part of a deletion that is left to do, if any is.
pub async fn to_forget(db: &Db, card: CardId) -> Result<Option<ToForget>, Error> {
    let row = sqlx::query!(
        r#"
        SELECT request, vendor_account AS "account!", token AS "token!: Sealed",
               (EXTRACT(EPOCH FROM clock_timestamp() - updated_at) * 1000)::bigint AS "waits_ms!"
        FROM saved_cards WHERE card_id = $1 AND status = 'DELETED' AND forgotten_at IS NULL
        "#,
        card as CardId
    )
    .fetch_optional(&db.0)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(ToForget {
        request: read("card request", row.request)?,
        account: row.account,
        token: row.token,
        waits_ms: row.waits_ms,
    }))
}

/// The vendor has deleted it; nor do we have its token any more. Safe to repeat.
pub async fn forgotten(db: &Db, card: CardId) -> Result<(), Error> {
    sqlx::query!(
        r#"
        UPDATE saved_cards SET forgotten_at = clock_timestamp(), token = NULL
        WHERE card_id = $1 AND status = 'DELETED' AND forgotten_at IS NULL
        "#,
        card as CardId
    )
    .execute(&db.0)
    .await?;
    Ok(())
}

/// The token of a card that this booking may be paid with: saved, at this vendor, by whoever books.
pub async fn token_for(
    db: &Db,
    card: CardId,
    booking: BookingId,
    provider: Provider,
) -> Result<Option<Sealed>, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT token AS "token!: Sealed" FROM saved_cards
        WHERE card_id = $1 AND provider = $3 AND status = 'SAVED'
          AND owner = (SELECT caller FROM bookings WHERE booking_id = $2)
        "#,
        card as CardId,
        booking as BookingId,
        provider.name()
    )
    .fetch_optional(&db.0)
    .await?)
}

/// A card, whoever asks. Callers of the API see it through `find_for` only.
pub async fn find(db: &Db, card: CardId) -> Result<Option<SavedCard>, Error> {
    Ok(select(db, Some(card), None).await?.pop())
}

/// The caller's card, however it stands. A missing and a foreign one take the same way to the same answer.
pub async fn find_for(db: &Db, caller: &str, card: CardId) -> Result<Option<SavedCard>, Error> {
    Ok(find(db, card).await?.filter(|found| found.request.owner == caller))
}

/// The cards that this customer can pay with, the newest first.
pub async fn of_owner(db: &Db, owner: &str) -> Result<Vec<SavedCard>, Error> {
    select(db, None, Some(owner)).await
}

async fn select(
    db: &Db,
    card: Option<CardId>,
    owner: Option<&str>,
) -> Result<Vec<SavedCard>, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT card_id AS "card_id: CardId", request, provider AS "provider: Provider",
               status AS "status: CardStatus", failed_because, vendor_session, vendor_account, next_act, brand, last4,
               created_at,
               CEIL(EXTRACT(EPOCH FROM session_ends_at - clock_timestamp()) * 1000)::bigint AS session_left_ms,
               (EXTRACT(EPOCH FROM clock_timestamp() - created_at) * 1000)::bigint AS "age_ms!"
        FROM saved_cards WHERE card_id = $1 OR (owner = $2 AND status = 'SAVED')
        ORDER BY created_at DESC LIMIT 100
        "#,
        card as Option<CardId>,
        owner
    )
    .fetch_all(&db.0)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(SavedCard {
                card_id: row.card_id,
                request: read("card request", row.request)?,
                provider: row.provider,
                status: row.status,
                failed_because: row.failed_because,
                vendor_session: row.vendor_session,
                vendor_account: row.vendor_account,
                next: row.next_act.map(|next| read("next act", next)).transpose()?,
                brand: row.brand,
                last4: row.last4,
                session_left_ms: row.session_left_ms,
                age_ms: row.age_ms,
                created_at: row.created_at,
            })
        })
        .collect()
}
