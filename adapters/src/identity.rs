//! The identity service: how a user stands today. It issues the tokens; here only their holders are asked about.
//!
//! An answer counts for at most a minute. Whoever asks while somebody is asking about the same user waits for that
//! answer. A service that stays silent is left alone for a moment at a time, so that few have to wait for it.

use crate::{
    error::Error,
    http::{Call, Deadline, Http},
    masked,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex as Lock, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// How many users are remembered.
const USERS: usize = 10_000;
/// Longer than this nobody waits at the door.
const WAIT: Duration = Duration::from_secs(2);
/// So many silences in a row, and it is not asked for this long.
const SILENCES: u32 = 3;
const LEFT_ALONE: Duration = Duration::from_secs(2);

/// Where it is.
#[derive(Clone, Debug)]
pub struct Config {
    pub base_url: String,
    /// How long an answer counts.
    pub fresh: Duration,
}

/// A user, as the identity service knows them.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    pub status: String,
    /// What they may do; absent, if the service leaves that to its tokens.
    #[serde(default)]
    pub permissions: Option<Vec<String>>,
    /// Tokens made before do not count any more.
    #[serde(default)]
    pub revoked_before: Option<DateTime<Utc>>,
    /// Nor do these, by their `jti`.
    #[serde(default)]
    pub revoked_tokens: Vec<String>,
    /// What their owner would recognise, if the service says it: masked as it is read, so the rest of it is never here.
    #[serde(default, deserialize_with = "masked_email")]
    pub email: Option<String>,
    #[serde(default, deserialize_with = "masked_phone")]
    pub phone: Option<String>,
    #[serde(default, deserialize_with = "masked_name")]
    pub name: Option<String>,
}

impl User {
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }

    /// The best that there is to recognise them by, masked.
    pub fn recognised_by(&self) -> Option<&str> {
        self.email.as_deref().or(self.phone.as_deref()).or(self.name.as_deref())
    }
}

fn masked_email<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    masked_by(from, masked::email)
}

fn masked_phone<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    masked_by(from, masked::phone)
}

fn masked_name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    masked_by(from, masked::name)
}

/// Whatever else stands there shows nothing; it takes nobody's standing away.
fn masked_by<'de, D: Deserializer<'de>>(
    from: D,
    mask: fn(&str) -> Option<String>,
) -> Result<Option<String>, D::Error> {
    Ok(Value::deserialize(from)?.as_str().and_then(mask))
}

/// What it says of a user.
#[derive(Clone, Debug)]
pub enum Answer {
    Known(Arc<User>),
    /// It has no such user.
    Unknown,
    /// It does not answer, or nothing that can be read; what it said before, if that is remembered.
    Silent {
        before: Option<Arc<User>>,
    },
}

/// The identity service.
#[derive(Debug)]
pub struct Identity {
    http: Http,
    fresh: Duration,
    users: Lock<BTreeMap<String, Arc<Remembered>>>,
    silence: Lock<Silence>,
}

#[derive(Debug, Default)]
struct Silence {
    in_a_row: u32,
    left_alone_until: Option<Instant>,
}

/// One user. Whoever holds the lock asks; the others wait for what it hears.
#[derive(Debug, Default)]
struct Remembered(Mutex<Option<(Instant, Option<Arc<User>>)>>);

impl Identity {
    pub fn new(config: &Config) -> Result<Self, Error> {
        let http = Http::trusted("identity", &config.base_url)?;
        let (users, silence) = (Lock::default(), Lock::default());
        Ok(Self { http, fresh: config.fresh, users, silence })
    }

    /// How this user stands. `id` is letters, digits and `-_.@`.
    pub async fn user(&self, id: &str) -> Answer {
        let remembered = self.remembered(id);
        let mut known = remembered.0.lock().await;
        if let Some((heard_at, user)) = &*known
            && heard_at.elapsed() < self.fresh
        {
            return of(user.clone());
        }
        let before = || known.as_ref().and_then(|(_, user)| user.clone());
        if self.is_left_alone() {
            return Answer::Silent { before: before() };
        }
        match self.ask(id).await {
            Ok(user) => {
                *lock(&self.silence) = Silence::default();
                *known = Some((Instant::now(), user.clone()));
                of(user)
            }
            Err(error) => {
                tracing::warn!(%error, "the identity service is silent: {error}");
                self.has_been_silent();
                Answer::Silent { before: before() }
            }
        }
    }

    /// `None`: it has no such user.
    async fn ask(&self, id: &str) -> Result<Option<Arc<User>>, Error> {
        let call = Call::get("user", format!("users/{id}"));
        let answer = self.http.send(call, Deadline::after(WAIT)).await?;
        match answer.status.as_u16() {
            200 => Ok(Some(Arc::new(answer.json()?))),
            404 | 410 => Ok(None),
            status => Err(Error::unknown(format!("identity user: HTTP {status}"))),
        }
    }

    fn is_left_alone(&self) -> bool {
        lock(&self.silence).left_alone_until.is_some_and(|until| Instant::now() < until)
    }

    /// Once it is left alone, one more silence is enough to leave it alone again.
    fn has_been_silent(&self) {
        let mut silence = lock(&self.silence);
        silence.in_a_row = silence.in_a_row.saturating_add(1);
        if silence.in_a_row >= SILENCES {
            silence.left_alone_until = Instant::now().checked_add(LEFT_ALONE);
        }
    }

    /// The user's entry. When there are too many, nobody is remembered: asking again is always right.
    fn remembered(&self, id: &str) -> Arc<Remembered> {
        let mut users = lock(&self.users);
        if users.len() >= USERS && !users.contains_key(id) {
            users.clear();
        }
        Arc::clone(users.entry(id.to_owned()).or_default())
    }
}

fn of(user: Option<Arc<User>>) -> Answer {
    user.map_or(Answer::Unknown, Answer::Known)
}

fn lock<T>(of: &Lock<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_shown_masked_and_never_by_what_is_no_text() {
        let user = |json: &str| serde_json::from_str::<User>(json).unwrap();
        let known = user(
            r#"{"status": "ACTIVE", "email": "sara@example.com", "phone": 966501234567,
            "name": {"first": "Sara"}}"#,
        );
        assert_eq!(known.recognised_by(), Some("s•••@example.com"));
        assert_eq!((known.phone, known.name), (None, None));
        let phone = user(r#"{"status": "ACTIVE", "email": null, "phone": "+966501234567"}"#);
        assert_eq!(phone.recognised_by(), Some("•••4567"));
        assert_eq!(user(r#"{"status": "ACTIVE"}"#).recognised_by(), None);
    }

    #[tokio::test]
    async fn the_memory_of_users_is_bounded() {
        let config = Config { base_url: "http://127.0.0.1:9".to_owned(), fresh: WAIT };
        let identity = Identity::new(&config).unwrap();
        for n in 0..2 * USERS {
            identity.remembered(&n.to_string());
            assert!(lock(&identity.users).len() <= USERS);
        }
    }
}
