//! Deliveries that began nothing: kept, redacted and for a while, for whoever asks who knocked.

use crate::{Db, Error, provider::Provider, states::Refusal};
use chrono::{DateTime, Utc};

/// So many of each vendor and verdict stay; who came before them is deleted. A flood of one kind drives out no other.
const OF_KIND: i64 = 2_000;

/// A delivery that began nothing. Nothing in it is anybody's text but the names of fields and headers.
#[derive(Clone, Debug)]
pub struct Refused {
    pub provider: Provider,
    pub refusal: Refusal,
    /// In our own words.
    pub reason: String,
    /// In hex; None: the body was not read to its end.
    pub body_sha256: Option<String>,
    /// How long the body was, or was said to be.
    pub body_bytes: Option<i64>,
    pub header_names: Vec<String>,
    pub excerpt: Option<String>,
    pub address: String,
    pub received_at: DateTime<Utc>,
}

/// Writes it down. Twice, it is there twice.
pub async fn keep(db: &Db, refused: &Refused) -> Result<(), Error> {
    sqlx::query!(
        r#"
        INSERT INTO refused_deliveries (provider, verdict, reason, body_sha256, body_bytes, header_names, excerpt,
                                        address, received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        refused.provider.name(),
        refused.refusal as Refusal,
        refused.reason,
        refused.body_sha256,
        refused.body_bytes,
        &refused.header_names,
        refused.excerpt,
        refused.address,
        refused.received_at
    )
    .execute(&db.0)
    .await?;
    Ok(())
}

/// Deletes those that are older than thirty days, and all but the newest of each vendor and verdict. Safe to repeat, and
/// beside others who do the same. How many were deleted.
pub async fn prune(db: &Db) -> Result<u64, Error> {
    let deleted = sqlx::query!(
        r#"
        DELETE FROM refused_deliveries
        WHERE received_at < clock_timestamp() - interval '30 days'
           OR refused_id IN (
               SELECT refused_id
               FROM (SELECT refused_id,
                            row_number() OVER (PARTITION BY provider, verdict ORDER BY refused_id DESC) AS place
                     FROM refused_deliveries) ranked
               WHERE place > $1)
        "#,
        OF_KIND
    )
    .execute(&db.0)
    .await?;
    Ok(deleted.rows_affected())
}
