//! Card numbers, names, tokens and secrets in every field that a caller or a vendor can fill: afterwards everything that
//! was written anywhere is searched, and none is where it has no business.

mod callers;
mod overheard;
mod places;
mod vendor;
mod webhooks;

use crate::sweep::stories::{Stage, Story, Tale};
use harness::{Booking, Visit, Way};
use overheard::Overheard;
use places::{Places, TOLD};
use regex::bytes::Regex;
use serde_json::Value;
use std::{collections::BTreeSet, sync::Arc};
use tokio::task::JoinSet;
use vendor::{Between, Field};

/// In every object of every answer of a vendor.
const EXTRA_CARD: &str = "4000120000000008";
const EXTRA_NAME: &str = "planted-person-0000";

/// What is looked for: [`Plant::card`]'s and [`Plant::name`]'s, and nothing of ours.
fn shapes() -> [Regex; 2] {
    ["400012[0-9]{10}", "planted-person-[0-9]{4}"].map(|shape| Regex::new(shape).unwrap())
}

/// Far more than the longest list of plants for one operation.
const ROUNDS_MAX: usize = 60;

/// A text put where another one was.
#[derive(Clone, Debug)]
struct Plant {
    field: Field,
    text: String,
}

impl Plant {
    /// A card number that nobody else plants.
    fn card(field: &Field, number: usize) -> Self {
        Self { field: field.clone(), text: card(number) }
    }

    /// What could be a name, a token or a secret.
    fn name(field: &Field, number: usize) -> Self {
        Self { field: field.clone(), text: name(number) }
    }
}

