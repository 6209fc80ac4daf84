//! The life of a step: every effect at a vendor goes through here, and nothing else repeats one.
//!
//! intent (a row, before anything leaves) → right to send (one execution wins it) → call → classify → record (answer,
//! projection and event in one transaction). An unknown outcome waits out the settle window, is looked up by our
//! reference, and only two clean absences allow the same reference to be sent again. The pure rules are in `decide`.

pub mod decide;
mod person;
mod progress;

use crate::{Error, watched};
use decide::{Heard, Looked, Next, Repeat};
pub use progress::{End, Progress};
use schema::{
    Db, Tx,
    ids::BookingId,
    money::Money,
    timings::{CallTimings, Timings},
    vendor_calls::{self, Absence, Call, Entry, Intent, NewAnswer, Outcome, Waiting},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    future::{Future, ready},
    time::{Duration, Instant},
};
use tracing::{info, warn};

/// What the look-up by our reference showed.
#[derive(Debug)]
pub enum Seen<T> {
    Found(T),
    /// Cleanly nothing.
    Absent,
    /// Neither: ask again later.
    Unclear(String),
}

/// One effect at one vendor.
pub trait VendorStep: Sync {
    type Answer: Serialize + DeserializeOwned + PartialEq + Send + Sync;

    /// The activity's name: one grep finds workflow, activity, row and alert.
    const NAME: &'static str;
    const VENDOR: &'static str;
    const REPEAT: Repeat;

    /// The bare id of the thing whose step this is: the row's key is `{id}:{NAME}`, and the workflow waiting for it
    /// has the same key.
    fn id(&self) -> String;
    fn workflow(&self) -> &'static str;
    fn booking(&self) -> BookingId;
    fn timings(&self) -> &Timings;
    fn call_timings(&self) -> &CallTimings;

    /// What a person should know is at stake while it waits for a decision.
    fn at_risk(&self) -> Money {
        Money::sar(0)
    }

    /// Business does not want it later than this from now.
    fn give_up_in_ms(&self) -> Option<i64> {
        None
    }

    /// Asks the vendor for the effect.
    fn send(
        &self,
        within: Duration,
    ) -> impl Future<Output = Result<Self::Answer, adapters::error::Error>> + Send;

    /// Asks the vendor what became of it. Never called for a harmless step.
    fn look_up(
        &self,
        _within: Duration,
    ) -> impl Future<Output = Result<Seen<Self::Answer>, adapters::error::Error>> + Send {
        ready(Ok(Seen::Absent))
    }

    /// Whether the answer says that nothing was done.
    fn is_no(_answer: &Self::Answer) -> bool {
        false
    }

    /// What the answer means for our own rows; in the transaction that records it.
    fn project(
        &self,
        tx: &mut Tx,
        answer: &Self::Answer,
    ) -> impl Future<Output = Result<(), schema::Error>> + Send;
}

/// An answer as its row has it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Stored<T> {
    /// Grows when an answer's meaning changes; older ones are still in the table then.
    pub v: u32,
    pub answer: T,
}

/// Does the step, or says how far it is. Safe to run any number of times, anywhere, at once.
pub async fn perform<S: VendorStep>(db: &Db, step: &S) -> Result<Progress<S::Answer>, Error> {
    watched::effect(step, Box::pin(go_on(db, step))).await
}

async fn go_on<S: VendorStep>(db: &Db, step: &S) -> Result<Progress<S::Answer>, Error> {
    let began = Instant::now();
    let key = key(step);
    let Some(call) = vendor_calls::enter(db, &intent(step, &key), Entry::ToSend).await? else {
        return Ok(Progress::soon());
    };
    let running = Running { db, step, key: &key };
    if call.mine {
        return running.send(&call, call.attempts, began).await;
    }
    match decide::next(&call, S::REPEAT, step.call_timings()) {
        Next::Answered => recorded::<S>(&call),
        Next::Wait { ms } => Ok(Progress::NotYet { wait_ms: ms }),
        Next::LookUp => running.look_up(&call).await,
        Next::AcceptNo => running.accept_no(&call).await,
        Next::Settled => running.settle(&call).await,
        Next::GiveUp => running.end(&call, Outcome::GaveUp).await,
        Next::Send => match vendor_calls::stamp(db, &key, call.attempts).await? {
            Some(attempt) => running.send(&call, attempt, began).await,
            None => Ok(Progress::soon()),
        },
    }
}

/// Closes the step for its undo: from now on nobody sends it, and what is known of it is proven. Sends nothing.
pub async fn close<S: VendorStep>(db: &Db, step: &S) -> Result<Progress<S::Answer>, Error> {
    let key = key(step);
    let Some(call) = vendor_calls::enter(db, &intent(step, &key), Entry::ToClose).await? else {
        return Ok(Progress::soon());
    };
    let running = Running { db, step, key: &key };
    match decide::next(&call, S::REPEAT, step.call_timings()) {
        Next::Answered => recorded::<S>(&call),
        Next::Wait { ms } => Ok(Progress::NotYet { wait_ms: ms }),
        Next::LookUp => running.look_up(&call).await,
        Next::AcceptNo => running.accept_no(&call).await,
        Next::Settled => running.settle(&call).await,
        Next::GiveUp | Next::Send => running.end(&call, Outcome::Absent).await,
    }
}

