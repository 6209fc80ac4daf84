//! Vista's result codes: one table, one class per code, and a stricter one while an order is being completed.
//!
//! 0–29 are the order of the enum in Connect's `TicketingService` WSDL; later numbers are those that live integrations
//! of Connect use. A number nobody has written down is ambiguous on completing and final elsewhere.

use crate::error::Error;

/// What a code says about what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Success,
    /// Final, and nothing was done.
    Terminal,
    /// Nothing was done; asking again may help.
    Safe,
    /// It may have been done.
    Ambiguous,
    /// Nothing was done, and our set-up is to blame.
    Configuration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// `order/payment`.
    Completing,
    Elsewhere,
}

pub(super) const OK: i64 = 0;
pub(super) const UNEXPECTED: i64 = 1;
pub(super) const SEATS_UNAVAILABLE: i64 = 8;
pub(super) const BOOKED_WITH_ERRORS: i64 = 24;
pub(super) const NOT_CONTIGUOUS: i64 = 31;
pub(super) const BOOKING_NOT_IDENTIFIED: i64 = 47;
pub(super) const BOOKING_IS_PAID: i64 = 48;
pub(super) const BOOKING_ALREADY_CANCELLED: i64 = 49;
pub(super) const SESSION_UNAVAILABLE: i64 = 50;
pub(super) const NOT_ON_SALE: i64 = 51;
pub(super) const NO_SUCH_ORDER: i64 = 62;
pub(super) const ORDER_REFUNDED: i64 = 63;
pub(super) const SOLD_OUT: i64 = 67;
pub(super) const SITE_NOT_FOUND: i64 = 73;
pub(super) const BOOKING_NOT_FOUND: i64 = 78;

use Class::{Ambiguous as A, Configuration as C, Safe as R, Success as S, Terminal as T};

/// Number, name, class while completing, class elsewhere.
#[rustfmt::skip]
const CODES: [(i64, &str, Class, Class); 72] = [
    (0, "OK", S, S),
    (1, "UnexpectedError", A, R),
    (2, "DBError", A, R),
    (3, "MembershipError", T, T),
    (4, "InvalidRequestData", T, T),
    (5, "CinemaConnectError", A, R),
    (6, "LoyaltyConnectError", R, R),
    (7, "InsufficientPoints", T, T),
    (8, "SeatsUnavailable", T, T),
    (9, "FailedSeatDataRetrieve", R, R),
    (10, "FailedOrderValueProcess", R, R),
    (11, "PrepareOrderForCompleteError", A, A),
    (12, "PaymentDeclined", T, T),
    (13, "PaymentSystemError", A, A),
    (14, "PostChargeCommitError", A, A),
    (15, "UnpaidBookingsDisallowed", C, C),
    (16, "VouchersDisallowed", C, C),
    (17, "MemberNotFound", T, T),
    (18, "MemberPasswordIncorrect", T, T),
    (19, "LoyaltyTimeout", R, R),
    (20, "LoyaltyUserNameAlreadyExists", T, T),
    (21, "LoyaltyNotSupportedAtCinema", C, C),
    (22, "MemberEmailIncorrect", T, T),
    (23, "MemberLoginResetDisallowed", T, T),
    // The booking exists, and something after it failed: its ids are in the answer, or it has to be looked up.
    (24, "PaymentSuccessWithErrors", S, A),
    // A commit that was voided afterwards may have left a booking.
    (25, "PaymentVoidSuccessPostCommit", A, T),
    (26, "PaymentVoidSuccessPreCommit", T, T),
    (27, "PaymentVoidSuccessPayTotalMismatch", T, T),
    (28, "FailedToAllocateCard", T, T),
    (29, "LoyaltyMemberAlreadyExists", T, T),
    (31, "CouldNotAllocateContiguousSeats", T, T),
    (36, "OrderInitFailed", R, R),
    (37, "CardWalletAccessTokenInvalid", T, T),
    (39, "RefundBookingFailed", A, A),
    (43, "MemberAlreadyRegistered", T, T),
    (45, "ExternalPaymentsDisabled", C, C),
    (47, "BookingNotIdentified", T, T),
    (48, "BookingIsPaid", T, T),
    (49, "BookingAlreadyCancelled", A, T),
    (50, "SessionUnavailable", T, T),
    (51, "TicketsNotOnSale", T, T),
    (56, "PaymentsProcessed", A, A),
    (57, "PaymentErrorPreCommit", A, T),
    (61, "OrderCannotBeUniquelyIdentified", A, A),
    // Expired, cancelled, or completed and purged: one code for all.
    (62, "OrderDoesNotExist", A, T),
    (63, "OrderHasBeenRefunded", A, T),
    (64, "TicketPriceOverrideDisallowed", C, C),
    (65, "BookingFeeOverrideDisallowed", C, C),
    (66, "CompleteOrderWithoutPerformingPaymentDisallowed", C, C),
    (67, "SeatMapRequestedForSoldOutSession", T, T),
    (68, "TicketTypeNotFound", T, T),
    (69, "PaymentValueNotEqualOrderTotal", T, T),
    (70, "BookingFeeOverrideMustBeProvided", C, C),
    (71, "ConnectApiTokenNotSpecified", C, C),
    (72, "ConnectApiTokenInvalid", C, C),
    (73, "SiteNotFound", T, T),
    (78, "BookingNotFound", T, T),
    (79, "ConnectApiTokenForbidden", C, C),
    (80, "BookingPaymentDataMismatch", T, T),
    (81, "PaymentDoesNotExist", T, T),
    (82, "WebPaymentModuleConnectionFailed", R, R),
    (83, "OrderIsAlreadyBeingCompleted", A, A),
    (84, "TicketBookingFeeOverrideDisallowed", C, C),
    (87, "SelectedSeatsInvalidForTickets", T, T),
    (88, "DeviceTokenMissing", T, T),
    (89, "PhoneNumberMissing", T, T),
    (90, "PaymentNotStarted", T, T),
    (92, "OrderLockedForAsynchronousCompletion", A, A),
    (98, "ExternalCardWalletUnavailable", R, R),
    // Names by which some versions call the same things in bodies of the newer surface.
    (62, "OrderNotFound", A, T),
    (62, "OrderExpired", A, T),
    (50, "SessionNotFound", T, T),
];

