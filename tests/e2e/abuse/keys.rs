//! Keys are replaced while everybody goes on: of tokens, and of webhooks.

use gateway::{Claims, Kind, Status, sign};
use harness::{Order, Setup, in_a_day, seal, visit_with};
use serde_json::json;

const NEW_WEBHOOK_KEY: &str = "5d0b1c5bff1a4f7d9d6c1f0e7a3b2c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
const NEW_SECRET: &str = "the identity service's next secret of enough bytes";

#[tokio::test]
async fn while_a_key_is_replaced_both_are_valid_and_a_third_is_not() {
    // The old ones are those of the stand-ins, put first by the harness; both lists name old and new.
    let (webhook, jwt) = ("a".repeat(64), "an old secret of the identity service".to_owned());
    let with = vec![
        ("HYPER_PAY_WEBHOOK_KEYS", format!("{webhook},{NEW_WEBHOOK_KEY}")),
        ("JWT_SECRET_KEY", format!("kid=old:{jwt},{NEW_SECRET}")),
    ];
    let visit = visit_with(Setup { with, ..Setup::default() }).await;
    let notice = json!({ "type": "PAYMENT", "payload": {
        "id": "8ac7a4a0".repeat(4), "paymentType": "DB", "amount": "1.00", "currency": "SAR",
        "merchantTransactionId": format!("{:026}", 7),
        "result": { "code": "000.100.110", "description": "" },
        "timestamp": "2026-11-21 08:45:03.065+0000",
    }})
    .to_string();
    let third = "c".repeat(64);
    for (key, status) in [(&*webhook, 200), (NEW_WEBHOOK_KEY, 200), (&*third, 401)] {
        let answer = visit.hyperpay().delivers(&seal(key, &notice)).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    let customer = visit.customer();
    let claims = Claims {
        sub: customer.id.trim_start_matches("customer:").to_owned(),
        kind: Kind::Customer,
        status: Status::Active,
        permissions: Vec::new(),
        exp: in_a_day(),
    };
    for (secret, good) in
        [(&*jwt, true), (NEW_SECRET, true), ("another secret, long enough for it", false)]
    {
        let token = sign(&claims, &secret.to_owned().into()).unwrap();
        let customer = customer.with_token(&token);
        if good {
            customer.books(Order::new(&visit)).await.cancels().await;
        } else {
            customer.gets("/api/v1/orders/bk_7").await.assert_problem(401, "unauthorized");
        }
    }
}
