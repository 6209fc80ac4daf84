//! `/pay/{payment}`: the page to pay on. `/return/{vendor}/{payment}`: back from the vendor. Neither decides anything.

use crate::{app::App, error::Error, guard};
use adapters::provider::Page;
use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use chrono::Utc;
use maud::{DOCTYPE, Markup, html};
use schema::{
    ids::PaymentId,
    payments::{self, Payment},
};

pub(super) fn router() -> Router<App> {
    Router::new().route("/pay/{payment}", get(pay)).route("/return/{provider}/{payment}", get(back))
}

/// The vendor's form on our page. The card goes from the browser to the vendor and never through us.
async fn pay(State(app): State<App>, Path(payment): Path<String>) -> Result<Response, Error> {
    let payment = find(&app, &payment).await?;
    let vendor = app.providers.get(payment.provider);
    let mut policy = None;
    let page = match (payment.payable, vendor, &payment.vendor_session) {
        (false, ..) | (_, None, _) => told(
            "This payment has ended.",
            "انتهت عملية الدفع هذه.",
            "Go back to the app to see your booking.",
        ),
        (true, Some(_), None) => html! {
            meta http-equiv="refresh" content="1";
            (told("One moment…", "لحظة من فضلك…", "The payment page is being opened."))
        },
        (true, Some(vendor), Some(session)) => match vendor.page(session) {
            Page::Redirect { url } => return Ok(Redirect::to(&url).into_response()),
            Page::Widget { script, brands } => {
                policy = guard::vendors_page(&script);
                html! {
                    h1 { "Pay " (amount(&payment)) }
                    p lang="ar" dir="rtl" { "ادفع " (amount(&payment)) }
                    form.paymentWidgets action=(payment.request.return_url) data-brands=(brands) {}
                    script src=(script) {}
                }
            }
        },
    };
    let mut response =
        (StatusCode::OK, NO_STORE, Html(framed(&page).into_string())).into_response();
    if let Some(policy) = policy {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

const NO_STORE: [(header::HeaderName, &str); 2] =
    [(header::CACHE_CONTROL, "no-store"), (header::REFERRER_POLICY, "no-referrer")];

/// The browser is back from the vendor: ask the vendor now, and send the browser on to the app. What the browser
/// brings with it is not read.
async fn back(
    State(app): State<App>,
    Path((provider, payment)): Path<(String, String)>,
) -> Result<Response, Error> {
    let payment = find(&app, &payment).await?;
    if payment.provider.name() != provider {
        return Err(Error::NotFound);
    }
    // However often the page is loaded, the vendor is asked once in ten seconds.
    let once = format!("return:{}", Utc::now().timestamp() / 10);
    if let Err(error) = app.engine.ask(payment.payment_id, once).await {
        tracing::warn!(%error, "payment {} is asked about later: {error}", payment.payment_id);
    }
    if let Some(link) = app.settings.deep_links.get(&payment.request.platform) {
        let link = link.replace("{booking}", &payment.booking_id.to_string());
        return Ok(Redirect::to(&link).into_response());
    }
    let page = told(
        "Thank you. Your payment is being checked.",
        "شكرًا لك. جارٍ التحقق من عملية الدفع.",
        "You can close this page and go back to the app.",
    );
    Ok((StatusCode::OK, NO_STORE, Html(framed(&page).into_string())).into_response())
}

async fn find(app: &App, payment: &str) -> Result<Payment, Error> {
    let id: PaymentId = payment.parse().map_err(|_| Error::NotFound)?;
    payments::find(&app.db, id).await?.ok_or(Error::NotFound)
}

fn amount(payment: &Payment) -> String {
    payment.amount.map_or_else(String::new, |amount| amount.to_string())
}

fn told(english: &str, arabic: &str, then: &str) -> Markup {
    html! {
        h1 { (english) }
        p lang="ar" dir="rtl" { (arabic) }
        p { (then) }
    }
}

fn framed(page: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Pay for your booking" }
                style { (STYLE) }
            }
            body { main { (page) } }
        }
    }
}

const STYLE: &str = "body{font-family:system-ui,sans-serif;background:#f4f4f6;color:#1c1c22;margin:0}\
main{max-width:30rem;margin:3rem auto;padding:2rem;background:#fff;border-radius:12px;\
box-shadow:0 1px 4px rgba(0,0,0,.12)}h1{font-size:1.35rem;margin:0 0 .5rem}p{color:#55555f}\
iframe{width:100%;min-height:24rem;border:0}";
