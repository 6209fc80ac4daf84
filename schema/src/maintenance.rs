//! When the house is closed for works: for one platform or for all. The latest word holds, and every word is kept.

use crate::{Db, Error};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// Closed now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Closed {
    /// A platform's name, or `all`.
    pub platform: String,
    /// It opens by itself then; by hand, if that is not said.
    pub until: Option<DateTime<Utc>>,
    pub reason: String,
    /// `staff:…`
    pub decided_by: String,
    pub decided_at: DateTime<Utc>,
}

/// What a person has decided.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// A platform's name, or `all`.
    pub platform: &'a str,
    /// False: open again.
    pub closed: bool,
    pub until: Option<DateTime<Utc>>,
    pub reason: &'a str,
    pub decided_by: &'a str,
}

/// What is closed now, by PostgreSQL's clock.
pub async fn closed(db: &Db) -> Result<Vec<Closed>, Error> {
    Ok(sqlx::query_as!(
        Closed,
        r#"
        SELECT platform, until, reason, decided_by, decided_at
        FROM (SELECT DISTINCT ON (platform) * FROM maintenance_changes
              ORDER BY platform, change_id DESC) AS latest
        WHERE closed AND (until IS NULL OR until > clock_timestamp())
        ORDER BY platform
        "#
    )
    .fetch_all(&db.0)
    .await?)
}

/// Writes down what was decided. Twice is two lines that say the same.
pub async fn change(db: &Db, change: Change<'_>) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO maintenance_changes (platform, closed, until, reason, decided_by) VALUES ($1, $2, $3, $4, $5)",
        change.platform,
        change.closed,
        change.until,
        change.reason,
        change.decided_by
    )
    .execute(&db.0)
    .await?;
    Ok(())
}
