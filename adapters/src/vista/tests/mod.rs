//! Vista against a scripted server: what each answer is taken for. Orders and seats.

mod bookings;
mod shows;

use super::*;
use crate::scripted::{Asked, Scripted};
use schema::{
    ids::{BookingId, PaymentId},
    money::Money,
};

const ON: Platform = Platform::Website;
const WITHIN: Duration = Duration::from_secs(5);
const SESSION: &str = "7e72a258b5144bbf932589a1f0c0273b";

fn vista(server: &Scripted) -> Vista {
    let tokens = BTreeMap::from([(ON, SecretString::from("token-web"))]);
    Vista::new(Config::new(format!("{}/WSVistaWebClient", server.url), tokens)).unwrap()
}

fn answers(status: u16, body: impl Into<String>) -> Scripted {
    let body = body.into();
    Scripted::new(move |_| (status, body.clone()))
}

fn order() -> OrderRef {
    OrderRef { cinema: "0001".to_owned(), user_session: SESSION.to_owned() }
}

fn note() -> PaymentNote {
    PaymentNote {
        booking: BookingId::from_bare("01K9BBBBBBBBBBBBBBBBBBBBBB").unwrap(),
        payment: Some(PaymentId::from_bare("01K9ZZZZZZZZZZZZZZZZZZZZZZ").unwrap()),
        total: Money::sar(11_500),
    }
}

fn booked() -> VistaBooking {
    VistaBooking {
        booking_id: "WNZW39Q".to_owned(),
        booking_number: "27573".to_owned(),
        cinema: "0001".to_owned(),
    }
}

fn seat(column: i64) -> Value {
    json!({"areaNumber": 1, "rowIndex": 0, "columnIndex": column, "rowDisplay": "A",
        "columnDisplay": (column + 1).to_string()})
}

fn shown_order(seats: &[i64]) -> String {
    let tickets: Vec<Value> =
        seats.iter().map(|column| json!({"seats": [seat(*column)]})).collect();
    json!({"order": {"cinemaId": "0001", "userSessionId": SESSION, "orderTotalValueInCents": 11500,
        "expiryDateUtc": "2999-01-01T00:00:00.0000000Z", "sessions": [{"tickets": tickets}]}})
    .to_string()
}

fn status(key: &str, main: i64, extended: i64) -> String {
    json!({key: main, "ExtendedResultCode": extended, "ErrorDescription": null}).to_string()
}

fn completed(main: i64, extended: i64) -> String {
    json!({"Result": main, "ExtendedResultCode": extended, "CinemaID": "0001",
        "VistaBookingNumber": "27573", "VistaBookingId": "WNZW39Q"})
    .to_string()
}

async fn pay(status: u16, body: &str) -> Result<ConfirmAnswer, Error> {
    vista(&answers(status, body)).pay_order(ON, &order(), &note(), WITHIN).await
}

#[tokio::test]
async fn completing_books_without_moving_money_and_leaves_our_marks() {
    let server = answers(200, completed(0, 0));
    let answer = vista(&server).pay_order(ON, &order(), &note(), WITHIN).await.unwrap();
    assert_eq!(answer, ConfirmAnswer::Booked(booked()));
    let [asked] = server.asked().try_into().unwrap();
    assert_eq!(asked.line, "POST /WSVistaWebClient/RESTTicketing.svc/order/payment");
    assert!(asked.head.contains("connectapitoken: token-web\r\n"));
    let body = asked.json();
    assert_eq!(body["PerformPayment"], false);
    assert_eq!(body["BookingNotes"], "usher:01K9BBBBBBBBBBBBBBBBBBBBBB");
    assert_eq!(body["PaymentInfo"]["PaymentValueCents"], 11_500);
    assert_eq!(body["PaymentInfo"]["BankReference"], "01K9ZZZZZZZZZZZZZZZZZZZZZZ");
}

