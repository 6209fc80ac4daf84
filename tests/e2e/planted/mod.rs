//! Card numbers, names, tokens and secrets in every field that a caller or a vendor can fill: afterwards everything that
//! was written anywhere is searched, and none is where it has no business.

mod callers;
mod places;
mod vendor;
mod webhooks;

use crate::sweep::stories::{Stage, Story};
use harness::{Setup, Visit, visit_with};
use places::Places;
use regex::bytes::Regex;
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

/// So many bookings at once are told to vendors who plant.
const AT_ONCE: usize = 16;
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

/// What a vendor calls its own things, which Usher has to keep to speak of them, and what the ticket says of the film and
/// the cinema: a name planted there is kept, too. A card number is not.
const KEPT: [&str; 13] = [
    "GET /hyperpay/v1/query payments.*.id",
    "GET /hyperpay/v1/query/* id",
    "GET /vista/WSVistaWebClient/OData.svc/ScheduledFilms value.*.CinemaName",
    "GET /vista/WSVistaWebClient/OData.svc/ScheduledFilms value.*.CinemaNameAlt",
    "GET /vista/WSVistaWebClient/OData.svc/ScheduledFilms value.*.Rating",
    "GET /vista/WSVistaWebClient/OData.svc/ScheduledFilms value.*.Title",
    "GET /vista/WSVistaWebClient/OData.svc/ScheduledFilms value.*.TitleAlt",
    "POST /hyperpay/v1/checkouts id",
    "POST /hyperpay/v1/payments/* id",
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
    let visit = visit_with(Setup { with, ..Setup::default() }).await;
    between.vendors_are_at(&visit.system.sandbox);

    tell_all(&visit).await;
    visit.assert_balanced_but_for(&Story::CASES).await;
    let fields: Vec<Field> = between.fields().into_iter().collect();
    for plant in [Plant::card, Plant::name] {
        between.plants(fields.iter().enumerate().map(|(number, field)| plant(field, number + 1)));
        let mut rounds = 0;
        while !between.waiting().is_empty() {
            assert!(rounds < ROUNDS_MAX, "never answered again: {:#?}", between.waiting());
            tell_all(&visit).await;
            rounds += 1;
        }
    }

    let places = Places::read(&visit).await;
    for place in ["table vendor_calls", "engine sys_journal", "restate's", "postgres's", "usher's"]
    {
        places.assert_searched(place);
    }
    let [cards, names] = shapes().map(|shape| places.find(&shape));
    assert!(cards.is_empty(), "card numbers are kept: {cards:#?}");
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

/// Every way that a booking can go, some bookings of each; under fire they may end otherwise.
async fn tell_all(visit: &Arc<Visit>) {
    let mut telling = JoinSet::new();
    for number in 0..AT_ONCE {
        let story = Story::ALL[number % Story::ALL.len()];
        let visit = Arc::clone(visit);
        telling.spawn(async move { Stage::new(&visit).tell(story).await });
    }
    telling.join_all().await;
}
