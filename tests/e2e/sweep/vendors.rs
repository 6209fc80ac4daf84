//! Every fault that a stand-in knows, at every operation that a flow calls: one booking each, all vendors mixed.
//!
//! Of a fault that stands for many (a status, a code) one example is tried at each operation, and they take turns;
//! `USHER_FAULTS=all` tries all of them everywhere, `USHER_FAULTS_OF=tabby,checkout` at these vendors only.

use super::stories::{Stage, Story, Tale, tale};
use crate::staff::{DECIDE, READ, Staff};
use harness::{VENDORS, Visit, Way, until, visit_alone};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    sync::Arc,
};
use tokio::{sync::Semaphore, task::JoinSet};

/// So many bookings at once.
const AT_ONCE: usize = 24;

/// Who pays while the cinema misbehaves: one after the other.
const AT_THE_CINEMA: [Way; 6] = [
    Way::HyperPayPage,
    Way::HyperPayCard,
    Way::PayFortMada,
    Way::PayFortCard,
    Way::CheckoutCard,
    Way::Tabby,
];

/// The tale in which a flow calls the operation; at the cinema whoever pays `this_way`. None: no flow does.
fn teller(vendor: &str, operation: &str, this_way: Way) -> Option<Tale> {
    use Story::{
        CalledOff, CardDeleted, PaidInSilence, PaidInTheDark, PaidLate, Sold, TakenBack, Unheard,
    };
    let (story, way) = match (vendor, operation) {
        (
            "vista",
            "create_order" | "odata" | "set_tickets" | "continue_order" | "get_order" | "pay_order",
        ) => (Sold, this_way),
        ("vista", "cancel_order") => (CalledOff, this_way),
        ("vista", "booking_status" | "get_booking" | "refund_booking") => (TakenBack, this_way),
        ("vista", "search_booking") => (Unheard, this_way),
        ("hyperpay", "create_checkout" | "pay" | "query_reference" | "webhook") => {
            (Sold, Way::HyperPayPage)
        }
        ("hyperpay", "status_checkout") => (PaidInSilence, Way::HyperPayPage),
        ("hyperpay", "query_id") => (PaidInTheDark, Way::HyperPayPage),
        ("hyperpay", "refund") => (PaidLate, Way::HyperPayPage),
        ("hyperpay", "capture") => (Sold, Way::HyperPayCard),
        ("hyperpay", "status_registration" | "charge_registration" | "deregister") => {
            (CardDeleted, Way::HyperPaySaved)
        }
        ("hyperpay", "reversal") => (PaidLate, Way::HyperPayCard),
        ("payfort", "page" | "purchase" | "pay" | "webhook") => (Sold, Way::PayFortMada),
        ("payfort", "authorize" | "status" | "capture") => (Sold, Way::PayFortCard),
        ("payfort", "refund") => (PaidLate, Way::PayFortMada),
        ("payfort", "void") => (PaidLate, Way::PayFortCard),
        (
            "checkout",
            "create_payment" | "pay" | "find_payments" | "get_actions" | "capture" | "webhook",
        ) => (Sold, Way::CheckoutCard),
        ("checkout", "create_instrument" | "delete_instrument") => {
            (CardDeleted, Way::CheckoutSaved)
        }
        ("payfort", "update_token") => (CardDeleted, Way::PayFortSaved),
        ("checkout", "get_payment") => (PaidInTheDark, Way::CheckoutCard),
        ("checkout", "void") => (PaidLate, Way::CheckoutCard),
        ("checkout", "exchange") => (Sold, Way::CheckoutApple),
        ("checkout", "open_context") => (Sold, Way::StcPay),
        ("checkout", "refund") => (TakenBack, Way::StcPay),
        ("tabby", "create_session" | "pay" | "payment" | "capture" | "webhook") => {
            (Sold, Way::Tabby)
        }
        ("tabby", "close") => (PaidLate, Way::Tabby),
        ("nearpay", "terminals" | "purchase" | "transactions" | "webhook") => (Sold, Way::Terminal),
        ("nearpay", "reverse") => (PaidLate, Way::Terminal),
        // What only a customer, an app, a terminal or a person at the counter asks; and what Usher has no need of: it looks
        // up otherwise, and Tabby's money is let go or, once its booking is sold, kept.
        ("vista", "seat_plan" | "ticket_types" | "cancel_booking")
        | ("hyperpay", "widget" | "page" | "status_payment")
        | ("checkout", "page" | "get_instrument" | "get_context")
        | ("tabby", "page" | "session" | "payments" | "refund")
        | ("nearpay", "login" | "refund" | "transaction") => return None,
        (vendor, other) => panic!("{vendor}'s {other} is new: in which tale is it called?"),
    };
    Some(tale(story, way))
}

/// One fault at one operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Trial {
    vendor: &'static str,
    operation: String,
    fault: String,
}

async fn trials(visit: &Visit) -> BTreeSet<Trial> {
    let all = env::var("USHER_FAULTS").is_ok_and(|faults| faults == "all");
    let only = env::var("USHER_FAULTS_OF").ok();
    let wanted = |vendor: &&str| {
        only.as_ref().is_none_or(|only| only.split(',').any(|named| named == *vendor))
    };
    let mut trials = BTreeSet::new();
    for vendor in VENDORS.into_iter().filter(wanted) {
        let catalogue = visit.catalogue(vendor).await;
        for fault in catalogue["faults"].as_array().unwrap() {
            let texts = |list: &Value| -> Vec<String> {
                let list = list.as_array().map_or(&[][..], Vec::as_slice);
                list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            };
            let examples = texts(&fault["examples"]);
            for (turn, operation) in texts(&fault["operations"]).into_iter().enumerate() {
                let turn = turn % examples.len();
                let chosen = if all { &examples[..] } else { &examples[turn..=turn] };
                trials.extend(chosen.iter().map(|name| Trial {
                    vendor,
                    operation: operation.clone(),
                    fault: name.clone(),
                }));
            }
        }
    }
    trials
}

