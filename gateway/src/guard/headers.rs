//! What every answer tells the browser, and which sites' pages may ask.

use crate::app::App;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};
use std::time::Duration;
use tower_http::cors::CorsLayer;

/// An answer is data: nothing in it may run, load or be framed.
const DATA: &str = "default-src 'none'; frame-ancestors 'none'";
/// Our own pages and pictures have styles in them, and nothing else.
const PAGE: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

/// A page with a vendor's form in it. The form is a frame of the vendor's, and sends the browser on to the customer's
/// bank, whose address nobody knows beforehand.
pub(crate) fn vendors_page(script: &str) -> Option<HeaderValue> {
    let origin = origin(script)?;
    let policy = format!(
        "default-src 'none'; script-src {origin} 'unsafe-inline'; style-src {origin} 'unsafe-inline'; \
         img-src {origin} data:; font-src {origin}; connect-src {origin}; frame-src {origin} https:; \
         form-action 'self' {origin} https:; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
}

/// A page with a form of ours that goes to a vendor.
pub(crate) fn form_to(action: &str) -> Option<HeaderValue> {
    let origin = origin(action)?;
    HeaderValue::from_str(&format!("{PAGE}; form-action {origin}")).ok()
}

/// A page with a form of ours that goes to the customer's bank, or to whoever leads there: browsers hold each redirect
/// that follows against the policy, too, and the last address nobody knows beforehand.
pub(crate) fn form_to_bank(action: &str) -> Option<HeaderValue> {
    let origin = origin(action)?;
    HeaderValue::from_str(&format!("{PAGE}; form-action {origin} https:")).ok()
}

fn origin(url: &str) -> Option<String> {
    let origin = url.split('/').take(3).collect::<Vec<_>>().join("/");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.:/".contains(c);
    (origin.starts_with("http") && origin.chars().all(plain)).then_some(origin)
}

/// Puts them on every answer; a policy that a route has chosen itself stays.
pub(super) async fn secure(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = policy_for(headers);
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, policy);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-site");
    // What is somebody's is nobody else's: no cache on the way keeps it, unless the route says so.
    set(header::CACHE_CONTROL, "no-store");
    if app.settings.public_url.starts_with("https://") {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    response
}

fn policy_for(headers: &HeaderMap) -> &'static str {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| kind.starts_with("text/html") || kind.starts_with("image/svg")) {
        PAGE
    } else {
        DATA
    }
}

/// Pages of these sites may ask, with a token but without cookies: there are none.
pub(super) fn cors(origins: &[String]) -> CorsLayer {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|site| site.parse().ok()).collect();
    let sent = ["idempotency-key", "prefer", "last-event-id", "x-device-id", "x-device-platform"];
    let sent = sent.map(HeaderName::from_static).into_iter();
    let shown = ["ratelimit", "ratelimit-policy"].map(HeaderName::from_static).into_iter();
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(
            sent.chain([header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_NONE_MATCH])
                .collect::<Vec<_>>(),
        )
        .expose_headers(
            shown.chain([header::ETAG, header::LOCATION, header::RETRY_AFTER]).collect::<Vec<_>>(),
        )
        .max_age(Duration::from_mins(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_the_origin_of_its_vendor_and_nothing_smuggled() {
        let policy = vendors_page("https://eu-prod.oppwa.com/v1/paymentWidgets.js?checkoutId=1");
        let policy = policy.unwrap().to_str().unwrap().to_owned();
        assert!(
            policy.contains("script-src https://eu-prod.oppwa.com 'unsafe-inline'"),
            "{policy}"
        );
        assert!(vendors_page("https://evil; script-src */").is_none());
        assert!(vendors_page("javascript:alert(1)").is_none());
    }

    #[test]
    fn a_form_goes_to_its_vendor_alone_and_only_one_for_a_bank_goes_on() {
        let shown = |policy: Option<HeaderValue>| policy.unwrap().to_str().unwrap().to_owned();
        let card = shown(form_to("https://checkout.payfort.com/FortAPI/paymentPage"));
        assert!(card.ends_with("; form-action https://checkout.payfort.com"), "{card}");
        let bank = shown(form_to_bank("https://acs.bank.example/challenge?id=1"));
        assert!(bank.ends_with("; form-action https://acs.bank.example https:"), "{bank}");
        assert!(bank.starts_with(PAGE), "nothing runs in it: {bank}");
        assert!(form_to_bank("https://evil; script-src */").is_none());
    }
}
