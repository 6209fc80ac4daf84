//! Tickets: what opens the door, and what its pictures say.

use crate::{
    Db, Error, Tx,
    bookings::{BookingRequest, SeatChoice},
    error::{read, write},
    events::{self, What},
    ids::BookingId,
    money::{Currency, Money},
    provider::Platform,
    states::{BookingStatus, TicketStatus},
    timings::Timings,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The same thing in both languages. Where only one is known, both say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bilingual {
    pub en: String,
    pub ar: String,
}

impl Bilingual {
    /// From what somebody else has as the name and the other name, either of which may be the Arabic one, or missing.
    pub fn of(name: &str, other: &str) -> Self {
        let is_arabic = |text: &str| text.chars().any(|c| ('\u{600}'..='\u{6FF}').contains(&c));
        let (name, other) = (name.trim(), other.trim());
        let (en, ar) = match (is_arabic(name), is_arabic(other)) {
            (true, false) => (other, name),
            _ => (name, other),
        };
        let or = |text: &str, instead: &str| {
            if text.is_empty() { instead.to_owned() } else { text.to_owned() }
        };
        Self { en: or(en, ar), ar: or(ar, en) }
    }
}

/// So many tickets of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketCount {
    pub name: Bilingual,
    pub count: u32,
}

/// What a ticket says. Kept with it from its first picture on, so that every picture and pass says the same, whatever
/// the cinema's catalogue says later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub booking: BookingId,
    /// What the scanners at the door read.
    pub vista_booking_id: String,
    pub film: Bilingual,
    pub rating: Option<String>,
    /// How long the film is.
    pub minutes: Option<u32>,
    pub cinema: Bilingual,
    pub hall: Bilingual,
    pub starts_at: DateTime<Utc>,
    /// In the order of their names.
    pub seats: Vec<String>,
    pub tickets: Vec<TicketCount>,
    /// What was paid, VAT included.
    pub total: Money,
    pub paid_at: DateTime<Utc>,
}

/// A ticket's row, as its owner may see it.
#[derive(Clone, Debug)]
pub struct Ticket {
    pub status: TicketStatus,
    pub vista_booking_id: String,
    pub qr_svg: Option<String>,
    /// The text of the tax invoice's QR.
    pub invoice_qr: Option<String>,
    /// The picture's name in the store, which its content decides.
    pub picture: Option<String>,
    pub facts: Option<Facts>,
    pub issued_at: Option<DateTime<Utc>>,
}

/// The code for the door, in the transaction that confirms the booking: whatever is slow after that, it opens. Safe to
/// repeat.
pub async fn open(
    tx: &mut Tx,
    booking: BookingId,
    vista_booking_id: &str,
    qr_svg: Option<&str>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        INSERT INTO tickets (booking_id, status, vista_booking_id, qr_svg) VALUES ($1, 'WAITING', $2, $3)
        ON CONFLICT (booking_id) DO NOTHING
        "#,
        booking as BookingId,
        vista_booking_id,
        qr_svg
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What a ticket is made from, as far as our own rows know it.
#[derive(Clone, Debug)]
pub struct Sale {
    pub booking: BookingId,
    pub platform: Platform,
    pub timings: Timings,
    pub vista_booking_id: String,
    pub cinema_id: String,
    pub session_id: String,
    /// None: the cinema did not list the session when its seats were held.
    pub starts_at: Option<DateTime<Utc>>,
    pub seats: Vec<SeatChoice>,
    pub total: Money,
    /// When the money was taken; without any, when the booking was confirmed.
    pub paid_at: DateTime<Utc>,
}

/// What was sold in a confirmed booking. None: it is not confirmed, so it has no ticket.
pub async fn sale(db: &Db, booking: BookingId) -> Result<Option<Sale>, Error> {
    let row = sqlx::query!(
        r#"
        SELECT status AS "status: BookingStatus", request, vista_booking_id, show_starts_at, total_minor,
               currency AS "currency: Currency",
               COALESCE((SELECT min(settled_at) FROM captures
                         WHERE captures.booking_id = $1 AND verdict = 'WON'),
                        (SELECT min(at) FROM booking_events
                         WHERE booking_events.booking_id = $1 AND kind = 'confirmed'),
                        updated_at) AS "paid_at!"
        FROM bookings WHERE booking_id = $1
        "#,
        booking as BookingId
    )
    .fetch_optional(&db.0)
    .await?;
    let Some(row) =
        row.filter(|row| matches!(row.status, BookingStatus::Confirmed | BookingStatus::Completed))
    else {
        return Ok(None);
    };
    let request: BookingRequest = read("booking request", row.request)?;
    let Some(vista_booking_id) = row.vista_booking_id else { return Ok(None) };
    let mut seats = request.seats;
    seats.sort_by(|one, other| natural(&one.seat).cmp(&natural(&other.seat)));
    Ok(Some(Sale {
        booking,
        platform: request.platform,
        timings: request.timings,
        vista_booking_id,
        cinema_id: request.cinema_id,
        session_id: request.session_id,
        starts_at: row.show_starts_at,
        seats,
        total: Money::new(row.total_minor.unwrap_or(0), row.currency.unwrap_or(Currency::Sar)),
        paid_at: row.paid_at,
    }))
}

/// A2 comes before A10.
fn natural(seat: &str) -> (String, usize, &str) {
    let row = seat.trim_end_matches(|c: char| c.is_ascii_digit());
    (row.to_owned(), seat.len(), seat)
}

/// What a ticket's making has given.
#[derive(Clone, Debug)]
pub struct Made<'a> {
    pub facts: &'a Facts,
    pub qr_svg: &'a str,
    pub invoice_qr: &'a str,
    pub picture: &'a str,
}

