//! What becomes of a transaction: its end, and what it shows until it is decided.

use super::HyperPay;
use super::codes;
use crate::clock::SECOND;
use crate::vendor::Moment;
use serde::{Deserialize, Serialize};

/// How long something stays undecided when nobody asks, in the vendor's time.
const UNDECIDED_MS: i64 = 30 * SECOND;

/// Not decided yet: so many looks or so much time, whichever is first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Interim {
    pub left: u32,
    pub until: i64,
    pub becomes: String,
}

/// The code a transaction shows now, and what it waits for.
pub(super) struct Fate {
    pub code: String,
    pub interim: Option<Interim>,
}

impl HyperPay {
    /// `natural` is how it ends when no fault says otherwise; `closes_at` is when its session is over.
    pub(super) fn fate(&self, natural: String, closes_at: i64, moment: &Moment) -> Fate {
        let Some(fault) = moment.fault.as_ref() else { return Fate::decided(natural) };
        let soon = moment.now + fault.delay_or(moment.clock.shortened(UNDECIDED_MS));
        let undecided = |code: &str, left, becomes: &str| {
            let interim = Interim { left, until: soon, becomes: becomes.to_owned() };
            Fate { code: code.to_owned(), interim: Some(interim) }
        };
        match fault.name.as_str() {
            "uncertain" => return undecided(codes::UNCERTAIN, 1, &natural),
            "uncertain_then_reversed" => return undecided(codes::UNCERTAIN, 1, codes::REVERSED),
            "pending_forever" => {
                let never = Interim { left: u32::MAX, until: i64::MAX, becomes: natural };
                return Fate { code: codes::PENDING.to_owned(), interim: Some(never) };
            }
            "late_success" => {
                let until = closes_at + fault.delay_or(moment.clock.shortened(SECOND));
                let late = Interim { left: u32::MAX, until, becomes: natural };
                return Fate { code: codes::PENDING.to_owned(), interim: Some(late) };
            }
            "decline" if codes::is_success(&natural) => {
                return Fate::decided(codes::DECLINED.to_owned());
            }
            "review" if codes::is_success(&natural) => {
                return Fate::decided(codes::REVIEW.to_owned());
            }
            _ => {}
        }
        if let Some(left) = fault.number("pending") {
            return undecided(codes::PENDING, left, &natural);
        }
        if let Some(left) = fault.number("pending_then_decline") {
            return undecided(codes::PENDING, left, codes::DECLINED);
        }
        if let Some(left) = fault.number("pending_long") {
            return undecided(self.desk.switches.get("long_pending_code"), left, &natural);
        }
        let other_end = fault.code("ends").or(fault.code("code"));
        match other_end.filter(|_| codes::is_success(&natural)) {
            Some(code) => Fate::decided(code.to_owned()),
            None => Fate::decided(natural),
        }
    }
}

impl Fate {
    fn decided(code: String) -> Self {
        Self { code, interim: None }
    }
}
