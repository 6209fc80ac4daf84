//! The engine's admin API, which is a vendor too: it registers deployments and forgets completed invocations.
//!
//! It has no authentication, so it must only be reachable from here. Deployments are immutable addresses: registering
//! a known one changes nothing unless forced. An invocation that has ended is kept for its retention, and a new send
//! under its key runs nothing until it is purged (Restate, "Admin API").

use crate::{
    error::Error,
    http::{Answer, Call, Deadline, Http},
};
use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// Registering discovers the services at their address first, which may be starting up.
const WITHIN: Duration = Duration::from_secs(10);

/// Whoever asks what fails waits for the answer, and can do without it.
const SHORTLY: Duration = Duration::from_secs(3);

/// Where the engine finds our workflows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Deployment {
    pub id: String,
    #[serde(default)]
    pub uri: String,
}

/// An invocation that the engine fails at and comes back to, or has paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Failing {
    pub workflow: String,
    #[serde(default)]
    pub workflow_key: Option<String>,
    pub handler: String,
    pub status: String,
    /// The last failure. A paused one does not say.
    #[serde(default)]
    pub why: Option<String>,
    /// When it last got anywhere.
    pub since: DateTime<Utc>,
    #[serde(default)]
    pub attempts: Option<u64>,
    #[serde(default)]
    pub next_try_at: Option<DateTime<Utc>>,
}

#[derive(Debug)]
pub struct RestateAdmin {
    admin: Nodes,
    ingress: Nodes,
}

impl RestateAdmin {
    /// Each: one URL, or those of all nodes with commas between them.
    pub fn new(admin_urls: &str, ingress_urls: &str) -> Result<Self, Error> {
        Ok(Self { admin: Nodes::new(admin_urls)?, ingress: Nodes::new(ingress_urls)? })
    }

    /// Tells the engine where our workflows are. `force`: look again even if it knows the address.
    pub async fn register(&self, uri: &str, force: bool) -> Result<(), Error> {
        let body = json!({"uri": uri, "force": force});
        self.admin(Call::post("register", "deployments", body)).await.map(drop)
    }

    pub async fn deployments(&self) -> Result<Vec<Deployment>, Error> {
        #[derive(Deserialize)]
        struct Deployments {
            deployments: Vec<Deployment>,
        }
        let answer = self.admin(Call::get("deployments", "deployments")).await?;
        Ok(answer.json::<Deployments>()?.deployments)
    }

    /// The same deployment at another address, for what waits on it.
    pub async fn move_deployment(&self, id: &str, uri: &str) -> Result<(), Error> {
        let body = json!({"uri": uri, "overwrite": true});
        let path = format!("deployments/{}", name(id)?);
        self.admin(Call::patch("move_deployment", path, body)).await.map(drop)
    }

    /// Forgets a completed invocation. False: it is not completed, or not known.
    pub async fn purge(&self, invocation: &str) -> Result<bool, Error> {
        let path = format!("invocations/{}/purge", name(invocation)?);
        let call = Call::patch_bare("purge", path);
        let answer = self.admin.send(call, Deadline::after(WITHIN)).await?;
        match answer.status {
            StatusCode::NOT_FOUND | StatusCode::CONFLICT => Ok(false),
            _ => accepted(answer).map(|_| true),
        }
    }

    /// The invocation that runs, ran or would run this workflow. Computed by the engine: it need not exist.
    pub async fn workflow_invocation(&self, service: &str, key: &str) -> Result<String, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Found {
            invocation_id: String,
        }
        let body = json!({"target": "workflow", "workflowName": service, "workflowKey": key});
        let call = Call::post("lookup", "restate/lookup", body);
        let answer = accepted(self.ingress.send(call, Deadline::after(WITHIN)).await?)?;
        Ok(answer.json::<Found>()?.invocation_id)
    }

    /// What the engine fails at and tries again, or has paused; at most `limit`, the oldest first. It looks through all
    /// that is in flight, so it is for people, not for every request.
    pub async fn failing(&self, limit: usize) -> Result<Vec<Failing>, Error> {
        #[derive(Deserialize)]
        struct Found {
            rows: Vec<Failing>,
        }
        let query = format!(
            "SELECT target_service_name AS workflow, target_service_key AS workflow_key,
                    target_handler_name AS handler, status, last_failure AS why, modified_at AS since,
                    retry_count AS attempts, next_retry_at AS next_try_at
             FROM sys_invocation WHERE status IN ('backing-off', 'paused')
             ORDER BY modified_at LIMIT {limit}"
        );
        let call = Call::post("failing", "query", json!({"query": query}));
        let answer = self.admin.send(call, Deadline::after(SHORTLY)).await?;
        Ok(accepted(answer)?.json::<Found>()?.rows)
    }

    pub async fn healthy(&self) -> bool {
        self.admin(Call::get("health", "health")).await.is_ok()
    }

    async fn admin(&self, call: Call) -> Result<Answer, Error> {
        accepted(self.admin.send(call, Deadline::after(WITHIN)).await?)
    }
}

