//! Amazon Payment Services (`PayFort`): signatures at the door, tokens, 3-D Secure, and what may follow a charge.

use crate::harness::Sandbox;
use data_encoding::HEXLOWER;
use reqwest::{Method, RequestBuilder};
use sandbox::{PAYFORT_ACCESS_CODE, PAYFORT_MERCHANT, PAYFORT_PHRASE, payfort_phrase};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// SHA-256 over flat fields, as the documentation says it.
pub(crate) fn sha256(purpose: &str, fields: &BTreeMap<String, String>) -> String {
    let signed = fields.iter().filter(|(name, _)| *name != "signature");
    let inner = signed.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().concat();
    let phrase = payfort_phrase(PAYFORT_PHRASE, purpose);
    HEXLOWER.encode(&Sha256::digest(format!("{phrase}{inner}{phrase}")))
}

fn request(reference: &str, fields: &[(&str, &str)]) -> BTreeMap<String, String> {
    let common = [
        ("access_code", PAYFORT_ACCESS_CODE),
        ("merchant_identifier", PAYFORT_MERCHANT),
        ("merchant_reference", reference),
        ("language", "en"),
    ];
    let all = common.iter().chain(fields);
    let mut all: BTreeMap<String, String> =
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.insert("signature".to_owned(), sha256("request", &all));
    all
}

const MONEY: [(&str, &str); 2] = [("amount", "11500"), ("currency", "SAR")];
const BUYER: [(&str, &str); 3] = [
    ("customer_email", "a@example.com"),
    ("customer_ip", "192.0.2.1"),
    ("return_url", "http://127.0.0.1:1/back"),
];

impl Sandbox {
    fn payfort_post(&self, fields: &BTreeMap<String, String>) -> RequestBuilder {
        self.client.post(format!("{}/payfort/FortAPI/paymentApi", self.base)).json(fields)
    }

    pub(crate) async fn payfort(&self, reference: &str, fields: &[(&str, &str)]) -> Value {
        let sent = self.payfort_post(&request(reference, fields)).send().await.unwrap();
        sent.json().await.unwrap()
    }

    async fn page(&self, reference: &str) {
        let fields = [("service_command", "TOKENIZATION"), BUYER[2]];
        let url = format!("{}/payfort/FortAPI/paymentPage", self.base);
        let page = self.client.post(url).form(&request(reference, &fields)).send().await.unwrap();
        assert_eq!(page.status(), 200);
    }

    async fn shopper(&self, reference: &str, outcome: &str) -> Value {
        let path = format!("payfort/pay/{reference}");
        self.sim(Method::POST, &path, json!({"outcome": outcome})).await
    }

    async fn token(&self, reference: &str, outcome: &str) -> String {
        self.page(reference).await;
        let back = self.shopper(reference, outcome).await;
        back["fields"]["token_name"].as_str().unwrap().to_owned()
    }

    /// A charge of 115.00 SAR on a new token.
    async fn charge(&self, command: &str, reference: &str) -> BTreeMap<String, String> {
        let token = self.token(reference, "approve").await;
        let own = [("command", command), ("token_name", token.as_str())];
        request(reference, &[&own[..], &MONEY, &BUYER].concat())
    }

    pub(crate) async fn charged(&self, command: &str, reference: &str) -> Value {
        let fields = self.charge(command, reference).await;
        self.payfort_post(&fields).send().await.unwrap().json().await.unwrap()
    }

