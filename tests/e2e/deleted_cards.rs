//! Deleted cards: what is left of one, and whose token goes when somebody else has saved the same card.

use harness::{
    CARDS, Card, Customer, FORMS, HYPERPAY, Order, Visit, card_token, until, visit, visit_alone,
};
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use std::sync::Arc;

#[tokio::test]
async fn of_a_deleted_card_is_left_whose_it_was_and_when() {
    let visit = visit().await;
    let customer = visit.customer();
    for card in [Card::saved(HYPERPAY, &customer).await, Card::at_checkout(&customer).await] {
        let row = async || {
            let query = "SELECT to_jsonb(r) FROM saved_cards r WHERE card_id = $1";
            let row = sqlx::query_scalar(query).bind(card.bare()).fetch_one(&visit.db);
            row.await.unwrap()
        };
        let saved: Value = row().await;
        assert!(saved["last4"].is_string() && saved["brand"].is_string(), "{saved}");
        assert!(saved["request"]["token"].is_null(), "what was used once is kept: {saved}");
        assert_eq!(card.deletes().await, 204);
        card.until_forgotten().await;
        let left: Value = row().await;
        for gone in ["brand", "last4", "token", "vendor_session", "session_ends_at", "next_act"] {
            assert!(left[gone].is_null(), "{gone} is left: {left}");
        }
        for kept in ["owner", "provider", "created_at", "updated_at", "forgotten_at"] {
            assert!(left[kept].is_string(), "{kept} is gone: {left}");
        }
    }
}

#[tokio::test]
async fn a_lost_answer_about_a_deletion_is_asked_for_again() {
    let visit = visit().await;
    let customer = visit.customer();
    for fault in ["timeout_before", "timeout_after", "reset_after", "http_500_after", "torn_after"]
    {
        for form in FORMS {
            let card = Card::saved(form, &customer).await;
            form.fails(&visit, form.deletes, Some(card.bare()), fault).await;
            assert_eq!(card.deletes().await, 204, "{form:?} {fault}");
            card.until_forgotten().await;
            assert_eq!(card.at_the_vendor().await, form.story, "{fault}");
        }
    }
}

#[tokio::test]
async fn deleted_by_many_at_once_it_is_deleted_once() {
    let visit = visit().await;
    for form in FORMS {
        let card = Arc::new(Card::saved(form, &visit.customer()).await);
        let mut deleting = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let card = Arc::clone(&card);
            deleting.spawn(async move { card.deletes().await });
        }
        assert!(deleting.join_all().await.into_iter().all(|status| status == 204));
        card.until_forgotten().await;
        assert_eq!(card.at_the_vendor().await, form.story);
    }
}

/// From now on the vendor has one token for one card, whoever saves it.
async fn one_token_for_a_card() -> Arc<Visit> {
    let visit = visit_alone().await;
    visit.switches("checkout", &json!({ "instrument_again": "same" })).await;
    visit
}

/// So many cards has this vendor deleted.
async fn deleted_at_checkout(visit: &Visit) -> usize {
    let ledger = visit.ledger_of("checkout").await;
    ledger.iter().filter(|entry| entry["kind"] == "instrument_deleted").count()
}

async fn is_paid_with(card: &Card) {
    let booking = card.customer.books(Order::new(&card.customer.visit)).await;
    booking.opens_as(&card.pays()).await.is_made().await;
    booking.until_ticket().await;
}

