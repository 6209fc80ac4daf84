//! Everything a caller may see of a booking, as it was at one instant: one statement, one round trip.

mod pages;

use crate::{
    Db, Error,
    bookings::SeatChoice,
    error::read,
    events::Event,
    ids::{BookingId, PaymentId, RefundId},
    money::{Currency, Money},
    paying::NextAct,
    provider::Provider,
    standing::{ByHand, Facts, Making, Owed, Paid, Review, Stage, Standing},
    states::{BookingStatus, PaymentStatus, RefundStatus, TicketStatus, Verdict},
    timings::Timings,
};
use chrono::{DateTime, TimeDelta, Utc};
pub use pages::{Page, page, version, versions};
use serde::Deserialize;
use sqlx::types::Json;

/// A booking with all that belongs to it, and where it stands.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub booking_id: BookingId,
    pub request_hash: String,
    pub status: BookingStatus,
    /// Grows with everything that can be seen here.
    pub version: i32,
    pub end_reason: Option<String>,
    pub standing: Standing,
    pub cinema_id: String,
    pub session_id: String,
    pub seats: Vec<SeatChoice>,
    pub total: Option<Money>,
    pub show_starts_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub payments: Vec<Payment>,
    pub refunds: Vec<Refund>,
    /// What its kiosk is to reverse first.
    pub to_reverse: Option<Reversal>,
    pub ticket: Option<Ticket>,
    pub timeline: Vec<Event>,
    pub created_at: DateTime<Utc>,
}

/// Where a booking stands, and nothing else of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stand {
    pub booking_id: BookingId,
    pub status: BookingStatus,
    pub version: i32,
    pub stage: Stage,
}

/// One attempt to pay.
#[derive(Clone, Debug, Deserialize)]
pub struct Payment {
    pub id: PaymentId,
    pub request_hash: String,
    pub provider: Provider,
    pub status: PaymentStatus,
    /// A customer can pay, until the booking's `expires_at`.
    pub payable: bool,
    /// Why it was never opened.
    pub refused_because: Option<String>,
    /// Its last card was declined, once.
    pub declined: bool,
    amount_minor: Option<i64>,
    currency: Option<Currency>,
    pub vendor_session: Option<String>,
    /// What the customer does next, to pay.
    pub next: Option<NextAct>,
    pub brand: Option<String>,
    pub last4: Option<String>,
    /// What became of its first capture.
    pub verdict: Option<Verdict>,
}

impl Payment {
    pub fn amount(&self) -> Option<Money> {
        self.amount_minor.zip(self.currency).map(|(minor, in_)| Money::new(minor, in_))
    }
}

/// Money that goes back.
#[derive(Clone, Debug, Deserialize)]
pub struct Refund {
    pub id: RefundId,
    pub payment: PaymentId,
    pub status: RefundStatus,
    amount_minor: i64,
    currency: Currency,
    of_won: bool,
    since: DateTime<Utc>,
    provider: Provider,
    /// The vendor's transaction that goes back, and when it was made, as far as we know.
    pub transaction: String,
    taken_at: DateTime<Utc>,
    /// What the customer shows at the counter, once it is the counter's to give back.
    pub receipt: Option<String>,
}

/// A transaction that the kiosk is to reverse on its terminal, and how long the terminal takes that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reversal {
    pub transaction: String,
    pub until: DateTime<Utc>,
}

impl Refund {
    pub const fn amount(&self) -> Money {
        Money::new(self.amount_minor, self.currency)
    }

