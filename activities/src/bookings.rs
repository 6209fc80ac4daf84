//! Bookings: hold seats at Vista, tell Vista that they are paid, and take both back.

use crate::{
    Activities, Error,
    step::{self, End, Progress, Seen, VendorStep, decide::Repeat},
};
use adapters::{
    error::Error as VendorError,
    vista::{
        ConfirmAnswer, Fate, HoldAnswer, OrderRef, PaymentNote, ReleaseAnswer, SeatRequest,
        Seating, Vista, VistaBooking,
    },
};
use chrono::{DateTime, Utc};
use schema::{
    Tx,
    bookings::{self, Booking, BookingRequest},
    cases::{self, Case},
    ids::BookingId,
    money::Money,
    states::BookingStatus,
    timings::{CallTimings, Timings},
    unwinding::{self, Cancel, Unwinding, Watch},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

impl Activities {
    /// Writes the booking down with its seats, or finds an older life of it.
    pub async fn record_booking(&self, request: &BookingRequest) -> Result<BookingStatus, Error> {
        Ok(bookings::record(&self.db, request).await?)
    }

    /// Opens an order at Vista. Harmless: an empty order holds nothing and dies by itself.
    pub async fn create_order(
        &self,
        request: &BookingRequest,
    ) -> Result<Progress<OrderRef>, Error> {
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

    /// Claims a booking that costs nothing.
    pub async fn claim_free(&self, booking: BookingId) -> Result<bool, Error> {
        Ok(bookings::claim_free(&self.db, booking).await?)
    }

    /// Tells Vista that the order is paid: from then on it has a booking of its own, which opens the door.
    pub async fn confirm_order(
        &self,
        request: &BookingRequest,
        order: &OrderRef,
    ) -> Result<Progress<ConfirmAnswer>, Error> {
        let Some(booking) = bookings::find(&self.db, request.booking_id).await? else {
            return Ok(Progress::Done(End::Absent));
        };
        step::perform(&self.db, &self.confirm(request, order, &booking)).await
    }

    /// The customer's cancel: claims the row.
    pub async fn cancel_booking(&self, booking: BookingId, by: &str) -> Result<Cancel, Error> {
        Ok(unwinding::cancel(&self.db, booking, by).await?)
    }

    /// Begins to take everything back; the row says which refund is owed.
    pub async fn begin_unwind(&self, booking: BookingId, cause: &str) -> Result<Unwinding, Error> {
        Ok(unwinding::begin(&self.db, booking, cause).await?)
    }

    /// Undoes `confirm_order`: proves what became of it, and releases Vista's booking if there is one.
    pub async fn release_booking(
        &self,
        request: &BookingRequest,
        order: &OrderRef,
    ) -> Result<Progress<ReleaseAnswer>, Error> {
        let Some(booking) = bookings::find(&self.db, request.booking_id).await? else {
            return Ok(Progress::Done(End::Absent));
        };
        let booked = match step::close(&self.db, &self.confirm(request, order, &booking)).await? {
            Progress::Done(End::Answer(ConfirmAnswer::Booked(booked))) => booked,
            Progress::Done(_) => return Ok(Progress::Done(End::Absent)),
            Progress::NotYet { wait_ms } => return Ok(Progress::NotYet { wait_ms }),
            Progress::Refused { occurrence } => return Ok(Progress::Refused { occurrence }),
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
        let create = CreateOrder { vista: &self.vista, request };
        let order = match step::close(&self.db, &create).await? {
            Progress::Done(End::Answer(order)) => order,
            Progress::Done(_) => return Ok(Progress::Done(End::Absent)),
            Progress::NotYet { wait_ms } => return Ok(Progress::NotYet { wait_ms }),
            Progress::Refused { occurrence } => return Ok(Progress::Refused { occurrence }),
        };
        let hold = HoldSeats { vista: &self.vista, request, order: &order };
        if let Progress::NotYet { wait_ms } = step::close(&self.db, &hold).await? {
            return Ok(Progress::NotYet { wait_ms });
        }
        let cancel = CancelOrder { vista: &self.vista, request, order: &order };
        step::perform(&self.db, &cancel).await
    }

    /// Ends the unwinding: the seats are free again.
    pub async fn finish_unwind(&self, booking: BookingId) -> Result<BookingStatus, Error> {
        Ok(unwinding::finish(&self.db, booking).await?)
    }

    /// What a person has decided about a step that was refused.
    pub async fn read_decision(
        &self,
        workflow: &str,
        key: &str,
        step: &str,
        occurrence: i32,
    ) -> Result<Option<Case>, Error> {
        Ok(cases::find(&self.db, workflow, key, step, occurrence).await?)
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

/// What holding the seats came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Held {
    Held {
        total: Money,
        vista_expires_in_ms: Option<u64>,
        show_starts_at: Option<DateTime<Utc>>,
    },
    /// Sold out, not on sale, or not a thing one can buy; `reason` is a word for the caller.
    No {
        reason: String,
    },
}

/// The order holds nothing any more (or never did).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled;

/// What all steps of a booking at Vista have in common.
macro_rules! of_booking {
    () => {
        const VENDOR: &'static str = "vista";

        fn id(&self) -> String {
            self.request.booking_id.bare()
        }

        fn workflow(&self) -> &'static str {
            "Booking"
        }

        fn booking(&self) -> BookingId {
            self.request.booking_id
        }

        fn timings(&self) -> &Timings {
            &self.request.timings
        }

        fn call_timings(&self) -> &CallTimings {
            &self.request.timings.vista
        }
    };
}

struct CreateOrder<'a> {
    vista: &'a Vista,
    request: &'a BookingRequest,
}

impl VendorStep for CreateOrder<'_> {
    type Answer = OrderRef;
    const NAME: &'static str = "create_order";
    const REPEAT: Repeat = Repeat::Harmless;
    of_booking!();

    async fn send(&self, within: Duration) -> Result<OrderRef, VendorError> {
        let BookingRequest { platform, cinema_id, .. } = self.request;
        Ok(self.vista.create_order(*platform, cinema_id, within).await?.order)
    }

    async fn project(&self, _tx: &mut Tx, _answer: &OrderRef) -> Result<(), schema::Error> {
        Ok(())
    }
}

struct HoldSeats<'a> {
    vista: &'a Vista,
    request: &'a BookingRequest,
    order: &'a OrderRef,
}

