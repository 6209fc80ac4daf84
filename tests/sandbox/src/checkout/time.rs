//! What time does by itself: follow-ups are decided, challenges are given up, reservations lapse.

use super::Checkout;
use serde::{Deserialize, Serialize};

/// What happens to a payment when its time has come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Due {
    /// The payment itself is decided.
    Payment(String),
    /// An action of it is decided.
    Action(String, String),
    /// What is still reserved is let go.
    Lapse(String),
}

/// Not decided yet: so many looks or so much time, whichever is first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub left: u32,
    pub until: i64,
    pub becomes: String,
}

impl Waiting {
    pub(super) fn until(until: i64, becomes: &str) -> Self {
        Self { left: u32::MAX, until, becomes: becomes.to_owned() }
    }

    /// One look. True when it was the last.
    pub(super) fn look(&mut self) -> bool {
        if self.left == 0 {
            return true;
        }
        if self.left != u32::MAX {
            self.left -= 1;
        }
        false
    }
}

impl Checkout {
    /// Does everything that is due. True when something was.
    pub(super) fn settle(&mut self, now: i64) -> bool {
        let mut changed = false;
        while let Some((_, due)) = self.due.first().cloned().filter(|(at, _)| *at <= now) {
            self.due.pop_first();
            changed = true;
            match due {
                Due::Payment(id) => {
                    let waiting = self.payments.get(&id).and_then(|it| it.waiting.clone());
                    if let Some(waiting) = waiting.filter(|waiting| waiting.until <= now) {
                        self.decide_payment(&id, &waiting.becomes, now);
                    }
                }
                Due::Action(id, action) => self.decide_waiting_action(&id, &action, now),
                Due::Lapse(id) => self.lapse(&id, now),
            }
        }
        changed
    }

    /// The merchant looks at a payment: what is undecided comes closer to its decision.
    pub(super) fn look_at(&mut self, id: &str, now: i64) {
        let Some(payment) = self.payments.get_mut(id) else { return };
        let mut decided = None;
        if let Some(waiting) = payment.waiting.as_mut().filter(|_| !payment.challenged)
            && waiting.look()
        {
            decided = Some(waiting.becomes.clone());
        }
        let ready = |action: &mut super::actions::Action| {
            let waiting = action.waiting.as_mut()?;
            waiting.look().then(|| action.id.clone())
        };
        let actions: Vec<String> = payment.actions.iter_mut().filter_map(ready).collect();
        if let Some(code) = decided {
            self.decide_payment(id, &code, now);
        }
        for action in actions {
            self.decide_now(id, &action, now);
        }
    }
}
