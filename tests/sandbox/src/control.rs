//! The control plane: what tests and demos ask of the stand-ins, the same for every vendor.

use crate::clock;
use crate::courier;
use crate::faults::{self, Call, GENERAL, Rule, Shape};
use crate::vendor::{Moment, Outcome};
use crate::wire::{Answer, Wire};
use crate::world::World;
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const REDELIVERIES: u32 = 1_000;

pub(crate) async fn answer(world: &Arc<World>, wire: &Wire) -> Answer {
    let path: Vec<&str> = wire.path.iter().skip(1).map(String::as_str).collect();
    let vendor = path.first().and_then(|name| world.names().into_iter().find(|have| have == name));
    match (&wire.method, path.as_slice(), vendor) {
        (&Method::GET, [], _) => overview(world),
        (&Method::GET, ["health"], _) => Answer::json(200, &json!({"status": "ok"})),
        (&Method::POST, ["clock"], _) => set_clock(world, wire),
        (&Method::POST, ["reset"], _) => reset(world),
        (&Method::GET, [_, "ledger"], Some(vendor)) => ledger(world, vendor, wire),
        (&Method::GET, [_, "outbox"], Some(vendor)) => outbox(world, vendor, wire),
        (&Method::GET, [_, "faults"], Some(vendor)) => list_faults(world, vendor),
        (&Method::POST, [_, "faults"], Some(vendor)) => add_fault(world, vendor, wire),
        (&Method::DELETE, [_, "faults"], Some(vendor)) => clear_faults(world, vendor),
        (&Method::GET, [_, "switches"], Some(vendor)) => list_switches(world, vendor),
        (&Method::POST, [_, "switches"], Some(vendor)) => set_switches(world, vendor, wire),
        (&Method::POST, [_, "pay", session], Some(vendor)) => {
            pay(world, vendor, session, wire).await
        }
        (&Method::POST, [_, "webhooks", "redeliver"], Some(vendor)) => {
            redeliver(world, vendor, wire).await
        }
        _ => problem(404, "there is no such control"),
    }
}

fn problem(status: u16, text: &str) -> Answer {
    Answer::json(status, &json!({"error": text}))
}

fn read<T: for<'a> Deserialize<'a>>(wire: &Wire) -> Result<T, Answer> {
    serde_json::from_slice(&wire.body).map_err(|error| problem(400, &error.to_string()))
}

fn overview(world: &World) -> Answer {
    let mut vendors = Map::new();
    for name in world.names() {
        let Some(vendor) = world.vendor(name) else { continue };
        let switches: Map<String, Value> = vendor
            .switches()
            .iter()
            .map(|switch| {
                let value = vendor.desk().switches.get(switch.0);
                (
                    switch.0.to_owned(),
                    json!({"value": value, "default": switch.1, "takes": switch.2}),
                )
            })
            .collect();
        let about = json!({
            "operations": vendor.operations(),
            "faults": GENERAL.iter().chain(vendor.faults()).collect::<Vec<_>>(),
            "switches": switches,
        });
        vendors.insert(name.to_owned(), about);
    }
    Answer::json(200, &json!({"factor": world.clock.factor(), "vendors": vendors}))
}

#[derive(Deserialize)]
struct NewFactor {
    factor: u32,
}

fn set_clock(world: &World, wire: &Wire) -> Answer {
    match read::<NewFactor>(wire) {
        Ok(new) => {
            world.clock.set(new.factor);
            Answer::json(200, &json!({"factor": world.clock.factor()}))
        }
        Err(refusal) => refusal,
    }
}

fn reset(world: &World) -> Answer {
    for name in world.names() {
        if let Some(mut vendor) = world.vendor(name) {
            vendor.reset();
        }
    }
    world.touch();
    Answer::json(200, &json!({"reset": true}))
}

fn ledger(world: &World, name: &str, wire: &Wire) -> Answer {
    let Some(vendor) = world.vendor(name) else { return problem(404, "no such vendor") };
    let ledger = &vendor.desk().ledger;
    let mut entries = match wire.query.filled("reference") {
        Some(reference) => ledger.of(reference),
        None => ledger.all(),
    };
    if let Some(kind) = wire.query.filled("kind") {
        entries.retain(|entry| entry.kind == kind);
    }
    Answer::json(200, &json!(entries))
}

