//! The identity service: it knows every user, and says how each stands. Users that nobody has told it about are active.
//!
//! It keeps nothing across restarts, and has no effects that a ledger would show: it is only ever asked.

use crate::wire::{Answer, Wire};
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A silent server holds the line for longer than anybody waits.
const SILENCE: Duration = Duration::from_secs(10);
const USERS_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Identity(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// What `users/{id}` answers; null: there is no such user.
    users: BTreeMap<String, Value>,
    weather: Weather,
    asked: u64,
}

/// How it answers.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Weather {
    #[serde(default)]
    silent: bool,
    /// Real time.
    #[serde(default)]
    delay_ms: u64,
}

impl Identity {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `GET /identity/users/{id}`
    pub(crate) async fn answer(&self, wire: &Wire) -> Answer {
        let [_, users, id] = wire.path.as_slice() else { return nothing_here() };
        if wire.method != Method::GET || users != "users" {
            return nothing_here();
        }
        let (weather, user) = {
            let mut state = self.state();
            state.asked += 1;
            (state.weather, state.users.get(id).cloned())
        };
        if weather.silent {
            tokio::time::sleep(SILENCE).await;
            return Answer::json(503, &json!({"message": "Service Unavailable"}));
        }
        tokio::time::sleep(Duration::from_millis(weather.delay_ms)).await;
        match user {
            Some(Value::Null) => nothing_here(),
            Some(user) => Answer::json(200, &user),
            None => Answer::json(200, &json!({"status": "ACTIVE"})),
        }
    }

    /// `/_sim/identity…`; see the crate's first page.
    pub(crate) fn control(&self, method: &Method, path: &[&str], wire: &Wire) -> Answer {
        let mut state = self.state();
        match (method, path) {
            (&Method::GET, []) => {}
            (&Method::POST, ["users", id]) => match wire.json() {
                Some(user) if state.users.len() < USERS_MAX => {
                    state.users.insert((*id).to_owned(), user);
                }
                _ => return Answer::json(400, &json!({"error": "a user is JSON; null is none"})),
            },
            (&Method::DELETE, ["users", id]) => {
                state.users.remove(*id);
            }
            (&Method::POST, ["weather"]) => match serde_json::from_slice(&wire.body) {
                Ok(weather) => state.weather = weather,
                Err(error) => return Answer::json(400, &json!({"error": error.to_string()})),
            },
            _ => return Answer::json(404, &json!({"error": "there is no such control"})),
        }
        let Weather { silent, delay_ms } = state.weather;
        let weather = json!({"silent": silent, "delay_ms": delay_ms});
        Answer::json(200, &json!({"users": state.users, "weather": weather, "asked": state.asked}))
    }

    pub(crate) fn reset(&self) {
        *self.state() = State::default();
    }
}

fn nothing_here() -> Answer {
    Answer::json(404, &json!({"message": "Not Found"}))
}
