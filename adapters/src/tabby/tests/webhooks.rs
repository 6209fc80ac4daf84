//! What a webhook is believed: nothing without its secret, and with it only whom to ask about.

use super::*;
use crate::provider::Claim;
use proptest::prelude::*;

const SECRET: &str = "s3cr3t-standin";

fn read_with(secrets: &[&str], offered: Option<&str>, body: &[u8]) -> Result<Hint, Error> {
    let webhook_secrets = secrets.iter().map(|secret| (*secret).into()).collect();
    let tabby = Tabby::new(Config { webhook_secrets, ..config("http://127.0.0.1:1") }).unwrap();
    let header = |name: &str| {
        assert_eq!(name, "x-tabby-hook");
        offered.map(str::to_owned)
    };
    tabby.read_webhook(Delivery { header: &header, path: None, body })
}

fn read(body: &Value) -> Hint {
    read_with(&[SECRET], Some(SECRET), body.to_string().as_bytes()).unwrap()
}

fn is_forged(result: &Result<Hint, Error>) -> bool {
    matches!(result, Err(Error::Forged { .. }))
}

/// As Tabby posts one; its statuses are in small letters there.
fn event(status: &str) -> Value {
    json!({"id": ID, "created_at": "2026-11-21T08:45:03Z", "expires_at": "2026-11-21T09:15:03Z",
        "closed_at": null, "status": status, "is_test": true, "is_expired": false,
        "amount": "92.00", "currency": "SAR", "order": {"reference_id": payment_id().bare()},
        "captures": [], "refunds": [], "meta": {}, "token": null})
}

fn capture() -> Value {
    json!([{"id": OTHER_ID, "amount": "92.00", "reference_id": payment_id().bare()}])
}

#[test]
fn the_registered_header_opens_and_nothing_else_does() {
    let body = event("authorized").to_string();
    let body = body.as_bytes();
    assert!(read_with(&[SECRET], Some(SECRET), body).is_ok());
    assert!(read_with(&[SECRET], Some("s3cr3t-standin "), body).is_ok(), "parsers trim it as well");
    for offered in [
        None,
        Some(""),
        Some("s3cr3t-standi"),
        Some("s3cr3t-standin, s3cr3t-standin"),
        Some("S3CR3T-STANDIN"),
    ] {
        assert!(is_forged(&read_with(&[SECRET], offered, body)), "{offered:?}");
    }
    assert!(is_forged(&read_with(&[], Some(SECRET), body)));
    assert!(is_forged(&read_with(&[], Some(""), body)));
}

#[test]
fn two_secrets_open_while_they_are_exchanged() {
    let body = event("authorized").to_string();
    for (secrets, opens) in [(&["old", "new"][..], [true, true]), (&["new"][..], [false, true])] {
        let opened = ["old", "new"].map(|it| read_with(secrets, Some(it), body.as_bytes()).is_ok());
        assert_eq!(opened, opens);
    }
}

#[test]
fn each_event_claims_what_it_is_about() {
    let paid = |final_success| Claim::Payment {
        reference: payment_id().bare(),
        transaction: Some(ID.to_owned()),
        final_success,
    };
    let closed = |captures: Value| with(event("closed"), "captures", captures);
    assert_eq!(read(&event("authorized")).claim, paid(true));
    assert_eq!(read(&event("AUTHORIZED")).claim, paid(true));
    assert_eq!(read(&closed(capture())).claim, paid(true));
    assert_eq!(read(&closed(Value::Null)).claim, paid(false));
    assert_eq!(read(&event("rejected")).claim, paid(false));
    assert_eq!(read(&with(event("expired"), "is_expired", true)).claim, paid(false));
    let refunds = json!([
        {"id": REFUND_ID, "reference_id": refund_id().bare(), "created_at": "2026-11-22T08:00:00Z"},
        {"id": OTHER_ID, "reference_id": "earlier", "created_at": "2026-11-21T08:00:00Z"}]);
    let refund =
        Claim::Refund { reference: refund_id().bare(), transaction: Some(REFUND_ID.to_owned()) };
    assert_eq!(read(&with(closed(capture()), "refunds", refunds)).claim, refund);
    let dispute = json!({"status": "new", "dispute_id": REFUND_ID, "payment_id": ID,
        "amount": "92.00", "currency": "SAR", "created_at": "2026-11-21T08:45:03Z"});
    let chargeback = Claim::Chargeback { reference: None, transaction: Some(ID.to_owned()) };
    assert_eq!(read(&dispute).claim, chargeback);
}

