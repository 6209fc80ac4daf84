//! A refund at the counter, from when it is handed there: who still counts it, sends it again, or tells of it.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail like the test")]

use schema::{Db, gauges, past_due};
use sqlx::{Connection, Executor, PgConnection};
use stack::{Options, Postgres};
use std::path::Path;

const REFUND: &str = "01K9RRRRRRRRRRRRRRRRRRRRRR";

/// Owed since the day before yesterday, by a terminal.
const OWED: &str = "
    INSERT INTO bookings (booking_id, caller, platform, request, request_hash, cinema_id, session_id, status, total_minor)
    VALUES ('01K9BBBBBBBBBBBBBBBBBBBBBB', 'kiosk:1', 'kiosk', '{}', '', '1', '1', 'CANCELLED', 11500);
    INSERT INTO payments (payment_id, booking_id, request, request_hash, provider, status)
    VALUES ('01K9ZZZZZZZZZZZZZZZZZZZZZZ', '01K9BBBBBBBBBBBBBBBBBBBBBB', '{}', '', 'nearpay', 'CAPTURED');
    INSERT INTO captures (provider, vendor_transaction, payment_id, booking_id, amount_minor, currency, verdict)
    VALUES ('nearpay', 'T1', '01K9ZZZZZZZZZZZZZZZZZZZZZZ', '01K9BBBBBBBBBBBBBBBBBBBBBB', 11500, 'SAR', 'LATE');
    INSERT INTO refunds (refund_id, booking_id, payment_id, provider, vendor_transaction, amount_minor, currency, cause,
                         timings, status, created_at)
    VALUES ('01K9RRRRRRRRRRRRRRRRRRRRRR', '01K9BBBBBBBBBBBBBBBBBBBBBB', '01K9ZZZZZZZZZZZZZZZZZZZZZZ', 'nearpay', 'T1',
            11500, 'SAR', 'late_money', '{}', 'SENT', clock_timestamp() - interval '2 days')";
const SILENT: &str = "
    INSERT INTO cases (case_id, workflow, workflow_key, step, occurrence, cause, detail, decisions)
    VALUES ('01K9CCCCCCCCCCCCCCCCCCCCCC', 'Refund', '01K9RRRRRRRRRRRRRRRRRRRRRR', 'ask_refund', 1, 'refund_undecided', '',
            '{settled}')";
const HANDED: &str = "UPDATE refunds SET receipt = '0123456789'";
const LEFT: &str = "UPDATE refunds SET left_at = clock_timestamp()";
const DECIDED: &str = r#"
    UPDATE cases SET decision = 'settled', evidence = '{"transaction": "SNB-1"}', reason = 'paid out',
                     decided_by = 'staff:1', decided_at = clock_timestamp()"#;
const BACK: &str = "UPDATE refunds SET status = 'REFUNDED'";

#[tokio::test]
async fn what_waits_at_the_counter_is_stuck_only_when_nobody_hears_what_was_decided() {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.usher");
    let postgres = Postgres::start(&Options::throwaway(cache)).await.unwrap();
    let db = Db::connect(&postgres.database_url(), 1).await.unwrap();
    db.migrate().await.unwrap();
    let mut sql = PgConnection::connect(&postgres.database_url()).await.unwrap();
    for (what, happens, expected) in [
        ("owed", OWED, Seen { counted: true, sent_again: true, told_again: false }),
        (
            "its vendor is silent",
            SILENT,
            Seen { counted: true, sent_again: true, told_again: false },
        ),
        ("handed over", HANDED, Seen { counted: false, sent_again: true, told_again: false }),
        ("left there", LEFT, Seen { counted: false, sent_again: false, told_again: false }),
        ("decided", DECIDED, Seen { counted: true, sent_again: false, told_again: true }),
        ("back", BACK, Seen { counted: false, sent_again: false, told_again: false }),
    ] {
        sql.execute(happens).await.unwrap();
        assert_eq!(Seen::by(&db).await, expected, "{what}");
    }
    sql.close().await.unwrap();
    postgres.stop().await.unwrap();
}

/// Who sees the refund.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// The gauge of what should have ended long ago.
    counted: bool,
    /// The sweep, which starts its workflow again …
    sent_again: bool,
    /// … or tells it what was decided.
    told_again: bool,
}

impl Seen {
    async fn by(db: &Db) -> Self {
        let open = gauges::open(db).await.unwrap();
        let is_stuck = |it: &gauges::Open| it.saga == "refund" && it.age == "over_1d";
        let past_due = past_due::refunds(db, 0).await.unwrap();
        let unheard = past_due::decisions(db).await.unwrap();
        Self {
            counted: open.iter().any(is_stuck),
            sent_again: past_due.iter().any(|it| it.bare() == REFUND),
            told_again: unheard.iter().any(|it| it.workflow_key == REFUND),
        }
    }
}
