//! Reserved money of a booking that is sold: taken once, and waited for until the vendor says that it has it.

use crate::{
    Activities, Error, evidence,
    step::{self, End, Progress, Seen, VendorStep, decide::Repeat},
    watched,
};
use adapters::{
    error::Error as VendorError,
    provider::{CaptureOrder, CaptureState, PaymentProvider},
};
use schema::{
    Tx,
    cases::{self, Decision, LastWord, NewCase, VENDOR_HAS_DECIDED},
    ids::BookingId,
    money::{Money, Shown},
    provider::Provider,
    settling::{self, ANOTHER_AMOUNT, Reserved},
    timings::{CallTimings, Timings},
};
use std::time::Duration;

pub(crate) const CAPTURE_PAYMENT: &str = "capture_payment";
/// Asking about a capture is a question, not a call of its own; but a person may have to decide about it.
pub(crate) const ASK_CAPTURE: &str = "ask_capture";

impl Activities {
    /// Takes the money that is reserved for a confirmed booking. Absent: none is, or it was taken without this. Given up: a person has seen that it is
    /// not to be had; the booking says so.
    pub async fn capture_payment(
        &self,
        booking: BookingId,
    ) -> Result<Progress<CaptureState>, Error> {
        let Some(reserved) = settling::reserved(&self.db, booking).await? else {
            return Ok(Progress::Done(End::Absent));
        };
        let Some(vendor) = self.providers.get(reserved.provider) else {
            return Ok(Progress::after(reserved.timings.retry_after(u32::MAX)));
        };
        let capture = CapturePayment { vendor, booking, reserved: &reserved };
        if reserved.taken {
            // Whoever asked the vendor has seen it first.
            return step::close(&self.db, &capture).await;
        }
        let progress = step::perform(&self.db, &capture).await?;
        if progress == Progress::Done(End::GaveUp) {
            self.not_collected(booking, &reserved).await?;
        }
        Ok(progress)
    }

    /// The vendor has taken it: a case about that in this step is over, and who waits for it goes on.
    pub(crate) async fn nobody_need_take(
        &self,
        booking: BookingId,
        step: &str,
    ) -> Result<(), Error> {
        let key = booking.bare();
        Ok(cases::overtaken(&self.db, "Booking", &key, step, VENDOR_HAS_DECIDED).await?)
    }

