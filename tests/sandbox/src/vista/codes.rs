//! The cinema system's result codes, and the shape in which each surface tells them.

use crate::faults::Call;
use crate::switches::Switches;
use crate::wire::Answer;
use serde_json::{Value, json};

pub(super) const OK: i64 = 0;
pub(super) const UNEXPECTED: i64 = 1;
pub(super) const INVALID_REQUEST: i64 = 4;
pub(super) const SEATS_UNAVAILABLE: i64 = 8;
pub(super) const REFUND_FAILED: i64 = 39;
pub(super) const BOOKING_NOT_IDENTIFIED: i64 = 47;
pub(super) const BOOKING_IS_PAID: i64 = 48;
pub(super) const ALREADY_CANCELLED: i64 = 49;
pub(super) const SESSION_UNAVAILABLE: i64 = 50;
pub(super) const NOT_ON_SALE: i64 = 51;
pub(super) const PAYMENTS_PROCESSED: i64 = 56;
pub(super) const NO_SUCH_ORDER: i64 = 62;
pub(super) const ALREADY_REFUNDED: i64 = 63;
pub(super) const PRICE_OVERRIDE: i64 = 64;
pub(super) const SOLD_OUT: i64 = 67;
pub(super) const NO_SUCH_TICKET_TYPE: i64 = 68;
pub(super) const WRONG_TOTAL: i64 = 69;
pub(super) const NO_TOKEN: i64 = 71;
pub(super) const BAD_TOKEN: i64 = 72;
pub(super) const NO_SUCH_SITE: i64 = 73;
pub(super) const BOOKING_NOT_FOUND: i64 = 78;
pub(super) const FORBIDDEN: i64 = 79;
pub(super) const NO_PAYMENT: i64 = 81;
pub(super) const NO_PAYMENT_MODULE: i64 = 82;
pub(super) const BEING_COMPLETED: i64 = 83;
pub(super) const WRONG_SEATS: i64 = 87;

/// A code's name and text.
pub(super) fn words(code: i64) -> (&'static str, &'static str) {
    match code {
        OK => ("OK", ""),
        INVALID_REQUEST => ("InvalidRequestData", "The request is not valid"),
        SEATS_UNAVAILABLE => ("SeatsUnavailable", "The selected seats are no longer available"),
        REFUND_FAILED => ("RefundBookingFailed", "The booking could not be refunded"),
        BOOKING_NOT_IDENTIFIED => ("BookingNotIdentified", "The booking could not be identified"),
        BOOKING_IS_PAID => ("BookingIsPaid", "A paid booking cannot be cancelled; refund it"),
        ALREADY_CANCELLED => ("BookingAlreadyCancelled", "The booking has already been cancelled"),
        SESSION_UNAVAILABLE => ("SessionUnavailable", "The session is not available"),
        NOT_ON_SALE => ("TicketsNotOnSale", "Tickets are not on sale for this session"),
        PAYMENTS_PROCESSED => ("PaymentsProcessed", "Payments have been processed for this order"),
        NO_SUCH_ORDER => ("OrderDoesNotExist", "Order does not exist"),
        ALREADY_REFUNDED => ("OrderHasBeenRefunded", "The order has been refunded"),
        PRICE_OVERRIDE => ("TicketPriceOverrideDisallowed", "The ticket price may not be changed"),
        SOLD_OUT => ("SeatMapRequestedForSoldOutSession", "The session is sold out"),
        NO_SUCH_TICKET_TYPE => ("TicketTypeNotFound", "The ticket type was not found"),
        WRONG_TOTAL => ("PaymentValueNotEqualOrderTotal", "The payments do not equal the total"),
        NO_TOKEN => ("ConnectApiTokenNotSpecified", "No connectapitoken was specified"),
        BAD_TOKEN => ("ConnectApiTokenInvalid", "The connectapitoken is invalid"),
        NO_SUCH_SITE => ("SiteNotFound", "The cinema was not found"),
        BOOKING_NOT_FOUND => ("BookingNotFound", "The booking was not found"),
        FORBIDDEN => ("ConnectApiTokenForbidden", "The connectapitoken may not do this"),
        NO_PAYMENT => ("PaymentDoesNotExist", "The booking is unpaid"),
        NO_PAYMENT_MODULE => ("WebPaymentModuleConnectionFailed", "There is no payment module"),
        BEING_COMPLETED => ("OrderIsAlreadyBeingCompleted", "The order is being completed"),
        WRONG_SEATS => ("SelectedSeatsInvalidForTickets", "The seats do not fit the tickets"),
        _ => ("UnexpectedError", "An unexpected error occurred"),
    }
}