#[tokio::test]
async fn completing_is_booked_rejected_or_unknown_and_never_guessed() {
    for body in [completed(24, 0), completed(24, 24), completed(1, 24)] {
        assert_eq!(pay(200, &body).await.unwrap(), ConfirmAnswer::Booked(booked()), "{body}");
    }
    for code in [4, 8, 12, 26, 27, 50, 51, 69, 73, 87] {
        let answer = pay(200, &status("Result", 1, code)).await.unwrap();
        assert!(matches!(answer, ConfirmAnswer::Rejected { code: told, .. } if told == code));
    }
    let ambiguous = [1, 2, 5, 11, 13, 14, 25, 39, 49, 56, 57, 61, 62, 63, 83, 92, 55, 999];
    let ambiguous = ambiguous.map(|code| (200, status("Result", 1, code)));
    let broken = ["", "{}", "null", "[]", "<html>", r#"{"Result":"0"}"#, r#"{"Result":0}"#]
        .map(|body| (200, body.to_owned()));
    let failed = [400, 404, 500, 502, 503, 504, 302].map(|status| (status, completed(0, 0)));
    let other = (200, completed(0, 0).replace("0001", "0002"));
    for (status, body) in ambiguous.into_iter().chain(broken).chain(failed).chain([other]) {
        let error = pay(status, &body).await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{status} {body}: {error}");
    }
    for code in [45, 64, 66, 71, 72, 79] {
        let error = pay(200, &status("Result", code, code)).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{code}");
    }
    for (status, body) in [(401, ""), (403, "Forbidden")] {
        assert!(matches!(pay(status, body).await, Err(Error::Refused { .. })));
    }
    assert!(matches!(pay(429, "").await, Err(Error::Unavailable { .. })));
}

#[tokio::test]
async fn a_platform_without_a_token_sends_nothing() {
    let server = answers(200, completed(0, 0));
    let error = vista(&server).get_order(Platform::Kiosk, &order(), WITHIN).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }));
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn an_order_is_opened_read_continued_and_dropped() {
    let server = Scripted::new(|asked| {
        let old = asked.is("POST /WSVistaWebClient/REST");
        (200, if old { status("Result", 0, 0) } else { shown_order(&[0, 1]) })
    });
    let vista = vista(&server);
    let opened = vista.create_order(ON, "0001", WITHIN).await.unwrap();
    assert_eq!(opened.order, order());
    let shown = vista.continue_order(ON, &order(), WITHIN).await.unwrap().unwrap();
    assert_eq!((shown.total, shown.seats), (note().total, vec!["A1".to_owned(), "A2".to_owned()]));
    assert!(shown.expires_in_ms.is_some());
    let dropped = vista.cancel_order(ON, &order(), WITHIN).await.unwrap();
    assert_eq!(dropped, CancelAnswer::Cancelled);
}