    /// How people give it back, if they have to. While Usher has not begun with it, nobody does.
    fn by_hand(&self) -> Option<ByHand<'_>> {
        match (self.status, &self.receipt) {
            (RefundStatus::Sent, None) if self.provider.gives_back_by_hand() => {
                Some(ByHand::AtTheTerminal)
            }
            (RefundStatus::Sent, Some(receipt)) => Some(ByHand::AtTheCounter { receipt }),
            (RefundStatus::Requested | RefundStatus::Sent | RefundStatus::Refunded, _) => None,
        }
    }

    fn reversal(&self, timings: &Timings) -> Option<Reversal> {
        let window = i64::try_from(timings.terminal.reversal_ms).unwrap_or(i64::MAX);
        let until = self.taken_at.checked_add_signed(TimeDelta::try_milliseconds(window)?)?;
        let transaction = self.transaction.clone();
        (self.by_hand()? == ByHand::AtTheTerminal).then_some(Reversal { transaction, until })
    }
}

/// What opens the door.
#[derive(Clone, Debug, Deserialize)]
pub struct Ticket {
    pub status: TicketStatus,
    pub vista_booking_id: String,
    pub has_qr: bool,
    pub has_picture: bool,
    /// What a wallet's pass says is known.
    pub has_pass: bool,
    /// The text of the tax invoice's QR.
    pub invoice_qr: Option<String>,
}

/// The cases that nobody has decided yet.
#[derive(Clone, Debug, Deserialize)]
struct Undecided {
    since: Option<DateTime<Utc>>,
    at_risk_minor: Option<i64>,
}

/// This caller's booking. Somebody else's is a missing one, by the same statement.
pub async fn of(db: &Db, caller: &str, booking: BookingId) -> Result<Option<Snapshot>, Error> {
    Ok(select(db, &[booking.bare()], Some(caller)).await?.pop())
}

/// These bookings of this caller, the newest first.
pub async fn these_of(
    db: &Db,
    caller: &str,
    bookings: &[BookingId],
) -> Result<Vec<Snapshot>, Error> {
    select(db, &bare(bookings), Some(caller)).await
}

/// These bookings, whoever they belong to: for staff.
pub async fn these(db: &Db, bookings: &[BookingId]) -> Result<Vec<Snapshot>, Error> {
    select(db, &bare(bookings), None).await
}

/// Where these bookings stand, whoever they belong to.
pub(crate) async fn stands(db: &Db, bookings: &[BookingId]) -> Result<Vec<Stand>, Error> {
    rows(db, &bare(bookings), None, false).await?.iter().map(Row::stand).collect()
}

fn bare(bookings: &[BookingId]) -> Vec<String> {
    bookings.iter().map(|booking| booking.bare()).collect()
}

async fn select(db: &Db, bare: &[String], caller: Option<&str>) -> Result<Vec<Snapshot>, Error> {
    rows(db, bare, caller, true).await?.into_iter().map(Row::read).collect()
}

