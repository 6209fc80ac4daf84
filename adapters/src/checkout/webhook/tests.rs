//! Deliveries that the vendor wrote, and everything that only looks like one.

use super::*;
use proptest::prelude::*;
use serde_json::json;

const KEY: &str = "cko-standin-signature-key-0001";
const OTHER_KEY: &str = "cko-standin-signature-key-0002";
const TEXT: &str = "webhook-authorization-of-a-test";

const APPROVED: &str = r#"{"id":"evt_aaaaaaaaaaaaaaaaaaaaaaaaaa","type":"payment_approved","timestamp":"2026-11-21T10:00:00Z","data":{"id":"pay_bbbbbbbbbbbbbbbbbbbbbbbbbb","action_id":"act_cccccccccccccccccccccccccc","reference":"BK-1001","amount":6450,"currency":"SAR","response_code":"10000"}}"#;
const DECLINED: &str = r#"{"id":"evt_dddddddddddddddddddddddddd","type":"payment_declined","data":{"id":"pay_bbbbbbbbbbbbbbbbbbbbbbbbbb","reference":"حجز-7","amount":6450,"currency":"SAR","response_code":"20051"}}"#;

/// Computed with OpenSSL and with Python's `hmac`.
const OF_APPROVED: &str = "1eb2640f55cf8807495ebb18b63586e845219bdf1fef1effaebba9643ddf5dcc";
const OF_ANOTHER_AMOUNT: &str = "df51bb31897f916b42a6ae1982b2ef84db39d65a119aa0c22b92d0352806206b";
const OF_DECLINED: &str = "8fa2b0646b39bd8119de2d67653f785f4563165a7ef10bf4cb4ef6dd1de85fd1";
const OF_DECLINED_ESCAPED: &str =
    "76265ed83bbf008054b6e48b4717ec3ab3983e4b16cfc4a4095ad803a2f8fa67";
const OF_NOTHING: &str = "d0c01d9c6548bab192aa1bd3e85960daa28c06989dc1e332b4e23988fc8ee7ca";
const OF_APPROVED_AND_A_LINE_FEED: &str =
    "2f3fecfda9679f3eda8b4bbda666ab35bea3f8ed3a2c0f72f28df4ed624ad6fa";
const OF_APPROVED_WITH_SPACES: &str =
    "4c3c49b7bec4f4c7dc7abe15910d22d5ee3692ffa6553049560fbd1a578f41d2";
const OF_APPROVED_BY_OTHER_KEY: &str =
    "77a68b75803c2872fd815f69f9b9a10670902c891cae4e02d3c8dcb3075867e9";

fn secrets(keys: &[&str], texts: &[&str]) -> Secrets {
    let all =
        |texts: &[&str]| -> Vec<SecretString> { texts.iter().map(|text| (*text).into()).collect() };
    Secrets::new(&all(keys), &all(texts)).unwrap()
}

fn deliver(
    secrets: &Secrets,
    signature: Option<&str>,
    authorization: Option<&str>,
    body: &[u8],
) -> Result<Hint, Error> {
    let header = |name: &str| match name {
        "cko-signature" => signature.map(str::to_owned),
        "authorization" => authorization.map(str::to_owned),
        _ => None,
    };
    read(secrets, Delivery { header: &header, path: None, body })
}

/// Under the first key, with the right authorization.
fn arrives(signature: &str, body: &[u8]) -> Result<Hint, Error> {
    deliver(&secrets(&[KEY], &[TEXT]), Some(signature), Some(TEXT), body)
}

fn sign(body: &[u8]) -> String {
    HEXLOWER.encode(&keyed(KEY).unwrap().chain_update(body).finalize().into_bytes())
}

fn hint(event: &Value) -> Hint {
    let body = event.to_string();
    arrives(&sign(body.as_bytes()), body.as_bytes()).unwrap()
}

fn is_forged(answer: &Result<Hint, Error>) -> bool {
    matches!(answer, Err(Error::Forged { .. }))
}

fn respaced() -> String {
    APPROVED.replace("\":", "\": ").replace(",\"", ", \"")
}

