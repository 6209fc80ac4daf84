//! What a good run teaches: the steps that the engine has journalled, and the story that passed them.

use super::stories::Tale;
use harness::{Booking, Visit};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Every step, by the first tale that passes it; a step at who takes the money, by the first of each vendor.
pub(super) type Lesson = BTreeMap<Tale, BTreeSet<String>>;

const AT_WHO_TAKES_THE_MONEY: [&str; 8] = [
    "open_payment",
    "charge_payment",
    "proceed_payment",
    "ask_vendor",
    "capture_payment",
    "ask_capture",
    "send_refund",
    "ask_refund",
];

/// Reads the journals of these bookings, whose tales have ended.
pub(super) async fn read(visit: &Visit, told: &[(Tale, Booking)]) -> Lesson {
    let whose = whose(visit).await;
    let query = "SELECT DISTINCT i.target_service_key AS key, j.name AS step
                 FROM sys_journal j JOIN sys_invocation i ON j.id = i.id
                 WHERE j.entry_type = 'Command: Run'";
    let url = format!("{}/query", visit.system.engines.restate_admin_url());
    let asked = visit.http.post(url).header("accept", "application/json");
    let answer = asked.json(&json!({ "query": query })).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let mut passed: BTreeMap<String, BTreeSet<Tale>> = BTreeMap::new();
    for row in answer["rows"].as_array().unwrap() {
        let (key, step) = (row["key"].as_str().unwrap(), row["step"].as_str().unwrap());
        let booking = whose.get(key).unwrap_or_else(|| panic!("{step} of {key}: whose is it?"));
        let teller = told.iter().find(|(_, told)| told.bare() == booking);
        passed.entry(step.to_owned()).or_default().extend(teller.map(|(tale, _)| *tale));
    }
    let mut lesson = Lesson::new();
    for (step, tales) in passed {
        assert!(!tales.is_empty(), "nobody's tale passes {step}");
        let at_vendor = AT_WHO_TAKES_THE_MONEY.contains(&&*step);
        let mut tried_at = BTreeSet::new();
        for tale in tales {
            let vendor = if at_vendor { tale.way.vendor() } else { "any" };
            if tried_at.insert(vendor) {
                lesson.entry(tale).or_default().insert(step.clone());
            }
        }
    }
    lesson
}

/// The booking behind each workflow's key. Webhooks of a kind that asks nothing of us are nobody's.
async fn whose(visit: &Visit) -> BTreeMap<String, String> {
    let query = "SELECT booking_id, booking_id FROM bookings
                 UNION SELECT payment_id, booking_id FROM payments
                 UNION SELECT refund_id, booking_id FROM refunds
                 UNION SELECT substr(request #>> '{pay_with,card}', 6), booking_id FROM payments
                       WHERE request #>> '{pay_with,with}' = 'saved_card'
                 UNION SELECT provider || ':' || event, COALESCE(booking_id, 'nobody') FROM webhook_deliveries
                       WHERE booking_id IS NOT NULL OR verdict = 'IGNORED'";
    sqlx::query_as(query).fetch_all(&visit.db).await.unwrap().into_iter().collect()
}
