//! Bookings: hold seats at Vista, tell Vista that they are paid, and take both back.

pub use crate::booking_steps::{Created, Held, OrderCancelled};
use crate::{
    Activities, Error,
    booking_steps::{CancelOrder, ConfirmOrder, CreateOrder, HoldSeats, ReleaseBooking},
    step::{self, End, Progress},
    watched,
};
use adapters::vista::{ConfirmAnswer, OrderRef, PaymentNote, ReleaseAnswer};
use schema::{
    bookings::{self, Booking, BookingRequest, Recorded},
    cases,
    ids::BookingId,
    money::Money,
    states::BookingStatus,
    timings::Timings,
    unwinding::{self, Cancel, Cause, Unwinding, Watch},
};
use std::time::{Duration, Instant};

impl Activities {
    /// Writes the booking down with its seats, or finds an older life of it.
    pub async fn record_booking(&self, request: &BookingRequest) -> Result<Recorded, Error> {
        let recorded = bookings::record(&self.db, request).await?;
        watched::about(request.booking_id);
        if recorded.status == BookingStatus::Rejected {
            watched::ended(request.booking_id, recorded.status);
        }
        Ok(recorded)
    }

    /// Opens an order at Vista. Harmless: an empty order holds nothing and dies by itself.
    pub async fn create_order(&self, request: &BookingRequest) -> Result<Progress<Created>, Error> {
        step::perform(&self.db, &CreateOrder { vista: &self.vista, request }).await
    }

    /// Sets the tickets: the seats are held from then on, and the customer's clock runs.
    pub async fn hold_seats(
        &self,
        request: &BookingRequest,
        order: &OrderRef,
    ) -> Result<Progress<Held>, Error> {
        step::perform(&self.db, &HoldSeats { vista: &self.vista, request, order }).await
    }

    /// Looks at a booking that waits for its customer, and claims it for expiry when its time is over.
    pub async fn watch_booking(&self, booking: BookingId) -> Result<Watch, Error> {
        Ok(unwinding::watch(&self.db, booking).await?)
    }

    /// Tells Vista that the order is paid: from then on it has a booking of its own, which opens the door. Money that can
    /// be given back for a minute only does not wait for Vista longer than it can: then the step is given up as it is, and
    /// whoever takes it back proves what became of it.
    pub async fn confirm_order(
        &self,
        request: &BookingRequest,
        order: &OrderRef,
    ) -> Result<Progress<ConfirmAnswer>, Error> {
        let Some(booking) = bookings::find(&self.db, request.booking_id).await? else {
            return Ok(Progress::Done(End::Absent));
        };
        let confirm = self.confirm(request, order, &booking);
        let performing = step::perform(&self.db, &confirm);
        let progress = match time_for_vista(&booking, &request.timings) {
            Some(left) => within(left, performing).await?,
            None => performing.await?,
        };
        if let Progress::Done(End::Answer(ConfirmAnswer::Booked(_))) = progress {
            // Somebody may have begun to take it back meanwhile: then Vista's booking goes back, too.
            let now = bookings::find(&self.db, request.booking_id).await?;
            if now.is_some_and(|now| now.status == BookingStatus::Confirming) {
                return Ok(Progress::Done(End::GaveUp));
            }
            watched::ended(request.booking_id, BookingStatus::Confirmed);
        }
        Ok(progress)
    }

    /// The customer's cancel: claims the row.
    pub async fn cancel_booking(&self, booking: BookingId, by: &str) -> Result<Cancel, Error> {
        Ok(unwinding::cancel(&self.db, booking, by).await?)
    }

    /// Begins to take everything back; the row says which refund is owed.
    pub async fn begin_unwind(&self, booking: BookingId, cause: Cause) -> Result<Unwinding, Error> {
        Ok(unwinding::begin(&self.db, booking, cause).await?)
    }

    /// Undoes `confirm_order`: proves what became of it, and releases Vista's booking if there is one.
    pub async fn release_booking(
        &self,
        request: &BookingRequest,
    ) -> Result<Progress<ReleaseAnswer>, Error> {
        let Some(booking) = bookings::find(&self.db, request.booking_id).await? else {
            return Ok(Progress::Done(End::Absent));
        };
        let create = CreateOrder { vista: &self.vista, request };
        let order = match step::close(&self.db, &create).await?.done() {
            Ok(End::Answer(Created::Open { order })) => order,
            Ok(_) => return Ok(Progress::Done(End::Absent)),
            Err(unfinished) => return Ok(unfinished),
        };
        let confirm = self.confirm(request, &order, &booking);
        let booked = match step::close(&self.db, &confirm).await?.done() {
            Ok(End::Answer(ConfirmAnswer::Booked(booked))) => booked,
            Ok(_) => return Ok(Progress::Done(End::Absent)),
            Err(unfinished) => return Ok(unfinished),
        };
        let total = booking.total.unwrap_or(Money::sar(0));
        let release = ReleaseBooking { vista: &self.vista, request, booked: &booked, total };
        step::perform(&self.db, &release).await
    }

