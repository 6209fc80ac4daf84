//! Cards under attack: a link that was sent to somebody else, stolen numbers that are tried out, one charge too many.

use harness::{
    Answer, CARDS, Card, Customer, HYPERPAY, Order, Shopper, Visit, card_token, visit, visit_alone,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;

/// What the identity service says of this customer from now on.
async fn is_known_as(customer: &Customer, user: &Value) {
    let id = customer.id.trim_start_matches("customer:");
    let url = format!("{}/_sim/identity/users/{id}", customer.visit.system.sandbox);
    let answer = customer.visit.http.post(url).json(user).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// What somebody sees who has the link and no token.
async fn opens(visit: &Visit, card: &Card) -> String {
    let url = format!("{}/pay/cards/{}", visit.system.gateway, card.id);
    visit.http.get(url).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn the_form_says_whose_the_card_will_be_and_nothing_else_of_them() {
    let visit = visit().await;
    let (known, other) = (visit.customer(), visit.customer());
    // Before they are asked about: what is known of somebody counts for a while.
    let user = json!({ "status": "ACTIVE", "email": "noura.saleh@example.com",
        "phone": "+966501234567", "name": "Noura Saleh" });
    is_known_as(&known, &user).await;
    let page = opens(&visit, &Card::begun(HYPERPAY, &known).await).await;
    assert!(page.contains("n•••@example.com") && page.contains("paymentWidgets"), "{page}");
    for secret in ["noura", "Noura", "Saleh", "966501234567", "4567", &*known.id] {
        assert!(!page.contains(secret), "{secret} is in {page}");
    }
    // Of whom the service shows nothing, the end of the account's name says it.
    let page = opens(&visit, &Card::begun(HYPERPAY, &other).await).await;
    let end = &other.id[other.id.len().saturating_sub(4).max("customer:".len())..];
    assert!(page.contains(&format!("ends in <strong><bdi>{end}</bdi>")), "{page}");
    assert!(page.contains("paymentWidgets") && !page.contains(&other.id), "{page}");
}

#[tokio::test]
async fn the_link_opens_for_ten_minutes_and_until_a_card_is_typed_in() {
    let visit = visit().await;
    let customer = visit.customer();
    let [old, used] =
        [Card::begun(HYPERPAY, &customer).await, Card::saved(HYPERPAY, &customer).await];
    let ages = "UPDATE saved_cards SET created_at = created_at - interval '10 minutes'
                WHERE card_id = $1";
    let opened = opens(&visit, &old).await;
    assert!(opened.contains("paymentWidgets"), "{opened}");
    sqlx::query(ages).bind(old.bare()).execute(&visit.db).await.unwrap();
    for card in [&old, &used] {
        let page = opens(&visit, card).await;
        assert!(!page.contains("paymentWidgets") && !page.contains("<script"), "{page}");
    }
    let view = customer.gets(&old.path()).await.body;
    assert!(view["form_url"].is_null() && view["next"].is_null(), "{view}");
}

/// Tries a token that was used before: its vendor is asked, and nothing is saved.
async fn tries_out(customer: &Customer, key: &str, token: &str) -> Answer {
    customer.posts(CARDS, key, &json!({ "provider": "checkout", "token": token })).await
}

#[tokio::test]
async fn twenty_cards_are_begun_within_a_day_whatever_becomes_of_them() {
    let visit = visit().await;
    let customer = visit.customer();
    let token = card_token(&visit).await;
    let saved = tries_out(&customer, &Customer::key(), &token).await;
    assert_eq!(saved.status, 202, "{saved:?}");
    // All at once, so that nobody is stopped at the door.
    let mut trying = JoinSet::new();
    for _ in 0..25 {
        let (customer, token) = (customer.clone(), token.clone());
        trying.spawn(async move {
            let key = Customer::key();
            (tries_out(&customer, &key, &token).await, key)
        });
    }
    let tried = trying.join_all().await;
    let asked = |answer: &Answer| answer.body["code"] == "card_token_used";
    assert_eq!(tried.iter().filter(|(answer, _)| asked(answer)).count(), 19, "{tried:?}");
    for (answer, _) in tried.iter().filter(|(answer, _)| !asked(answer)) {
        match answer.status {
            409 => answer.assert_problem(409, "too_many_cards_begun"),
            _ => answer.assert_problem(429, "too_many_requests"),
        }
    }
    let late = tries_out(&customer, &Customer::key(), &token).await;
    late.assert_problem(429, "too_many_requests");
    let wait: u64 = late.header("retry-after").parse().unwrap();
    assert!((86_000..=86_400).contains(&wait), "{wait}");
    // What was answered stays answered, and a day later there is room again. Nobody else is stopped.
    let (before, key) = tried.iter().find(|(answer, _)| asked(answer)).unwrap();
    let again = tries_out(&customer, key, &token).await;
    assert_eq!(again.body["code"], before.body["code"], "{again:?}");
    tries_out(&visit.customer(), &Customer::key(), &token)
        .await
        .assert_problem(409, "card_token_used");
    let ages = "UPDATE saved_cards SET created_at = created_at - interval '1 day' WHERE owner = $1";
    sqlx::query(ages).bind(&customer.id).execute(&visit.db).await.unwrap();
    let next = tries_out(&customer, &Customer::key(), &token).await;
    next.assert_problem(409, "card_token_used");
}

#[tokio::test]
async fn a_saved_card_is_charged_once_for_a_booking_however_many_ask_at_once() {
    const AT_ONCE: usize = 4;
    let visit = visit_alone().await;
    // So each charge stays open: whoever could come between would.
    visit.hyperpay().switch("one_click_challenge", "true").await;
    let customer = visit.customer();
    let card = Card::saved(HYPERPAY, &customer).await;
    for _ in 0..10 {
        let booking = customer.books(Order::new(&visit)).await;
        let mut asking = JoinSet::new();
        for named in 0..AT_ONCE {
            let (booking, mut body) = (booking.clone(), card.pays());
            // Who names the vendor means no second charge either.
            if named % 2 == 0 {
                body["provider"] = json!("hyperpay");
            }
            asking.spawn(async move { booking.tries_to_pay_with(&Customer::key(), &body).await });
        }
        let (charged, refused): (Vec<Answer>, Vec<Answer>) =
            asking.join_all().await.into_iter().partition(|answer| answer.status == 202);
        assert_eq!((charged.len(), refused.len()), (1, AT_ONCE - 1), "{charged:?}");
        for answer in refused {
            answer.assert_problem(409, "payment_under_way");
        }
        let id = charged[0].body["id"].as_str().unwrap();
        let begun = charges(&visit, &booking.id).await;
        assert_eq!(begun, [id.trim_start_matches("pay_")]);
        let session = charged[0].body["vendor_session"].as_str().unwrap();
        let shown = visit.hyperpay().page(session, Shopper::Approves).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        booking.until_ticket().await;
    }
    visit.assert_balanced().await;
}

/// The booking's payments that were not refused before anybody was asked for money.
async fn charges(visit: &Arc<Visit>, booking: &str) -> Vec<String> {
    let query = "SELECT payment_id FROM payments WHERE booking_id = $1 AND refused_because IS NULL";
    let query = sqlx::query_scalar(query).bind(booking.trim_start_matches("bk_").to_owned());
    query.fetch_all(&visit.db).await.unwrap()
}
