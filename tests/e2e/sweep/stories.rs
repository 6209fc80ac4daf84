//! The ways a booking can go. Together they pass every step there is.

use harness::{Booking, Customer, Order, Payment, Shopper, Visit, seal, until};
use schema::ids::PaymentId;
use serde_json::json;
use std::sync::Arc;

/// One way a booking can go. Told under fire it may end otherwise; it must only end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Story {
    /// Paid, confirmed, with a ticket.
    Sold,
    /// The same, with money that is reserved first.
    SoldByCard,
    /// As `Sold`, but Vista does not hear of the payment at first.
    Unheard,
    /// The same, but the payment does not show under its reference at first.
    PaidInTheDark,
    /// Called off by the customer before paying.
    CalledOff,
    /// Paid after it was called off: the money goes back.
    PaidLate,
    /// Reserved after it was called off: it is let go.
    ReservedLate,
    /// Called off by staff while Vista confirms it: released, then refunded.
    TakenBack,
    /// Called off while the vendor's page could not be opened.
    NeverOpened,
    /// Sold, and then the cardholder's bank takes the money back: a person is asked.
    ChargedBack,
}

impl Story {
    /// The plainest first: a step that several tell is tried in the first of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::Sold,
        Self::SoldByCard,
        Self::Unheard,
        Self::PaidInTheDark,
        Self::CalledOff,
        Self::PaidLate,
        Self::ReservedLate,
        Self::TakenBack,
        Self::NeverOpened,
        Self::ChargedBack,
    ];

    /// What a person is rightly asked about.
    pub(crate) const CASES: [&str; 1] = ["chargeback"];
}

/// Who tells a story, and under which names: known before anything has happened, so that misbehaviour can be ordered.
pub(crate) struct Stage {
    visit: Arc<Visit>,
    customer: Customer,
    order: Order,
    key: String,
}

impl Stage {
    pub(crate) fn new(visit: &Arc<Visit>) -> Self {
        let customer = visit.customer().stubborn();
        Self { visit: Arc::clone(visit), customer, order: Order::new(visit), key: Customer::key() }
    }

    /// The names that the vendors know it by: Vista the session, which is all its own, and a payment vendor the payment.
    pub(crate) fn session(&self) -> &str {
        &self.order.session
    }

    pub(super) fn payment(&self) -> PaymentId {
        let ids = self.visit.system.id_key();
        ids.payment(ids.booking(&self.customer.id, &self.key), &self.key)
    }

    /// Tells it to the last thing that somebody does; the rest happens by itself.
    pub(crate) async fn tell(self, story: Story) -> Booking {
        let booking = self.customer.books_as(self.order.clone(), &self.key).await;
        match story {
            Story::Sold => drop(self.pays(&booking).await),
            Story::SoldByCard => {
                if let Some(payment) = booking.may_open_card_payment_as(&self.key).await {
                    payment.tries(Shopper::Approves).await;
                }
            }
            Story::Unheard => {
                self.visit.vista().fails("pay_order", self.session(), "timeout_before").await;
                self.pays(&booking).await;
            }
            Story::PaidInTheDark => {
                let payment = self.payment().bare();
                self.visit.hyperpay().fails("query_reference", &payment, "lookup_lag").await;
                self.pays(&booking).await;
            }
            Story::CalledOff => drop(booking.cancels().await),
            Story::PaidLate => {
                if let Some(payment) = booking.may_open_payment_as(&self.key).await {
                    booking.cancels().await;
                    payment.tries(Shopper::Approves).await;
                }
            }
            Story::ReservedLate => {
                if let Some(payment) = booking.may_open_card_payment_as(&self.key).await {
                    booking.cancels().await;
                    payment.tries(Shopper::Approves).await;
                }
            }
            Story::TakenBack => self.taken_back(&booking).await,
            Story::NeverOpened => {
                let payment = self.payment().bare();
                self.visit.hyperpay().is_away("create_checkout", &payment).await;
                booking.tries_to_pay(&self.key).await;
                booking.cancels().await;
            }
            Story::ChargedBack => self.charged_back(&booking).await,
        }
        booking
    }

    /// None: it is too late to pay.
    async fn pays(&self, booking: &Booking) -> Option<Payment> {
        let payment = booking.may_open_payment_as(&self.key).await?;
        payment.tries(Shopper::Approves).await;
        Some(payment)
    }

    async fn taken_back(&self, booking: &Booking) {
        self.visit.vista().fails("pay_order", self.session(), "timeout_after").await;
        self.pays(booking).await;
        let query = "SELECT status NOT IN ('PENDING', 'CONFIRMING') OR EXISTS (
                         SELECT FROM vendor_calls WHERE booking_id = $1 AND step = 'confirm_order'
                         AND sent_at IS NOT NULL)
                     FROM bookings WHERE booking_id = $1";
        let look = || async {
            let look = sqlx::query_scalar(query).bind(booking.bare());
            look.fetch_one(&self.visit.db).await.ok().filter(|confirming: &bool| *confirming)
        };
        until("confirm_order, or an end", look).await;
        booking.at_engine("cancel").await;
    }

    async fn charged_back(&self, booking: &Booking) {
        let Some(payment) = self.pays(booking).await else { return };
        let id = data_encoding::HEXLOWER.encode(&rand::random::<[u8; 16]>());
        let payload = json!({ "id": id, "paymentType": "CB", "amount": "115.00", "currency": "SAR",
            "merchantTransactionId": payment.reference(), "referencedId": id,
            "result": { "code": "000.100.200", "description": "Reason not specified" } });
        let notice = json!({ "type": "PAYMENT", "payload": payload }).to_string();
        let sealed = seal(&self.visit.system.keys.webhook, &notice);
        let delivers = || async {
            let status = self.visit.hyperpay().may_deliver(&sealed).await?;
            (status == 200).then_some(())
        };
        until("a taken chargeback", delivers).await;
    }
}
