//! Every wait and time-out there is, in one value that travels in the workflow's input.
//!
//! It comes with the input and never from the environment, because a replay must see what the first run saw. Tests
//! run everything at a fraction; the stand-ins take the same factor.

use crate::provider::Platform;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How one vendor operation behaves in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallTimings {
    /// After this we stop waiting for the answer. It counts from before the stamp is committed.
    pub timeout_ms: u64,
    /// The longest time from the vendor receiving a request to its effect showing in our look-up, execution after
    /// our time-out included.
    pub lag_ms: u64,
    /// Between two look-ups that found nothing.
    pub look_up_spacing_ms: u64,
}

impl CallTimings {
    /// From the stamp until a look-up may be believed.
    pub const fn settle_window_ms(&self) -> u64 {
        self.timeout_ms + self.lag_ms
    }
}

/// Where the terminal of a kiosk takes the money, everything is quicker: only the terminal gives it back by itself, and
/// only for a minute (`NearPay`'s terminal SDK, `irreversible_transaction`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AtTerminal {
    /// A kiosk's booking that nobody pays ends after this: others stand in line for its seats.
    pub hold_ms: u64,
    /// Between two questions about a card that may have been tapped, or a reversal that may have been made.
    pub ask_ms: u64,
    /// How long a card may be under way at the terminal.
    pub tap_ms: u64,
    /// Vista has not confirmed so long after the tap: it goes back while the terminal still can.
    pub confirm_ms: u64,
    /// A terminal reverses what it has taken no later than this.
    pub reversal_ms: u64,
    /// A reversal that was begun in time may be under way so long: 10 seconds to connect, 30 to read.
    pub answer_ms: u64,
    /// Between two questions about money that the counter is to give back, at most: whoever it is for comes some day.
    pub counter_ask_ms: u64,
    /// So long after it was owed nobody is asked about it any more. The vendor names no end; a month is our choice. The case
    /// stays open, and whoever decides it, or says that the money is back, is heard.
    pub counter_ms: u64,
}

/// All waits. Milliseconds unless the name says otherwise. What a stored value has no field for yet is production's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timings {
    /// A booking nobody pays ends after this.
    pub booking_expiry_ms: u64,
    /// Taken off Vista's own expiry: what confirming at Vista may need.
    pub confirm_margin_ms: u64,
    /// With less time left than this no payment is opened: it is what paying takes.
    pub pay_time_ms: u64,
    /// How often opening a payment may restart Vista's timer.
    pub continues: u32,
    /// Vista silent after the money was taken: unwind after this, if provably nothing was booked …
    pub confirm_bound_ms: u64,
    /// … or this long before the show.
    pub confirm_before_show_ms: u64,
    /// Coming back to a vendor that is away: first wait, doubled each time, up to the longest.
    pub retry_first_ms: u64,
    pub retry_longest_ms: u64,
    /// Asking about a payment: first, then widening to the longest. A vendor's limit on reads bounds the first.
    pub ask_first_ms: u64,
    pub ask_longest_ms: u64,
    /// A vendor leaves a refund, or a payment whose session is over, undecided: a person hears of it after this.
    pub undecided_ms: u64,
    pub terminal: AtTerminal,
    /// Vista's calls that may be repeated at once.
    pub vista: CallTimings,
    /// Telling Vista that an order is paid.
    pub confirm: CallTimings,
    /// Opening a payment and asking about it; its lag is what a capture takes to show.
    pub payment: CallTimings,
    /// Sending a refund.
    pub refund: CallTimings,
}

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// No vendor says how slow it can be: 20 s is what Vista's own clients wait, a minute more is our reading of the worst.
const fn call(look_up_spacing_ms: u64) -> CallTimings {
    CallTimings { timeout_ms: 20 * SECOND, lag_ms: 60 * SECOND, look_up_spacing_ms }
}

impl Default for AtTerminal {
    /// Production's values.
    fn default() -> Self {
        Self {
            hold_ms: 4 * MINUTE,
            ask_ms: 5 * SECOND,
            tap_ms: 2 * MINUTE,
            confirm_ms: 40 * SECOND,
            reversal_ms: MINUTE,
            answer_ms: 40 * SECOND,
            counter_ask_ms: HOUR,
            counter_ms: 30 * DAY,
        }
    }
}

impl Default for Timings {
    /// Production's values.
    fn default() -> Self {
        Self {
            booking_expiry_ms: 15 * MINUTE,
            confirm_margin_ms: MINUTE,
            pay_time_ms: 2 * MINUTE,
            continues: 3,
            confirm_bound_ms: 10 * MINUTE,
            confirm_before_show_ms: 5 * MINUTE,
            retry_first_ms: SECOND,
            retry_longest_ms: MINUTE,
            ask_first_ms: 35 * SECOND,
            ask_longest_ms: 2 * MINUTE,
            undecided_ms: 30 * MINUTE,
            terminal: AtTerminal::default(),
            vista: call(5 * SECOND),
            confirm: call(5 * SECOND),
            payment: call(30 * SECOND),
            refund: call(30 * SECOND),
        }
    }
}

