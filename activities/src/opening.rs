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
    ids::CardId,
    paying::{Buyer, NextAct, PayWith, Taking},
    payments::{self, Opening, Payment, PaymentRequest},
    purchases, saved_cards,
    sealed::Sealed,
};
use secrecy::{ExposeSecret, SecretString};
use std::net::IpAddr;

/// A secret that was sealed under another key, or altered; a card that is deleted, or was never the buyer's.
struct Unreadable;

/// What there is to charge.
enum Found<'a> {
    /// It was never priced, so nobody was ever asked to take anything.
    NoPrice,
    /// Its vendor is off.
    NoVendor,
    Charge {
        payment: Box<Payment>,
        vendor: &'a dyn PaymentProvider,
        charge: Box<Charge>,
        /// The vendor takes this, and it can be read: it may be sent. Otherwise only what became of it is asked.
        sound: bool,
    },
}

impl Activities {
    /// Writes the payment down, or finds an older life of it; refused at once when its booking takes none.
    pub async fn record_payment(&self, request: &PaymentRequest) -> Result<Opening, Error> {
        let vendor = self.providers.get(request.provider);
        let taking = vendor.and_then(|vendor| vendor.taking(&request.pay_with));
        Ok(payments::record(&self.db, request, taking).await?)
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

    /// Opens the vendor's page. Absent: the payment was refused, its vendor is off, or its booking has ended; nobody opens
    /// it any more.
    pub async fn open_payment(&self, request: &PaymentRequest) -> Result<Progress<Opened>, Error> {
        let Found::Charge { payment, vendor, charge, sound } = self.to_charge(request).await?
        else {
            return Ok(Progress::Done(End::Absent));
        };
        let open = OpenPayment(AtTheVendor { vendor, request, charge: &charge });
        if sound && (payment.payable || payment.vendor_session.is_some()) {
            return step::perform(&self.db, &open).await;
        }
        step::close(&self.db, &open).await
    }

    /// Charges what the customer has given us. Absent: it never was, with proof.
    pub async fn charge_payment(
        &self,
        request: &PaymentRequest,
    ) -> Result<Progress<Opened>, Error> {
        let (payment, vendor, charge, sound) = match self.to_charge(request).await? {
            Found::NoPrice => return Ok(Progress::Done(End::Absent)),
            // It may have been charged: who is off now comes back.
            Found::NoVendor => return Ok(Progress::after(request.timings.retry_after(u32::MAX))),
            Found::Charge { payment, vendor, charge, sound } => (payment, vendor, charge, sound),
        };
        let at_once = ChargePayment(AtTheVendor { vendor, request, charge: &charge });
        if sound && (payment.payable || payment.vendor_session.is_some()) {
            return step::perform(&self.db, &at_once).await;
        }
        step::close(&self.db, &at_once).await
    }

    /// Goes on with what the customer has given in the vendor's session. Absent: it was given too late, or is unreadable,
    /// and nothing was charged, with proof.
    pub async fn proceed_payment(
        &self,
        request: &PaymentRequest,
        given: &Sealed,
    ) -> Result<Progress<Opened>, Error> {
        let (payment, vendor, charge, sound) = match self.to_charge(request).await? {
            Found::NoPrice => return Ok(Progress::Done(End::Absent)),
            Found::NoVendor => return Ok(Progress::after(request.timings.retry_after(u32::MAX))),
            Found::Charge { payment, vendor, charge, sound } => (payment, vendor, charge, sound),
        };
        let given = self.id_key.unseal(given);
        let session = Session {
            id: payment.vendor_session.clone().unwrap_or_default(),
            account: payment.vendor_account.clone().unwrap_or_default(),
            lives_ms: u64::try_from(payment.session_left_ms.unwrap_or(0)).unwrap_or(0),
            next: payment.next.clone().unwrap_or(NextAct::Nothing),
        };
        let may_be_sent = sound && payment.payable && given.is_some();
        let at = AtTheVendor { vendor, request, charge: &charge };
        let proceed = ProceedPayment { at, session: &session, given: &given.unwrap_or_default() };
        if may_be_sent {
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

    /// The payment, its vendor, and what that is to take.
    async fn to_charge(&self, request: &PaymentRequest) -> Result<Found<'_>, Error> {
        let payment = payments::find(&self.db, request.payment_id).await?;
        let priced = payment.and_then(|found| found.amount.map(|amount| (found, amount)));
        let Some((payment, amount)) = priced else { return Ok(Found::NoPrice) };
        let Some(vendor) = self.providers.get(request.provider) else {
            return Ok(Found::NoVendor);
        };
        let secret = self.secret(request).await?;
        let still_taken = vendor.taking(&request.pay_with).is_some();
        let sound = still_taken && payment.taking.is_some() && secret.is_ok();
        let purchases = if vendor.wants_purchases() {
            purchases::before(&self.db, request.booking_id).await?
        } else {
            Vec::new()
        };
        let charge = Charge {
            payment: request.payment_id,
            booking: request.booking_id,
            amount,
            taking: payment.taking.unwrap_or(Taking::AtOnce),
            pay_with: request.pay_with.clone(),
            secret: secret.unwrap_or_default(),
            buyer: Buyer { address: self.address(request), ..request.buyer.clone() },
            purchases,
            return_url: request.return_url.clone(),
        };
        Ok(Found::Charge { payment: Box::new(payment), vendor, charge: Box::new(charge), sound })
    }

    /// Where the buyer asks from. None: nobody wanted to know, or an older life of this was told.
    fn address(&self, request: &PaymentRequest) -> Option<IpAddr> {
        let text = self.id_key.unseal(request.buyer_address.as_ref()?)?;
        text.expose_secret().parse().ok()
    }

    /// What the customer's way to pay stands for, where it stands for something.
    async fn secret(
        &self,
        request: &PaymentRequest,
    ) -> Result<Result<Option<SecretString>, Unreadable>, Error> {
        let sealed = match &request.pay_with {
            PayWith::Token { token: sealed } | PayWith::ApplePay { payment: sealed } => {
                Some(sealed.clone())
            }
            PayWith::SavedCard { card } => self.token_of(request, card).await?,
            PayWith::Page
            | PayWith::CreditCard
            | PayWith::Mada
            | PayWith::StcPay { .. }
            | PayWith::Terminal { .. } => return Ok(Ok(None)),
        };
        let secret = sealed.and_then(|sealed| self.id_key.unseal(&sealed));
        Ok(secret.map(Some).ok_or(Unreadable))
    }

    /// Read from the table each time, and never journaled: a card that was deleted meanwhile is not charged.
    async fn token_of(
        &self,
        request: &PaymentRequest,
        card: &str,
    ) -> Result<Option<Sealed>, Error> {
        let Ok(card) = card.parse::<CardId>() else { return Ok(None) };
        let PaymentRequest { booking_id, provider, .. } = request;
        Ok(saved_cards::token_for(&self.db, card, *booking_id, *provider).await?)
    }
}
