//! The entrance: finds the vendor, lets its effect happen, and spoils what a fault says.

use crate::catalogue::{Shape, Spoil};
use crate::clock;
use crate::control;
use crate::faults::{Call, Fault};
use crate::spoiling;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use crate::world::World;
use axum::extract::{Request, State};
use axum::response::Response;
use std::sync::Arc;
use std::time::Duration;

const LATE_MS: u64 = 2_000;

pub(crate) async fn entrance(State(world): State<Arc<World>>, request: Request) -> Response {
    let answer = match Wire::read(request).await {
        Ok(wire) => answer(&world, wire).await,
        Err(refusal) => refusal,
    };
    answer.into_response()
}

async fn answer(world: &Arc<World>, wire: Wire) -> Answer {
    let door = wire.path.first().map(|segment| segment.to_ascii_lowercase());
    match door.as_deref() {
        Some("identity") => world.identity.answer(&wire).await,
        Some("_sim") => control::answer(world, &wire).await,
        Some(name) => match world.names().into_iter().find(|known| *known == name) {
            Some(vendor) => called(world, vendor, wire).await,
            None => nothing_here(),
        },
        None => nothing_here(),
    }
}

fn nothing_here() -> Answer {
    Answer::html(404, "<html><body><h1>404 Not Found</h1></body></html>")
}

async fn called(world: &Arc<World>, vendor: &'static str, wire: Wire) -> Answer {
    let call = world.vendor(vendor).and_then(|desk| desk.identify(&wire));
    let Some(call) = call else { return nothing_here() };
    let fault = world.vendor(vendor).and_then(|mut desk| desk.desk_mut().faults.take(&call));
    let job = Job { world: Arc::clone(world), vendor, wire, call };
    match fault {
        None => job.perform(None, false),
        Some(fault) => job.misbehave(fault).await,
    }
}

/// One call on its way through a vendor.
struct Job {
    world: Arc<World>,
    vendor: &'static str,
    wire: Wire,
    call: Call,
}

impl Job {
    fn perform(&self, fault: Option<Fault>, begun: bool) -> Answer {
        let clock = self.world.clock.clone();
        let moment = Moment { now: clock::now_ms(), clock, fault, begun };
        let answer = self
            .world
            .vendor(self.vendor)
            .map(|mut vendor| vendor.perform(&self.wire, &self.call, &moment));
        self.world.touch();
        answer.unwrap_or_else(nothing_here)
    }

    async fn misbehave(self, fault: Fault) -> Answer {
        tracing::debug!(vendor = self.vendor, op = self.call.op, fault = fault.name, "misbehaving");
        match fault.shape() {
            Shape::Inside => self.perform(Some(fault), false),
            Shape::Before(spoil) => self.spoil(spoil, &fault, Answer::text(200, "")).await,
            Shape::After(spoil) => {
                let answer = self.perform(None, false);
                self.spoil(spoil, &fault, answer).await
            }
            Shape::Delay => {
                let wait = Duration::from_millis(fault.delay_ms.unwrap_or(LATE_MS));
                // A caller who hangs up does not undo what is on its way.
                tokio::spawn(async move { self.later(wait).await })
                    .await
                    .unwrap_or_else(|_| Answer::text(500, "the sandbox lost a delayed call"))
            }
            Shape::LateCommit => {
                let wait = Duration::from_millis(fault.delay_ms.unwrap_or(LATE_MS));
                let answer = spoiling::unavailable(&self.world, self.vendor, 503);
                tokio::spawn(async move { self.later(wait).await });
                answer
            }
        }
    }

    /// Begins now, and performs after a while.
    async fn later(self, wait: Duration) -> Answer {
        if let Some(mut vendor) = self.world.vendor(self.vendor) {
            vendor.begin(&self.call);
        }
        tokio::time::sleep(wait).await;
        self.perform(None, true)
    }

    async fn spoil(&self, spoil: Spoil, fault: &Fault, answer: Answer) -> Answer {
        let spoiler =
            spoiling::Spoiler { world: &self.world, vendor: self.vendor, line: &self.wire.line };
        spoiler.spoil(spoil, fault.delay_ms, answer).await
    }
}
