//! The steps of a payment at Vista and at the vendor: price, open or charge, go on with what the customer has given.

use crate::step::{Seen, VendorStep, decide::Repeat};
use adapters::{
    error::Error as VendorError,
    provider::{Charge, Opened, PaymentProvider, Session},
    vista::{OrderRef, OrderSnapshot, Vista},
};
use schema::{
    Tx,
    bookings::{self, Extension},
    ids::BookingId,
    money::Money,
    payments::{self, OpenSession, PaymentRequest},
    timings::{CallTimings, Timings},
};
use secrecy::SecretString;
use std::time::Duration;

/// What all steps of a payment have in common.
macro_rules! of_payment {
    ($($request:tt).+, $timings:ident) => {
        fn id(&self) -> String {
            self.$($request).+.payment_id.bare()
        }

        fn workflow(&self) -> &'static str {
            "Payment"
        }

        fn booking(&self) -> BookingId {
            self.$($request).+.booking_id
        }

        fn timings(&self) -> &Timings {
            &self.$($request).+.timings
        }

        fn call_timings(&self) -> &CallTimings {
            &self.$($request).+.timings.$timings
        }

        /// Its booking will have expired by then.
        fn give_up_in_ms(&self) -> Option<i64> {
            i64::try_from(self.$($request).+.timings.booking_expiry_ms).ok()
        }
    };
}

pub(crate) struct PriceOrder<'a> {
    pub vista: &'a Vista,
    pub request: &'a PaymentRequest,
    pub order: &'a OrderRef,
    pub may_continue: bool,
}

impl VendorStep for PriceOrder<'_> {
    type Answer = Option<OrderSnapshot>;
    const NAME: &'static str = "price_order";
    const VENDOR: &'static str = "vista";
    const REPEAT: Repeat = Repeat::Harmless;
    of_payment!(request, vista);

    async fn send(&self, within: Duration) -> Result<Option<OrderSnapshot>, VendorError> {
        let platform = self.request.platform;
        if self.may_continue {
            self.vista.continue_order(platform, self.order, within).await
        } else {
            self.vista.get_order(platform, self.order, within).await
        }
    }

    async fn project(
        &self,
        tx: &mut Tx,
        answer: &Option<OrderSnapshot>,
    ) -> Result<(), schema::Error> {
        let PaymentRequest { payment_id, booking_id, timings, .. } = self.request;
        let Some(order) = answer else {
            return payments::refuse(tx, *payment_id, *booking_id, "order_gone").await;
        };
        let extension = Extension {
            continued: self.may_continue,
            total: order.total,
            vista_expires_in_ms: order.expires_in_ms,
        };
        bookings::extend(tx, *booking_id, extension, timings).await?;
        payments::price(tx, *payment_id, *booking_id, timings).await?;
        Ok(())
    }
}

/// A vendor, and what it is to take.
pub(crate) struct AtTheVendor<'a> {
    pub vendor: &'a dyn PaymentProvider,
    pub request: &'a PaymentRequest,
    pub charge: &'a Charge,
}

impl AtTheVendor<'_> {
    async fn look_up(&self, within: Duration) -> Result<Seen<Opened>, VendorError> {
        let found = self.vendor.find_opened(self.charge, within).await?;
        Ok(found.map_or(Seen::Absent, Seen::Found))
    }

    /// There is a session to pay in, or the vendor wants none.
    async fn project(&self, tx: &mut Tx, answer: &Opened) -> Result<(), schema::Error> {
        let PaymentRequest { payment_id, booking_id, .. } = self.request;
        match answer {
            Opened::Open(Session { id, account, lives_ms, next }) => {
                let (lives_ms, amount) = (*lives_ms, self.charge.amount);
                let session = OpenSession { session: id, account, lives_ms, next, amount };
                payments::opened(tx, *payment_id, *booking_id, &session).await
            }
            Opened::Rejected { code } => payments::refuse(tx, *payment_id, *booking_id, code).await,
        }
    }
}

/// The vendor wants nothing of it: nothing was charged.
const fn is_no(answer: &Opened) -> bool {
    matches!(answer, Opened::Rejected { .. })
}

/// A page that nobody has paid on yet is nothing.
pub(crate) struct OpenPayment<'a>(pub AtTheVendor<'a>);

impl VendorStep for OpenPayment<'_> {
    type Answer = Opened;
    const NAME: &'static str = "open_payment";
    const VENDOR: &'static str = "payment";
    const REPEAT: Repeat = Repeat::Harmless;
    of_payment!(0.request, payment);

    async fn send(&self, within: Duration) -> Result<Opened, VendorError> {
        self.0.vendor.open(self.0.charge, within).await
    }

    async fn project(&self, tx: &mut Tx, answer: &Opened) -> Result<(), schema::Error> {
        self.0.project(tx, answer).await
    }
}

/// The customer has given all that is needed: this moves money.
pub(crate) struct ChargePayment<'a>(pub AtTheVendor<'a>);

impl VendorStep for ChargePayment<'_> {
    type Answer = Opened;
    const NAME: &'static str = "charge_payment";
    const VENDOR: &'static str = "payment";
    const REPEAT: Repeat = Repeat::AfterLookUp;
    of_payment!(0.request, payment);

    fn is_no(answer: &Opened) -> bool {
        is_no(answer)
    }

    fn at_risk(&self) -> Money {
        self.0.charge.amount
    }

    async fn send(&self, within: Duration) -> Result<Opened, VendorError> {
        self.0.vendor.open(self.0.charge, within).await
    }

    async fn look_up(&self, within: Duration) -> Result<Seen<Opened>, VendorError> {
        self.0.look_up(within).await
    }

    async fn project(&self, tx: &mut Tx, answer: &Opened) -> Result<(), schema::Error> {
        self.0.project(tx, answer).await
    }
}

/// What the customer has given in the vendor's session: this moves money.
pub(crate) struct ProceedPayment<'a> {
    pub at: AtTheVendor<'a>,
    pub session: &'a Session,
    pub given: &'a SecretString,
}

impl VendorStep for ProceedPayment<'_> {
    type Answer = Opened;
    const NAME: &'static str = "proceed_payment";
    const VENDOR: &'static str = "payment";
    const REPEAT: Repeat = Repeat::AfterLookUp;
    of_payment!(at.request, payment);

    fn is_no(answer: &Opened) -> bool {
        is_no(answer)
    }

    fn at_risk(&self) -> Money {
        self.at.charge.amount
    }

    async fn send(&self, within: Duration) -> Result<Opened, VendorError> {
        let Self { at, session, given } = self;
        at.vendor.proceed(at.charge, session, given, within).await
    }

    async fn look_up(&self, within: Duration) -> Result<Seen<Opened>, VendorError> {
        self.at.look_up(within).await
    }

    async fn project(&self, tx: &mut Tx, answer: &Opened) -> Result<(), schema::Error> {
        let PaymentRequest { payment_id, booking_id, .. } = self.at.request;
        match answer {
            Opened::Open(_) => self.at.project(tx, answer).await,
            Opened::Rejected { code } => {
                payments::turned_down(tx, *payment_id, *booking_id, code).await
            }
        }
    }
}