impl Trial {
    /// The vendor takes money under a name that nobody has asked it about: no question of ours finds it.
    fn is_found_by_reconciling_alone(&self) -> bool {
        let pays = (&*self.operation, &*self.fault) == ("pay", "reference_mismatch");
        pays && ["hyperpay", "checkout", "tabby"].contains(&self.vendor)
    }

    /// The terminal gives the money back as soon as it has it: nobody has asked for that, and the checker says so.
    fn is_done_by_the_terminal_itself(&self) -> bool {
        self.vendor == "nearpay"
            && ["reversed_by_itself", "refunded_by_itself"].contains(&&*self.fault)
    }

    #[expect(clippy::print_stdout, reason = "which booking it was, for a test that fails")]
    async fn run(self, visit: Arc<Visit>, tale: Tale) {
        let stage = Stage::new(&visit, tale.way);
        let reference = match (self.vendor, &*self.operation) {
            // They name nothing of ours: whoever calls next.
            ("vista", "create_order" | "odata")
            | ("nearpay", "terminals")
            | ("checkout", "create_instrument" | "delete_instrument") => Value::Null,
            ("hyperpay", "status_registration" | "deregister") | ("payfort", "update_token") => {
                json!(stage.card().bare())
            }
            ("vista", _) => json!(stage.session()),
            ("checkout", "exchange") => json!(stage.apples()),
            _ => json!(stage.payment().bare()),
        };
        let matching = json!({ "op": self.operation, "reference": reference });
        visit.misbehaves(self.vendor, &json!({ "match": matching, "fault": self.fault })).await;
        let about = format!("{self:?}");
        let booking = stage.tell(tale.story).await;
        println!("{about}: {booking:?}");
    }
}

/// What people are rightly asked: what a vendor refuses, and what no machine may decide.
pub(super) const CAUSES: [&str; 9] = [
    "vista_refused_*",
    "payment_refused_*",
    "captured_another_amount",
    "chargeback",
    "payment_pending_after_its_session",
    "payment_unreadable_after_its_session",
    "refund_undecided",
    "capture_undecided",
    "webhook_claims_more_than_the_vendor_shows",
];

/// Asked only where every other look-up shows nothing, which no tale brings about each time.
const LAST_RESORT: &str = "vista search_booking";

/// All that waits for a person is tried again, or refunded at the counter; how many that were. What is left then are
/// facts.
pub(super) async fn all_are_tried_again(visit: &Arc<Visit>) -> usize {
    let query = "SELECT case_id FROM cases WHERE decision IS NULL AND 'retry' = ANY (decisions)
                 AND step_waits(workflow_key, step)";
    let waiting: Vec<String> = sqlx::query_scalar(query).fetch_all(&visit.db).await.unwrap();
    let staff = Staff::may(visit, "7", &[READ, DECIDE]);
    for case in &waiting {
        let path = format!("/api/v1/cms/cases/case_{case}/decision");
        let again = json!({ "decision": "retry", "reason": "the vendor is well again" });
        let answer = staff.posts(&path, &again).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    waiting.len() + visit.counter_refunds().await
}

/// Every card is saved or is not, and what its owner has deleted its vendor has, too.
async fn no_card_is_left_lying(visit: &Visit) {
    let query = "SELECT count(*) FROM saved_cards
                 WHERE status = 'ADDING' OR (status = 'DELETED' AND forgotten_at IS NULL)";
    let look = || async {
        let left: i64 = sqlx::query_scalar(query).fetch_one(&visit.db).await.unwrap();
        (left == 0).then_some(())
    };
    until("every card at its end", look).await;
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the counts are what the sweep shows")]
async fn every_fault_of_every_vendor_at_every_operation_ends_right() {
    let visit = visit_alone().await;
    let (turns, mut telling) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    let mut tried = BTreeMap::<String, usize>::new();
    for (trial, way) in trials(&visit).await.into_iter().zip(AT_THE_CINEMA.into_iter().cycle()) {
        let Some(tale) = teller(trial.vendor, &trial.operation, way) else { continue };
        if trial.is_found_by_reconciling_alone() || trial.is_done_by_the_terminal_itself() {
            continue;
        }
        *tried.entry(format!("{} {}", trial.vendor, trial.operation)).or_default() += 1;
        let (visit, turns) = (Arc::clone(&visit), Arc::clone(&turns));
        telling.spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            trial.run(visit, tale).await;
        });
    }
    telling.join_all().await;
    no_card_is_left_lying(&visit).await;
    visit.assert_balanced_but_for(&CAUSES).await;
    let again = all_are_tried_again(&visit).await;
    visit.assert_balanced_but_for(&CAUSES).await;
    let mut unmet = BTreeMap::<String, usize>::new();
    for vendor in VENDORS {
        for rule in visit.unfired(vendor).await {
            let operation = rule["match"]["op"].as_str().unwrap();
            *unmet.entry(format!("{vendor} {operation}")).or_default() += 1;
        }
    }
    let faults: usize = tried.values().sum();
    println!(
        "{faults} faults, a booking each, {again} cases tried again, 0 violations; not met: {unmet:?}"
    );
    let never = unmet.iter().filter(|(at, unmet)| tried.get(*at) == Some(*unmet));
    let never: Vec<_> = never.filter(|(at, _)| *at != LAST_RESORT).collect();
    assert!(never.is_empty(), "no call has met any of these faults: {never:?}");
}