impl Timings {
    /// The same waits, `factor` times shorter. Time-outs of calls keep a floor, since a vendor in the same room
    /// still needs real milliseconds to answer; and so does what somebody does at a terminal, or must be done before they
    /// can: that a machine is busy is no reason to give money back, nor to send somebody to the counter.
    #[must_use]
    pub fn faster(self, factor: u32) -> Self {
        let by = |ms: u64| (ms / u64::from(factor.max(1))).max(1);
        let floored = |ms: u64, floor_ms: u64| by(ms).max(ms.min(floor_ms));
        let sooner = |call: CallTimings| CallTimings {
            timeout_ms: floored(call.timeout_ms, TIMEOUT_FLOOR_MS),
            lag_ms: by(call.lag_ms),
            look_up_spacing_ms: by(call.look_up_spacing_ms),
        };
        Self {
            booking_expiry_ms: by(self.booking_expiry_ms),
            confirm_margin_ms: by(self.confirm_margin_ms),
            pay_time_ms: by(self.pay_time_ms),
            continues: self.continues,
            confirm_bound_ms: by(self.confirm_bound_ms),
            confirm_before_show_ms: by(self.confirm_before_show_ms),
            retry_first_ms: by(self.retry_first_ms),
            retry_longest_ms: by(self.retry_longest_ms),
            ask_first_ms: by(self.ask_first_ms),
            ask_longest_ms: by(self.ask_longest_ms),
            undecided_ms: by(self.undecided_ms),
            terminal: AtTerminal {
                hold_ms: floored(self.terminal.hold_ms, HOLD_FLOOR_MS),
                ask_ms: by(self.terminal.ask_ms),
                tap_ms: by(self.terminal.tap_ms),
                confirm_ms: floored(self.terminal.confirm_ms, CONFIRM_FLOOR_MS),
                reversal_ms: floored(self.terminal.reversal_ms, REVERSAL_FLOOR_MS),
                answer_ms: by(self.terminal.answer_ms),
                counter_ask_ms: by(self.terminal.counter_ask_ms),
                counter_ms: by(self.terminal.counter_ms),
            },
            vista: sooner(self.vista),
            confirm: sooner(self.confirm),
            payment: sooner(self.payment),
            refund: sooner(self.refund),
        }
    }

    /// The waits of a booking that is made here: a kiosk holds seats for a shorter time than a phone.
    #[must_use]
    pub fn on(self, platform: Platform) -> Self {
        match platform {
            Platform::Kiosk => Self {
                booking_expiry_ms: self.terminal.hold_ms.min(self.booking_expiry_ms),
                ..self
            },
            Platform::Ios | Platform::Android | Platform::Website | Platform::Huawei => self,
        }
    }

    /// How long to wait before the `tries`-th coming back (from 0): doubling, bounded.
    pub fn retry_after(&self, tries: u32) -> Duration {
        widening(self.retry_first_ms, self.retry_longest_ms, tries)
    }

    /// How long to wait before the `asked`-th question about a payment (from 0).
    pub fn ask_after(&self, asked: u32) -> Duration {
        widening(self.ask_first_ms, self.ask_longest_ms, asked)
    }
}

const TIMEOUT_FLOOR_MS: u64 = 3 * SECOND;
const HOLD_FLOOR_MS: u64 = 15 * SECOND;
const CONFIRM_FLOOR_MS: u64 = 15 * SECOND;
const REVERSAL_FLOOR_MS: u64 = 30 * SECOND;

fn widening(first_ms: u64, longest_ms: u64, tries: u32) -> Duration {
    let factor = 1_u64.checked_shl(tries.min(32)).unwrap_or(u64::MAX);
    Duration::from_millis(first_ms.saturating_mul(factor).min(longest_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_stay_bounded() {
        let timings = Timings::default();
        let waits: Vec<u64> = (0..8).map(|n| timings.retry_after(n).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(timings.retry_after(u32::MAX).as_secs(), 60);
    }

    #[test]
    fn a_kiosk_holds_seats_for_four_minutes_and_never_longer_than_others() {
        let timings = Timings::default();
        assert_eq!(timings.on(Platform::Kiosk).booking_expiry_ms, 4 * MINUTE);
        assert_eq!(timings.on(Platform::Ios), timings);
        let hasty = Timings { booking_expiry_ms: MINUTE, ..timings };
        assert_eq!(hasty.on(Platform::Kiosk), hasty);
    }

    #[test]
    fn a_terminal_can_still_reverse_when_the_cinema_has_had_its_time() {
        for factor in [1, 6, 60, 120] {
            let timings = Timings::default().faster(factor);
            let AtTerminal { confirm_ms, reversal_ms, ask_ms, .. } = timings.terminal;
            assert!(ask_ms + confirm_ms + 14 * SECOND < reversal_ms, "{factor}: {timings:?}");
        }
    }

    #[test]
    fn however_fast_the_clocks_are_a_busy_machine_has_seconds_for_what_is_done_at_a_terminal() {
        for factor in [1, 6, 60, 1_000] {
            let AtTerminal { hold_ms, confirm_ms, .. } = Timings::default().faster(factor).terminal;
            assert!(hold_ms >= 15 * SECOND && confirm_ms >= 15 * SECOND, "{factor}");
        }
    }

    #[test]
    fn what_was_stored_before_there_were_terminals_has_productions_waits() {
        let mut stored = serde_json::to_value(Timings::default().faster(60)).unwrap();
        stored.as_object_mut().unwrap().remove("terminal");
        let read: Timings = serde_json::from_value(stored).unwrap();
        assert_eq!(read.terminal, AtTerminal::default());
    }
}
