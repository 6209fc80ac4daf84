//! What a person may decide about a step, and what the evidence of *settled* must say. It is read where it comes in, as
//! the waiting step's own answer, so that no workflow ever stumbles over it.

use crate::{
    booking_steps::{CancelOrder, ConfirmOrder, OrderCancelled, ReleaseBooking},
    capturing::{ASK_CAPTURE, CapturePayment},
    refunds::{ASK_REFUND, SendRefund},
    step::{Stored, VendorStep},
};
use adapters::{
    provider::{CaptureState, RefundState},
    vista::{ConfirmAnswer, ReleaseAnswer, VistaBooking},
};
use schema::{cases::Decision, provider::Provider};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// The evidence does not say what it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insufficient {
    pub expected: &'static str,
}

/// What a person may decide about a step that was refused.
pub fn decisions(step: &str) -> &'static [Decision] {
    match step {
        // Money that is owed is not called off.
        SendRefund::NAME => &[Decision::Retry, Decision::Settled],
        // These are asked about all the time.
        ASK_REFUND => &[Decision::Settled],
        // Given up is not collected: the ticket is out, and the booking says that nothing was taken.
        ASK_CAPTURE => &[Decision::Settled, Decision::GiveUp],
        ConfirmOrder::NAME | CancelOrder::NAME | ReleaseBooking::NAME | CapturePayment::NAME => {
            &[Decision::Retry, Decision::Settled, Decision::GiveUp]
        }
        // Before the money: nobody does these by hand.
        _ => &[Decision::Retry, Decision::GiveUp],
    }
}

/// What the evidence of *settled* must be, for people. `vendor` has the booking's money.
pub fn expected(step: &str, vendor: Option<Provider>) -> &'static str {
    match step {
        ConfirmOrder::NAME => {
            r#"{"vista_booking_id": "…", "vista_booking_number": "…"}, of the booking that was made at Vista"#
        }
        SendRefund::NAME | ASK_REFUND => {
            r#"{"transaction": "…"}, the vendor's or the bank's reference of the money that went back"#
        }
        CapturePayment::NAME | ASK_CAPTURE => match vendor {
            Some(Provider::HyperPay) => {
                r#"{"transaction": "…"}, the unique id of the capture (CP) in HyperPay's portal: 32 hex digits"#
            }
            Some(Provider::PayFort) => {
                r#"{"transaction": "…"}, the order's FORT id in PayFort's portal: 15 to 20 digits"#
            }
            Some(Provider::Checkout) => {
                r#"{"transaction": "…"}, the capture's action id (act_…) or the payment's (pay_…) in Checkout.com's portal"#
            }
            Some(Provider::Tabby) => {
                r#"{"transaction": "…"}, the capture's or the payment's id in Tabby's portal: a UUID"#
            }
            Some(Provider::NearPay) | None => {
                r#"{"transaction": "…"}, the vendor's transaction that took the money, as its portal shows it"#
            }
        },
        _ => r#"{"seen": "…"}, what you have seen, and where"#,
    }
}

