//! Deliveries of the vendors' webhooks: what they claimed, and what it came to; and those that began nothing.

mod listing;
pub mod refused;

pub use listing::{Delivery, Filter, Told, list};

use crate::{Db, Error, ids::BookingId, provider::Provider, states::DeliveryVerdict};
use serde_json::Value;

/// Writes a delivery down, or finds the verdict that an earlier one of the same event came to. Safe to repeat.
pub async fn record(
    db: &Db,
    provider: Provider,
    event: &str,
    claim: &Value,
) -> Result<Option<DeliveryVerdict>, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        INSERT INTO webhook_deliveries AS kept (provider, event, claim) VALUES ($1, $2, $3)
        ON CONFLICT (provider, event) DO UPDATE SET event = kept.event
        RETURNING verdict AS "verdict: DeliveryVerdict"
        "#,
        provider.name(),
        event,
        claim
    )
    .fetch_one(&db.0)
    .await?)
}

/// What the delivery came to. The first verdict stays.
pub async fn finish(
    db: &Db,
    provider: Provider,
    event: &str,
    booking: Option<BookingId>,
    verdict: DeliveryVerdict,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        UPDATE webhook_deliveries SET verdict = $3, booking_id = $4, finished_at = clock_timestamp()
        WHERE provider = $1 AND event = $2 AND verdict IS NULL
        "#,
        provider.name(),
        event,
        verdict as DeliveryVerdict,
        booking as Option<BookingId>
    )
    .execute(&db.0)
    .await?;
    Ok(())
}
