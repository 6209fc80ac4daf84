//! Who has won: what becomes of a wish for a booking, and the only statement that changes a booking's status.
//!
//! Settling, expiry, cancel, confirming and unwinding meet at the booking's row: each locks it, is decided by the pure
//! `decide`, and writes what was decided in the same transaction. The model of the races calls `decide`, too.

use crate::{
    Error, Tx, bookings,
    events::{self, What},
    ids::{BookingId, PaymentId},
    money::{Currency, Money},
    states::{BookingStatus, Verdict},
    unwinding::Cause,
};
use sabotage::Rule;

/// What of a booking's row decides its races.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub status: BookingStatus,
    /// What there is to pay, once the seats are held.
    pub total: Option<Money>,
    /// `expires_at` has passed, now.
    pub expired: bool,
    /// It has a cause to be taken back.
    pub unwinding: bool,
}

/// What somebody wants of a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Vista holds the seats.
    Hold,
    /// Sold out or invalid.
    Reject,
    /// A vendor has taken money for it.
    Capture(Paid),
    /// Nothing is to pay.
    ConfirmFree,
    /// The customer's time is over.
    Expire,
    /// The customer's cancel.
    Cancel,
    /// Vista's booking exists.
    Confirm,
    /// Take back what was done.
    Unwind(Cause),
    /// All of it is taken back.
    FinishUnwind,
}

/// Money that was asked for, if any was, and money that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    pub asked: Option<Money>,
    pub taken: Money,
}

/// What becomes of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It has won: the row moves there.
    Moves(BookingStatus),
    /// It has won: the row stays CONFIRMING, will never be CONFIRMED, and owes back the money it has won.
    Unwinds,
    /// It is so already: nothing is written.
    Done,
    /// Somebody else has the row: nothing is written.
    Lost,
}

/// Decides a wish.
#[expect(clippy::match_same_arms, reason = "a table: one line for each wish and status")]
pub fn decide(row: &Row, wish: Wish) -> Claim {
    use BookingStatus::{Cancelled, Confirmed, Confirming, Expired, Pending, Rejected, Requested};
    match (wish, row.status) {
        (Wish::Hold, Requested) => Claim::Moves(Pending),
        (Wish::Reject, Requested) => Claim::Moves(Rejected),
        (Wish::Capture(paid), Pending) if exactly(row, paid) => Claim::Moves(Confirming),
        (Wish::ConfirmFree, Pending) if row.total.is_some_and(Money::is_zero) => {
            Claim::Moves(Confirming)
        }
        (Wish::Expire, Pending) if row.expired => Claim::Moves(Expired),
        (Wish::Cancel, Requested | Pending) => Claim::Moves(Cancelled),
        (Wish::Confirm, Confirming) if !row.unwinding => Claim::Moves(Confirmed),

        (Wish::Unwind(Cause::CancelledByStaff), Requested) => Claim::Moves(Cancelled),
        (Wish::Unwind(_), Requested) => Claim::Moves(Rejected),
        (Wish::Unwind(_), Pending) => Claim::Moves(Cancelled),
        (Wish::Unwind(_), Confirming) if !row.unwinding => Claim::Unwinds,
        (Wish::FinishUnwind, Confirming) if row.unwinding => Claim::Moves(Cancelled),

        (Wish::Cancel | Wish::FinishUnwind, Cancelled)
        | (Wish::Unwind(_), Confirming | Rejected | Cancelled | Expired) => Claim::Done,
        _ => Claim::Lost,
    }
}

/// Exactly what was asked for, and exactly what the booking costs now.
fn exactly(row: &Row, paid: Paid) -> bool {
    paid.asked == Some(paid.taken) && row.total == Some(paid.taken)
}

/// What becomes of the money of a capture, after its claim.
pub fn verdict(paid: Paid, claim: Claim) -> Verdict {
    match claim {
        Claim::Moves(_) => Verdict::Won,
        Claim::Lost if Rule::GuardedSettlement.is_out() => Verdict::Won,
        Claim::Unwinds | Claim::Done | Claim::Lost => {
            if paid.asked == Some(paid.taken) {
                Verdict::Late
            } else {
                Verdict::Disputed
            }
        }
    }
}

/// What moving a booking writes beside its status.
#[derive(Debug)]
pub(crate) struct Change {
    pub what: What,
    pub won_payment: Option<PaymentId>,
    pub end_reason: Option<String>,
    pub vista_booking_id: Option<String>,
    pub vista_booking_number: Option<String>,
}

impl Change {
    /// The event alone.
    pub(crate) const fn of(what: What) -> Self {
        Self {
            what,
            won_payment: None,
            end_reason: None,
            vista_booking_id: None,
            vista_booking_number: None,
        }
    }
}

/// One move along the graph, as it was decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub seen: BookingStatus,
    pub to: BookingStatus,
}

/// Locks the row, decides the wish, and moves the booking if it has won. False: it has not.
pub(crate) async fn claim(
    tx: &mut Tx,
    booking: BookingId,
    wish: Wish,
    change: Change,
) -> Result<bool, Error> {
    let row = lock(tx, booking).await?;
    let Claim::Moves(to) = decide(&row, wish) else { return Ok(false) };
    move_to(tx, booking, Edge { seen: row.status, to }, change).await?;
    Ok(true)
}

