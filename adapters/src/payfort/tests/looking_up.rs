//! Looking up: what the last operation and three totals say of a payment.

use super::*;
use crate::provider::TransactionState::{Authorized, Captured, Declined, Pending, Voided};

fn question() -> Question {
    let account = Some(CARDS.to_owned());
    Question { payment: payment(), session: None, account, transaction: None, known: Vec::new() }
}

async fn ask(server: &Scripted) -> Result<Vec<Transaction>, Error> {
    payfort(server).ask(&question(), WITHIN).await
}

#[tokio::test]
async fn the_totals_say_what_became_of_the_money() {
    let declined = |code: &str| Declined { code: code.to_owned() };
    let taken = || Captured { review: false };
    for (code, totals, state, minor) in [
        ("14000", [10_580, 10_580, 0], taken(), 10_580),
        ("14000", [10_580, 0, 0], taken(), 10_580),
        ("06000", [10_580, 0, 10_580], taken(), 10_580),
        ("07666", [10_580, 0, 0], taken(), 10_580),
        ("04000", [10_580, 10_580, 0], taken(), 10_580),
        ("06000", [10_580, 10_580, 10_580], taken(), 10_580),
        ("07666", [10_580, 10_580, 0], taken(), 10_580),
        ("07034", [10_580, 10_580, 0], taken(), 10_580),
        ("07006", [10_580, 0, 0], taken(), 10_580),
        ("07048", [10_580, 0, 10_580], taken(), 10_580),
        ("13007", [10_580, 10_580, 0], taken(), 10_580),
        ("14000", [1_058, 1_058, 0], taken(), 1_058),
        ("40090", [10_580, 10_580, 0], Captured { review: true }, 10_580),
        ("02000", [10_580, 0, 0], Authorized, 10_580),
        ("05042", [10_580, 0, 0], Authorized, 10_580),
        ("09034", [10_580, 0, 0], Authorized, 10_580),
        ("00034", [10_580, 0, 0], Authorized, 10_580),
        ("05006", [10_580, 0, 0], Pending, 10_580),
        ("08000", [10_580, 0, 0], Voided, 10_580),
        ("08000", [0, 0, 0], Voided, 0),
        ("13666", [0, 0, 0], declined("13666"), 0),
        ("03029", [10_580, 0, 0], declined("03029"), 10_580),
        ("00072", [0, 0, 0], declined("00072"), 0),
        ("00034", [0, 0, 0], declined("00034"), 0),
        ("13773", [0, 0, 0], declined("13773"), 0),
        ("20064", [10_580, 0, 0], Pending, 10_580),
        ("19000", [0, 0, 0], Pending, 0),
        ("15777", [0, 0, 0], Pending, 0),
        ("13006", [0, 0, 0], Pending, 0),
        ("97000", [0, 0, 0], Pending, 0),
    ] {
        let [one] = ask(&server(200, status(code, totals))).await.unwrap().try_into().unwrap();
        let amount = one.amount.money();
        assert_eq!((one.state, amount), (state, Some(Money::sar(minor))), "{code} {totals:?}");
        assert_eq!((one.id.as_str(), one.reference), (FORT_ID, payment().bare()));
    }
    for (code, totals) in [("14000", [0, 0, 0]), ("02000", [0, 0, 0]), ("04000", [10_580, 0, 0])] {
        let result = ask(&server(200, status(code, totals))).await;
        assert!(is_unknown(&result), "a success without money, {code}: {result:?}");
    }
    // A refund that was not allowed, or a follow-up of nothing, is no verdict on the payment.
    for (code, totals) in
        [("07034", [10_580, 0, 0]), ("07666", [0; 3]), ("05666", [0; 3]), ("09034", [0; 3])]
    {
        let result = ask(&server(200, status(code, totals))).await;
        assert!(is_unknown(&result), "{code} {totals:?}: {result:?}");
    }
}

#[tokio::test]
async fn a_challenge_that_nobody_answers_ends_with_the_session() {
    assert_eq!(ask(&server(200, status("20064", [0; 3]))).await.unwrap(), []);
}

#[tokio::test]
async fn an_order_that_is_not_there_or_only_a_token_is_an_empty_list() {
    for code in ["00036", "11036"] {
        assert_eq!(ask(&server(200, answer(code, json!({})))).await.unwrap(), []);
        let mut unsigned = answer(code, json!({}));
        unsigned.as_object_mut().unwrap().remove("signature");
        assert_eq!(ask(&server(404, unsigned)).await.unwrap(), []);
    }
    assert_eq!(ask(&server(200, answer("12000", json!({})))).await.unwrap(), []);
    assert_eq!(ask(&server(200, status("18000", [0, 0, 0]))).await.unwrap(), []);
}

