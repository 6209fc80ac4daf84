//! Money that comes twice, too late or unheard: it wins its booking once, or goes back by itself.

use harness::{Customer, Order, Shopper, Way, visit};
use serde_json::{Value, json};

#[tokio::test]
async fn of_two_approved_payments_one_wins_and_the_other_goes_back() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let first = booking.opens_payment().await;
    let second = booking.opens_payment().await;
    second.shopper(Shopper::Approves).await;
    first.shopper(Shopper::Approves).await;

    booking.until_refunded().await;
    booking.until_ticket().await;
    let mut verdicts = [first.looks().await, second.looks().await]
        .map(|payment| payment["verdict"].as_str().unwrap_or_default().to_owned());
    verdicts.sort();
    assert_eq!(verdicts, ["LATE", "WON"]);
    visit.assert_balanced().await;
}

#[tokio::test]
async fn money_from_two_vendors_is_kept_once_and_the_customer_is_told_of_the_other() {
    let visit = visit().await;
    // What comes second is taken already, or only reserved.
    for (wins, goes_back) in
        [(Way::Tabby, Way::HyperPayPage), (Way::HyperPayPage, Way::CheckoutCard)]
    {
        let booking = visit.customer().books(Order::new(&visit)).await;
        let second = booking.opens(goes_back).await;
        let first = booking.opens(wins).await;
        first.is_made().await;
        let won = |view: &Value| view["payments"].to_string().contains("\"WON\"");
        booking.until_so("money that has won", won).await;
        second.shopper(Shopper::Approves).await;

        booking.until_ticket().await;
        let view = booking.until_refunded().await;
        let verdicts = [first.looks().await, second.looks().await]
            .map(|payment| payment["verdict"].as_str().unwrap_or_default().to_owned());
        assert_eq!(verdicts, ["WON", "LATE"], "{wins:?} {goes_back:?}");
        let says = &view["standing"]["says"];
        let (en, ar) = (says["en"].as_str().unwrap(), says["ar"].as_str().unwrap());
        assert!(en.contains("Another payment of 115.00 SAR has gone back to you in full."), "{en}");
        assert!(ar.contains("أُعيدت إليك دفعة أخرى بمبلغ 115.00 ريال كاملة."), "{ar}");
    }
    visit.assert_balanced().await;
}

#[tokio::test]
async fn money_paid_after_a_cancel_goes_back() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.opens_payment().await;
    assert_eq!(booking.cancels().await.status, 200);
    payment.shopper(Shopper::Approves).await;

    let view = booking.until_refunded().await;
    assert_eq!(view["status"], "CANCELLED");
    assert_eq!(payment.looks().await["verdict"], "LATE");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn money_paid_after_expiry_goes_back() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.opens_payment().await;
    booking.until("EXPIRED").await;
    payment.shopper(Shopper::Approves).await;

    let view = booking.until_refunded().await;
    assert_eq!(view["status"], "EXPIRED");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_payment_nobody_tells_us_about_is_found_by_asking() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.opens_payment().await;
    visit.hyperpay().fails("webhook", payment.reference(), "lost").await;
    payment.shopper(Shopper::Approves).await;

    booking.until_ticket().await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_payment_that_stays_undecided_for_a_while_wins_in_the_end() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.opens_payment().await;
    visit.hyperpay().fails("pay", payment.reference(), "pending_2").await;
    payment.shopper(Shopper::Approves).await;

    booking.until_ticket().await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_browser_that_comes_back_is_sent_on_and_the_vendor_is_asked() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.opens_payment().await;
    visit.hyperpay().fails("webhook", payment.reference(), "lost").await;
    payment.shopper(Shopper::Approves).await;

    let back = booking.customer.gets(&format!("/return/hyperpay/{}", payment.id)).await;
    assert!([200, 303].contains(&back.status), "{back:?}");
    let nobodys = booking.customer.gets("/return/hyperpay/pay_00000000000000000000000000").await;
    assert_eq!(nobodys.status, 404);
    booking.until_ticket().await;
    visit.assert_balanced().await;
}

