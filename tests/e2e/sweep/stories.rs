//! The ways a booking can go. Together they pass every step there is, at every vendor who takes money.

use harness::{
    AT_THE_COUNTER, Booking, Card, Customer, Order, Payment, Shopper, Visit, Way, seal, until,
};
use schema::ids::{CardId, PaymentId};
use serde_json::json;
use std::sync::Arc;

/// One way a booking can go. Told under fire it may end otherwise; it must only end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Story {
    /// Paid, confirmed, with a ticket.
    Sold,
    /// As `Sold`, but Vista does not hear of the payment at first.
    Unheard,
    /// The same, but the payment never shows under its reference: the vendor's own name for it leads there.
    PaidInTheDark,
    /// As `Sold`, but no webhook comes, and the payment shows nowhere but in the vendor's session at first.
    PaidInSilence,
    /// Called off by the customer before paying.
    CalledOff,
    /// Paid after it was called off: the money goes back.
    PaidLate,
    /// Called off by staff while Vista confirms it: released, then refunded.
    TakenBack,
    /// Called off while the vendor's page could not be opened.
    NeverOpened,
    /// Sold, and then the cardholder's bank takes the money back: a person is asked.
    ChargedBack,
    /// As `Sold`, by a saved card, which its owner then deletes.
    CardDeleted,
}

/// A story, and the way that its customer pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tale {
    pub story: Story,
    pub way: Way,
}

pub(crate) const fn tale(story: Story, way: Way) -> Tale {
    Tale { story, way }
}

impl Tale {
    /// The plainest first: a step that several tell is tried in the first of them.
    pub(crate) const ALL: [Self; 21] = [
        tale(Story::Sold, Way::HyperPayPage),
        tale(Story::Sold, Way::HyperPayCard),
        tale(Story::Sold, Way::PayFortCard),
        tale(Story::Sold, Way::CheckoutCard),
        tale(Story::Sold, Way::StcPay),
        tale(Story::Sold, Way::Tabby),
        tale(Story::Sold, Way::Terminal),
        tale(Story::Unheard, Way::HyperPayPage),
        tale(Story::PaidInTheDark, Way::HyperPayPage),
        tale(Story::PaidInSilence, Way::HyperPayPage),
        tale(Story::CalledOff, Way::HyperPayPage),
        tale(Story::PaidLate, Way::HyperPayPage),
        tale(Story::PaidLate, Way::HyperPayCard),
        tale(Story::PaidLate, Way::PayFortCard),
        tale(Story::PaidLate, Way::CheckoutCard),
        tale(Story::PaidLate, Way::Tabby),
        tale(Story::PaidLate, Way::Terminal),
        tale(Story::TakenBack, Way::HyperPayPage),
        tale(Story::NeverOpened, Way::HyperPayPage),
        tale(Story::ChargedBack, Way::HyperPayPage),
        tale(Story::CardDeleted, Way::HyperPaySaved),
    ];

    /// What a person is rightly asked about.
    pub(crate) const CASES: [&str; 2] = ["chargeback", AT_THE_COUNTER];

    /// Those of the card gateway.
    pub(crate) fn of_hyperpay() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|tale| tale.way.vendor() == "hyperpay")
    }
}

/// Who tells a story, and under which names: known before anything has happened, so that misbehaviour can be ordered.
pub(crate) struct Stage {
    visit: Arc<Visit>,
    way: Way,
    customer: Customer,
    order: Order,
    key: String,
}

impl Stage {
    /// For a customer who pays this way.
    pub(crate) fn new(visit: &Arc<Visit>, way: Way) -> Self {
        let customer = visit.customer_for(way).stubborn();
        let (visit, order) = (Arc::clone(visit), Order::new(visit));
        Self { visit, way, customer, order, key: Customer::key() }
    }

    /// Tells a tale to the last thing that somebody does in it.
    pub(crate) async fn tells(visit: Arc<Visit>, tale: Tale) -> Booking {
        Self::new(&visit, tale.way).tell(tale.story).await
    }

    /// The names that the vendors know it by: Vista the session, which is all its own, a payment vendor the payment, and
    /// who exchanges what Apple's sheet gave, Apple's own.
    pub(crate) fn session(&self) -> &str {
        &self.order.session
    }

