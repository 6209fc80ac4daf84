//! What may be done, once, safely twice: each activity is one idempotent step. Knows no engine.

mod booking_steps;
pub mod bookings;
mod error;
pub mod evidence;
pub mod payments;
pub mod refunds;
pub mod step;
pub mod tickets;
pub mod watched;
pub mod webhooks;

use adapters::{Providers, storage::Store, vista::Vista};
pub use error::Error;
use schema::Db;
use std::sync::Arc;
use tickets::Studio;

/// Everything a step needs: the tables, the vendors, and where pictures are drawn and kept.
#[derive(Clone)]
pub struct Activities {
    pub db: Db,
    pub vista: Arc<Vista>,
    pub providers: Arc<Providers>,
    /// None: pictures are switched off for now.
    pub studio: Option<Studio>,
    pub store: Store,
}
