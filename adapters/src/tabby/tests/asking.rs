//! Asking what became of a payment: the session's, and the one that a hint has named.

use super::*;
use crate::provider::TransactionState::{self, Authorized, Captured, Pending, Voided};

fn question() -> Question {
    Question {
        payment: payment_id(),
        session: Some(ID.to_owned()),
        account: Some("cinema".to_owned()),
        transaction: None,
        known: Vec::new(),
    }
}

async fn ask(body: &Value) -> Result<Vec<Transaction>, Error> {
    tabby(&answers(200, body)).ask(&question(), WITHIN).await
}

#[tokio::test]
async fn a_payment_is_what_its_status_and_its_captures_say() {
    let declined = |code: &str| TransactionState::Declined { code: code.to_owned() };
    let whole = Captured { review: false };
    let null = |status: &str| with(payment(status), "captures", Value::Null);
    for (body, state, amount) in [
        (payment("CREATED"), Pending, 9_200),
        (payment("AUTHORIZED"), Authorized, 9_200),
        (null("AUTHORIZED"), Authorized, 9_200),
        (payment("authorized"), Authorized, 9_200),
        (payment("CLOSED"), Voided, 9_200),
        (null("CLOSED"), Voided, 9_200),
        (payment("REJECTED"), declined("rejected"), 9_200),
        (payment("EXPIRED"), declined("expired"), 9_200),
        (captured("92.00"), whole.clone(), 9_200),
        (captured("92"), whole.clone(), 9_200),
        (with(captured("92.0"), "status", "AUTHORIZED"), whole.clone(), 9_200),
        (captured("12.00"), whole.clone(), 1_200),
        (with(captured("12.00"), "status", "AUTHORIZED"), whole.clone(), 1_200),
        (refunded("92.00"), whole, 9_200),
    ] {
        let [shown] = ask(&body).await.unwrap().try_into().unwrap();
        assert_eq!(
            (shown.state, shown.amount.money()),
            (state, Some(Money::sar(amount))),
            "{body}"
        );
        assert_eq!((shown.id.as_str(), shown.reference), (ID, payment_id().bare()));
    }
}

#[tokio::test]
async fn what_is_not_said_is_not_guessed() {
    let without = |field: &str| {
        let mut body = payment("CLOSED");
        body.as_object_mut().unwrap().remove(field);
        body
    };
    for body in [
        without("captures"),
        without("status"),
        without("amount"),
        without("order"),
        payment("CAPTURED"),
        captured("ninety"),
        with(payment("AUTHORIZED"), "amount", "1e3"),
        with(payment("AUTHORIZED"), "amount", 92),
        with(payment("AUTHORIZED"), "currency", "dirhams"),
        with(payment("AUTHORIZED"), "id", OTHER_ID),
        with(payment("AUTHORIZED"), "is_test", false),
    ] {
        let error = ask(&body).await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{body}: {error}");
    }
}

#[tokio::test]
async fn another_currency_is_told_as_it_is() {
    for (body, state) in
        [(payment("AUTHORIZED"), Authorized), (captured("92.00"), Captured { review: false })]
    {
        let [shown] = ask(&with(body, "currency", "AED")).await.unwrap().try_into().unwrap();
        assert_eq!((shown.state, shown.amount.to_string()), (state, "92.00 AED".to_owned()));
    }
}

#[tokio::test]
async fn somebody_elses_payment_is_not_ours() {
    let foreign = with(payment("AUTHORIZED"), "order", json!({"reference_id": "BK-1001"}));
    assert_eq!(ask(&foreign).await.unwrap(), []);
}

#[tokio::test]
async fn only_the_vendors_own_word_is_an_absence() {
    let unknown = answers(404, problem("not_found", "no such payment"));
    assert_eq!(tabby(&unknown).ask(&question(), WITHIN).await.unwrap(), []);
    fails_alike(async |tabby| tabby.ask(&question(), WITHIN).await).await;
    let malformed = answers(400, problem("bad_data", "invalid payment id"));
    let error = tabby(&malformed).ask(&question(), WITHIN).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
}

#[tokio::test]
async fn without_a_page_there_is_nobody_to_ask_about() {
    let server = answers(200, payment("AUTHORIZED"));
    let nothing = Question { session: None, account: None, ..question() };
    assert_eq!(tabby(&server).ask(&nothing, WITHIN).await.unwrap(), []);
    let odd = Question { transaction: Some("../../v1/webhooks".to_owned()), ..nothing };
    assert_eq!(tabby(&server).ask(&odd, WITHIN).await.unwrap(), []);
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_hint_leads_to_a_payment_whose_session_was_never_heard_of() {
    let server = Scripted::new(|asked| {
        let ghost = with(payment("AUTHORIZED"), "id", OTHER_ID);
        let ghost = with(ghost, "created_at", "2026-11-21T08:44:00Z");
        let body = if asked.line.ends_with(OTHER_ID) { ghost } else { payment("CREATED") };
        (200, body.to_string())
    });
    let hinted = Question { transaction: Some(OTHER_ID.to_owned()), ..question() };
    let shown = tabby(&server).ask(&hinted, WITHIN).await.unwrap();
    let shown: Vec<(&str, &TransactionState)> =
        shown.iter().map(|one| (one.id.as_str(), &one.state)).collect();
    assert_eq!(shown, [(OTHER_ID, &Authorized), (ID, &Pending)]);
    let same = Question { transaction: Some(ID.to_ascii_uppercase()), ..question() };
    assert_eq!(tabby(&server).ask(&same, WITHIN).await.unwrap().len(), 1);
}
