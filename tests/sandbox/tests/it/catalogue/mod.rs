//! Every fault at every operation it fits, and every switch in every position, without naming them.

mod checkout_calls;

use crate::harness::{Sandbox, completion, eventually};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// An operation about to be asked for, and what the ledger shows once it has had its effect.
struct Prepared {
    request: RequestBuilder,
    effect: Option<&'static str>,
    /// What the effect goes by, where that is known beforehand.
    reference: Option<String>,
}

/// A sandbox whose operations can be asked for by name, each time about something new.
struct Everything {
    sandbox: Sandbox,
    made: u32,
    /// How many entries of the ledger are known.
    seen: usize,
}

impl Everything {
    async fn start() -> Self {
        let sandbox = Sandbox::start().await;
        sandbox.switch("hyperpay", "throttle_per_minute", "0").await;
        sandbox.switch("payfort", "three_ds", "frictionless").await;
        Self { sandbox, made: 0, seen: 0 }
    }

    fn next(&mut self) -> u32 {
        self.made += 1;
        self.made
    }

    fn vista(&self, path: &str, body: Option<Value>) -> RequestBuilder {
        let url = format!("{}/vista/WSVistaWebClient/{path}", self.sandbox.base);
        let client = &self.sandbox.client;
        let request = match body {
            Some(body) => client.post(url).json(&body),
            None => client.get(url),
        };
        request.header("connectapitoken", "vista-website")
    }

    async fn held(&mut self) -> (String, String) {
        let session = (3_000 + self.next()).to_string();
        let usid = self.sandbox.order().await;
        assert_eq!(self.sandbox.hold(&usid, &session, &[0, 1]).await.status(), 200);
        (usid, session)
    }

    /// A booking, paid or reserved; the body that names it.
    async fn booked(&mut self, paid: bool) -> Value {
        let (usid, _) = self.held().await;
        let mut payment = completion(&usid, 11_500);
        payment["BookingMode"] = json!(i32::from(!paid));
        let done = self.sandbox.vista("RESTTicketing.svc/order/payment", payment).await;
        json!({"CinemaId": "0001", "BookingNumber": done["VistaBookingNumber"],
            "UserSessionId": usid, "RefundGroupNumbers": [1, 2], "RefundAmount": 11_500})
    }

    async fn of_vista(&mut self, op: &str) -> Prepared {
        let order = |usid: &str| Some(json!({"UserSessionId": usid}));
        let prepared = |request, effect| Prepared { request, effect, reference: None };
        match op {
            "create_order" => {
                prepared(self.vista("orders", Some(json!({"cinemaId": "0001"}))), Some("order"))
            }
            "get_order" => {
                let (usid, _) = self.held().await;
                prepared(self.vista(&format!("orders/{usid}"), None), None)
            }
            "set_tickets" => {
                let (usid, session) = self.held().await;
                let seats = json!([{"areaNumber": 1, "rowIndex": 3, "columnIndex": 3}]);
                let details = json!({"ticketTypeCode": "0001"});
                let body = json!({"tickets": [{"ticketDetails": details, "seats": seats}]});
                let path = format!("orders/{usid}/sessions/{session}/set-tickets");
                prepared(self.vista(&path, Some(body)), Some("hold"))
            }
            "continue_order" | "cancel_order" => {
                let (usid, _) = self.held().await;
                let (verb, effect) = match op {
                    "continue_order" => ("continue", "extend"),
                    _ => ("cancel", "release"),
                };
                let path = format!("RESTTicketing.svc/order/{verb}");
                prepared(self.vista(&path, order(&usid)), Some(effect))
            }
            "pay_order" => {
                let (usid, _) = self.held().await;
                let body = completion(&usid, 11_500);
                let request = self.vista("RESTTicketing.svc/order/payment", Some(body));
                prepared(request, Some("booking"))
            }
            "booking_status" => {
                let booking = self.booked(true).await;
                prepared(self.vista("RESTTicketing.svc/order/bookingstatus", Some(booking)), None)
            }
            "cancel_booking" => {
                let booking = self.booked(false).await;
                let request = self.vista("RESTBooking.svc/booking/cancel", Some(booking));
                prepared(request, Some("cancel"))
            }
            "get_booking" | "search_booking" | "refund_booking" => {
                let booking = self.booked(true).await;
                let (path, effect) = match op {
                    "get_booking" => ("", None),
                    "search_booking" => ("/search", None),
                    _ => ("/refund", Some("refund")),
                };
                let path = format!("RESTBooking.svc/booking{path}");
                prepared(self.vista(&path, Some(booking)), effect)
            }
            "seat_plan" => prepared(self.vista("cinemas/0001/sessions/1001/seat-plan", None), None),
            "ticket_types" => {
                prepared(self.vista("cinemas/0001/sessions/1001/tickets", None), None)
            }
            "odata" => prepared(self.vista("OData.svc/Sessions", None), None),
            new => panic!("{new} is not prepared here"),
        }
    }

