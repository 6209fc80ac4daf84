//! All deliveries as people see them, whether they began something or not.

use crate::{
    Db, Error,
    ids::BookingId,
    provider::Provider,
    states::{DeliveryFate, Refusal},
};
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

impl Filter {
    fn providers(&self) -> Vec<String> {
        let all = Provider::ALL.into_iter();
        let wanted = all.filter(|it| self.provider.is_none_or(|provider| provider == *it));
        wanted.map(|it| it.name().to_owned()).collect()
    }

    /// The fates of deliveries that began something, and of those that were refused.
    fn fates(&self) -> (Vec<String>, Vec<String>) {
        let all = DeliveryFate::ALL.iter();
        let wanted = all.filter(|it| self.fate.is_none_or(|fate| fate == **it));
        let names = wanted.map(|it| it.name().to_owned());
        names.partition(|name| !Refusal::ALL.iter().any(|refusal| refusal.name() == name))
    }
}

/// At most `limit` deliveries, the youngest first. Of each vendor and fate that is asked for a page is read by the index,
/// and of no other: how long the list is, and how rare what is asked for, does not matter.
pub async fn list(db: &Db, filter: &Filter, limit: i64) -> Result<Vec<Delivery>, Error> {
    let (begun, refused) = filter.fates();
    let (before, key) = filter.before.clone().unzip();
    let rows = sqlx::query!(
        r#"
        SELECT provider AS "provider!: Provider", fate AS "fate!: DeliveryFate", received_at AS "received_at!",
               key AS "key!", claim AS "claim?", booking AS "booking?: BookingId", reason AS "reason?",
               body_sha256 AS "body_sha256?", body_bytes AS "body_bytes?", header_names AS "header_names?",
               excerpt AS "excerpt?", address AS "address?"
        FROM (
            SELECT provider, fate, received_at, event AS key, claim, booking_id::text AS booking,
                   NULL::text AS reason, NULL::text AS body_sha256, NULL::bigint AS body_bytes,
                   NULL::text[] AS header_names, NULL::text AS excerpt, NULL::text AS address
            FROM unnest($1::text[]) AS vendors (vendor), unnest($2::text[]) AS fates (fate), LATERAL (
                SELECT * FROM webhook_deliveries
                WHERE provider = vendor AND COALESCE(verdict, 'UNDER_WAY') = fate
                  AND received_at <= COALESCE($4::timestamptz, 'infinity')
                  AND (received_at, event) < (COALESCE($4::timestamptz, 'infinity'), COALESCE($5::text, ''))
                ORDER BY received_at DESC, event DESC LIMIT $6) begun
            UNION ALL
            SELECT provider, fate, received_at, 'refused-' || refused_id, NULL, NULL, reason, body_sha256, body_bytes,
                   header_names, excerpt, address
            FROM unnest($1::text[]) AS vendors (vendor), unnest($3::text[]) AS fates (fate), LATERAL (
                SELECT * FROM refused_deliveries
                WHERE provider = vendor AND verdict = fate
                  AND received_at <= COALESCE($4::timestamptz, 'infinity')
                  AND (received_at, 'refused-' || refused_id)
                      < (COALESCE($4::timestamptz, 'infinity'), COALESCE($5::text, ''))
                ORDER BY received_at DESC, 'refused-' || refused_id DESC LIMIT $6) refused
        ) both_kinds
        ORDER BY received_at DESC, key DESC LIMIT $6
        "#,
        &filter.providers(),
        &begun,
        &refused,
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
