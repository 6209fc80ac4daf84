//! The promises of `PaymentProvider`, one by one, for every vendor: each verb twice and one effect, a lost answer is looked
//! up, a decline is a value, an answer about something else is none, and whatever nobody knows of the vendor changes
//! nothing of that.

use crate::{
    paying::{Paying, Said},
    standin::{Standin, is_unknown},
    vendor::{BRIEFLY, Vendor, Verb, WITHIN},
};
use adapters::{
    Error,
    provider::{PaymentProvider, Transaction, TransactionState},
};
use schema::{
    money::Money,
    paying::{PayWith, Taking},
};
use std::{collections::BTreeSet, time::Duration};

/// Every way to pay that leads to this verb.
fn ways<V: Vendor>(at: &Standin<V>, verb: Verb) -> Vec<PayWith> {
    let mut ways = V::ways();
    ways.retain(|pay_with| {
        let taking = at.vendor.taking(pay_with).unwrap();
        let reserved = taking == Taking::OnceConfirmed;
        let has_it = V::effect(verb, taking).is_some();
        has_it && (reserved || !matches!(verb, Verb::Capture | Verb::LetGo))
    });
    ways
}

/// Nothing is paid before the customer has; then the money is where it is said to be: reserved, taken or let go, in the
/// amount and under the reference that were asked.
pub(crate) async fn a_payment_is_shown_as_it_stands<V: Vendor>() {
    let at = Standin::<V>::start().await;
    for pay_with in V::ways() {
        let begun = Paying::begun(&at, pay_with.clone()).await;
        let pending = |one: &Transaction| one.state == TransactionState::Pending;
        assert!(begun.all().await.iter().all(pending), "paid before anybody has");
        let approved = Paying::approved(&at, pay_with).await;
        let first = approved.shown().await;
        assert_eq!(approved.shown().await, first, "asked twice, told the same");
        if approved.charge.taking == Taking::AtOnce || !V::SHOWS_WHAT_FOLLOWED {
            continue;
        }
        for (verb, state) in [
            (Verb::Capture, TransactionState::Captured { review: false }),
            (Verb::LetGo, TransactionState::Voided),
        ] {
            let mut paying = Paying::approved(&at, approved.charge.pay_with.clone()).await;
            paying.said(verb).await;
            paying.found(verb).await;
            let shown = paying.shown().await;
            assert_eq!((shown.state, shown.amount.money()), (state, Some(paying.charge.amount)));
        }
    }
}

/// Said twice, done once, and the look-up says what the first answer said; of a refund also in part, where there would be
/// enough left for a second one.
pub(crate) async fn twice_is_once<V: Vendor>(verb: Verb) {
    let at = Standin::<V>::start().await;
    for pay_with in ways(&at, verb) {
        let paying = Paying::ready(&at, verb, pay_with.clone()).await;
        has_one_effect(paying, verb).await;
        if verb == Verb::Refund {
            let mut paying = Paying::ready(&at, verb, pay_with).await;
            paying.back = Money::sar(4_000);
            has_one_effect(paying, verb).await;
        }
    }
}

async fn has_one_effect<V: Vendor>(mut paying: Paying<'_, V>, verb: Verb) {
    paying.is_not_there(verb).await;
    let first = paying.said(verb).await;
    assert!(!matches!(first, Said::No(_)), "{verb:?}: {first:?}");
    if !V::LOOKS_UP_FIRST {
        say_again(&mut paying, verb, &first).await;
    }
    let found = paying.found(verb).await;
    let same = if first == Said::Pending { matches!(found, Said::Done(_)) } else { found == first };
    assert!(same, "{verb:?} was {first:?}, and is {found:?}");
    assert_eq!(paying.moved(paying.effect(verb).begun).await, [paying.asked(verb)], "{verb:?}");
}

/// The second answer is the first, or a no, or none: never another success, and never that the first was not done.
async fn say_again<V: Vendor>(paying: &mut Paying<'_, V>, verb: Verb, first: &Said) {
    let again = paying.say(verb, WITHIN).await;
    let honest = match &again {
        Ok(said @ Said::Done(_)) => said == first || *first == Said::Pending,
        Ok(Said::Pending | Said::No(_)) => true,
        Ok(Said::Otherwise) => false,
        Err(_) => is_unknown(&again),
    };
    assert!(honest, "{verb:?} was {first:?}, and again {again:?}");
}

