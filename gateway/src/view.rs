//! What callers see of a booking.

use crate::app::App;
use chrono::{DateTime, Utc};
use schema::{
    bookings::SeatChoice,
    events::{Event, What},
    ids::{BookingId, PaymentId, RefundId},
    money::Money,
    paying::NextAct,
    provider::Provider,
    snapshot::{Payment, Refund, Reversal, Snapshot, Ticket},
    standing::{Says, Stage, Standing},
    states::{BookingStatus, PaymentStatus, RefundStatus, TicketStatus, Verdict},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A booking as its caller sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Booking)]
pub(crate) struct BookingView {
    id: BookingId,
    status: BookingStatus,
    /// Why it ended, as a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    standing: StandingView,
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
    /// What only its kiosk can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    kiosk: Option<KioskView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<TicketView>,
    created_at: DateTime<Utc>,
    /// Grows with everything that changes here; quoted, it is the `ETag`.
    version: i32,
    timeline: Vec<Event>,
}

/// Where the booking stands: what to show, until when, and what to say.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Standing)]
struct StandingView {
    what: Stage,
    /// Nothing more happens by itself.
    #[serde(rename = "final")]
    is_final: bool,
    /// By when it is another at the latest: always there, unless it is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<DateTime<Utc>>,
    /// The sentences to show, which say what happens to the money.
    says: Says,
}

/// One attempt to pay.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub(crate) struct PaymentView {
    id: PaymentId,
    provider: Provider,
    status: PaymentStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Money>,
    /// Where to pay, until the booking's `expires_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_url: Option<String>,
    /// What the customer does next to pay, for apps that pay inside themselves; `payment_url` does it in a browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<NextAct>,
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

/// Money that goes back, or is back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refund)]
struct RefundView {
    id: RefundId,
    payment: PaymentId,
    status: RefundStatus,
    amount: Money,
    /// It is given back at the counter, to whoever shows this.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
}

/// What only a kiosk can do for a booking of its own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Kiosk)]
struct KioskView {
    reverse: ReversalView,
}

/// Reverse this on the terminal now, then say so at `POST /api/v1/kiosk/orders/{booking}/reversals`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reversal)]
struct ReversalView {
    /// The terminal's own id of it.
    transaction: String,
    /// A minute after we knew of it. The terminal counts from the tap, and refuses what comes later.
    until: DateTime<Utc>,
}

/// What opens the door.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ticket)]
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
    pub(crate) fn of(app: &App, booking: Snapshot) -> Self {
        let id = booking.booking_id;
        Self {
            id,
            status: booking.status,
            reason: booking.end_reason,
            standing: StandingView::of(booking.standing),
            cinema_id: booking.cinema_id,
            session_id: booking.session_id,
            seats: booking.seats,
            total: booking.total,
            show_starts_at: booking.show_starts_at,
            expires_at: booking.expires_at.filter(|_| booking.status == BookingStatus::Pending),
            payments: booking.payments.into_iter().map(|it| PaymentView::of(app, it)).collect(),
            refunds: booking.refunds.iter().map(RefundView::of).collect(),
            kiosk: booking.to_reverse.map(KioskView::of),
            ticket: booking.ticket.map(|ticket| TicketView::of(app, id, ticket)),
            created_at: booking.created_at,
            version: booking.version,
            timeline: booking.timeline.into_iter().filter_map(for_customers).collect(),
        }
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

impl StandingView {
    fn of(standing: Standing) -> Self {
        let is_final = standing.is_final();
        Self { what: standing.stage, is_final, by: standing.by, says: standing.says }
    }
}

impl PaymentView {
    pub(crate) fn of(app: &App, payment: Payment) -> Self {
        let url = format!("{}/pay/{}", app.settings.public_url, payment.id);
        // The price is settled when the vendor's page is there; before, it may be read again.
        let amount = payment.amount().filter(|_| payment.vendor_session.is_some());
        let declined = payment.declined.then(|| "card_declined".to_owned());
        Self {
            id: payment.id,
            provider: payment.provider,
            status: payment.status,
            // The vendor's own code is for staff.
            reason: payment.refused_because.or(declined),
            amount,
            payment_url: payment.payable.then_some(url),
            next: payment.next.filter(|_| payment.payable),
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
            id: refund.id,
            payment: refund.payment,
            status: refund.status,
            amount: refund.amount(),
            receipt: refund.receipt.clone(),
        }
    }
}

impl KioskView {
    fn of(Reversal { transaction, until }: Reversal) -> Self {
        Self { reverse: ReversalView { transaction, until } }
    }
}

impl TicketView {
    fn of(app: &App, booking: BookingId, ticket: Ticket) -> Self {
        let url = |kind: &str| {
            format!("{}/api/v1/orders/{booking}/ticket.{kind}", app.settings.public_url)
        };
        let has_pass = app.passes.is_some() && ticket.has_pass;
        Self {
            status: ticket.status,
            vista_booking_id: ticket.vista_booking_id,
            qr_url: ticket.has_qr.then(|| url("svg")),
            picture_url: ticket.has_picture.then(|| url("png")),
            pass_url: has_pass.then(|| url("pkpass")),
            invoice_qr: ticket.invoice_qr,
        }
    }
}