#[test]
fn what_has_not_the_shape_it_is_to_have_is_not_kept() {
    let odd = json!({"reference_id": "Sara Ali, 4111 1111 1111 1111"});
    for body in [
        with(event("authorized"), "order", odd),
        with(event("authorized"), "order", Value::Null),
        with(event("authorized"), "id", "<script>"),
        with(event("paid by Sara"), "id", ID),
        json!({"status": "new", "dispute_id": "x", "payment_id": "y"}),
        json!({"status": 1}),
        json!([]),
    ] {
        let hint = read(&body);
        assert!(matches!(hint.claim, Claim::Other { .. }), "{hint:?}");
        assert!(!format!("{hint:?}").contains("Sara"), "{hint:?}");
    }
    for body in [&b""[..], b"\xff\xfe", b"{", b"authorized", b"{\"status\":\"\\u0031\"}"] {
        assert!(is_forged(&read_with(&[SECRET], Some(SECRET), body)), "{body:?}");
    }
    let deep = [b"{\"status\":\"closed\",\"meta\":".to_vec(), b"[".repeat(100_000)].concat();
    assert!(is_forged(&read_with(&[SECRET], Some(SECRET), &deep)));
}

#[test]
fn an_event_has_one_name_however_it_is_written() {
    let name = |body: &Value| read(body).event;
    let authorized = name(&event("authorized"));
    assert!((26..=64).contains(&authorized.len()));
    assert_eq!(name(&event("AUTHORIZED")), authorized);
    assert_eq!(name(&with(event("authorized"), "captures", Value::Null)), authorized);
    assert_eq!(name(&with(event("authorized"), "amount", "92")), authorized);
    let captured = with(event("closed"), "captures", capture());
    let back = with(captured.clone(), "refunds", json!([{"id": REFUND_ID}]));
    let twice = json!([{"id": REFUND_ID}, {"id": OTHER_ID}]);
    let reversed = json!([{"id": OTHER_ID}, {"id": REFUND_ID}]);
    let twice = with(captured.clone(), "refunds", twice);
    assert_eq!(name(&twice), name(&with(captured.clone(), "refunds", reversed)));
    let moved = with(event("closed"), "refunds", capture());
    let all =
        [event("authorized"), event("closed"), captured, back, twice, moved].map(|it| name(&it));
    let different: std::collections::BTreeSet<&String> = all.iter().collect();
    assert_eq!(different.len(), all.len());
}

proptest! {
    /// Nothing is signed: the secret is all there is, and every byte of it counts.
    #[test]
    fn any_flipped_byte_of_the_secret_is_refused(at in 0..SECRET.len(), flip in 1..128_u8) {
        let mut offered = SECRET.as_bytes().to_vec();
        offered[at] ^= flip;
        let offered = String::from_utf8(offered).unwrap();
        prop_assume!(offered.trim() != SECRET);
        let body = event("authorized").to_string();
        prop_assert!(is_forged(&read_with(&[SECRET, "other"], Some(&offered), body.as_bytes())));
    }

    /// Whatever is posted is read or refused, and never anything else.
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let said = read_with(&[SECRET], Some(SECRET), &body);
        let harmless = said.as_ref().is_ok_and(|hint| matches!(hint.claim, Claim::Other { .. }));
        prop_assert!(harmless || is_forged(&said));
    }
}
