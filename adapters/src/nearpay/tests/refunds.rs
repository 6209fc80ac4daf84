//! Money that goes back at the terminal or the counter: what proves it, and what a person has to compare.

use super::*;

/// What is shown under the payment's reference, and under the refund's.
async fn find_refund(charged: Value, refunds: Value) -> Result<Option<RefundState>, Error> {
    let server = Scripted::new(move |asked| {
        let refund = asked.line.contains(&refund_id().bare());
        (200, if refund { refunds.to_string() } else { charged.to_string() })
    });
    nearpay(&server).find_refund(&refund_order(), WITHIN).await
}

fn refunded_at_the_counter() -> Value {
    let receipt = with(receipt(REFUND_UUID), "/transaction_type/id", "20");
    with(listed(30, receipt), "/customer_reference_number", refund_id().bare())
}

/// A transaction of this moment, as far as the scripted server's clock is concerned.
fn just_now(receipt: Value) -> Value {
    with(listed(0, receipt), "/created_at", Utc::now().to_rfc3339())
}

#[tokio::test]
async fn a_refund_waits_for_the_terminal_and_nothing_is_sent() {
    let server = answers(500, &Value::Null);
    let state = nearpay(&server).refund(&refund_order(), WITHIN).await.unwrap();
    assert_eq!(state, RefundState::Pending { transaction: UUID.to_owned() });
    assert_eq!(server.asked().len(), 0);
    let nothing_yet = find_refund(list(&[just_now(receipt(UUID))]), list(&[])).await.unwrap();
    assert_eq!(nothing_yet, None);
}

#[tokio::test]
async fn money_goes_back_by_a_reversal_or_under_the_refunds_reference() {
    let done = |id: &str| Some(RefundState::Refunded { transaction: id.to_owned() });
    let reversed = with(receipt(UUID), "/is_reversed", true);
    let found = find_refund(list(&[listed(1, reversed.clone())]), list(&[])).await.unwrap();
    assert_eq!(found, done(UUID));
    let charged = || list(&[listed(1, receipt(UUID))]);
    let found = find_refund(charged(), list(&[refunded_at_the_counter()])).await.unwrap();
    assert_eq!(found, done(REFUND_UUID));
    let less = |of: Value| with(of, "/receipts/0/amount_authorized/value", "6.45");
    let partly = list(&[less(refunded_at_the_counter())]);
    assert!(matches!(find_refund(charged(), partly).await, Err(Error::Unknown { .. })));
    let other = list(&[less(listed(1, reversed))]);
    assert!(matches!(find_refund(other, list(&[])).await, Err(Error::Unknown { .. })));
}

#[tokio::test]
async fn once_no_reversal_can_be_under_way_a_person_refunds_at_the_counter() {
    let charged = |seconds| {
        let at = Utc::now() - TimeDelta::seconds(seconds);
        list(&[with(just_now(receipt(UUID)), "/created_at", at.to_rfc3339())])
    };
    let too_late = async |seconds| {
        let found = find_refund(charged(seconds), list(&[])).await.unwrap();
        matches!(found, Some(RefundState::Rejected { code, .. }) if code == "refund_at_the_counter")
    };
    assert!(!too_late(30).await);
    assert!(!too_late(80).await, "a reversal that was sent in time may still be on its way");
    assert!(too_late(110).await);
    let declined = with(refunded_at_the_counter(), "/receipts/0/is_approved", false);
    let found = find_refund(charged(110), list(&[declined])).await.unwrap();
    assert!(matches!(found, Some(RefundState::Rejected { .. })), "it was tried, and declined");
}

#[tokio::test]
async fn a_look_up_of_a_refund_that_fails_is_no_absence() {
    for (status, body) in [(500, json!({})), (200, json!({})), (401, json!({}))] {
        let server = answers(status, &body);
        assert!(nearpay(&server).find_refund(&refund_order(), WITHIN).await.is_err(), "{status}");
    }
}

/// Of the transaction, after a person has refunded it under another reference.
fn marked() -> Value {
    listed(1, with(receipt(UUID), "/is_refunded", true))
}

/// What was printed of that refund.
fn refund_receipt() -> Value {
    with(receipt(REFUND_UUID), "/transaction_type/id", "20")
}

fn beside(refund: Value) -> Value {
    let mut charged = marked();
    charged["receipts"].as_array_mut().unwrap().push(refund);
    list(&[charged])
}

#[tokio::test]
async fn a_refund_under_another_reference_is_known_by_the_transaction_that_it_is_printed_beside() {
    let done = |id: &str| Some(RefundState::Refunded { transaction: id.to_owned() });
    let found = find_refund(beside(refund_receipt()), list(&[])).await.unwrap();
    assert_eq!(found, done(REFUND_UUID));
    let unnamed = with(refund_receipt(), "/transaction_uuid", Value::Null);
    assert_eq!(find_refund(beside(unnamed), list(&[])).await.unwrap(), done(UUID));
    let less = with(refund_receipt(), "/amount_authorized/value", "6.45");
    assert!(matches!(find_refund(beside(less), list(&[])).await, Err(Error::Unknown { .. })));
}

#[tokio::test]
async fn under_the_payments_reference_it_must_be_clear_which_one_was_refunded() {
    let refund = || listed(30, refund_receipt());
    let found = find_refund(list(&[marked(), refund()]), list(&[])).await.unwrap();
    assert_eq!(found, Some(RefundState::Refunded { transaction: REFUND_UUID.to_owned() }));
    // Of the same amount, but of whatever else was tapped.
    let other = listed(2, receipt("ffffffff-6a3f-4d0f-9b57-1d1c3b0a7f33"));
    let other_marked = with(other, "/receipts/0/is_refunded", true);
    let unmarked = || just_now(receipt(UUID));
    let of_the_other = list(&[unmarked(), other_marked.clone(), refund()]);
    assert_eq!(find_refund(of_the_other, list(&[])).await.unwrap(), None);
    let of_either = list(&[marked(), other_marked, refund()]);
    asks_to_compare(find_refund(of_either, list(&[])).await.unwrap());
}

#[tokio::test]
async fn a_mark_alone_does_not_say_how_much_so_a_person_compares() {
    asks_to_compare(find_refund(list(&[marked()]), list(&[])).await.unwrap());
    let declined = with(refund_receipt(), "/is_approved", false);
    let taken_back = with(refund_receipt(), "/is_reversed", true);
    for undone in [declined, taken_back] {
        asks_to_compare(find_refund(beside(undone), list(&[])).await.unwrap());
    }
    // Under our reference there is no doubt.
    let found = find_refund(list(&[marked()]), list(&[refunded_at_the_counter()])).await.unwrap();
    assert_eq!(found, Some(RefundState::Refunded { transaction: REFUND_UUID.to_owned() }));
}

fn asks_to_compare(found: Option<RefundState>) {
    let Some(RefundState::Rejected { code, .. }) = found else { panic!("{found:?}") };
    assert_eq!(code, "refund_amount_unsaid");
}
