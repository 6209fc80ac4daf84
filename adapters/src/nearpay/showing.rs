//! What a terminal's transactions say of our money. "Approved" alone is not enough: it must be a purchase at the
//! terminal that was asked, neither reversed nor refunded, in an amount that can be compared.

use super::wire::{Kind, Listed, Receipt, is_id};
use crate::{
    error::Error,
    provider::{RefundOrder, RefundState, Transaction, TransactionState},
};
use chrono::{DateTime, Utc};
use schema::money::{Money, Shown as Amount};
use tracing::warn;

/// A transaction, once its receipts have been put together.
pub(super) struct Shown<'a> {
    /// The terminal's own id of it: what a kiosk reverses it by.
    id: &'a str,
    /// When the terminal began it.
    pub(super) at: Option<DateTime<Utc>>,
    receipt: &'a Receipt,
    reversed: bool,
    /// Some of it was refunded, or all: the mark does not say how much.
    pub(super) refunded: bool,
    /// What was printed of a refund of this transaction, beside what was printed of itself.
    refund: Option<&'a Receipt>,
}

impl<'a> Shown<'a> {
    fn of(listed: &'a Listed) -> Result<Self, Error> {
        let broken = |what: &str| Error::unknown(format!("nearpay: a transaction {what}"));
        let receipts = &listed.receipts;
        // What follows a purchase has a receipt of its own beside it.
        let purchase = receipts.iter().find(|it| it.kind() == Kind::Purchase);
        let receipt = purchase.or(receipts.first()).ok_or_else(|| broken("without a receipt"))?;
        let id = receipt.transaction_uuid.as_deref().or(listed.id.as_deref());
        let id = id.filter(|id| is_id(id)).ok_or_else(|| broken("without an id"))?;
        let beside = |it: &&Receipt| it.kind() == Kind::Refund && receipt.kind() != Kind::Refund;
        let stands = |it: &&Receipt| it.is_approved == Some(true) && !it.is_reversed;
        let refund = receipts.iter().filter(beside).find(stands);
        Ok(Self {
            id,
            at: listed.created_at,
            receipt,
            // A refund that was reversed is no reversal of what it was to give back.
            reversed: receipts.iter().any(|it| it.is_reversed && !beside(&it)),
            refunded: refund.is_some() || receipts.iter().any(|it| it.is_refunded),
            refund,
        })
    }

    /// The one with this id.
    pub(super) fn find(listed: &'a [Listed], id: &str) -> Result<Option<Self>, Error> {
        for one in listed {
            let shown = Self::of(one)?;
            if shown.id == id {
                return Ok(Some(shown));
            }
        }
        Ok(None)
    }

    /// What became of the money. What was approved and is not as it should be is neither ours to keep nor nobody's: it
    /// stays undecided until a person has looked.
    fn state(&self, terminal: Option<&str>) -> TransactionState {
        let asked = terminal.is_some() && self.receipt.tid.as_deref() == terminal;
        let (id, purchase) = (self.id, self.receipt.kind() == Kind::Purchase);
        match self.receipt.is_approved {
            None => TransactionState::Pending,
            Some(false) => TransactionState::Declined { code: self.receipt.action_code() },
            Some(true) if self.reversed => TransactionState::Voided,
            Some(true) if self.refunded => {
                TransactionState::Declined { code: "refunded".to_owned() }
            }
            Some(true) if asked && purchase => TransactionState::Captured { review: false },
            Some(true) => {
                warn!(transaction = id, asked, purchase, "nearpay shows {id}, approved elsewhere");
                TransactionState::Pending
            }
        }
    }
}

/// Every charge among these, each once, oldest first. `terminal`: the one that was asked; None until that is known.
pub(super) fn charges(
    listed: &[Listed],
    reference: &str,
    terminal: Option<&str>,
) -> Result<Vec<Transaction>, Error> {
    let mut charges: Vec<(Option<DateTime<Utc>>, Transaction)> = Vec::new();
    for one in listed {
        let shown = Shown::of(one)?;
        let known = charges.iter().any(|(_, charge)| charge.id == shown.id);
        if known || shown.receipt.kind() == Kind::Refund {
            continue;
        }
        let state = shown.state(terminal);
        let charge = Transaction {
            id: shown.id.to_owned(),
            reference: reference.to_owned(),
            account: None,
            amount: match state {
                TransactionState::Captured { .. } => shown.receipt.money()?,
                // No money has moved that anybody would compare.
                TransactionState::Authorized
                | TransactionState::Voided
                | TransactionState::Pending
                | TransactionState::Declined { .. } => {
                    shown.receipt.money().unwrap_or_else(|_| Money::sar(0).into())
                }
            },
            state,
            at: shown.at,
            brand: shown.receipt.brand(),
            last4: shown.receipt.last4(),
        };
        charges.push((shown.at, charge));
    }
    charges.sort_by_key(|(at, _)| *at);
    Ok(charges.into_iter().map(|(_, charge)| charge).collect())
}

/// What was given back of this very transaction, though not under the refund's reference: a reversal gives back all of it, a
/// refund what is printed beside it, or under the payment's own reference, if no other there is marked as refunded.
/// `listed`: all under that.
pub(super) fn given_back(
    order: &RefundOrder,
    charged: &Shown<'_>,
    listed: &[Listed],
) -> Result<Option<RefundState>, Error> {
    let marked = |it: &&Listed| it.receipts.iter().any(|receipt| receipt.is_refunded);
    let (receipt, id) = match charged.refund {
        _ if charged.reversed => (charged.receipt, None),
        Some(refund) => (refund, refund.transaction_uuid.as_deref()),
        None if charged.refunded && listed.iter().filter(marked).count() == 1 => {
            return refunded(order, listed);
        }
        None => return Ok(None),
    };
    same(&receipt.money()?, order)?;
    let id = id.filter(|id| is_id(id)).unwrap_or(charged.id);
    Ok(Some(RefundState::Refunded { transaction: id.to_owned() }))
}

/// The refund that was made under the reference of these, if it was approved.
pub(super) fn refunded(
    order: &RefundOrder,
    listed: &[Listed],
) -> Result<Option<RefundState>, Error> {
    for one in listed {
        let shown = Shown::of(one)?;
        let approved = shown.receipt.is_approved == Some(true) && !shown.reversed;
        if shown.receipt.kind() == Kind::Refund && approved {
            same(&shown.receipt.money()?, order)?;
            return Ok(Some(RefundState::Refunded { transaction: shown.id.to_owned() }));
        }
    }
    Ok(None)
}

fn same(given_back: &Amount, order: &RefundOrder) -> Result<(), Error> {
    if *given_back == order.amount {
        return Ok(());
    }
    Err(Error::unknown("nearpay: another amount was given back than is owed"))
}
