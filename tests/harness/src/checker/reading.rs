//! Opens the books: Usher's tables as they are at one moment, and the vendors' ledgers whole.
//!
//! The ledgers are read after the tables and not with them, so what was done in between is in one book only. Whoever
//! looks twice knows: books only grow, and what was missing for that reason is there the second time.

use super::{
    books::Books,
    pictures,
    rows::{Booking, Call, Capture, Case, Delivery, Entry, Event, Payment, Refund, Seat, Ticket},
};
use crate::{attention, vendors::PAYMENT_VENDORS, visit::Visit, ways::Way};
use schema::ids::{PaymentId, RefundId};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use std::collections::{BTreeMap, BTreeSet};

/// Which bookings: those with these bare ids, or all.
pub(crate) type Which<'a> = Option<&'a [String]>;

/// Everything about a visit's bookings; on a system of its own everything there is.
pub(super) async fn open(visit: &Visit, expected: &[&str]) -> Books {
    let remembered = visit.bookings();
    let mine = tables(&visit.db, visit.shared().then_some(&*remembered)).await.unwrap();
    let asked = mine.cases.iter().any(Case::is_open);
    let listed = if asked { attention::listed(visit).await } else { None }.unwrap_or_default();
    let expected = expected.iter().map(|cause| (*cause).to_owned()).collect();
    Books {
        whole: !visit.shared(),
        expected,
        promised: visit.promised(),
        listed,
        vendors: ledgers(visit).await,
        outbox: entries(visit.hyperpay().letters().await),
        vista: entries(visit.vista().ledger().await),
        pictures: pictures::of(visit, &mine.tickets).await,
        ..mine
    }
}

/// The ledgers of all who take the money.
async fn ledgers(visit: &Visit) -> Vec<Entry> {
    let mut all = Vec::new();
    for vendor in PAYMENT_VENDORS {
        let told = told_alike(entries(visit.ledger_of(vendor).await));
        all.extend(if vendor == Way::Terminal.vendor() { given_back_by_hand(told) } else { told });
    }
    all
}

/// Some vendors take reserved money by a transaction of its own: here it is known by the reservation that it takes. What
/// a terminal reverses is money that goes back.
fn told_alike(mut entries: Vec<Entry>) -> Vec<Entry> {
    let ids = entries.iter().filter(|entry| entry.kind == "authorize");
    let reserved: BTreeSet<String> = ids.filter_map(|entry| entry.vendor_id.clone()).collect();
    for entry in &mut entries {
        let own = entry.vendor_id.clone().filter(|id| reserved.contains(id));
        let of = entry.parent.clone().filter(|parent| reserved.contains(parent)).or(own);
        match (&*entry.kind, of) {
            ("capture", Some(of)) => entry.vendor_id = Some(of),
            ("reversal" | "void", Some(of)) => {
                "void".clone_into(&mut entry.kind);
                entry.parent = Some(of);
            }
            ("reversal", None) => "refund".clone_into(&mut entry.kind),
            _ => {}
        }
    }
    entries
}

/// What somebody gives back at a terminal is under the refund that asks for it, whatever they have called it.
fn given_back_by_hand(mut entries: Vec<Entry>) -> Vec<Entry> {
    let captures = entries.iter().filter(|entry| entry.kind == "capture");
    let payments: BTreeMap<String, String> =
        captures.map(|taken| (taken.vendor_id().to_owned(), taken.reference.clone())).collect();
    for back in entries.iter_mut().filter(|entry| entry.kind == "refund") {
        let payment = payments.get(back.parent()).map(|payment| PaymentId::from_bare(payment));
        if let Some(Ok(payment)) = payment {
            back.reference = RefundId::automatic(payment, back.parent()).bare();
        }
    }
    entries
}

fn entries<T: DeserializeOwned>(values: Vec<Value>) -> Vec<T> {
    values.into_iter().map(|value| serde_json::from_value(value).unwrap()).collect()
}

const BOOKINGS: &str = "SELECT to_jsonb(r) FROM bookings r
    WHERE $1::text[] IS NULL OR booking_id = ANY ($1) ORDER BY created_at";
