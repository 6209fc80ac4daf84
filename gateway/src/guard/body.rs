//! The body of a request, read once: not too long, not too slowly, and screened before anything else looks at it.

use super::{
    address::Client,
    card,
    screen::{self, Refusal},
};
use crate::{app::App, error::Error, refused::Knock, telemetry};
use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request, State},
    http::{HeaderMap, HeaderName, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use schema::{provider::Provider, states};
use std::time::Duration;

const WEBHOOKS: &str = "/webhooks/";
/// The ways back from a vendor's page.
const RETURNS: &str = "/return/";
/// How long a whole body may take.
const BODY_TIME: Duration = Duration::from_secs(15);

pub(super) async fn read(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match screened(&app, &parts, body).await {
        Ok(body) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Err(error) => {
            keep(&app, &parts, &error);
            let mut response = error.into_response();
            // What is left of the body is not read, so nothing else can come over this connection.
            response
                .headers_mut()
                .insert(header::CONNECTION, header::HeaderValue::from_static("close"));
            response
        }
    }
}

async fn screened(app: &App, parts: &Parts, body: Body) -> Result<Bytes, Error> {
    // A refused webhook would be lost; its vendor's adapter looks for cards in it, and nothing of it is ever logged.
    let from_a_vendor = parts.uri.path().starts_with(WEBHOOKS);
    if !from_a_vendor {
        line(&parts.uri, &parts.headers)?;
    }
    let encoding = parts.headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Error::Encoded);
    }
    let whole = Request::from_parts(parts.clone(), body);
    let bytes = tokio::time::timeout(BODY_TIME, Bytes::from_request(whole, app))
        .await
        .map_err(|_| Error::TooSlow)?
        .map_err(|rejection| crate::routes::too_large(&rejection))?;
    if !from_a_vendor {
        screen::json(&bytes).map_err(|refusal| refused("The body", refusal))?;
    }
    Ok(bytes)
}

/// Of what is refused here nobody further in hears: a delivery is kept as one that was.
fn keep(app: &App, parts: &Parts, error: &Error) {
    let vendor = parts.uri.path().strip_prefix(WEBHOOKS).and_then(|path| path.split('/').next());
    let provider = vendor.and_then(Provider::named);
    let Some(provider) = provider.filter(|it| app.providers.get(*it).is_some()) else { return };
    let (refusal, reason) = if matches!(error, Error::TooLarge) {
        (states::Refusal::TooLarge, "a body of more than 64 KiB")
    } else if matches!(error, Error::Encoded) {
        (states::Refusal::Unreadable, "a compressed body")
    } else {
        (states::Refusal::Unreadable, "a body that did not come to its end")
    };
    let address = Client::of(parts, app).counted();
    let knock = Knock { provider, headers: &parts.headers, body: None, address };
    telemetry::delivery(provider, "refused");
    app.refused.keep(&knock, refusal, reason);
}

/// The path, the query, and the headers that are somebody's words.
fn line(uri: &Uri, headers: &HeaderMap) -> Result<(), Error> {
    let path = percent_decoded(uri.path());
    // A path with anything else odd in it names nothing.
    screen::no_card(&path).map_err(|refusal| refused("The path", refusal))?;
    // A vendor names what its form has asked for, masked; a whole number is refused there, too.
    let names_are_a_vendors = uri.path().starts_with(RETURNS);
    for pair in uri.query().unwrap_or_default().split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent_decoded(&name.replace('+', " "));
        let value = percent_decoded(&value.replace('+', " "));
        let is_named = card::is_named(&name) && !names_are_a_vendors;
        let named = if is_named { Err(Refusal::Card) } else { Ok(()) };
        named
            .and_then(|()| screen::text(&name))
            .and_then(|()| screen::text(&value))
            .map_err(|refusal| refused("The query", refusal))?;
    }
    for (name, value) in headers.iter().filter(|(name, _)| is_somebodys_words(name)) {
        let text = String::from_utf8_lossy(value.as_bytes());
        screen::text(&text).map_err(|refusal| refused(&format!("The header {name}"), refusal))?;
    }
    Ok(())
}

/// The others are machines': tokens, which are never written down, and numbers of traces, which can look like cards.
fn is_somebodys_words(name: &HeaderName) -> bool {
    const READ: [&str; 4] = ["idempotency-key", "user-agent", "referer", "last-event-id"];
    READ.contains(&name.as_str()) || name.as_str().starts_with("x-device-")
}

/// Says where, and never what.
fn refused(place: &str, refusal: Refusal) -> Error {
    match refusal {
        Refusal::Card => card_data(&format!("{place} has card data in it")),
        Refusal::CardIn(field) => card_data(&format!("{place} has card data in its field {field}")),
        Refusal::Control => Error::invalid(
            "control_character",
            "Texts are plain: no control characters, no line breaks.",
        ),
        Refusal::NotUtf8 => Error::invalid("invalid_body", "The body is not UTF-8."),
        Refusal::Complex => Error::Invalid {
            code: "body_too_complex",
            detail: format!(
                "A body may be nested {} deep and have {} fields.",
                screen::DEPTH_MAX,
                screen::FIELDS_MAX
            )
            .into(),
        },
        Refusal::Twice(field) => Error::Invalid {
            code: "duplicate_field",
            detail: format!("{place} has its field {field} twice.").into(),
        },
    }
}

fn card_data(found: &str) -> Error {
    metrics::counter!("usher_card_data_refused_total").increment(1);
    Error::Invalid {
        code: "card_data_refused",
        detail: format!(
            "{found}. Cards go from the customer to the payment vendor, never through here; nothing of it was kept."
        )
        .into(),
    }
}

/// A broken escape is taken as it stands.
fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *byte == b'%');
        let value = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        let value = value.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(value.unwrap_or(*byte));
        rest = after.get(if value.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(address: &str) -> Result<(), Error> {
        line(&address.parse().unwrap(), &HeaderMap::new())
    }

    fn is_card_data(answer: &Result<(), Error>) -> bool {
        matches!(answer, Err(Error::Invalid { code: "card_data_refused", .. }))
    }

    #[test]
    fn a_vendor_may_name_a_cards_fields_on_the_way_back_and_say_no_number() {
        for back in ["/return/cards/card_1", "/return/payfort/pay_1"] {
            let masked = format!("{back}?card_number=400555******0001&expiry_date=3005");
            assert!(says(&masked).is_ok(), "{masked}");
            for whole in ["card_number=4005550000000001", "a=b&note=5105+1051+0510+5100"] {
                assert!(is_card_data(&says(&format!("{back}?{whole}"))), "{back} {whole}");
            }
        }
        for elsewhere in ["/api/v1/cards", "/pay/cards/card_1", "/returns", "/api/return/cards/1"] {
            let named = says(&format!("{elsewhere}?card_number=400555******0001"));
            assert!(is_card_data(&named), "{elsewhere}");
        }
    }
}