fn escaped() -> String {
    DECLINED.chars().fold(String::new(), |text, c| match c {
        c if c.is_ascii() => text + &c.to_string(),
        c => text + &format!("\\u{:04x}", u32::from(c)),
    })
}

#[test]
fn the_raw_bytes_are_signed_and_nothing_like_them() {
    assert_eq!((APPROVED.len(), respaced().len(), escaped().len()), (269, 287, 202));
    let tampered = APPROVED.replace("6450", "6451");
    let longer = format!("{APPROVED}\n");
    let signed = [
        (APPROVED, OF_APPROVED),
        (&tampered, OF_ANOTHER_AMOUNT),
        (DECLINED, OF_DECLINED),
        (&escaped(), OF_DECLINED_ESCAPED),
        ("", OF_NOTHING),
        (&longer, OF_APPROVED_AND_A_LINE_FEED),
        (&respaced(), OF_APPROVED_WITH_SPACES),
    ];
    for (body, signature) in signed {
        assert_eq!(sign(body.as_bytes()), signature);
        for (other, _) in signed {
            let arrived = arrives(signature, other.as_bytes());
            assert_eq!(arrived.is_ok(), other == body, "{other} under the signature of {body}");
        }
    }
}

#[test]
fn signatures_are_hex_of_either_case_and_all_of_it() {
    assert!(arrives(&OF_APPROVED.to_uppercase(), APPROVED.as_bytes()).is_ok());
    assert!(arrives(&format!(" {OF_APPROVED} "), APPROVED.as_bytes()).is_ok());
    for odd in
        ["", "1e", &OF_APPROVED[..62], &OF_APPROVED[..63], "zz", &format!("{OF_APPROVED}00"), "١"]
    {
        assert!(is_forged(&arrives(odd, APPROVED.as_bytes())), "{odd}");
    }
    let without = deliver(&secrets(&[KEY], &[TEXT]), None, Some(TEXT), APPROVED.as_bytes());
    assert!(is_forged(&without));
}

#[test]
fn old_and_new_secrets_are_both_good_while_they_are_exchanged() {
    let body = APPROVED.as_bytes();
    let both = secrets(&[OTHER_KEY, KEY], &["another-text", TEXT]);
    for signature in [OF_APPROVED, OF_APPROVED_BY_OTHER_KEY] {
        for text in ["another-text", TEXT] {
            assert!(deliver(&both, Some(signature), Some(text), body).is_ok());
        }
    }
    assert!(is_forged(&arrives(OF_APPROVED_BY_OTHER_KEY, body)));
}

#[test]
fn a_good_signature_is_not_enough() {
    let body = APPROVED.as_bytes();
    let only = secrets(&[KEY], &[TEXT]);
    for text in [None, Some(""), Some("Bearer sk"), Some(&TEXT[1..]), Some(KEY)] {
        assert!(is_forged(&deliver(&only, Some(OF_APPROVED), text, body)), "{text:?}");
    }
    assert!(is_forged(&deliver(&secrets(&[KEY], &[]), Some(OF_APPROVED), Some(TEXT), body)));
    assert!(is_forged(&deliver(&secrets(&[], &[TEXT]), Some(OF_APPROVED), Some(TEXT), body)));
    assert!(Secrets::new(&["".into()], &[]).is_err(), "anybody could sign with no key");
    assert!(Secrets::new(&[], &["".into()]).is_err());
}

fn any_event() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 1..300)
}

proptest! {
    #[test]
    fn any_flipped_bit_fails(body in any_event(), place in any::<prop::sample::Index>(), bit in 0..8) {
        let signature = sign(&body);
        prop_assert!(arrives(&signature, &body).is_ok());
        let mut tampered = body.clone();
        tampered[place.index(body.len())] ^= 1_u8 << bit;
        prop_assert!(is_forged(&arrives(&signature, &tampered)));
        let mut bytes = HEXLOWER.decode(signature.as_bytes()).unwrap();
        let at = place.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        prop_assert!(is_forged(&arrives(&HEXLOWER.encode(&bytes), &body)));
    }

    #[test]
    fn nothing_signed_is_too_odd_to_be_read(body in any_event()) {
        let hint = arrives(&sign(&body), &body).unwrap();
        prop_assert_eq!(hint.event.len(), EVENT_CHARS);
        prop_assert_eq!(hint.claim, Claim::Other { kind: "unreadable".to_owned() });
    }
}

