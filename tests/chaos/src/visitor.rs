//! One visitor of a round: a customer who does not give up because a server is silent, and who may be late.

use crate::plan::{Story, Visitor};
use harness::{Booking, Customer, Mishap, Order, Payment, Shopper};
use std::time::Duration;

/// Books, and does what the story says. The booking as it was left.
pub(crate) async fn visits(customer: Customer, order: Order, visitor: Visitor) -> Booking {
    tokio::time::sleep(Duration::from_millis(visitor.arrives_ms)).await;
    let (vista, hyperpay): (Vec<Mishap<'_>>, Vec<Mishap<'_>>) =
        visitor.faults.iter().partition(|fault| fault.vendor == "vista");
    go_wrong(&customer, &vista, &order.session).await;
    let free = visitor.story == Story::BooksForFree;
    let booking = customer.books(if free { order.free() } else { order }).await;
    tokio::time::sleep(Duration::from_millis(visitor.thinks_ms)).await;
    follow(visitor.story, &booking, &hyperpay).await;
    booking
}

async fn go_wrong(customer: &Customer, faults: &[Mishap<'_>], reference: &str) {
    for fault in faults {
        customer.visit.goes_wrong(fault, Some(reference)).await;
    }
}

async fn follow(story: Story, booking: &Booking, faults: &[Mishap<'_>]) {
    use Shopper::{Approves, Declined, Leaves};
    match story {
        Story::BooksForFree | Story::NeverPays => {}
        Story::Pays => pays_with(booking, faults, &[Approves]).await,
        Story::DeclinedThenPays => pays_with(booking, faults, &[Declined, Approves]).await,
        Story::IsDeclined => pays_with(booking, faults, &[Declined]).await,
        Story::LeavesThePage => pays_with(booking, faults, &[Leaves]).await,
        Story::PaysTwice => {
            let (first, second) = (page(booking, faults).await, page(booking, &[]).await);
            tokio::join!(tries(first, &[Approves]), tries(second, &[Approves]));
        }
        Story::CallsOff => calls_off(booking).await,
        Story::CallsOffThenPays => {
            let page = page(booking, faults).await;
            calls_off(booking).await;
            tries(page, &[Approves]).await;
        }
        Story::PaysAfterExpiry => {
            let page = page(booking, faults).await;
            booking.until_so("its end", |view| view["status"] != "PENDING").await;
            tries(page, &[Approves]).await;
        }
    }
}

async fn pays_with(booking: &Booking, faults: &[Mishap<'_>], cards: &[Shopper]) {
    tries(page(booking, faults).await, cards).await;
}

/// The vendor's page, where these calls will go wrong; None if it is too late for one.
async fn page(booking: &Booking, faults: &[Mishap<'_>]) -> Option<Payment> {
    let payment = booking.may_open_payment().await?;
    go_wrong(&booking.customer, faults, payment.reference()).await;
    Some(payment)
}

/// One card after the other; the vendor's session may be over.
async fn tries(payment: Option<Payment>, cards: &[Shopper]) {
    let Some(payment) = payment else { return };
    for card in cards {
        payment.tries(*card).await;
    }
}

async fn calls_off(booking: &Booking) {
    let answer = booking.cancels().await;
    assert!([200, 409].contains(&answer.status), "{answer:?}");
}
