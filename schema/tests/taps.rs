//! When a card was tapped: the vendor's word for it counts where it can be true and matters, and never else.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail like the test")]

use chrono::{TimeDelta, Utc};
use schema::{
    Db,
    bookings::{self, BookingRequest, SeatChoice},
    holds::Allowance,
    ids::{BookingId, PaymentId},
    money::Money,
    paying::{Buyer, PayWith, Taking},
    payments::{self, PaymentRequest},
    provider::{Platform, Provider},
    settling::{self, Capture},
    timings::Timings,
};
use sqlx::{Connection, Executor, PgConnection};
use stack::{Options, Postgres};
use std::path::Path;

fn booking() -> BookingRequest {
    BookingRequest {
        booking_id: BookingId::from_bare("01K9BBBBBBBBBBBBBBBBBBBBBB").unwrap(),
        caller: "kiosk:1".to_owned(),
        platform: Platform::Kiosk,
        cinema_id: "0001".to_owned(),
        session_id: "1".to_owned(),
        seats: vec![SeatChoice { seat: "A1".to_owned(), ticket_type: "0001".to_owned() }],
        request_hash: String::new(),
        allowance: Allowance::default(),
        timings: Timings::default(),
    }
}

fn payment() -> PaymentRequest {
    PaymentRequest {
        payment_id: PaymentId::from_bare("01K9ZZZZZZZZZZZZZZZZZZZZZZ").unwrap(),
        booking_id: booking().booking_id,
        provider: Provider::NearPay,
        platform: Platform::Kiosk,
        pay_with: PayWith::Terminal { terminal: "0211920800119208".to_owned() },
        buyer: Buyer::default(),
        buyer_address: None,
        return_url: String::new(),
        request_hash: String::new(),
        timings: Timings::default(),
    }
}

#[tokio::test]
async fn the_time_of_a_tap_counts_where_it_can_be_true_and_matters() {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.usher");
    let postgres = Postgres::start(&Options::throwaway(cache)).await.unwrap();
    let db = Db::connect(&postgres.database_url(), 1).await.unwrap();
    db.migrate().await.unwrap();
    let mut sql = PgConnection::connect(&postgres.database_url()).await.unwrap();
    bookings::record(&db, &booking()).await.unwrap();
    payments::record(&db, &payment(), Some(Taking::AtOnce)).await.unwrap();

    let ago = |seconds| Some(Utc::now() - TimeDelta::seconds(seconds));
    let minutes = "UPDATE payments SET created_at = clock_timestamp() - interval '10 minutes'";
    let seconds = "UPDATE payments SET created_at = clock_timestamp() - interval '20 seconds'";
    for (opened, transaction, at, counts) in [
        (minutes, "untold", None, None),
        (minutes, "tapped", ago(30), Some(30)),
        (minutes, "of-the-future", ago(-3_600), Some(0)),
        (minutes, "too-late-to-reverse", ago(65), None),
        (minutes, "of-another-day", ago(86_400), None),
        (seconds, "before-there-was-a-payment", ago(40), None),
    ] {
        sql.execute(opened).await.unwrap();
        let payment = payments::find(&db, payment().payment_id).await.unwrap().unwrap();
        let capture = Capture {
            vendor_transaction: transaction.to_owned(),
            account: None,
            amount: Money::sar(11_500).into(),
            reserved: false,
            at,
            brand: None,
            last4: None,
        };
        settling::settle(&db, &payment, &capture).await.unwrap();
        let query = "SELECT tapped_at <= settled_at + interval '1 s', extract(epoch FROM settled_at - tapped_at)::bigint
                     FROM captures WHERE vendor_transaction = $1";
        let (sound, before): (Option<bool>, Option<i64>) =
            sqlx::query_as(query).bind(transaction).fetch_one(&mut sql).await.unwrap();
        assert_ne!(sound, Some(false), "{transaction}");
        // It may have been settled a moment later.
        let near =
            counts.zip(before).is_some_and(|(told, before)| (told..told + 29).contains(&before));
        assert!(near || counts.is_none() && before.is_none(), "{transaction}: {before:?}");
    }
    sql.close().await.unwrap();
    postgres.stop().await.unwrap();
}
