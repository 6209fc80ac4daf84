//! The decisions in the life of a step, as pure functions of its row.

use schema::{timings::CallTimings, vendor_calls::Call};

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
    /// Nothing was done, certainly, and business does not want it any more.
    GiveUp,
}

/// How often a look-up must find nothing, cleanly, before it never happened.
pub const PROOF_OF_ABSENCE: i32 = 2;

/// May I send? A stamp without a recorded outcome is unknown until the settle window has passed and the look-up has
/// spoken.
pub fn next(call: &Call, repeat: Repeat, timings: &CallTimings) -> Next {
    if call.outcome.is_some() {
        return Next::Answered;
    }
    let Some(since_sent) = call.since_sent_ms else { return send_or_give_up(call) };
    if repeat == Repeat::Harmless {
        return send_or_give_up(call);
    }
    if let Some(ms) = left(since_sent, timings.settle_window_ms()) {
        return Next::Wait { ms };
    }
    if call.absences >= PROOF_OF_ABSENCE {
        return if call.said_no.is_some() { Next::AcceptNo } else { send_or_give_up(call) };
    }
    match call.since_looked_ms.and_then(|since| left(since, timings.look_up_spacing_ms)) {
        Some(ms) => Next::Wait { ms },
        None => Next::LookUp,
    }
}

fn send_or_give_up(call: &Call) -> Next {
    if call.give_up_in_ms.is_some_and(|left| left <= 0) { Next::GiveUp } else { Next::Send }
}

/// What is left of a span that began `since_ms` ago, if anything.
fn left(since_ms: i64, span_ms: u64) -> Option<u64> {
    let since = u64::try_from(since_ms).unwrap_or(0);
    span_ms.checked_sub(since).filter(|left| *left > 0)
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
    fn harmless_steps_repeat_at_once() {
        assert_eq!(next(&call(), Repeat::Harmless, &TIMINGS), Next::Send);
    }
}
