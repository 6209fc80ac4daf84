//! Webhooks and returns: what is the vendor's is read, whatever its form; everything else is forged.

use super::*;
use crate::provider::Claim;
use secrecy::ExposeSecret;

fn vendor() -> PayFort {
    PayFort::new(config("http://127.0.0.1:9")).unwrap()
}

fn read(body: &[u8]) -> Result<Hint, Error> {
    vendor().read_webhook(Delivery { header: &|_| None, path: None, body })
}

fn told(code: &str, fields: Value) -> Value {
    let mut fields = fields;
    fields["fort_id"] = FORT_ID.into();
    fields["amount"] = "10580".into();
    answer(code, fields)
}

fn purchase() -> Value {
    told("14000", json!({"command": "PURCHASE", "card_holder_name": "سارة علي", "x": ""}))
}

/// The same fields as a browser would post them.
fn form(fields: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let fields = fields.as_object().unwrap();
    fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn encoded(fields: &[(String, String)]) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()
}

fn is_forged<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Forged { .. }))
}

#[test]
fn each_delivery_claims_what_it_is_about() {
    let (reference, transaction) = (payment().bare(), Some(FORT_ID.to_owned()));
    let claims = |final_success| Claim::Payment {
        reference: reference.clone(),
        transaction: transaction.clone(),
        final_success,
    };
    for (code, command, expected) in [
        ("14000", "PURCHASE", claims(true)),
        ("13666", "PURCHASE", claims(false)),
        ("20064", "PURCHASE", claims(false)),
        ("02000", "AUTHORIZATION", claims(false)),
        ("04000", "CAPTURE", claims(true)),
        ("08000", "VOID_AUTHORIZATION", claims(false)),
        ("06000", "REFUND", claims(false)),
        ("18000", "TOKENIZATION", Claim::Other { kind: "TOKENIZATION".to_owned() }),
        ("14000", "a new one", Claim::Other { kind: "unreadable".to_owned() }),
    ] {
        let body = told(code, json!({"command": command}));
        assert_eq!(read(body.to_string().as_bytes()).unwrap().claim, expected, "{code} {command}");
    }
    let refund = refund_id().bare();
    let body = told("06000", json!({"command": "REFUND", "maintenance_reference": refund}));
    let expected = Claim::Refund { reference: refund, transaction };
    assert_eq!(read(body.to_string().as_bytes()).unwrap().claim, expected);
}

#[test]
fn an_event_has_one_name_as_json_as_a_form_and_in_any_order() {
    let json = read(purchase().to_string().as_bytes()).unwrap();
    assert_eq!(json.event.len(), 40);
    let mut fields = form(&purchase());
    assert_eq!(read(&encoded(&fields)).unwrap(), json);
    fields.reverse();
    assert_eq!(read(&encoded(&fields)).unwrap(), json);
    let escaped = purchase().to_string().replace('س', "\\u0633");
    assert_eq!(read(escaped.as_bytes()).unwrap(), json);
    for other in [
        told("15777", json!({"command": "PURCHASE"})),
        told("14000", json!({"command": "CAPTURE"})),
        told("14000", json!({"command": "PURCHASE", "maintenance_reference": "x"})),
    ] {
        assert_ne!(read(other.to_string().as_bytes()).unwrap().event, json.event);
    }
}

#[test]
fn whatever_is_not_the_vendors_is_forged() {
    let whole = purchase().to_string();
    for field in ["amount", "fort_id", "response_code", "merchant_reference", "merchant_identifier"]
    {
        let mut altered = purchase();
        altered[field] = "1".into();
        assert!(is_forged(&read(altered.to_string().as_bytes())), "{field}");
        altered.as_object_mut().unwrap().remove(field);
        assert!(is_forged(&read(altered.to_string().as_bytes())), "without {field}");
    }
    let mut added = form(&purchase());
    added.push(("discriminator".to_owned(), "x".to_owned()));
    assert!(is_forged(&read(&encoded(&added))));
    let mut unsigned = purchase();
    unsigned.as_object_mut().unwrap().remove("signature");
    let mut swapped = purchase();
    swapped["access_code"] = APPLE.into();
    let mut stranger = purchase();
    stranger["access_code"] = "another".into();
    for body in [
        unsigned.to_string(),
        swapped.to_string(),
        stranger.to_string(),
        whole[..whole.len() - 2].to_owned(),
        whole.replacen('{', "{\"amount\":\"1\",", 1),
        String::new(),
        "{}".to_owned(),
        "null".to_owned(),
        "a=b".to_owned(),
    ] {
        assert!(is_forged(&read(body.as_bytes())), "{body}");
    }
    assert!(is_forged(&read(b"\xff\xfe")));
    let request = channel(CARDS).sign(Message::read(whole.as_bytes()).unwrap().texts());
    let mut ours = purchase();
    ours["signature"] = request.into();
    assert!(is_forged(&read(ours.to_string().as_bytes())), "signed by our own phrase");
}

