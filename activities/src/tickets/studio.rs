//! Where tickets are made: a few at a time, one picture at once, with a bounded line, so that a burst slows nobody else.

use super::{
    picture::{Press, Undrawable, draw},
    zatca::Seller,
};
use schema::tickets::Facts;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Of two cores one is for everything else.
const DRAWN_AT_ONCE: usize = 1;
/// While one is drawn, others ask the cinema or store theirs; so few that nobody waits for long to be drawn.
const PLACES: usize = 8;
/// How many may stand in line for a place. The next one is told to come again, which costs nothing but a little time.
const LINE: usize = 256;

/// Draws tickets for a seller. Cheap to clone.
#[derive(Clone)]
pub struct Studio(Arc<Inner>);

struct Inner {
    press: Arc<Press>,
    seller: Seller,
    line: Semaphore,
    places: Semaphore,
    turns: Arc<Semaphore>,
}

/// The right to make a ticket; given back when dropped.
pub(super) struct Place<'a>(
    #[expect(dead_code, reason = "held, not looked at")] SemaphorePermit<'a>,
);

/// A ticket's picture with what is printed in it for the tax authority.
pub(super) struct Drawn {
    pub picture: Vec<u8>,
    pub invoice_qr: String,
}

/// Why it cannot be drawn.
#[derive(Debug)]
pub(super) struct NotDrawn(pub String);

impl From<Undrawable> for NotDrawn {
    fn from(error: Undrawable) -> Self {
        Self(error.to_string())
    }
}

impl Studio {
    pub fn new(seller: Seller) -> Self {
        Self(Arc::new(Inner {
            press: Arc::new(Press::new()),
            seller,
            line: Semaphore::new(LINE),
            places: Semaphore::new(PLACES),
            turns: Arc::new(Semaphore::new(DRAWN_AT_ONCE)),
        }))
    }

    /// Waits in line for a place to make a ticket, before its call begins, so that no time-out runs meanwhile. None: the
    /// line is full, come again.
    pub(super) async fn place(&self) -> Option<Place<'_>> {
        let _in_line = self.0.line.try_acquire().ok()?;
        self.0.places.acquire().await.ok().map(Place)
    }

    /// Waits for its turn, then draws. Dropped while it waits, it gives its turn away; a drawing that has begun goes on
    /// to its end, and only then the next one begins.
    pub(super) async fn draw(&self, facts: &Facts) -> Result<Drawn, NotDrawn> {
        let inner = &self.0;
        let turn = Arc::clone(&inner.turns).acquire_owned().await;
        let turn = turn.map_err(|_| NotDrawn("the studio is closed".to_owned()))?;
        let (press, seller, facts) =
            (Arc::clone(&inner.press), inner.seller.clone(), facts.clone());
        let drawing = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let invoice_qr = seller.invoice_qr(facts.paid_at, facts.total);
            let invoice_qr = invoice_qr.ok_or_else(|| NotDrawn("no invoice QR".to_owned()))?;
            let picture = draw(&press, &facts, &seller, &invoice_qr)?;
            Ok(Drawn { picture, invoice_qr })
        });
        drawing.await.unwrap_or_else(|_| Err(NotDrawn("the drawing broke off".to_owned())))
    }
}