#[test]
fn an_event_has_one_name_in_every_delivery_and_both_envelopes() {
    let data = json!({"id": "pay_bbbbbbbbbbbbbbbbbbbbbbbbbb", "reference": "R-1"});
    let first = json!({"id": "evt_1", "type": "payment_captured", "source": "gateway",
        "version": "1.0.29", "timestamp": "2026-11-21T10:00:00Z", "data": data});
    let second = json!({"id": "evt_1", "type": "payment_captured", "data": data,
        "created_on": "2026-11-21T10:00:07Z"});
    assert_eq!(hint(&first), hint(&second));
    let other = json!({"id": "evt_2", "type": "payment_captured", "data": data});
    assert_ne!(hint(&first).event, hint(&other).event);
    let name = hint(&first).event;
    assert!(name.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()));
}

#[test]
fn each_event_claims_what_it_is_about() {
    let (pay, act) = ("pay_bbbbbbbbbbbbbbbbbbbbbbbbbb", "act_cccccccccccccccccccccccccc");
    let of = |kind: &str| {
        hint(&json!({"id": "evt_1", "type": kind, "data": {"id": pay, "action_id": act,
            "reference": "R-1", "payment_reference": "P-1", "payment_id": pay}}))
        .claim
    };
    let payment = |final_success| Claim::Payment {
        reference: "R-1".to_owned(),
        transaction: Some(pay.to_owned()),
        final_success,
    };
    for (kind, taken) in [
        ("payment_captured", true),
        ("payment_approved", false),
        ("payment_declined", false),
        ("payment_capture_pending", false),
        ("payment_capture_declined", false),
        ("payment_expired", false),
    ] {
        assert_eq!(of(kind), payment(taken), "{kind}");
    }
    let refund = Claim::Refund { reference: "R-1".to_owned(), transaction: Some(act.to_owned()) };
    for kind in ["payment_refunded", "payment_refund_declined", "payment_voided"] {
        assert_eq!(of(kind), refund, "{kind}");
    }
    let chargeback =
        Claim::Chargeback { reference: Some("P-1".to_owned()), transaction: Some(pay.to_owned()) };
    assert_eq!(of("dispute_received"), chargeback);
    for kind in ["dispute_won", "card_verified", "authentication_failed"] {
        assert_eq!(of(kind), Claim::Other { kind: kind.to_owned() });
    }
}

#[test]
fn nothing_of_an_event_is_kept_that_does_not_look_like_what_it_is() {
    let other = |kind: &str| Claim::Other { kind: kind.to_owned() };
    let arrived = arrives(OF_DECLINED, DECLINED.as_bytes()).unwrap();
    assert_eq!(arrived.claim, other("payment_declined"), "no reference of ours is Arabic");
    let event = |reference: &str, id: &str| {
        hint(&json!({"id": "evt_1", "type": "payment_captured",
            "data": {"id": id, "reference": reference}}))
        .claim
    };
    let payment = |transaction| Claim::Payment {
        reference: "R-1".to_owned(),
        transaction,
        final_success: true,
    };
    assert_eq!(event("R-1", "pay_../x"), payment(None));
    assert_eq!(event("4111111111111111", "pay_1"), other("payment_captured"), "starred out");
    assert_eq!(hint(&json!({"type": "<script>"})).claim, other("unreadable"));
    let broken = "{\"id\":\"evt_1\",\"type\":\"authentication_failed\",\"scheme\":\"\u{fffd}";
    let arrived = arrives(&sign(broken.as_bytes()), broken.as_bytes()).unwrap();
    assert_eq!(arrived.claim, other("unreadable"));
}