    /// Undoes `create_order` and `hold_seats`: nobody sends them any more, and the order is cancelled.
    pub async fn cancel_order(
        &self,
        request: &BookingRequest,
    ) -> Result<Progress<OrderCancelled>, Error> {
        if bookings::find(&self.db, request.booking_id).await?.is_none() {
            // Nothing was ever written down: nothing was done.
            return Ok(Progress::Done(End::Absent));
        }
        let create = CreateOrder { vista: &self.vista, request };
        let order = match step::close(&self.db, &create).await?.done() {
            Ok(End::Answer(Created::Open { order })) => order,
            Ok(_) => return Ok(Progress::Done(End::Absent)),
            Err(unfinished) => return Ok(unfinished),
        };
        let hold = HoldSeats { vista: &self.vista, request, order: &order };
        if let Err(unfinished) = step::close(&self.db, &hold).await?.done() {
            return Ok(unfinished);
        }
        let cancel = CancelOrder { vista: &self.vista, request, order: &order };
        step::perform(&self.db, &cancel).await
    }

    /// Ends the unwinding: the seats are free again.
    pub async fn finish_unwind(&self, booking: BookingId) -> Result<BookingStatus, Error> {
        let status = unwinding::finish(&self.db, booking).await?;
        watched::ended(booking, status);
        Ok(status)
    }

    /// Whether a person has decided about a refused step, or it has ended otherwise.
    pub async fn is_decided(&self, key: &str, step: &str, occurrence: i32) -> Result<bool, Error> {
        Ok(cases::is_decided(&self.db, key, step, occurrence).await?)
    }

    fn confirm<'a>(
        &'a self,
        request: &'a BookingRequest,
        order: &'a OrderRef,
        booking: &'a Booking,
    ) -> ConfirmOrder<'a> {
        let note = PaymentNote {
            booking: request.booking_id,
            payment: booking.won_payment,
            total: booking.total.unwrap_or(Money::sar(0)),
        };
        ConfirmOrder { vista: &self.vista, request, order, note, show_in_ms: booking.show_in_ms }
    }
}

/// What is left of the time that Vista has, where a terminal took the money. None: as long as its step has.
fn time_for_vista(booking: &Booking, timings: &Timings) -> Option<Duration> {
    booking.won_by.filter(|by| by.gives_back_by_hand())?;
    let since = u64::try_from(booking.since_won_ms.unwrap_or(0)).unwrap_or(0);
    Some(Duration::from_millis(timings.terminal.confirm_ms.saturating_sub(since)))
}

/// The step as far as it comes in this time. It is cut off as a power cut would, which every step survives; a person who
/// is asked about it does not come in time either.
async fn within<T>(
    left: Duration,
    performing: impl Future<Output = Result<Progress<T>, Error>>,
) -> Result<Progress<T>, Error> {
    if left.is_zero() {
        return Ok(Progress::Done(End::GaveUp));
    }
    let began = Instant::now();
    let Ok(progress) = tokio::time::timeout(left, performing).await else {
        return Ok(Progress::Done(End::GaveUp));
    };
    let left = left.saturating_sub(began.elapsed());
    Ok(match progress? {
        Progress::NotYet { wait_ms } => Progress::after(left.min(Duration::from_millis(wait_ms))),
        Progress::Refused { .. } => Progress::after(left),
        done @ Progress::Done(_) => done,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    const LEFT: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_step_is_cut_off_when_its_time_is_over() {
        let gave_up = Progress::<()>::Done(End::GaveUp);
        assert_eq!(within(Duration::from_millis(1), pending()).await.unwrap(), gave_up);
        let answer = || ready(Ok(Progress::Done(End::Answer(()))));
        assert_eq!(
            within(Duration::ZERO, answer()).await.unwrap(),
            gave_up,
            "it is not even begun"
        );
        assert_eq!(within(LEFT, answer()).await.unwrap(), Progress::Done(End::Answer(())));
    }

    #[tokio::test]
    async fn nothing_is_waited_for_beyond_it() {
        let refused = Progress::Refused { step: "confirm_order".to_owned(), occurrence: 1 };
        for progress in [Progress::<()>::NotYet { wait_ms: 60_000 }, refused] {
            let begun = async {
                tokio::time::sleep(Duration::from_millis(2)).await;
                Ok(progress)
            };
            let capped = within(LEFT, begun).await.unwrap();
            let Progress::NotYet { wait_ms } = capped else { panic!("{capped:?}") };
            assert!(wait_ms < 1_000, "what has passed meanwhile counts, too: {wait_ms}");
        }
        let soon = ready(Ok(Progress::<()>::NotYet { wait_ms: 0 }));
        assert_eq!(within(LEFT, soon).await.unwrap(), Progress::NotYet { wait_ms: 0 });
    }
}