/// Older versions know 0-29 only; a newer code travels beside a plain 1.
pub(super) fn pair(switches: &Switches, code: i64) -> (i64, i64) {
    let plain = code <= 29 || switches.get("result_style") == "plain";
    if plain { (code, code) } else { (UNEXPECTED, code) }
}

/// The failure in the shape of the surface it is told on.
pub(super) fn refuse(switches: &Switches, call: &Call, code: i64) -> Answer {
    let vague = code == SEATS_UNAVAILABLE && switches.get("seat_taken_code") == "1";
    let code = if vague { UNEXPECTED } else { code };
    let text = error_text(switches, code);
    let (result, extended) = pair(switches, code);
    let body = match (call.op, call.arg(1)) {
        ("create_order" | "set_tickets", _) | ("get_order", "v2") => {
            return refuse_v2(switches, code, vague);
        }
        ("cancel_order", _) => json!({"Result": result, "ExtendedResultCode": extended,
            "ErrorDescription": text, "OrderNotFound": code == NO_SUCH_ORDER}),
        ("get_order", _) => json!({"Result": result, "ExtendedResultCode": extended,
            "ErrorDescription": text, "Order": null}),
        ("pay_order", _) => unpaid(result, extended, &text),
        ("cancel_booking" | "continue_order", _) => json!({"Result": result,
            "ExtendedResultCode": extended, "ErrorDescription": text}),
        ("get_booking", _) => {
            json!({"ResultCode": code, "ErrorDescription": text, "Booking": null})
        }
        ("search_booking", _) => json!({"ResultCode": code, "ErrorDescription": text,
            "SingleBookingMatch": null, "BookingSearchResults": null}),
        ("booking_status", _) => json!({"ResponseCode": code, "ResponseDescription": text,
            "OrderSummary": null}),
        ("seat_plan", _) => json!({"SeatLayoutData": null, "ResponseCode": code,
            "ErrorDescription": text}),
        ("ticket_types", _) => json!({"ResponseCode": code, "ExtendedResponseCode": code,
            "ErrorDescription": text, "Tickets": null}),
        _ => json!({"ResultCode": code, "ErrorDescription": text}),
    };
    Answer::json(200, &body)
}

/// The code is what counts; its text may be missing.
fn error_text(switches: &Switches, code: i64) -> Value {
    match switches.get("error_text") {
        "empty" => json!(""),
        "null" => Value::Null,
        _ => json!(words(code).1),
    }
}

fn unpaid(result: i64, extended: i64, text: &Value) -> Value {
    json!({"Result": result, "ExtendedResultCode": extended, "ErrorDescription": text,
        "CinemaID": null, "VistaBookingNumber": null, "VistaBookingId": null,
        "VistaTransNumber": null, "HistoryID": null, "PrintStream": null, "PassCollection": []})
}

/// The newer surface speaks in HTTP statuses; what its error bodies look like nobody knows.
fn refuse_v2(switches: &Switches, code: i64, vague: bool) -> Answer {
    let status = match code {
        _ if vague => 400,
        NO_SUCH_ORDER if switches.get("expired_status") == "410" => 410,
        NO_SUCH_ORDER | NO_SUCH_SITE => 404,
        SEATS_UNAVAILABLE | SESSION_UNAVAILABLE | NOT_ON_SALE | SOLD_OUT | BEING_COMPLETED => 409,
        UNEXPECTED | 2 | 5 => 500,
        _ => 400,
    };
    let (name, text) = words(code);
    match switches.get("v2_error_body") {
        "empty" => Answer::text(status, ""),
        "html" => Answer::html(status, format!("<html><body><h1>{name}</h1></body></html>")),
        _ => Answer::json(status, &json!({"errorCode": name, "description": text})),
    }
}

/// A token is refused alike on every surface.
pub(super) fn refuse_token(switches: &Switches, code: i64) -> Answer {
    let status = match switches.get("auth_http_status") {
        "200" => 200,
        _ if code == FORBIDDEN => 403,
        _ => 401,
    };
    let body = json!({"Result": code, "ResultCode": code, "ResponseCode": code,
        "ExtendedResultCode": code, "ErrorDescription": words(code).1});
    Answer::json(status, &body)
}
