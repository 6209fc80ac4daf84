//! Every delivery of every vendor is kept with what became of it; what is forged, spoiled or told before changes nothing.

use crate::staff::{DECIDE, READ, Staff};
use harness::{Answer, Booking, Customer, Order, Visit, Way, until, visit_alone};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// What the stand-ins can do to a letter of theirs.
const FORGERIES: [(Way, &[&str]); 5] = [
    (Way::HyperPayPage, &["wrong_key", "flipped_tag", "swapped_vector"]),
    // Another's phrase; the amount altered; signed by our own request phrase; not signed.
    (Way::PayFortMada, &["wrong_key", "flipped_tag", "swapped_vector", "unsigned"]),
    (
        Way::CheckoutCard,
        &["wrong_key", "flipped_tag", "unsigned", "respaced", "truncated", "wrong_authorization"],
    ),
    (Way::Tabby, &["wrong_key", "flipped_tag", "unsigned"]),
    (Way::Terminal, &["wrong_key"]),
];

/// Longer than a body may be.
const TOO_LONG: usize = 64 * 1024 + 1;
const CARD: &str = "4000120000000008";

/// By vendor and verdict, how many.
type Kept = BTreeMap<(String, String), usize>;

#[tokio::test]
async fn whatever_a_delivery_is_it_is_kept_with_its_verdict_and_only_a_genuine_one_counts() {
    let visit = visit_alone().await;
    let mut expected = Kept::new();
    let mut references = Vec::new();
    let mut last = None;
    for (way, forgeries) in FORGERIES {
        let story = Story::of(&visit, way).await;
        let before = story.booking.looks().await;
        for forgery in forgeries {
            let answers = story.redelivers(&json!({ "forged": forgery })).await;
            assert_eq!(answers, [json!(401)], "{way:?} {forgery}");
            count(&mut expected, way.vendor(), "FORGED");
        }
        assert_eq!(story.redelivers(&json!({})).await, [json!(200)], "{way:?} replayed");
        count(&mut expected, way.vendor(), "REPEATED");
        for (verdict, status, delivery) in story.spoiled() {
            let answer = story.posts(delivery).await;
            assert_eq!(answer.status, status, "{way:?} {verdict}: {answer:?}");
            count(&mut expected, way.vendor(), verdict);
        }
        assert_eq!(story.booking.looks().await, before, "{way:?}");
        references.push(story.reference);
        last = Some(story.booking);
    }
    let staff = Staff::may(&visit, "8", &[READ]);
    let look = || async { (kept(&staff, &expected).await == expected).then_some(()) };
    until(&format!("{expected:#?} in the list"), look).await;
    are_listed_in_pages(&visit, &staff).await;
    say_nothing_that_was_said(&visit, &references).await;

    let booking = last.unwrap();
    let path = "/api/v1/cms/webhooks";
    booking.customer.gets(path).await.assert_problem(403, "forbidden");
    Staff::may(&visit, "9", &[DECIDE]).gets(path).await.assert_problem(403, "forbidden");
    for (query, code) in [
        ("verdict=PAID", "invalid_query"),
        ("vendor=nobody", "invalid_query"),
        ("limit=0", "invalid_query"),
        ("before=x", "invalid_cursor"),
    ] {
        staff.gets(&format!("{path}?{query}")).await.assert_problem(400, code);
    }
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_flood_of_forged_deliveries_fills_no_table_and_keeps_no_genuine_one_out() {
    const FLOOD: usize = 600;
    let visit = visit_alone().await;
    let story = Story::of(&visit, Way::HyperPayPage).await;
    let order = json!({ "forged": "wrong_key", "times": FLOOD, "parallel": true });
    let (flood, paid) = tokio::join!(story.redelivers(&order), async {
        let booking = visit.customer().books(Order::new(&visit)).await;
        booking.pays().await;
        booking.until_ticket().await
    });
    assert_eq!(flood, vec![json!(401); FLOOD]);
    assert_eq!(paid["status"], "CONFIRMED");
    let counted = || async {
        let text = visit.http.get(&visit.system.metrics).send().await.ok()?.text().await.ok()?;
        let of_forged = text.lines().filter(|line| {
            line.starts_with("usher_webhook_refusals_total{") && line.contains("FORGED")
        });
        let counts = of_forged.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
        (counts.sum::<usize>() >= FLOOD).then_some(())
    };
    until("every one of them in the metrics", counted).await;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM refused_deliveries")
        .fetch_one(&visit.db)
        .await
        .unwrap();
    assert!((1..300).contains(&rows), "{rows} of {FLOOD} are kept");
    visit.assert_balanced().await;
}

/// A booking that was paid and told of, and the vendor's letter about it.
struct Story {
    visit: Arc<Visit>,
    way: Way,
    booking: Booking,
    reference: String,
    letter: Value,
}

impl Story {
    async fn of(visit: &Arc<Visit>, way: Way) -> Self {
        let booking = customer(visit, way).books(Order::new(visit)).await;
        let payment = booking.opens(way).await;
        payment.is_made().await;
        booking.until_ticket().await;
        payment.until("CAPTURED").await;
        let reference = payment.reference().to_owned();
        let delivered = || async {
            let letters = visit.letters_of(way.vendor(), &reference).await;
            let done = letters.iter().all(|letter| letter["fate"] == "delivered");
            letters.first().filter(|_| done).cloned()
        };
        let letter = until(&format!("a letter of {way:?}"), delivered).await;
        let open = "SELECT count(*) FROM webhook_deliveries WHERE verdict IS NULL";
        let heard = || async {
            let open = sqlx::query_scalar::<_, i64>(open).fetch_one(&visit.db).await;
            (open.unwrap() == 0).then_some(())
        };
        until("a verdict on every delivery", heard).await;
        Self { visit: Arc::clone(visit), way, booking, reference, letter }
    }

    /// The vendor's letter once more, as it is or not.
    async fn redelivers(&self, how: &Value) -> Vec<Value> {
        let mut order = how.clone();
        order["letter"] = self.letter["id"].clone();
        self.visit.redelivers(self.way.vendor(), &order).await
    }

    /// What nobody but the vendor can prove and nobody can read; with its verdict and the status of its answer.
    fn spoiled(&self) -> Vec<(&'static str, u16, Posted)> {
        let text = self.letter["body"].as_str().unwrap();
        let half = text[..text.len() / 2].to_owned();
        let keys = &self.visit.system.keys;
        let vendor = self.way.vendor();
        let posted = |path: &str, headers: &[(&'static str, &str)], body: String| Posted {
            path: path.to_owned(),
            headers: headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            body,
        };
        let long = posted(vendor, &[], "a".repeat(TOO_LONG));
        let planted = json!({ CARD: "Sara Ali", "card": { "number": CARD }, "sara ali": 1 });
        let planted = posted(vendor, &[], planted.to_string());
        let mut spoiled = match vendor {
            "payfort" => {
                let mut other: Value = serde_json::from_str(text).unwrap();
                other["access_code"] = json!("another-channel");
                vec![
                    ("UNREADABLE", 401, posted(vendor, &[], half)),
                    ("WRONG_CHANNEL", 401, posted(vendor, &[], other.to_string())),
                    ("WRONG_CHANNEL", 401, planted),
                    ("TOO_LARGE", 413, long),
                ]
            }
            "tabby" => {
                let proof = [(sandbox::TABBY_WEBHOOK_HEADER, keys.webhook.as_str())];
                vec![
                    ("UNREADABLE", 401, posted(vendor, &proof, half)),
                    ("FORGED", 401, planted),
                    ("TOO_LARGE", 413, long),
                ]
            }
            "nearpay" => {
                let path = |secret: &str| format!("nearpay/{secret}");
                vec![
                    ("UNREADABLE", 401, posted(&path(&keys.nearpay), &[], half)),
                    ("FORGED", 401, Posted { path: path("guessed"), ..planted }),
                    ("TOO_LARGE", 413, Posted { path: path("guessed"), ..long }),
                ]
            }
            "hyperpay" => {
                let proof = [
                    ("x-initialization-vector", "000000000000000000000000"),
                    ("x-authentication-tag", "CE573FB7A41AB78E743180DC83FF09BD"),
                ];
                vec![
                    ("UNREADABLE", 401, posted(vendor, &proof, "not hex".to_owned())),
                    ("FORGED", 401, planted),
                    ("TOO_LARGE", 413, long),
                ]
            }
            // A signature over the whole body: half of it proves nothing.
            _ => {
                vec![
                    ("FORGED", 401, posted(vendor, &[], half)),
                    ("FORGED", 401, planted),
                    ("TOO_LARGE", 413, long),
                ]
            }
        };
        // As it is, but to the address of somebody else's.
        if self.way == Way::Tabby {
            let proof = [(sandbox::TABBY_WEBHOOK_HEADER, "of another shop")];
            spoiled.push(("FORGED", 401, posted(vendor, &proof, text.to_owned())));
        }
        spoiled
    }

    async fn posts(&self, posted: Posted) -> Answer {
        let url = format!("{}/webhooks/{}", self.visit.system.gateway, posted.path);
        let mut request = self.visit.http.post(url).body(posted.body);
        for (name, value) in posted.headers {
            request = request.header(name, value);
        }
        Answer::read(request.send().await.unwrap()).await
    }
}

/// What anybody can send.
struct Posted {
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

fn customer(visit: &Arc<Visit>, way: Way) -> Customer {
    if way == Way::Terminal { visit.kiosk_with_terminal() } else { visit.customer() }
}

fn count(kept: &mut Kept, vendor: &str, verdict: &str) {
    *kept.entry((vendor.to_owned(), verdict.to_owned())).or_default() += 1;
}

/// What the command line lists of each.
async fn kept(staff: &Staff, of: &Kept) -> Kept {
    let mut kept = Kept::new();
    for (vendor, verdict) in of.keys() {
        let words = ["webhooks", "--vendor", vendor, "--verdict", verdict];
        let page = staff.usher(&words).await.unwrap();
        for delivery in page["deliveries"].as_array().unwrap() {
            assert!(delivery["refused"]["reason"].is_string(), "{delivery}");
            count(
                &mut kept,
                delivery["vendor"].as_str().unwrap(),
                delivery["verdict"].as_str().unwrap(),
            );
        }
    }
    kept
}

/// Page by page there are all of them, each once, the youngest first.
async fn are_listed_in_pages(visit: &Visit, staff: &Staff) {
    let query = "SELECT (SELECT count(*) FROM webhook_deliveries)
                      + (SELECT count(*) FROM refused_deliveries)";
    let all: i64 = sqlx::query_scalar(query).fetch_one(&visit.db).await.unwrap();
    let mut listed: Vec<Value> = Vec::new();
    let mut next = String::new();
    loop {
        let page = staff.gets(&format!("/api/v1/cms/webhooks?limit=7{next}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        listed.extend(page.body["deliveries"].as_array().unwrap().iter().cloned());
        let Some(place) = page.body["next"].as_str() else { break };
        next = format!("&before={place}");
    }
    assert_eq!(i64::try_from(listed.len()).unwrap(), all);
    let times: Vec<&str> = listed.iter().map(|it| it["received_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|one, other| one >= other), "{times:?}");
    let applied = listed.iter().filter(|it| it["verdict"] == "APPLIED" && it["event"].is_string());
    assert!(applied.count() > 0, "what was taken is listed, too");
}

/// Of what was refused there are names of fields, and not a word of what they said.
async fn say_nothing_that_was_said(visit: &Visit, references: &[String]) {
    let rows: Vec<String> = sqlx::query_scalar("SELECT r::text FROM refused_deliveries r")
        .fetch_all(&visit.db)
        .await
        .unwrap();
    let rows = rows.join("\n");
    assert!(rows.contains("merchant_reference") && rows.contains("cko-signature"), "{rows}");
    let said = ["Sara", "sara", CARD, "115.00", "another-channel", "of another shop", "guessed"];
    for word in said.into_iter().chain(references.iter().map(String::as_str)) {
        assert!(!rows.contains(word), "{word} in {rows}");
    }
}