pub(super) fn class(code: i64, operation: Operation) -> Class {
    let known = CODES.iter().find(|known| known.0 == code);
    match operation {
        Operation::Completing => known.map_or(A, |known| known.2),
        Operation::Elsewhere => known.map_or(T, |known| known.3),
    }
}

pub(super) fn name(code: i64) -> &'static str {
    CODES.iter().find(|known| known.0 == code).map_or("not documented", |known| known.1)
}

/// The number behind a name, as the newer surface tells it.
pub(super) fn named(name: &str) -> Option<i64> {
    CODES.iter().find(|known| known.1.eq_ignore_ascii_case(name)).map(|known| known.0)
}

/// A code that is no answer to what was asked.
pub(super) fn no_answer(asked: &str, code: i64, operation: Operation) -> Error {
    let reason = format!("vista {asked}: {code} {}", name(code));
    match class(code, operation) {
        Class::Safe => Error::unavailable(reason),
        Class::Ambiguous | Class::Success => Error::unknown(reason),
        Class::Terminal | Class::Configuration => Error::refused(code.to_string(), reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_code_means_one_thing_whatever_its_name() {
        let numbers: BTreeSet<i64> = CODES.iter().map(|known| known.0).collect();
        assert_eq!(numbers.len(), CODES.len() - 3);
        let names: BTreeSet<&str> = CODES.iter().map(|known| known.1).collect();
        assert_eq!(names.len(), CODES.len());
        for (number, name, completing, elsewhere) in CODES {
            assert_eq!(named(name), Some(number));
            assert_eq!(class(number, Operation::Completing), completing);
            assert_eq!(class(number, Operation::Elsewhere), elsewhere);
        }
    }

    #[test]
    fn nothing_is_final_on_completing_unless_it_is_written_down() {
        for code in [-1, 30, 55, 62, 83, 92, 99, 1_000] {
            assert_eq!(class(code, Operation::Completing), Class::Ambiguous, "{code}");
        }
        for code in [30, 99] {
            assert_eq!(class(code, Operation::Elsewhere), Class::Terminal, "{code}");
        }
    }
}
