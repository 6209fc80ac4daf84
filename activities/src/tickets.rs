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
        let Some(svg) = qr_svg(&vista_booking) else { return Ok(false) };
        tickets::issue(&self.db, booking, &vista_booking, &svg).await?;
        Ok(true)
    }
}

/// None: too long for a QR. Vista's ids are a handful of letters and digits; a QR holds hundreds.
fn qr_svg(text: &str) -> Option<String> {
    let qr = QRBuilder::new(text).ecl(ECL::M).build().ok()?;
    Some(SvgBuilder::default().margin(4).to_str(&qr))
}
