//! Bookings: what became of an order, and giving a booking back.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

fn shown_booking(cancelled: &str) -> Value {
    json!({"BookingNumber": 27573, "BookingId": "WNZW39Q", "CinemaId": "0001", "IsPaid": true,
        "CancelledStatus": cancelled, "CurrentValueInCents": 11500, "UserSessionId": SESSION,
        "BookingNotes": "usher:01K9BBBBBBBBBBBBBBBBBBBBBB", "Tickets": [
            {"RefundGroupNumber": 1, "RefundedStatus": "0"},
            {"RefundGroupNumber": 2, "RefundedStatus": "0"}]})
}

/// The look-ups of an order's fate, each with its answer.
struct Looks {
    order: (u16, String),
    told: (u16, String),
    booking: Value,
    search: Value,
}

fn nothing() -> Looks {
    let told = json!({"ResponseCode": 62, "OrderSummary": null}).to_string();
    let none = || json!({"ResultCode": 78});
    Looks { order: (404, String::new()), told: (200, told), booking: none(), search: none() }
}

async fn fate(looks: Looks) -> Result<Fate, Error> {
    let server = Scripted::new(move |asked| match asked.line.as_str() {
        line if line.ends_with("/order/bookingstatus") => looks.told.clone(),
        line if line.ends_with("/booking/search") => (200, looks.search.to_string()),
        line if line.ends_with("/booking") => (200, looks.booking.to_string()),
        _ => looks.order.clone(),
    });
    vista(&server).order_fate(ON, &order(), &note(), WITHIN).await
}

fn found(booking: &Value) -> Value {
    json!({"ResultCode": 0, "Booking": booking, "SingleBookingMatch": booking})
}

#[tokio::test]
async fn any_look_up_that_shows_the_booking_is_enough() {
    let told = json!({"ResponseCode": 0, "OrderSummary":
        {"VistaBookingId": "WNZW39Q", "VistaBookingNumber": "27573"}});
    let absent = || (404, "<html>".to_owned());
    let booking = found(&shown_booking("0"));
    for looks in [
        Looks { told: (200, told.to_string()), booking: booking.clone(), ..nothing() },
        Looks { told: absent(), booking: booking.clone(), ..nothing() },
        Looks { told: absent(), search: booking.clone(), ..nothing() },
        Looks { order: (200, shown_order(&[0])), booking: booking.clone(), ..nothing() },
    ] {
        assert_eq!(fate(looks).await.unwrap(), Fate::Booked(booked()));
    }
    let cancelled = Looks { booking: found(&shown_booking("1")), ..nothing() };
    assert_eq!(fate(cancelled).await.unwrap(), Fate::Gone);
}

#[tokio::test]
async fn absence_takes_every_look_up() {
    assert_eq!(fate(nothing()).await.unwrap(), Fate::Gone);
    let open = Looks { order: (200, shown_order(&[0])), ..nothing() };
    assert_eq!(fate(open).await.unwrap(), Fate::Open);
    let reserved = json!({"ResponseCode": 0, "OrderSummary": {"VistaBookingNumber": "27573"}});
    let open =
        Looks { order: (200, shown_order(&[0])), told: (200, reserved.to_string()), ..nothing() };
    assert_eq!(fate(open).await.unwrap(), Fate::Open, "a number alone is no booking");
    for looks in [
        Looks { order: (503, String::new()), ..nothing() },
        Looks { told: (503, String::new()), ..nothing() },
        Looks { told: (200, "{}".to_owned()), ..nothing() },
        Looks { booking: json!({}), ..nothing() },
        Looks { booking: json!({"ResultCode": 0, "Booking": null}), ..nothing() },
        Looks { search: json!({"ResultCode": 5}), ..nothing() },
    ] {
        assert!(fate(looks).await.is_err());
    }
    let mut other = shown_booking("0");
    other["UserSessionId"] = json!("another");
    for looks in [
        Looks { told: (200, json!({"ResponseCode": 83}).to_string()), ..nothing() },
        Looks { booking: found(&other), ..nothing() },
    ] {
        assert!(matches!(fate(looks).await.unwrap(), Fate::Unclear { .. }));
    }
}

/// A paid booking that can be read, cancelled and refunded; `refund` is what refunding answers, by turn.
fn releasing(refund: &'static [&'static str], works: bool) -> Scripted {
    let refunds = AtomicUsize::new(0);
    Scripted::new(move |asked| {
        let done = refunds.load(Ordering::SeqCst);
        match asked.line.as_str() {
            line if line.ends_with("/cancel") => (200, status("Result", 1, 48)),
            line if line.ends_with("/refund") => {
                refunds.fetch_add(1, Ordering::SeqCst);
                (200, refund[done].to_owned())
            }
            _ if works && done == refund.len() => (200, found(&shown_booking("1")).to_string()),
            _ => (200, found(&shown_booking("0")).to_string()),
        }
    })
}

#[tokio::test]
async fn a_paid_booking_is_refunded_and_read_back() {
    for refund in [
        &[r#"{"ResultCode":0}"#][..],
        &["<html>"],
        &[r#"{"ResultCode":63}"#],
        &[r#"{"ResultCode":39}"#, r#"{"ResultCode":0}"#],
    ] {
        let server = releasing(refund, true);
        let answer = vista(&server).release_booking(ON, &booked(), WITHIN).await.unwrap();
        assert_eq!(answer, ReleaseAnswer::Released, "{refund:?}");
        let sent = server.asked().into_iter().find(|asked| asked.line.ends_with("/refund"));
        let sent = sent.unwrap().json();
        assert_eq!(sent["RefundGroupNumbers"], json!([1, 2]));
        assert_eq!(sent["RefundAmount"], 11_500);
    }
}

#[tokio::test]
async fn a_release_is_believed_only_when_read_back() {
    let server = releasing(&[r#"{"ResultCode":0}"#, r#"{"ResultCode":0}"#], false);
    let error = vista(&server).release_booking(ON, &booked(), WITHIN).await.unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error}");
    let server = releasing(&[r#"{"ResultCode":80}"#, r#"{"ResultCode":80}"#], false);
    let answer = vista(&server).release_booking(ON, &booked(), WITHIN).await.unwrap();
    assert!(matches!(answer, ReleaseAnswer::Rejected { code: 80, .. }));
    let server = releasing(&[r#"{"ResultCode":79}"#], false);
    let error = vista(&server).release_booking(ON, &booked(), WITHIN).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    let server = answers(200, r#"{"ResultCode":78}"#);
    let answer = vista(&server).release_booking(ON, &booked(), WITHIN).await.unwrap();
    assert_eq!(answer, ReleaseAnswer::NotFound);
    let server = answers(200, found(&shown_booking("1")).to_string());
    let answer = vista(&server).release_booking(ON, &booked(), WITHIN).await.unwrap();
    assert_eq!((answer, server.asked().len()), (ReleaseAnswer::Released, 1));
}
