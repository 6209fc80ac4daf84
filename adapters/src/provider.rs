//! The verbs every payment vendor signs, and the words they are said in.

use crate::error::Error;
use async_trait::async_trait;
use schema::{
    ids::{BookingId, PaymentId, RefundId},
    money::Money,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One attempt to pay: what we ask a vendor to take.
#[derive(Clone, Debug)]
pub struct Charge {
    pub payment: PaymentId,
    pub booking: BookingId,
    pub amount: Money,
    /// Where the vendor sends the browser when the customer is done.
    pub return_url: String,
}

/// The vendor's open page or session for a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The vendor's own id of the session.
    pub id: String,
    /// The vendor's account (entity) it was opened under; every later call about it must name the same.
    pub account: String,
    /// How long from its creation the customer can pay in it, at most.
    pub lives_ms: u64,
}

/// Where the customer pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The vendor's own page.
    Redirect { url: String },
    /// The vendor's script on a page of ours: it turns a form of class `paymentWidgets` into its card form.
    Widget { script: String, brands: &'static str },
}

/// How to find what became of a payment.
#[derive(Clone, Debug)]
pub struct Question {
    pub payment: PaymentId,
    pub session: Option<Session>,
    /// The vendor's transaction that a hint has named.
    pub transaction: Option<String>,
}

/// One transaction that the vendor shows under our reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The vendor's id.
    pub id: String,
    /// Our reference, as the vendor shows it.
    pub reference: String,
    pub amount: Money,
    pub state: TransactionState,
    /// Card brand and last four digits, for people. Nothing more of a card is ever read.
    pub brand: Option<String>,
    pub last4: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum TransactionState {
    /// The money was taken. `review`: taken, and the vendor asks for a manual look.
    Captured { review: bool },
    /// Reserved, not taken.
    Authorized,
    /// Not final.
    Pending,
    /// Final for this transaction, not for the session: another card may succeed. `code` is the vendor's.
    Declined { code: String },
}

/// Money to give back.
#[derive(Clone, Debug)]
pub struct RefundOrder {
    pub refund: RefundId,
    /// The vendor's transaction that took the money, and the account it was taken under.
    pub transaction: String,
    pub account: String,
    pub amount: Money,
}

/// What the vendor says of a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum RefundState {
    Refunded {
        transaction: String,
    },
    Pending {
        transaction: String,
    },
    /// The vendor will not do it as asked (already refunded, window closed, too much). A person decides.
    Rejected {
        code: String,
        reason: String,
    },
}

/// What a webhook claims. Never believed: it only says whom to ask about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The same for every delivery of the same event, whatever its wrapper or encryption: 26 to 64 of [0-9a-z].
    pub event: String,
    pub claim: Claim,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Claim {
    /// About money coming in under this reference of ours. `final_success`: the hint says it was taken.
    Payment { reference: String, transaction: Option<String>, final_success: bool },
    /// About money going back under this reference of ours.
    Refund { reference: String, transaction: Option<String> },
    /// The money was taken back by the cardholder's bank.
    Chargeback { reference: Option<String>, transaction: Option<String> },
    /// Nothing for us: a test ping, a stored card.
    Other { kind: String },
}

/// One payment vendor. The contract all sign: every verb may be called twice with the same reference and takes effect
/// at most once, or its answer is `Error::Unknown`; a time-out is `Unknown`; a decline is a value; amount, currency
/// and reference of every answer have been compared with what was asked.
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    /// Opens a page to pay on. Harmless: a session nobody pays in is nothing.
    async fn open(&self, charge: &Charge, within: Duration) -> Result<Session, Error>;

    /// Where the customer pays in a session; asks nobody.
    fn page(&self, session: &str) -> Page;

    /// Every transaction the vendor shows for this payment, oldest first. Empty: it shows none (yet).
    /// A limit on reads is kept here: over it the answer is `Unavailable` with the time to come back.
    async fn ask(&self, question: &Question, within: Duration) -> Result<Vec<Transaction>, Error>;

    /// Sends money back under the refund's own reference.
    async fn refund(&self, order: &RefundOrder, within: Duration) -> Result<RefundState, Error>;

    /// What became of a refund, by its reference. `None`: the vendor shows none (yet).
    async fn find_refund(
        &self,
        order: &RefundOrder,
        within: Duration,
    ) -> Result<Option<RefundState>, Error>;

    /// Verifies a webhook on its raw bytes, then reads it. `header` gives a header's value by lower-case name.
    fn read_webhook(
        &self,
        header: &(dyn for<'h> Fn(&'h str) -> Option<String> + Sync),
        body: &[u8],
    ) -> Result<Hint, Error>;
}