    /// An operation about to be asked for, and what the ledger shows once it has had its effect.
    pub(crate) async fn payfort_operation(
        &self,
        op: &str,
        reference: &str,
    ) -> (RequestBuilder, Option<&'static str>) {
        let follows = async |charge: &str, fields: &[(&str, &str)]| {
            self.charged(charge, reference).await;
            self.payfort_post(&request(reference, fields))
        };
        let with_money = |command| [[("command", command)].as_slice(), &MONEY].concat();
        match op {
            "purchase" => {
                let fields = self.charge("PURCHASE", reference).await;
                (self.payfort_post(&fields), Some("capture"))
            }
            "authorize" => {
                let fields = self.charge("AUTHORIZATION", reference).await;
                (self.payfort_post(&fields), Some("authorize"))
            }
            "capture" => (follows("AUTHORIZATION", &with_money("CAPTURE")).await, Some("capture")),
            "void" => {
                let fields = [("command", "VOID_AUTHORIZATION")];
                (follows("AUTHORIZATION", &fields).await, Some("void"))
            }
            "refund" => {
                let own = format!("{reference}-r");
                let mut fields = with_money("REFUND");
                fields.push(("maintenance_reference", &own));
                (follows("PURCHASE", &fields).await, Some("refund"))
            }
            "status" => (follows("PURCHASE", &[("query_command", "CHECK_STATUS")]).await, None),
            "update_token" => {
                let token = self.token(reference, "approve").await;
                let fields = [
                    ("service_command", "UPDATE_TOKEN"),
                    ("token_name", &token),
                    ("token_status", "INACTIVE"),
                ];
                let own = format!("{reference}-u");
                (self.payfort_post(&request(&own, &fields)), Some("deactivation"))
            }
            "page" => {
                let fields = [("service_command", "TOKENIZATION"), BUYER[2]];
                let url = format!("{}/payfort/FortAPI/paymentPage", self.base);
                (self.client.post(url).form(&request(reference, &fields)), None)
            }
            new => panic!("{new} is not prepared here"),
        }
    }

    async fn status(&self, reference: &str) -> Value {
        self.payfort(reference, &[("query_command", "CHECK_STATUS")]).await
    }
}

fn texts(answer: &Value) -> BTreeMap<String, String> {
    let fields = answer.as_object().unwrap().iter();
    fields.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

#[tokio::test]
async fn a_card_becomes_a_token_and_is_charged_when_its_bank_has_asked() {
    let sandbox = Sandbox::start().await;
    let asked = sandbox.charged("PURCHASE", "BK-1").await;
    assert_eq!(
        (asked["response_code"].as_str(), asked["status"].as_str()),
        (Some("20064"), Some("20"))
    );
    assert_eq!(sandbox.status("BK-1").await["transaction_code"], "20064");
    let page = sandbox.client.get(asked["3ds_url"].as_str().unwrap()).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("115.00"));
    let back = sandbox.shopper("BK-1", "approve").await;
    assert_eq!((&back["code"], &back["payment_id"]), (&json!("14000"), &asked["fort_id"]));
    let fields = texts(&back["fields"]);
    assert_eq!(fields["signature"], sha256("response", &fields));
    let status = sandbox.status("BK-1").await;
    assert_eq!(status["transaction_code"], "14000");
    assert_eq!(
        (&status["captured_amount"], &status["refunded_amount"]),
        (&json!("11500"), &json!("0"))
    );
    assert_eq!(texts(&status)["signature"], sha256("response", &texts(&status)));
    let kinds = sandbox.kinds("payfort", "BK-1").await;
    assert_eq!(kinds, ["page", "token", "challenge", "capture"]);
    assert!(sandbox.shopper("BK-1", "approve").await["error"].is_string());
}

#[tokio::test]
async fn the_browser_brings_the_token_back_in_a_form_or_a_query() {
    let sandbox = Sandbox::start().await;
    for (number, method) in ["post", "get"].into_iter().enumerate() {
        sandbox.switch("payfort", "return_method", method).await;
        let reference = format!("BK-{number}");
        sandbox.page(&reference).await;
        let url = format!("{}/payfort/card/{reference}", sandbox.base);
        let form = [("outcome", "approve"), ("brand", "MADA")];
        let back = sandbox.client.post(url).form(&form).send().await.unwrap();
        assert_eq!(back.status().as_u16(), if method == "get" { 303 } else { 200 });
        let said = match back.headers().get("location") {
            Some(location) => location.to_str().unwrap().to_owned(),
            None => back.text().await.unwrap(),
        };
        for part in ["http://127.0.0.1:1/back", "token_name", "446404", "signature"] {
            assert!(said.contains(part), "{method}: {said}");
        }
    }
}

