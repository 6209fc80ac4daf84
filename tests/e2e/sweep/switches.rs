//! Every fact about a vendor that nobody could verify, in every position: whichever is true, all ends right.

use super::{
    stories::{Stage, Story, Tale, tale},
    vendors::{CAUSES, all_are_tried_again},
};
use harness::{VENDORS, Visit, Way, visit_alone};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;

/// As many as the longest switch has positions, and two more, so that positions meet in different company.
const ROUNDS: usize = 6;
/// The tales that call every operation of a flow, at every vendor.
const TALES: [Tale; 17] = [
    tale(Story::Sold, Way::HyperPayPage),
    tale(Story::CalledOff, Way::HyperPayPage),
    tale(Story::PaidLate, Way::HyperPayPage),
    tale(Story::TakenBack, Way::HyperPayPage),
    tale(Story::Sold, Way::PayFortCard),
    tale(Story::Sold, Way::PayFortApple),
    tale(Story::PaidLate, Way::PayFortCard),
    tale(Story::TakenBack, Way::PayFortMada),
    tale(Story::Sold, Way::CheckoutCard),
    tale(Story::Sold, Way::CheckoutApple),
    tale(Story::Sold, Way::StcPay),
    tale(Story::PaidLate, Way::CheckoutCard),
    tale(Story::TakenBack, Way::StcPay),
    tale(Story::Sold, Way::Tabby),
    tale(Story::PaidLate, Way::Tabby),
    tale(Story::Sold, Way::Terminal),
    tale(Story::PaidLate, Way::Terminal),
];

/// A switch of a vendor with every position it can be in.
struct Switch {
    vendor: &'static str,
    name: String,
    usual: Value,
    positions: Vec<Value>,
}

impl Switch {
    async fn turn(&self, visit: &Visit, to: &Value) {
        visit.switches(self.vendor, &json!({ &self.name: to })).await;
    }
}

async fn switches(visit: &Visit) -> Vec<Switch> {
    let mut found = Vec::new();
    for vendor in VENDORS {
        let catalogue = visit.catalogue(vendor).await;
        for (name, switch) in catalogue["switches"].as_object().unwrap() {
            let positions = switch["positions"].as_array().unwrap().clone();
            let (name, usual) = (name.clone(), switch["value"].clone());
            // Where webhooks go, and their key, are set-up and no facts.
            if !positions.is_empty() {
                found.push(Switch { vendor, name, usual, positions });
            }
        }
    }
    found
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the counts are what the sweep shows")]
async fn every_unverified_fact_in_every_position_ends_right() {
    let visit = visit_alone().await;
    let switches = switches(&visit).await;
    let longest = switches.iter().map(|switch| switch.positions.len()).max().unwrap();
    assert!(longest <= ROUNDS, "a switch has {longest} positions: more rounds are needed");
    for round in 0..ROUNDS {
        for (number, switch) in switches.iter().enumerate() {
            let position = (round + number) % switch.positions.len();
            switch.turn(&visit, &switch.positions[position]).await;
        }
        let mut telling = JoinSet::new();
        for tale in TALES {
            telling.spawn(Stage::tells(Arc::clone(&visit), tale));
        }
        telling.join_all().await;
        visit.assert_balanced_but_for(&CAUSES).await;
    }
    for switch in &switches {
        switch.turn(&visit, &switch.usual).await;
    }
    let again = all_are_tried_again(&visit).await;
    visit.assert_balanced_but_for(&CAUSES).await;
    let positions: usize = switches.iter().map(|switch| switch.positions.len()).sum();
    println!(
        "{} switches, {positions} positions, {} bookings, {again} cases tried again, 0 violations",
        switches.len(),
        ROUNDS * TALES.len(),
    );
}
