//! `Cko-Idempotency-Key`: a success is answered again for a while; anything else is executed again.

use super::Checkout;
use super::refusals::refused;
use crate::faults::Call;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(super) const HEADER: &str = "cko-idempotency-key";

/// A success that is answered again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    status: u16,
    body: String,
    /// What was asked.
    digest: String,
    until: i64,
}

/// The key belongs to the operation and the payment it is about.
pub(super) fn name(call: &Call) -> String {
    format!("{} {} {}", call.op, call.arg(0), call.arg(1))
}

fn digest(wire: &Wire) -> String {
    HEXLOWER.encode(&Sha256::digest(&wire.body))
}

impl Checkout {
    pub(super) fn answered_before(
        &self,
        wire: &Wire,
        call: &Call,
        moment: &Moment,
    ) -> Option<Answer> {
        if call.arg(1).is_empty() {
            return None;
        }
        let name = name(call);
        if self.running.contains(&name) {
            return Some(self.in_flight());
        }
        let kept = self.kept.get(&name).filter(|kept| kept.until > moment.now)?;
        let other = kept.digest != digest(wire);
        if other && self.desk.switches.get("same_key_other_body") == "refuse" {
            return Some(refused(422, "idempotency_key_invalid"));
        }
        let answer = Answer::of(kept.status, "application/json; charset=utf-8", kept.body.clone());
        Some(answer.with("cko-idempotency-replayed", "true"))
    }

    pub(super) fn remember(&mut self, wire: &Wire, call: &Call, moment: &Moment, answer: &Answer) {
        if call.arg(1).is_empty() || !(200..300).contains(&answer.status) {
            return;
        }
        let retention = self.desk.switches.number("key_retention_ms");
        let kept = Kept {
            status: answer.status,
            body: answer.body.clone(),
            digest: digest(wire),
            until: moment.now + moment.clock.shortened(retention),
        };
        self.kept.insert(name(call), kept);
    }
}
