//! One visitor of a round: a customer who does not give up because a server is silent, and who may be late.

use crate::plan::{Story, Visitor};
use harness::{Booking, Customer, Mishap, Order, Payment, Shopper, Way};
use serde_json::Value;
use std::time::Duration;

/// Books, and does what the story says. The booking as it was left.
pub(crate) async fn visits(customer: Customer, order: Order, visitor: Visitor) -> Booking {
    tokio::time::sleep(Duration::from_millis(visitor.arrives_ms)).await;
    let (vista, vendor): (Vec<Mishap<'_>>, Vec<Mishap<'_>>) =
        visitor.faults.iter().partition(|fault| fault.vendor == "vista");
    go_wrong(&customer, &vista, &order.session).await;
    let free = visitor.story == Story::BooksForFree;
    let booking = customer.books(if free { order.free() } else { order }).await;
    tokio::time::sleep(Duration::from_millis(visitor.thinks_ms)).await;
    let paying = Paying { booking: &booking, way: visitor.way, faults: &vendor };
    paying.follow(visitor.story).await;
    booking
}

async fn go_wrong(customer: &Customer, faults: &[Mishap<'_>], reference: &str) {
    for fault in faults {
        customer.visit.goes_wrong(fault, Some(reference)).await;
    }
}

/// A payment, and the last thing that its customer has to do.
type Ready = (Payment, Value);

/// How a visitor pays, and what goes wrong then.
struct Paying<'a> {
    booking: &'a Booking,
    way: Way,
    faults: &'a [Mishap<'a>],
}

impl Paying<'_> {
    async fn follow(&self, story: Story) {
        use Shopper::{Approves, Declined, Leaves};
        match story {
            Story::BooksForFree | Story::NeverPays => {}
            Story::Pays => self.pays_with(&[Approves]).await,
            Story::DeclinedThenPays => self.pays_with(&[Declined, Approves]).await,
            Story::IsDeclined => self.pays_with(&[Declined]).await,
            Story::LeavesThePage => self.pays_with(&[Leaves]).await,
            Story::PaysTwice => {
                let (first, second) =
                    (self.ready(self.way).await, self.ready(self.way.elsewhere()).await);
                tokio::join!(does(first.as_ref(), Approves), does(second.as_ref(), Approves));
            }
            Story::CallsOff => calls_off(self.booking).await,
            Story::CallsOffThenPays => {
                let ready = self.ready(self.way).await;
                calls_off(self.booking).await;
                does(ready.as_ref(), Approves).await;
            }
            Story::PaysAfterExpiry => {
                let ready = self.ready(self.way).await;
                self.booking.until_so("its end", |view| view["status"] != "PENDING").await;
                does(ready.as_ref(), Approves).await;
            }
        }
    }

    /// One card after the other, in the same payment where the vendor takes another card in it.
    async fn pays_with(&self, cards: &[Shopper]) {
        let mut ready = self.ready(self.way).await;
        for (turn, card) in cards.iter().enumerate() {
            if turn > 0 && !self.way.takes_another_card() {
                ready = self.ready(self.way).await;
            }
            does(ready.as_ref(), *card).await;
        }
    }

    /// A payment with nothing left but the customer's last act, where these calls will go wrong. None: it is too late for
    /// one, or there is nothing left to do.
    async fn ready(&self, way: Way) -> Option<Ready> {
        let payment = self.booking.may_open(way, &Customer::key()).await?;
        if way == self.way {
            go_wrong(&self.booking.customer, self.faults, payment.reference()).await;
        }
        let act = payment.last_act().await?;
        Some((payment, act))
    }
}

async fn does(ready: Option<&Ready>, shopper: Shopper) {
    if let Some((payment, act)) = ready {
        payment.does(act, shopper).await;
    }
}

async fn calls_off(booking: &Booking) {
    let answer = booking.cancels().await;
    assert!([200, 409].contains(&answer.status), "{answer:?}");
}
