//! Tickets: what opens the door.

use crate::{
    Db, Error,
    events::{self, What},
    ids::BookingId,
    states::TicketStatus,
};
use chrono::{DateTime, Utc};

/// A ticket's row.
#[derive(Clone, Debug)]
pub struct Ticket {
    pub status: TicketStatus,
    pub vista_booking_id: String,
    pub qr_svg: Option<String>,
    pub issued_at: Option<DateTime<Utc>>,
}

/// Issues the ticket of a confirmed booking with its QR. Safe to repeat: the first picture stays.
pub async fn issue(
    db: &Db,
    booking: BookingId,
    vista_booking_id: &str,
    qr_svg: &str,
) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    let issued = sqlx::query!(
        r#"
        INSERT INTO tickets (booking_id, status, vista_booking_id, qr_svg, issued_at)
        VALUES ($1, 'ISSUED', $2, $3, clock_timestamp())
        ON CONFLICT (booking_id) DO UPDATE SET status = 'ISSUED', qr_svg = $3, issued_at = clock_timestamp()
        WHERE tickets.status = 'WAITING'
        "#,
        booking as BookingId,
        vista_booking_id,
        qr_svg
    )
    .execute(&mut *tx)
    .await?;
    if issued.rows_affected() == 1 {
        events::note(&mut tx, booking, &What::TicketIssued).await?;
    }
    Ok(tx.commit().await?)
}

/// A booking's ticket, once there is one.
pub async fn find(db: &Db, booking: BookingId) -> Result<Option<Ticket>, Error> {
    Ok(sqlx::query_as!(
        Ticket,
        r#"
        SELECT status AS "status: TicketStatus", vista_booking_id, qr_svg, issued_at
        FROM tickets WHERE booking_id = $1
        "#,
        booking as BookingId
    )
    .fetch_optional(&db.0)
    .await?)
}