    fn hyperpay(&self, path: &str, form: Option<&[(&str, &str)]>) -> RequestBuilder {
        let url = format!("{}/hyperpay/v1/{path}", self.sandbox.base);
        let client = &self.sandbox.client;
        let entity = [("entityId", sandbox::MADA_ENTITY)];
        let request = match form {
            Some(form) => client.post(url).form(&[&entity, form].concat()),
            None => client.get(url).query(&entity),
        };
        request.bearer_auth(sandbox::DEFAULT_TOKEN)
    }

    async fn of_hyperpay(&mut self, op: &str) -> Prepared {
        let reference = format!("EVERY-{:08}", self.next());
        let follow_up = format!("{reference}-F");
        let money = [("amount", "115.00"), ("currency", "SAR")];
        let request = match op {
            "create_checkout" => {
                let form = [("paymentType", "DB"), ("merchantTransactionId", reference.as_str())];
                self.hyperpay("checkouts", Some(&[&money[..], &form].concat()))
            }
            "status_checkout" | "status_payment" | "query_id" | "query_reference" => {
                let (checkout, id) = self.sandbox.paid(&reference, "DB").await;
                let path = match op {
                    "status_checkout" => format!("checkouts/{checkout}/payment"),
                    "status_payment" => format!("payments/{id}"),
                    "query_id" => format!("query/{id}"),
                    _ => format!("query?merchantTransactionId={reference}"),
                };
                self.hyperpay(&path, None)
            }
            "refund" | "reversal" | "capture" => {
                let (of, kind) = match op {
                    "refund" => ("DB", "RF"),
                    "reversal" => ("PA", "RV"),
                    _ => ("PA", "CP"),
                };
                let (_, id) = self.sandbox.paid(&reference, of).await;
                let form = [("paymentType", kind), ("merchantTransactionId", follow_up.as_str())];
                self.hyperpay(&format!("payments/{id}"), Some(&[&money[..], &form].concat()))
            }
            "status_registration" | "charge_registration" | "deregister" => {
                let (form, card) = self.sandbox.registered(&reference).await;
                let charge = [("paymentType", "DB"), ("merchantTransactionId", follow_up.as_str())];
                match op {
                    "status_registration" => {
                        self.hyperpay(&format!("checkouts/{form}/registration"), None)
                    }
                    "charge_registration" => self.hyperpay(
                        &format!("registrations/{card}/payments"),
                        Some(&[&money[..], &charge].concat()),
                    ),
                    _ => self.sandbox.hyperpay_delete(&format!("registrations/{card}")),
                }
            }
            "widget" | "page" => {
                let checkout = self.sandbox.checkout(&reference, "DB").await;
                let path = match op {
                    "widget" => format!("v1/paymentWidgets.js?checkoutId={checkout}"),
                    _ => format!("page/{checkout}"),
                };
                self.sandbox.client.get(format!("{}/hyperpay/{path}", self.sandbox.base))
            }
            new => panic!("{new} is not prepared here"),
        };
        let effects = [
            ("create_checkout", "checkout"),
            ("charge_registration", "capture"),
            ("deregister", "deregistration"),
            ("refund", "refund"),
            ("reversal", "reversal"),
            ("capture", "capture"),
        ];
        let effect = effects.iter().find(|(of, _)| *of == op).map(|(_, kind)| *kind);
        let own = ["create_checkout", "deregister"].contains(&op);
        let reference = if own { reference } else { follow_up };
        Prepared { request, effect, reference: Some(reference) }
    }

    async fn of_payfort(&mut self, op: &str) -> Prepared {
        let reference = format!("EVERY-{:08}", self.next());
        let (request, effect) = self.sandbox.payfort_operation(op, &reference).await;
        let reference = if op == "refund" { format!("{reference}-r") } else { reference };
        Prepared { request, effect, reference: Some(reference) }
    }

    async fn of_tabby(&mut self, op: &str) -> Prepared {
        let reference = format!("EVERY-{:08}", self.next());
        let (request, effect, reference) = self.sandbox.tabby_prepared(op, &reference).await;
        Prepared { request, effect, reference: Some(reference) }
    }

    /// All that is asked of it only looks; what terminals do has tests of its own.
    async fn of_nearpay(&mut self, op: &str) -> Prepared {
        let reference = format!("EVERY-{:08}", self.next());
        let tap = json!({"terminal": sandbox::nearpay::DEFAULT_TERMINAL, "reference": reference,
            "amount_minor": 11_500, "outcome": "approve"});
        let tapped = self.sandbox.sim(Method::POST, "nearpay/terminal/purchase", tap).await;
        let id = tapped["receipts"][0]["transaction_uuid"].as_str().unwrap();
        let path = match op {
            "terminals" => "v1/clients-sdk/terminals?tid=0211920800119208".to_owned(),
            "transactions" => {
                format!("v1/clients-sdk/transactions?customer_reference_number={reference}")
            }
            "transaction" => format!("v1/clients-sdk/transactions/{id}"),
            _ => "v1/cashiers/login/jwt".to_owned(),
        };
        let url = format!("{}/nearpay/{path}", self.sandbox.base);
        let client = &self.sandbox.client;
        let request = if op == "login" { client.post(url) } else { client.get(url) };
        let request = request.header("api-key", sandbox::nearpay::DEFAULT_KEY);
        Prepared { request, effect: None, reference: None }
    }

