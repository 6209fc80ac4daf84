//! One HTTP request as a vendor reads it, and the answer it gives.

use crate::socket::Line;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

/// What a vendor reads at most.
const BODY_LIMIT: usize = 64 * 1024;
/// The control plane takes thousands of rules at once.
const CONTROL_LIMIT: usize = 8 * 1024 * 1024;

/// Name and value in the order they came; a name may come twice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs(pub Vec<(String, String)>);

impl Pairs {
    /// Reads `a=1&b=%20x`: a query or a form body.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(name, true), percent_decode(value, true))
        });
        Self(pairs.collect())
    }

    /// The first value under this name, whatever its case: an IIS query is not case-sensitive.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The value, when there is one that is not empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub method: Method,
    /// Decoded segments; empty ones are dropped, which tolerates a trailing slash.
    pub path: Vec<String>,
    pub query: Pairs,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub line: Line,
}

impl Wire {
    pub(crate) async fn read(request: Request) -> Result<Self, Answer> {
        let (parts, body) = request.into_parts();
        let control = parts.uri.path().starts_with("/_sim");
        let body = to_bytes(body, if control { CONTROL_LIMIT } else { BODY_LIMIT })
            .await
            .map_err(|_| Answer::text(413, "the body is too long"))?;
        let segments = parts.uri.path().split('/').filter(|segment| !segment.is_empty());
        let path = segments.map(|segment| percent_decode(segment, false)).collect();
        let line = parts.extensions.get::<ConnectInfo<Line>>();
        Ok(Self {
            method: parts.method,
            path,
            query: Pairs::parse(parts.uri.query().unwrap_or_default()),
            headers: parts.headers,
            body,
            line: line.map(|ConnectInfo(line)| line.clone()).unwrap_or_default(),
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    pub(crate) fn form(&self) -> Pairs {
        Pairs::parse(&String::from_utf8_lossy(&self.body))
    }

    /// The path's segments from `start`, lower-cased: what routes are matched on.
    pub(crate) fn route(&self, start: usize) -> Vec<String> {
        self.path.iter().skip(start).map(|segment| segment.to_ascii_lowercase()).collect()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub kind: &'static str,
    pub body: String,
    pub headers: Vec<(&'static str, String)>,
}

impl Answer {
    pub(crate) fn of(status: u16, kind: &'static str, body: String) -> Self {
        Self { status, kind, body, headers: Vec::new() }
    }

    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        let text = serde_json::to_string(body).unwrap_or_default();
        Self::of(status, "application/json; charset=utf-8", text)
    }

    pub(crate) fn html(status: u16, body: impl Into<String>) -> Self {
        Self::of(status, "text/html; charset=utf-8", body.into())
    }

    pub(crate) fn text(status: u16, body: impl Into<String>) -> Self {
        Self::of(status, "text/plain; charset=utf-8", body.into())
    }

    pub(crate) fn script(body: impl Into<String>) -> Self {
        Self::of(200, "text/javascript; charset=utf-8", body.into())
    }

    pub(crate) fn see_other(location: String) -> Self {
        Self::text(303, "").with("location", location)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        // Some answers have no body, and no type of one.
        if !self.kind.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

fn percent_decode(text: &str, plus_is_space: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match (byte, hex.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                at += 2;
            }
            (b'+', _) if plus_is_space => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Everything but the unreserved characters, as two hex digits.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&data_encoding::HEXUPPER.encode(&[byte]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_body_is_decoded_name_by_name() {
        let form = Pairs::parse("amount=92.00&customParameters%5BSHOPPER_cart%5D=a+b%26c&x");
        assert_eq!(form.get("amount"), Some("92.00"));
        assert_eq!(form.get("customParameters[SHOPPER_cart]"), Some("a b&c"));
        assert_eq!(form.get("x"), Some(""));
        assert_eq!(form.filled("x"), None);
    }

    #[test]
    fn a_broken_escape_is_taken_literally() {
        assert_eq!(percent_decode("50%zz%4", false), "50%zz%4");
        assert_eq!(percent_encode("/v1/سلام"), "%2Fv1%2F%D8%B3%D9%84%D8%A7%D9%85");
    }
}
