//! The vendor of a payment whose customer has named none: a saved card's own, or the first in the operator's order that is
//! well. A customer has one way to pay at a time: while an earlier payment may still take money, there is no second one.

use crate::{app::App, auth::Caller, error::Error};
use schema::{
    choosing,
    ids::{BookingId, CardId, PaymentId},
    paying::PayWith,
    payments,
    provider::Provider,
    saved_cards,
    states::CardStatus,
};

/// The vendor that keeps this card. One that is not saved, or somebody else's, is none. A payment that is there already
/// keeps its vendor, whatever has become of the card since.
pub(super) async fn keeper(
    app: &App,
    caller: &Caller,
    payment: PaymentId,
    card: CardId,
) -> Result<Provider, Error> {
    if let Some(before) = payments::find(&app.db, payment).await? {
        return Ok(before.provider);
    }
    let found = saved_cards::find_for(&app.db, &caller.id, card).await?;
    let saved = found.filter(|found| found.status == CardStatus::Saved);
    saved.map(|found| found.provider).ok_or(Error::NotFound)
}

pub(super) const CHARGE_UNDER_WAY: &str =
    "A charge of this booking is on its way: see how it ends before you pay with a saved card.";

/// Nothing else is being charged for this booking. What is repeated under the same key is no second charge.
pub(super) async fn nothing_under_way(
    app: &App,
    booking: BookingId,
    payment: PaymentId,
) -> Result<(), Error> {
    let again = payments::find(&app.db, payment).await?.is_some();
    if !again && choosing::is_being_charged(&app.db, booking).await? {
        return Err(Error::Conflict {
            code: "payment_under_way".into(),
            detail: CHARGE_UNDER_WAY.into(),
            retryable: true,
        });
    }
    Ok(())
}

fn under_way() -> Error {
    Error::Conflict {
        code: "payment_under_way".into(),
        detail: "There is a payment of this booking that can still be paid: go on with that one, or name a `provider` to \
                 begin another."
            .into(),
        retryable: true,
    }
}

/// Chooses. A payment that is there already keeps its vendor, whatever has become of the others since.
pub(super) async fn provider(
    app: &App,
    booking: BookingId,
    payment: PaymentId,
    pay_with: &PayWith,
) -> Result<Provider, Error> {
    if let Some(before) = payments::find(&app.db, payment).await? {
        return Ok(before.provider);
    }
    if *pay_with != PayWith::Page {
        return Err(Error::invalid(
            "provider_wanted",
            "Name the `provider`: a card, a token or a sheet is for one vendor alone.",
        ));
    }
    if choosing::may_take_money(&app.db, booking).await? {
        return Err(under_way());
    }
    let failing = choosing::failing(&app.db).await?;
    let takes = |provider: &&Provider| {
        app.providers.get(**provider).is_some_and(|vendor| vendor.taking(pay_with).is_some())
    };
    let order = app.settings.provider_order.iter().filter(takes);
    // Of those that are as well as each other, the first.
    order.min_by_key(|provider| failing.contains(provider)).copied().ok_or(Error::Conflict {
        code: "provider_off".into(),
        detail: "No vendor is set up here that has a page to pay on.".into(),
        retryable: false,
    })
}
