//! The life of a step: every effect at a vendor goes through here, and nothing else repeats one.
//!
//! intent (a row, before anything leaves) → right to send (one execution wins it) → call → classify → record (answer,
//! projection and event in one transaction). An unknown outcome waits out the settle window, is looked up by our
//! reference, and only two clean absences allow the same reference to be sent again. The pure rules are in `decide`.

pub mod decide;

use crate::Error;
use decide::{Next, Repeat};
use schema::{
    Db, Tx,
    cases::{self, NewCase},
    ids::BookingId,
    money::Money,
    timings::{CallTimings, Timings},
    vendor_calls::{self, Absence, Call, Entry, Intent, Outcome, Waiting},
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

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End<T> {
    Answer(T),
    /// It never happened, and never will: an undo has closed it.
    Absent,
    /// Business gave up, with proof that nothing was done.
    GaveUp,
}

/// How far a step has come. Goes into the journal as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress<T> {
    Done(End<T>),
    /// Come back after this.
    NotYet {
        wait_ms: u64,
    },
    /// A person must decide about this step; the promise is `decision-{step}-{occurrence}`.
    Refused {
        step: String,
        occurrence: i32,
    },
}

impl<T> Progress<T> {
    /// Somebody else is at it this very moment.
    const fn soon() -> Self {
        Self::NotYet { wait_ms: 20 }
    }

    /// How it ended, or what is still to be waited for, in the words of another step that depends on it.
    pub fn done<U>(self) -> Result<End<T>, Progress<U>> {
        match self {
            Self::Done(end) => Ok(end),
            Self::NotYet { wait_ms } => Err(Progress::NotYet { wait_ms }),
            Self::Refused { step, occurrence } => Err(Progress::Refused { step, occurrence }),
        }
    }

    fn after(wait: Duration) -> Self {
        Self::NotYet { wait_ms: millis(wait) }
    }
}

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    /// Grows when an answer's meaning changes; older ones are still in the table then.
    v: u32,
    answer: T,
}

