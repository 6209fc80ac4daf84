//! Opening a payment: the price, then the vendor's page; or, when the customer has given all it needs, the charge.

use crate::{
    Activities, Error,
    payment_steps::{AtTheVendor, ChargePayment, OpenPayment, PriceOrder, ProceedPayment},
    step::{self, End, Progress},
};
use adapters::{
    provider::{Charge, Opened, PaymentProvider, Session},
    vista::{OrderRef, OrderSnapshot},
};
use schema::{
    paying::{NextAct, PayWith},
    payments::{self, Opening, Payment, PaymentRequest},
    sealed::Sealed,
};
use secrecy::SecretString;

/// A secret that was sealed under another key, or altered.
struct Unreadable;

impl Activities {
    /// Writes the payment down, or finds an older life of it; refused at once when its booking takes none.
    pub async fn record_payment(&self, request: &PaymentRequest) -> Result<Opening, Error> {
        Ok(payments::record(&self.db, request).await?)
    }

    /// Restarts Vista's timer and reads the order again: what is to pay, and until when.
    pub async fn price_order(
        &self,
        request: &PaymentRequest,
        order: &OrderRef,
        may_continue: bool,
    ) -> Result<Progress<Option<OrderSnapshot>>, Error> {
        let price = PriceOrder { vista: &self.vista, request, order, may_continue };
        step::perform(&self.db, &price).await
    }

    /// Opens the vendor's page. Absent: the payment was refused, or its booking has ended; nobody opens it any more.
    pub async fn open_payment(&self, request: &PaymentRequest) -> Result<Progress<Opened>, Error> {
        let Some((payment, vendor, charge)) = self.to_charge(request).await? else {
            return Ok(Progress::Done(End::Absent));
        };
        let open = OpenPayment(AtTheVendor { vendor, request, charge: &charge });
        if payment.payable || payment.vendor_session.is_some() {
            return step::perform(&self.db, &open).await;
        }
        step::close(&self.db, &open).await
    }

    /// Charges what the customer has given us. Absent: as in `open_payment`.
    pub async fn charge_payment(
        &self,
        request: &PaymentRequest,
    ) -> Result<Progress<Opened>, Error> {
        let Some((payment, vendor, charge)) = self.to_charge(request).await? else {
            return Ok(Progress::Done(End::Absent));
        };
        let at_once = ChargePayment(AtTheVendor { vendor, request, charge: &charge });
        if payment.payable || payment.vendor_session.is_some() {
            return step::perform(&self.db, &at_once).await;
        }
        step::close(&self.db, &at_once).await
    }

    /// Goes on with what the customer has given in the vendor's session. Absent: it was given too late, or is unreadable.
    pub async fn proceed_payment(
        &self,
        request: &PaymentRequest,
        given: &Sealed,
    ) -> Result<Progress<Opened>, Error> {
        let (to_charge, given) = (self.to_charge(request).await?, self.id_key.unseal(given));
        let (Some((payment, vendor, charge)), Some(given)) = (to_charge, given) else {
            return Ok(Progress::Done(End::Absent));
        };
        let opened = payment.vendor_session.as_ref().zip(payment.vendor_account.as_ref());
        let Some((id, account)) = opened else { return Ok(Progress::Done(End::Absent)) };
        let session = Session {
            id: id.clone(),
            account: account.clone(),
            lives_ms: u64::try_from(payment.session_left_ms.unwrap_or(0)).unwrap_or(0),
            next: payment.next.clone().unwrap_or(NextAct::Nothing),
        };
        let at = AtTheVendor { vendor, request, charge: &charge };
        let proceed = ProceedPayment { at, session: &session, given: &given };
        if payment.payable {
            return step::perform(&self.db, &proceed).await;
        }
        step::close(&self.db, &proceed).await
    }

    /// Ends a payment that could not be opened: no customer has seen a page of it.
    pub async fn refuse_payment(&self, request: &PaymentRequest) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        payments::refuse(&mut tx, request.payment_id, request.booking_id, "not_opened").await?;
        Ok(tx.commit().await.map_err(schema::Error::from)?)
    }

    /// The payment, its vendor, and what that is to take. None: it has no price, or nobody takes it this way.
    async fn to_charge(
        &self,
        request: &PaymentRequest,
    ) -> Result<Option<(Payment, &dyn PaymentProvider, Charge)>, Error> {
        let payment = payments::find(&self.db, request.payment_id).await?;
        let vendor = self.providers.get(request.provider);
        let priced = payment.and_then(|found| found.amount.map(|amount| (found, amount)));
        let (Some((payment, amount)), Some(vendor)) = (priced, vendor) else { return Ok(None) };
        let Some(taking) = vendor.taking(&request.pay_with) else { return Ok(None) };
        let Ok(secret) = self.secret(&request.pay_with) else { return Ok(None) };
        let purchases = if vendor.wants_purchases() {
            payments::purchases(&self.db, request.booking_id).await?
        } else {
            Vec::new()
        };
        let charge = Charge {
            payment: request.payment_id,
            booking: request.booking_id,
            amount,
            taking,
            pay_with: request.pay_with.clone(),
            secret,
            buyer: request.buyer.clone(),
            purchases,
            return_url: request.return_url.clone(),
        };
        Ok(Some((payment, vendor, charge)))
    }

    /// What the customer's way to pay stands for, where it stands for something.
    fn secret(&self, pay_with: &PayWith) -> Result<Option<SecretString>, Unreadable> {
        match pay_with {
            PayWith::Token { token: sealed } | PayWith::ApplePay { payment: sealed } => {
                self.id_key.unseal(sealed).map(Some).ok_or(Unreadable)
            }
            PayWith::Page
            | PayWith::CreditCard
            | PayWith::Mada
            | PayWith::StcPay { .. }
            | PayWith::Terminal { .. } => Ok(None),
            PayWith::SavedCard { .. } => Err(Unreadable),
        }
    }
}