/// The nodes of one engine: any can answer, and all say the same.
#[derive(Debug)]
struct Nodes(Vec<Http>);

impl Nodes {
    fn new(urls: &str) -> Result<Self, Error> {
        let nodes = urls.split(',').map(|url| Http::trusted("restate", url.trim()));
        Ok(Self(nodes.collect::<Result<_, _>>()?))
    }

    /// Asks the first that can be reached. Who could not be has certainly not seen the call.
    async fn send(&self, call: Call, until: Deadline) -> Result<Answer, Error> {
        let mut away = Error::unavailable("restate: no node is known");
        for node in &self.0 {
            match node.send(call.clone(), until).await {
                Err(error @ Error::Unavailable { .. }) => away = error,
                answered => return answered,
            }
        }
        Err(away)
    }
}

fn accepted(answer: Answer) -> Result<Answer, Error> {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    let status = answer.status;
    if status.is_success() {
        return Ok(answer);
    }
    let said = answer.json::<Refusal>().map(|refusal| refusal.message).unwrap_or_default();
    let reason = format!("restate: HTTP {}: {said}", status.as_u16());
    if status.is_client_error() {
        return Err(Error::refused(status.as_u16().to_string(), reason));
    }
    Err(Error::unknown(reason))
}

/// Ids stand in paths as they are.
fn name(id: &str) -> Result<&str, Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !id.is_empty() && id.bytes().all(plain) {
        return Ok(id);
    }
    Err(Error::refused("malformed", "restate: not an id"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::Scripted;

    fn admin(status: u16, body: &'static str) -> (Scripted, RestateAdmin) {
        let server = Scripted::new(move |_| (status, body.to_owned()));
        let admin = RestateAdmin::new(&server.url, &server.url).unwrap();
        (server, admin)
    }

    #[tokio::test]
    async fn deployments_are_registered_listed_and_moved() {
        let (server, admin) = admin(200, r#"{"deployments":[{"id":"dp_1","uri":"http://a:1/"}]}"#);
        admin.register("http://a:1", false).await.unwrap();
        let expected = Deployment { id: "dp_1".to_owned(), uri: "http://a:1/".to_owned() };
        assert_eq!(admin.deployments().await.unwrap(), [expected]);
        admin.move_deployment("dp_1", "http://b:1").await.unwrap();
        let lines: Vec<String> = server.asked().into_iter().map(|asked| asked.line).collect();
        assert_eq!(lines, ["POST /deployments", "GET /deployments", "PATCH /deployments/dp_1"]);
        assert_eq!(server.asked()[2].json(), json!({"uri": "http://b:1", "overwrite": true}));
        assert!(admin.healthy().await);
        assert!(admin.move_deployment("../x", "http://b:1").await.is_err());
    }

    #[tokio::test]
    async fn only_what_is_completed_is_purged() {
        for (status, purged) in [(200, true), (202, true), (404, false), (409, false)] {
            assert_eq!(admin(status, "").1.purge("inv_1").await.unwrap(), purged);
        }
        assert!(matches!(admin(503, "").1.purge("inv_1").await, Err(Error::Unknown { .. })));
    }

    #[tokio::test]
    async fn an_invocation_is_looked_up_by_its_workflow() {
        let (server, admin) = admin(200, r#"{"invocationId":"inv_1"}"#);
        assert_eq!(admin.workflow_invocation("Booking", "b1").await.unwrap(), "inv_1");
        let expected =
            json!({"target": "workflow", "workflowName": "Booking", "workflowKey": "b1"});
        assert_eq!(server.asked()[0].json(), expected);
    }

    #[tokio::test]
    async fn a_node_that_is_gone_is_passed_over() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let gone = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let server = Scripted::new(|_| (200, String::new()));
        let admin = RestateAdmin::new(&format!("{gone},{}", server.url), &gone).unwrap();
        assert!(admin.healthy().await);
        let error = admin.workflow_invocation("Booking", "b1").await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    }

    #[tokio::test]
    async fn what_fails_is_listed_with_what_is_known_of_it() {
        let (server, admin) = admin(
            200,
            r#"{"rows":[{"workflow":"Booking","workflow_key":"b1","handler":"run","status":"paused",
                "since":"2026-11-21T14:03:12.5Z"}]}"#,
        );
        let failing = admin.failing(7).await.unwrap();
        assert_eq!(failing.len(), 1);
        assert_eq!(
            (&*failing[0].status, &failing[0].why, failing[0].attempts),
            ("paused", &None, None)
        );
        let query = server.asked()[0].json();
        assert!(query["query"].as_str().is_some_and(|text| text.ends_with("LIMIT 7")), "{query}");
    }
}
