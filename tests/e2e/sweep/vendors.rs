//! Every fault that a stand-in knows, at every operation that a flow calls: one booking each.

use super::stories::{Stage, Story};
use crate::staff::{DECIDE, READ, Staff};
use harness::{Visit, visit_alone};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::{sync::Semaphore, task::JoinSet};

/// So many bookings at once.
const AT_ONCE: usize = 64;

/// The story in which a flow calls the operation. None: no flow does.
fn story(operation: &str) -> Option<Story> {
    Some(match operation {
        // Vista's, then HyperPay's.
        "create_order" | "odata" | "set_tickets" | "continue_order" | "get_order" | "pay_order"
        | "create_checkout" | "pay" | "status_checkout" | "query_reference" | "webhook" => {
            Story::Sold
        }
        "cancel_order" => Story::CalledOff,
        "booking_status" | "get_booking" | "refund_booking" => Story::TakenBack,
        "search_booking" => Story::Unheard,
        "query_id" => Story::PaidInTheDark,
        "refund" => Story::PaidLate,
        "capture" => Story::SoldByCard,
        "reversal" => Story::ReservedLate,
        // What only a customer asks, and what Usher never does.
        "seat_plan" | "ticket_types" | "widget" | "page" | "cancel_booking" | "status_payment" => {
            return None;
        }
        other => panic!("{other} is new: in which story is it called?"),
    })
}

/// One fault at one operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Trial {
    vendor: &'static str,
    operation: String,
    fault: String,
}

async fn trials(visit: &Visit) -> BTreeSet<Trial> {
    let mut trials = BTreeSet::new();
    for vendor in ["vista", "hyperpay"] {
        let catalogue = visit.catalogue(vendor).await;
        for fault in catalogue["faults"].as_array().unwrap() {
            let texts = |list: &Value| -> Vec<String> {
                let list = list.as_array().map_or(&[][..], Vec::as_slice);
                list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            };
            let mut names = texts(&fault["examples"]);
            if names.is_empty() {
                names.push(fault["name"].as_str().unwrap().to_owned());
            }
            for operation in texts(&fault["operations"]) {
                trials.extend(names.iter().map(|name| Trial {
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
        (&*self.operation, &*self.fault) == ("pay", "reference_mismatch")
    }

    #[expect(clippy::print_stdout, reason = "which booking it was, for a test that fails")]
    async fn run(self, visit: Arc<Visit>, story: Story) {
        let stage = Stage::new(&visit);
        let reference = match &*self.operation {
            // They name nothing of ours: whoever calls next.
            "create_order" | "odata" => Value::Null,
            _ if self.vendor == "vista" => json!(stage.session()),
            _ => json!(stage.payment().bare()),
        };
        let matching = json!({ "op": self.operation, "reference": reference });
        visit.misbehaves(self.vendor, &json!({ "match": matching, "fault": self.fault })).await;
        let about = format!("{self:?}");
        let booking = stage.tell(story).await;
        println!("{about}: {booking:?}");
    }
}

/// What people are rightly asked: what a vendor refuses, and what no machine may decide.
pub(super) const CAUSES: [&str; 8] = [
    "vista_refused_*",
    "payment_refused_*",
    "captured_another_amount",
    "chargeback",
    "payment_pending_after_its_session",
    "payment_unreadable_after_its_session",
    "refund_undecided",
    "capture_undecided",
];

/// All that waits for a person is tried again; how many that were. What is left then are facts.
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
    waiting.len()
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the counts are what the sweep shows")]
async fn every_fault_of_every_vendor_at_every_operation_ends_right() {
    let visit = visit_alone().await;
    let (turns, mut telling) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    let mut tried = 0;
    for trial in trials(&visit).await {
        let Some(story) = story(&trial.operation) else { continue };
        if trial.is_found_by_reconciling_alone() {
            continue;
        }
        let (visit, turns) = (Arc::clone(&visit), Arc::clone(&turns));
        tried += 1;
        telling.spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            trial.run(visit, story).await;
        });
    }
    telling.join_all().await;
    visit.assert_balanced_but_for(&CAUSES).await;
    let again = all_are_tried_again(&visit).await;
    visit.assert_balanced_but_for(&CAUSES).await;
    let mut unmet = BTreeMap::<String, usize>::new();
    for vendor in ["vista", "hyperpay"] {
        for rule in visit.unfired(vendor).await {
            *unmet.entry(rule["match"]["op"].to_string()).or_default() += 1;
        }
    }
    println!(
        "{tried} faults, a booking each, {again} cases tried again, 0 violations; not met: {unmet:?}"
    );
}
