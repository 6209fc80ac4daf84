//! Secrets: keys, tokens and cards are nowhere that people can look.

use harness::{Order, visit};
use sqlx::AssertSqlSafe;

pub(crate) const TABLES: [&str; 14] = [
    "bookings",
    "seats",
    "booking_events",
    "payments",
    "captures",
    "refunds",
    "vendor_calls",
    "webhook_deliveries",
    "refused_deliveries",
    "tickets",
    "pass_registrations",
    "saved_cards",
    "cases",
    "maintenance_changes",
];

#[tokio::test]
async fn no_secret_is_written_to_a_log_a_row_or_an_answer() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.pays().await;
    let view = booking.until_ticket().await.to_string();
    visit.assert_balanced().await;
    let page = booking.customer.gets(&format!("/pay/{}", payment.id)).await.text;
    let log = std::fs::read_to_string(visit.system.log()).unwrap();
    for secret in visit.system.secrets() {
        // As a word of its own: six digits are in many a time and many a hash.
        let word = format!("(^|[^[:alnum:].]){}($|[^[:alnum:]])", regex::escape(&secret));
        let says = regex::Regex::new(&word).unwrap();
        for (place, text) in [("log", &log), ("view", &view), ("page", &page)] {
            assert!(!says.is_match(text), "{secret} is in the {place}");
        }
        for table in TABLES {
            // The tables' names are ours.
            let query = format!("SELECT count(*) FROM {table} r WHERE r::text ~ $1");
            let query = sqlx::query_scalar(AssertSqlSafe(query)).bind(&word);
            let found: i64 = query.fetch_one(&visit.db).await.unwrap();
            assert_eq!(found, 0, "{secret} is in {table}");
        }
    }
}
