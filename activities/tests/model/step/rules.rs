//! Each rule of the life of a step, taken out, lets something happen that must not; with all of them nothing does.
//!
//! Five rules are there only for a vendor that is slower than the lag we know: `FOR_SLOW_VENDORS`. While the vendor
//! keeps its lag, nothing happens without all five. They bear a vendor that is slower by less than our looks are apart,
//! or one that knows its references. One that is slower still, and does again what it has done, is more than any rule of
//! ours can bear: the lag in `Timings` must be true.

use super::{DONE_YET_NOT, Life, Repeated, Rule, Rules, TWO_EFFECTS, TWO_OUTCOMES, Vendor};
use crate::search::{holds, is_missed};

const KEEPS_ITS_LAG: Vendor =
    Vendor { repeated: Repeated::DoesItAgain, calls_it_gone: true, slower_by: 0 };
/// By less than the looks are apart.
const SLOWER: Vendor = Vendor { slower_by: 1, ..KEEPS_ITS_LAG };
/// By more; but it knows its references.
const SLOWER_STILL: Vendor =
    Vendor { repeated: Repeated::SaysNo, calls_it_gone: false, slower_by: 2 };

/// Two executions, and nobody who wants the step to end.
const DONE: Life =
    Life { rules: Rules::ALL, vendor: KEEPS_ITS_LAG, may_end_early: false, attempts_max: 3 };
/// The same with an undo, and with business giving up.
const UNDONE: Life = Life { may_end_early: true, attempts_max: 2, ..DONE };

const FOR_SLOW_VENDORS: &[Rule] = &[
    Rule::TwoLooks,
    Rule::LooksApart,
    Rule::LooksOneAfterAnother,
    Rule::SameReference,
    Rule::NoToAReSendIsLookedUp,
];

#[test]
fn together_they_hold_while_the_vendor_keeps_its_lag() {
    holds("all rules of a step", &DONE);
    holds("all of them, with an undo", &Life { attempts_max: 3, ..UNDONE });
}

#[test]
fn together_they_hold_for_a_vendor_that_is_a_little_slower() {
    holds("a vendor slower than its lag", &Life { vendor: SLOWER, ..DONE });
    holds("a vendor slower than its lag, with an undo", &Life { vendor: SLOWER, ..UNDONE });
    holds(
        "a vendor slower still, that knows its references",
        &Life { vendor: SLOWER_STILL, ..DONE },
    );
}

#[test]
fn each_is_missed_when_it_is_taken_out() {
    let (slower, slower_still) =
        (Life { vendor: SLOWER, ..DONE }, Life { vendor: SLOWER_STILL, ..DONE });
    let each: [(&[Rule], Life, &str); 21] = [
        (&[Rule::IntentFirst], DONE, TWO_EFFECTS),
        (&[Rule::StampFromTheAttemptSeen], DONE, TWO_EFFECTS),
        (&[Rule::StampForgetsTheLooks], DONE, DONE_YET_NOT),
        (&[Rule::TooLateIsNotSent], DONE, DONE_YET_NOT),
        (&[Rule::SettleWindow], DONE, DONE_YET_NOT),
        (&[Rule::LookUpFirst], DONE, TWO_EFFECTS),
        (&[Rule::TwoLooks], slower, DONE_YET_NOT),
        (&[Rule::LooksApart], slower, DONE_YET_NOT),
        (&[Rule::LooksOneAfterAnother], slower, DONE_YET_NOT),
        (&[Rule::LookForItsAttempt], UNDONE, DONE_YET_NOT),
        (&[Rule::UnknownIsUnknown], DONE, TWO_EFFECTS),
        (&[Rule::StampClearedByItsAttempt], DONE, TWO_EFFECTS),
        (&[Rule::SameReference], slower_still, TWO_EFFECTS),
        (&[Rule::NoToAReSendIsLookedUp], slower_still, DONE_YET_NOT),
        (&[Rule::NoFromItsAttempt], DONE, DONE_YET_NOT),
        (&[Rule::OneOutcome], DONE, TWO_OUTCOMES),
        (&[Rule::GiveUpWithProof], UNDONE, DONE_YET_NOT),
        (&[Rule::EndFromTheAttemptSeen], UNDONE, DONE_YET_NOT),
        (&[Rule::RetryAtTheRow], DONE, DONE_YET_NOT),
        (&[Rule::NothingAgainstAPerson], DONE, DONE_YET_NOT),
        (&[Rule::UndoClosesFirst], UNDONE, DONE_YET_NOT),
    ];
    for (without, life, broken) in each {
        let what = format!("{without:?}, a vendor slower by {}", life.vendor.slower_by);
        is_missed(&what, &Life { rules: Rules { without }, ..life }, broken);
    }
}

#[test]
fn some_are_there_only_for_a_vendor_slower_than_its_lag() {
    let rules = Rules { without: FOR_SLOW_VENDORS };
    holds(&format!("without all of {FOR_SLOW_VENDORS:?}"), &Life { rules, ..DONE });
    holds("without all of them, with an undo", &Life { rules, ..UNDONE });
}

#[test]
fn no_rule_bears_a_vendor_slower_than_our_looks_that_does_it_again() {
    let vendor = Vendor { repeated: Repeated::DoesItAgain, ..SLOWER_STILL };
    is_missed("a vendor that keeps its lag", &Life { vendor, ..DONE }, TWO_EFFECTS);
}
