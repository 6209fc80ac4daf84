//! What a caller says about the answer it wants: `Prefer: wait=N` (RFC 7240), `If-None-Match`, `Last-Event-ID`.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
};
use std::{convert::Infallible, time::Duration};
use utoipa::IntoParams;

/// Nobody waits longer than this; who asks for more is told so by `Preference-Applied`.
const WAIT_MAX_S: u64 = 25;

/// `Prefer: wait=N`: how long the caller is willing to wait for a better answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait(Option<u64>);

impl Wait {
    /// Zero without the preference.
    pub(crate) fn time(self) -> Duration {
        Duration::from_secs(self.0.unwrap_or(0))
    }

    /// `Preference-Applied`, when there was something to apply.
    pub(crate) fn applied(self) -> Option<[(HeaderName, HeaderValue); 1]> {
        let said = HeaderValue::from_str(&format!("wait={}", self.0?)).ok()?;
        Some([(HeaderName::from_static("preference-applied"), said)])
    }

    /// A preference that cannot be read is no preference: so the RFC wants it. Of two, the first counts.
    fn read(headers: &HeaderMap) -> Self {
        let said = list(headers, "prefer");
        let mut waits = said.filter_map(|preference| {
            let (name, value) = preference.split_once('=')?;
            let value = value.split(';').next().unwrap_or_default().trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("wait").then(|| value.parse::<u64>().ok())?
        });
        Self(waits.next().map(|seconds| seconds.min(WAIT_MAX_S)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Wait {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(&parts.headers))
    }
}

/// `If-None-Match`: what the caller has already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoneMatch(Option<Vec<String>>);

impl NoneMatch {
    /// The caller has some version of it.
    pub(crate) const fn is_asked(&self) -> bool {
        self.0.is_some()
    }

    /// The caller has this version.
    pub(crate) fn has(&self, version: i32) -> bool {
        self.has_tag(&etag(version))
    }

    /// The caller has what this tag, with its quotes, names. A GET compares weakly, so `W/` does not matter.
    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        let known = self.0.iter().flatten().map(|tag| tag.strip_prefix("W/").unwrap_or(tag));
        known.into_iter().any(|known| known == "*" || known == tag)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let given = parts.headers.contains_key(header::IF_NONE_MATCH);
        let tags = || list(&parts.headers, "if-none-match").map(str::to_owned).collect();
        Ok(Self(given.then(tags)))
    }
}

/// `Last-Event-ID`: the version that a stream has told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastEvent(pub Option<i32>);

impl<S: Send + Sync> FromRequestParts<S> for LastEvent {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let said = parts.headers.get("last-event-id").and_then(|value| value.to_str().ok());
        Ok(Self(said.and_then(|id| id.trim().parse().ok())))
    }
}

/// The strong entity tag of a version.
pub(crate) fn etag(version: i32) -> String {
    format!("\"{version}\"")
}

/// A header's comma-separated values, of all its lines.
fn list<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|value| !value.is_empty())
}

/// For the documentation: how long to wait.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes what `Wait` reads")]
pub(crate) struct WaitHeader {
    /// `wait=N`: wait up to N seconds (25 at most) for an answer that is worth more. With `If-None-Match` that is
    /// another version; without it, one in which the next move is not ours: something to pay, or an end.
    #[param(rename = "Prefer", example = "wait=5")]
    prefer: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(lines: &[&'static str]) -> Wait {
        let lines = lines
            .iter()
            .map(|line| (HeaderName::from_static("prefer"), HeaderValue::from_static(line)));
        Wait::read(&lines.collect())
    }

    #[test]
    fn a_preference_is_read_as_the_rfc_writes_it_and_capped() {
        assert_eq!(wait(&[]), Wait(None));
        assert_eq!(wait(&["respond-async, wait=10"]), Wait(Some(10)));
        assert_eq!(wait(&["respond-async", "Wait=\"7\"; foo=1"]), Wait(Some(7)));
        assert_eq!(wait(&["wait=3, wait=20"]), Wait(Some(3)));
        assert_eq!(wait(&["wait=-1", "wait=x", "wait"]), Wait(None));
        let capped = wait(&["wait=600"]);
        assert_eq!(capped.applied().map(|[(_, value)]| value), Some("wait=25".parse().unwrap()));
    }

    #[test]
    fn what_the_caller_has_is_compared_weakly_and_by_any_of_its_tags() {
        let has = |tags: &[&str]| NoneMatch(Some(tags.iter().map(|&tag| tag.to_owned()).collect()));
        assert!(has(&["\"6\"", "W/\"7\""]).has(7));
        assert!(has(&["*"]).has(7));
        assert!(!has(&["\"77\"", "7"]).has(7));
        assert!(!NoneMatch(None).has(7));
    }
}
