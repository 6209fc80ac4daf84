//! The rows behind the life of a step: who may send, what is known, what was answered. The rules are in `activities`.

use crate::{Db, Error, Tx, ids::BookingId};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// What is written down before a request leaves.
#[derive(Clone, Debug)]
pub struct Intent<'a> {
    /// `{id}:{step}`.
    pub key: &'a str,
    pub booking: Option<BookingId>,
    pub vendor: &'a str,
    pub step: &'a str,
    /// Business says: not after this long from now.
    pub give_up_in_ms: Option<i64>,
}

/// A call's row, with its times as distances from PostgreSQL's clock: the only clock there is.
#[derive(Clone, Debug)]
pub struct Call {
    /// The stamp is ours: we inserted it or won it just now, and may send once.
    pub mine: bool,
    pub attempts: i32,
    pub absences: i32,
    pub since_sent_ms: Option<i64>,
    pub since_looked_ms: Option<i64>,
    pub give_up_in_ms: Option<i64>,
    pub said_no: Option<Value>,
    pub tries: i32,
    /// What a person has settled it with, until the step has recorded that.
    pub by_hand: Option<Value>,
    pub outcome: Option<Outcome>,
    pub answer: Option<Value>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// The vendor answered.
    Answer,
    /// It certainly never happened, and nobody will send it any more.
    Absent,
    /// Business gave up, with proof that nothing was done.
    GaveUp,
    /// A person has settled it; the evidence is the answer.
    ByHand,
}

/// Why a row is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// To send: a new row comes with the right to.
    ToSend,
    /// To close it for its undo: a new row has never happened, and nobody sends any more.
    ToClose,
}

/// Inserts the row, or finds it. None: another execution is inserting it right now.
pub async fn enter(db: &Db, intent: &Intent<'_>, entry: Entry) -> Result<Option<Call>, Error> {
    Ok(sqlx::query_as!(
        Call,
        r#"
        WITH fresh AS (
            INSERT INTO vendor_calls (call_key, booking_id, vendor, step, give_up_at, sent_at, attempts, outcome)
            VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5::bigint / 1000.0),
                    CASE WHEN $6 THEN clock_timestamp() END, CASE WHEN $6 THEN 1 ELSE 0 END,
                    CASE WHEN $6 THEN NULL ELSE 'ABSENT' END)
            ON CONFLICT (call_key) DO NOTHING
            RETURNING *
        ), found AS (
            SELECT *, true AS mine FROM fresh
            UNION ALL
            SELECT *, false FROM vendor_calls WHERE call_key = $1 AND NOT EXISTS (SELECT FROM fresh)
        )
        SELECT mine AS "mine!", attempts AS "attempts!", absences AS "absences!",
               (EXTRACT(EPOCH FROM clock_timestamp() - sent_at) * 1000)::bigint AS since_sent_ms,
               (EXTRACT(EPOCH FROM clock_timestamp() - looked_at) * 1000)::bigint AS since_looked_ms,
               (EXTRACT(EPOCH FROM give_up_at - clock_timestamp()) * 1000)::bigint AS give_up_in_ms,
               said_no, tries AS "tries!", by_hand, outcome AS "outcome: Outcome", answer
        FROM found
        "#,
        intent.key,
        intent.booking as Option<BookingId>,
        intent.vendor,
        intent.step,
        intent.give_up_in_ms,
        entry == Entry::ToSend
    )
    .fetch_optional(&db.0)
    .await?)
}

/// Wins the right to send once more: only from the attempt that was seen. The new attempt's number, if won.
pub async fn stamp(db: &Db, key: &str, seen: i32) -> Result<Option<i32>, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        UPDATE vendor_calls SET sent_at = clock_timestamp(), attempts = attempts + 1, absences = 0,
               looked_at = NULL, said_no = NULL, updated_at = clock_timestamp()
        WHERE call_key = $1 AND outcome IS NULL AND by_hand IS NULL AND attempts = $2
        RETURNING attempts
        "#,
        key,
        seen
    )
    .fetch_optional(&db.0)
    .await?)
}

/// Why a call waits, for people, and when it is tried next.
#[derive(Clone, Copy, Debug)]
pub struct Waiting<'a> {
    pub because: &'a str,
    pub ms: i64,
}

/// The attempt provably never left us: its stamp is cleared, if it is still the last one.
pub async fn never_left(db: &Db, key: &str, mine: i32, waiting: Waiting<'_>) -> Result<(), Error> {
    sqlx::query!(
        r#"
        UPDATE vendor_calls SET sent_at = NULL, tries = tries + 1, waiting_for = $3,
               next_try_at = clock_timestamp() + make_interval(secs => $4::bigint / 1000.0),
               updated_at = clock_timestamp()
        WHERE call_key = $1 AND outcome IS NULL AND attempts = $2
        "#,
        key,
        mine,
        waiting.because,
        waiting.ms
    )
    .execute(&db.0)
    .await?;
    Ok(())
}

/// The outcome is unknown: what was heard is kept, the stamp stays.
pub async fn unknown(db: &Db, key: &str, mine: i32, waiting: Waiting<'_>) -> Result<(), Error> {
    sqlx::query!(
        r#"
        UPDATE vendor_calls SET tries = tries + 1, waiting_for = $3,
               next_try_at = clock_timestamp() + make_interval(secs => $4::bigint / 1000.0),
               updated_at = clock_timestamp()
        WHERE call_key = $1 AND outcome IS NULL AND attempts = $2
        "#,
        key,
        mine,
        waiting.because,
        waiting.ms
    )
    .execute(&db.0)
    .await?;
    Ok(())
}

