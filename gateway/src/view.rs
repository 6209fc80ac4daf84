//! What callers see of a booking.

use crate::{app::App, error::Error};
use chrono::{DateTime, Utc};
use schema::{
    bookings::{self, Booking, SeatChoice},
    events::{self, Event, What},
    ids::{BookingId, PaymentId, RefundId},
    money::Money,
    payments::{self, Payment},
    provider::Provider,
    refunds::{self, Refund},
    states::{BookingStatus, PaymentStatus, RefundStatus, TicketStatus, Verdict},
    tickets::{self, Ticket},
};
use serde::Serialize;

/// A booking as its caller sees it.
#[derive(Debug, Serialize)]
pub(crate) struct BookingView {
    id: BookingId,
    status: BookingStatus,
    /// Why it ended, as a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    next: Next,
    cinema_id: String,
    session_id: String,
    seats: Vec<SeatChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    show_starts_at: Option<DateTime<Utc>>,
    /// Until when it can be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
    payments: Vec<PaymentView>,
    refunds: Vec<RefundView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<TicketView>,
    version: i32,
    timeline: Vec<Event>,
}

/// What happens next, and by when.
#[derive(Debug, Serialize)]
struct Next {
    what: NextStep,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum NextStep {
    /// We are holding the seats.
    SeatsAreHeld,
    /// The customer pays.
    Pay,
    /// Paid; the cinema is being told.
    BookingIsConfirmed,
    /// It could not be confirmed; everything goes back.
    MoneyGoesBack,
    TicketIsIssued,
    EnjoyTheShow,
    Nothing,
}

#[derive(Debug, Serialize)]
pub(crate) struct PaymentView {
    id: PaymentId,
    provider: Provider,
    status: PaymentStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Money>,
    /// Where to pay, while one can.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_url: Option<String>,
    /// The vendor's session, for apps that pay inside themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor_session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last4: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
}

#[derive(Debug, Serialize)]
struct RefundView {
    id: RefundId,
    payment: PaymentId,
    status: RefundStatus,
    amount: Money,
}

#[derive(Debug, Serialize)]
struct TicketView {
    status: TicketStatus,
    vista_booking_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    qr_url: Option<String>,
    /// The picture, once it is drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    picture_url: Option<String>,
    /// For Apple's wallet, where passes are on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pass_url: Option<String>,
    /// The text of the tax invoice's QR (ZATCA), as it is in the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice_qr: Option<String>,
}

impl BookingView {
    /// Everything about a booking, read from the tables.
    pub(crate) async fn read(app: &App, booking: Booking) -> Result<Self, Error> {
        let id = booking.booking_id;
        let seats = bookings::seats(&app.db, id).await?;
        let payments = payments::of_booking(&app.db, id).await?;
        let refunds = refunds::of_booking(&app.db, id).await?;
        let ticket = tickets::find(&app.db, id).await?;
        let timeline = events::after(&app.db, id, 0).await?;
        let timeline = timeline.into_iter().filter_map(for_customers).collect();
        Ok(Self {
            id,
            status: booking.status,
            reason: booking.end_reason.clone(),
            next: next(&booking, ticket.as_ref()),
            cinema_id: booking.cinema_id,
            session_id: booking.session_id,
            seats,
            total: booking.total,
            show_starts_at: booking.show_starts_at,
            expires_at: booking.expires_at.filter(|_| booking.status == BookingStatus::Pending),
            payments: payments.into_iter().map(|paid| PaymentView::of(app, paid)).collect(),
            refunds: refunds.iter().map(RefundView::of).collect(),
            ticket: ticket.map(|ticket| TicketView::of(app, id, ticket)),
            version: booking.version,
            timeline,
        })
    }
}

/// What staff have to decide, and a vendor's own codes, are not the customer's.
fn for_customers(event: Event) -> Option<Event> {
    if matches!(event.what, What::CaseOpened { .. } | What::CaseDecided { .. }) {
        return None;
    }
    if let What::PaymentDeclined { payment, .. } = event.what {
        let what = What::PaymentDeclined { payment, code: "card_declined".to_owned() };
        return Some(Event { what, ..event });
    }
    Some(event)
}

fn next(booking: &Booking, ticket: Option<&Ticket>) -> Next {
    let issued = ticket.is_some_and(|ticket| ticket.status == TicketStatus::Issued);
    let (what, by) = match booking.status {
        BookingStatus::Requested => (NextStep::SeatsAreHeld, None),
        BookingStatus::Pending => (NextStep::Pay, booking.expires_at),
        BookingStatus::Confirming if booking.unwind_cause.is_some() => {
            (NextStep::MoneyGoesBack, None)
        }
        BookingStatus::Confirming => (NextStep::BookingIsConfirmed, booking.show_starts_at),
        BookingStatus::Confirmed if issued => (NextStep::EnjoyTheShow, booking.show_starts_at),
        BookingStatus::Confirmed => (NextStep::TicketIsIssued, booking.show_starts_at),
        BookingStatus::Completed
        | BookingStatus::Rejected
        | BookingStatus::Cancelled
        | BookingStatus::Expired => (NextStep::Nothing, None),
    };
    Next { what, by }
}

impl PaymentView {
    pub(crate) fn of(app: &App, payment: Payment) -> Self {
        let url = format!("{}/pay/{}", app.settings.public_url, payment.payment_id);
        Self {
            id: payment.payment_id,
            provider: payment.provider,
            status: payment.status,
            // The vendor's own code is for staff.
            reason: payment
                .refused_because
                .or(payment.decline_code.map(|_| "card_declined".to_owned())),
            amount: payment.amount,
            payment_url: payment.payable.then_some(url),
            vendor_session: payment.vendor_session.filter(|_| payment.payable),
            brand: payment.brand,
            last4: payment.last4,
            verdict: payment.verdict,
        }
    }
}

impl RefundView {
    fn of(refund: &Refund) -> Self {
        Self {
            id: refund.refund_id,
            payment: refund.payment_id,
            status: refund.status,
            amount: refund.amount,
        }
    }
}

impl TicketView {
    fn of(app: &App, booking: BookingId, ticket: Ticket) -> Self {
        let url = |kind: &str| {
            format!("{}/api/v1/orders/{booking}/ticket.{kind}", app.settings.public_url)
        };
        let has_pass = app.passes.is_some() && ticket.facts.is_some();
        Self {
            status: ticket.status,
            vista_booking_id: ticket.vista_booking_id,
            qr_url: ticket.qr_svg.map(|_| url("svg")),
            picture_url: ticket.picture.map(|_| url("png")),
            pass_url: has_pass.then(|| url("pkpass")),
            invoice_qr: ticket.invoice_qr,
        }
    }
}
