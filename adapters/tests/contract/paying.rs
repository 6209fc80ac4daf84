//! One payment at a stand-in: begun, approved by its customer, and whatever is said about it afterwards.

use crate::{
    standin::{Standin, session, until},
    vendor::{Effect, Vendor, Verb, WITHIN, charge},
};
use adapters::{
    Error,
    provider::{
        CaptureOrder, CaptureState, Charge, Opened, PaymentProvider, Question, RefundOrder,
        RefundState, Session, Transaction, TransactionState,
    },
};
use schema::{
    ids::RefundId,
    money::Money,
    paying::{NextAct, PayWith, Taking},
};
use secrecy::SecretString;
use std::time::Duration;

/// What a verb has come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// With the id that the vendor gives it, where it does.
    Done(String),
    Pending,
    /// For good, for this reason.
    No(String),
    /// It was done, and not as it was asked.
    Otherwise,
}

impl From<Opened> for Said {
    fn from(opened: Opened) -> Self {
        match opened {
            Opened::Open(session) => Self::Done(session.id),
            Opened::Rejected { code } => Self::No(code),
        }
    }
}

impl From<CaptureState> for Said {
    fn from(state: CaptureState) -> Self {
        match state {
            CaptureState::Captured { .. } => Self::Done(String::new()),
            CaptureState::Otherwise { .. } => Self::Otherwise,
            CaptureState::Pending => Self::Pending,
            CaptureState::Rejected { code, .. } => Self::No(code),
        }
    }
}

impl From<RefundState> for Said {
    fn from(state: RefundState) -> Self {
        match state {
            RefundState::Refunded { transaction } => Self::Done(transaction),
            RefundState::Pending { .. } => Self::Pending,
            RefundState::Rejected { code, .. } => Self::No(code),
        }
    }
}

pub(crate) struct Paying<'a, V: Vendor> {
    pub(crate) at: &'a Standin<V>,
    pub(crate) charge: Charge,
    /// How much goes back: all of it, unless a test says otherwise.
    pub(crate) back: Money,
    session: Option<Session>,
    /// What the customer has given on the vendor's form, for us to charge.
    given: Option<SecretString>,
    /// The vendor's transaction, once the customer has approved.
    transaction: String,
}

impl<'a, V: Vendor> Paying<'a, V> {
    /// The customer stands before the vendor's page, or has given us what is to be charged.
    pub(crate) async fn begun(at: &'a Standin<V>, pay_with: PayWith) -> Self {
        let charge = charge(at, pay_with).await;
        let (mut page, mut given) = (None, None);
        if !charge.pay_with.moves_money() {
            let opened = session(at.vendor.open(&charge, WITHIN).await.unwrap());
            if matches!(opened.next, NextAct::Form { .. }) {
                given = Some(V::fills_in(at, &charge, &opened).await);
            }
            page = Some(opened);
        }
        let (back, transaction) = (charge.amount, String::new());
        Self { at, charge, back, session: page, given, transaction }
    }

    /// One that went another way to where it is now.
    pub(crate) fn of(
        at: &'a Standin<V>,
        charge: Charge,
        session: Session,
        transaction: String,
    ) -> Self {
        let back = charge.amount;
        Self { at, charge, back, session: Some(session), given: None, transaction }
    }

    /// The customer has approved, and the money is where it is to be.
    pub(crate) async fn approved(at: &'a Standin<V>, pay_with: PayWith) -> Self {
        let mut paying = Self::begun(at, pay_with).await;
        paying.act("approve").await;
        paying.transaction = paying.is_paid().await;
        paying
    }

    /// The money is where it is to be once the customer has approved: the id that the vendor gives it.
    pub(crate) async fn is_paid(&self) -> String {
        let Transaction { id, state, amount, reference, .. } = self.shown().await;
        let expected = match self.charge.taking {
            Taking::AtOnce => TransactionState::Captured { review: false },
            Taking::OnceConfirmed => TransactionState::Authorized,
        };
        let asked = (self.charge.amount.into(), self.charge.payment.bare());
        assert_eq!((state, (amount, reference)), (expected, asked));
        id
    }

    /// Ready for this verb, which has not been said yet.
    pub(crate) async fn ready(at: &'a Standin<V>, verb: Verb, pay_with: PayWith) -> Self {
        if verb == Verb::Charge {
            return Self::begun(at, pay_with).await;
        }
        let mut paying = Self::approved(at, pay_with).await;
        if verb == Verb::Refund && paying.charge.taking == Taking::OnceConfirmed {
            paying.said(Verb::Capture).await;
            assert!(matches!(paying.found(Verb::Capture).await, Said::Done(_)));
        }
        paying
    }

    /// The customer does what is left to do, once we have charged where that is ours. False: nothing was left.
    pub(crate) async fn act(&mut self, outcome: &str) -> bool {
        if self.given.is_some() || self.charge.pay_with.moves_money() {
            self.charge_now(WITHIN).await.unwrap();
        }
        self.goes_on(outcome).await
    }

    /// The customer does what is left to do in the session there is. False: nothing was left.
    pub(crate) async fn goes_on(&self, outcome: &str) -> bool {
        match &self.session {
            Some(session) => V::acts(self.at, &self.charge, session, outcome).await,
            None => false,
        }
    }

    async fn charge_now(&mut self, within: Duration) -> Result<Opened, Error> {
        let vendor = &self.at.vendor;
        let opened = match (&self.session, &self.given) {
            (Some(session), Some(given)) => {
                vendor.proceed(&self.charge, session, given, within).await?
            }
            _ => vendor.open(&self.charge, within).await?,
        };
        if let Opened::Open(session) = &opened {
            self.session = Some(session.clone());
        }
        Ok(opened)
    }

