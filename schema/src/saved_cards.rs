//! Cards that customers have saved: whose they are, how far saving them is, and the vendor's token, sealed.

use crate::{
    Db, Error, Tx,
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

impl SavedCard {
    /// The vendor's form, while it may be opened. Its link names nobody, so it opens for ten minutes only; who types by then
    /// has as long as the vendor's form lives.
    pub fn form(&self) -> Option<&NextAct> {
        const OPENS_MS: i64 = 10 * 60 * 1_000;
        let opens = self.status == CardStatus::Adding && self.age_ms <= OPENS_MS;
        self.next.as_ref().filter(|_| opens)
    }
}

/// So many cards a customer may have, those that are being saved among them.
const CARDS_MAX: i64 = 10;
/// So many a customer may begin to save within a day, whatever becomes of them: where trying costs nothing, cards that were
/// stolen are tried.
const BEGUN_MAX: i64 = 20;

/// Seconds until this customer may begin to save this card; None: now, or it was begun before. For an early, clear answer:
/// what counts is `record`.
pub async fn wait_s(db: &Db, owner: &str, card: CardId) -> Result<Option<u64>, Error> {
    // When this one is a day old, there is room for another.
    let wait = sqlx::query_scalar!(
        r#"
        SELECT CEIL(EXTRACT(EPOCH FROM created_at + interval '1 day' - clock_timestamp()))::bigint AS "wait!"
        FROM saved_cards
        WHERE owner = $1 AND created_at > clock_timestamp() - interval '1 day'
          AND NOT EXISTS (SELECT FROM saved_cards WHERE card_id = $2)
        ORDER BY created_at DESC OFFSET $3 LIMIT 1
        "#,
        owner,
        card as CardId,
        BEGUN_MAX - 1
    )
    .fetch_optional(&db.0)
    .await?;
    Ok(wait.map(|seconds| u64::try_from(seconds).unwrap_or(0).max(1)))
}

/// Writes the card down, or finds what an older life has written: how it stands. One too many has failed at once. Safe to
/// repeat.
pub async fn record(db: &Db, request: &CardRequest) -> Result<CardStatus, Error> {
    let mut tx = db.begin().await?;
    // The cards of one customer are counted one after the other until the transaction ends.
    queue_up(&mut tx, &format!("cards of {}", request.owner)).await?;
    let others = sqlx::query!(
        r#"
        SELECT count(*) FILTER (WHERE status IN ('ADDING', 'SAVED')) AS "held!",
               count(*) FILTER (WHERE created_at > clock_timestamp() - interval '1 day') AS "begun!"
        FROM saved_cards WHERE owner = $1 AND card_id <> $2
        "#,
        request.owner,
        request.card_id as CardId
    )
    .fetch_one(&mut *tx)
    .await?;
    let (status, because) = if others.held >= CARDS_MAX {
        (CardStatus::Failed, Some("too_many_cards"))
    } else if others.begun >= BEGUN_MAX {
        (CardStatus::Failed, Some("too_many_cards_begun"))
    } else {
        (CardStatus::Adding, None)
    };
    let token = request.token.clone().filter(|_| because.is_none());
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
        write("card request", &CardRequest { token, ..request.clone() })?,
        request.request_hash,
        status as CardStatus,
        because
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(status)
}

/// Waits until nobody else is in this queue, and is in it until the transaction ends.
pub(crate) async fn queue_up(tx: &mut Tx, queue: &str) -> Result<(), Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", queue)
        .execute(&mut **tx)
        .await?;
    Ok(())
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

/// The vendor keeps the card: ADDING → SAVED, unless it is not being saved any more. A word: why this token is not saved.
/// One that its vendor is deleting would be dead soon; so is one that it has deleted since this card was begun.
pub async fn save(
    db: &Db,
    card: CardId,
    new: &NewToken<'_>,
) -> Result<Option<&'static str>, Error> {
    let mut tx = db.begin().await?;
    queue_up(&mut tx, &format!("token {}", new.mark)).await?;
    let others = sqlx::query!(
        r#"
        SELECT COALESCE(bool_or(other.status = 'SAVED' AND other.owner = kept.owner), false) AS "saved!",
               COALESCE(bool_or(other.status = 'DELETED'
                   AND COALESCE(other.forgotten_at > kept.created_at, true)), false) AS "being_deleted!"
        FROM saved_cards kept JOIN saved_cards other
             ON other.provider = kept.provider AND other.token_mark = $2 AND other.card_id <> kept.card_id
        WHERE kept.card_id = $1
        "#,
        card as CardId,
        new.mark
    )
    .fetch_one(&mut *tx)
    .await?;
    if others.saved {
        return Ok(Some("card_saved_before"));
    }
    if others.being_deleted {
        return Ok(Some("card_being_deleted"));
    }
    sqlx::query!(
        r#"
        UPDATE saved_cards SET status = 'SAVED', vendor_account = $2, token = $3, token_mark = $4,
               brand = $5, last4 = $6, updated_at = clock_timestamp()
        WHERE card_id = $1 AND status = 'ADDING'
        "#,
        card as CardId,
        new.account,
        new.token as &Sealed,
        new.mark,
        new.brand,
        new.last4
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(None)
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
