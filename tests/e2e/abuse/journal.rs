//! What comes with a request, beside its body, is nobody's business but the gateway's: the engine never sees it.

use data_encoding::{BASE64, HEXLOWER};
use harness::{Answer, Booking, Customer, Order, Visit, visit};
use reqwest::Method;
use serde_json::{Value, json};

const PLANTED: [(&str, &str); 5] = [
    ("cookie", "session=planted-cookie"),
    ("x-odd", "planted-odd"),
    ("x-device-id", "planted-device"),
    ("x-forwarded-for", "198.51.100.77"),
    ("user-agent", "planted-agent"),
];

#[tokio::test]
async fn no_header_reaches_the_journal() {
    let visit = visit().await;
    let (customer, order) = (visit.customer(), Order::new(&visit));
    let mut request = customer.request(Method::POST, "/api/v1/orders").json(&order.body());
    request = request.header("idempotency-key", "planted-idempotency-key");
    for (name, value) in PLANTED {
        request = request.header(name, value);
    }
    let request = request.build().unwrap();
    let token = request.headers()["authorization"].to_str().unwrap().to_owned();
    let answer = Answer::read(visit.http.execute(request).await.unwrap()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = answer.body["id"].as_str().unwrap().to_owned();
    let booking = Booking { customer, id, order };
    booking.until_so("an end of REQUESTED", |view| view["status"] != "REQUESTED").await;
    booking.pays().await;
    booking.until_ticket().await;

    let journal = journal(&visit, booking.bare()).await;
    assert!(journal.contains(&booking.order.session), "this is the journal of the booking");
    let planted = PLANTED.iter().map(|(_, value)| *value);
    let token = token.trim_start_matches("Bearer ");
    for secret in planted.chain(["planted-idempotency-key", token]) {
        assert!(!journal.contains(secret), "{secret} is in the engine's journal");
    }
    assert!(Customer::key().starts_with("key-"), "the other keys are not planted");
}

/// Everything that the engine has of the workflow with this key, as text: rows, and the raw entries.
pub(crate) async fn journal(visit: &Visit, key: &str) -> String {
    let queries = [
        format!("SELECT * FROM sys_invocation WHERE target_service_key = '{key}'"),
        format!(
            "SELECT j.* FROM sys_journal j JOIN sys_invocation i ON j.id = i.id
                 WHERE i.target_service_key = '{key}'"
        ),
        format!("SELECT * FROM state WHERE service_key = '{key}'"),
        format!("SELECT * FROM sys_promise WHERE service_key = '{key}'"),
    ];
    let mut text = String::new();
    for query in queries {
        let url = format!("{}/query", visit.system.engines.restate_admin_url());
        let asked = visit.http.post(url).header("accept", "application/json");
        let answer = asked.json(&json!({ "query": query })).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        for row in answer["rows"].as_array().into_iter().flatten() {
            text.push_str(&row.to_string());
            for cell in row.as_object().into_iter().flatten().filter_map(|(_, cell)| cell.as_str())
            {
                text.push_str(&unpacked(cell));
            }
        }
    }
    text
}

/// Bytes are shown as hex or base64.
fn unpacked(cell: &str) -> String {
    let hex = HEXLOWER.decode(cell.as_bytes()).ok();
    let bytes = hex.or_else(|| BASE64.decode(cell.as_bytes()).ok()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
