//! Where pictures are drawn: one at a time, with a bounded queue, so that a burst of tickets slows nobody else.

use super::{
    picture::{Press, Undrawable, draw},
    zatca::Seller,
};
use schema::tickets::Facts;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Of two cores one is for everything else.
const AT_ONCE: usize = 1;
/// How many may wait for their turn. The next one is told to come again, which costs nothing but a little time.
const QUEUE: usize = 64;

/// Draws tickets for a seller. Cheap to clone.
#[derive(Clone)]
pub struct Studio(Arc<Inner>);

struct Inner {
    press: Arc<Press>,
    seller: Seller,
    turns: Arc<Semaphore>,
    places: Semaphore,
}

/// A ticket's picture with what is printed in it for the tax authority.
pub(super) struct Drawn {
    pub picture: Vec<u8>,
    pub invoice_qr: String,
}

/// Why there is no picture.
#[derive(Debug)]
pub(super) enum NotDrawn {
    /// Too many wait already: come again.
    Busy,
    /// It cannot be drawn.
    Refused(String),
}

impl From<Undrawable> for NotDrawn {
    fn from(error: Undrawable) -> Self {
        Self::Refused(error.to_string())
    }
}

impl Studio {
    pub fn new(seller: Seller) -> Self {
        Self(Arc::new(Inner {
            press: Arc::new(Press::new()),
            seller,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            places: Semaphore::new(QUEUE),
        }))
    }

    /// Waits for its turn, then draws. Dropped while it waits, it gives its place away; a drawing that has begun goes
    /// on to its end, and only then the next one begins.
    pub(super) async fn draw(&self, facts: &Facts) -> Result<Drawn, NotDrawn> {
        let inner = &self.0;
        let _place = inner.places.try_acquire().map_err(|_| NotDrawn::Busy)?;
        let turn = Arc::clone(&inner.turns).acquire_owned().await.map_err(|_| NotDrawn::Busy)?;
        let (press, seller, facts) =
            (Arc::clone(&inner.press), inner.seller.clone(), facts.clone());
        let drawing = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let invoice_qr = seller.invoice_qr(facts.paid_at, facts.total);
            let invoice_qr =
                invoice_qr.ok_or_else(|| NotDrawn::Refused("no invoice QR".to_owned()))?;
            let picture = draw(&press, &facts, &seller, &invoice_qr)?;
            Ok(Drawn { picture, invoice_qr })
        });
        drawing.await.unwrap_or_else(|_| Err(NotDrawn::Refused("the drawing broke off".to_owned())))
    }
}
