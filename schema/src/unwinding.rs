//! How a booking ends without a ticket: expiry, the customer's cancel, and the unwinding that both start.

use crate::{
    Db, Error, Tx, bookings,
    claims::{self, Change, Claim, Edge, Row, Wish},
    events::{self, What},
    ids::{BookingId, RefundId},
    money::{Currency, Money},
    refunds,
    states::BookingStatus,
};
use serde::{Deserialize, Serialize};

/// What a look at a waiting booking shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Watch {
    /// Still waiting for the customer; look again after this.
    Waiting { ms: u64 },
    /// It has moved on. `reserved`: the money that has won it is to be taken once Vista has the booking.
    Moved {
        status: BookingStatus,
        #[serde(default)]
        reserved: bool,
    },
}

/// Why a booking is taken back: a stable word, for callers and for cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    CancelledByStaff,
    /// It has ended by itself (expired, cancelled, rejected): only what was done at Vista is taken back.
    EndedBefore,
    /// Vista could not be reached for as long as a booking may wait.
    CinemaAway,
    /// Vista will not confirm it.
    VistaRejected,
    /// Vista's order had died before it was confirmed.
    VistaOrderGone,
    /// Vista did not confirm in time. Releasing proves what became of it.
    VistaSilent,
}

impl Cause {
    pub const fn name(self) -> &'static str {
        match self {
            Self::CancelledByStaff => "cancelled_by_staff",
            Self::EndedBefore => "ended_before",
            Self::CinemaAway => "cinema_away",
            Self::VistaRejected => "vista_rejected",
            Self::VistaOrderGone => "vista_order_gone",
            Self::VistaSilent => "vista_silent",
        }
    }
}

/// Claims the booking for expiry if its time is over: PENDING → EXPIRED, seats free again; and for confirming if
/// nothing is to pay. Otherwise says how long it still has, or where it has gone. Takes a lock only to claim.
pub async fn watch(db: &Db, booking: BookingId) -> Result<Watch, Error> {
    loop {
        let (row, left_ms, reserved) = look(db, booking).await?;
        let wins = |wish| matches!(claims::decide(&row, wish), Claim::Moves(_));
        let (wish, what) = if wins(Wish::Expire) {
            (Wish::Expire, What::Expired)
        } else if wins(Wish::ConfirmFree) {
            (Wish::ConfirmFree, What::NothingToPay)
        } else if row.status == BookingStatus::Pending {
            return Ok(Watch::Waiting { ms: left_ms });
        } else {
            return Ok(Watch::Moved { status: row.status, reserved });
        };
        let mut tx = db.begin().await?;
        claims::claim(&mut tx, booking, wish, Change::of(what)).await?;
        tx.commit().await?;
        // Whoever has won, the row is another now.
    }
}

/// The row without a lock, how long the customer still has, and whether the money that has won it is only reserved.
async fn look(db: &Db, booking: BookingId) -> Result<(Row, u64, bool), Error> {
    let row = sqlx::query!(
        r#"
        SELECT status AS "status: BookingStatus", total_minor, currency AS "currency: Currency",
               unwind_cause IS NOT NULL AS "unwinding!",
               EXISTS (SELECT FROM captures WHERE captures.booking_id = $1 AND verdict = 'WON' AND reserved
                       AND taken_at IS NULL) AS "reserved!",
               CEIL(EXTRACT(EPOCH FROM expires_at - clock_timestamp()) * 1000)::bigint AS left_ms
        FROM bookings WHERE booking_id = $1
        "#,
        booking as BookingId
    )
    .fetch_optional(&db.0)
    .await?
    .ok_or_else(|| bookings::missing(booking))?;
    let total = row.total_minor.zip(row.currency).map(|(minor, in_)| Money::new(minor, in_));
    let expired = row.left_ms.is_some_and(|left| left <= 0);
    let left_ms = u64::try_from(row.left_ms.unwrap_or(0)).unwrap_or(0).max(1);
    let claimed = Row { status: row.status, total, expired, unwinding: row.unwinding };
    Ok((claimed, left_ms, row.reserved))
}

/// What became of a wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Cancel {
    /// Cancelled, now or before.
    Cancelled,
    /// Somebody else has the row; no cancel from this status.
    TooLate { status: BookingStatus },
}