/// Every inner question is a scalar one, or has a `LIMIT`: `EXISTS` and a join may be answered by reading the whole table once,
/// which is the better plan only while it is small, and is kept while it grows.
///
/// Without its seats and its timeline it is not whole; where it stands follows from the rest.
async fn rows(
    db: &Db,
    bare: &[String],
    caller: Option<&str>,
    whole: bool,
) -> Result<Vec<Row>, Error> {
    Ok(sqlx::query_as!(
        Row,
        r#"
        SELECT booking_id AS "booking_id: BookingId", request_hash, status AS "status: BookingStatus", version,
               unwind_cause IS NOT NULL AS "unwinding!", end_reason, cinema_id, session_id,
               total_minor, b.currency AS "currency: Currency", show_starts_at, expires_at, created_at, updated_at,
               request -> 'timings' AS "timings!",
               won.amount_minor AS "paid_minor?", won.currency AS "paid_currency?: Currency", won.made_at AS "paid_at?",
               won.provider AS "paid_by?: Provider",
               CASE WHEN $3 THEN (
                SELECT COALESCE(json_agg(json_build_object('seat', seat, 'ticket_type', ticket_type) ORDER BY seat), '[]')
                FROM seats WHERE seats.booking_id = b.booking_id) ELSE '[]' END AS "seats!: Json<Vec<SeatChoice>>",
               (SELECT COALESCE(json_agg(json_build_object(
                    'id', 'pay_' || payment_id, 'request_hash', p.request_hash, 'provider', provider,
                    'status', p.status, 'refused_because', refused_because, 'declined', decline_code IS NOT NULL,
                    'payable', p.status IN ('OPEN', 'FAILED') AND b.status = 'PENDING',
                    'amount_minor', amount_minor, 'currency', p.currency, 'vendor_session', vendor_session,
                    'next', next_act,
                    'brand', brand, 'last4', last4,
                    'verdict', (SELECT verdict FROM captures WHERE captures.payment_id = p.payment_id
                                ORDER BY settled_at LIMIT 1)) ORDER BY p.created_at), '[]')
                FROM (SELECT * FROM payments WHERE payments.booking_id = b.booking_id
                      ORDER BY created_at LIMIT 100) p) AS "payments!: Json<Vec<Payment>>",
               (SELECT COALESCE(json_agg(json_build_object(
                    'id', 'rf_' || refund_id, 'payment', 'pay_' || payment_id, 'status', r.status,
                    'amount_minor', r.amount_minor, 'currency', r.currency, 'since', r.created_at, 'provider', r.provider,
                    'transaction', r.vendor_transaction, 'receipt', r.receipt, 'of_won', r.verdict = 'WON',
                    'taken_at', r.made_at) ORDER BY r.created_at), '[]')
                FROM (SELECT refunds.*, verdict, COALESCE(tapped_at, settled_at) AS made_at FROM refunds
                      JOIN captures USING (provider, vendor_transaction) WHERE refunds.booking_id = b.booking_id
                      ORDER BY created_at LIMIT 100) r) AS "refunds!: Json<Vec<Refund>>",
               (SELECT json_build_object('status', tickets.status, 'vista_booking_id', tickets.vista_booking_id,
                                         'has_qr', qr_svg IS NOT NULL, 'has_picture', picture IS NOT NULL,
                                         'has_pass', facts IS NOT NULL, 'invoice_qr', invoice_qr)
                FROM tickets WHERE tickets.booking_id = b.booking_id) AS "ticket: Json<Ticket>",
               COALESCE((SELECT give_up_at IS NOT NULL FROM vendor_calls
                         WHERE call_key = b.booking_id || ':issue_ticket'), false) AS "ticket_given_up!",
               (SELECT json_build_object('since', MIN(opened_at), 'at_risk_minor', SUM(at_risk_minor))
                FROM cases WHERE cases.booking_id = b.booking_id AND decision IS NULL) AS "undecided!: Json<Undecided>",
               CASE WHEN $3 THEN (
                SELECT COALESCE(jsonb_agg(detail || jsonb_build_object('version', e.version, 'at', at, 'kind', kind)
                                          ORDER BY e.version), '[]')
                FROM (SELECT * FROM booking_events WHERE booking_events.booking_id = b.booking_id
                      ORDER BY version LIMIT 1000) e) ELSE '[]' END AS "timeline!: Json<Vec<Event>>"
        FROM bookings b
        LEFT JOIN LATERAL (SELECT amount_minor, currency, COALESCE(tapped_at, settled_at) AS made_at, provider
                           FROM captures
                           WHERE captures.booking_id = b.booking_id AND verdict = 'WON'
                             AND (taken_at IS NOT NULL OR NOT reserved OR b.status NOT IN ('CONFIRMED', 'COMPLETED')
                                  OR (SELECT p.status FROM payments p
                                      WHERE p.payment_id = captures.payment_id) <> 'VOIDED')
                           LIMIT 1) won ON true
        WHERE booking_id = ANY($1::text[]) AND ($2::text IS NULL OR caller = $2)
        ORDER BY created_at DESC, booking_id DESC
        "#,
        bare,
        caller,
        whole
    )
    .fetch_all(&db.0)
    .await?)
}