#[tokio::test]
async fn an_order_that_is_gone_is_a_value() {
    let gone = [
        (404, String::new()),
        (410, "<html>".to_owned()),
        (404, r#"{"errorCode":"OrderDoesNotExist"}"#.to_owned()),
        (200, status("Result", 1, 62)),
    ];
    for (http, body) in gone {
        let shown = vista(&answers(http, body)).get_order(ON, &order(), WITHIN).await;
        assert_eq!(shown.unwrap(), None, "{http}");
    }
    let server = answers(200, status("Result", 1, 62));
    assert_eq!(vista(&server).continue_order(ON, &order(), WITHIN).await.unwrap(), None);
    let dropped = vista(&server).cancel_order(ON, &order(), WITHIN).await.unwrap();
    assert_eq!(dropped, CancelAnswer::NotFound);
    let server = answers(200, r#"{"Result":0,"OrderNotFound":true}"#);
    let dropped = vista(&server).cancel_order(ON, &order(), WITHIN).await.unwrap();
    assert_eq!(dropped, CancelAnswer::NotFound);
    for (http, body) in [(503, "<html>"), (200, "{}"), (500, ""), (200, "")] {
        let shown = vista(&answers(http, body)).get_order(ON, &order(), WITHIN).await;
        assert!(matches!(shown, Err(Error::Unknown { .. })), "{http} {body}");
    }
    let error = vista(&answers(404, "")).create_order(ON, "9", WITHIN).await.unwrap_err();
    assert!(matches!(error, Error::Refused { code, .. } if code == UNKNOWN_CINEMA));
}

/// A session with the seats A1 to A3, A3 taken, and one ticket type.
fn sale(asked: &Asked) -> Option<(u16, String)> {
    let plan_seat = |column: i64| {
        json!({"Id": (column + 1).to_string(), "Status": i64::from(column == 2),
            "Position": {"AreaNumber": 1, "RowIndex": 0, "ColumnIndex": column}})
    };
    if asked.line.contains("/seat-plan") {
        let rows =
            json!([{"PhysicalName": "A", "Seats": [plan_seat(0), plan_seat(1), plan_seat(2)]}]);
        let layout = json!({"Areas": [{"AreaCategoryCode": "1", "Rows": rows}]});
        return Some((200, json!({"ResponseCode": 0, "SeatLayoutData": layout}).to_string()));
    }
    if asked.line.contains("/tickets?") {
        let tickets =
            json!([{"TicketTypeCode": "0001", "PriceInCents": 5750, "Description": "Adult"}]);
        return Some((200, json!({"ResponseCode": 0, "Tickets": tickets}).to_string()));
    }
    None
}

fn seating(seats: &[&str]) -> Seating {
    let one =
        |seat: &&str| SeatRequest { seat: (*seat).to_owned(), ticket_type: "0001".to_owned() };
    Seating { session: "1004".to_owned(), seats: seats.iter().map(one).collect() }
}

async fn hold(http: u16, body: String, now: String) -> Result<HoldAnswer, Error> {
    let server = Scripted::new(move |asked| {
        let order = || {
            let set = asked.line.contains("set-tickets");
            if set { (http, body.clone()) } else { (200, now.clone()) }
        };
        sale(asked).unwrap_or_else(order)
    });
    vista(&server).set_tickets(ON, &order(), &seating(&["A2", "A3"]), WITHIN).await
}

#[tokio::test]
async fn seats_are_held_in_one_call_when_warm() {
    let server = Scripted::new(|asked| sale(asked).unwrap_or_else(|| (200, shown_order(&[0, 1]))));
    let vista = vista(&server);
    for _ in 0..2 {
        let held = vista.set_tickets(ON, &order(), &seating(&["A1", "A2"]), WITHIN).await.unwrap();
        assert!(matches!(held, HoldAnswer::Held(snapshot) if snapshot.total == note().total));
    }
    assert_eq!(server.asked().len(), 4);
    let sent = server.asked().pop().unwrap().json();
    assert_eq!(sent["tickets"][1]["ticketDetails"]["ticketTypeCode"], "0001");
    assert_eq!(sent["tickets"][1]["seats"][0]["columnIndex"], 1);
    let none = vista.set_tickets(ON, &order(), &seating(&["Z9"]), WITHIN).await.unwrap();
    assert!(matches!(none, HoldAnswer::Invalid { .. }));
    assert_eq!(server.count("POST /"), 2);
}

#[tokio::test]
async fn a_taken_seat_is_told_in_many_ways() {
    let named = |name: &str| json!({"errorCode": name}).to_string();
    let gone = shown_order(&[]);
    for (http, body) in [
        (409, String::new()),
        (409, "<html>".to_owned()),
        (409, named("SeatsUnavailable")),
        (200, status("Result", 8, 8)),
        (500, named("UnexpectedError")),
        (500, String::new()),
        (200, status("Result", 1, 0)),
    ] {
        let answer = hold(http, body, gone.clone()).await;
        assert_eq!(answer.unwrap(), HoldAnswer::SeatsTaken, "{http}");
    }
    let closed = hold(409, named("TicketsNotOnSale"), gone.clone()).await.unwrap();
    assert_eq!(closed, HoldAnswer::SessionClosed { code: 51 });
    let lost = hold(404, String::new(), gone.clone()).await.unwrap();
    assert_eq!(lost, HoldAnswer::OrderGone);
    let ours = hold(500, String::new(), shown_order(&[1, 2])).await.unwrap();
    assert!(matches!(ours, HoldAnswer::Held(_)));
    for (http, body) in [(503, String::new()), (200, shown_order(&[0])), (200, "{}".to_owned())] {
        let error = hold(http, body, gone.clone()).await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{error}");
    }
}

#[tokio::test]
async fn what_is_read_before_a_hold_never_makes_it_unknown() {
    for (http, body) in [(503, "<html>"), (200, "{}"), (200, r#"{"ResponseCode":0}"#)] {
        let server = answers(http, body);
        let error = vista(&server).set_tickets(ON, &order(), &seating(&["A1"]), WITHIN).await;
        assert!(matches!(error, Err(Error::Unavailable { .. })), "{http} {body}");
        assert_eq!(server.count("POST"), 0);
    }
    let server = answers(200, status("ResponseCode", 50, 0));
    let answer = vista(&server).set_tickets(ON, &order(), &seating(&["A1"]), WITHIN).await;
    assert_eq!(answer.unwrap(), HoldAnswer::SessionClosed { code: 50 });
    assert_eq!(vista(&server).seat_plan(ON, "0001", "9", WITHIN).await.unwrap(), None);
    assert_eq!(vista(&server).ticket_types(ON, "0001", "../x", WITHIN).await.unwrap(), None);
}

#[tokio::test]
async fn a_show_is_found_in_either_form_of_odata() {
    let row = |showtime: &str| json!({"ID": "0001-1004", "Showtime": showtime});
    for body in [
        json!({"value": [row("2026-11-21T20:00:00")]}),
        json!({"d": {"results": [row("/Date(1795291200000)/")]}}),
        json!({"d": [row("2026-11-21T20:00:00+03:00")]}),
    ] {
        let server = answers(200, body.to_string());
        let start = vista(&server).show_start(ON, "0001", "1004", WITHIN).await.unwrap().unwrap();
        assert_eq!(start.to_rfc3339(), "2026-11-21T17:00:00+00:00");
        assert_eq!(server.count("GET /WSVistaWebClient/OData.svc/Sessions?%24filter=ID+eq+"), 1);
    }
    let none = answers(200, json!({"value": []}).to_string());
    assert_eq!(vista(&none).show_start(ON, "0001", "1004", WITHIN).await.unwrap(), None);
    for body in ["<feed/>", "{}", r#"{"value":[{"ID":"0001-1004","Showtime":null}]}"#] {
        let start = vista(&answers(200, body)).show_start(ON, "0001", "1004", WITHIN).await;
        assert!(matches!(start, Err(Error::Unknown { .. })), "{body}");
    }
}
