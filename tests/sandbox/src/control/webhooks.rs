//! What the vendors have told, or still owe: listed, and delivered again as often and as oddly as asked.

use super::{problem, read, with};
use crate::courier;
use crate::outbox::{Forgery, Letter};
use crate::wire::{Answer, Wire};
use crate::world::World;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

const REDELIVERIES: u32 = 1_000;

pub(super) fn outbox(world: &World, name: &str, wire: &Wire) -> Answer {
    with(world, name, |vendor| {
        let wanted = wire.query.filled("reference");
        let about = |letter: &&Letter| wanted.is_none_or(|wanted| letter.reference == wanted);
        let shown: Vec<&Letter> = vendor.desk().outbox.letters().filter(about).collect();
        Answer::json(200, &shown)
    })
}

#[derive(Deserialize)]
struct Redelivery {
    /// The latest letter about it, unless one is named.
    #[serde(default)]
    reference: String,
    letter: Option<u64>,
    #[serde(default = "one")]
    times: u32,
    #[serde(default)]
    parallel: bool,
    /// The very bytes that were delivered first, as long as the key is the same.
    #[serde(default)]
    replay: bool,
    forged: Option<Forgery>,
    /// `forged` with a flipped tag.
    #[serde(default)]
    corrupt: bool,
}

fn one() -> u32 {
    1
}

pub(super) async fn redeliver(world: &Arc<World>, name: &'static str, wire: &Wire) -> Answer {
    let wanted = match read::<Redelivery>(wire) {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal,
    };
    let found = world.vendor(name).and_then(|vendor| {
        let outbox = &vendor.desk().outbox;
        let named = |letter: &&Letter| Some(letter.id) == wanted.letter;
        let letter = match wanted.letter {
            Some(_) => outbox.letters().find(named),
            None => outbox.latest(&wanted.reference),
        };
        letter.cloned()
    });
    let Some(mut letter) = found else { return problem(404, "nothing was sent about it") };
    letter.forgery = wanted.forged.or(wanted.corrupt.then_some(Forgery::FlippedTag));
    if wanted.replay {
        let first = letter.attempts.iter().find_map(|attempt| attempt.vector.clone());
        let Some(first) = first else { return problem(409, "nothing was sent yet") };
        letter.vector = Some(first);
    }
    let times = wanted.times.min(REDELIVERIES);
    let statuses = courier::redeliver(world, name, &letter, times, wanted.parallel).await;
    Answer::json(200, &json!({"delivered": statuses.len(), "statuses": statuses}))
}
