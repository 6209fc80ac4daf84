//! What a webhook says, whoever sealed it: read for whom to ask about, and nothing else of it kept.

use super::{Places, Plant, card, name, overheard::Overheard, shapes, vendor::visit as each_text};
use harness::{Order, Shopper, seal};
use serde_json::Value;

/// What the vendor calls its transaction, and what it says we called it.
const KEPT: [&str; 2] = ["payload.id", "payload.merchantTransactionId"];

#[tokio::test]
async fn what_a_webhook_has_no_business_to_say_is_written_nowhere() {
    let overheard = Overheard::start(Vec::new()).await;
    let visit = &overheard.visit;
    let booking = visit.customer().books(Order::new(visit)).await;
    let payment = booking.opens_payment().await;
    payment.shopper(Shopper::Approves).await;
    booking.until_ticket().await;
    let letters = visit.hyperpay().outbox(payment.reference()).await;
    let sent: Value = serde_json::from_str(letters[0]["body"].as_str().unwrap()).unwrap();

    let mut fields = Vec::new();
    each_text(&mut sent.clone(), "", &mut |path, _| fields.push(path.to_owned()));
    fields.dedup();
    for (number, field) in fields.iter().enumerate() {
        for plant in [Plant::card(field, 5_000 + number), Plant::name(field, 5_000 + number)] {
            let mut letter = sent.clone();
            each_text(&mut letter, "", &mut |path, text| {
                if path == plant.field {
                    text.clone_from(&plant.text);
                }
            });
            let sealed = seal(&visit.system.keys.webhook, &letter.to_string());
            let answer = visit.hyperpay().delivers(&sealed).await;
            assert!(answer.status == 200, "{field}: {answer:?}");
        }
    }
    booking.until_ticket().await;

    let places = Places::read(&overheard).await;
    places.assert_searched("the store");
    let ours = |place: usize| 5_000 + place;
    let [cards, names] = shapes().map(|shape| places.find(&shape));
    for (place, field) in fields.iter().enumerate() {
        assert!(!cards.contains_key(&card(ours(place))), "{field}: {cards:#?}");
    }
    let is_kept = |(place, _): &(usize, &String)| names.contains_key(&name(ours(*place)));
    let kept: Vec<&String> =
        fields.iter().enumerate().filter(is_kept).map(|(_, field)| field).collect();
    assert_eq!(kept, KEPT, "{names:#?}");
}
