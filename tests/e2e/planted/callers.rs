//! Whatever a caller writes wherever it can: it is written nowhere, and a card number is refused.

use super::{Places, card, name, overheard::Overheard, shapes};
use harness::{Answer, Customer, Order};
use reqwest::Method;
use serde_json::{Value, json};

const HEADERS: [&str; 15] = [
    "idempotency-key",
    "x-device-id",
    "x-device-platform",
    "user-agent",
    "cookie",
    "x-forwarded-for",
    "traceparent",
    "tracestate",
    "baggage",
    "prefer",
    "if-none-match",
    "last-event-id",
    "accept-language",
    "x-request-id",
    "authorization",
];

const PATHS: [&str; 12] = [
    "/api/v1/orders/{}",
    "/api/v1/orders/{}/payments",
    "/api/v1/orders?cursor={}",
    "/api/v1/orders?limit={}",
    "/api/v1/orders?{}=1",
    "/api/v1/cms/cases/{}",
    "/api/v1/cards/{}",
    "/pay/{}",
    "/pay/cards/{}",
    "/return/hyperpay/{}",
    "/return/cards/{}",
    "/{}",
];

/// Texts of which none is planted twice.
struct Texts {
    of: fn(usize) -> String,
    next: usize,
}

impl Texts {
    fn next(&mut self) -> String {
        self.next += 1;
        (self.of)(self.next)
    }
}

#[tokio::test]
async fn what_callers_have_no_business_to_send_is_written_nowhere() {
    let overheard = Overheard::start(Vec::new()).await;
    let customer = overheard.visit.customer();
    let mut cards = Texts { of: card, next: 7_000 };
    let mut names = Texts { of: name, next: 7_000 };
    for texts in [&mut cards, &mut names] {
        in_bodies(&customer, texts).await;
        in_headers(&customer, texts).await;
        in_paths(&customer, texts).await;
    }
    let places = Places::read(&overheard).await;
    for shape in shapes() {
        let found = places.find(&shape);
        assert!(found.is_empty(), "{found:#?}");
    }
}

async fn in_bodies(customer: &Customer, texts: &mut Texts) {
    let order = Order::new(&customer.visit);
    let booking = customer.books(order.clone()).await;
    let payments = format!("/api/v1/orders/{}/payments", booking.id);
    let hyperpay = json!({ "provider": "hyperpay" });
    let bodies = [
        ("/api/v1/orders", order.body()),
        (&payments, hyperpay.clone()),
        ("/api/v1/cards", hyperpay),
    ];
    for (path, body) in bodies {
        for planted in everywhere_in(&body, texts) {
            let answer = customer.posts(path, &Customer::key(), &planted).await;
            assert!((400..500).contains(&answer.status), "{path} {planted}: {answer:?}");
            says_no_card(&answer);
        }
    }
    booking.cancels().await;
}

/// Whether it is refused depends on the header; what counts is where it went.
async fn in_headers(customer: &Customer, texts: &mut Texts) {
    for header in HEADERS {
        let mut request = customer.request(Method::POST, "/api/v1/orders");
        if header != "idempotency-key" {
            request = request.header("idempotency-key", Customer::key());
        }
        let order = Order::new(&customer.visit).body();
        let request = request.header(header, texts.next()).json(&order);
        says_no_card(&Answer::read(request.send().await.unwrap()).await);
    }
}

async fn in_paths(customer: &Customer, texts: &mut Texts) {
    for path in PATHS {
        let path = path.replace("{}", &texts.next());
        let answer = customer.gets(&path).await;
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
        says_no_card(&answer);
    }
}

fn says_no_card(answer: &Answer) {
    let [card, _] = shapes();
    assert!(!card.is_match(answer.text.as_bytes()), "{answer:?}");
}

/// The body, once for each text in it with that text replaced, and some with a field more.
fn everywhere_in(body: &Value, texts: &mut Texts) -> Vec<Value> {
    let mut count = 0;
    super::vendor::visit(&mut body.clone(), "", &mut |_, _| count += 1);
    let mut all = Vec::new();
    for wanted in 0..count {
        let (mut planted, mut seen) = (body.clone(), 0);
        super::vendor::visit(&mut planted, "", &mut |_, text| {
            if seen == wanted {
                *text = texts.next();
            }
            seen += 1;
        });
        all.push(planted);
    }
    for field in ["card_number".to_owned(), "note".to_owned(), texts.next()] {
        let mut planted = body.clone();
        planted[field] = json!(texts.next());
        all.push(planted);
    }
    all
}