    async fn not_collected(&self, booking: BookingId, reserved: &Reserved) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        settling::not_collected(&mut tx, booking, &reserved.vendor_transaction).await?;
        Ok(tx.commit().await.map_err(schema::Error::from)?)
    }

    /// Asks whether a capture that was pending has reached its end. A vendor that has changed its mind, has taken something
    /// else, or does not say anything for long, makes a case; and is asked on: a person may take the rest at the vendor's.
    pub async fn ask_capture(&self, booking: BookingId) -> Result<Progress<CaptureState>, Error> {
        const TAKEN: Progress<CaptureState> =
            Progress::Done(End::Answer(CaptureState::Captured { transaction: None }));
        let Some(reserved) = settling::reserved(&self.db, booking).await? else {
            return Ok(TAKEN);
        };
        watched::about(booking);
        if reserved.taken {
            self.nobody_need_take(booking, ASK_CAPTURE).await?;
            return Ok(TAKEN);
        }
        // No connection is held while the vendor thinks.
        let decided = self.decided(booking).await?;
        let Decided { by_hand, given_up } = Decided::of(decided.as_ref(), reserved.provider);
        let within = Duration::from_millis(reserved.timings.payment.timeout_ms);
        let found = match (by_hand, self.providers.get(reserved.provider)) {
            (transaction @ Some(_), _) => Ok(Some(CaptureState::Captured { transaction })),
            (None, Some(vendor)) => vendor.find_capture(&order(&reserved), within).await,
            (None, None) => Err(VendorError::unavailable("no such vendor is set up")),
        };
        let found_over = |about: &str| found.as_ref().is_ok_and(|it| is_over(it.as_ref(), about));
        if given_up.is_some_and(found_over) {
            self.not_collected(booking, &reserved).await?;
            return Ok(Progress::Done(End::GaveUp));
        }
        let found = found.ok().flatten();
        let mut tx = self.db.begin().await?;
        let key = booking.bare();
        if cases::last_word(&mut tx, "Booking", &key, ASK_CAPTURE).await? != decided {
            // Somebody has decided while the vendor was asked: the next look follows that.
            return Ok(Progress::soon());
        }
        let age = u64::try_from(reserved.age_ms).unwrap_or(0);
        let (because, reason) = match found {
            Some(CaptureState::Captured { transaction }) => {
                let (reserved_as, taken_as) =
                    (&reserved.vendor_transaction, transaction.as_deref());
                settling::taken(&mut tx, booking, reserved_as, taken_as).await?;
                tx.commit().await.map_err(schema::Error::from)?;
                self.nobody_need_take(booking, ASK_CAPTURE).await?;
                return Ok(TAKEN);
            }
            Some(CaptureState::Rejected { code, reason }) => {
                (Some(format!("payment_refused_{code}")), reason)
            }
            Some(CaptureState::Otherwise { taken }) => {
                (Some(ANOTHER_AMOUNT.to_owned()), otherwise(reserved.amount, &taken))
            }
            Some(CaptureState::Pending) | None => {
                let late = age > reserved.timings.undecided_ms;
                (late.then(|| "capture_undecided".to_owned()), UNDECIDED.to_owned())
            }
        };
        // Who has given it up is asked again only if something was taken after all.
        let anew = |because: &String| given_up.is_none() || because == ANOTHER_AMOUNT;
        if let Some(because) = because.filter(anew) {
            let case = NewCase {
                workflow: "Booking",
                workflow_key: key,
                step: ASK_CAPTURE,
                booking: Some(booking),
                cause: &because,
                detail: &reason,
                at_risk: reserved.amount,
                decisions: evidence::decisions(ASK_CAPTURE),
            };
            cases::open(&mut tx, &case).await?;
        }
        tx.commit().await.map_err(schema::Error::from)?;
        // The longer it takes, the rarer we ask.
        let Timings { retry_first_ms, ask_longest_ms, .. } = reserved.timings;
        Ok(Progress::NotYet { wait_ms: (age / 2).clamp(retry_first_ms, ask_longest_ms) })
    }

    async fn decided(&self, booking: BookingId) -> Result<Option<LastWord>, Error> {
        let mut tx = self.db.begin().await?;
        let last = cases::last_word(&mut tx, "Booking", &booking.bare(), ASK_CAPTURE).await?;
        tx.commit().await.map_err(schema::Error::from)?;
        Ok(last)
    }
}

/// What a person has decided about a capture that is asked about.
#[derive(Default)]
struct Decided<'a> {
    /// The vendor's transaction that took the money.
    by_hand: Option<String>,
    /// The cause of the case that was given up.
    given_up: Option<&'a str>,
}

impl<'a> Decided<'a> {
    fn of(last: Option<&'a LastWord>, vendor: Provider) -> Self {
        let Some(last) = last else { return Self::default() };
        match last.decision {
            Decision::Settled => {
                let taken = |seen| evidence::money_is_taken(seen, Some(vendor));
                Self { by_hand: last.evidence.as_ref().and_then(taken), ..Self::default() }
            }
            Decision::GiveUp => Self { given_up: Some(&last.cause), ..Self::default() },
            Decision::Retry => Self::default(),
        }
    }
}

const UNDECIDED: &str = "the vendor has been asked long ago to take the reserved money, and does not say that it has it";