#[tokio::test]
async fn a_look_up_that_fails_is_no_empty_list() {
    let mut forged = answer("11036", json!({}));
    forged["signature"] = "00".into();
    let mut elsewhere = status("14000", [10_580, 10_580, 0]);
    elsewhere["merchant_reference"] = "01K9000000000000000000000X".into();
    let mut abroad = status("14000", [10_580, 10_580, 0]);
    abroad["currency"] = "dirhams".into();
    let mut nobody = status("14000", [10_580, 10_580, 0]);
    nobody["fort_id"] = "../x".into();
    for body in [
        forged,
        signed(elsewhere, CARDS),
        signed(abroad, CARDS),
        signed(nobody, CARDS),
        answer("11000", json!({})),
        answer("00006", json!({})),
        answer("14000", json!({})),
        json!({}),
        json!(null),
    ] {
        let result = ask(&server(200, &body)).await;
        assert!(is_unknown(&result), "{body}: {result:?}");
    }
    let result = ask(&server(200, answer("00010", json!({})))).await;
    assert!(matches!(result, Err(Error::Refused { .. })), "{result:?}");
}

#[tokio::test]
async fn another_currency_is_told_as_it_is() {
    for (code, captured, state) in
        [("14000", 10_580, Captured { review: false }), ("02000", 0, Authorized)]
    {
        let mut abroad = status(code, [10_580, captured, 0]);
        abroad["currency"] = "AED".into();
        let shown = ask(&server(200, signed(abroad, CARDS))).await.unwrap();
        let [one] = shown.try_into().unwrap();
        assert_eq!((one.state, one.amount.to_string()), (state, "105.80 AED".to_owned()));
    }
}

#[tokio::test]
async fn a_charge_under_another_id_than_before_is_told_by_itself() {
    let known = |id: &str| Question { known: vec![id.to_owned()], ..question() };
    let ask = async |code: &str, totals, question: Question| {
        payfort(&server(200, status(code, totals))).ask(&question, WITHIN).await
    };
    for (code, captured, state) in
        [("14000", 10_580, Captured { review: false }), ("02000", 0, Authorized)]
    {
        for settled in [FORT_ID, OTHER_FORT_ID] {
            let shown = ask(code, [10_580, captured, 0], known(settled)).await.unwrap();
            let [one] = shown.try_into().unwrap();
            let account = one.account.as_deref();
            assert_eq!((one.id.as_str(), account, &one.state), (FORT_ID, Some(CARDS), &state));
        }
    }
    // What follows a charge, or has failed, comes with the totals of what was charged before: no second charge.
    for code in ["04000", "05042", "06000", "07666", "08000", "09034", "13666", "15777", "19000"] {
        let settled = ask(code, [10_580, 10_580, 0], known(FORT_ID)).await.unwrap();
        assert_eq!(settled.len(), 1, "{code}");
        let another = ask(code, [10_580, 10_580, 0], known(OTHER_FORT_ID)).await;
        assert!(is_unknown(&another), "{code}: {another:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_found_by_the_reference() {
    let next = async |body: Value| {
        let found = payfort(&server(200, body)).find_opened(&charge(PayWith::Mada), WITHIN).await;
        found.unwrap().map(session_next)
    };
    let life = 1_800_000;
    assert_eq!(next(status("14000", [10_580; 3])).await, Some((NextAct::Nothing, life)));
    assert_eq!(next(status("20064", [0; 3])).await, Some((NextAct::Nothing, life)));
    assert_eq!(next(status("13666", [0; 3])).await, Some((NextAct::Nothing, 0)));
    assert_eq!(next(status("18000", [0; 3])).await, None);
    assert_eq!(next(answer("11036", json!({}))).await, None);
}

#[tokio::test]
async fn without_an_account_every_channel_is_asked() {
    let script = |asked: &crate::scripted::Asked| {
        let apple = asked.json()["access_code"] == APPLE;
        let shown = status("14000", [10_580, 10_580, 0]);
        let body = if apple { signed(shown, APPLE) } else { answer("11036", json!({})) };
        (200, body.to_string())
    };
    let vendor = Scripted::new(script);
    let anywhere = Question { account: None, ..question() };
    let found = payfort(&vendor).ask(&anywhere, WITHIN).await.unwrap();
    assert_eq!((found.len(), vendor.asked().len()), (1, 2));
    let elsewhere = Question { account: Some("nobody".to_owned()), ..question() };
    let result = payfort(&vendor).ask(&elsewhere, WITHIN).await;
    assert!(matches!(result, Err(Error::Refused { .. })), "{result:?}");
}
