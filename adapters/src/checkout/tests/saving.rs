//! Saved cards: what is kept of an instrument, and when one is deleted.

use super::*;
use crate::card_keeper::{CardKeeper, Ended, NewCard, Saving};
use schema::ids::CardId;
use secrecy::ExposeSecret;

const SOURCE: &str = "src_gggggggggggggggggggggggggg";

fn card(token: &str) -> NewCard {
    NewCard {
        card: CardId::from_bare("01K9CCCCCCCCCCCCCCCCCCCCCC").unwrap(),
        token: Some(token.into()),
        return_url: String::new(),
    }
}

fn instrument() -> Value {
    json!({"id": SOURCE, "type": "card", "scheme": "Mada", "last4": "0007", "bin": "446404",
        "expiry_month": 5, "expiry_year": 2030, "fingerprint": "f"})
}

#[tokio::test]
async fn of_an_instrument_only_its_id_brand_and_last_digits_are_kept() {
    let server = answers(201, &instrument());
    let saved = checkout(&server).save(&card(TOKEN), WITHIN).await.unwrap();
    let Saving::Ended(Ended::Kept(kept)) = saved else { panic!("{saved:?}") };
    assert_eq!((kept.token.expose_secret(), kept.account.as_str()), (SOURCE, CHANNEL));
    assert_eq!(kept.brand.as_deref().zip(kept.last4.as_deref()), Some(("MADA", "0007")));
    let told = format!("{kept:?}");
    assert!(!told.contains(SOURCE) && !told.contains("446404"), "{told}");
    let asked = server.asked().pop().unwrap();
    assert_eq!(
        (asked.line.as_str(), asked.json()),
        ("POST /instruments", json!({"type": "token", "token": TOKEN}))
    );
}

#[tokio::test]
async fn a_token_that_cannot_be_used_is_the_customers_to_make_again() {
    for (code, word) in [
        ("token_used", "card_token_used"),
        ("token_in_use", "card_token_used"),
        ("token_expired", "card_token_expired"),
        ("token_invalid", "card_token_invalid"),
    ] {
        let server = answers(422, &codes(&[code]));
        let saved = checkout(&server).save(&card(TOKEN), WITHIN).await.unwrap();
        let Saving::Ended(Ended::Refused { code: said }) = saved else { panic!("{saved:?}") };
        assert_eq!(said, word, "{code}");
    }
    let server = answers(201, &instrument());
    let odd = checkout(&server).save(&card("4242"), WITHIN).await.unwrap();
    assert!(matches!(odd, Saving::Ended(Ended::Refused { .. })), "{odd:?}");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_a_refusal_is_ours() {
    for server in lost() {
        assert!(is_unknown(&checkout(&server).save(&card(TOKEN), WITHIN).await));
        assert!(is_unknown(&checkout(&server).forget(&SOURCE.into(), CHANNEL, WITHIN).await));
    }
    let nameless = with(instrument(), "id", "cus_1");
    assert!(is_unknown(&checkout(&answers(201, &nameless)).save(&card(TOKEN), WITHIN).await));
    let key = answers(401, &Value::Null);
    let refused = checkout(&key).save(&card(TOKEN), WITHIN).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_card_that_the_vendor_does_not_know_is_deleted() {
    for status in [204, 404] {
        let server = answers(status, &Value::Null);
        checkout(&server).forget(&SOURCE.into(), CHANNEL, WITHIN).await.unwrap();
        assert_eq!(server.asked()[0].line, format!("DELETE /instruments/{SOURCE}"));
    }
    let server = answers(204, &Value::Null);
    let odd = checkout(&server).forget(&"../payments".into(), CHANNEL, WITHIN).await;
    assert!(matches!(odd, Err(Error::Refused { .. })) && server.asked().is_empty());
}