#[test]
fn an_older_phrase_is_valid_while_phrases_are_exchanged() {
    let channel = channel(CARDS);
    let mut body = purchase();
    let texts = Message::read(body.to_string().as_bytes()).unwrap();
    let older = signing::signature(channel.sha_type, &channel.response_phrases[0], texts.texts());
    body["signature"] = HEXLOWER.encode(&older).into();
    assert!(read(body.to_string().as_bytes()).is_ok());
    let retired = Channel { response_phrases: channel.response_phrases[1..].to_vec(), ..channel };
    let vendor = PayFort::new(Config { cards: retired, ..config("http://127.0.0.1:9") }).unwrap();
    assert!(is_forged(&vendor.read_feedback(body.to_string().as_bytes())));
}

#[test]
fn apple_pays_channel_signs_its_own() {
    let body = signed(purchase(), APPLE);
    assert!(read(body.to_string().as_bytes()).is_ok());
}

fn token_return() -> Vec<(String, String)> {
    form(&answer(
        "18000",
        json!({"service_command": "TOKENIZATION", "token_name": "Op9Vmp",
        "card_bin": "400555", "card_number": "400555******0001", "expiry_date": "3005",
        "return_url": "https://cinema.example/return/payfort"}),
    ))
}

#[test]
fn a_return_brings_the_token_and_the_order_it_is_for() {
    let token = vendor().read_return(payment(), &token_return()).unwrap().unwrap();
    assert_eq!(token.expose_secret(), format!("{}:Op9Vmp", payment().bare()));
    let after_3ds = form(&told("14000", json!({"command": "PURCHASE", "token_name": "Op9Vmp"})));
    assert!(vendor().read_return(payment(), &after_3ds).unwrap().is_none());
    let failed = form(&answer("17000", json!({"service_command": "TOKENIZATION"})));
    assert!(vendor().read_return(payment(), &failed).unwrap().is_none());
    let nothing = [("lang".to_owned(), "ar".to_owned())];
    assert!(vendor().read_return(payment(), &nothing).unwrap().is_none());
    assert!(vendor().read_return(payment(), &[]).unwrap().is_none());
}

#[test]
fn a_return_from_another_payments_page_is_forged_here() {
    let another = PaymentId::from_bare("01K9000000000000000000000X").unwrap();
    assert!(is_forged(&vendor().read_return(another, &token_return())));
    let mut nobodys = answer("18000", json!({"token_name": "Op9Vmp"}));
    nobodys.as_object_mut().unwrap().remove("merchant_reference");
    let nobodys = form(&signed(nobodys, CARDS));
    assert!(is_forged(&vendor().read_return(payment(), &nobodys)));
}

#[test]
fn a_return_that_was_altered_is_forged() {
    for at in 0..token_return().len() {
        let mut altered = token_return();
        altered[at].1.push('x');
        assert!(is_forged(&vendor().read_return(payment(), &altered)), "{}", altered[at].0);
        altered.remove(at);
        assert!(is_forged(&vendor().read_return(payment(), &altered)), "one field less");
    }
    let mut ours = token_return();
    ours.push(("lang".to_owned(), "ar".to_owned()));
    assert!(is_forged(&vendor().read_return(payment(), &ours)));
    let twice = [token_return(), token_return()].concat();
    assert!(is_forged(&vendor().read_return(payment(), &twice)));
    let bare = [("token_name".to_owned(), "Op9Vmp".to_owned())];
    assert!(is_forged(&vendor().read_return(payment(), &bare)));
}
