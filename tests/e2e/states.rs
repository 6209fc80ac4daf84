//! The published state graphs: the database itself refuses every other way, whoever writes.

use harness::visit;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

type Graph = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

/// As published (`domain.md` §2): a table, its states, its edges.
const GRAPHS: [Graph; 4] = [
    (
        "bookings",
        &[
            "REQUESTED",
            "PENDING",
            "CONFIRMING",
            "CONFIRMED",
            "COMPLETED",
            "REJECTED",
            "CANCELLED",
            "EXPIRED",
        ],
        &[
            ("REQUESTED", "PENDING"),
            ("REQUESTED", "REJECTED"),
            ("REQUESTED", "CANCELLED"),
            ("PENDING", "CONFIRMING"),
            ("PENDING", "CANCELLED"),
            ("PENDING", "EXPIRED"),
            ("CONFIRMING", "CONFIRMED"),
            ("CONFIRMING", "CANCELLED"),
            ("CONFIRMED", "COMPLETED"),
            ("CONFIRMED", "CANCELLED"),
        ],
    ),
    (
        "payments",
        &["OPEN", "AUTHORIZED", "CAPTURED", "FAILED", "ABANDONED", "VOIDED"],
        &[
            ("OPEN", "AUTHORIZED"),
            ("OPEN", "CAPTURED"),
            ("OPEN", "FAILED"),
            ("OPEN", "ABANDONED"),
            ("FAILED", "OPEN"),
            ("FAILED", "AUTHORIZED"),
            ("FAILED", "CAPTURED"),
            ("FAILED", "ABANDONED"),
            ("AUTHORIZED", "CAPTURED"),
            ("AUTHORIZED", "VOIDED"),
            ("ABANDONED", "AUTHORIZED"),
            ("ABANDONED", "CAPTURED"),
        ],
    ),
    (
        "refunds",
        &["REQUESTED", "SENT", "REFUNDED"],
        &[("REQUESTED", "SENT"), ("REQUESTED", "REFUNDED"), ("SENT", "REFUNDED")],
    ),
    ("tickets", &["WAITING", "ISSUED"], &[("WAITING", "ISSUED")]),
];

/// One row of each table, in a transaction that is never committed.
const ROWS: [(&str, &str); 5] = [
    (
        "bookings",
        "INSERT INTO bookings (booking_id, caller, platform, request, request_hash, cinema_id,
             session_id, status, total_minor, vista_booking_id)
         VALUES ('00000000000000000000000001', 'customer:graph', 'website', '{}', '', '0001',
             '3000', $1, 0, 'V')",
    ),
    (
        "payments",
        "INSERT INTO payments (payment_id, booking_id, request, request_hash, provider, status)
         VALUES ('00000000000000000000000002', '00000000000000000000000001', '{}', '',
             'hyperpay', $1)",
    ),
    (
        "captures",
        "INSERT INTO captures (provider, vendor_transaction, payment_id, booking_id, amount_minor,
             currency, verdict)
         VALUES ('hyperpay', 'graph', '00000000000000000000000002',
             '00000000000000000000000001', 1, 'SAR', $1)",
    ),
    (
        "refunds",
        "INSERT INTO refunds (refund_id, booking_id, payment_id, provider, vendor_transaction,
             amount_minor, currency, cause, timings, status)
         VALUES ('00000000000000000000000003', '00000000000000000000000001',
             '00000000000000000000000002', 'hyperpay', 'graph', 1, 'SAR', 'test', '{}', $1)",
    ),
    (
        "tickets",
        "INSERT INTO tickets (booking_id, status, vista_booking_id, qr_svg, facts, invoice_qr, picture)
         VALUES ('00000000000000000000000001', $1, 'V', '<svg/>', '{}', 'AQ==', 'ab')",
    ),
];

#[tokio::test]
async fn no_state_is_left_but_by_a_published_edge() {
    let visit = visit().await;
    let mut connection = PgConnection::connect(&visit.system.database).await.unwrap();
    for (table, states, edges) in GRAPHS {
        for from in states {
            for to in states.iter().filter(|to| *to != from) {
                let moved = moves(&mut connection, table, (from, to)).await;
                let published = edges.contains(&(*from, *to));
                assert_eq!(moved.is_ok(), published, "{table}: {from} to {to}: {moved:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_has_happened_and_what_was_taken_is_never_rewritten() {
    let visit = visit().await;
    let booking = visit.customer().books(harness::Order::new(&visit)).await;
    booking.pays().await;
    booking.until_ticket().await;
    for write in [
        "UPDATE booking_events SET kind = 'paid' WHERE booking_id = $1",
        "DELETE FROM booking_events WHERE booking_id = $1",
        "UPDATE captures SET verdict = 'LATE' WHERE booking_id = $1",
        "DELETE FROM captures WHERE booking_id = $1",
        "UPDATE vendor_calls SET outcome = 'ABSENT', answer = NULL WHERE booking_id = $1",
    ] {
        let written = sqlx::query(write).bind(booking.bare()).execute(&visit.db).await;
        assert!(written.is_err(), "{write}");
    }
    visit.assert_balanced().await;
}

async fn moves(db: &mut PgConnection, table: &str, edge: (&str, &str)) -> Result<(), sqlx::Error> {
    let mut tx = db.begin().await?;
    for (row, insert) in ROWS {
        let first = match row {
            _ if row == table => edge.0,
            "payments" => "OPEN",
            "captures" => "LATE",
            "bookings" | "refunds" => "REQUESTED",
            _ => "WAITING",
        };
        sqlx::query(insert).bind(first).execute(&mut *tx).await.unwrap();
    }
    let update = format!("UPDATE {table} SET status = $1 WHERE booking_id = $2");
    // The table's name is one of ours.
    let update = sqlx::query(AssertSqlSafe(update)).bind(edge.1).bind("00000000000000000000000001");
    update.execute(&mut *tx).await.map(drop)
}