/// However the answer to a verb goes wrong, before the effect, after it or late, and whatever becomes of it at the vendor:
/// the adapter says no more than it knows, the look-up finds what the ledger has, and saying it again leaves one effect.
pub(crate) async fn a_lost_answer_is_looked_up<V: Vendor>(verb: Verb) {
    let at = Standin::<V>::start().await;
    let mut tried = BTreeSet::new();
    for pay_with in ways(&at, verb) {
        let operation = V::effect(verb, at.vendor.taking(&pay_with).unwrap()).unwrap().operation;
        if !tried.insert(operation) {
            continue;
        }
        // What a charge becomes is not for `open` to say, but for `ask`.
        let becomes = if verb == Verb::Charge { None } else { Some("inside") };
        for when in ["before", "after", "late"].into_iter().chain(becomes) {
            for fault in at.faults(operation, when).await {
                let paying = Paying::ready(&at, verb, pay_with.clone()).await;
                at.fault(operation, &fault).await;
                match when {
                    "before" => never_happened(paying, verb, &fault).await,
                    "inside" => became(paying, verb, &fault).await,
                    _ => happened(paying, verb, &fault).await,
                }
                at.has_gone_wrong().await;
            }
        }
    }
    assert!(!tried.is_empty(), "{verb:?} was never said");
}

async fn never_happened<V: Vendor>(mut paying: Paying<'_, V>, verb: Verb, fault: &str) {
    let said = paying.say(verb, BRIEFLY).await;
    assert!(matches!(said, Ok(Said::No(_)) | Err(_)), "{verb:?} {fault}: {said:?}");
    let begun = paying.effect(verb).begun;
    assert_eq!(paying.moved(begun).await, [0; 0], "{verb:?} {fault}");
    paying.is_not_there(verb).await;
    paying.said(verb).await;
    assert!(matches!(paying.found(verb).await, Said::Done(_)), "{verb:?} {fault}");
    assert_eq!(paying.moved(begun).await, [paying.asked(verb)], "{verb:?} {fault}");
}

async fn happened<V: Vendor>(mut paying: Paying<'_, V>, verb: Verb, fault: &str) {
    let said = paying.say(verb, BRIEFLY).await;
    let is_other = is_unknown(&said) || matches!(said, Ok(Said::Otherwise));
    let honest = matches!(said, Ok(Said::Done(_) | Said::Pending)) || is_unknown(&said);
    assert!(honest || is_other && alters(fault), "{verb:?} {fault}: {said:?}");
    let effect = paying.effect(verb);
    let unseen = V::UNSEEN.contains(&(effect.operation, fault));
    assert!(!alters(fault) || unseen || is_other, "{verb:?} {fault}: {said:?}");
    let found = paying.found(verb).await;
    assert!(matches!(found, Said::Done(_)), "{verb:?} {fault}: {found:?}");
    if !V::LOOKS_UP_FIRST {
        say_again(&mut paying, verb, &found).await;
    }
    assert_eq!(paying.moved(effect.begun).await, [paying.asked(verb)], "{verb:?} {fault}");
    // The customer goes on where the answer was lost, and has paid once.
    if verb == Verb::Charge && paying.goes_on("approve").await {
        paying.is_paid().await;
        assert_eq!(paying.moved(&[effect.done]).await, [paying.asked(verb)], "{fault}");
    }
}