/// WAITING → ISSUED, with its event. Safe to repeat: what was issued first stays.
pub async fn issue(tx: &mut Tx, made: &Made<'_>) -> Result<(), Error> {
    let booking = made.facts.booking;
    let issued = sqlx::query!(
        r#"
        INSERT INTO tickets (booking_id, status, vista_booking_id, qr_svg, invoice_qr, picture, facts, issued_at)
        VALUES ($1, 'ISSUED', $2, $3, $4, $5, $6, clock_timestamp())
        ON CONFLICT (booking_id) DO UPDATE
        SET status = 'ISSUED', qr_svg = $3, invoice_qr = $4, picture = $5, facts = $6, issued_at = clock_timestamp()
        WHERE tickets.status = 'WAITING'
        "#,
        booking as BookingId,
        made.facts.vista_booking_id,
        made.qr_svg,
        made.invoice_qr,
        made.picture,
        write("ticket facts", made.facts)?
    )
    .execute(&mut **tx)
    .await?;
    if issued.rows_affected() == 1 {
        events::note(tx, booking, &What::TicketIssued).await?;
    }
    Ok(())
}

/// One more answer that it cannot be made. How many there were, this one included. A booking that an earlier build has
/// confirmed may have no row yet: it has one now.
pub async fn refused(
    db: &Db,
    booking: BookingId,
    vista_booking_id: &str,
    qr_svg: Option<&str>,
) -> Result<i32, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        INSERT INTO tickets (booking_id, status, vista_booking_id, qr_svg, refusals) VALUES ($1, 'WAITING', $2, $3, 1)
        ON CONFLICT (booking_id) DO UPDATE SET refusals = tickets.refusals + 1
        RETURNING refusals
        "#,
        booking as BookingId,
        vista_booking_id,
        qr_svg
    )
    .fetch_one(&db.0)
    .await?)
}

/// A booking's ticket, once there is one.
pub async fn find(db: &Db, booking: BookingId) -> Result<Option<Ticket>, Error> {
    let row = sqlx::query!(
        r#"
        SELECT status AS "status: TicketStatus", vista_booking_id, qr_svg, invoice_qr, picture, facts, issued_at
        FROM tickets WHERE booking_id = $1
        "#,
        booking as BookingId
    )
    .fetch_optional(&db.0)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Ticket {
        status: row.status,
        vista_booking_id: row.vista_booking_id,
        qr_svg: row.qr_svg,
        invoice_qr: row.invoice_qr,
        picture: row.picture,
        facts: row.facts.map(|facts| read("ticket facts", facts)).transpose()?,
        issued_at: row.issued_at,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_name_may_be_the_arabic_one_or_be_missing() {
        let both =
            Bilingual { en: "Falcon Season".to_owned(), ar: "موسم الصقور".to_owned() };
        assert_eq!(Bilingual::of("Falcon Season", "موسم الصقور"), both);
        assert_eq!(Bilingual::of("موسم الصقور", "Falcon Season"), both);
        assert_eq!(Bilingual::of("Falcon Season", " ").ar, "Falcon Season");
        assert_eq!(Bilingual::of("", "موسم").en, "موسم");
    }

    #[test]
    fn seats_are_in_the_order_people_count() {
        let mut seats = ["A10", "B1", "A2", "AA1", "A9"];
        seats.sort_by(|one, other| natural(one).cmp(&natural(other)));
        assert_eq!(seats, ["A2", "A9", "A10", "AA1", "B1"]);
    }
}