/// REQUESTED, PENDING → CANCELLED, seats free again. Safe to repeat.
pub async fn cancel(db: &Db, booking: BookingId, by: &str) -> Result<Cancel, Error> {
    let mut tx = db.begin().await?;
    let row = claims::lock(&mut tx, booking).await?;
    let cancel = match claims::decide(&row, Wish::Cancel) {
        Claim::Moves(to) => {
            let edge = Edge { seen: row.status, to };
            claims::move_to(&mut tx, booking, edge, cancelled_by(by)).await?;
            Cancel::Cancelled
        }
        Claim::Done => Cancel::Cancelled,
        Claim::Unwinds | Claim::Lost => Cancel::TooLate { status: row.status },
    };
    tx.commit().await?;
    Ok(cancel)
}

fn cancelled_by(by: &str) -> Change {
    let end_reason = Some(format!("cancelled_by_{by}"));
    Change { end_reason, ..Change::of(What::Cancelled { by: by.to_owned() }) }
}

/// Where an unwinding starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Unwinding {
    /// Take back what was done; `refund` is the money that goes back at the end, as the row says.
    Owed {
        refund: Option<RefundId>,
        /// People give it back, at the terminal that took it: for a minute only, so at once, and nothing waits for them.
        #[serde(default)]
        by_hand: bool,
    },
    /// It is confirmed: nothing is taken back.
    TooLate,
}

/// Begins to unwind, in one guarded transaction: REQUESTED and PENDING end at once, CONFIRMING gets its cause, which
/// forbids CONFIRMED, and the refund of the payment that has won is written down. Safe to repeat.
pub async fn begin(db: &Db, booking: BookingId, cause: Cause) -> Result<Unwinding, Error> {
    let mut tx = db.begin().await?;
    let Some(row) = claims::find_and_lock(&mut tx, booking).await? else {
        // Nothing was ever written down: nothing was done.
        return Ok(Unwinding::Owed { refund: None, by_hand: false });
    };
    let owed = match claims::decide(&row, Wish::Unwind(cause)) {
        Claim::Moves(to) => {
            let edge = Edge { seen: row.status, to };
            claims::move_to(&mut tx, booking, edge, ended(to, cause)).await?;
            None
        }
        Claim::Unwinds => {
            mark(&mut tx, booking, cause.name()).await?;
            refunds::owe_won(&mut tx, booking, cause.name()).await?
        }
        Claim::Done => refunds::owed_for_won(&mut tx, booking).await?,
        Claim::Lost => return Ok(Unwinding::TooLate),
    };
    tx.commit().await?;
    let by_hand = owed.is_some_and(|owed| owed.provider.gives_back_by_hand());
    Ok(Unwinding::Owed { refund: owed.map(|owed| owed.refund), by_hand })
}

fn ended(to: BookingStatus, cause: Cause) -> Change {
    if to == BookingStatus::Rejected {
        let what = What::Rejected { reason: cause.name().to_owned() };
        Change { end_reason: Some(cause.name().to_owned()), ..Change::of(what) }
    } else {
        cancelled_by("staff")
    }
}

async fn mark(tx: &mut Tx, booking: BookingId, cause: &str) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE bookings SET unwind_cause = $2 WHERE booking_id = $1",
        booking as BookingId,
        cause
    )
    .execute(&mut **tx)
    .await?;
    events::note(tx, booking, &What::Unwinding { cause: cause.to_owned() }).await
}

/// CONFIRMING, unwound → CANCELLED, seats free again. Bookings that ended before are left as they are. Safe to repeat.
pub async fn finish(db: &Db, booking: BookingId) -> Result<BookingStatus, Error> {
    let mut tx = db.begin().await?;
    let Some(row) = claims::find_and_lock(&mut tx, booking).await? else {
        return Ok(BookingStatus::Rejected);
    };
    let status = match claims::decide(&row, Wish::FinishUnwind) {
        Claim::Moves(to) => {
            let edge = Edge { seen: row.status, to };
            claims::move_to(&mut tx, booking, edge, Change::of(What::Unwound)).await?;
            to
        }
        Claim::Unwinds | Claim::Done | Claim::Lost => row.status,
    };
    tx.commit().await?;
    Ok(status)
}
