//! The seam: the only functions through which a workflow touches the world.

use crate::trace::Traced;
use activities::{
    Activities, Error,
    step::{End, Progress},
    watched,
};
use restate_sdk::prelude::*;
use sabotage::{Moment, Rule};
use schema::trace::Trace;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{future::Future, time::Duration};

/// Does `action` and remembers its answer under `name`, so that a replay never does it again. An error is tried again
/// by the engine, without limit.
///
/// Not an `async fn`, because the compiler cannot yet prove one `Send` when the action borrows.
pub(crate) fn step<'a, T, Action, Answer>(
    ctx: &'a WorkflowContext<'a>,
    name: &'static str,
    action: Action,
) -> impl Future<Output = Result<T, TerminalError>> + Send + 'a
where
    T: Serialize + DeserializeOwned + Send + 'static,
    Action: FnOnce() -> Answer + Send + 'a,
    Answer: Future<Output = Result<T, Error>> + Send + 'a,
{
    let answer = ctx.run(move || attempt(name, ctx.key(), ctx.trace(), action)).name(name);
    async move { answer.await.map(Json::into_inner) }
}

/// The same for a handler beside the flow.
pub(crate) fn shared_step<'a, T, Action, Answer>(
    ctx: &'a SharedWorkflowContext<'a>,
    name: &'static str,
    action: Action,
) -> impl Future<Output = Result<T, TerminalError>> + Send + 'a
where
    T: Serialize + DeserializeOwned + Send + 'static,
    Action: FnOnce() -> Answer + Send + 'a,
    Answer: Future<Output = Result<T, Error>> + Send + 'a,
{
    let answer = ctx.run(move || attempt(name, ctx.key(), ctx.trace(), action)).name(name);
    async move { answer.await.map(Json::into_inner) }
}

/// One attempt at a step. Only a test's plan strikes it. Where our own ground gave way, the engine tries again, and
/// shows why.
async fn attempt<T, Answer>(
    name: &'static str,
    key: &str,
    trace: Trace,
    action: impl FnOnce() -> Answer,
) -> Result<Json<T>, HandlerError>
where
    Answer: Future<Output = Result<T, Error>>,
{
    // In a box: a future within futures is copied by each of them.
    let whole = Box::pin(async {
        sabotage::strike(name, key, Moment::Before)?;
        let answer = action().await.map_err(|error| error.reason().to_owned())?;
        sabotage::strike(name, key, Moment::After)?;
        Ok(answer)
    });
    watched::attempt(name, key, trace, whole).await.map(Json).map_err(HandlerError::from)
}

/// A step at a vendor, and who waits for it.
#[derive(Clone, Copy)]
pub(crate) struct AtVendor<'a> {
    pub ctx: &'a WorkflowContext<'a>,
    pub activities: &'a Activities,
    /// How long a person is waited for, when it is refused.
    pub patience: Patience,
}

/// How long a flow waits for a person.
#[derive(Clone, Copy)]
pub(crate) enum Patience {
    /// As long as it takes: somebody's money or seats are at stake.
    Endless,
    /// Nothing is at stake yet: not when this promise says that the thing has ended otherwise, and not longer than
    /// this. After that the step's row says that its bound has come.
    Bounded { unless: &'static str, ms: u64 },
}

impl<'a> AtVendor<'a> {
    /// Does the step to its end: comes back when it is not yet, and waits for a person when it was refused.
    pub(crate) async fn finish<T, Action, Answer>(
        self,
        name: &'static str,
        action: Action,
    ) -> Result<End<T>, TerminalError>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        Action: Fn() -> Answer + Clone + Send + Sync + 'a,
        Answer: Future<Output = Result<Progress<T>, Error>> + Send + 'a,
    {
        loop {
            match step(self.ctx, name, action.clone()).await? {
                Progress::Done(end) => return Ok(end),
                Progress::NotYet { wait_ms } => {
                    self.ctx.sleep(Duration::from_millis(wait_ms)).await?;
                }
                Progress::Refused { step, occurrence } => {
                    if !self.decided(&step, occurrence).await? {
                        return Ok(End::GaveUp);
                    }
                    // To the step's row, which knows what was decided, or that nobody did in time.
                }
            }
        }
    }

    /// Waits until a person has decided, or the row's bound has come. False: the thing has ended otherwise.
    async fn decided(self, refused: &str, occurrence: i32) -> Result<bool, TerminalError> {
        let nudge = Decided { step: refused.to_owned(), occurrence }.promise();
        let Patience::Bounded { unless, ms } = self.patience else {
            return self.decided_some_day(refused, occurrence, &nudge).await;
        };
        restate_sdk::select! {
            nudged = self.ctx.promise::<String>(&nudge) => { nudged?; Ok(true) },
            moved = self.ctx.promise::<String>(unless) => { moved?; Ok(false) },
            over = self.ctx.sleep(Duration::from_millis(ms)) => { over?; Ok(true) },
            on_cancel => Err(cancelled()),
        }
    }
}

impl AtVendor<'_> {
    /// The nudge only makes it sooner: the rows are looked at, too, ever more rarely.
    async fn decided_some_day(
        self,
        refused: &str,
        occurrence: i32,
        nudge: &str,
    ) -> Result<bool, TerminalError> {
        let Self { ctx, activities, .. } = self;
        let mut wait = LOOK_FIRST;
        loop {
            restate_sdk::select! {
                nudged = ctx.promise::<String>(nudge) => { nudged?; return Ok(true); },
                waited = ctx.sleep(wait) => { waited?; },
                on_cancel => { return Err(cancelled()); }
            }
            let (key, refused) = (ctx.key().to_owned(), refused.to_owned());
            let look =
                move || async move { activities.is_decided(&key, &refused, occurrence).await };
            if step(ctx, "look_for_decision", look).await? {
                return Ok(true);
            }
            wait = (wait * 2).min(LOOK_LONGEST);
        }
    }
}

const LOOK_FIRST: Duration = Duration::from_secs(10);
const LOOK_LONGEST: Duration = Duration::from_hours(1);

/// Which waiting step a person has decided about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    pub step: String,
    pub occurrence: i32,
}

impl Decided {
    /// The durable promise that the decision resolves.
    pub(crate) fn promise(&self) -> String {
        format!("decision-{}-{}", self.step, self.occurrence)
    }
}

/// What a cancelled invocation sees at its next await.
pub(crate) fn cancelled() -> TerminalError {
    TerminalError::new_with_code(409, "cancelled")
}

pub(crate) fn is_cancelled(error: &TerminalError) -> bool {
    error.code() == 409 && error.message() == "cancelled"
}

/// For what is owed: a cancel can arrive again at every await of it, and neither ends it nor skips a part.
pub(crate) async fn until_done<T, Attempt, Done>(attempt: Attempt) -> Result<T, TerminalError>
where
    Attempt: Fn() -> Done,
    Done: Future<Output = Result<T, TerminalError>>,
{
    loop {
        match attempt().await {
            Err(error) if is_cancelled(&error) && !Rule::CancelLoop.is_out() => {}
            done => return done,
        }
    }
}

/// Whether the step was done, so that it has an answer.
pub(crate) fn answered<T>(end: End<T>) -> Option<T> {
    match end {
        End::Answer(answer) => Some(answer),
        End::Absent | End::GaveUp => None,
    }
}