    pub(super) fn payment(&self) -> PaymentId {
        let ids = self.visit.system.id_key();
        ids.payment(ids.booking(&self.customer.id, &self.key), &self.key)
    }

    pub(super) fn card(&self) -> CardId {
        self.visit.system.id_key().card(&self.customer.id, &self.key)
    }

    pub(super) fn apples(&self) -> String {
        harness::apple_transaction(&self.key)
    }

    /// Tells it to the last thing that somebody does; the rest happens by itself.
    pub(crate) async fn tell(self, story: Story) -> Booking {
        // Before the seats are held, which nobody does for long.
        let card = self.saves_a_card().await;
        let booking = self.customer.books_as(self.order.clone(), &self.key).await;
        match story {
            Story::Sold => self.pays(&booking).await,
            Story::Unheard => {
                self.visit.vista().fails("pay_order", self.session(), "timeout_before").await;
                self.pays(&booking).await;
            }
            Story::PaidInTheDark => {
                self.goes_wrong(self.look_up(), "lookup_lag", 0).await;
                self.pays(&booking).await;
            }
            Story::PaidInSilence => {
                self.goes_wrong("webhook", "lost", 0).await;
                self.goes_wrong("pay", "lookup_lag", 1).await;
                self.pays(&booking).await;
            }
            Story::CalledOff => drop(booking.cancels().await),
            Story::PaidLate => self.pays_late(&booking).await,
            Story::TakenBack => self.taken_back(&booking).await,
            Story::NeverOpened => {
                let payment = self.payment().bare();
                self.visit.hyperpay().is_away("create_checkout", &payment).await;
                booking.tries_to_pay(&self.key).await;
                booking.cancels().await;
            }
            Story::ChargedBack => self.charged_back(&booking).await,
            Story::CardDeleted => {
                if let Some(card) = card {
                    booking.may_open_as(&card.pays(), &self.key).await;
                    card.is_deleted().await;
                }
            }
        }
        booking
    }

    /// How the vendor is asked by our reference.
    fn look_up(&self) -> &'static str {
        match self.way {
            Way::HyperPayPage | Way::HyperPayCard | Way::HyperPaySaved => "query_reference",
            Way::PayFortMada | Way::PayFortCard | Way::PayFortApple | Way::PayFortSaved => "status",
            Way::CheckoutCard | Way::CheckoutApple | Way::StcPay | Way::CheckoutSaved => {
                "find_payments"
            }
            Way::Tabby => "payment",
            Way::Terminal => "transactions",
        }
    }

    /// None: it is too late to pay, or the vendor will not.
    async fn opens(&self, booking: &Booking) -> Option<Payment> {
        booking.may_open(self.way, &self.key).await
    }

    async fn pays(&self, booking: &Booking) {
        if let Some(payment) = self.opens(booking).await {
            payment.is_made().await;
        }
    }

    /// So many calls about the payment go wrong at its vendor; 0: all of them.
    async fn goes_wrong(&self, op: &str, fault: &str, times: u32) {
        let matching = json!({ "op": op, "reference": self.payment().bare() });
        let rule = json!({ "match": matching, "fault": fault, "times": times });
        self.visit.misbehaves(self.way.vendor(), &rule).await;
    }

    async fn pays_late(&self, booking: &Booking) {
        let Some(payment) = self.opens(booking).await else { return };
        let act = payment.last_act().await;
        booking.cancels().await;
        if let Some(act) = act {
            payment.does(&act, Shopper::Approves).await;
            payment.goes_back().await;
        }
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

    /// Whoever pays by one. None: nobody does, or the vendor has not saved it.
    async fn saves_a_card(&self) -> Option<Card> {
        let (way, customer) = (self.way, &self.customer);
        if !Way::BY_SAVED_CARD.contains(&way) {
            return None;
        }
        Card::may_be_saved(customer, way.vendor(), &self.key).await
    }

    async fn charged_back(&self, booking: &Booking) {
        let Some(payment) = self.opens(booking).await else { return };
        payment.is_made().await;
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
