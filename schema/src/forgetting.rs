//! Deleting a saved card: here first, so that nobody pays with it any more; then at its vendor, unless somebody else has
//! saved the same card and its vendor has one token for both.
//!
//! Saving a token and looking whether it may be deleted are done one after the other, for each token. So what is being
//! deleted is not saved, what is saved is not deleted, and who is last to delete it has the vendor delete it.

use crate::{
    Db, Error,
    error::read,
    ids::CardId,
    provider::Provider,
    saved_cards::{CardRequest, queue_up},
    sealed::Sealed,
};

/// Nobody pays with it from now on: SAVED → DELETED. Whose it was and when is left of it, and for its vendor the token.
/// Safe to repeat.
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

/// The vendor's part of a deletion that is left to do, if any is. None is left while somebody else pays with the same
/// token. Safe to repeat.
pub async fn to_forget(db: &Db, card: CardId) -> Result<Option<ToForget>, Error> {
    let mut tx = db.begin().await?;
    let row = sqlx::query!(
        r#"
        SELECT request, provider AS "provider: Provider", vendor_account AS "account!", token AS "token!: Sealed",
               token_mark AS "mark!",
               (EXTRACT(EPOCH FROM clock_timestamp() - updated_at) * 1000)::bigint AS "waits_ms!"
        FROM saved_cards WHERE card_id = $1 AND status = 'DELETED' AND forgotten_at IS NULL
        "#,
        card as CardId
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    queue_up(&mut tx, &format!("token {}", row.mark)).await?;
    // Its mark goes, too: as far as this card is concerned, the token is not being deleted.
    let left_to_another = sqlx::query!(
        r#"
        UPDATE saved_cards SET forgotten_at = clock_timestamp(), token = NULL, token_mark = NULL
        WHERE card_id = $1 AND status = 'DELETED' AND forgotten_at IS NULL
          AND EXISTS (SELECT FROM saved_cards other
                      WHERE other.provider = $2 AND other.token_mark = $3 AND other.status = 'SAVED')
        "#,
        card as CardId,
        row.provider.name(),
        row.mark
    )
    .execute(&mut *tx)
    .await?;
    if left_to_another.rows_affected() == 1 {
        tx.commit().await?;
        return Ok(None);
    }
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
