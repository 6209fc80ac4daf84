//! The promises, one by one: each verb twice and one effect, a lost answer is looked up, a decline is a value, and an
//! answer about something else is none.

use crate::standin::{Standin, Vendor, Verb, session};
use adapters::{
    Error,
    provider::{
        CaptureOrder, CaptureState, Charge, PaymentProvider, Question, RefundOrder, RefundState,
        Session, Transaction, TransactionState,
    },
};
use reqwest::Method;
use schema::{ids::RefundId, paying::Taking};
use serde_json::Value;
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(5);
/// Long enough for an answer on this machine, short enough to wait for one that never comes.
const BRIEFLY: Duration = Duration::from_millis(750);

/// What a verb has come to.
#[derive(Debug, PartialEq, Eq)]
enum Done {
    Captured,
    GivenBack(String),
}

/// One payment at its vendor.
struct Paying<V: Vendor> {
    standin: Standin<V>,
    charge: Charge,
    session: Session,
}

impl<V: Vendor> Paying<V> {
    async fn open(factor: u32) -> Self {
        let (standin, charge) = (Standin::<V>::start(factor).await, V::charge());
        let session = session(standin.vendor.open(&charge, WITHIN).await.unwrap());
        Self { standin, charge, session }
    }

    async fn approved() -> Self {
        let paying = Self::open(1).await;
        paying.standin.shopper(&paying.session, "approve").await;
        paying
    }

    fn question(&self) -> Question {
        Question {
            payment: self.charge.payment,
            session: Some(self.session.id.clone()),
            account: Some(self.session.account.clone()),
            transaction: None,
        }
    }

    async fn ask(&self) -> Result<Vec<Transaction>, Error> {
        self.standin.vendor.ask(&self.question(), WITHIN).await
    }

    async fn only(&self) -> Transaction {
        let [only] = self.ask().await.unwrap().try_into().unwrap();
        only
    }

    async fn capture_order(&self) -> CaptureOrder {
        CaptureOrder {
            payment: self.charge.payment,
            transaction: self.only().await.id,
            account: self.session.account.clone(),
            amount: self.charge.amount,
        }
    }

    async fn refund_order(&self, reserved: bool) -> RefundOrder {
        RefundOrder {
            refund: RefundId::from_bare("01K9RRRRRRRRRRRRRRRRRRRRRR").unwrap(),
            payment: self.charge.payment,
            transaction: self.only().await.id,
            account: self.session.account.clone(),
            amount: self.charge.amount,
            reserved,
        }
    }

    /// Ready for this verb, which has not been said yet.
    async fn before(verb: Verb) -> Self {
        let paying = Self::approved().await;
        if verb == Verb::Refund && paying.charge.taking == Taking::OnceConfirmed {
            let order = paying.capture_order().await;
            let state = paying.standin.vendor.capture(&order, WITHIN).await.unwrap();
            assert_eq!(state, CaptureState::Captured);
        }
        paying
    }

    async fn say(&self, verb: Verb, within: Duration) -> Result<Done, Error> {
        let vendor = &self.standin.vendor;
        match verb {
            Verb::Capture => captured(vendor.capture(&self.capture_order().await, within).await?),
            Verb::Refund | Verb::LetGo => {
                let order = self.refund_order(verb == Verb::LetGo).await;
                given_back(vendor.refund(&order, within).await?)
            }
        }
    }

    async fn find(&self, verb: Verb) -> Result<Option<Done>, Error> {
        let vendor = &self.standin.vendor;
        match verb {
            Verb::Capture => {
                let found = vendor.find_capture(&self.capture_order().await, WITHIN).await?;
                found.map(captured).transpose()
            }
            Verb::Refund | Verb::LetGo => {
                let order = self.refund_order(verb == Verb::LetGo).await;
                vendor.find_refund(&order, WITHIN).await?.map(given_back).transpose()
            }
        }
    }

    async fn effects(&self, verb: Verb) -> usize {
        self.standin.count(V::effect(verb).1).await
    }
}

fn captured(state: CaptureState) -> Result<Done, Error> {
    match state {
        CaptureState::Captured => Ok(Done::Captured),
        CaptureState::Pending => Err(Error::unknown("pending")),
        CaptureState::Rejected { code, reason } => Err(Error::refused(code, reason)),
    }
}

fn given_back(state: RefundState) -> Result<Done, Error> {
    match state {
        RefundState::Refunded { transaction } => Ok(Done::GivenBack(transaction)),
        RefundState::Pending { .. } => Err(Error::unknown("pending")),
        RefundState::Rejected { code, reason } => Err(Error::refused(code, reason)),
    }
}

