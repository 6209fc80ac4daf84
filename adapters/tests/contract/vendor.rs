//! What a vendor says of itself to sign the contract. A new one writes this, names its verbs in `main.rs`, and is held to
//! every promise of `suite.rs`.

use crate::standin::Standin;
use adapters::provider::{Charge, PaymentProvider, RefundOrder, Session};
use schema::{
    ids::IdKey,
    money::Money,
    paying::{Buyer, NextAct, PayWith, Taking},
};
use secrecy::SecretString;
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// Time enough for every answer that comes.
pub(crate) const WITHIN: Duration = Duration::from_secs(10);
/// Long enough for an answer on this machine, short enough to wait for one that never comes.
pub(crate) const BRIEFLY: Duration = Duration::from_millis(250);
pub(crate) const PRICE: Money = Money::sar(10_580);

/// A call that changes something at the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `open` or `proceed`, whichever charges.
    Charge,
    Capture,
    Refund,
    /// A refund of what was only reserved.
    LetGo,
}

impl Verb {
    pub(crate) const ALL: [Self; 4] = [Self::Charge, Self::Capture, Self::Refund, Self::LetGo];
}

/// What a verb is at the stand-in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effect {
    /// The operation that faults are installed at.
    pub(crate) operation: &'static str,
    /// What the ledger has once it was accepted.
    pub(crate) begun: &'static [&'static str],
    /// What it has once the money moved.
    pub(crate) done: &'static str,
}

impl Effect {
    /// Accepted is done.
    pub(crate) const fn at_once(operation: &'static str, done: &'static [&'static str; 1]) -> Self {
        Self { operation, begun: done, done: done[0] }
    }
}

/// A vendor under test.
pub(crate) trait Vendor: Sized {
    /// What the control plane calls it.
    const NAME: &'static str;
    type Adapter: PaymentProvider;

    /// How many times faster its time passes: its lags are short, and its pages still live for seconds.
    const FACTOR: u32 = 200;
    /// How its stand-in is set for everything but the promise about switches.
    const SWITCHED: &'static [(&'static str, &'static str)] = &[];
    /// Nothing at the vendor keeps it from doing a thing twice: only the look-up before the second call does. So nothing is
    /// said again here that the life of a step would not say again.
    const LOOKS_UP_FIRST: bool = false;
    /// A payment's own look-up shows that its money was taken or let go.
    const SHOWS_WHAT_FOLLOWED: bool = true;
    /// The operations that `ask` looks with, and `find_capture` and `find_refund`.
    const ASKS: &'static str;
    const FINDS: &'static str;
    /// Faults by which the vendor itself says that there is no such thing.
    const SAYS_NONE: &'static [&'static str] = &["lookup_lag"];
    /// An operation's answer does not show what this fault changes, or is not the only word on it.
    const UNSEEN: &'static [(&'static str, &'static str)] = &[];
    /// Positions of switches under which a payment goes another way, with a test of its own.
    const BY_ITSELF: &'static [(&'static str, &'static str)] = &[];

    fn adapter(base: &str, factor: u32) -> Self::Adapter;

    /// The ways to pay that differ at this vendor.
    fn ways() -> Vec<PayWith>;

    /// None: the vendor has no such verb.
    fn effect(verb: Verb, taking: Taking) -> Option<Effect>;

    /// What the customer's app has got from the vendor, to pay with at once.
    async fn token(_: &Standin<Self>) -> Option<SecretString> {
        None
    }

    /// The customer fills in the vendor's form: what comes back, for us to charge.
    async fn fills_in(_: &Standin<Self>, _: &Charge, session: &Session) -> SecretString {
        panic!("{} has no form: {session:?}", Self::NAME)
    }

    /// The customer does what is left to do to pay, or not to. False: nothing is left.
    async fn acts(at: &Standin<Self>, _: &Charge, session: &Session, outcome: &str) -> bool {
        let on_a_page = matches!(session.next, NextAct::Redirect { .. } | NextAct::Widget { .. });
        if on_a_page {
            at.shopper(&session.id, outcome).await;
        }
        on_a_page
    }

    /// A person gives money back that no server can.
    async fn gives_back(_: &Standin<Self>, _: &RefundOrder) {}
}

/// A payment that nobody else makes.
pub(crate) async fn charge<V: Vendor>(at: &Standin<V>, pay_with: PayWith) -> Charge {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let ids = ids();
    let booking = ids.booking("contract", &MADE.fetch_add(1, Ordering::Relaxed).to_string());
    let secret = if pay_with.moves_money() { V::token(at).await } else { None };
    Charge {
        payment: ids.payment(booking, "1"),
        booking,
        amount: PRICE,
        taking: at.vendor.taking(&pay_with).unwrap(),
        pay_with,
        secret,
        buyer: Buyer {
            name: Some("Sara Ali".to_owned()),
            email: Some("sara@example.com".to_owned()),
            phone: Some("+966500000001".to_owned()),
            ..Buyer::default()
        },
        purchases: Vec::new(),
        return_url: "https://cinema.example/return".to_owned(),
    }
}

pub(crate) fn ids() -> IdKey {
    IdKey::new(vec![7; 32])
}