fn outbox(world: &World, name: &str, wire: &Wire) -> Answer {
    let Some(vendor) = world.vendor(name) else { return problem(404, "no such vendor") };
    let wanted = wire.query.filled("reference");
    let letters = vendor.desk().outbox.letters();
    let shown: Vec<_> =
        letters.filter(|letter| wanted.is_none_or(|wanted| letter.reference == wanted)).collect();
    Answer::json(200, &json!(shown))
}

fn list_faults(world: &World, name: &str) -> Answer {
    let Some(vendor) = world.vendor(name) else { return problem(404, "no such vendor") };
    Answer::json(200, &json!(vendor.desk().faults.rules()))
}

fn add_fault(world: &World, name: &str, wire: &Wire) -> Answer {
    let rule = match read::<Rule>(wire) {
        Ok(rule) => rule,
        Err(refusal) => return refusal,
    };
    let Some(mut vendor) = world.vendor(name) else { return problem(404, "no such vendor") };
    let operations = vendor.operations();
    if rule.matching.op != "*" && !operations.contains(&rule.matching.op.as_str()) {
        return problem(400, &format!("no such op; there are {}", operations.join(", ")));
    }
    if !faults::known(&rule.fault, GENERAL) && !faults::known(&rule.fault, vendor.faults()) {
        let names: Vec<&str> = GENERAL.iter().chain(vendor.faults()).copied().collect();
        return problem(400, &format!("no such fault; there are {}", names.join(", ")));
    }
    if !vendor.desk_mut().faults.add(rule) {
        return problem(409, "there are too many faults already; delete them first");
    }
    drop(vendor);
    world.touch();
    Answer::json(201, &json!({"added": true}))
}

fn clear_faults(world: &World, name: &str) -> Answer {
    let Some(mut vendor) = world.vendor(name) else { return problem(404, "no such vendor") };
    vendor.desk_mut().faults.clear();
    Answer::json(200, &json!([]))
}

fn list_switches(world: &World, name: &str) -> Answer {
    let Some(vendor) = world.vendor(name) else { return problem(404, "no such vendor") };
    Answer::json(200, &json!(vendor.desk().switches.all()))
}

fn set_switches(world: &World, name: &str, wire: &Wire) -> Answer {
    let wanted = match read::<Map<String, Value>>(wire) {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal,
    };
    let Some(mut vendor) = world.vendor(name) else { return problem(404, "no such vendor") };
    let known = vendor.switches();
    for (switch, value) in &wanted {
        if let Err(why) = vendor.desk_mut().switches.set(known, switch, value) {
            return problem(400, &why);
        }
    }
    let all = Answer::json(200, &json!(vendor.desk().switches.all()));
    drop(vendor);
    world.touch();
    all
}

#[derive(Deserialize)]
struct Shopper {
    outcome: Outcome,
}

async fn pay(world: &World, name: &str, session: &str, wire: &Wire) -> Answer {
    let shopper = match read::<Shopper>(wire) {
        Ok(shopper) => shopper,
        Err(refusal) => return refusal,
    };
    let call = world.vendor(name).and_then(|vendor| vendor.pay_call(session));
    let Some(call) = call else { return problem(404, "there is no such payment session") };
    let moment = shoppers_moment(world, name, &call).await;
    let answer = world.vendor(name).map(|mut vendor| vendor.pay(session, shopper.outcome, &moment));
    world.touch();
    answer.unwrap_or_else(|| problem(404, "no such vendor"))
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
struct Redelivery {
    reference: String,
    #[serde(default = "one")]
    times: u32,
    #[serde(default)]
    parallel: bool,
    #[serde(default)]
    corrupt: bool,
}

fn one() -> u32 {
    1
}

async fn redeliver(world: &Arc<World>, name: &'static str, wire: &Wire) -> Answer {
    let wanted = match read::<Redelivery>(wire) {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal,
    };
    let latest = world
        .vendor(name)
        .and_then(|vendor| vendor.desk().outbox.latest(&wanted.reference).cloned());
    let Some(mut letter) = latest else { return problem(404, "nothing was sent about it") };
    letter.corrupt = wanted.corrupt;
    let times = wanted.times.min(REDELIVERIES);
    let statuses = courier::redeliver(world, name, &letter, times, wanted.parallel).await;
    Answer::json(200, &json!({"delivered": statuses.len(), "statuses": statuses}))
}