#[tokio::test]
async fn a_card_that_two_have_saved_lives_until_the_last_has_deleted_it() {
    let visit = one_token_for_a_card().await;
    let owners = [visit.customer(), visit.customer()];
    let saved = async || [Card::at_checkout(&owners[0]).await, Card::at_checkout(&owners[1]).await];
    let [one, other] = saved().await;
    assert_eq!(one.deletes().await, 204);
    one.until_forgotten().await;
    assert_eq!(deleted_at_checkout(&visit).await, 0, "the other one has it");
    is_paid_with(&other).await;
    assert_eq!(other.deletes().await, 204);
    other.until_forgotten().await;
    assert_eq!(deleted_at_checkout(&visit).await, 1);
    for round in 2..8 {
        let [one, other] = saved().await;
        assert_eq!(tokio::join!(one.deletes(), other.deletes()), (204, 204));
        tokio::join!(one.until_forgotten(), other.until_forgotten());
        assert_eq!(deleted_at_checkout(&visit).await, round, "its vendor keeps it");
    }
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_token_that_is_being_deleted_is_not_saved_anew() {
    let visit = one_token_for_a_card().await;
    let (owner, other) = (visit.customer(), visit.customer());
    let card = Card::at_checkout(&owner).await;
    let away =
        json!({ "match": { "op": "delete_instrument" }, "fault": "http_503_before", "times": 0 });
    visit.misbehaves("checkout", &away).await;
    assert_eq!(card.deletes().await, 204);
    let body = json!({ "provider": "checkout", "token": card_token(&visit).await });
    let early = other.posts(CARDS, &Customer::key(), &body).await;
    early.assert_problem(409, "card_being_deleted");
    visit.all_goes_well().await;
    card.until_forgotten().await;
    is_paid_with(&Card::at_checkout(&other).await).await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn saved_by_one_while_another_deletes_it_it_is_paid_with_or_not_there() {
    let visit = one_token_for_a_card().await;
    let mut saved_in_spite = 0;
    for _ in 0..12 {
        let (owner, other) = (visit.customer(), visit.customer());
        let card = Card::at_checkout(&owner).await;
        let body = json!({ "provider": "checkout", "token": card_token(&visit).await });
        let key = Customer::key();
        let saves = other.posts(CARDS, &key, &body);
        let (deleted, answer) = tokio::join!(card.deletes(), saves);
        assert_eq!(deleted, 204);
        card.until_forgotten().await;
        if answer.status == 202 {
            let id = answer.body["id"].as_str().unwrap().to_owned();
            let mine = Card { customer: other, id, vendor: "checkout" };
            mine.until("SAVED").await;
            is_paid_with(&mine).await;
            assert_eq!(mine.deletes().await, 204);
            mine.until_forgotten().await;
            saved_in_spite += 1;
        } else {
            answer.assert_problem(409, "card_being_deleted");
        }
    }
    assert!(saved_in_spite > 0, "nobody has ever come between");
    visit.assert_balanced().await;
}

/// In this transaction nobody else saves the card's token, or looks whether it may be deleted.
async fn holds_the_token(visit: &Visit, card: &Card) -> Transaction<'static, Postgres> {
    let mut held = visit.db.begin().await.unwrap();
    let query = "SELECT pg_advisory_xact_lock(hashtextextended('token ' || token_mark, 0))
                 FROM saved_cards WHERE card_id = $1";
    sqlx::query(query).bind(card.bare()).execute(&mut *held).await.unwrap();
    held
}

/// Until somebody waits for the token.
async fn until_somebody_waits(visit: &Visit) {
    let query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    let look = || async {
        let waiting: i64 = sqlx::query_scalar(query).fetch_one(&visit.db).await.unwrap();
        (waiting > 0).then_some(())
    };
    until("somebody who waits for the token", look).await;
}

#[tokio::test]
async fn who_saves_a_token_and_who_deletes_it_wait_for_each_other() {
    let visit = one_token_for_a_card().await;
    let (owner, other) = (visit.customer(), visit.customer());
    let card = Card::at_checkout(&owner).await;
    // Somebody is about to save it.
    let mut saving = holds_the_token(&visit, &card).await;
    let again = visit.system.id_key().card(&other.id, "again");
    let same = "INSERT INTO saved_cards
                SELECT (jsonb_populate_record(r, jsonb_build_object('card_id', $2, 'owner', $3,
                    'request', r.request || jsonb_build_object('card_id', $4, 'owner', $3)))).*
                FROM saved_cards r WHERE card_id = $1";
    let same = sqlx::query(same).bind(card.bare()).bind(again.bare()).bind(&other.id);
    same.bind(again.to_string()).execute(&mut *saving).await.unwrap();
    assert_eq!(card.deletes().await, 204);
    until_somebody_waits(&visit).await;
    saving.commit().await.unwrap();
    card.until_forgotten().await;
    assert_eq!(deleted_at_checkout(&visit).await, 0, "the other one has it");
    let kept = Card { customer: other, id: again.to_string(), vendor: "checkout" };
    is_paid_with(&kept).await;

    // Somebody is about to delete it.
    let mut deleting = holds_the_token(&visit, &kept).await;
    let (key, body) =
        (Customer::key(), json!({ "provider": "checkout", "token": card_token(&visit).await }));
    let asks = owner.posts(CARDS, &key, &body);
    let goes_on = async {
        until_somebody_waits(&visit).await;
        let query = "UPDATE saved_cards SET status = 'DELETED', brand = NULL, last4 = NULL
                     WHERE card_id = $1";
        sqlx::query(query).bind(kept.bare()).execute(&mut *deleting).await.unwrap();
        deleting.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(asks, goes_on);
    // It was answered before that, or not: 202 promises nothing yet.
    let id = visit.system.id_key().card(&owner.id, &key).to_string();
    let refused = Card { customer: owner, id, vendor: "checkout" }.until("FAILED").await;
    assert_eq!(refused["reason"], "card_being_deleted", "{answer:?}");
    assert_eq!(kept.deletes().await, 204);
    kept.until_forgotten().await;
    assert_eq!(deleted_at_checkout(&visit).await, 1);
    visit.assert_balanced().await;
}
