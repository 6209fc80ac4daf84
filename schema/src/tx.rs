//! A transaction, and the line that the log has of each change: where the booking stands, once that is committed.

use crate::{Db, Error, ids::BookingId, snapshot};
use sqlx::{PgConnection, Postgres, Transaction};
use std::ops::{Deref, DerefMut};
use tracing::{Level, enabled, info, warn};

/// A transaction: what is done in it is there together or not at all. Dropped, it never was.
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    db: Db,
    /// Bookings that may stand elsewhere by it.
    moved: Vec<BookingId>,
}

impl Tx {
    pub(crate) const fn new(inner: Transaction<'static, Postgres>, db: Db) -> Self {
        Self { inner, db, moved: Vec::new() }
    }

    /// By this transaction the booking may stand elsewhere.
    pub(crate) fn moves(&mut self, booking: BookingId) {
        if !self.moved.contains(&booking) {
            self.moved.push(booking);
        }
    }

    /// Ok: it is there. Then, and only then, the log says where each booking stands that was moved by it, as the app and
    /// the console do. Who dies in between leaves no line; the timeline has it.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        let Self { inner, db, moved } = self;
        inner.commit().await?;
        if !moved.is_empty() && enabled!(Level::INFO) {
            Box::pin(tell(&db, &moved)).await;
        }
        Ok(())
    }

    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        self.inner.rollback().await
    }
}

/// What is committed stays so, whether it can be told or not.
async fn tell(db: &Db, moved: &[BookingId]) {
    match snapshot::stands(db, moved).await {
        Ok(found) => found.iter().for_each(line),
        Err(error) => untold(moved, &error),
    }
}

/// The row may have moved on meanwhile: then this is its newer word, and the next line says it once more.
fn line(now: &snapshot::Stand) {
    let (booking, stage) = (now.booking_id, now.stage.name());
    info!(booking.id = %booking, stage, status = now.status.name(), version = now.version, "{booking} is {stage}");
}

fn untold(moved: &[BookingId], error: &Error) {
    for booking in moved {
        warn!(booking.id = %booking, %error, "{booking} has moved, and cannot be read: {error}");
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}
