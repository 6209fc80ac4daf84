//! Somebody who works here: with a token, by the command line or by HTTP.

use gateway::{Claims, Kind, Status, sign};
use harness::{Answer, Booking, Visit, in_a_day, until, usher};
use serde_json::Value;
use std::sync::Arc;
use tokio::process::Command;

pub(crate) const READ: &str = "cases:read";
pub(crate) const DECIDE: &str = "cases:decide";
pub(crate) const CLOSE: &str = "maintenance:write";

/// Somebody who works here.
pub(crate) struct Staff {
    visit: Arc<Visit>,
    token: String,
}

impl Staff {
    /// Who may do everything.
    pub(crate) fn of(booking: &Booking) -> Self {
        Self::may(&booking.customer.visit, "7", &[READ, DECIDE, CLOSE])
    }

    pub(crate) fn may(visit: &Arc<Visit>, sub: &str, permissions: &[&str]) -> Self {
        let claims = Claims {
            sub: sub.to_owned(),
            kind: Kind::Staff,
            status: Status::Active,
            permissions: permissions.iter().map(|&name| name.to_owned()).collect(),
            exp: in_a_day(),
        };
        let token = sign(&claims, &visit.system.keys.jwt.clone().into()).unwrap();
        Self { visit: Arc::clone(visit), token }
    }

    /// What the command line answers, as JSON; or the sentence that it ends with.
    pub(crate) async fn usher(&self, words: &[&str]) -> Result<Value, String> {
        let mut command = Command::new(usher());
        command.args(words).arg("--json").env_clear();
        command.env("USHER_URL", &self.visit.system.gateway).env("USHER_TOKEN", &self.token);
        let said = command.output().await.unwrap();
        if said.status.success() {
            return Ok(serde_json::from_slice(&said.stdout).unwrap());
        }
        Err(String::from_utf8_lossy(&said.stderr).into_owned())
    }

    /// The open case of a booking, once there is one.
    pub(crate) async fn case(&self, booking: &Booking) -> Value {
        let look = || async {
            let page = self.usher(&["cases", "--booking", &booking.id]).await.ok()?;
            page["cases"].get(0).cloned()
        };
        until(&format!("a case of {booking:?}"), look).await
    }

    pub(crate) async fn decides(&self, case: &Value, words: &[&str]) -> Value {
        let words = [&["case", "decide", case["id"].as_str().unwrap()], words].concat();
        self.usher(&words).await.unwrap()
    }

    pub(crate) async fn gets(&self, path: &str) -> Answer {
        let request = self.visit.http.get(format!("{}{path}", self.visit.system.gateway));
        Answer::read(request.bearer_auth(&self.token).send().await.unwrap()).await
    }

    pub(crate) async fn posts(&self, path: &str, body: &Value) -> Answer {
        let request = self.visit.http.post(format!("{}{path}", self.visit.system.gateway));
        Answer::read(request.bearer_auth(&self.token).json(body).send().await.unwrap()).await
    }
}