struct Row {
    booking_id: BookingId,
    request_hash: String,
    status: BookingStatus,
    version: i32,
    unwinding: bool,
    end_reason: Option<String>,
    cinema_id: String,
    session_id: String,
    total_minor: Option<i64>,
    currency: Option<Currency>,
    show_starts_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    timings: serde_json::Value,
    paid_minor: Option<i64>,
    paid_currency: Option<Currency>,
    paid_at: Option<DateTime<Utc>>,
    paid_by: Option<Provider>,
    seats: Json<Vec<SeatChoice>>,
    payments: Json<Vec<Payment>>,
    refunds: Json<Vec<Refund>>,
    ticket: Option<Json<Ticket>>,
    /// Only a person gives up a ticket; from that decision on, of which there is an event.
    ticket_given_up: bool,
    undecided: Json<Undecided>,
    timeline: Json<Vec<Event>>,
}

impl Row {
    fn read(self) -> Result<Snapshot, Error> {
        let timings: Timings = read("timings", self.timings.clone())?;
        let standing = self.standing(&timings);
        let to_reverse = self.refunds.iter().find_map(|refund| refund.reversal(&timings));
        Ok(Snapshot {
            standing,
            to_reverse,
            booking_id: self.booking_id,
            request_hash: self.request_hash,
            status: self.status,
            version: self.version,
            end_reason: self.end_reason,
            cinema_id: self.cinema_id,
            session_id: self.session_id,
            seats: self.seats.0,
            total: money(self.total_minor, self.currency),
            show_starts_at: self.show_starts_at,
            expires_at: self.expires_at,
            payments: self.payments.0,
            refunds: self.refunds.0,
            ticket: self.ticket.map(|ticket| ticket.0),
            timeline: self.timeline.0,
            created_at: self.created_at,
        })
    }

    fn stand(&self) -> Result<Stand, Error> {
        let timings: Timings = read("timings", self.timings.clone())?;
        let stage = self.standing(&timings).stage;
        Ok(Stand { booking_id: self.booking_id, status: self.status, version: self.version, stage })
    }

    fn standing(&self, timings: &Timings) -> Standing {
        let refunds: Vec<Owed<'_>> = self
            .refunds
            .iter()
            .map(|refund| Owed {
                amount: refund.amount(),
                since: refund.since,
                of_won: refund.of_won,
                done: refund.status == RefundStatus::Refunded,
                by_hand: refund.by_hand(),
            })
            .collect();
        let paid = money(self.paid_minor, self.paid_currency).zip(self.paid_at);
        let currency = self.currency.unwrap_or(Currency::Sar);
        let at_risk = Money::new(self.undecided.at_risk_minor.unwrap_or(0), currency);
        let newest = self.payments.last();
        let at_a_terminal = self.paid_by.is_some_and(Provider::gives_back_by_hand);
        Standing::of(&Facts {
            status: self.status,
            unwinding: self.unwinding,
            end_reason: self.end_reason.as_deref(),
            total: money(self.total_minor, self.currency),
            created_at: self.created_at,
            updated_at: self.updated_at,
            expires_at: self.expires_at,
            show_starts_at: self.show_starts_at,
            ticket: match &self.ticket {
                Some(ticket) if ticket.status == TicketStatus::Issued => Making::Issued,
                _ if self.ticket_given_up => Making::GivenUp,
                _ => Making::NotYet,
            },
            declined: newest.is_some_and(|payment| payment.status == PaymentStatus::Failed),
            paid: paid.map(|(amount, at)| Paid { amount, at, at_a_terminal }),
            refunds: &refunds,
            review: self.undecided.since.map(|since| Review { since, at_risk }),
            timings,
        })
    }
}

fn money(minor: Option<i64>, currency: Option<Currency>) -> Option<Money> {
    minor.zip(currency).map(|(minor, in_)| Money::new(minor, in_))
}