/// Money that comes too late, and whose way back goes wrong like this.
async fn a_refund_happens_once_in_spite_of(fault: &str) {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.opens_payment().await;
    booking.cancels().await;
    visit.hyperpay().fails("refund", payment.reference(), fault).await;
    payment.shopper(Shopper::Approves).await;

    booking.until_refunded().await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_refund_whose_answer_is_lost_happens_once() {
    a_refund_happens_once_in_spite_of("timeout_after").await;
}

#[tokio::test]
async fn a_refund_that_is_done_after_its_failure_happens_once() {
    a_refund_happens_once_in_spite_of("late_commit").await;
}

#[tokio::test]
async fn a_refund_that_never_arrived_is_sent_again() {
    a_refund_happens_once_in_spite_of("timeout_before").await;
}

#[tokio::test]
async fn a_refund_that_stays_pending_is_waited_for() {
    a_refund_happens_once_in_spite_of("pending_2").await;
}

#[tokio::test]
async fn the_same_wish_to_pay_is_one_payment() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let key = Customer::key();
    let first = booking.tries_to_pay(&key).await;
    let again = booking.tries_to_pay(&key).await;
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.body["id"], again.body["id"]);

    booking.cancels().await;
    let late = booking.tries_to_pay(&Customer::key()).await;
    late.assert_problem(409, "booking_takes_no_payment");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn who_names_no_vendor_gets_one_and_has_one_way_to_pay_at_a_time() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let (key, anybody) = (Customer::key(), json!({}));
    let first = booking.tries_to_pay_with(&key, &anybody).await;
    assert_eq!((first.status, &first.body["provider"]), (202, &json!("hyperpay")), "{first:?}");
    let again = booking.tries_to_pay_with(&key, &anybody).await;
    assert_eq!((again.status, &again.body["id"]), (202, &first.body["id"]), "{again:?}");
    let second = booking.tries_to_pay_with(&Customer::key(), &anybody).await;
    second.assert_problem(409, "payment_under_way");
    // Who names a vendor means it.
    assert_eq!(booking.tries_to_pay(&Customer::key()).await.status, 202);
    visit.assert_balanced().await;
}

#[tokio::test]
async fn ways_to_pay_that_nobody_takes_are_refused_and_change_nothing() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let token = json!({ "with": "token", "token": "tok_abcdefgh" });
    let stc = |phone: &str| json!({ "pay": { "with": "stc_pay", "phone": phone } });
    for (body, status, code) in [
        (json!({ "provider": "hyperpay", "pay": token }), 409, "not_taken_here"),
        (json!({ "pay": token }), 400, "provider_wanted"),
        (json!({ "provider": "nobody" }), 400, "invalid_body"),
        (json!({ "pay": { "with": "token", "token": "a b" } }), 400, "invalid_token"),
        (
            json!({ "pay": { "with": "apple_pay", "payment": "text" } }),
            400,
            "invalid_apple_payment",
        ),
        (stc("0512345678"), 400, "invalid_phone"),
        (json!({ "buyer": { "email": "nobody" } }), 400, "invalid_buyer"),
        (json!({ "pay": { "with": "page", "amount": 1 } }), 400, "invalid_body"),
    ] {
        let answer = booking.tries_to_pay_with(&Customer::key(), &body).await;
        answer.assert_problem(status, code);
    }
    assert_eq!(booking.looks().await["payments"], json!([]));

    let payment = booking.opens_payment().await;
    let path = format!("/api/v1/orders/{}/payments/{}/otp", booking.id, payment.id);
    let otp = json!({ "otp": "123456" });
    let answer = booking.customer.posts(&path, &Customer::key(), &otp).await;
    answer.assert_problem(409, "waits_for_nothing");
    let answer = booking.customer.posts(&path, &Customer::key(), &json!({ "otp": "12 45" })).await;
    answer.assert_problem(400, "invalid_otp");
    let answer = visit.customer().posts(&path, &Customer::key(), &otp).await;
    answer.assert_problem(404, "not_found");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_payment_still_undecided_after_its_session_is_a_case_and_still_found_when_it_is_decided()
{
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let payment = booking.opens_payment().await;
    visit.hyperpay().stays_pending(payment.reference(), 40_000).await;
    payment.tries(Shopper::Approves).await;

    visit.until_case("payment_pending_after_its_session", &booking).await;
    booking.until_refunded().await;
    visit.assert_balanced_but_for(&["payment_pending_after_its_session"]).await;
}
