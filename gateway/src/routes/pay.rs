//! `/pay/{payment}`: the page to pay on. `/return/{vendor}/{payment}`: back from the vendor. Neither decides anything.

use super::{body::Named, ways_to_pay};
use crate::{app::App, error::Error, guard};
use axum::{
    Form,
    extract::{
        Query, State,
        rejection::{FormRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use chrono::Utc;
use maud::{DOCTYPE, Markup, html};
use schema::{
    ids::PaymentId,
    paying::NextAct,
    payments::{self, Payment},
    provider::Provider,
};
use secrecy::ExposeSecret;
use utoipa_axum::{router::OpenApiRouter, routes};

const TITLE: &str = "Pay for your booking";

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(pay)).routes(routes!(back, posted_back))
}

/// Pay, in a browser
///
/// The vendor's form on our page. The card goes from the browser to the vendor and never through us.
#[utoipa::path(get, path = "/pay/{payment}", tag = "payments", operation_id = "show_pay_page", security(()),
    params(("payment" = PaymentId, Path, description = "The payment.")),
    responses(
        (status = 200, body = String, content_type = "text/html", description = "A page for people."),
        (status = 303, description = "The vendor has a page of its own.",
         headers(("Location" = String, description = "The vendor's page."))),
        (status = 404, description = "There is no such payment."),
    ))]
async fn pay(State(app): State<App>, Named(payment): Named<String>) -> Result<Response, Error> {
    let payment = find(&app, &payment).await?;
    let is_on = app.providers.get(payment.provider).is_some();
    let mut policy = None;
    let page = match (payment.payable && is_on, &payment.next) {
        (false, _) => told(
            "This payment has ended.",
            "انتهت عملية الدفع هذه.",
            "Go back to the app to see your booking.",
        ),
        (true, None) => html! {
            meta http-equiv="refresh" content="1";
            (told("One moment…", "لحظة من فضلك…", "The payment page is being opened."))
        },
        (true, Some(NextAct::Redirect { url })) => return Ok(Redirect::to(url).into_response()),
        (true, Some(NextAct::Widget { script, brands })) => {
            policy = guard::vendors_page(script);
            html! {
                h1 { "Pay " (amount(&payment)) }
                p lang="ar" dir="rtl" { "ادفع " (amount(&payment)) }
                form.paymentWidgets action=(payment.request.return_url) data-brands=(brands) {}
                script src=(script) {}
            }
        }
        (true, Some(NextAct::Form { action, fields })) => {
            // What was charged already only has to be shown to the customer's bank.
            let does = if payment.request.pay_with.moves_money() {
                policy = guard::form_to_bank(action);
                "Go on to your bank · تابع إلى مصرفك"
            } else {
                policy = guard::form_to(action);
                "Enter your card · أدخل بطاقتك"
            };
            html! {
                h1 { "Pay " (amount(&payment)) }
                p lang="ar" dir="rtl" { "ادفع " (amount(&payment)) }
                form method="post" action=(action) {
                    @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
                    button { (does) }
                }
            }
        }
        (true, Some(NextAct::Nothing | NextAct::Otp | NextAct::Terminal { .. })) => told(
            "There is nothing to do on this page.",
            "لا يوجد ما يلزم فعله في هذه الصفحة.",
            "Go back to the app to see your booking.",
        ),
    };
    let mut response =
        (StatusCode::OK, NO_STORE, Html(framed(TITLE, &page).into_string())).into_response();
    if let Some(policy) = policy {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

pub(super) const NO_STORE: [(header::HeaderName, &str); 2] =
    [(header::CACHE_CONTROL, "no-store"), (header::REFERRER_POLICY, "no-referrer")];

/// Come back from the vendor, in a browser
///
/// The vendor is asked now, and the browser sent on to the app. What the browser brings with it decides nothing; a card's
/// token that the vendor has signed is what the payment goes on with.
#[utoipa::path(get, path = "/return/{provider}/{payment}", tag = "payments", operation_id = "return_from_vendor",
    security(()),
    params(
        ("provider" = Provider, Path, description = "The vendor."),
        ("payment" = PaymentId, Path, description = "The payment."),
    ),
    responses(
        (status = 200, body = String, content_type = "text/html", description = "A page for people."),
        (status = 303, description = "On to the app.",
         headers(("Location" = String, description = "The app's link."))),
        (status = 404, description = "There is no such payment."),
    ))]
async fn back(
    State(app): State<App>,
    Named(named): Named<(String, String)>,
    fields: Result<Query<Fields>, QueryRejection>,
) -> Result<Response, Error> {
    welcome(&app, named, fields.map(|Query(fields)| fields).unwrap_or_default()).await
}

/// Come back from the vendor, in a browser, by a form
///
/// The same for vendors whose page posts the browser back.
#[utoipa::path(post, path = "/return/{provider}/{payment}", tag = "payments",
    operation_id = "return_from_vendor_by_form", security(()),
    params(
        ("provider" = Provider, Path, description = "The vendor."),
        ("payment" = PaymentId, Path, description = "The payment."),
    ),
    request_body(content = Option<String>, content_type = "application/x-www-form-urlencoded",
        description = "What the vendor tells the browser to say."),
    responses(
        (status = 200, body = String, content_type = "text/html", description = "A page for people."),
        (status = 303, description = "On to the app.",
         headers(("Location" = String, description = "The app's link."))),
        (status = 404, description = "There is no such payment."),
    ))]
async fn posted_back(
    State(app): State<App>,
    Named(named): Named<(String, String)>,
    fields: Result<Form<Fields>, FormRejection>,
) -> Result<Response, Error> {
    welcome(&app, named, fields.map(|Form(fields)| fields).unwrap_or_default()).await
}

/// Names and values, as the vendor has sent them with the browser.
pub(super) type Fields = Vec<(String, String)>;

async fn welcome(
    app: &App,
    (provider, payment): (String, String),
    fields: Fields,
) -> Result<Response, Error> {
    let payment = find(app, &payment).await?;
    if payment.provider.name() != provider {
        return Err(Error::NotFound);
    }
    go_on(app, &payment, &fields).await?;
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
    Ok((StatusCode::OK, NO_STORE, Html(framed(TITLE, &page).into_string())).into_response())
}

/// Hands over what the payment goes on with, if the vendor has sent that and it is genuine.
async fn go_on(app: &App, payment: &Payment, fields: &Fields) -> Result<(), Error> {
    let Some(vendor) = app.providers.get(payment.provider).filter(|_| !fields.is_empty()) else {
        return Ok(());
    };
    match vendor.read_return(payment.payment_id, fields) {
        Ok(Some(given)) => {
            let sealed = ways_to_pay::seal(app, given.expose_secret())?;
            Ok(app.engine.give(payment.payment_id, sealed).await?)
        }
        Ok(None) => Ok(()),
        Err(error) => {
            tracing::warn!(%error, "payment {} came back with what is not its vendor's: {error}", payment.payment_id);
            Ok(())
        }
    }
}

async fn find(app: &App, payment: &str) -> Result<Payment, Error> {
    let id: PaymentId = payment.parse().map_err(|_| Error::NotFound)?;
    payments::find(&app.db, id).await?.ok_or(Error::NotFound)
}

fn amount(payment: &Payment) -> String {
    payment.amount.map_or_else(String::new, |amount| amount.to_string())
}

pub(super) fn told(english: &str, arabic: &str, then: &str) -> Markup {
    html! {
        h1 { (english) }
        p lang="ar" dir="rtl" { (arabic) }
        p { (then) }
    }
}

pub(super) fn framed(title: &str, page: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
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
