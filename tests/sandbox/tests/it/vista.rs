//! The cinema system: seats, timers, completions and their undoing.

use crate::harness::{Sandbox, completion, eventually};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_held_order_completes_into_a_booking_that_every_look_up_finds() {
    let sandbox = Sandbox::start().await;
    let (usid, done) = sandbox.booking().await;
    assert_eq!(done["VistaBookingId"].as_str().unwrap().len(), 7);
    let status = sandbox
        .vista("resttICKETING.svc/order/bookingstatus/", json!({"UserSessionId": usid}))
        .await;
    assert_eq!(status["OrderSummary"]["VistaBookingId"], done["VistaBookingId"]);
    for asked in [
        json!({"CinemaId": "0001", "BookingNumber": done["VistaBookingNumber"]}),
        json!({"BookingId": done["VistaBookingId"]}),
        json!({"CinemaId": "0001", "UserSessionId": usid}),
    ] {
        let found = sandbox.vista("RESTBooking.svc/booking", asked).await;
        assert_eq!(found["Booking"]["CurrentValueInCents"], 11_500, "{found}");
    }
    let search = json!({"CinemaId": "0001", "Email": "A@example.com"});
    let found = sandbox.vista("RESTBooking.svc/booking/search", search).await;
    assert_eq!(found["SingleBookingMatch"]["BookingId"], done["VistaBookingId"]);
    assert_eq!(sandbox.kinds("vista", &usid).await, ["order", "hold", "booking"]);
    assert_eq!(sandbox.kinds("vista", &format!("saga:{usid}")).await, ["booking"]);
}