impl VendorStep for HoldSeats<'_> {
    type Answer = Held;
    const NAME: &'static str = "hold_seats";
    const REPEAT: Repeat = Repeat::Harmless;
    of_booking!();

    async fn send(&self, within: Duration) -> Result<Held, VendorError> {
        let BookingRequest { platform, cinema_id, session_id, seats, .. } = self.request;
        let seats = seats.iter().map(|choice| SeatRequest {
            seat: choice.seat.clone(),
            ticket_type: choice.ticket_type.clone(),
        });
        let seating = Seating { session: session_id.clone(), seats: seats.collect() };
        // A read before the effect: when it fails, nothing has been set.
        let show_starts_at = self
            .vista
            .show_start(*platform, cinema_id, session_id, within)
            .await
            .map_err(nothing_was_set)?;
        let answer = self.vista.set_tickets(*platform, self.order, &seating, within).await?;
        Ok(match answer {
            HoldAnswer::Held(order) => Held::Held {
                total: order.total,
                vista_expires_in_ms: order.expires_in_ms,
                show_starts_at,
            },
            HoldAnswer::SeatsTaken => Held::No { reason: "seats_taken".to_owned() },
            HoldAnswer::SessionClosed { .. } => Held::No { reason: "session_closed".to_owned() },
            HoldAnswer::Invalid { .. } => Held::No { reason: "invalid_seats".to_owned() },
            HoldAnswer::OrderGone => Held::No { reason: "order_gone".to_owned() },
        })
    }

    async fn project(&self, tx: &mut Tx, answer: &Held) -> Result<(), schema::Error> {
        let booking = self.request.booking_id;
        match answer {
            Held::Held { total, vista_expires_in_ms, show_starts_at } => {
                let hold = bookings::Hold {
                    vista_order: self.order.user_session.clone(),
                    total: *total,
                    vista_expires_in_ms: *vista_expires_in_ms,
                    show_starts_at: *show_starts_at,
                };
                bookings::hold(tx, booking, &hold, self.timings()).await?;
            }
            Held::No { reason } => {
                bookings::reject(tx, booking, reason).await?;
            }
        }
        Ok(())
    }
}