/// What the vendor decides otherwise, or later, or never: what is certain is true, and what was done is found.
async fn became<V: Vendor>(mut paying: Paying<'_, V>, verb: Verb, fault: &str) {
    let said = paying.say(verb, WITHIN).await;
    let mut certain = None;
    for _ in 0..60 {
        certain = paying.certain(verb).await;
        if certain.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let moved = paying.moved(&[paying.effect(verb).done]).await;
    let all = moved == [paying.asked(verb)];
    assert_eq!(matches!(certain, Some(Said::Done(_))), all, "{fault}: {certain:?}, {moved:?}");
    assert!(all || !matches!(said, Ok(Said::Done(_))), "{fault}: {said:?}, {moved:?}");
    assert!(moved.is_empty() || !matches!(certain, Some(Said::No(_))), "{fault}: {moved:?}");
}

/// The amount, the currency or the reference is another than was asked.
fn alters(fault: &str) -> bool {
    matches!(
        fault,
        "amount_mismatch" | "amount_hundredth" | "currency_mismatch" | "reference_mismatch"
    )
}

/// A customer who declines has paid nothing; a vendor that declines has done nothing. Both are answers.
pub(crate) async fn a_decline_is_a_value<V: Vendor>() {
    let at = Standin::<V>::start().await;
    for pay_with in V::ways() {
        assert!(is_declined_by_the_customer(&at, pay_with).await);
    }
    for verb in Verb::ALL {
        for pay_with in ways(&at, verb) {
            let paying = Paying::ready(&at, verb, pay_with).await;
            let operation = paying.effect(verb).operation;
            if at.faults(operation, "inside").await.iter().any(|fault| fault == "decline") {
                at.fault(operation, "decline").await;
                is_declined_by_the_vendor(paying, verb).await;
                at.has_gone_wrong().await;
            }
        }
    }
}

/// False: there is nothing the customer could decline.
async fn is_declined_by_the_customer<V: Vendor>(at: &Standin<V>, pay_with: PayWith) -> bool {
    let mut paying = Paying::begun(at, pay_with).await;
    if !paying.act("decline").await {
        return false;
    }
    let shown = paying.shown().await;
    assert!(matches!(shown.state, TransactionState::Declined { .. }), "{shown:?}");
    assert_eq!(paying.moved(&["authorize", "capture"]).await, [0; 0]);
    true
}

async fn is_declined_by_the_vendor<V: Vendor>(mut paying: Paying<'_, V>, verb: Verb) {
    let said = paying.said(verb).await;
    if verb == Verb::Charge {
        assert!(!paying.session().next.waits_for_the_customer());
        let shown = paying.shown().await;
        assert!(matches!(shown.state, TransactionState::Declined { .. }), "{shown:?}");
        assert_eq!(paying.moved(&["authorize", "capture"]).await, [0; 0]);
        return;
    }
    assert!(!matches!(said, Said::Done(_)), "{verb:?}: {said:?}");
    assert!(matches!(paying.found(verb).await, Said::No(_)), "{verb:?}");
    assert_eq!(paying.moved(&[paying.effect(verb).done]).await, [0; 0], "{verb:?}");
}

/// Whatever is wrong with what is shown of a payment: it is not told as paid for the price by anybody who was not, and
/// only the vendor's own word makes it absent.
pub(crate) async fn what_is_shown_oddly_is_never_paid<V: Vendor>() {
    let at = Standin::<V>::start().await;
    for pay_with in V::ways() {
        let paying = Paying::approved(&at, pay_with).await;
        let truth = paying.shown().await;
        for (when, fault) in odd(&at, V::ASKS).await {
            at.fault(V::ASKS, &fault).await;
            let shown = paying.ask(BRIEFLY).await;
            at.has_gone_wrong().await;
            let Ok(shown) = shown else { continue };
            let unseen = V::UNSEEN.contains(&(V::ASKS, fault.as_str()));
            let altered = alters(&fault) && !unseen;
            let absent = V::SAYS_NONE.contains(&fault.as_str()) || fault.ends_with("_mismatch");
            assert!(!shown.is_empty() || absent, "{when} {fault}: nothing is shown");
            for Transaction { id, reference, amount, state, .. } in shown {
                assert_eq!(reference, truth.reference, "{fault}");
                assert!(id == truth.id || unseen, "{fault}: {id}");
                let known = state == truth.state || state == TransactionState::Pending;
                assert!(known, "{fault}: {state:?}");
                // Another amount is told as it is: whoever settles it compares.
                assert_eq!(amount != truth.amount, altered, "{fault}: {amount:?}");
            }
        }
    }
}

/// The same of what follows a payment: a look-up that shows something else has not found it.
pub(crate) async fn what_is_found_oddly_is_not_found<V: Vendor>() {
    let at = Standin::<V>::start().await;
    let verb = if ways(&at, Verb::Capture).is_empty() { Verb::Refund } else { Verb::Capture };
    for pay_with in ways(&at, verb) {
        let mut paying = Paying::ready(&at, verb, pay_with).await;
        paying.said(verb).await;
        let truth = paying.found(verb).await;
        for (when, fault) in odd(&at, V::FINDS).await {
            at.fault(V::FINDS, &fault).await;
            let found = paying.find(verb, BRIEFLY).await;
            at.has_gone_wrong().await;
            let unseen = V::UNSEEN.contains(&(V::FINDS, fault.as_str()));
            let told = match found {
                Ok(Some(Said::Otherwise)) => alters(&fault),
                Ok(Some(said)) => said == truth && (unseen || !alters(&fault)),
                Ok(None) => V::SAYS_NONE.contains(&fault.as_str()) || fault.ends_with("_mismatch"),
                Err(error) => !matches!(error, Error::Forged { .. }),
            };
            assert!(told, "{when} {fault}");
        }
    }
}

/// Every fault of a look-up, with the side on which it falls.
async fn odd<V: Vendor>(at: &Standin<V>, operation: &str) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for when in ["before", "after"] {
        all.extend(at.faults(operation, when).await.into_iter().map(|fault| (when, fault)));
    }
    assert!(all.len() > 25, "{operation} knows only {all:?}");
    all
}

/// Whatever nobody knows about the vendor is as it is: every payment still goes its way once.
pub(crate) async fn every_position_of_every_switch_is_taken<V: Vendor>() {
    let positions = Standin::<V>::start().await.positions().await;
    assert!(!positions.is_empty());
    for (name, position) in &positions {
        if V::BY_ITSELF.contains(&(name.as_str(), position.as_str())) {
            continue;
        }
        let at = Standin::<V>::start().await;
        at.switch(name, position).await;
        println!("{}: {name} is {position}", V::NAME);
        for verb in Verb::ALL {
            for pay_with in ways(&at, verb) {
                has_one_effect(Paying::ready(&at, verb, pay_with).await, verb).await;
            }
        }
        for pay_with in V::ways() {
            is_declined_by_the_customer(&at, pay_with).await;
        }
    }
}
