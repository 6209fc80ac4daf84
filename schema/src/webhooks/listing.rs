//! All deliveries as people see them, whether they began something or not.

use crate::{Db, Error, ids::BookingId, provider::Provider, states::DeliveryFate};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// A delivery as it was kept.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub provider: Provider,
    pub fate: DeliveryFate,
    pub received_at: DateTime<Utc>,
    /// Names it among those of the same moment.
    pub key: String,
    pub is: Told,
}

/// What is known of it.
#[derive(Clone, Debug)]
pub enum Told {
    /// One event of the vendor's, however often it was delivered.
    Event { claim: Value, booking: Option<BookingId> },
    Refused {
        reason: String,
        body_sha256: Option<String>,
        body_bytes: Option<i64>,
        header_names: Vec<String>,
        excerpt: Option<String>,
        address: String,
    },
}

/// Which deliveries to list. What is None does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub provider: Option<Provider>,
    pub fate: Option<DeliveryFate>,
    /// Only those before this one, by its time and key: where the last page has ended.
    pub before: Option<(DateTime<Utc>, String)>,
}

/// At most `limit` deliveries, the youngest first.
pub async fn list(db: &Db, filter: &Filter, limit: i64) -> Result<Vec<Delivery>, Error> {
    let (before, key) = filter.before.clone().unzip();
    let rows = sqlx::query!(
        r#"
        SELECT provider AS "provider!: Provider", fate AS "fate!: DeliveryFate", received_at AS "received_at!",
               key AS "key!", claim AS "claim?", booking AS "booking?: BookingId", reason AS "reason?",
               body_sha256 AS "body_sha256?", body_bytes AS "body_bytes?", header_names AS "header_names?",
               excerpt AS "excerpt?", address AS "address?"
        FROM (
            (SELECT provider, COALESCE(verdict, 'UNDER_WAY') AS fate, received_at, event AS key, claim,
                    booking_id::text AS booking, NULL::text AS reason, NULL::text AS body_sha256,
                    NULL::bigint AS body_bytes, NULL::text[] AS header_names, NULL::text AS excerpt,
                    NULL::text AS address
             FROM webhook_deliveries
             WHERE ($1::text IS NULL OR provider = $1)
               AND ($2::text IS NULL OR COALESCE(verdict, 'UNDER_WAY') = $2)
               AND ($3::timestamptz IS NULL OR received_at <= $3 AND (received_at, event) < ($3, $4::text))
             ORDER BY received_at DESC, event DESC LIMIT $5)
            UNION ALL
            (SELECT provider, verdict, received_at, 'refused-' || refused_id, NULL::jsonb, NULL::text, reason,
                    body_sha256, body_bytes, header_names, excerpt, address
             FROM refused_deliveries
             WHERE ($1::text IS NULL OR provider = $1)
               AND ($2::text IS NULL OR verdict = $2)
               AND ($3::timestamptz IS NULL
                    OR received_at <= $3 AND (received_at, 'refused-' || refused_id) < ($3, $4::text))
             ORDER BY received_at DESC, 'refused-' || refused_id DESC LIMIT $5)
        ) both_kinds
        ORDER BY received_at DESC, key DESC LIMIT $5
        "#,
        filter.provider.map(Provider::name),
        filter.fate.map(DeliveryFate::name),
        before,
        key,
        limit
    )
    .fetch_all(&db.0)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Delivery {
            provider: row.provider,
            fate: row.fate,
            received_at: row.received_at,
            key: row.key,
            is: match row.reason {
                None => Told::Event { claim: row.claim.unwrap_or_default(), booking: row.booking },
                Some(reason) => Told::Refused {
                    reason,
                    body_sha256: row.body_sha256,
                    body_bytes: row.body_bytes,
                    header_names: row.header_names.unwrap_or_default(),
                    excerpt: row.excerpt,
                    address: row.address.unwrap_or_default(),
                },
            },
        })
        .collect())
}