/// Does the step, or says how far it is. Safe to run any number of times, anywhere, at once.
pub async fn perform<S: VendorStep>(db: &Db, step: &S) -> Result<Progress<S::Answer>, Error> {
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
        match answer {
            Ok(answer) if attempt > 1 && S::REPEAT == Repeat::AfterLookUp && S::is_no(&answer) => {
                let stored = serde_json::to_value(Stored { v: 1, answer })?;
                vendor_calls::said_no(self.db, self.key, attempt, &stored).await?;
                Ok(Progress::NotYet { wait_ms: self.step.call_timings().settle_window_ms() })
            }
            Ok(answer) => self.record(answer).await,
            Err(error) => self.no_answer(call, attempt, error).await,
        }
    }

    async fn no_answer(
        &self,
        call: &Call,
        attempt: i32,
        error: adapters::error::Error,
    ) -> Result<Progress<S::Answer>, Error> {
        use adapters::error::Error as Vendor;
        let because = error.to_string();
        info!(step = S::NAME, call.key = self.key, "no answer to {}: {because}", self.key);
        let widening = self.step.timings().retry_after(u32::try_from(call.tries).unwrap_or(0));
        match error {
            Vendor::Unavailable { retry_after, .. } => {
                // What the vendor wishes is heard, within our own bound.
                let longest = Duration::from_millis(self.step.timings().retry_longest_ms);
                let wait = retry_after.map_or(widening, |wished| wished.min(longest));
                let waiting = waiting(&because, wait);
                vendor_calls::never_left(self.db, self.key, attempt, waiting).await?;
                Ok(Progress::after(wait))
            }
            Vendor::Unknown { .. } | Vendor::Forged { .. } => {
                let wait = match S::REPEAT {
                    Repeat::Harmless => widening,
                    Repeat::AfterLookUp => {
                        Duration::from_millis(self.step.call_timings().settle_window_ms())
                    }
                };
                let waiting = waiting(&because, wait);
                vendor_calls::unknown(self.db, self.key, attempt, waiting).await?;
                Ok(Progress::after(wait))
            }
            // After a re-send it may be the first attempt that the vendor objects to.
            Vendor::Refused { .. } if attempt > 1 && self.has_happened().await => {
                Ok(Progress::NotYet { wait_ms: self.step.call_timings().settle_window_ms() })
            }
            Vendor::Refused { code, .. } => {
                self.ask_a_person(&format!("{}_refused_{code}", S::VENDOR), &because).await
            }
        }
    }

    async fn has_happened(&self) -> bool {
        let timeout = Duration::from_millis(self.step.call_timings().timeout_ms);
        let seen = tokio::time::timeout(timeout, self.step.look_up(timeout)).await;
        matches!(seen, Ok(Ok(Seen::Found(answer))) if !S::is_no(&answer))
    }

    async fn look_up(&self, call: &Call) -> Result<Progress<S::Answer>, Error> {
        let timings = self.step.call_timings();
        let timeout = Duration::from_millis(timings.timeout_ms);
        let seen = tokio::time::timeout(timeout, self.step.look_up(timeout))
            .await
            .unwrap_or_else(|_| Err(adapters::error::Error::unknown("no answer in time")));
        let because = match seen {
            Ok(Seen::Found(no)) if S::is_no(&no) => {
                let no = serde_json::to_value(Stored { v: 1, answer: no })?;
                return self.nothing_done(call, Some(&no)).await;
            }
            Ok(Seen::Found(answer)) => return self.record(answer).await,
            Ok(Seen::Absent) => return self.nothing_done(call, None).await,
            Ok(Seen::Unclear(because)) => because,
            Err(error) => error.to_string(),
        };
        info!(step = S::NAME, call.key = self.key, "still unknown: {}: {because}", self.key);
        if call.give_up_in_ms.is_some_and(|left| left <= 0) {
            return self.ask_a_person(&format!("{}_unclear", S::VENDOR), &because).await;
        }
        let wait = self.step.timings().retry_after(u32::try_from(call.tries).unwrap_or(0));
        let waiting = waiting(&because, wait);
        vendor_calls::unknown(self.db, self.key, call.attempts, waiting).await?;
        Ok(Progress::after(wait))
    }

    /// One look that found nothing done. It takes two, apart, that agree.
    async fn nothing_done(
        &self,
        call: &Call,
        no: Option<&serde_json::Value>,
    ) -> Result<Progress<S::Answer>, Error> {
        let spacing = self.step.call_timings().look_up_spacing_ms;
        let absence = Absence {
            seen: call.attempts,
            no,
            spacing_ms: i64::try_from(spacing).unwrap_or(i64::MAX),
        };
        let absences = vendor_calls::not_found(self.db, self.key, &absence).await?;
        let proven = absences.is_some_and(|times| times >= decide::PROOF_OF_ABSENCE);
        Ok(Progress::NotYet { wait_ms: if proven { 1 } else { spacing } })
    }

    /// Records the answer with its projection. The loser of a race hands out what the winner recorded.
    async fn record(&self, answer: S::Answer) -> Result<Progress<S::Answer>, Error> {
        let stored = Stored { v: 1, answer };
        let value = serde_json::to_value(&stored)?;
        let mut tx = self.db.begin().await?;
        if vendor_calls::answer(&mut tx, self.key, &value).await? {
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
        if S::REPEAT == Repeat::AfterLookUp && call.answer.as_ref() != Some(&value) {
            warn!(step = S::NAME, call.key = self.key, "two answers to {} differ", self.key);
            self.ask_a_person("answers_differ", &format!("also answered: {value}")).await?;
        }
        recorded::<S>(&call)
    }

    async fn accept_no(&self, call: &Call) -> Result<Progress<S::Answer>, Error> {
        let no = call.said_no.clone().unwrap_or_default();
        self.record(serde_json::from_value::<Stored<S::Answer>>(no)?.answer).await
    }

    async fn end(&self, call: &Call, outcome: Outcome) -> Result<Progress<S::Answer>, Error> {
        let ended = vendor_calls::end_without(self.db, self.key, call.attempts, outcome).await?;
        Ok(match (ended, outcome) {
            (false, _) => Progress::soon(),
            (true, Outcome::GaveUp) => Progress::Done(End::GaveUp),
            (true, Outcome::Absent | Outcome::Answer | Outcome::ByHand) => {
                Progress::Done(End::Absent)
            }
        })
    }

    async fn ask_a_person(&self, cause: &str, detail: &str) -> Result<Progress<S::Answer>, Error> {
        let mut tx = self.db.begin().await?;
        let refused = NewCase {
            workflow: self.step.workflow(),
            workflow_key: self.step.id(),
            step: S::NAME,
            booking: Some(self.step.booking()),
            cause,
            detail,
            at_risk: self.step.at_risk(),
            decisions: &["retry", "settled", "give-up"],
        };
        let opened = cases::open(&mut tx, &refused).await?;
        tx.commit().await.map_err(schema::Error::from)?;
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
    Waiting { because, ms: i64::try_from(millis(wait)).unwrap_or(i64::MAX) }
}

fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}
