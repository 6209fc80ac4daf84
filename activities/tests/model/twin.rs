//! The model's row and the real one, side by side on PostgreSQL: whatever is done to both, in whatever order, they
//! answer the same and become the same.

use crate::{
    row::{Answer, End, Look, Row},
    step::Rules,
};
use proptest::{
    collection::vec,
    prelude::{Strategy, any},
    prop_oneof,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use schema::{
    Db,
    cases::{self, Decision, Kept, NewCase, NewDecision},
    ids::CaseId,
    money::Money,
    vendor_calls::{self, Absence, Call, Entry, Intent, NewAnswer, Outcome, Waiting},
};
use stack::{Options, Postgres};
use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::runtime::Runtime;

/// One thing that is done to both rows. `late`: by an execution that has not seen the last attempt.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Enter(Entry),
    Stamp { late: bool },
    NeverLeft { late: bool },
    Unknown { late: bool },
    SaidNo { late: bool, no: Answer },
    NotFound { late: bool, behind: bool, no: Option<Answer>, apart: bool },
    Answer { late: bool, answer: Answer },
    EndWithout { late: bool, end: End },
    GiveUp,
    SettleByHand,
}

#[test]
fn the_statements_do_what_the_model_says() {
    let runtime = Runtime::new().unwrap();
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.usher");
    let postgres = runtime.block_on(Postgres::start(&Options::throwaway(cache))).unwrap();
    let db = runtime.block_on(migrated(&postgres.database_url()));
    let mut runner =
        TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let lives = (any::<bool>(), vec(deed(), 1..16));
    let agreed = runner.run(&lives, |(due, deeds)| runtime.block_on(agree(&db, due, &deeds)));
    runtime.block_on(postgres.stop()).unwrap();
    agreed.unwrap();
}

async fn migrated(url: &str) -> Db {
    let db = Db::connect(url, 1).await.unwrap();
    db.migrate().await.unwrap();
    db
}

fn deed() -> impl Strategy<Value = Deed> {
    let answer = || select(&[Answer::Done, Answer::Rejected, Answer::Gone]);
    let no = || select(&[Answer::Rejected, Answer::Gone]);
    let late = any::<bool>;
    prop_oneof![
        select(&[Entry::ToSend, Entry::ToClose]).prop_map(Deed::Enter),
        late().prop_map(|late| Deed::Stamp { late }),
        late().prop_map(|late| Deed::NeverLeft { late }),
        late().prop_map(|late| Deed::Unknown { late }),
        (late(), no()).prop_map(|(late, no)| Deed::SaidNo { late, no }),
        (late(), late(), proptest::option::of(no()), late())
            .prop_map(|(late, behind, no, apart)| Deed::NotFound { late, behind, no, apart }),
        (late(), answer()).prop_map(|(late, answer)| Deed::Answer { late, answer }),
        (late(), select(&[End::Absent, End::GaveUp]))
            .prop_map(|(late, end)| Deed::EndWithout { late, end }),
        select(&[Deed::GiveUp, Deed::SettleByHand]),
    ]
}

const STEP: &str = "send_refund";
const HOUR_MS: i64 = 3_600_000;

/// Both rows begin with the right to send; then all is done to both.
async fn agree(db: &Db, due: bool, deeds: &[Deed]) -> Result<(), TestCaseError> {
    static LIVES: AtomicUsize = AtomicUsize::new(0);
    let real = Real { db, id: LIVES.fetch_add(1, Ordering::Relaxed).to_string(), due };
    let mut model = None;
    for deed in [Deed::Enter(Entry::ToSend)].iter().chain(deeds) {
        let said = (real.does(*deed, model).await, model_does(&mut model, due, *deed));
        if said.0 != said.1 {
            return Err(TestCaseError::fail(format!("{deed:?} says {said:?}")));
        }
        let rows = (Same::of(&real.looks().await), model.map(|row| Same::of(&row.as_call())));
        if rows.1.as_ref() != Some(&rows.0) {
            return Err(TestCaseError::fail(format!("{deed:?} leaves {rows:?}")));
        }
    }
    Ok(())
}

/// What of a row does not depend on when one looks.
#[derive(Debug, PartialEq)]
struct Same {
    counts: (i32, i32),
    sent: bool,
    looked: bool,
    due: Option<bool>,
    words: [Option<serde_json::Value>; 3],
    outcome: Option<Outcome>,
}

impl Same {
    fn of(call: &Call) -> Self {
        Self {
            counts: (call.attempts, call.absences),
            sent: call.since_sent_ms.is_some(),
            looked: call.since_looked_ms.is_some(),
            due: call.give_up_in_ms.map(|left| left <= 0),
            words: [call.said_no.clone(), call.by_hand.clone(), call.answer.clone()],
            outcome: call.outcome,
        }
    }
}

/// What a deed says: how many, or whether; None when it says nothing, or that it has changed nothing.
type Said = Option<i32>;

