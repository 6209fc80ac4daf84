//! Long lists: what a page of them reads, whatever is asked for and however rare it is; and what is kept of a flood.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail like the test")]

use schema::{
    Db,
    ids::BookingId,
    provider::Provider,
    snapshot::{self, Page},
    states::{BookingStatus, DeliveryFate},
    webhooks::{self, Filter, refused},
};
use sqlx::{Connection, Executor, PgConnection};
use stack::{Options, Postgres};
use std::{path::Path, time::Duration};
use tokio::time::{sleep, timeout};

const KIOSK: &str = "kiosk:1";
/// As many as a list has of the usual, and before all of them a few of what is rare.
const USUAL: usize = 20_000;
const RARE: usize = 3;
const PAGE: i64 = 101;
/// A page reads no more than this, of all kinds that it may have to look at.
const READ_MAX: i64 = 2_000;

/// What is rare is as old as what this makes of `n` in (-2, -1, 0).
const BOOKINGS: &str = "
    INSERT INTO bookings (booking_id, caller, platform, request, request_hash, cinema_id, session_id, status,
                          total_minor, vista_booking_id, created_at)
    SELECT '01' || lpad(upper(to_hex(n + 100)), 24, '0'), 'kiosk:1', 'kiosk', '{}', '', '1', '1',
           CASE WHEN n > 0 THEN 'CONFIRMED' ELSE 'PENDING' END, 0, 'W', now() - interval '1 day' + n * interval '1 s'
    FROM generate_series(-2, 20000) n";
const DELIVERIES: &str = "
    INSERT INTO webhook_deliveries (provider, event, claim, verdict, received_at)
    SELECT 'hyperpay', md5(n::text), '{}', CASE WHEN n > 0 THEN 'APPLIED' ELSE 'CONTRADICTED' END,
           now() - interval '1 day' + n * interval '1 s'
    FROM generate_series(-2, 20000) n";
const REFUSED: &str = "
    INSERT INTO refused_deliveries (provider, verdict, reason, header_names, address, received_at)
    SELECT 'hyperpay', CASE WHEN n > 0 THEN 'FORGED' ELSE 'UNREADABLE' END, 'no key of ours', '{}', '10.0.0.1',
           now() - interval '1 day' + n * interval '1 s'
    FROM generate_series(-2, 20000) n";

/// The database, as it is after a busy month.
struct House {
    postgres: Postgres,
    sql: PgConnection,
}

impl House {
    async fn busy() -> Self {
        let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.usher");
        let postgres = Postgres::start(&Options::throwaway(cache)).await.unwrap();
        Db::connect(&postgres.database_url(), 1).await.unwrap().migrate().await.unwrap();
        let mut sql = PgConnection::connect(&postgres.database_url()).await.unwrap();
        for fill in [BOOKINGS, DELIVERIES, REFUSED] {
            sql.execute(fill).await.unwrap();
        }
        Self { postgres, sql }
    }

    /// What this finds, and how many entries of tables and indexes were read for it.
    async fn reads<Found>(&mut self, look: impl AsyncFnOnce(&Db) -> Found) -> (Found, i64) {
        let before = self.all_read().await;
        let db = Db::connect(&self.postgres.database_url(), 1).await.unwrap();
        let found = look(&db).await;
        drop(db);
        (found, self.all_read().await - before)
    }

    /// Sessions say what they have read when they end at the latest.
    async fn all_read(&mut self) -> i64 {
        let others = "SELECT count(*) FROM pg_stat_activity
                      WHERE datname = current_database() AND backend_type = 'client backend'
                        AND pid <> pg_backend_pid()";
        let gone = async {
            while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut self.sql).await.unwrap() > 0 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_mins(1), gone).await.unwrap();
        let read = "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)::bigint
                         + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)::bigint";
        sqlx::query_scalar(read).fetch_one(&mut self.sql).await.unwrap()
    }

    /// All pages of the deliveries that this asks for: how many there are, and the most that one of them has read.
    async fn deliveries(&mut self, mut filter: Filter) -> (usize, i64) {
        let (mut count, mut most) = (0, 0);
        loop {
            let asked = filter.clone();
            let (page, read) =
                self.reads(async |db| webhooks::list(db, &asked, PAGE).await.unwrap()).await;
            count += page.len();
            most = most.max(read);
            let Some(last) = page.last().filter(|_| count < 5 * 101) else { return (count, most) };
            filter.before = Some((last.received_at, last.key.clone()));
        }
    }

    async fn bookings(&mut self, status: Option<BookingStatus>) -> (Vec<BookingId>, i64) {
        let page = Page { status, after: None, limit: PAGE };
        self.reads(async |db| snapshot::page(db, KIOSK, &page).await.unwrap()).await
    }
}

#[tokio::test]
async fn a_page_is_found_and_not_searched_for() {
    let mut house = House::busy().await;
    for statistics in ["fresh tables", "ANALYZE"] {
        if statistics == "ANALYZE" {
            house.sql.execute(statistics).await.unwrap();
        }
        let full = usize::try_from(PAGE).unwrap();
        for (status, expected) in [
            (None, full),
            (Some(BookingStatus::Confirmed), full),
            (Some(BookingStatus::Pending), RARE),
            (Some(BookingStatus::Expired), 0),
        ] {
            let (page, read) = house.bookings(status).await;
            assert_eq!(page.len(), expected, "{status:?}");
            assert!(read <= READ_MAX, "{statistics}: {read} read for a page of {status:?}");
        }
        let vendor = Some(Provider::HyperPay);
        for (provider, fate, expected) in [
            (None, None, 5 * full),
            (None, Some(DeliveryFate::Applied), 5 * full),
            (None, Some(DeliveryFate::Contradicted), RARE),
            (None, Some(DeliveryFate::UnderWay), 0),
            (None, Some(DeliveryFate::Unreadable), RARE),
            (vendor, Some(DeliveryFate::Forged), 5 * full),
            (vendor, Some(DeliveryFate::Repeated), 0),
            (Some(Provider::Tabby), None, 0),
        ] {
            let filter = Filter { provider, fate, before: None };
            let (found, read) = house.deliveries(filter).await;
            assert_eq!(found, expected, "{provider:?} {fate:?}");
            assert!(read <= READ_MAX, "{statistics}: {read} read for {provider:?} {fate:?}");
        }
    }
    a_flood_drives_out_no_other(&mut house).await;
    house.sql.close().await.unwrap();
    house.postgres.stop().await.unwrap();
}

/// Of the flood there are the newest, and of everything else all that there was.
async fn a_flood_drives_out_no_other(house: &mut House) {
    let (deleted, _) = house.reads(async |db| refused::prune(db).await.unwrap()).await;
    assert_eq!(usize::try_from(deleted).unwrap(), USUAL - 2_000);
    let left = "SELECT verdict, count(*), min(received_at) > now() - interval '23 hours'
                FROM refused_deliveries GROUP BY verdict ORDER BY verdict";
    let left: Vec<(String, i64, bool)> =
        sqlx::query_as(left).fetch_all(&mut house.sql).await.unwrap();
    let rare = i64::try_from(RARE).unwrap();
    assert_eq!(left, [("FORGED".to_owned(), 2_000, true), ("UNREADABLE".to_owned(), rare, false)]);
}