#[tokio::test]
async fn a_charge_keeps_its_token_if_the_customer_has_agreed() {
    let sandbox = Sandbox::start().await;
    sandbox.switch("payfort", "three_ds", "frictionless").await;
    for (position, kept) in [("yes", [true, false, false]), ("unless_no", [true, true, false])] {
        sandbox.switch("payfort", "remember_me", position).await;
        for (said, kept) in ["YES", "", "NO"].into_iter().zip(kept) {
            let first = format!("BK-{position}-{said}");
            let fields = sandbox.charge("PURCHASE", &first).await;
            let charged = async |reference: &str| {
                let own = [("command", "PURCHASE"), ("token_name", &*fields["token_name"])];
                let agreed = [("remember_me", said)];
                let agreed = agreed.iter().filter(|(_, said)| !said.is_empty()).copied();
                let own: Vec<_> = own.into_iter().chain(MONEY).chain(BUYER).chain(agreed).collect();
                sandbox.payfort(reference, &own).await["response_code"].clone()
            };
            assert_eq!(charged(&first).await, "14000", "{position} {said}");
            let again = charged(&format!("{first}-2")).await;
            assert_eq!(again, if kept { "14000" } else { "00044" }, "{position} {said}");
            assert_eq!(charged(&first).await, "00066", "a used reference is told first");
        }
    }
}

#[tokio::test]
async fn a_refused_card_and_a_holder_who_says_no_take_nothing() {
    let sandbox = Sandbox::start().await;
    sandbox.charged("AUTHORIZATION", "BK-NO").await;
    assert_eq!(sandbox.shopper("BK-NO", "decline").await["code"], "03666");
    assert_eq!(sandbox.kinds("payfort", "BK-NO").await.last().unwrap(), "decline");
    sandbox.switch("payfort", "three_ds", "frictionless").await;
    let token = sandbox.token("BK-POOR", "decline").await;
    let own = [("command", "PURCHASE"), ("token_name", token.as_str())];
    let answer = sandbox.payfort("BK-POOR", &[&own[..], &MONEY, &BUYER].concat()).await;
    assert_eq!(answer["response_code"], "13666");
    assert_eq!(sandbox.status("BK-POOR").await["captured_amount"], "0");
}

#[tokio::test]
async fn who_is_not_the_merchant_is_refused_at_the_door() {
    let sandbox = Sandbox::start().await;
    let good = sandbox.charge("PURCHASE", "BK-DOOR").await;
    let resigned = |name: &str, value: &str| {
        let mut fields = good.clone();
        fields.insert(name.to_owned(), value.to_owned());
        let signature = sha256("request", &fields);
        fields.insert("signature".to_owned(), signature);
        fields
    };
    let mut altered = good.clone();
    altered.insert("amount".to_owned(), "1".to_owned());
    let mut empty = good.clone();
    empty.insert("order_description".to_owned(), String::new());
    for (fields, code) in [
        (altered, "00008"),
        (empty, "00008"),
        (resigned("access_code", "another"), "00010"),
        (resigned("merchant_identifier", "another"), "00009"),
        (resigned("merchant_reference", "a b"), "00002"),
        (resigned("merchant_reference", ""), "00001"),
        (resigned("customer_email", ""), "00001"),
        (resigned("amount", "115.00"), "00005"),
        (resigned("amount", "0"), "00005"),
        (resigned("currency", "XXX"), "00013"),
        (resigned("token_name", "another"), "00044"),
        (resigned("command", "ANOTHER"), "00004"),
    ] {
        let answer = sandbox.payfort_post(&fields).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["response_code"], code);
    }
    let url = format!("{}/payfort/FortAPI/paymentApi", sandbox.base);
    let nonsense: Value =
        sandbox.client.post(url).body("[]").send().await.unwrap().json().await.unwrap();
    assert_eq!(nonsense["response_code"], "00073");
    assert_eq!(sandbox.kinds("payfort", "BK-DOOR").await, ["page", "token"]);
}

