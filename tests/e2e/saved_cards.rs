//! Saved cards: typed into the vendor's form or made a token in the app, paid with, sold; deleted here and at the vendor.

use crate::{abuse::journal::journal, secrets::TABLES};
use harness::{
    Answer, Booking, CARDS, Card, Customer, FORMS, Form, HYPERPAY, Order, PAYFORT, Shopper, Visit,
    Way, card_token, saved_everywhere, until, visit, visit_alone,
};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::sync::Arc;

async fn booked(customer: &Customer) -> Booking {
    customer.books(Order::new(&customer.visit)).await
}

async fn list(customer: &Customer) -> Vec<Value> {
    customer.gets(CARDS).await.body.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_card_is_saved_paid_with_and_sold() {
    let visit = visit().await;
    let customer = visit.customer();
    assert!(list(&customer).await.is_empty());
    let cards = saved_everywhere(&customer).await;
    let shown: Vec<Value> = list(&customer).await.iter().map(|card| card["id"].clone()).collect();
    let newest_first: Vec<Value> = cards.iter().rev().map(|card| json!(card.id)).collect();
    assert_eq!(shown, newest_first);
    for card in &cards {
        let view = card.until("SAVED").await;
        // PayFort's form names no brand.
        assert_eq!(view["brand"].is_string(), card.vendor != PAYFORT.vendor, "{view}");
        assert!(view["last4"].is_string(), "{view}");
        // More than once, and its vendor need not be named.
        for _ in 0..2 {
            let booking = booked(&customer).await;
            let payment = booking.opens_as(&card.pays()).await;
            payment.is_made().await;
            booking.until_ticket().await;
            let paid = payment.until("CAPTURED").await;
            assert_eq!((&paid["provider"], &paid["verdict"]), (&view["provider"], &json!("WON")));
        }
    }
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_deleted_card_is_paid_with_by_nobody() {
    let visit = visit().await;
    let customer = visit.customer();
    for card in saved_everywhere(&customer).await {
        assert_eq!(card.deletes().await, 204);
        assert_eq!(card.deletes().await, 204, "again is as good");
        let left = list(&customer).await;
        assert!(left.iter().all(|other| other["id"] != card.id), "{left:?}");
        customer.gets(&card.path()).await.assert_problem(404, "not_found");
        let booking = booked(&customer).await;
        let refused = booking.tries_to_pay_with(&Customer::key(), &card.pays()).await;
        refused.assert_problem(404, "not_found");
        card.until_forgotten().await;
        let back = "UPDATE saved_cards SET status = 'SAVED', token = 'x', forgotten_at = NULL
                    WHERE card_id = $1";
        assert!(sqlx::query(back).bind(card.bare()).execute(&visit.db).await.is_err());
        assert_eq!(booking.cancels().await.status, 200);
    }
    visit.assert_balanced().await;
}

#[tokio::test]
async fn somebody_elses_card_is_none() {
    let visit = visit().await;
    let (owner, other) = (visit.customer(), visit.customer());
    let card = Card::saved(HYPERPAY, &owner).await;
    let as_the_other = |id: &str| {
        let (customer, id) = (other.clone(), id.to_owned());
        Card { customer, id, vendor: HYPERPAY.vendor }
    };
    let missing = as_the_other("card_00000000000000000000000001");
    let foreign = as_the_other(&card.id);
    let booking = booked(&other).await;
    let mut answers = Vec::new();
    for card in [&missing, &foreign] {
        let deleted = other.request(Method::DELETE, &card.path()).send().await.unwrap();
        answers.push([
            other.gets(&card.path()).await,
            Answer::read(deleted).await,
            booking.tries_to_pay_with(&Customer::key(), &card.pays()).await,
        ]);
    }
    let [missing, foreign] = answers.try_into().unwrap();
    for (missing, foreign) in missing.iter().zip(&foreign) {
        foreign.assert_problem(404, "not_found");
        assert_eq!(missing.but_for_its_trace(), foreign.but_for_its_trace());
    }
    assert!(list(&other).await.is_empty());
    assert_eq!(list(&owner).await.len(), 1);
    assert_eq!(booking.cancels().await.status, 200);
    visit.assert_balanced().await;
}

#[tokio::test]
async fn what_is_not_saved_says_why() {
    let visit = visit().await;
    let customer = visit.customer();
    let declined = Card::begun(HYPERPAY, &customer).await;
    declined.is_typed(Shopper::Declined).await;
    assert_eq!(declined.until("FAILED").await["reason"], "card_not_accepted");
    assert_eq!(declined.deletes().await, 204);

    let saved = |provider: &str, token: Value| {
        let body = json!({ "provider": provider, "token": token });
        let customer = customer.clone();
        async move { customer.posts(CARDS, &Customer::key(), &body).await }
    };
    let used = card_token(&visit).await;
    assert_eq!(saved("checkout", json!(used)).await.status, 202);
    saved("checkout", json!(used)).await.assert_problem(409, "card_token_used");
    for form in FORMS {
        saved(form.vendor, json!("tok_12345678")).await.assert_problem(400, "token_not_wanted");
    }
    saved("checkout", json!("4242")).await.assert_problem(400, "invalid_token");
    saved("tabby", json!("tok_12345678")).await.assert_problem(409, "cards_not_kept");
    let kiosk = visit.kiosk();
    let refused = kiosk.posts(CARDS, &Customer::key(), &json!({ "provider": "hyperpay" })).await;
    refused.assert_problem(409, "customers_only");
}

#[tokio::test]
async fn a_customer_has_ten_cards_and_no_more() {
    let visit = visit().await;
    let customer = visit.customer();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..14 {
        let customer = customer.clone();
        asking.spawn(async move {
            let body = json!({ "provider": "hyperpay" });
            customer.posts(CARDS, &Customer::key(), &body).await
        });
    }
    let (begun, refused): (Vec<Answer>, Vec<Answer>) =
        asking.join_all().await.into_iter().partition(|answer| answer.status == 202);
    assert_eq!((begun.len(), refused.len()), (10, 4));
    for answer in &refused {
        answer.assert_problem(409, "too_many_cards");
    }
}

#[tokio::test]
async fn a_key_names_one_card() {
    let visit = visit().await;
    let (customer, key) = (visit.customer(), Customer::key());
    let hyperpay = json!({ "provider": "hyperpay" });
    let first = customer.posts(CARDS, &key, &hyperpay).await;
    let again = customer.posts(CARDS, &key, &hyperpay).await;
    assert_eq!((again.status, &again.body["id"]), (202, &first.body["id"]));
    let other = json!({ "provider": "checkout", "token": card_token(&visit).await });
    customer.posts(CARDS, &key, &other).await.assert_problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn the_vendors_token_is_written_nowhere() {
    let visit = visit().await;
    for form in FORMS {
        its_token_is_written_nowhere(form, &visit).await;
    }
    visit.assert_balanced().await;
}

async fn its_token_is_written_nowhere(form: Form, visit: &Arc<Visit>) {
    let customer = visit.customer();
    let card = Card::saved(form, &customer).await;
    let booking = booked(&customer).await;
    let payment = booking.opens_as(&card.pays()).await;
    payment.is_made().await;
    let view = booking.until_ticket().await.to_string();
    let shown = customer.gets(CARDS).await.text;
    let kept = visit.written_at(form.vendor, card.bare()).await;
    let token = kept.iter().find(|entry| entry["kind"] == form.story[1]).unwrap();
    let token = token["vendor_id"].as_str().unwrap().to_owned();

    let mut journals = String::new();
    for key in [card.bare(), payment.reference(), booking.bare()] {
        let journal = journal(visit, key).await;
        assert!(!journal.is_empty(), "the journal of {key}");
        journals.push_str(&journal);
    }
    let log = std::fs::read_to_string(visit.system.log()).unwrap();
    let places =
        [("the journal", &journals), ("the log", &log), ("a view", &view), ("a list", &shown)];
    for (place, text) in places {
        assert!(!text.contains(&token), "the token is in {place}");
    }
    for table in TABLES {
        // The tables' names are ours.
        let query = format!("SELECT count(*) FROM {table} r WHERE strpos(r::text, $1) > 0");
        let query = sqlx::query_scalar(AssertSqlSafe(query)).bind(&token);
        let found: i64 = query.fetch_one(&visit.db).await.unwrap();
        assert_eq!(found, 0, "the token is in {table}");
    }
}

/// Who comes back too late has saved nothing, and the token that nobody knows of is charged by nobody.
#[tokio::test]
async fn a_way_back_that_is_lost_saves_nothing() {
    let visit = visit().await;
    let customer = visit.customer();
    let lost = Card::begun(PAYFORT, &customer).await;
    let typed = lost.is_filled_in(Shopper::Approves).await;
    assert_eq!(lost.until("FAILED").await["reason"], "card_form_over");
    let late = visit.http.post(typed["redirect"].as_str().unwrap());
    let late = late.form(typed["fields"].as_object().unwrap()).send().await.unwrap();
    assert_eq!(late.status(), 200);
    Card::saved(PAYFORT, &customer).await;
    assert_eq!(lost.until_so("a look", |_| true).await["status"], "FAILED");
    assert_eq!(lost.at_the_vendor().await, PAYFORT.story[..2]);
    assert_eq!(list(&customer).await.len(), 1);
}

/// The vendor names the card's fields in the address then, and masks them.
#[tokio::test]
async fn an_account_whose_browsers_come_back_by_their_address_is_as_good() {
    let visit = visit_alone().await;
    visit.switches(PAYFORT.vendor, &json!({ "return_method": "get" })).await;
    let customer = visit.customer();
    let card = Card::saved(PAYFORT, &customer).await;
    assert_eq!(list(&customer).await[0]["last4"], "0001");
    let booking = booked(&customer).await;
    booking.opens(Way::PayFortMada).await.is_made().await;
    booking.until_ticket().await;

    let log = std::fs::read_to_string(visit.system.log()).unwrap();
    let journal = journal(&visit, card.bare()).await;
    for masked in ["400555**", "card_number", "expiry_date"] {
        assert!(!log.contains(masked) && !journal.contains(masked), "{masked} is kept");
    }
    // A whole number is refused there as anywhere.
    let whole = visit.http.get(format!("{}/return/cards/{}", visit.system.gateway, card.id));
    let whole = whole.query(&[("card_number", "4005550000000001")]).send().await.unwrap();
    Answer::read(whole).await.assert_problem(400, "card_data_refused");
    visit.assert_balanced().await;
}

/// What the vendor has signed for this card is saved, and nothing else that a browser can bring.
#[tokio::test]
async fn a_forged_way_back_saves_nothing() {
    let visit = visit().await;
    let customer = visit.customer();
    let [card, other] =
        [Card::begun(PAYFORT, &customer).await, Card::begun(PAYFORT, &customer).await];
    let genuine = card.is_filled_in(Shopper::Approves).await;
    let mut altered = genuine.clone();
    altered["fields"]["token_name"] = json!("somebody-elses");
    let of_another = other.is_filled_in(Shopper::Approves).await;
    let back = async |typed: &Value| {
        let request = visit.http.post(genuine["redirect"].as_str().unwrap());
        request.form(typed["fields"].as_object().unwrap()).send().await.unwrap().status()
    };
    for forged in [&altered, &of_another] {
        assert_eq!(back(forged).await, 200);
        assert_eq!(card.until_so("a look", |_| true).await["status"], "ADDING");
    }
    // However often it comes back.
    for _ in 0..3 {
        assert_eq!(back(&genuine).await, 200);
    }
    assert_eq!(card.until("SAVED").await["last4"], "0001");
    assert_eq!(other.until_so("a look", |_| true).await["status"], "ADDING");
    assert_eq!(list(&customer).await.len(), 1);
}

#[tokio::test]
async fn usher_dies_while_the_vendor_is_away() {
    let visit = visit_alone().await;
    let customer = visit.customer();
    let mut cards = Vec::new();
    for form in FORMS {
        // The bank wants to see the customer, who shows themselves.
        form.bank_asks(&visit, true).await;
        let card = Card::saved(form, &customer).await;
        let booking = booked(&customer).await;
        booking.opens_as(&card.pays()).await.is_made().await;
        booking.until_ticket().await;

        let typing = Card::begun(form, &customer).await;
        let matching = json!({ "op": form.deletes, "reference": card.bare() });
        let away = json!({ "match": matching, "fault": "http_503_before", "times": 0 });
        visit.misbehaves(form.vendor, &away).await;
        assert_eq!(card.deletes().await, 204);
        cards.push((card, typing));
    }
    visit.system.kill_usher_9().await;
    visit.all_goes_well().await;
    visit.system.start_usher().await;
    for (card, typing) in &cards {
        card.until_forgotten().await;
        typing.is_typed(Shopper::Approves).await;
        typing.until("SAVED").await;
    }
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_lost_answer_about_a_charge_is_looked_up() {
    // On a system of its own: the next charge is ours.
    let visit = visit_alone().await;
    let customer = visit.customer();
    for form in FORMS {
        form.bank_asks(&visit, false).await;
        let card = Card::saved(form, &customer).await;
        for fault in ["timeout_after", "reset_after", "http_500_after"] {
            let booking = booked(&customer).await;
            form.fails(&visit, form.charges, None, fault).await;
            let answer = booking.tries_to_pay_with(&Customer::key(), &card.pays()).await;
            assert_eq!(answer.status, 202, "{form:?} {fault}: {answer:?}");
            booking.until_ticket().await;
            let reference = answer.body["id"].as_str().unwrap().trim_start_matches("pay_");
            let done = visit.done_at(form.vendor, reference).await;
            let taken = done.iter().filter(|kind| *kind == "capture").count();
            assert_eq!(taken, 1, "{form:?} {fault}");
        }
    }
    visit.assert_balanced().await;
}

#[tokio::test]
async fn beside_a_charge_that_is_unknown_no_card_is_charged() {
    let visit = visit().await;
    let customer = visit.customer();
    let card = Card::saved(HYPERPAY, &customer).await;
    let booking = booked(&customer).await;
    let payment = booking.opens(Way::PayFortMada).await;
    let silent = ["purchase", "status"].map(|op| {
        let matching = json!({ "op": op, "reference": payment.reference() });
        json!({ "match": matching, "fault": "http_503_before", "times": 0 })
    });
    visit.misbehaves("payfort", &json!(silent)).await;
    let key = format!("{}:proceed_payment", payment.reference());
    let paying = tokio::spawn(async move { payment.is_made().await });
    let query = "SELECT TRUE FROM vendor_calls
                 WHERE call_key = $1 AND sent_at IS NOT NULL AND outcome IS NULL";
    let look = || async {
        let look = sqlx::query_scalar::<_, bool>(query).bind(&key);
        look.fetch_optional(&visit.db).await.unwrap()
    };
    until("a charge that is on its way", look).await;
    let beside = booking.tries_to_pay_with(&Customer::key(), &card.pays()).await;
    beside.assert_problem(409, "payment_under_way");

    visit.all_goes_well().await;
    paying.await.unwrap();
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_form_leads_on_to_the_bank_wherever_that_is() {
    let visit = visit_alone().await;
    visit.hyperpay().switch("one_click_challenge", "form").await;
    let customer = visit.customer();
    let card = Card::saved(HYPERPAY, &customer).await;
    let booking = booked(&customer).await;
    let payment = booking.opens_as(&card.pays()).await;
    let vendor = &visit.system.sandbox;
    let (page, policy) = shown(&visit, &payment.id).await;
    assert!(page.contains(r#"name="MD""#), "{page}");
    assert!(policy.ends_with(&format!("form-action {vendor} https:")), "{policy}");
    payment.shopper(Shopper::Approves).await;
    booking.until_ticket().await;
    // What a card is typed into goes to its vendor alone.
    let typing = booked(&customer).await.opens(Way::PayFortMada).await;
    let (page, policy) = shown(&visit, &typing.id).await;
    assert!(page.contains(r#"method="post""#), "{page}");
    assert!(policy.ends_with(&format!("form-action {vendor}")), "{policy}");
    typing.is_made().await;
    visit.assert_balanced().await;
}

/// The page to pay on, and what it may do.
async fn shown(visit: &Visit, payment: &str) -> (String, String) {
    let url = format!("{}/pay/{payment}", visit.system.gateway);
    let page = Answer::read(visit.http.get(url).send().await.unwrap()).await;
    let policy = page.header("content-security-policy").to_owned();
    (page.text, policy)
}
