//! A booking's steps at Vista: what is sent, what is looked up, and what the answer means for the row.

use crate::{
    step::{Seen, VendorStep, decide::Repeat},
    tickets::door_code,
};
use adapters::{
    error::Error as VendorError,
    vista::{
        ConfirmAnswer, Fate, HoldAnswer, OrderRef, PaymentNote, ReleaseAnswer, SeatRequest,
        Seating, UNKNOWN_CINEMA, Vista, VistaBooking,
    },
};
use chrono::{DateTime, Utc};
use schema::{
    Tx,
    bookings::{self, BookingRequest},
    ids::BookingId,
    money::Money,
    tickets,
    timings::{CallTimings, Timings},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What opening an order came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Created {
    Open {
        order: OrderRef,
    },
    /// There is no such cinema; `reason` is a word for the caller.
    No {
        reason: String,
    },
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
    ($timings:ident) => {
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
            &self.request.timings.$timings
        }
    };
}

pub(crate) struct CreateOrder<'a> {
    pub vista: &'a Vista,
    pub request: &'a BookingRequest,
}

impl VendorStep for CreateOrder<'_> {
    type Answer = Created;
    const NAME: &'static str = "create_order";
    const REPEAT: Repeat = Repeat::Harmless;
    of_booking!(vista);

    /// A booking that cannot even be held by then is not waited for.
    fn give_up_in_ms(&self) -> Option<i64> {
        i64::try_from(self.timings().booking_expiry_ms).ok()
    }

    async fn send(&self, within: Duration) -> Result<Created, VendorError> {
        let BookingRequest { platform, cinema_id, .. } = self.request;
        match self.vista.create_order(*platform, cinema_id, within).await {
            Ok(open) => Ok(Created::Open { order: open.order }),
            Err(VendorError::Refused { code, .. }) if code == UNKNOWN_CINEMA => {
                Ok(Created::No { reason: UNKNOWN_CINEMA.to_owned() })
            }
            Err(error) => Err(error),
        }
    }

    async fn project(&self, tx: &mut Tx, answer: &Created) -> Result<(), schema::Error> {
        if let Created::No { reason } = answer {
            bookings::reject(tx, self.request.booking_id, reason).await?;
        }
        Ok(())
    }
}

pub(crate) struct HoldSeats<'a> {
    pub vista: &'a Vista,
    pub request: &'a BookingRequest,
    pub order: &'a OrderRef,
}

impl VendorStep for HoldSeats<'_> {
    type Answer = Held;
    const NAME: &'static str = "hold_seats";
    const REPEAT: Repeat = Repeat::Harmless;
    of_booking!(vista);

    /// A booking that cannot even be held by then is not waited for.
    fn give_up_in_ms(&self) -> Option<i64> {
        i64::try_from(self.timings().booking_expiry_ms).ok()
    }

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

pub(crate) struct ConfirmOrder<'a> {
    pub vista: &'a Vista,
    pub request: &'a BookingRequest,
    pub order: &'a OrderRef,
    pub note: PaymentNote,
    pub show_in_ms: Option<i64>,
}

impl VendorStep for ConfirmOrder<'_> {
    type Answer = ConfirmAnswer;
    const NAME: &'static str = "confirm_order";
    const REPEAT: Repeat = Repeat::AfterLookUp;
    of_booking!(confirm);

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
            let booking = self.request.booking_id;
            if bookings::confirm(tx, booking, booking_id, booking_number).await? {
                tickets::open(tx, booking, booking_id, door_code(booking_id).as_deref()).await?;
            }
        }
        Ok(())
    }
}

pub(crate) struct CancelOrder<'a> {
    pub vista: &'a Vista,
    pub request: &'a BookingRequest,
    pub order: &'a OrderRef,
}

impl VendorStep for CancelOrder<'_> {
    type Answer = OrderCancelled;
    const NAME: &'static str = "cancel_order";
    const REPEAT: Repeat = Repeat::Harmless;
    of_booking!(vista);

    async fn send(&self, within: Duration) -> Result<OrderCancelled, VendorError> {
        // "Not found" is as good: it expired, or was cancelled before.
        self.vista.cancel_order(self.request.platform, self.order, within).await?;
        Ok(OrderCancelled)
    }

    async fn project(&self, _tx: &mut Tx, _answer: &OrderCancelled) -> Result<(), schema::Error> {
        Ok(())
    }
}

pub(crate) struct ReleaseBooking<'a> {
    pub vista: &'a Vista,
    pub request: &'a BookingRequest,
    pub booked: &'a VistaBooking,
    pub total: Money,
}

/// Releasing reads the booking before and after, so repeating it is harmless.
impl VendorStep for ReleaseBooking<'_> {
    type Answer = ReleaseAnswer;
    const NAME: &'static str = "release_booking";
    const REPEAT: Repeat = Repeat::Harmless;
    of_booking!(vista);

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