#[tokio::test]
async fn two_orders_racing_for_one_seat_have_exactly_one_winner() {
    let sandbox = Sandbox::start().await;
    for round in 0..10 {
        let (first, second) = (sandbox.order().await, sandbox.order().await);
        let (alone, both) = ([round], [round, 11]);
        let (one, two) = tokio::join!(
            sandbox.hold(&first, "1002", &alone),
            sandbox.hold(&second, "1002", &both)
        );
        let mut statuses = [one.status().as_u16(), two.status().as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        // The loser holds nothing, not even the seat nobody else wanted.
        sandbox.vista("RESTTicketing.svc/order/cancel", json!({"UserSessionId": second})).await;
    }
}

#[tokio::test]
async fn an_order_expires_after_ten_minutes_divided_by_the_factor_and_frees_its_seats() {
    let sandbox = Sandbox::with(|config| config.factor = 1_200).await;
    let usid = sandbox.order().await;
    assert_eq!(sandbox.hold(&usid, "1001", &[0]).await.status(), 200);
    eventually(async || sandbox.kinds("vista", &usid).await.ends_with(&["expire".to_owned()]))
        .await;
    assert_eq!(sandbox.kinds("vista", &usid).await, ["order", "hold", "release", "expire"]);
    let late = sandbox.vista("RESTTicketing.svc/order/continue", json!({"UserSessionId": usid}));
    assert_eq!(late.await["ExtendedResultCode"], 62);
    assert_eq!(sandbox.vista_get(&format!("orders/{usid}")).await.status(), 404);
    let other = sandbox.order().await;
    assert_eq!(sandbox.hold(&other, "1001", &[0]).await.status(), 200);
}

#[tokio::test]
async fn continuing_an_order_restarts_its_timer() {
    let sandbox = Sandbox::start().await;
    let created = sandbox.vista("orders/", json!({"cinemaId": "0001"})).await;
    let usid = created["order"]["userSessionId"].as_str().unwrap();
    sandbox.sim(Method::POST, "clock", json!({"factor": 2})).await;
    let answer = sandbox.vista("RESTTicketing.svc/order/continue", json!({"UserSessionId": usid}));
    assert_eq!(answer.await["Result"], 0);
    let after: Value = sandbox.vista_get(&format!("orders/{usid}")).await.json().await.unwrap();
    let expiry = |order: &Value| order["order"]["expiryDateUtc"].as_str().unwrap().to_owned();
    assert_eq!(expiry(&after).len(), "2026-11-21T08:00:00.0000000Z".len());
    assert!(expiry(&after) < expiry(&created), "half the time is left once time is twice as fast");
}

#[tokio::test]
async fn new_tickets_replace_the_old_ones_or_nothing_changes() {
    let sandbox = Sandbox::start().await;
    let (usid, other) = (sandbox.order().await, sandbox.order().await);
    sandbox.hold(&usid, "1003", &[0, 1]).await;
    sandbox.hold(&other, "1003", &[5]).await;
    assert_eq!(sandbox.hold(&usid, "1003", &[2, 5]).await.status(), 409);
    let kept: Value = sandbox.vista_get(&format!("orders/{usid}")).await.json().await.unwrap();
    assert_eq!(kept["order"]["orderTotalValueInCents"], 11_500);
    assert_eq!(sandbox.hold(&usid, "1003", &[1, 2, 3]).await.status(), 200);
    assert_eq!(sandbox.hold(&other, "1003", &[0]).await.status(), 200);
    let plan = "RESTData.svc/cinemas/0001/sessions/1003/seat-plan";
    let plan: Value = sandbox.vista_get(plan).await.json().await.unwrap();
    let seats = plan["SeatLayoutData"]["Areas"][0]["Rows"][0]["Seats"].as_array().unwrap();
    let statuses: Vec<i64> = seats.iter().map(|seat| seat["Status"].as_i64().unwrap()).collect();
    assert_eq!(statuses[..6], [4, 4, 4, 4, 0, 0]);
}

#[tokio::test]
async fn a_second_completion_follows_the_switch_and_never_books_twice() {
    let sandbox = Sandbox::start().await;
    let (usid, done) = sandbox.booking().await;
    assert_eq!(sandbox.complete(&usid, 11_500).await["ExtendedResultCode"], 62);
    sandbox.switch("vista", "double_complete", "56").await;
    assert_eq!(sandbox.complete(&usid, 11_500).await["ExtendedResultCode"], 56);
    sandbox.switch("vista", "double_complete", "replay").await;
    let replay = sandbox.complete(&usid, 11_500).await;
    assert_eq!(replay["VistaBookingId"], done["VistaBookingId"]);
    assert_eq!(sandbox.kinds("vista", &usid).await, ["order", "hold", "booking"]);
}

#[tokio::test]
async fn a_paid_booking_is_refunded_for_its_exact_value_and_frees_its_seats() {
    let sandbox = Sandbox::start().await;
    let (usid, done) = sandbox.booking().await;
    let number = done["VistaBookingNumber"].clone();
    let cancel = json!({"CinemaId": "0001", "BookingNumber": number});
    let refused = sandbox.vista("RESTBooking.svc/booking/cancel", cancel.clone()).await;
    assert_eq!(refused["ExtendedResultCode"], 48);
    let refund = async |amount: i64| {
        let body = json!({"CinemaId": "0001", "BookingNumber": number,
            "RefundGroupNumbers": [1, 2], "RefundAmount": amount});
        sandbox.vista("RESTBooking.svc/booking/refund", body).await["ResultCode"].clone()
    };
    assert_eq!(refund(11_499).await, 39);
    assert_eq!(refund(11_500).await, 0);
    assert_eq!(refund(11_500).await, 63);
    let again = sandbox.vista("RESTBooking.svc/booking/cancel", cancel).await;
    assert_eq!(again["ExtendedResultCode"], 49);
    assert_eq!(sandbox.kinds("vista", &usid).await, ["order", "hold", "booking", "refund"]);
    let other = sandbox.order().await;
    assert_eq!(sandbox.hold(&other, "1001", &[0, 1]).await.status(), 200);
}

#[tokio::test]
async fn wrong_totals_unknown_bookings_and_closed_sessions_have_their_own_codes() {
    let sandbox = Sandbox::start().await;
    let usid = sandbox.order().await;
    assert_eq!(sandbox.hold(&usid, "1097", &[0]).await.status(), 409);
    assert_eq!(sandbox.hold(&usid, "1098", &[0]).await.status(), 409);
    assert_eq!(sandbox.hold(&usid, "8999", &[0]).await.status(), 200);
    assert_eq!(sandbox.complete(&usid, 5_749).await["ExtendedResultCode"], 69);
    let unknown = json!({"CinemaId": "0001", "BookingNumber": "1"});
    let get = sandbox.vista("RESTBooking.svc/booking", unknown.clone()).await;
    assert_eq!(get["ResultCode"], 78);
    let cancel = sandbox.vista("RESTBooking.svc/booking/cancel", unknown).await;
    assert_eq!(cancel["ExtendedResultCode"], 47);
    for (session, expected) in [("1097", 50), ("1098", 67), ("77", 50)] {
        let path = format!("cinemas/0001/sessions/{session}/seat-plan");
        let plan: Value = sandbox.vista_get(&path).await.json().await.unwrap();
        assert_eq!(plan["ResponseCode"], expected);
    }
}

#[tokio::test]
async fn a_late_commit_says_busy_at_first_and_books_in_the_end() {
    let sandbox = Sandbox::start().await;
    let usid = sandbox.order().await;
    sandbox.hold(&usid, "1001", &[0, 1]).await;
    sandbox.fault("vista", "pay_order", "late_commit", 300).await;
    let path = "RESTTicketing.svc/order/payment";
    assert_eq!(sandbox.vista_post(path, &completion(&usid, 11_500)).await.status(), 503);
    eventually(async || sandbox.complete(&usid, 11_500).await["ExtendedResultCode"] == 83).await;
    let status = async || {
        let body = json!({"UserSessionId": usid});
        sandbox.vista("RESTTicketing.svc/order/bookingstatus", body).await["ResponseCode"].clone()
    };
    eventually(async || status().await == 0).await;
    assert_eq!(sandbox.kinds("vista", &usid).await, ["order", "hold", "booking"]);
}

#[tokio::test]
async fn a_missing_and_a_wrong_token_are_told_apart_and_title_case_can_be_refused() {
    let sandbox = Sandbox::start().await;
    let url = format!("{}/vista/wsvistawebclient/odata.svc/Cinemas", sandbox.base);
    let none: Value = sandbox.client.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(none["Result"], 71);
    let wrong = sandbox.client.get(&url).header("connectapitoken", "x").send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    sandbox.switch("vista", "title_case_403", "true").await;
    assert_eq!(sandbox.vista_get("OData.svc/Cinemas").await.status(), 200);
    let titled = reqwest::Client::builder().no_proxy().http1_title_case_headers().build().unwrap();
    let titled = titled.get(&url).header("connectapitoken", "vista-ios").send().await.unwrap();
    assert_eq!(titled.status(), 403);
}

#[tokio::test]
async fn the_catalogue_lists_sessions_with_their_local_time() {
    let sandbox = Sandbox::start().await;
    let path = "OData.svc/Sessions?$filter=ID%20eq%20'0001-1001'";
    let one: Value = sandbox.vista_get(path).await.json().await.unwrap();
    assert_eq!(one["value"][0]["Showtime"].as_str().unwrap().len(), "2026-11-21T20:00:00".len());
    let path = "OData.svc/Sessions?$filter=CinemaId%20eq%20'0002'&$top=3&$inlinecount=allpages";
    let page: Value = sandbox.vista_get(path).await.json().await.unwrap();
    assert_eq!(page["value"].as_array().unwrap().len(), 3);
    assert_eq!(page["odata.count"], "10");
    let types: Value =
        sandbox.vista_get("cinemas/0001/sessions/1001/tickets").await.json().await.unwrap();
    assert_eq!(types["Tickets"][0]["TaxInCents"], 750);
}
