//! The identity service: what it honestly says, and that nothing else makes anybody active.

use crate::{
    damage::damaged,
    draws::Draws,
    server::{Answer as Said, Server},
};
use adapters::identity::{Answer, Config, Identity};
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) struct House {
    identity: Identity,
}

fn user(status: &str) -> Value {
    json!({"status": status, "permissions": ["cases:read"], "revoked_tokens": ["jti-1"],
        "revoked_before": "2026-11-21T10:00:00Z"})
}

impl House {
    pub(crate) fn new(url: &str) -> Self {
        // Nothing is remembered, so that every answer is read.
        let config = Config { base_url: url.to_owned(), fresh: Duration::ZERO };
        Self { identity: Identity::new(&config).unwrap() }
    }

    pub(crate) async fn survives_an_answer(&self, server: &Server, bytes: &[u8]) {
        let mut draws = Draws::new(bytes);
        let active = draws.byte().is_multiple_of(2);
        let honest = user(if active { "ACTIVE" } else { "BLOCKED" });
        let body = damaged(&honest, &mut draws, &|value| value);
        server.says(vec![Said { to: "GET /users/", status: 200, body }]);
        // After three silences in a row it is left alone for a while: an honest answer between them, so that it is not.
        let known = match self.identity.user("7").await {
            Answer::Known(user) => user.is_active(),
            Answer::Unknown | Answer::Silent { .. } => false,
        };
        assert!(active || !known, "nobody is active by an accident");
        let body = user("BLOCKED").to_string().into_bytes();
        server.says(vec![Said { to: "GET /users/", status: 200, body }]);
        assert!(matches!(self.identity.user("8").await, Answer::Known(it) if !it.is_active()));
    }
}
