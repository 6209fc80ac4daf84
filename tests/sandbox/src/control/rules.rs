//! Fault rules: installed one by one or thousands at once, listed, and forgotten.

use super::{problem, read, with};
use crate::catalogue;
use crate::faults::NewRule;
use crate::vendor::Vendor;
use crate::wire::{Answer, Wire};
use crate::world::World;
use serde_json::{Value, json};

/// One rule, or a list of them: all are added or none.
pub(super) fn add(world: &World, name: &str, wire: &Wire) -> Answer {
    let asked = match read::<Value>(wire) {
        Ok(list @ Value::Array(_)) => list,
        Ok(one) => json!([one]),
        Err(refusal) => return refusal,
    };
    let wanted = match serde_json::from_value::<Vec<NewRule>>(asked) {
        Ok(wanted) => wanted,
        Err(error) => return problem(400, &error.to_string()),
    };
    let answer = with(world, name, |vendor| {
        let mut rules = Vec::with_capacity(wanted.len());
        for rule in wanted {
            match operations(vendor, &rule) {
                Ok(operations) => rules.push((rule, operations)),
                Err(why) => return problem(400, &why),
            }
        }
        match vendor.desk_mut().faults.add(rules) {
            Some(ids) => Answer::json(201, &json!({"added": true, "ids": ids})),
            None => problem(409, "there are too many faults already; delete them first"),
        }
    });
    world.touch();
    answer
}

/// The operations a rule waits for, or what is wrong with it.
fn operations(vendor: &dyn Vendor, rule: &NewRule) -> Result<Vec<&'static str>, String> {
    let (op, fault, own) = (rule.matching.op.as_str(), rule.fault.as_str(), vendor.faults());
    let known = vendor.operations();
    if op != "*" && !known.iter().any(|operation| operation.name == op) {
        let names: Vec<&str> = known.iter().map(|operation| operation.name).collect();
        return Err(format!("there is no op {op}; there are {}", names.join(", ")));
    }
    let mut fitting = catalogue::fitting(fault, own, known);
    if fitting.is_empty() {
        let names: Vec<&str> = catalogue::all(own).map(|known| known.name).collect();
        return Err(format!("there is no fault {fault}; there are {}", names.join(", ")));
    }
    if op != "*" {
        if !fitting.contains(&op) {
            return Err(format!("{fault} does not fit {op}, but {}", fitting.join(", ")));
        }
        fitting.retain(|name| *name == op);
    }
    Ok(fitting)
}

pub(super) fn list(world: &World, name: &str) -> Answer {
    with(world, name, |vendor| Answer::json(200, &vendor.desk().faults.rules()))
}

pub(super) fn unfired(world: &World, name: &str) -> Answer {
    with(world, name, |vendor| Answer::json(200, &vendor.desk().faults.unfired()))
}

/// Those about `?reference=`, else all. Answers with what is left.
pub(super) fn forget(world: &World, name: &str, wire: &Wire) -> Answer {
    with(world, name, |vendor| {
        let faults = &mut vendor.desk_mut().faults;
        faults.forget(wire.query.filled("reference"));
        Answer::json(200, &faults.rules())
    })
}
