//! What the shopper does, and the shopper's bank: on the page, and long after.

use super::{problem, read, with};
use crate::catalogue::Shape;
use crate::clock;
use crate::faults::Call;
use crate::vendor::{Moment, Outcome};
use crate::wire::{Answer, Wire};
use crate::world::World;
use serde::Deserialize;

#[derive(Deserialize)]
struct Decision {
    outcome: Outcome,
}

pub(super) async fn pay(world: &World, name: &str, session: &str, wire: &Wire) -> Answer {
    let decision = match read::<Decision>(wire) {
        Ok(decision) => decision,
        Err(refusal) => return refusal,
    };
    let call = world.vendor(name).and_then(|vendor| vendor.pay_call(session));
    let Some(call) = call else { return problem(404, "there is no such payment session") };
    let moment = shoppers_moment(world, name, &call).await;
    let answer = with(world, name, |vendor| vendor.pay(session, decision.outcome, &moment));
    world.touch();
    answer
}

/// A card is held to the terminal, or somebody gives money back there.
pub(super) async fn at_terminal(world: &World, name: &str, act: &str, wire: &Wire) -> Answer {
    let call = world.vendor(name).and_then(|vendor| vendor.terminal_call(act, wire));
    let Some(call) = call else { return problem(404, "no terminal does this") };
    let moment = shoppers_moment(world, name, &call).await;
    let answer = with(world, name, |vendor| vendor.at_terminal(&call, wire, &moment));
    world.touch();
    answer
}

/// The shopper is on the page, not on the wire: only waiting and the vendor's own faults apply.
async fn shoppers_moment(world: &World, name: &str, call: &Call) -> Moment {
    let fault = world.vendor(name).and_then(|mut vendor| vendor.desk_mut().faults.take(call));
    let clock = world.clock.clone();
    if let Some(waiting) = fault.as_ref().filter(|fault| fault.shape() == Shape::Delay) {
        let wait = std::time::Duration::from_millis(waiting.delay_ms.unwrap_or_default());
        tokio::time::sleep(wait).await;
    }
    Moment { now: clock::now_ms(), clock, fault, begun: false }
}

#[derive(Deserialize)]
struct ChargeBack {
    reference: String,
}

/// The bank takes the latest capture of a reference back.
pub(super) fn charge_back(world: &World, name: &str, wire: &Wire) -> Answer {
    let wanted = match read::<ChargeBack>(wire) {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal,
    };
    let now = clock::now_ms();
    let answer = with(world, name, |vendor| vendor.charge_back(&wanted.reference, now));
    world.touch();
    answer
}