fn key<S: VendorStep>(step: &S) -> String {
    format!("{}:{}", step.id(), S::NAME)
}

fn intent<'a, S: VendorStep>(step: &S, key: &'a str) -> Intent<'a> {
    Intent {
        key,
        booking: Some(step.booking()),
        vendor: S::VENDOR,
        step: S::NAME,
        give_up_in_ms: step.give_up_in_ms(),
    }
}

struct Running<'a, S> {
    db: &'a Db,
    step: &'a S,
    key: &'a str,
}

impl<S: VendorStep> Running<'_, S> {
    /// Sends once, with what is left of the time that began before the stamp.
    async fn send(
        &self,
        call: &Call,
        attempt: i32,
        began: Instant,
    ) -> Result<Progress<S::Answer>, Error> {
        let timeout = Duration::from_millis(self.step.call_timings().timeout_ms);
        let within = timeout.saturating_sub(began.elapsed());
        let answer = if within.is_zero() {
            Err(adapters::error::Error::unavailable("too late to send"))
        } else {
            tokio::time::timeout(within, self.step.send(within))
                .await
                .unwrap_or_else(|_| Err(adapters::error::Error::unknown("no answer in time")))
        };
        let timings = self.step.timings();
        let widening = timings.retry_after(u32::try_from(call.tries).unwrap_or(0));
        match decide::heard(answer, attempt, S::REPEAT, S::is_no) {
            Heard::Record(answer) => self.record(answer, Outcome::Answer, attempt).await,
            Heard::KeepNo(answer) => {
                let stored = serde_json::to_value(Stored { v: 1, answer })?;
                vendor_calls::said_no(self.db, self.key, attempt, &stored).await?;
                Ok(Progress::after(self.settle_window()))
            }
            Heard::NeverLeft { because, retry_after } => {
                // What the vendor wishes is heard, within our own bound.
                let longest = Duration::from_millis(timings.retry_longest_ms);
                let wait = retry_after.map_or(widening, |wished| wished.min(longest));
                self.tell(&because);
                let waiting = waiting(&because, wait);
                vendor_calls::never_left(self.db, self.key, attempt, waiting).await?;
                Ok(Progress::after(wait))
            }
            Heard::StillUnknown { because } => {
                let wait = match S::REPEAT {
                    Repeat::Harmless => widening,
                    Repeat::AfterLookUp => self.settle_window(),
                };
                self.still_unknown(attempt, &because, wait).await
            }
            Heard::AskUnlessDone { .. } if !self.has_certainly_not_happened().await => {
                Ok(Progress::after(self.settle_window()))
            }
            Heard::AskUnlessDone { code, because } | Heard::AskAPerson { code, because } => {
                self.tell(&because);
                self.ask_a_person(&format!("{}_refused_{code}", S::VENDOR), &because).await
            }
        }
    }

    /// A look-up that fails proves nothing.
    async fn has_certainly_not_happened(&self) -> bool {
        let timeout = Duration::from_millis(self.step.call_timings().timeout_ms);
        match tokio::time::timeout(timeout, self.step.look_up(timeout)).await {
            Ok(Ok(Seen::Absent)) => true,
            Ok(Ok(Seen::Found(answer))) => S::is_no(&answer),
            Ok(Ok(Seen::Unclear(_)) | Err(_)) | Err(_) => false,
        }
    }

    async fn look_up(&self, call: &Call) -> Result<Progress<S::Answer>, Error> {
        let timeout = Duration::from_millis(self.step.call_timings().timeout_ms);
        let seen = tokio::time::timeout(timeout, self.step.look_up(timeout))
            .await
            .unwrap_or_else(|_| Err(adapters::error::Error::unknown("no answer in time")));
        match decide::looked(seen, call, S::is_no) {
            Looked::Record(answer) => self.record(answer, Outcome::Answer, call.attempts).await,
            Looked::NothingDone(no) => self.nothing_done(call, no).await,
            Looked::StillUnknown { because } => {
                let tries = u32::try_from(call.tries).unwrap_or(0);
                let wait = self.step.timings().retry_after(tries);
                self.still_unknown(call.attempts, &because, wait).await
            }
            Looked::AskAPerson { because } => {
                self.ask_a_person(&format!("{}_unclear", S::VENDOR), &because).await
            }
        }
    }

    async fn still_unknown(
        &self,
        attempt: i32,
        because: &str,
        wait: Duration,
    ) -> Result<Progress<S::Answer>, Error> {
        self.tell(because);
        vendor_calls::unknown(self.db, self.key, attempt, waiting(because, wait)).await?;
        Ok(Progress::after(wait))
    }

    fn settle_window(&self) -> Duration {
        Duration::from_millis(decide::settle_window_ms(self.step.call_timings()))
    }

    fn tell(&self, because: &str) {
        info!(step = S::NAME, call.key = self.key, "no answer to {}: {because}", self.key);
    }

    /// One look that found nothing done. It takes two, apart, that agree.
    async fn nothing_done(
        &self,
        call: &Call,
        no: Option<S::Answer>,
    ) -> Result<Progress<S::Answer>, Error> {
        let no = no.map(|answer| serde_json::to_value(Stored { v: 1, answer })).transpose()?;
        let spacing = self.step.call_timings().look_up_spacing_ms;
        let absence = Absence {
            attempt: call.attempts,
            before: call.absences,
            no: no.as_ref(),
            spacing_ms: i64::try_from(spacing).unwrap_or(i64::MAX),
        };
        let absences = vendor_calls::not_found(self.db, self.key, &absence).await?;
        let proven = absences.is_some_and(|times| times >= decide::PROOF_OF_ABSENCE);
        Ok(Progress::NotYet { wait_ms: if proven { 1 } else { spacing } })
    }

    /// Records the answer with its projection. The loser of a race hands out what the winner recorded.
    async fn record(
        &self,
        answer: S::Answer,
        outcome: Outcome,
        attempt: i32,
    ) -> Result<Progress<S::Answer>, Error> {
        let only_from = S::is_no(&answer).then_some(attempt);
        let stored = Stored { v: 1, answer };
        let value = serde_json::to_value(&stored)?;
        let new = NewAnswer { answer: &value, outcome, only_from };
        let mut tx = self.db.begin().await?;
        if vendor_calls::answer(&mut tx, self.key, &new).await? {
            self.step.project(&mut tx, &stored.answer).await?;
            tx.commit().await.map_err(schema::Error::from)?;
            return Ok(Progress::Done(End::Answer(stored.answer)));
        }
        tx.rollback().await.map_err(schema::Error::from)?;
        let Some(call) =
            vendor_calls::enter(self.db, &intent(self.step, self.key), Entry::ToClose).await?
        else {
            return Ok(Progress::soon());
        };
        let differs = call.outcome.is_some() && call.answer.as_ref() != Some(&value);
        if differs && S::REPEAT == Repeat::AfterLookUp {
            warn!(step = S::NAME, call.key = self.key, "two answers to {} differ", self.key);
            person::looks_at_another_answer(self.db, self.step, &format!("also: {value}")).await?;
        }
        recorded::<S>(&call)
    }

    async fn accept_no(&self, call: &Call) -> Result<Progress<S::Answer>, Error> {
        let no = call.said_no.clone().unwrap_or_default();
        let no: Stored<S::Answer> = serde_json::from_value(no)?;
        self.record(no.answer, Outcome::Answer, call.attempts).await
    }

    /// What a person has settled it with means the same for our rows as if the vendor had said it.
    async fn settle(&self, call: &Call) -> Result<Progress<S::Answer>, Error> {
        let by_hand = call.by_hand.clone().unwrap_or_default();
        let by_hand: Stored<S::Answer> = serde_json::from_value(by_hand)?;
        self.record(by_hand.answer, Outcome::ByHand, call.attempts).await
    }

    async fn end(&self, call: &Call, outcome: Outcome) -> Result<Progress<S::Answer>, Error> {
        let ended = vendor_calls::end_without(self.db, self.key, call.attempts, outcome).await?;
        if ended {
            person::need_not_decide(self.db, self.step).await?;
        }
        Ok(match (ended, outcome) {
            (false, _) => Progress::soon(),
            (true, Outcome::GaveUp) => Progress::Done(End::GaveUp),
            (true, Outcome::Absent | Outcome::Answer | Outcome::ByHand) => {
                Progress::Done(End::Absent)
            }
        })
    }

    async fn ask_a_person(&self, cause: &str, detail: &str) -> Result<Progress<S::Answer>, Error> {
        let opened = person::decides(self.db, self.step, cause, detail).await?;
        Ok(Progress::Refused { step: S::NAME.to_owned(), occurrence: opened.occurrence })
    }
}

/// What an ended call's row hands out.
fn recorded<S: VendorStep>(call: &Call) -> Result<Progress<S::Answer>, Error> {
    Ok(Progress::Done(match (call.outcome, &call.answer) {
        (Some(Outcome::Answer | Outcome::ByHand), Some(answer)) => {
            End::Answer(serde_json::from_value::<Stored<S::Answer>>(answer.clone())?.answer)
        }
        (Some(Outcome::GaveUp), _) => End::GaveUp,
        (Some(Outcome::Absent | Outcome::Answer | Outcome::ByHand), _) => End::Absent,
        (None, _) => return Ok(Progress::soon()),
    }))
}

fn waiting(because: &str, wait: Duration) -> Waiting<'_> {
    Waiting { because, ms: i64::try_from(wait.as_millis()).unwrap_or(i64::MAX) }
}
