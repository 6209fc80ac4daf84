//! What the tests stand on: the running system, its customers, its vendors, and the books that must balance.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail like the test")]

mod acts;
mod attention;
mod cards;
mod checker;
mod customer;
mod environment;
mod evidence;
mod order;
mod system;
mod vendors;
mod visit;
mod ways;

pub use acts::AT_THE_COUNTER;
pub use cards::{CARDS, Card, FORMS, Form, HYPERPAY, PAYFORT, saved_everywhere};
pub use checker::read_picture;
pub use checker::{Violation, When};
pub use customer::{Answer, Customer, in_a_day};
pub use order::{Booking, Order, Payment};
pub use system::{PASS_TYPE, SELLER, SIGNER, Setup, System, build_usher, usher};
pub use vendors::{HyperPay, Mishap, Shopper, VENDORS, Vista, seal};
pub use visit::{Visit, visit, visit_alone, visit_with};
pub use ways::{Way, apple_transaction, card_token};

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// Far more than anything takes: a test that waits this long has found something that never comes.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(25);

/// Looks until there is something, and fails if it never comes.
pub async fn until<T, Look, Found>(what: &str, look: Look) -> T
where
    Look: FnMut() -> Found,
    Found: Future<Output = Option<T>>,
{
    let found = may_come(look).await;
    found.unwrap_or_else(|| panic!("it never came: {what}"))
}

/// The same; None if it never comes.
pub async fn may_come<T, Look, Found>(mut look: Look) -> Option<T>
where
    Look: FnMut() -> Found,
    Found: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(found) = look().await {
            return Some(found);
        }
        tokio::time::sleep(PAUSE).await;
    }
    None
}