const SEATS: &str = "SELECT to_jsonb(r) FROM seats r
    WHERE $1::text[] IS NULL OR booking_id = ANY ($1) ORDER BY seat";
const EVENTS: &str = "SELECT to_jsonb(r) FROM booking_events r
    WHERE $1::text[] IS NULL OR booking_id = ANY ($1) ORDER BY version";
const PAYMENTS: &str = "SELECT to_jsonb(r) || jsonb_build_object('session_over',
        COALESCE(session_ends_at < clock_timestamp() - interval '5 s', true)) FROM payments r
    WHERE $1::text[] IS NULL OR booking_id = ANY ($1) ORDER BY created_at";
const CAPTURES: &str = "SELECT to_jsonb(r) FROM captures r
    WHERE $1::text[] IS NULL OR booking_id = ANY ($1) ORDER BY settled_at";
const REFUNDS: &str = "SELECT to_jsonb(r) FROM refunds r
    WHERE $1::text[] IS NULL OR booking_id = ANY ($1) ORDER BY created_at";
const TICKETS: &str = "SELECT to_jsonb(r) FROM tickets r
    WHERE $1::text[] IS NULL OR booking_id = ANY ($1) ORDER BY created_at";
const CALLS: &str = "SELECT to_jsonb(r) FROM vendor_calls r
    WHERE $1::text[] IS NULL OR booking_id = ANY ($1) ORDER BY created_at";
const CASES: &str = "SELECT to_jsonb(r) FROM cases r
    WHERE $1::text[] IS NULL OR booking_id = ANY ($1) ORDER BY opened_at";
const DELIVERIES: &str = "SELECT to_jsonb(r) FROM webhook_deliveries r
    WHERE $1::text[] IS NULL OR booking_id = ANY ($1) ORDER BY received_at";
const EDGES: &str = "SELECT from_state, to_state FROM state_edges WHERE thing = 'booking'";

/// Usher's tables, all at one moment.
async fn tables(db: &PgPool, which: Which<'_>) -> Result<Books, sqlx::Error> {
    let mut tx = db.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let edges: Vec<(String, String)> = sqlx::query_as(EDGES).fetch_all(&mut *tx).await?;
    let books = Books {
        bookings: rows::<Booking>(&mut tx, BOOKINGS, which).await?,
        seats: rows::<Seat>(&mut tx, SEATS, which).await?,
        events: rows::<Event>(&mut tx, EVENTS, which).await?,
        payments: rows::<Payment>(&mut tx, PAYMENTS, which).await?,
        captures: rows::<Capture>(&mut tx, CAPTURES, which).await?,
        refunds: rows::<Refund>(&mut tx, REFUNDS, which).await?,
        tickets: rows::<Ticket>(&mut tx, TICKETS, which).await?,
        calls: rows::<Call>(&mut tx, CALLS, which).await?,
        cases: rows::<Case>(&mut tx, CASES, which).await?,
        deliveries: rows::<Delivery>(&mut tx, DELIVERIES, which).await?,
        edges: edges.into_iter().collect::<BTreeSet<_>>(),
        ..Books::default()
    };
    tx.commit().await?;
    Ok(books)
}

async fn rows<T: DeserializeOwned>(
    db: &mut PgConnection,
    query: &'static str,
    which: Which<'_>,
) -> Result<Vec<T>, sqlx::Error> {
    let rows: Vec<Value> = sqlx::query_scalar(query).bind(which).fetch_all(db).await?;
    Ok(entries(rows))
}

/// A booking's timeline, vendor calls and cases as they stand in the tables: for the reader of a failure.
pub(crate) async fn story(db: &PgPool, booking: &str) -> Result<[Vec<Value>; 3], sqlx::Error> {
    let of = [booking.to_owned()];
    let mut connection = db.acquire().await?;
    let mut story = [Vec::new(), Vec::new(), Vec::new()];
    for (part, query) in story.iter_mut().zip([EVENTS, CALLS, CASES]) {
        *part = rows(&mut connection, query, Some(&of)).await?;
    }
    Ok(story)
}
