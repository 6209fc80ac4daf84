//! Each rule of settling and unwinding, taken out, lets something happen that must not; with all of them nothing does.
//!
//! None of them is there only for a vendor that is slower than its lag. What such a vendor takes away is the certainty
//! of the last poll: money that shows after it is found by its webhook alone.

use super::{
    ANOTHER_AMOUNT, CONFIRMED_UNPAID, CUT_SHORT, KEPT_FOR_NOTHING, LATE_AND_KEPT, NEVER_PAID,
    OFF_THE_GRAPH, REFUNDED_FIRST, Race, Rule,
};
use crate::search::{WEDGE, holds, is_missed};

const RACE: Race = Race { without: None, webhooks_are_lost: false, slower_than_its_lag: false };
const POLLS_ALONE: Race = Race { webhooks_are_lost: true, ..RACE };

#[test]
fn together_they_hold_in_every_state() {
    holds("all rules of settling and unwinding", &RACE);
    holds("all of them, with every webhook lost", &POLLS_ALONE);
}

#[test]
fn each_is_missed_when_it_is_taken_out() {
    for (rule, race, broken) in [
        (Rule::VendorIsAsked, RACE, NEVER_PAID),
        (Rule::GuardedClaim, RACE, OFF_THE_GRAPH),
        (Rule::OneVerdict, RACE, CONFIRMED_UNPAID),
        (Rule::ExactMoney, RACE, ANOTHER_AMOUNT),
        (Rule::LateMoneyIsOwedAtOnce, RACE, LATE_AND_KEPT),
        (Rule::AskedToTheEnd, POLLS_ALONE, WEDGE),
        (Rule::UnpaidOnlyAtTheEnd, POLLS_ALONE, WEDGE),
        (Rule::ExpiryLooksAgain, RACE, CUT_SHORT),
        (Rule::OwedBeforeDone, RACE, REFUNDED_FIRST),
        (Rule::UndoClosesFirst, RACE, REFUNDED_FIRST),
        (Rule::UnwoundIsNotConfirmed, RACE, CONFIRMED_UNPAID),
        (Rule::UnwindingOwesAtOnce, RACE, KEPT_FOR_NOTHING),
        (Rule::ReleasedBeforeRefunded, RACE, REFUNDED_FIRST),
    ] {
        is_missed(&format!("{rule:?}"), &Race { without: Some(rule), ..race }, broken);
    }
}

#[test]
fn money_that_shows_after_the_last_poll_is_found_by_its_webhook_alone() {
    holds("a vendor slower than its lag", &Race { slower_than_its_lag: true, ..RACE });
    let lost = Race { slower_than_its_lag: true, ..POLLS_ALONE };
    is_missed("the webhook of a vendor slower than its lag", &lost, WEDGE);
}