fn model_does(model: &mut Option<Row>, due: bool, deed: Deed) -> Said {
    let rules = Rules::ALL;
    if let Deed::Enter(entry) = deed {
        return Row::enter(model, entry, Some(u8::from(!due))).then_some(1);
    }
    let row = model.as_mut()?;
    let seen = |late: bool| row.attempts - u8::from(late);
    match deed {
        Deed::Stamp { late } => row.stamp(seen(late), rules).map(i32::from),
        Deed::NeverLeft { late } => {
            row.never_left(seen(late), rules);
            None
        }
        // It keeps what was heard, for people.
        Deed::Enter(_) | Deed::Unknown { .. } => None,
        Deed::SaidNo { late, no } => {
            row.said_no(seen(late), no);
            None
        }
        Deed::NotFound { late, behind, no, apart } => {
            let absences = row.absences.saturating_sub(u8::from(behind));
            let look = Look { attempts: seen(late), absences, no };
            row.not_found(look, if apart { 0 } else { u8::MAX }, rules).map(i32::from)
        }
        Deed::Answer { late, answer } => {
            let only_from = answer.is_no().then_some(seen(late));
            row.answer(answer, only_from, rules).then_some(1)
        }
        Deed::EndWithout { late, end } => row.end_without(seen(late), end, rules).then_some(1),
        Deed::GiveUp => {
            row.give_up();
            None
        }
        Deed::SettleByHand => {
            row.settle_by_hand();
            None
        }
    }
}

struct Real<'a> {
    db: &'a Db,
    id: String,
    due: bool,
}

impl Real<'_> {
    fn key(&self) -> String {
        format!("{}:{STEP}", self.id)
    }

    async fn enters(&self, entry: Entry) -> Call {
        let give_up_in_ms = Some(if self.due { -1 } else { HOUR_MS });
        let key = self.key();
        let intent = Intent { key: &key, booking: None, vendor: "test", step: STEP, give_up_in_ms };
        vendor_calls::enter(self.db, &intent, entry).await.unwrap().unwrap()
    }

    async fn looks(&self) -> Call {
        self.enters(Entry::ToClose).await
    }

    async fn does(&self, deed: Deed, model: Option<Row>) -> Said {
        let (db, key) = (self.db, self.key());
        let attempts = model.map_or(0, |row| i32::from(row.attempts));
        let seen = |late| attempts - i32::from(late);
        let waiting = Waiting { because: "", ms: 0 };
        match deed {
            Deed::Enter(entry) => self.enters(entry).await.mine.then_some(1),
            Deed::Stamp { late } => vendor_calls::stamp(db, &key, seen(late)).await.unwrap(),
            Deed::NeverLeft { late } => {
                vendor_calls::never_left(db, &key, seen(late), waiting).await.unwrap();
                None
            }
            Deed::Unknown { late } => {
                vendor_calls::unknown(db, &key, seen(late), waiting).await.unwrap();
                None
            }
            Deed::SaidNo { late, no } => {
                vendor_calls::said_no(db, &key, seen(late), &no.stored()).await.unwrap();
                None
            }
            Deed::NotFound { late, behind, no, apart } => {
                let no = no.map(Answer::stored);
                let absences = model.map_or(0, |row| i32::from(row.absences));
                let absence = Absence {
                    attempt: seen(late),
                    before: (absences - i32::from(behind)).max(0),
                    no: no.as_ref(),
                    spacing_ms: if apart { 0 } else { HOUR_MS },
                };
                vendor_calls::not_found(db, &key, &absence).await.unwrap()
            }
            Deed::Answer { late, answer } => {
                let only_from = answer.is_no().then_some(seen(late));
                let stored = answer.stored();
                let new = NewAnswer { answer: &stored, outcome: Outcome::Answer, only_from };
                let mut tx = db.begin().await.unwrap();
                let recorded = vendor_calls::answer(&mut tx, &key, &new).await.unwrap();
                tx.commit().await.unwrap();
                recorded.then_some(1)
            }
            Deed::EndWithout { late, end } => {
                let outcome = if end == End::Absent { Outcome::Absent } else { Outcome::GaveUp };
                let ended = vendor_calls::end_without(db, &key, seen(late), outcome).await.unwrap();
                ended.then_some(1)
            }
            Deed::GiveUp => self.decides(Decision::GiveUp).await,
            Deed::SettleByHand => self.decides(Decision::Settled).await,
        }
    }

    /// A person decides about the step.
    async fn decides(&self, decision: Decision) -> Said {
        let asked = NewCase {
            workflow: "Refund",
            workflow_key: self.id.clone(),
            step: STEP,
            booking: None,
            cause: "test",
            detail: "",
            at_risk: Money::sar(0),
            decisions: &[Decision::GiveUp, Decision::Settled],
        };
        let mut tx = self.db.begin().await.unwrap();
        let occurrence = cases::open(&mut tx, &asked).await.unwrap().occurrence;
        tx.commit().await.unwrap();
        let case = CaseId::of(&format!("Refund/{}", self.key()), "test", occurrence);
        let done = Answer::Done.stored();
        let new = NewDecision {
            decision,
            by: "staff:1",
            reason: "",
            evidence: Some(&done),
            answer: Some(&done),
        };
        assert_ne!(cases::decide(self.db, case, &new).await.unwrap(), Kept::Before);
        None
    }
}
