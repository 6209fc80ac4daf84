//! A workflow that plays a script: the same kinds of entries as a booking's, and nothing in any of them.

use super::script::{Act, Part};
use restate_sdk::prelude::*;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::oneshot;

const NUDGED: &str = "nudged";
/// As long as a booking waits to be paid.
const TIMER: Duration = Duration::from_mins(15);

/// The key of one workflow of a saga.
pub(super) fn key(saga: u64, service: &str) -> String {
    format!("{saga}-{service}")
}

pub(super) struct Ceiling {
    tally: Arc<Tally>,
}

impl Ceiling {
    pub(super) fn new(tally: Arc<Tally>) -> Self {
        Self { tally }
    }
}

#[restate_sdk::workflow(
    workflow_completion_retention = "7 days",
    journal_retention = "1 hour",
    client_visibility = "pub(super)"
)]
impl Ceiling {
    /// A flow.
    #[handler]
    async fn run(
        &self,
        ctx: WorkflowContext<'_>,
        Json(part): Json<Part>,
    ) -> Result<(), TerminalError> {
        for act in &part.acts {
            match act {
                Act::Run => ctx.run(|| async { Ok(()) }).name("nothing").await?,
                Act::Wait { timer: false } => drop(ctx.promise::<String>(NUDGED).await?),
                Act::Wait { timer: true } => restate_sdk::select! {
                    nudged = ctx.promise::<String>(NUDGED) => { nudged?; },
                    over = ctx.sleep(TIMER) => { over?; },
                },
                Act::Resolve => ctx.resolve_promise(NUDGED, NUDGED.to_owned()),
                Act::Sleep => ctx.sleep(Duration::from_millis(1)).await?,
                Act::Send(part) => send(&ctx, ctx.key(), part),
            }
        }
        self.tally.count(ctx.key());
        Ok(())
    }

    /// A handler beside a flow: it waits for nothing.
    #[handler]
    async fn beside(
        &self,
        ctx: SharedWorkflowContext<'_>,
        Json(part): Json<Part>,
    ) -> Result<(), TerminalError> {
        for act in &part.acts {
            match act {
                Act::Run => ctx.run(|| async { Ok(()) }).name("nothing").await?,
                Act::Resolve => ctx.resolve_promise(NUDGED, NUDGED.to_owned()),
                Act::Wait { .. } | Act::Sleep => ctx.sleep(Duration::from_millis(1)).await?,
                Act::Send(part) => send(&ctx, ctx.key(), part),
            }
        }
        self.tally.count(ctx.key());
        Ok(())
    }
}

fn send<'ctx, C: ContextClient<'ctx>>(ctx: &C, from: &str, part: &Part) {
    let saga = saga(from);
    let client = ctx.workflow_client::<CeilingClient>(key(saga, &part.service));
    if part.beside {
        client.beside(Json(part.clone())).send();
    } else {
        client.run(Json(part.clone())).send();
    }
}

fn saga(key: &str) -> u64 {
    key.split_once('-').and_then(|(saga, _)| saga.parse().ok()).unwrap_or_default()
}

/// How many invocations of each saga are not done yet, and who waits for that.
#[derive(Default)]
pub(super) struct Tally(Mutex<HashMap<u64, (usize, oneshot::Sender<()>)>>);

impl Tally {
    /// Resolves once so many invocations of this saga are done.
    pub(super) fn expect(&self, saga: u64, invocations: usize) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        self.0.lock().unwrap().insert(saga, (invocations, done));
        wait
    }

    fn count(&self, key: &str) {
        let mut open = self.0.lock().unwrap();
        let Some((left, _)) = open.get_mut(&saga(key)) else { return };
        *left -= 1;
        if *left == 0
            && let Some((_, done)) = open.remove(&saga(key))
        {
            done.send(()).unwrap();
        }
    }
}
