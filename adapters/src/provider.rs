//! The verbs every payment vendor signs, and the words they are said in.

use crate::{card_keeper::CardKeeper, error::Error};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schema::{
    ids::{BookingId, PaymentId, RefundId},
    money::{Money, Shown},
    paying::{Buyer, NextAct, PayWith, Purchase, Taking},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One attempt to pay: what we ask a vendor to take.
#[derive(Clone, Debug)]
pub struct Charge {
    pub payment: PaymentId,
    pub booking: BookingId,
    pub amount: Money,
    pub taking: Taking,
    pub pay_with: PayWith,
    /// What `pay_with` stands for: the token of a card, what Apple's sheet gave. None on the vendor's own page.
    pub secret: Option<SecretString>,
    pub buyer: Buyer,
    /// What the buyer has bought before, newest first; a handful.
    pub purchases: Vec<Purchase>,
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
    /// What the customer does in it.
    pub next: NextAct,
}

/// What opening a payment came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Opened {
    Open(Session),
    /// The vendor does not want this customer or this order; `code` is a word of ours that the customer can be told.
    Rejected {
        code: String,
    },
}

/// How to find what became of a payment.
#[derive(Clone, Debug)]
pub struct Question {
    pub payment: PaymentId,
    /// The vendor's session and the account it was opened under, once it is open.
    pub session: Option<String>,
    pub account: Option<String>,
    /// The vendor's transaction that a hint has named.
    pub transaction: Option<String>,
    /// The vendor's transactions that were settled for it before.
    pub known: Vec<String>,
}

/// One transaction that the vendor shows under our reference: reserving money, taking it later and letting it go are
/// one, under the id it was reserved by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The vendor's id.
    pub id: String,
    /// Our reference, as the vendor shows it.
    pub reference: String,
    /// The vendor's account that it is under, where later calls about it must name one.
    pub account: Option<String>,
    /// As the vendor shows it, be it another than was asked: whoever settles it compares.
    pub amount: Shown,
    pub state: TransactionState,
    /// When it was made, by the vendor's clock. Only of a terminal, which gives back for a minute alone.
    pub at: Option<DateTime<Utc>>,
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
    /// It was reserved, and let go.
    Voided,
    /// Not final.
    Pending,
    /// Final for this transaction, not for the session: another card may succeed. `code` is the vendor's.
    Declined { code: String },
}

/// Reserved money to take.
#[derive(Clone, Debug)]
pub struct CaptureOrder {
    pub payment: PaymentId,
    /// The vendor's transaction that reserved it, and the account it was reserved under.
    pub transaction: String,
    pub account: String,
    pub amount: Money,
}

/// What the vendor says of taking reserved money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum CaptureState {
    /// All of it was taken. `transaction`: by this one, where the vendor may speak of it alone later.
    Captured {
        #[serde(default)]
        transaction: Option<String>,
    },
    Pending,
    /// Something was taken, for certain, and not what was asked for. A person decides.
    Otherwise {
        taken: Shown,
    },
    /// The vendor will not do it (the reservation has lapsed or was let go). A person decides.
    Rejected {
        code: String,
        reason: String,
    },
}

/// Money to give back.
#[derive(Clone, Debug)]
pub struct RefundOrder {
    pub refund: RefundId,
    pub payment: PaymentId,
    /// The vendor's transaction that took the money, and the account it was taken under.
    pub transaction: String,
    pub account: String,
    pub amount: Money,
    /// The money was reserved and never taken: it is let go, all of it.
    pub reserved: bool,
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

/// What a vendor has posted to us.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// A header's value by its lower-case name.
    pub header: &'a (dyn for<'h> Fn(&'h str) -> Option<String> + Sync),
    /// What follows the vendor's name in the path, if anything: where a vendor signs nothing, a secret.
    pub path: Option<&'a str>,
    /// The raw bytes; what is signed is these.
    pub body: &'a [u8],
}

/// One payment vendor. The contract all sign: every verb may be called twice with the same reference and takes effect
/// at most once, or its answer is `Error::Unknown`; a time-out is `Unknown`; a decline is a value; amount, currency
/// and reference of every answer have been compared with what was asked, but for a transaction's amount (`ask`), which
/// is told as it is.
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    /// When money paid with this moves: the vendor's line in the table of `ARCHITECTURE.md`. None: not taken here.
    fn taking(&self, pay_with: &PayWith) -> Option<Taking>;