    pub(crate) async fn say(&mut self, verb: Verb, within: Duration) -> Result<Said, Error> {
        let vendor = &self.at.vendor;
        match verb {
            Verb::Charge => self.charge_now(within).await.map(Said::from),
            Verb::Capture => vendor.capture(&self.capture_order(), within).await.map(Said::from),
            Verb::Refund | Verb::LetGo => {
                let order = self.refund_order(verb);
                let said = vendor.refund(&order, within).await.map(Said::from);
                V::gives_back(self.at, &order).await;
                said
            }
        }
    }

    /// The same, once the vendor can be asked: what was not sent may be said again.
    pub(crate) async fn said(&mut self, verb: Verb) -> Said {
        until("an answer", async || patiently(self.say(verb, WITHIN).await)).await
    }

    /// What the look-up shows of it. None: nothing (yet).
    pub(crate) async fn find(&self, verb: Verb, within: Duration) -> Result<Option<Said>, Error> {
        let vendor = &self.at.vendor;
        Ok(match verb {
            Verb::Charge => vendor.find_opened(&self.charge, within).await?.map(Said::from),
            Verb::Capture => {
                vendor.find_capture(&self.capture_order(), within).await?.map(Said::from)
            }
            Verb::Refund | Verb::LetGo => {
                vendor.find_refund(&self.refund_order(verb), within).await?.map(Said::from)
            }
        })
    }

    /// What the look-up says of it in the end.
    pub(crate) async fn found(&self, verb: Verb) -> Said {
        until("the end of what was asked", async || self.certain(verb).await).await
    }

    /// The same, if it is certain by now.
    pub(crate) async fn certain(&self, verb: Verb) -> Option<Said> {
        match self.find(verb, WITHIN).await {
            Ok(said) => said.filter(|said| *said != Said::Pending),
            Err(Error::Unavailable { .. } | Error::Unknown { .. }) => None,
            Err(error) => panic!("{verb:?} cannot be looked up: {error}"),
        }
    }

    /// The look-up shows nothing of it, and says so.
    pub(crate) async fn is_not_there(&self, verb: Verb) {
        let shown = until("a look", async || patiently(self.find(verb, WITHIN).await)).await;
        assert_eq!(shown, None, "{verb:?} was found and never said");
    }

    /// Every transaction that the vendor shows for the payment.
    pub(crate) async fn ask(&self, within: Duration) -> Result<Vec<Transaction>, Error> {
        let session = self.session.as_ref();
        let question = Question {
            payment: self.charge.payment,
            session: session.map(|session| session.id.clone()),
            account: session.map(|session| session.account.clone()),
            transaction: None,
            known: Vec::new(),
        };
        self.at.vendor.ask(&question, within).await
    }

    /// All of these, of a vendor that can be asked now.
    pub(crate) async fn all(&self) -> Vec<Transaction> {
        until("a look", async || patiently(self.ask(WITHIN).await)).await
    }

    /// The one there is, once it is decided.
    pub(crate) async fn shown(&self) -> Transaction {
        until("the transaction", async || {
            let [one] = self.all().await.try_into().ok()?;
            (one.state != TransactionState::Pending).then_some(one)
        })
        .await
    }

    pub(crate) fn effect(&self, verb: Verb) -> Effect {
        V::effect(verb, self.charge.taking).unwrap()
    }

    /// The amounts that the ledger has of these kinds for this payment, in minor units.
    pub(crate) async fn moved(&self, kinds: &[&str]) -> Vec<i64> {
        let payment = self.charge.payment;
        let refund = self.refund_order(Verb::Refund).refund;
        let mut moved = Vec::new();
        for reference in [payment.bare(), payment.capture_reference(), refund.bare()] {
            for entry in self.at.entries(&reference).await {
                if kinds.contains(&entry["kind"].as_str().unwrap()) {
                    moved.push(entry["amount_minor"].as_i64().unwrap());
                }
            }
        }
        moved
    }

    /// How much a verb is about, in minor units.
    pub(crate) const fn asked(&self, verb: Verb) -> i64 {
        match verb {
            Verb::Refund => self.back.amount_minor,
            Verb::Charge | Verb::Capture | Verb::LetGo => self.charge.amount.amount_minor,
        }
    }

    pub(crate) fn capture_order(&self) -> CaptureOrder {
        CaptureOrder {
            payment: self.charge.payment,
            transaction: self.transaction.clone(),
            account: self.account(),
            amount: self.charge.amount,
        }
    }

    pub(crate) fn refund_order(&self, verb: Verb) -> RefundOrder {
        RefundOrder {
            refund: RefundId::automatic(self.charge.payment, &self.transaction),
            payment: self.charge.payment,
            transaction: self.transaction.clone(),
            account: self.account(),
            amount: if verb == Verb::LetGo { self.charge.amount } else { self.back },
            reserved: verb == Verb::LetGo,
        }
    }

    fn account(&self) -> String {
        self.session.as_ref().map(|session| session.account.clone()).unwrap_or_default()
    }

    /// The session that the customer pays in, or has paid in.
    pub(crate) fn session(&self) -> &Session {
        self.session.as_ref().unwrap()
    }
}

/// None: not now, ask again.
fn patiently<T>(answer: Result<T, Error>) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(Error::Unavailable { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}
