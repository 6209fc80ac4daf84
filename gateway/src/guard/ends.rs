//! Every request is answered: one that takes too long, and one that breaks.

use crate::error::Error;
use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{any::Any, future::Future, time::Duration};

/// More than the longest wait that a caller may ask for, with all that is asked of others before it.
const LONGEST: Duration = Duration::from_secs(40);

pub(super) async fn in_time(request: Request, next: Next) -> Response {
    within(LONGEST, next.run(request)).await
}

async fn within(longest: Duration, answer: impl Future<Output = Response>) -> Response {
    let late = |_| {
        tracing::warn!("a request took longer than {longest:?}");
        let detail = "It takes too long. What was begun goes on; send the same request again.";
        Error::Unavailable { code: "took_too_long", detail }.into_response()
    };
    tokio::time::timeout(longest, answer).await.unwrap_or_else(late)
}

/// What it broke with was written down where it broke.
pub(super) fn broken(_: Box<dyn Any + Send>) -> Response {
    Error::Internal("it broke while it was served".to_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::Body, http::header, routing::get};
    use std::future::pending;
    use tower::Service;
    use tower_http::catch_panic::CatchPanicLayer;

    fn assert_problem(response: &Response, status: u16) {
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }

    #[tokio::test]
    async fn what_takes_too_long_is_told_when_to_come_back() {
        let late = within(Duration::from_millis(1), pending()).await;
        assert_problem(&late, 503);
        assert!(late.headers().contains_key(header::RETRY_AFTER));
    }

    async fn breaks() {
        panic!("on purpose");
    }

    #[tokio::test]
    async fn what_breaks_is_answered() {
        let broken = CatchPanicLayer::custom(broken);
        let mut routes: Router = Router::new().route("/", get(breaks)).layer(broken);
        assert_problem(&routes.call(Request::new(Body::empty())).await.unwrap(), 500);
    }
}
