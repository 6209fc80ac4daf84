//! The decisions in the life of a step, as pure functions: may I send, and what does this answer mean?
//!
//! The rest of the module carries them out. The model of this life calls the same functions.

use super::Seen;
use adapters::error::Error as VendorError;
use sabotage::Rule;
use schema::{timings::CallTimings, vendor_calls::Call};
use std::time::Duration;

/// Whether a step can be looked up by our reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Doing it again harms nobody, and only the recorded answer is ever handed out.
    Harmless,
    /// An unknown outcome is looked up before anything is sent again.
    AfterLookUp,
}

/// What the row allows now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It has an outcome: hand that out.
    Answered,
    /// Not yet: ask the row again after this.
    Wait { ms: u64 },
    /// The settle window is over: ask the vendor by our reference.
    LookUp,
    /// Nothing is under way, certainly: the right to send may be won.
    Send,
    /// The vendor said no to a re-send, and the look-up agrees that nothing was done: the no is the answer.
    AcceptNo,
    /// A person has settled it: what they saw is the answer.
    Settled,
    /// Nothing was done, certainly, and business does not want it any more.
    GiveUp,
}

/// How often a look-up must find nothing, cleanly, before it never happened.
pub const PROOF_OF_ABSENCE: i32 = 2;

/// How many tries must have been in vain before a person is asked. Time alone is not enough: after a standstill of ours
/// it is over before the vendor has been asked at all.
pub const TRIES_BEFORE_A_PERSON: i32 = 3;

/// May I send? A stamp without a recorded outcome is unknown until the settle window has passed and the look-up has
/// spoken.
pub fn next(call: &Call, repeat: Repeat, timings: &CallTimings) -> Next {
    if call.outcome.is_some() {
        return Next::Answered;
    }
    if call.by_hand.is_some() {
        return Next::Settled;
    }
    let Some(since_sent) = call.since_sent_ms else { return send_or_give_up(call) };
    if repeat == Repeat::Harmless {
        return send_or_give_up(call);
    }
    if let Some(ms) = left(since_sent, settle_window_ms(timings)) {
        return Next::Wait { ms };
    }
    if Rule::LookUp.is_out() {
        return send_or_give_up(call);
    }
    if call.absences >= PROOF_OF_ABSENCE {
        return if call.said_no.is_some() { Next::AcceptNo } else { send_or_give_up(call) };
    }
    match call.since_looked_ms.and_then(|since| left(since, timings.look_up_spacing_ms)) {
        Some(ms) => Next::Wait { ms },
        None => Next::LookUp,
    }
}

/// From the stamp until a look-up may be believed.
pub(super) fn settle_window_ms(timings: &CallTimings) -> u64 {
    if Rule::SettleWindow.is_out() { 0 } else { timings.settle_window_ms() }
}

fn send_or_give_up(call: &Call) -> Next {
    if is_due(call) { Next::GiveUp } else { Next::Send }
}

/// Business does not want it any more.
fn is_due(call: &Call) -> bool {
    call.give_up_in_ms.is_some_and(|left| left <= 0)
}

/// What is left of a span that began `since_ms` ago, if anything.
fn left(since_ms: i64, span_ms: u64) -> Option<u64> {
    let since = u64::try_from(since_ms).unwrap_or(0);
    span_ms.checked_sub(since).filter(|left| *left > 0)
}

/// What came back from a request means this for the row.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<T> {
    /// It is the step's outcome.
    Record(T),
    /// A no to a re-send, kept until the look-up agrees: it may be the first attempt that the vendor objects to.
    KeepNo(T),
    /// The request never left us, or was turned away at the door: the stamp is cleared.
    NeverLeft { because: String, retry_after: Option<Duration> },
    /// It may have happened: the stamp stays.
    StillUnknown { because: String },
    /// Refused; but it was a re-send, so look first: if it has happened, it is still unknown, not refused.
    AskUnlessDone { code: String, because: String },
    /// Refused, and certainly not done: a person has to act.
    AskAPerson { code: String, because: String },
}

/// What does this answer mean?
pub fn heard<T>(
    answer: Result<T, VendorError>,
    attempt: i32,
    repeat: Repeat,
    is_no: impl Fn(&T) -> bool,
) -> Heard<T> {
    let doubtful = attempt > 1 && repeat == Repeat::AfterLookUp;
    let because = answer.as_ref().err().map(ToString::to_string).unwrap_or_default();
    match answer {
        Ok(no) if doubtful && is_no(&no) => Heard::KeepNo(no),
        Ok(answer) => Heard::Record(answer),
        Err(VendorError::Unavailable { retry_after, .. }) => {
            Heard::NeverLeft { because, retry_after }
        }
        Err(VendorError::Unknown { .. } | VendorError::Forged { .. }) => {
            Heard::StillUnknown { because }
        }
        Err(VendorError::Refused { code, .. }) if doubtful => {
            Heard::AskUnlessDone { code, because }
        }
        Err(VendorError::Refused { code, .. }) => Heard::AskAPerson { code, because },
    }
}

/// What a look-up has shown means this for the row.
#[derive(Debug, PartialEq, Eq)]
pub enum Looked<T> {
    /// It has happened: that is the step's outcome.
    Record(T),
    /// One look that found nothing done, perhaps with the vendor's no. It takes two, apart, that agree.
    NothingDone(Option<T>),
    /// Neither: look again later.
    StillUnknown { because: String },
    /// Neither, and business does not want to wait any more.
    AskAPerson { because: String },
}

