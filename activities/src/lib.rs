//! What may be done, once, safely twice: each activity is one idempotent step. Knows no engine.

mod booking_steps;
pub mod bookings;
mod capturing;
mod error;
pub mod evidence;
mod opening;
mod payment_steps;
pub mod payments;
pub mod refunds;
pub mod saved_cards;
pub mod step;
mod taken_back;
pub mod tickets;
pub mod watched;
pub mod webhooks;

use adapters::{Providers, storage::Store, vista::Vista};
pub use error::Error;
use schema::{Db, ids::IdKey};
use std::sync::Arc;
use tickets::Studio;

/// Everything a step needs: the tables, the vendors, and where pictures are drawn and kept.
#[derive(Clone)]
pub struct Activities {
    pub db: Db,
    pub vista: Arc<Vista>,
    pub providers: Arc<Providers>,
    /// Opens what a customer has sealed for one payment.
    pub id_key: IdKey,
    /// None: pictures are switched off for now.
    pub studio: Option<Studio>,
    pub store: Store,
}
