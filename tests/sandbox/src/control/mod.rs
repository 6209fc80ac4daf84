//! The control plane: what tests and demos ask of the stand-ins, the same for every vendor.

mod rules;
mod shopper;
mod webhooks;

use crate::catalogue;
use crate::ledger::Entry;
use crate::vendor::Vendor;
use crate::wire::{Answer, Wire};
use crate::world::World;
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(crate) async fn answer(world: &Arc<World>, wire: &Wire) -> Answer {
    let path: Vec<&str> = wire.path.iter().skip(1).map(String::as_str).collect();
    let vendor = path.first().and_then(|name| world.names().into_iter().find(|have| have == name));
    match (&wire.method, path.as_slice(), vendor) {
        (&Method::GET, [], _) => overview(world),
        (&Method::GET, ["health"], _) => Answer::json(200, &json!({"status": "ok"})),
        (&Method::POST, ["clock"], _) => set_clock(world, wire),
        (&Method::POST, ["reset"], _) => reset(world),
        (method, ["identity", rest @ ..], _) => world.identity.control(method, rest, wire),
        (method, [_, rest @ ..], Some(vendor)) => {
            of_vendor(world, vendor, (method, rest), wire).await
        }
        _ => no_such_control(),
    }
}

async fn of_vendor(
    world: &Arc<World>,
    vendor: &'static str,
    asked: (&Method, &[&str]),
    wire: &Wire,
) -> Answer {
    match asked {
        (&Method::GET, []) => with(world, vendor, |vendor| Answer::json(200, &about(vendor))),
        (&Method::GET, ["ledger"]) => ledger(world, vendor, wire),
        (&Method::GET, ["faults"]) => rules::list(world, vendor),
        (&Method::GET, ["faults", "unfired"]) => rules::unfired(world, vendor),
        (&Method::POST, ["faults"]) => rules::add(world, vendor, wire),
        (&Method::DELETE, ["faults"]) => rules::forget(world, vendor, wire),
        (&Method::GET, ["switches"]) => list_switches(world, vendor),
        (&Method::POST, ["switches"]) => set_switches(world, vendor, wire),
        (&Method::POST, ["pay", session]) => shopper::pay(world, vendor, session, wire).await,
        (&Method::POST, ["terminal", act]) => shopper::at_terminal(world, vendor, act, wire).await,
        (&Method::POST, ["chargebacks"]) => shopper::charge_back(world, vendor, wire),
        (&Method::GET, ["outbox"]) => webhooks::outbox(world, vendor, wire),
        (&Method::POST, ["webhooks", "redeliver"]) => {
            webhooks::redeliver(world, vendor, wire).await
        }
        _ => no_such_control(),
    }
}

fn no_such_control() -> Answer {
    problem(404, "there is no such control")
}

fn problem(status: u16, text: &str) -> Answer {
    Answer::json(status, &json!({"error": text}))
}

fn read<T: for<'a> Deserialize<'a>>(wire: &Wire) -> Result<T, Answer> {
    serde_json::from_slice(&wire.body).map_err(|error| problem(400, &error.to_string()))
}

fn with(world: &World, name: &str, act: impl FnOnce(&mut dyn Vendor) -> Answer) -> Answer {
    match world.vendor(name) {
        Some(mut vendor) => act(vendor.as_mut()),
        None => problem(404, "no such vendor"),
    }
}

fn overview(world: &World) -> Answer {
    let mut vendors = Map::new();
    for name in world.names() {
        if let Some(vendor) = world.vendor(name) {
            vendors.insert(name.to_owned(), about(vendor.as_ref()));
        }
    }
    Answer::json(200, &json!({"factor": world.clock.factor(), "vendors": vendors}))
}

/// Everything a test needs to try every fault at every operation, and every switch in every position.
fn about(vendor: &dyn Vendor) -> Value {
    let own = vendor.faults();
    let faults: Vec<Value> = catalogue::all(own)
        .map(|known| {
            let itself = [known.name];
            let examples = if known.examples.is_empty() { &itself } else { known.examples };
            let operations = known.covers(vendor.operations());
            json!({"name": known.name, "when": known.when, "operations": operations,
                "examples": examples})
        })
        .collect();
    let switches: Map<String, Value> = vendor
        .switches()
        .iter()
        .map(|switch| {
            let value = vendor.desk().switches.get(switch.name);
            (switch.name.to_owned(), switch.json(value))
        })
        .collect();
    json!({"operations": vendor.operations(), "faults": faults, "switches": switches})
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
    world.identity.reset();
    world.touch();
    Answer::json(200, &json!({"reset": true}))
}

/// Of one reference, or of all from the nth entry on. Never in parts: it is written as JSON after the lock is gone.
fn ledger(world: &World, name: &str, wire: &Wire) -> Answer {
    let from = wire.query.get("from").and_then(|text| text.parse().ok()).unwrap_or(0);
    let Some(vendor) = world.vendor(name) else { return problem(404, "no such vendor") };
    let ledger = &vendor.desk().ledger;
    let mut entries: Vec<Arc<Entry>> = match wire.query.filled("reference") {
        Some(reference) => ledger.of(reference),
        None => ledger.since(from),
    };
    drop(vendor);
    if let Some(kind) = wire.query.filled("kind") {
        entries.retain(|entry| entry.kind == kind);
    }
    let entries: Vec<&Entry> = entries.iter().map(AsRef::as_ref).collect();
    Answer::json(200, &entries)
}

fn list_switches(world: &World, name: &str) -> Answer {
    with(world, name, |vendor| Answer::json(200, vendor.desk().switches.all()))
}

fn set_switches(world: &World, name: &str, wire: &Wire) -> Answer {
    let wanted = match read::<Map<String, Value>>(wire) {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal,
    };
    let answer = with(world, name, |vendor| {
        let known = vendor.switches();
        for (switch, value) in &wanted {
            if let Err(why) = vendor.desk_mut().switches.set(known, switch, value) {
                return problem(400, &why);
            }
        }
        Answer::json(200, vendor.desk().switches.all())
    });
    world.touch();
    answer
}