/// Reads the evidence as the step's stored answer. None: no call waits for it, and being said is all it is for.
/// `cinema` is the one that the case's booking is for, and `vendor` has its money.
pub fn answer(
    step: &str,
    evidence: &Value,
    (cinema, vendor): (Option<&str>, Option<Provider>),
) -> Result<Option<Value>, Insufficient> {
    let answer = match step {
        ConfirmOrder::NAME => booked(evidence, cinema).map(stored::<ConfirmOrder<'_>>),
        SendRefund::NAME => money_is_back(evidence)
            .map(|transaction| stored::<SendRefund<'_>>(RefundState::Refunded { transaction })),
        ASK_REFUND => money_is_back(evidence).map(|_| None),
        CapturePayment::NAME => {
            let captured = |taken_as| CaptureState::Captured { transaction: Some(taken_as) };
            money_is_taken(evidence, vendor).map(|it| stored::<CapturePayment<'_>>(captured(it)))
        }
        ASK_CAPTURE => money_is_taken(evidence, vendor).map(|_| None),
        CancelOrder::NAME => seen(evidence).map(|_| stored::<CancelOrder<'_>>(OrderCancelled)),
        ReleaseBooking::NAME => {
            seen(evidence).map(|_| stored::<ReleaseBooking<'_>>(ReleaseAnswer::Released))
        }
        _ => seen(evidence).map(|_| None),
    };
    answer.ok_or(Insufficient { expected: expected(step, vendor) })
}

/// Our own answers can always be written.
fn stored<S: VendorStep>(answer: S::Answer) -> Option<Value> {
    serde_json::to_value(Stored { v: 1, answer }).ok()
}

/// Vista's booking that the evidence names, if it names one.
pub fn vista_booking(evidence: Option<&Value>) -> Option<String> {
    let named = evidence?.get("vista_booking_id")?.as_str()?;
    Some(named.to_owned())
}

fn booked(evidence: &Value, cinema: Option<&str>) -> Option<ConfirmAnswer> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Booked {
        vista_booking_id: String,
        vista_booking_number: String,
    }
    let Booked { vista_booking_id: id, vista_booking_number: number } = read(evidence)?;
    let sound = (1..=32).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && (1..=20).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit());
    let cinema = cinema.filter(|_| sound)?.to_owned();
    Some(ConfirmAnswer::Booked(VistaBooking { booking_id: id, booking_number: number, cinema }))
}

/// Money that moved, by whatever it is known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Moved {
    transaction: String,
}

/// The reference under which the money went back.
pub(crate) fn money_is_back(evidence: &Value) -> Option<String> {
    let Moved { transaction } = read(evidence)?;
    let sound = (1..=128).contains(&transaction.len())
        && transaction.bytes().all(|byte| byte.is_ascii_graphic());
    sound.then_some(transaction)
}

/// The vendor's transaction that took reserved money, in the shape of its ids.
pub(crate) fn money_is_taken(evidence: &Value, vendor: Option<Provider>) -> Option<String> {
    let Moved { transaction } = read(evidence)?;
    let text = transaction.as_str();
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let sound = match vendor {
        Some(Provider::HyperPay) => text.len() == 32 && is_hex(text),
        Some(Provider::PayFort) => {
            (15..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        }
        Some(Provider::Checkout) => {
            let rest = text.strip_prefix("act_").or_else(|| text.strip_prefix("pay_"));
            let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            rest.is_some_and(|rest| rest.len() == 26 && rest.bytes().all(word))
        }
        Some(Provider::Tabby) => {
            let groups: Vec<&str> = text.split('-').collect();
            let lengths = groups.iter().map(|group| group.len());
            lengths.eq([8, 4, 4, 4, 12]) && groups.iter().all(|group| is_hex(group))
        }
        // Nobody reserves money there.
        Some(Provider::NearPay) | None => false,
    };
    sound.then_some(transaction)
}

fn seen(evidence: &Value) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Seen {
        seen: String,
    }
    let Seen { seen } = read(evidence)?;
    let sound = !seen.trim().is_empty() && seen.len() <= 2_000 && !seen.contains(char::is_control);
    sound.then_some(seen)
}

fn read<T: DeserializeOwned>(evidence: &Value) -> Option<T> {
    serde_json::from_value(evidence.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOBODYS: (Option<&str>, Option<Provider>) = (None, None);

    #[test]
    fn a_booking_made_by_hand_is_the_answer_of_confirming() {
        let evidence = json!({"vista_booking_id": "WXY12", "vista_booking_number": "100231"});
        let answer = answer("confirm_order", &evidence, (Some("0001"), None)).unwrap().unwrap();
        let read: Stored<ConfirmAnswer> = serde_json::from_value(answer).unwrap();
        let ConfirmAnswer::Booked(booking) = read.answer else { panic!("not booked") };
        let VistaBooking { booking_id, booking_number, cinema } = booking;
        assert_eq!([booking_id, booking_number, cinema], ["WXY12", "100231", "0001"]);
    }

    #[test]
    fn money_given_back_by_hand_is_the_answer_of_the_refund() {
        let evidence = json!({"transaction": "8ac7a4a1"});
        let stored = answer("send_refund", &evidence, NOBODYS).unwrap().unwrap();
        let read: Stored<RefundState> = serde_json::from_value(stored).unwrap();
        assert_eq!(read.answer, RefundState::Refunded { transaction: "8ac7a4a1".to_owned() });
        assert_eq!(answer("ask_refund", &evidence, NOBODYS), Ok(None));
    }

    #[test]
    fn money_taken_by_hand_names_the_vendors_transaction_as_that_vendor_does() {
        let ids = [
            (Provider::HyperPay, "8ac7a4a2900000010190000000000001"),
            (Provider::PayFort, "169996200000132829"),
            (Provider::Checkout, "act_y3oqhf46pyzuxjbcn2giaqnb44"),
            (Provider::Tabby, "6c1b0a5e-8f3d-4b52-9c07-2f6a1d3e4b5c"),
        ];
        for vendor in Provider::ALL {
            for (owner, transaction) in ids {
                let (about, evidence) =
                    ((None, Some(vendor)), json!({ "transaction": transaction }));
                let stored = answer("capture_payment", &evidence, about);
                let asked = answer("ask_capture", &evidence, about);
                if owner != vendor {
                    let expected = expected("ask_capture", Some(vendor));
                    assert_eq!(stored, Err(Insufficient { expected }), "{vendor} {transaction}");
                    assert_eq!(asked, Err(Insufficient { expected }), "{vendor} {transaction}");
                    continue;
                }
                let stored = stored.unwrap().unwrap();
                let read: Stored<CaptureState> = serde_json::from_value(stored).unwrap();
                let transaction = Some(transaction.to_owned());
                assert_eq!(read.answer, CaptureState::Captured { transaction });
                assert_eq!(asked, Ok(None));
            }
            for said in ["", "yes", "i saw it in the portal", "looks-quite-all-right", "1"] {
                for step in ["capture_payment", "ask_capture"] {
                    for field in ["transaction", "seen"] {
                        let said = answer(step, &json!({ field: said }), (None, Some(vendor)));
                        assert!(said.is_err(), "{vendor} {step}: {said:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_undo_done_by_hand_is_its_answer() {
        let evidence = json!({"seen": "Vista's back office: cancelled at 14:03"});
        let released = answer("release_booking", &evidence, NOBODYS).unwrap().unwrap();
        let read: Stored<ReleaseAnswer> = serde_json::from_value(released).unwrap();
        assert_eq!(read.answer, ReleaseAnswer::Released);
        let cancelled = answer("cancel_order", &evidence, NOBODYS).unwrap().unwrap();
        let read: Stored<OrderCancelled> = serde_json::from_value(cancelled).unwrap();
        assert_eq!(read.answer, OrderCancelled);
    }

    #[test]
    fn a_fact_is_settled_by_what_was_seen() {
        assert_eq!(
            answer("settle:8ac7", &json!({"seen": "the vendor's portal"}), NOBODYS),
            Ok(None)
        );
    }

    #[test]
    fn evidence_that_does_not_say_it_is_refused() {
        let number = json!({"vista_booking_id": "W", "vista_booking_number": "one"});
        let spaces = json!({"vista_booking_id": "W X", "vista_booking_number": "1"});
        let more = json!({"transaction": "1", "amount": 2});
        for (step, evidence) in [
            ("confirm_order", json!({"transaction": "1"})),
            ("confirm_order", number),
            ("confirm_order", spaces),
            ("send_refund", json!({"transaction": ""})),
            ("send_refund", more),
            ("ask_refund", json!({"seen": "it"})),
            ("release_booking", json!({"seen": " "})),
            ("ask_vendor", json!("seen")),
        ] {
            let insufficient = Insufficient { expected: expected(step, None) };
            assert_eq!(answer(step, &evidence, (Some("0001"), None)), Err(insufficient), "{step}");
        }
    }

    #[test]
    fn settled_is_offered_exactly_where_evidence_is_an_answer() {
        for step in ["create_order", "hold_seats", "price_order", "open_payment"] {
            assert_eq!(decisions(step), [Decision::Retry, Decision::GiveUp], "{step}");
        }
        for step in ["confirm_order", "cancel_order", "release_booking", "send_refund"] {
            assert!(decisions(step).contains(&Decision::Settled), "{step}");
        }
        for (step, can_be_given_up) in [
            ("send_refund", false),
            ("ask_refund", false),
            ("capture_payment", true),
            ("ask_capture", true),
        ] {
            let offered = decisions(step).contains(&Decision::GiveUp);
            assert_eq!(offered, can_be_given_up, "{step}");
        }
    }
}