/// Every verb may be said twice, and has one effect; the look-up says the same. `switches`: how the vendor is then.
pub(crate) async fn each_verb_twice_has_one_effect<V: Vendor>(verbs: &[Verb], switches: &Value) {
    for verb in verbs {
        let paying = Paying::<V>::before(*verb).await;
        paying.standin.control(Method::POST, "switches", switches).await;
        assert!(paying.find(*verb).await.unwrap().is_none(), "{verb:?} was found before");
        let once = paying.say(*verb, WITHIN).await.unwrap();
        assert_eq!(paying.say(*verb, WITHIN).await.unwrap(), once);
        assert_eq!(paying.find(*verb).await.unwrap(), Some(once));
        assert_eq!(paying.effects(*verb).await, 1, "{verb:?}");
    }
}

/// The money is where it is said to be: reserved when the customer has approved, then taken or let go, and back.
pub(crate) async fn a_payment_is_followed_from_its_page_to_its_refund<V: Vendor>() {
    let paying = Paying::<V>::open(1).await;
    assert_eq!(paying.only().await.state, TransactionState::Pending);
    paying.standin.shopper(&paying.session, "approve").await;
    let reserved = paying.only().await;
    assert_eq!(reserved.state, TransactionState::Authorized);
    assert_eq!(
        (reserved.amount, reserved.reference),
        (paying.charge.amount, paying.charge.payment.bare())
    );
    paying.say(Verb::Capture, WITHIN).await.unwrap();
    let taken = paying.only().await;
    assert_eq!(taken.state, TransactionState::Captured { review: false });
    assert_eq!((taken.id, taken.amount), (reserved.id, paying.charge.amount));
    paying.say(Verb::Refund, WITHIN).await.unwrap();
    let let_go = Paying::<V>::approved().await;
    let_go.say(Verb::LetGo, WITHIN).await.unwrap();
    assert_eq!(let_go.only().await.state, TransactionState::Voided);
    assert_eq!(let_go.effects(Verb::Capture).await, 0);
}

/// A decline is a value, and so is a page that nobody has paid on.
pub(crate) async fn a_decline_is_a_value<V: Vendor>() {
    let paying = Paying::<V>::open(1).await;
    paying.standin.shopper(&paying.session, "decline").await;
    assert!(matches!(paying.only().await.state, TransactionState::Declined { .. }));
    // Half an hour of the vendor's in less than a second.
    let paying = Paying::<V>::open(3_600).await;
    for _ in 0..200 {
        if matches!(paying.only().await.state, TransactionState::Declined { .. }) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("a page that nobody pays on is never over");
}

/// However an answer goes wrong, before the effect or after it: it is no answer or the right one, the look-up finds what
/// there is, and saying it again leaves one effect.
pub(crate) async fn a_lost_answer_is_looked_up<V: Vendor>(verb: Verb) -> usize {
    let (op, _) = V::effect(verb);
    let mut tried = 0;
    let all = Standin::<V>::start(1).await;
    for when in ["before", "after"] {
        for fault in all.faults(op, when).await {
            let paying = Paying::<V>::before(verb).await;
            paying.standin.fault(op, &fault).await;
            let said = paying.say(verb, BRIEFLY).await;
            let known = said.is_ok();
            assert!(!known || when == "after", "{verb:?} {fault} is answered with {said:?}");
            let effects = usize::from(when == "after");
            assert_eq!(paying.effects(verb).await, effects, "{verb:?} {fault}");
            let found = paying.find(verb).await;
            // Where a vendor shows it late, nothing is found yet.
            let found = found.unwrap().is_some();
            assert!(found == (effects == 1) || fault == "lookup_lag", "{verb:?} {fault}");
            if fault != "lookup_lag" {
                paying.say(verb, WITHIN).await.unwrap();
            }
            assert_eq!(paying.effects(verb).await, 1, "{verb:?} {fault}");
            tried += 1;
        }
    }
    tried
}

/// Whatever is wrong with what is shown of a payment, nobody is told that it was paid, or another amount.
pub(crate) async fn what_is_shown_oddly_is_never_paid<V: Vendor>() -> usize {
    let paying = Paying::<V>::approved().await;
    let mut tried = 0;
    for when in ["before", "after"] {
        for fault in paying.standin.faults(V::LOOK_UP, when).await {
            paying.standin.fault(V::LOOK_UP, &fault).await;
            let shown = paying.standin.vendor.ask(&paying.question(), BRIEFLY).await;
            for transaction in shown.into_iter().flatten() {
                let Transaction { reference, state, amount, .. } = transaction;
                assert_eq!(state, TransactionState::Authorized, "{fault}");
                assert_eq!(reference, paying.charge.payment.bare(), "{fault}");
                // Another amount is told as it is: whoever settles it compares.
                assert!(amount == paying.charge.amount || fault.starts_with("amount_"), "{fault}");
            }
            tried += 1;
        }
    }
    tried
}

/// A throttle is no answer, and has done nothing.
pub(crate) async fn a_throttle_is_unavailable<V: Vendor>(verbs: &[Verb]) {
    for verb in verbs {
        let paying = Paying::<V>::before(*verb).await;
        paying.standin.fault(V::effect(*verb).0, "throttled").await;
        let error = paying.say(*verb, WITHIN).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{verb:?}: {error}");
        assert_eq!(paying.effects(*verb).await, 0, "{verb:?}");
    }
}