    /// It wants to know what the buyer has bought before (`Charge::purchases`).
    fn wants_purchases(&self) -> bool {
        false
    }

    /// It wants to know where the buyer asks from (`Buyer::address`).
    fn wants_address(&self) -> bool {
        false
    }

    /// What it does for customers who want to save a card. None: it keeps none, or none for us.
    fn cards(&self) -> Option<&dyn CardKeeper> {
        None
    }

    /// Opens a page to pay on, or charges what the customer has given us (`pay_with.moves_money()`). A page is harmless:
    /// a session nobody pays in is nothing. A decline is a session in which nothing is left to do.
    async fn open(&self, charge: &Charge, within: Duration) -> Result<Opened, Error>;

    /// What became of an `open` that moves money, or of a `proceed`, by the payment's reference. `None`: the vendor shows
    /// none (yet).
    async fn find_opened(&self, charge: &Charge, within: Duration)
    -> Result<Option<Opened>, Error>;

    /// Goes on with what the customer has given in a session that waits for it (`NextAct::waits_for_the_customer`): a
    /// one-time password, the token of a card. Moves money. Vendors without such a step refuse.
    async fn proceed(
        &self,
        charge: &Charge,
        session: &Session,
        given: &SecretString,
        within: Duration,
    ) -> Result<Opened, Error>;

    /// Every transaction the vendor shows for this payment, oldest first. Empty: it shows none (yet).
    /// A limit on reads is kept here: over it the answer is `Unavailable` with the time to come back.
    async fn ask(&self, question: &Question, within: Duration) -> Result<Vec<Transaction>, Error>;

    /// Takes money that was reserved, all of it, once.
    async fn capture(&self, order: &CaptureOrder, within: Duration) -> Result<CaptureState, Error>;

    /// What became of a capture. `None`: the vendor shows none (yet).
    async fn find_capture(
        &self,
        order: &CaptureOrder,
        within: Duration,
    ) -> Result<Option<CaptureState>, Error>;

    /// Sends money back under the refund's own reference, or lets go of what was only reserved.
    async fn refund(&self, order: &RefundOrder, within: Duration) -> Result<RefundState, Error>;

    /// What became of a refund, by its reference. `None`: the vendor shows none (yet).
    async fn find_refund(
        &self,
        order: &RefundOrder,
        within: Duration,
    ) -> Result<Option<RefundState>, Error>;

    /// Verifies a webhook on its raw bytes, then reads it.
    fn read_webhook(&self, delivery: Delivery<'_>) -> Result<Hint, Error>;

    /// What the browser brings back from the vendor's page that this payment goes on with (`proceed`), once it is
    /// verified. None: nothing, the vendor is asked. What the vendor has signed for another payment is forged here: it
    /// must not stand in the way of this one's own. `fields` are those of the query or of the form.
    fn read_return(
        &self,
        payment: PaymentId,
        fields: &[(String, String)],
    ) -> Result<Option<SecretString>, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps keep their answers, and journals theirs.
    #[test]
    fn what_was_kept_before_captures_had_ids_is_still_read() {
        let kept: CaptureState = serde_json::from_str(r#"{"is":"captured"}"#).unwrap();
        assert_eq!(kept, CaptureState::Captured { transaction: None });
        let part = CaptureState::Otherwise { taken: Money::sar(5_750).into() };
        let written = r#"{"is":"otherwise","taken":{"amount_minor":5750,"currency":"SAR"}}"#;
        assert_eq!(serde_json::to_string(&part).unwrap(), written);
    }
}