/// The only statement that changes a booking's status: from the one that was seen, with its event, and with its seats
/// free again where the new status frees them. A booking that is no longer as it was seen is an error: lock it first.
pub(crate) async fn move_to(
    tx: &mut Tx,
    booking: BookingId,
    edge: Edge,
    change: Change,
) -> Result<(), Error> {
    let (kind, detail) = events::columns(&change.what)?;
    sqlx::query!(
        r#"
        WITH moved AS (
            UPDATE bookings SET status = $3, won_payment = COALESCE($4, won_payment),
                   end_reason = COALESCE($5, unwind_cause),
                   vista_booking_id = COALESCE($6, vista_booking_id),
                   vista_booking_number = COALESCE($7, vista_booking_number),
                   version = version + 1, updated_at = clock_timestamp()
            WHERE booking_id = $1 AND status = $2
            RETURNING booking_id, version
        ), released AS (
            UPDATE seats SET released_at = clock_timestamp()
            WHERE $8 AND seats.booking_id = $1 AND released_at IS NULL AND EXISTS (SELECT FROM moved)
        )
        INSERT INTO booking_events (booking_id, version, kind, detail)
        SELECT booking_id, version, $9, $10 FROM moved
        RETURNING version
        "#,
        booking as BookingId,
        edge.seen as BookingStatus,
        edge.to as BookingStatus,
        change.won_payment as Option<PaymentId>,
        change.end_reason,
        change.vista_booking_id,
        change.vista_booking_number,
        edge.to.frees_seats(),
        kind,
        detail
    )
    .fetch_one(&mut **tx)
    .await?;
    tx.moves(booking);
    Ok(())
}

/// Takes the booking's row as the lock under which it, its payments, captures and refunds change: settling, expiry,
/// cancel and unwinding meet here, one at a time.
pub(crate) async fn lock(tx: &mut Tx, booking: BookingId) -> Result<Row, Error> {
    find_and_lock(tx, booking).await?.ok_or_else(|| bookings::missing(booking))
}

/// The same, for a booking that may never have been written down.
pub(crate) async fn find_and_lock(tx: &mut Tx, booking: BookingId) -> Result<Option<Row>, Error> {
    let row = sqlx::query!(
        r#"
        SELECT status AS "status: BookingStatus", total_minor, currency AS "currency: Currency",
               COALESCE(expires_at <= clock_timestamp(), false) AS "expired!",
               unwind_cause IS NOT NULL AS "unwinding!"
        FROM bookings WHERE booking_id = $1 FOR UPDATE
        "#,
        booking as BookingId
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| Row {
        status: row.status,
        total: row.total_minor.zip(row.currency).map(|(minor, in_)| Money::new(minor, in_)),
        expired: row.expired,
        unwinding: row.unwinding,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUNDRED: Money = Money::sar(100);
    const WAITING: Row = Row {
        status: BookingStatus::Pending,
        total: Some(HUNDRED),
        expired: false,
        unwinding: false,
    };

    fn settle(row: Row, asked: Option<Money>, taken: Money) -> Verdict {
        let paid = Paid { asked, taken };
        verdict(paid, decide(&row, Wish::Capture(paid)))
    }

    #[test]
    fn money_wins_a_booking_that_waits_for_exactly_it() {
        assert_eq!(settle(WAITING, Some(HUNDRED), HUNDRED), Verdict::Won);
        // Nobody has claimed its expiry yet.
        let overdue = Row { expired: true, ..WAITING };
        assert_eq!(settle(overdue, Some(HUNDRED), HUNDRED), Verdict::Won);
    }

    #[test]
    fn money_that_comes_too_late_goes_back() {
        let dearer = Row { total: Some(Money::sar(120)), ..WAITING };
        assert_eq!(settle(dearer, Some(HUNDRED), HUNDRED), Verdict::Late);
        for status in [BookingStatus::Confirming, BookingStatus::Expired, BookingStatus::Cancelled]
        {
            let row = Row { status, ..WAITING };
            assert_eq!(settle(row, Some(HUNDRED), HUNDRED), Verdict::Late, "{status:?}");
        }
    }

    #[test]
    fn money_that_was_not_asked_for_is_for_a_person() {
        assert_eq!(settle(WAITING, Some(Money::sar(120)), HUNDRED), Verdict::Disputed);
        assert_eq!(settle(WAITING, None, HUNDRED), Verdict::Disputed);
    }

    #[test]
    fn a_booking_that_is_being_taken_back_is_not_confirmed_any_more() {
        let confirming = Row { status: BookingStatus::Confirming, ..WAITING };
        let cause = Cause::CancelledByStaff;
        assert_eq!(decide(&confirming, Wish::Confirm), Claim::Moves(BookingStatus::Confirmed));
        assert_eq!(decide(&confirming, Wish::Unwind(cause)), Claim::Unwinds);
        assert_eq!(decide(&confirming, Wish::FinishUnwind), Claim::Lost);
        let unwinding = Row { unwinding: true, ..confirming };
        assert_eq!(decide(&unwinding, Wish::Confirm), Claim::Lost);
        assert_eq!(decide(&unwinding, Wish::Unwind(cause)), Claim::Done);
        let over = Claim::Moves(BookingStatus::Cancelled);
        assert_eq!(decide(&unwinding, Wish::FinishUnwind), over);
    }
}