/// The vendor said no to a re-send: kept until the look-up agrees, since the first attempt may be what it objects to.
pub async fn said_no(db: &Db, key: &str, mine: i32, answer: &Value) -> Result<(), Error> {
    sqlx::query!(
        r#"
        UPDATE vendor_calls SET said_no = $3, updated_at = clock_timestamp()
        WHERE call_key = $1 AND outcome IS NULL AND attempts = $2
        "#,
        key,
        mine,
        answer
    )
    .execute(&db.0)
    .await?;
    Ok(())
}

/// What a look-up that found nothing done has seen.
#[derive(Clone, Debug)]
pub struct Absence<'a> {
    /// The attempt that was looked up.
    pub attempt: i32,
    /// How many absences the row had before the look: two looks at once are one.
    pub before: i32,
    /// The vendor's no, if it shows one: it counts only when the next look shows the same.
    pub no: Option<&'a Value>,
    /// Looks closer together than this count as one.
    pub spacing_ms: i64,
}

/// The look-up found nothing, cleanly. How often it has since the stamp; None: the row has moved on, or somebody has
/// just looked.
pub async fn not_found(db: &Db, key: &str, absence: &Absence<'_>) -> Result<Option<i32>, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        UPDATE vendor_calls SET
               absences = CASE WHEN $3::jsonb IS NULL OR said_no = $3 THEN absences + 1 ELSE 1 END,
               said_no = COALESCE($3, said_no),
               looked_at = clock_timestamp(), updated_at = clock_timestamp()
        WHERE call_key = $1 AND outcome IS NULL AND attempts = $2 AND absences = $5
          AND (looked_at IS NULL
               OR looked_at <= clock_timestamp() - make_interval(secs => $4::bigint / 1000.0))
        RETURNING absences
        "#,
        key,
        absence.attempt,
        absence.no,
        absence.spacing_ms,
        absence.before
    )
    .fetch_optional(&db.0)
    .await?)
}

/// A person wants it tried again: the time that it waited for this person since `waited_since` does not count against
/// business's bound. An outcome stays.
pub(crate) async fn retry(
    tx: &mut Tx,
    key: &str,
    waited_since: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        UPDATE vendor_calls SET give_up_at = give_up_at + (clock_timestamp() - $2::timestamptz),
               updated_at = clock_timestamp()
        WHERE call_key = $1 AND outcome IS NULL
        "#,
        key,
        waited_since
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A person gives up: from now on the step ends, by its proof that nothing was done. An outcome stays.
pub(crate) async fn give_up(tx: &mut Tx, key: &str) -> Result<(), Error> {
    sqlx::query!(
        r#"
        UPDATE vendor_calls SET give_up_at = clock_timestamp(), updated_at = clock_timestamp()
        WHERE call_key = $1 AND outcome IS NULL
        "#,
        key
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A person has settled it with this answer: nobody sends any more, and the step records it when it is run next. An
/// outcome stays. False: there is no such step, or it has ended.
pub(crate) async fn settle_by_hand(tx: &mut Tx, key: &str, answer: &Value) -> Result<bool, Error> {
    let settled = sqlx::query!(
        r#"
        UPDATE vendor_calls SET by_hand = $2, updated_at = clock_timestamp()
        WHERE call_key = $1 AND outcome IS NULL
        "#,
        key,
        answer
    )
    .execute(&mut **tx)
    .await?;
    Ok(settled.rows_affected() == 1)
}

/// An answer to be recorded.
#[derive(Clone, Debug)]
pub struct NewAnswer<'a> {
    pub answer: &'a Value,
    pub outcome: Outcome,
    /// Only while this attempt is the last one, and no person has settled it: the vendor's no says nothing about what
    /// came after. What was done was done, whoever asked for it.
    pub only_from: Option<i32>,
}

/// Ends the call with an answer, of the vendor or by hand. False: it has an outcome already, which the caller returns,
/// or the row has moved on.
pub async fn answer(tx: &mut Tx, key: &str, new: &NewAnswer<'_>) -> Result<bool, Error> {
    let ended = sqlx::query!(
        r#"
        UPDATE vendor_calls SET outcome = $3, answer = $2, waiting_for = NULL, next_try_at = NULL,
               updated_at = clock_timestamp()
        WHERE call_key = $1 AND outcome IS NULL
          AND ($4::int IS NULL OR (attempts = $4 AND by_hand IS NULL))
        "#,
        key,
        new.answer,
        new.outcome as Outcome,
        new.only_from
    )
    .execute(&mut **tx)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends the call without one, only from the attempt that was seen. False: the row has moved on.
pub async fn end_without(db: &Db, key: &str, seen: i32, outcome: Outcome) -> Result<bool, Error> {
    let ended = sqlx::query!(
        r#"
        UPDATE vendor_calls SET outcome = $3, waiting_for = NULL, next_try_at = NULL,
               updated_at = clock_timestamp()
        WHERE call_key = $1 AND outcome IS NULL AND by_hand IS NULL AND attempts = $2
        "#,
        key,
        seen,
        outcome as Outcome
    )
    .execute(&db.0)
    .await?;
    Ok(ended.rows_affected() == 1)
}