/// What does this look-up mean?
pub fn looked<T>(
    seen: Result<Seen<T>, VendorError>,
    call: &Call,
    is_no: impl Fn(&T) -> bool,
) -> Looked<T> {
    let because = match seen {
        Ok(Seen::Found(no)) if is_no(&no) => return Looked::NothingDone(Some(no)),
        Ok(Seen::Found(answer)) => return Looked::Record(answer),
        Ok(Seen::Absent) => return Looked::NothingDone(None),
        Ok(Seen::Unclear(because)) => because,
        Err(error) => error.to_string(),
    };
    let asks = is_due(call) && call.tries >= TRIES_BEFORE_A_PERSON;
    if asks { Looked::AskAPerson { because } } else { Looked::StillUnknown { because } }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMINGS: CallTimings = CallTimings { timeout_ms: 20, lag_ms: 60, look_up_spacing_ms: 5 };

    fn call() -> Call {
        Call {
            mine: false,
            attempts: 1,
            absences: 0,
            since_sent_ms: Some(0),
            since_looked_ms: None,
            give_up_in_ms: None,
            said_no: None,
            tries: 0,
            by_hand: None,
            outcome: None,
            answer: None,
        }
    }

    fn decide(call: &Call) -> Next {
        next(call, Repeat::AfterLookUp, &TIMINGS)
    }

    #[test]
    fn a_stamp_is_unknown_until_its_window_has_passed() {
        assert_eq!(decide(&call()), Next::Wait { ms: 80 });
        assert_eq!(decide(&Call { since_sent_ms: Some(79), ..call() }), Next::Wait { ms: 1 });
        assert_eq!(decide(&Call { since_sent_ms: Some(80), ..call() }), Next::LookUp);
    }

    #[test]
    fn only_two_spaced_absences_allow_another_send() {
        let once =
            Call { since_sent_ms: Some(90), absences: 1, since_looked_ms: Some(2), ..call() };
        assert_eq!(decide(&once), Next::Wait { ms: 3 });
        assert_eq!(decide(&Call { since_looked_ms: Some(5), ..once.clone() }), Next::LookUp);
        assert_eq!(decide(&Call { absences: 2, ..once }), Next::Send);
    }

    #[test]
    fn a_no_after_a_re_send_counts_only_once_the_look_up_agrees() {
        let no = Call { said_no: Some(serde_json::Value::Null), since_sent_ms: Some(90), ..call() };
        assert_eq!(decide(&no), Next::LookUp);
        assert_eq!(decide(&Call { absences: 2, ..no }), Next::AcceptNo);
    }

    #[test]
    fn giving_up_needs_certainty_that_nothing_was_done() {
        let due = Call { give_up_in_ms: Some(-1), ..call() };
        assert_eq!(decide(&due), Next::Wait { ms: 80 });
        assert_eq!(decide(&Call { since_sent_ms: None, ..due.clone() }), Next::GiveUp);
        let proven = Call { since_sent_ms: Some(99), absences: 2, ..due };
        assert_eq!(decide(&proven), Next::GiveUp);
    }

    #[test]
    fn a_first_no_is_the_answer_and_a_no_to_a_re_send_is_only_kept() {
        let hears = |attempt, repeat| heard(Ok("no"), attempt, repeat, |_| true);
        assert_eq!(hears(1, Repeat::AfterLookUp), Heard::Record("no"));
        assert_eq!(hears(2, Repeat::AfterLookUp), Heard::KeepNo("no"));
        assert_eq!(hears(2, Repeat::Harmless), Heard::Record("no"));
        assert_eq!(heard(Ok("yes"), 2, Repeat::AfterLookUp, |_| false), Heard::Record("yes"));
    }

    #[test]
    fn only_what_never_left_clears_the_stamp() {
        let hears = |error| heard::<()>(Err(error), 2, Repeat::AfterLookUp, |()| false);
        assert!(matches!(hears(VendorError::unavailable("")), Heard::NeverLeft { .. }));
        for unknown in [VendorError::unknown("it timed out"), VendorError::forged("unreadable")] {
            assert!(matches!(hears(unknown), Heard::StillUnknown { .. }));
        }
        let refused = hears(VendorError::refused("400", "it is malformed"));
        assert!(matches!(refused, Heard::AskUnlessDone { code, .. } if code == "400"));
    }

    #[test]
    fn a_look_that_shows_nothing_done_is_one_absence_whatever_the_vendor_calls_it() {
        let looks = |seen, call: &Call| looked(Ok(seen), call, |answer| *answer == "no");
        assert_eq!(looks(Seen::Found("yes"), &call()), Looked::Record("yes"));
        assert_eq!(looks(Seen::Found("no"), &call()), Looked::NothingDone(Some("no")));
        assert_eq!(looks(Seen::Absent, &call()), Looked::NothingDone(None));
        let unclear = || Seen::Unclear("two of them".to_owned());
        let patient = Call { tries: TRIES_BEFORE_A_PERSON, ..call() };
        let due = Call { give_up_in_ms: Some(-1), ..call() };
        assert!(matches!(looks(unclear(), &patient), Looked::StillUnknown { .. }));
        assert!(matches!(looks(unclear(), &due), Looked::StillUnknown { .. }));
        let both = Call { tries: TRIES_BEFORE_A_PERSON, ..due };
        assert!(matches!(looks(unclear(), &both), Looked::AskAPerson { .. }));
    }

    #[test]
    fn harmless_steps_repeat_at_once() {
        assert_eq!(next(&call(), Repeat::Harmless, &TIMINGS), Next::Send);
    }
}
