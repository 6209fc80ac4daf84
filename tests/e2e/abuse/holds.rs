//! Bots that hold a premiere: what one user and one device may hold without paying.

use super::{bearer, limited};
use gateway::Kind;
use harness::{Answer, Booking, Customer, Order, Visit, visit_with};
use reqwest::Method;
use std::sync::Arc;

const ROWS: [&str; 10] = ["A", "B", "C", "D", "E", "F", "G", "H", "J", "K"];

/// Everything at once, so that the look before is of no use: the row decides.
#[tokio::test]
async fn a_user_holds_no_more_than_they_may_however_they_race() {
    let visit =
        visit_with(limited(&[("THROTTLE_LIMIT", "100000"), ("THROTTLE_ORDER_LIMIT", "1000")]))
            .await;
    let (bot, session) = (visit.customer(), visit.session());
    let mut racing = tokio::task::JoinSet::new();
    for row in ROWS {
        let (bot, order) = (bot.clone(), Order::of(&session, &[&*format!("{row}1")]));
        racing.spawn(async move { bot.orders(&order, &Customer::key()).await });
    }
    let answers = racing.join_all().await;
    for answer in answers.iter().filter(|answer| answer.status != 202) {
        answer.assert_problem(409, "too_many_open_bookings");
    }
    assert_eq!(held(&visit, &bot.id, answers).await, 5);
    let again = bot.orders(&Order::of(&session, &["L1"]), &Customer::key()).await;
    again.assert_problem(409, "too_many_open_bookings");

    seats(&visit).await;
    devices(&visit).await;
    kiosk(&visit).await;
    let all = "SELECT booking_id::text FROM bookings WHERE status = 'PENDING'";
    let all: Vec<String> = sqlx::query_scalar(all).fetch_all(&visit.db).await.unwrap();
    assert!(!all.is_empty());
}

#[expect(clippy::print_stdout, reason = "the figures are for people to read")]
/// Waits until each is decided; how many seats' bookings are held.
async fn held(visit: &Arc<Visit>, caller: &str, answers: Vec<Answer>) -> i64 {
    let query = "SELECT count(*) FILTER (WHERE status = 'REQUESTED'), count(*) FILTER (WHERE status = 'PENDING')
                 FROM bookings WHERE caller = $1";
    let look = || async {
        let counted = sqlx::query_as::<_, (i64, i64)>(query).bind(caller);
        let (undecided, held) = counted.fetch_one(&visit.db).await.unwrap();
        (undecided == 0).then_some(held)
    };
    let held = harness::until("an end of REQUESTED", look).await;
    let rejected =
        "SELECT count(*) FROM bookings WHERE caller = $1 AND end_reason = 'too_many_open_bookings'";
    let rejected: i64 =
        sqlx::query_scalar(rejected).bind(caller).fetch_one(&visit.db).await.unwrap();
    let accepted = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!(held + rejected, i64::try_from(accepted).unwrap());
    println!("of {} at once: {held} held, {rejected} rejected at the row", answers.len());
    held
}

/// Twenty seats, in bookings of ten.
async fn seats(visit: &Arc<Visit>) {
    let (bot, session) = (visit.customer(), visit.session());
    let row = |row: &str| -> Vec<String> { (1..=10).map(|n| format!("{row}{n}")).collect() };
    let order = |name: &str| {
        let seats = row(name);
        Order::of(&session, &seats.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let mut bookings: Vec<Booking> = Vec::new();
    for name in ["A", "B"] {
        bookings.push(bot.books(order(name)).await);
    }
    let third = bot.orders(&Order::of(&session, &["C1"]), &Customer::key()).await;
    third.assert_problem(409, "too_many_held_seats");
    // Who has called one off may hold again.
    bookings[0].cancels().await;
    bot.books(Order::of(&session, &["C1"])).await;
}

/// Guests and accounts are cheap; the device is counted, too.
async fn devices(visit: &Arc<Visit>) {
    let session = visit.session();
    for (n, row) in ROWS.iter().take(6).enumerate() {
        let guest = bearer(visit, Kind::Guest, &format!("guest-{n}"));
        let body = Order::of(&session, &[&*format!("{row}1")]).body();
        let request = guest.request(Method::POST, "/api/v1/orders").json(&body);
        let request =
            request.header("idempotency-key", Customer::key()).header("x-device-id", "bot");
        let answer = Answer::read(request.send().await.unwrap()).await;
        if n < 5 {
            assert_eq!(answer.status, 202, "{answer:?}");
        } else {
            answer.assert_problem(409, "too_many_open_bookings");
        }
    }
}

async fn kiosk(visit: &Arc<Visit>) {
    let (kiosk, session) = (bearer(visit, Kind::Kiosk, "lobby-2"), visit.session());
    for row in ROWS.iter().take(7) {
        let order = Order::of(&session, &[&*format!("{row}1")]);
        assert_eq!(kiosk.orders(&order, &Customer::key()).await.status, 202);
    }
}
