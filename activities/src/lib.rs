//! What may be done, once, safely twice: each activity is one idempotent step. Knows no engine.

mod booking_steps;
pub mod bookings;
mod error;
pub mod evidence;
pub mod payments;
pub mod refunds;
pub mod step;
mod tickets;
pub mod watched;
pub mod webhooks;

use adapters::{Providers, vista::Vista};
pub use error::Error;
use schema::Db;
use std::sync::Arc;

/// Everything a step needs: the tables and the vendors.
#[derive(Clone)]
pub struct Activities {
    pub db: Db,
    pub vista: Arc<Vista>,
    pub providers: Arc<Providers>,
}