/// What a person has to know to put it right, at any vendor: whether one shows a second capture of the rest differs, so the
/// person says that it is done.
fn otherwise(owed: Money, taken: &Shown) -> String {
    format!(
        "of {owed} that are reserved and owed, the vendor took {taken}. At the vendor, make it what is owed, and decide \
         \"settled\" with the id of what took it; or send all back that was taken, and decide \"give-up\""
    )
}

/// What was decided about this waits for the vendor's word: what it has taken, or may still take, is not given up. Of what it
/// has taken otherwise, only who has decided about that has decided.
fn is_over(found: Option<&CaptureState>, about: &str) -> bool {
    match found {
        None | Some(CaptureState::Rejected { .. }) => true,
        Some(CaptureState::Otherwise { .. }) => about == ANOTHER_AMOUNT,
        Some(CaptureState::Captured { .. } | CaptureState::Pending) => false,
    }
}

fn order(reserved: &Reserved) -> CaptureOrder {
    CaptureOrder {
        payment: reserved.payment_id,
        transaction: reserved.vendor_transaction.clone(),
        account: reserved.vendor_account.clone().unwrap_or_default(),
        amount: reserved.amount,
    }
}

pub(crate) struct CapturePayment<'a> {
    vendor: &'a dyn PaymentProvider,
    booking: BookingId,
    reserved: &'a Reserved,
}

impl VendorStep for CapturePayment<'_> {
    type Answer = CaptureState;
    const NAME: &'static str = CAPTURE_PAYMENT;
    const VENDOR: &'static str = "payment";
    const REPEAT: Repeat = Repeat::AfterLookUp;

    fn id(&self) -> String {
        self.booking.bare()
    }

    fn workflow(&self) -> &'static str {
        "Booking"
    }

    fn booking(&self) -> BookingId {
        self.booking
    }

    fn timings(&self) -> &Timings {
        &self.reserved.timings
    }

    fn call_timings(&self) -> &CallTimings {
        &self.reserved.timings.payment
    }

    fn at_risk(&self) -> Money {
        self.reserved.amount
    }

    async fn send(&self, within: Duration) -> Result<CaptureState, VendorError> {
        match self.vendor.capture(&order(self.reserved), within).await? {
            CaptureState::Rejected { code, reason } => Err(VendorError::refused(code, reason)),
            done @ (CaptureState::Captured { .. }
            | CaptureState::Pending
            | CaptureState::Otherwise { .. }) => Ok(done),
        }
    }

    async fn look_up(&self, within: Duration) -> Result<Seen<CaptureState>, VendorError> {
        if self.reserved.taken {
            return Ok(Seen::Found(CaptureState::Captured { transaction: None }));
        }
        Ok(match self.vendor.find_capture(&order(self.reserved), within).await? {
            // A rejected capture has moved no money.
            None | Some(CaptureState::Rejected { .. }) => Seen::Absent,
            Some(found) => Seen::Found(found),
        })
    }

    async fn project(&self, tx: &mut Tx, answer: &CaptureState) -> Result<(), schema::Error> {
        match answer {
            CaptureState::Captured { transaction } => {
                let reserved_as = &self.reserved.vendor_transaction;
                settling::taken(tx, self.booking, reserved_as, transaction.as_deref()).await
            }
            // Asked about until it is all taken, or a person has decided (`ask_capture`).
            CaptureState::Pending
            | CaptureState::Otherwise { .. }
            | CaptureState::Rejected { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staff_are_told_what_can_be_decided_and_nothing_that_not_every_vendor_does() {
        for taken in [5_750, 12_000] {
            let told = otherwise(Money::sar(11_500), &Money::sar(taken).into());
            let amounts = [Money::sar(11_500), Money::sar(taken)].map(|money| money.to_string());
            assert!(amounts.iter().all(|amount| told.contains(amount)), "{told}");
            for decision in evidence::decisions(ASK_CAPTURE) {
                assert!(told.contains(&format!("\"{}\"", decision.name())), "{told}");
            }
            assert!(!told.contains("by itself"), "a second capture is not seen everywhere: {told}");
        }
    }
}