#[tokio::test]
async fn what_follows_a_charge_stays_within_it() {
    let sandbox = Sandbox::start().await;
    sandbox.switch("payfort", "three_ds", "frictionless").await;
    let code = async |reference: &str, command: &str, amount: &str, own: &str| {
        let fields = [
            ("command", command),
            ("amount", amount),
            ("currency", "SAR"),
            ("maintenance_reference", own),
        ];
        let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let answer = sandbox.payfort(reference, &fields).await;
        answer["response_code"].as_str().unwrap().to_owned()
    };
    assert_eq!(sandbox.charged("AUTHORIZATION", "BK-A").await["response_code"], "02000");
    assert_eq!(code("BK-A", "REFUND", "100", "r0").await, "00034");
    assert_eq!(code("BK-A", "CAPTURE", "11600", "").await, "05042");
    assert_eq!(code("BK-A", "CAPTURE", "11500", "").await, "04000");
    assert_eq!(code("BK-A", "CAPTURE", "11500", "").await, "05042");
    assert_eq!(code("BK-A", "VOID_AUTHORIZATION", "", "").await, "09034");
    assert_eq!(code("BK-A", "REFUND", "5000", "r1").await, "06000");
    assert_eq!(code("BK-A", "REFUND", "5000", "r1").await, "00047");
    assert_eq!(code("BK-A", "REFUND", "6500", "r2").await, "06000");
    assert_eq!(code("BK-A", "REFUND", "1", "r3").await, "00048");
    assert_eq!(sandbox.status("BK-A").await["refunded_amount"], "11500");
    assert_eq!(sandbox.kinds("payfort", "r1").await, ["refund"]);

    sandbox.charged("AUTHORIZATION", "BK-V").await;
    assert_eq!(code("BK-V", "VOID_AUTHORIZATION", "", "").await, "08000");
    assert_eq!(code("BK-V", "VOID_AUTHORIZATION", "", "").await, "09034");
    assert_eq!(code("BK-V", "CAPTURE", "11500", "").await, "05773");
    assert_eq!(sandbox.kinds("payfort", "BK-V").await, ["page", "token", "authorize", "void"]);
}

#[tokio::test]
async fn a_reference_is_used_once_and_an_unknown_one_is_said_in_each_way() {
    let sandbox = Sandbox::start().await;
    sandbox.switch("payfort", "three_ds", "frictionless").await;
    sandbox.charged("PURCHASE", "BK-ONCE").await;
    for code in ["00066", "00047", "00007"] {
        sandbox.switch("payfort", "dup_policy", code).await;
        assert_eq!(sandbox.charged("PURCHASE", "BK-ONCE").await["response_code"], code);
    }
    let taken = sandbox.sim(Method::GET, "payfort/ledger?kind=capture", Value::Null).await;
    assert_eq!(taken.as_array().unwrap().len(), 1);
    for code in ["11036", "00036", "12000"] {
        sandbox.switch("payfort", "order_not_found", code).await;
        let answer = sandbox.status("BK-NOBODY").await;
        assert_eq!(
            (&answer["response_code"], &answer["transaction_code"]),
            (&json!(code), &Value::Null)
        );
    }
    sandbox.switch("payfort", "sign_errors", "false").await;
    sandbox.switch("payfort", "order_not_found", "00036").await;
    assert_eq!(sandbox.status("BK-NOBODY").await["signature"], Value::Null);
}

#[tokio::test]
async fn what_is_undecided_ends_either_way() {
    let sandbox = Sandbox::start().await;
    for (fault, first, last) in [
        ("pending_1", "19000", "14000"),
        ("pending_then_decline_1", "19000", "13666"),
        ("uncertain", "15777", "14000"),
        ("uncertain_then_reversed", "15777", "13666"),
        ("review", "40090", "40090"),
        ("fails_029", "13029", "13029"),
    ] {
        let reference = format!("BK-{fault}");
        sandbox.fault("payfort", "purchase", fault, 60_000).await;
        let answer = sandbox.charged("PURCHASE", &reference).await;
        assert_eq!(answer["response_code"], first, "{fault}");
        sandbox.status(&reference).await;
        let status = sandbox.status(&reference).await;
        assert_eq!(status["transaction_code"], last, "{fault}");
        let taken = matches!(last, "14000" | "40090");
        assert_eq!(status["captured_amount"], if taken { "11500" } else { "0" }, "{fault}");
    }
}
