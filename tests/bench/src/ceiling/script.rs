//! What a booking makes the engine do, learnt from the journals of one that went well.

use crate::kiosk::Kiosk;
use harness::Answer;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The invocations that come from outside, each with those that it sends.
#[derive(Debug)]
pub(crate) struct Script {
    pub roots: Vec<Part>,
    /// In the journals of all invocations.
    pub entries: usize,
}

impl Script {
    pub(crate) fn invocations(&self) -> usize {
        self.roots.iter().map(Part::invocations).sum()
    }
}

/// One invocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// The workflow it belongs to.
    pub service: String,
    /// Not its flow, but a handler beside it.
    pub beside: bool,
    pub acts: Vec<Act>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Act {
    /// A step: something done and remembered.
    Run,
    /// Until a handler beside it resolves its promise; with a timer that never matters, if there was one.
    Wait {
        timer: bool,
    },
    Resolve,
    Sleep,
    Send(Part),
}

impl Part {
    fn invocations(&self) -> usize {
        let sent = self.acts.iter().map(|act| match act {
            Act::Send(part) => part.invocations(),
            Act::Run | Act::Wait { .. } | Act::Resolve | Act::Sleep => 0,
        });
        1 + sent.sum::<usize>()
    }
}

#[derive(Deserialize)]
struct Invocation {
    id: String,
    service: String,
    handler: String,
    invoked_by: String,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    index: u32,
    /// `Command: Run`, `Notification: Run`, …
    kind: String,
    /// The entry without its payloads, as JSON.
    #[serde(default)]
    lite: String,
}

impl Entry {
    /// The invocation that this entry has sent.
    fn sent(&self) -> Option<String> {
        let entry: Value = serde_json::from_str(&self.lite).ok()?;
        let (_, command) = entry["Command"].as_object()?.iter().next()?;
        command["invocation_id"].as_str().map(str::to_owned)
    }
}

/// Makes one booking, alone on a fresh system: whatever is in the journals then is its.
pub(crate) async fn learn(kiosk: &Kiosk) -> Script {
    kiosk.books().await.unwrap();
    kiosk.visit.assert_quiet().await;
    let invocations: Vec<Invocation> = rows(
        kiosk,
        "SELECT id, target_service_name AS service, target_handler_name AS handler, invoked_by
         FROM sys_invocation ORDER BY created_at",
    )
    .await;
    let entries: Vec<Entry> = rows(
        kiosk,
        "SELECT id, index, entry_type AS kind, entry_lite_json AS lite FROM sys_journal ORDER BY id, index",
    )
    .await;
    let script = read(&invocations, &entries);
    assert_eq!(script.invocations(), invocations.len(), "not everything is played: {script:?}");
    script
}

fn read(invocations: &[Invocation], entries: &[Entry]) -> Script {
    let by_id = invocations.iter().map(|invocation| (&*invocation.id, invocation)).collect();
    let roots = invocations.iter().filter(|invocation| invocation.invoked_by == "ingress");
    let roots = roots.map(|root| part(root, &by_id, entries)).collect();
    Script { roots, entries: entries.len() }
}

fn part(invocation: &Invocation, by_id: &BTreeMap<&str, &Invocation>, entries: &[Entry]) -> Part {
    let mut acts: Vec<Act> = Vec::new();
    let mut own: Vec<&Entry> = entries.iter().filter(|entry| entry.id == invocation.id).collect();
    own.sort_by_key(|entry| entry.index);
    for entry in own {
        let Some(command) = entry.kind.strip_prefix("Command: ") else { continue };
        let sent = entry.sent().and_then(|id| by_id.get(&*id));
        match (command, sent, acts.last_mut()) {
            ("Input" | "Output", ..) => {}
            ("GetPromise", ..) => acts.push(Act::Wait { timer: false }),
            ("CompletePromise", ..) => acts.push(Act::Resolve),
            // Whichever is first: the two are one act.
            ("Sleep", _, Some(Act::Wait { timer })) if !*timer => *timer = true,
            ("Sleep", ..) => acts.push(Act::Sleep),
            (_, Some(sent), _) => acts.push(Act::Send(part(sent, by_id, entries))),
            // Whatever else is journalled is at least as cheap as a step.
            _ => acts.push(Act::Run),
        }
    }
    let beside = invocation.handler != "run";
    Part { service: invocation.service.clone(), beside, acts }
}

/// What the engine's own tables say.
async fn rows<T: DeserializeOwned>(kiosk: &Kiosk, query: &str) -> Vec<T> {
    let url = format!("{}/query", kiosk.visit.system.engines.restate_admin_url());
    let asked = kiosk.visit.http.post(url).header("accept", "application/json");
    let answer = Answer::read(asked.json(&json!({ "query": query })).send().await.unwrap()).await;
    let Value::Array(rows) = &answer.body["rows"] else { panic!("no rows: {answer:?}") };
    rows.iter().map(|row| serde_json::from_value(row.clone()).unwrap()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(id: &str, service: &str, handler: &str, invoked_by: &str) -> Invocation {
        let [id, service, handler, invoked_by] =
            [id, service, handler, invoked_by].map(str::to_owned);
        Invocation { id, service, handler, invoked_by }
    }

    fn journal(id: &str, types: &[(&str, Option<&str>)]) -> Vec<Entry> {
        let entry = |(index, (kind, invoked)): (u32, &(&str, Option<&str>))| Entry {
            id: id.to_owned(),
            index,
            kind: (*kind).to_owned(),
            lite: match invoked {
                Some(id) => json!({ "Command": { "OneWayCall": { "invocation_id": id } } }),
                None => json!({ "Command": { "Run": {} } }),
            }
            .to_string(),
        };
        (0..).zip(types).map(entry).collect()
    }

    #[test]
    fn a_script_is_what_the_journals_say() {
        let invocations = [
            invocation("a", "Booking", "run", "ingress"),
            invocation("b", "WebhookConfirm", "run", "ingress"),
            invocation("c", "Booking", "nudge", "service"),
        ];
        let flow = [
            ("Command: Input", None),
            ("Command: Run", None),
            ("Notification: Run", None),
            ("Command: GetPromise", None),
            ("Command: Sleep", None),
            ("Notification: GetPromise", None),
            ("Command: Output", None),
        ];
        let hint = [("Command: Run", None), ("Command: OneWayCall", Some("c"))];
        let nudge = [("Command: CompletePromise", None)];
        let entries = [journal("a", &flow), journal("b", &hint), journal("c", &nudge)];
        let entries: Vec<Entry> = entries.into_iter().flatten().collect();
        let script = read(&invocations, &entries);
        assert_eq!((script.entries, script.invocations()), (10, 3));
        assert_eq!(script.roots[0].acts, [Act::Run, Act::Wait { timer: true }]);
        let nudged = Part { service: "Booking".to_owned(), beside: true, acts: vec![Act::Resolve] };
        assert_eq!(script.roots[1].acts, [Act::Run, Act::Send(nudged)]);
    }
}