fn nothing_was_set(error: VendorError) -> VendorError {
    match error {
        VendorError::Unknown { reason } => VendorError::unavailable(reason),
        other @ (VendorError::Unavailable { .. }
        | VendorError::Refused { .. }
        | VendorError::Forged { .. }) => other,
    }
}

struct ConfirmOrder<'a> {
    vista: &'a Vista,
    request: &'a BookingRequest,
    order: &'a OrderRef,
    note: PaymentNote,
    show_in_ms: Option<i64>,
}

impl VendorStep for ConfirmOrder<'_> {
    type Answer = ConfirmAnswer;
    const NAME: &'static str = "confirm_order";
    const REPEAT: Repeat = Repeat::AfterLookUp;
    of_booking!();

    fn at_risk(&self) -> Money {
        self.note.total
    }

    fn give_up_in_ms(&self) -> Option<i64> {
        let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        let bound = signed(self.timings().confirm_bound_ms);
        let before_show = self
            .show_in_ms
            .map(|show| show.saturating_sub(signed(self.timings().confirm_before_show_ms)));
        Some(before_show.unwrap_or(i64::MAX).min(bound))
    }

    async fn send(&self, within: Duration) -> Result<ConfirmAnswer, VendorError> {
        self.vista.pay_order(self.request.platform, self.order, &self.note, within).await
    }

    async fn look_up(&self, within: Duration) -> Result<Seen<ConfirmAnswer>, VendorError> {
        let platform = self.request.platform;
        Ok(match self.vista.order_fate(platform, self.order, &self.note, within).await? {
            Fate::Booked(booking) => Seen::Found(ConfirmAnswer::Booked(booking)),
            Fate::Open => Seen::Absent,
            Fate::Gone => Seen::Found(ConfirmAnswer::OrderGone),
            Fate::Unclear { reason } => Seen::Unclear(reason),
        })
    }

    fn is_no(answer: &ConfirmAnswer) -> bool {
        match answer {
            ConfirmAnswer::Booked(_) => false,
            ConfirmAnswer::Rejected { .. } | ConfirmAnswer::OrderGone => true,
        }
    }

    async fn project(&self, tx: &mut Tx, answer: &ConfirmAnswer) -> Result<(), schema::Error> {
        if let ConfirmAnswer::Booked(VistaBooking { booking_id, booking_number, .. }) = answer {
            bookings::confirm(tx, self.request.booking_id, booking_id, booking_number).await?;
        }
        Ok(())
    }
}

struct CancelOrder<'a> {
    vista: &'a Vista,
    request: &'a BookingRequest,
    order: &'a OrderRef,
}

impl VendorStep for CancelOrder<'_> {
    type Answer = OrderCancelled;
    const NAME: &'static str = "cancel_order";
    const REPEAT: Repeat = Repeat::Harmless;
    of_booking!();

    async fn send(&self, within: Duration) -> Result<OrderCancelled, VendorError> {
        // "Not found" is as good: it expired, or was cancelled before.
        self.vista.cancel_order(self.request.platform, self.order, within).await?;
        Ok(OrderCancelled)
    }

    async fn project(&self, _tx: &mut Tx, _answer: &OrderCancelled) -> Result<(), schema::Error> {
        Ok(())
    }
}

struct ReleaseBooking<'a> {
    vista: &'a Vista,
    request: &'a BookingRequest,
    booked: &'a VistaBooking,
    total: Money,
}

/// Releasing reads the booking before and after, so repeating it is harmless.
impl VendorStep for ReleaseBooking<'_> {
    type Answer = ReleaseAnswer;
    const NAME: &'static str = "release_booking";
    const REPEAT: Repeat = Repeat::Harmless;
    of_booking!();

    fn at_risk(&self) -> Money {
        self.total
    }

    async fn send(&self, within: Duration) -> Result<ReleaseAnswer, VendorError> {
        match self.vista.release_booking(self.request.platform, self.booked, within).await? {
            ReleaseAnswer::Released => Ok(ReleaseAnswer::Released),
            ReleaseAnswer::NotFound => {
                Err(VendorError::refused("not_found", "Vista gave us this booking and has it not"))
            }
            ReleaseAnswer::Rejected { code, name } => {
                Err(VendorError::refused(code.to_string(), name))
            }
        }
    }

    async fn project(&self, _tx: &mut Tx, _answer: &ReleaseAnswer) -> Result<(), schema::Error> {
        Ok(())
    }
}