/// A card number with its check digit.
fn card(number: usize) -> String {
    let digits = format!("400012{number:09}");
    let weigh = |(place, digit): (usize, char)| {
        let digit = digit.to_digit(10).unwrap();
        if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
    };
    let sum: u32 = digits.chars().rev().enumerate().map(weigh).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

fn name(number: usize) -> String {
    format!("planted-person-{number:04}")
}

/// What Vista says no to, and in which story: an order's time may be over before any call about it, a look-up may come
/// before the booking shows, and a refund may be the second. On a busy machine all of it happens by itself, now and then.
/// Here it happens every time, since a field that came once has to come again.
const REFUSALS: [Refusal; 8] = [
    (Story::Sold, "set_tickets", "order_expired"),
    (Story::Sold, "get_order", "order_expired"),
    (Story::Sold, "continue_order", "order_expired"),
    (Story::Sold, "pay_order", "order_expired"),
    (Story::CalledOff, "cancel_order", "order_expired"),
    (Story::TakenBack, "booking_status", "lookup_lag"),
    (Story::TakenBack, "get_booking", "lookup_lag"),
    (Story::TakenBack, "refund_booking", "commit_63"),
];

/// What a vendor calls its own things, which Usher has to keep to speak of them, and what the ticket says of the film, the
/// hall, the cinema and who it is for: a name planted there is kept, too. A card number is not.
const KEPT: [&str; 19] = [
    "GET /hyperpay/v1/checkouts/*/payment id",
    "GET /hyperpay/v1/query payments.*.id",
    "GET /hyperpay/v1/query/* id",
    "GET /vista/WSVistaWebClient/OData.svc/ScheduledFilms value.*.CinemaName",
    "GET /vista/WSVistaWebClient/OData.svc/ScheduledFilms value.*.CinemaNameAlt",
    "GET /vista/WSVistaWebClient/OData.svc/ScheduledFilms value.*.Rating",
    "GET /vista/WSVistaWebClient/OData.svc/ScheduledFilms value.*.Title",
    "GET /vista/WSVistaWebClient/OData.svc/ScheduledFilms value.*.TitleAlt",
    "GET /vista/WSVistaWebClient/OData.svc/Sessions value.*.ScreenName",
    "GET /vista/WSVistaWebClient/OData.svc/Sessions value.*.ScreenNameAlt",
    "GET /vista/WSVistaWebClient/RESTData.svc/cinemas/*/sessions/*/tickets Tickets.*.Description",
    "GET /vista/WSVistaWebClient/RESTData.svc/cinemas/*/sessions/*/tickets Tickets.*.DescriptionAlt",
    "POST /hyperpay/v1/checkouts id",
    "POST /hyperpay/v1/payments/* id",
    "POST /hyperpay/v1/registrations/*/payments id",
    "POST /vista/WSVistaWebClient/RESTBooking.svc/booking Booking.BookingId",
    "POST /vista/WSVistaWebClient/RESTTicketing.svc/order/payment VistaBookingId",
    "POST /vista/WSVistaWebClient/RESTTicketing.svc/order/payment VistaBookingNumber",
    "POST /vista/WSVistaWebClient/orders order.userSessionId",
];

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the counts are what is shown")]
async fn what_vendors_have_no_business_to_send_is_written_nowhere() {
    let between = Between::start().await;
    let with = vec![
        ("VISTA_BASE_URL", format!("{}/vista/WSVistaWebClient", between.url)),
        ("HYPER_PAY_BASE_URL", format!("{}/hyperpay", between.url)),
    ];
    let overheard = Overheard::start(with).await;
    let visit = &overheard.visit;
    between.vendors_are_at(&visit.system.sandbox);

    tell_all_undisturbed(&overheard).await;
    let fields: Vec<Field> = between.fields().into_iter().collect();
    for plant in [Plant::card, Plant::name] {
        between.plants(fields.iter().enumerate().map(|(number, field)| plant(field, number + 1)));
        let mut rounds = 0;
        while !between.waiting().is_empty() {
            assert!(rounds < ROUNDS_MAX, "never answered again: {:#?}", between.waiting());
            tell_all(&overheard).await;
            rounds += 1;
        }
    }

    let places = Places::read(&overheard).await;
    places.assert_searched("the store");
    let [cards, names] = shapes().map(|shape| places.find(&shape));
    assert!(cards.is_empty(), "card numbers are kept: {cards:#?}");
    let told = |(_, at): &(&String, &BTreeSet<String>)| at.iter().any(|at| TOLD.contains(&&**at));
    let told: Vec<_> = names.iter().filter(told).collect();
    assert!(told.is_empty(), "what is kept is told to others: {told:#?}");
    let field = |text: &String| {
        let number: usize = text.rsplit('-').next().unwrap().parse().unwrap();
        number.checked_sub(1).map_or("an extra field", |place| fields[place].as_str())
    };
    let kept: BTreeSet<&str> = names.keys().map(field).collect();
    let too_much: Vec<_> = kept.iter().filter(|field| !KEPT.contains(field)).collect();
    assert!(too_much.is_empty(), "{too_much:#?} in {names:#?}");
    let stale: Vec<_> =
        KEPT.iter().filter(|field| !fields.iter().any(|is| is == **field)).collect();
    assert!(stale.is_empty(), "vendors say no such thing: {stale:#?}");
    println!(
        "{} fields, a card and a name in each: no card anywhere, {} of the vendors' own ids kept",
        fields.len(),
        kept.len()
    );
}

/// A booking that is told no by Vista once: in which story, to which call, how.
type Refusal = (Story, &'static str, &'static str);

/// Before anything is planted: until Vista has said no to all that it can say no to. Where much else runs, a booking may
/// be over before it comes to that: then it is told again, and those alone.
async fn tell_all_undisturbed(overheard: &Overheard) {
    let visit = &overheard.visit;
    tell_all(overheard).await;
    let mut unmet = Vec::new();
    for _ in 0..ROUNDS_MAX {
        visit.assert_balanced_but_for(&Tale::CASES).await;
        let rules = visit.unfired("vista").await;
        let is_unmet = |(_, operation, fault): &Refusal| {
            let same = |rule: &Value| rule["match"]["op"] == *operation && rule["fault"] == *fault;
            rules.iter().any(same)
        };
        unmet = REFUSALS.into_iter().filter(is_unmet).collect();
        if unmet.is_empty() {
            return;
        }
        visit.vista().heals().await;
        let again = unmet.iter().map(|refusal| refused(Arc::clone(visit), *refusal));
        again.collect::<JoinSet<_>>().join_all().await;
    }
    panic!("never asked: {unmet:?}");
}

/// Every way that a booking can go, and every refusal; under fire they may end otherwise.
async fn tell_all(overheard: &Overheard) {
    overheard.something_breaks();
    let (visit, mut telling) = (&overheard.visit, JoinSet::new());
    for tale in Tale::of_hyperpay() {
        telling.spawn(Stage::tells(Arc::clone(visit), tale));
    }
    for refusal in REFUSALS {
        telling.spawn(refused(Arc::clone(visit), refusal));
    }
    telling.join_all().await;
}

async fn refused(visit: Arc<Visit>, (story, operation, fault): Refusal) -> Booking {
    let stage = Stage::new(&visit, Way::HyperPayPage);
    visit.vista().fails(operation, stage.session(), fault).await;
    stage.tell(story).await
}