    async fn ledger(&self, vendor: &str, from: usize) -> Vec<Value> {
        let path = format!("{vendor}/ledger?from={from}");
        let entries = self.sandbox.sim(Method::GET, &path, Value::Null).await;
        entries.as_array().unwrap().clone()
    }

    async fn rules(&self, vendor: &str) -> Value {
        self.sandbox.sim(Method::GET, &format!("{vendor}/faults"), Value::Null).await
    }

    /// One fault at one operation: it fires, and its effect falls on the side that the catalogue says.
    async fn misbehaves(&mut self, vendor: &str, (op, fault, when): (&str, &str, &str)) {
        let prepared = match vendor {
            "vista" => self.of_vista(op).await,
            "payfort" => self.of_payfort(op).await,
            "checkout" => self.of_checkout(op).await,
            "tabby" => self.of_tabby(op).await,
            "nearpay" => self.of_nearpay(op).await,
            _ => self.of_hyperpay(op).await,
        };
        self.seen += self.ledger(vendor, self.seen).await.len();
        self.sandbox.fault(vendor, op, fault, 20).await;
        let _ = prepared.request.send().await;
        assert_eq!(self.rules(vendor).await, json!([]), "{fault} did not fire at {op}");
        let Some(effect) = prepared.effect else { return };
        let count = async || {
            let entries = self.ledger(vendor, self.seen).await;
            let ours = |entry: &&Value| {
                let about = |reference: &String| entry["reference"] == *reference;
                entry["kind"] == effect && prepared.reference.as_ref().is_none_or(about)
            };
            entries.iter().filter(ours).count()
        };
        match when {
            "before" => assert_eq!(count().await, 0, "{op} {fault}"),
            "after" => assert_eq!(count().await, 1, "{op} {fault}"),
            "late" => eventually(async || count().await == 1).await,
            _ => assert!(!self.ledger(vendor, self.seen).await.is_empty(), "{op} {fault}"),
        }
    }

    async fn about(&self, vendor: &str) -> Value {
        self.sandbox.sim(Method::GET, vendor, Value::Null).await
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Tries every fault over HTTP; the shopper's and the webhooks' have tests of their own.
async fn every_fault_of(vendor: &str) -> usize {
    let mut everything = Everything::start().await;
    let about = everything.about(vendor).await;
    let mut tried = 0;
    for fault in about["faults"].as_array().unwrap() {
        let when = fault["when"].as_str().unwrap();
        for op in texts(&fault["operations"]) {
            if ["pay", "webhook", "purchase", "reverse"].contains(&op.as_str())
                || (vendor == "nearpay" && op == "refund")
            {
                continue;
            }
            for example in texts(&fault["examples"]) {
                everything.misbehaves(vendor, (&op, &example, when)).await;
                tried += 1;
            }
        }
    }
    tried
}

#[tokio::test]
async fn every_fault_of_the_cinema_falls_on_the_side_it_says() {
    assert!(every_fault_of("vista").await > 500);
}

#[tokio::test]
async fn every_fault_of_the_gateway_falls_on_the_side_it_says() {
    assert!(every_fault_of("hyperpay").await > 400);
}

#[tokio::test]
async fn every_fault_of_payfort_falls_on_the_side_it_says() {
    assert!(every_fault_of("payfort").await > 250);
}

#[tokio::test]
async fn every_fault_of_checkout_falls_on_the_side_it_says() {
    assert!(every_fault_of("checkout").await > 400);
}

#[tokio::test]
async fn every_fault_of_tabby_falls_on_the_side_it_says() {
    assert!(every_fault_of("tabby").await > 300);
}

#[tokio::test]
async fn every_fault_of_the_terminals_falls_on_the_side_it_says() {
    assert!(every_fault_of("nearpay").await > 150);
}

#[tokio::test]
async fn every_switch_takes_every_position_and_the_default_is_the_first() {
    let everything = Everything::start().await;
    for vendor in ["vista", "hyperpay", "payfort", "checkout", "tabby", "nearpay"] {
        let about = everything.about(vendor).await;
        for (name, switch) in about["switches"].as_object().unwrap() {
            let positions = texts(&switch["positions"]);
            if let Some(first) = positions.first() {
                assert_eq!(switch["default"], json!(first), "{name}");
            }
            for position in positions {
                everything.sandbox.switch(vendor, name, &position).await;
            }
        }
    }
}
