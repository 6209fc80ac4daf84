//! Tickets: the QR that the cinema's scanners read.

use crate::{Activities, Error};
use fast_qr::{
    ECL, QRBuilder,
    convert::{Builder, svg::SvgBuilder},
};
use schema::{bookings, ids::BookingId, tickets};

impl Activities {
    /// Issues the ticket of a confirmed booking: Vista's booking id as a QR. False: there is nothing to issue.
    /// Safe to repeat.
    pub async fn issue_ticket(&self, booking: BookingId) -> Result<bool, Error> {
        let found = bookings::find(&self.db, booking).await?;
        let Some(vista_booking) = found.and_then(|found| found.vista_booking_id) else {
            return Ok(false);
        };
        // Vista's ids are a handful of letters and digits: a QR holds hundreds.
        let Ok(qr) = QRBuilder::new(vista_booking.as_str()).ecl(ECL::M).build() else {
            return Ok(false);
        };
        let svg = SvgBuilder::default().margin(4).to_str(&qr);
        tickets::issue(&self.db, booking, &vista_booking, &svg).await?;
        Ok(true)
    }
}
