//! Tickets: the code for the door, the picture around it, and the pass in a phone's wallet.

pub mod pass;
mod picture;
mod qr;
mod studio;
pub mod zatca;

use crate::{
    Activities, Error,
    step::{self, End, Progress, VendorStep, decide::Repeat},
};
use adapters::error::Error as VendorError;
use data_encoding::HEXLOWER;
use qr::Qr;
use schema::{
    Tx,
    ids::BookingId,
    tickets::{self, Bilingual, Facts, Made, Sale, TicketCount},
    timings::{CallTimings, Timings},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, time::Duration};
use studio::NotDrawn;
pub use studio::Studio;

/// So many answers that a ticket cannot be made, and a person is asked.
const REFUSALS: i32 = 3;

/// Who finds the line full comes again as if it had tried so often: by then the line is gone.
const LINE_IS_FULL: u32 = 3;

/// Vista's booking id as the QR that its scanners read, as SVG. None: too long for a QR; Vista's ids are a handful of
/// letters and digits.
pub(crate) fn door_code(vista_booking_id: &str) -> Option<String> {
    Some(Qr::for_the_door(vista_booking_id)?.svg())
}

/// The name of a ticket's picture in the store. `picture` is what its row says.
pub fn picture_name(booking: BookingId, picture: &str) -> String {
    format!("tickets/{}/{picture}.png", booking.bare())
}

/// What issuing a ticket came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    facts: Facts,
    invoice_qr: String,
    /// 128 bits of the picture's hash: its name in the store.
    picture: String,
}

impl Activities {
    /// Draws the picture of a confirmed booking's ticket, stores it, and issues the ticket. Absent: the booking has
    /// none, or pictures are switched off: then the sweep comes again. The door opens without it: its code is there since
    /// the booking was confirmed.
    pub async fn issue_ticket(&self, booking: BookingId) -> Result<Progress<Issued>, Error> {
        let (sale, studio) = (tickets::sale(&self.db, booking).await?, &self.studio);
        let (Some(sale), Some(studio)) = (&sale, studio) else {
            return Ok(Progress::Done(End::Absent));
        };
        let Some(_place) = studio.place().await else {
            return Ok(Progress::after(sale.timings.retry_after(LINE_IS_FULL)));
        };
        step::perform(&self.db, &IssueTicket { activities: self, studio, sale }).await
    }
}

/// Drawing and storing are harmless to repeat: what is stored is named by its content.
struct IssueTicket<'a> {
    activities: &'a Activities,
    studio: &'a Studio,
    sale: &'a Sale,
}

impl VendorStep for IssueTicket<'_> {
    type Answer = Issued;
    const NAME: &'static str = "issue_ticket";
    const VENDOR: &'static str = "tickets";
    const REPEAT: Repeat = Repeat::Harmless;

    fn id(&self) -> String {
        self.sale.booking.bare()
    }

    fn workflow(&self) -> &'static str {
        "TicketGenerate"
    }

    fn booking(&self) -> BookingId {
        self.sale.booking
    }

    fn timings(&self) -> &Timings {
        &self.sale.timings
    }

    fn call_timings(&self) -> &CallTimings {
        &self.sale.timings.vista
    }

    async fn send(&self, within: Duration) -> Result<Issued, VendorError> {
        let facts = match self.facts(within).await {
            Err(VendorError::Refused { reason, .. }) => return Err(self.cannot(&reason).await),
            facts => facts?,
        };
        let drawn = match self.studio.draw(&facts).await {
            Ok(drawn) => drawn,
            Err(NotDrawn(reason)) => return Err(self.cannot(&reason).await),
        };
        let hash = Sha256::digest(&drawn.picture);
        let picture = HEXLOWER.encode(hash.get(..16).unwrap_or_default());
        let name = picture_name(self.sale.booking, &picture);
        self.activities.store.put(&name, drawn.picture).await?;
        Ok(Issued { facts, invoice_qr: drawn.invoice_qr, picture })
    }

    async fn project(&self, tx: &mut Tx, issued: &Issued) -> Result<(), schema::Error> {
        let qr_svg = door_code(&issued.facts.vista_booking_id).unwrap_or_default();
        let Issued { facts, invoice_qr, picture } = issued;
        tickets::issue(tx, &Made { facts, qr_svg: &qr_svg, invoice_qr, picture }).await
    }
}

impl IssueTicket<'_> {
    /// One more answer that it cannot be made. What the cinema's catalogue lacks now it may have soon; only after some of
    /// them a person is asked.
    async fn cannot(&self, reason: &str) -> VendorError {
        let Sale { booking, vista_booking_id, .. } = self.sale;
        let code = door_code(vista_booking_id);
        let refused =
            tickets::refused(&self.activities.db, *booking, vista_booking_id, code.as_deref());
        match refused.await {
            Ok(times) if times > 0 && times % REFUSALS == 0 => {
                VendorError::refused("cannot_be_made", reason)
            }
            Ok(_) => VendorError::unavailable(format!("it cannot be made: {reason}")),
            Err(error) => VendorError::unavailable(error.to_string()),
        }
    }

    /// Our rows, and the names that the cinema has for what is in them.
    async fn facts(&self, within: Duration) -> Result<Facts, VendorError> {
        let (vista, sale) = (&self.activities.vista, self.sale);
        let Sale { platform, cinema_id, session_id, .. } = sale;
        let show = vista.show(*platform, cinema_id, session_id, within).await?;
        let show =
            show.ok_or_else(|| VendorError::refused("no_show", "the cinema lists no such show"))?;
        // Not listed when the seats were held, it may be listed now.
        let starts_at = match sale.starts_at {
            None => vista.show_start(*platform, cinema_id, session_id, within).await?,
            known => known,
        };
        let starts_at = starts_at.ok_or_else(|| {
            VendorError::refused("no_show_time", "the cinema does not say when the show starts")
        })?;
        let types = vista.ticket_types(*platform, cinema_id, session_id, within).await?;
        let names: BTreeMap<String, Bilingual> = types
            .unwrap_or_default()
            .into_iter()
            .map(|kind| {
                (kind.code, Bilingual::of(&kind.name, kind.name_alt.as_deref().unwrap_or("")))
            })
            .collect();
        Ok(Facts {
            booking: sale.booking,
            vista_booking_id: sale.vista_booking_id.clone(),
            film: Bilingual::of(&show.film, &show.film_alt),
            rating: show.rating,
            minutes: show.minutes,
            cinema: Bilingual::of(&show.cinema, &show.cinema_alt),
            hall: Bilingual::of(&show.hall, &show.hall_alt),
            starts_at,
            seats: sale.seats.iter().map(|choice| choice.seat.clone()).collect(),
            tickets: counted(sale, &names),
            total: sale.total,
            paid_at: sale.paid_at,
        })
    }
}

/// How many tickets of each kind, by the names of the kinds. A kind that is no longer sold has no name.
fn counted(sale: &Sale, names: &BTreeMap<String, Bilingual>) -> Vec<TicketCount> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for choice in &sale.seats {
        *counts.entry(&choice.ticket_type).or_default() += 1;
    }
    let nameless = || Bilingual { en: "Ticket".to_owned(), ar: "تذكرة".to_owned() };
    let kind = |(code, count)| TicketCount {
        name: names.get(code).cloned().unwrap_or_else(nameless),
        count,
    };
    counts.into_iter().map(kind).collect()
}
