//! One trace, from a request through its workflows to the vendors.

use super::listener::Listener;
use data_encoding::HEXLOWER;
use harness::{Booking, Customer, Order, Setup, Shopper, System, until, visit, visit_with};
use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::any_value::Value as Said,
    logs::v1::LogRecord,
    trace::v1::Span,
};
use prost::Message;
use reqwest::Method;
use serde_json::Value;
use std::{collections::BTreeSet, fs};

#[tokio::test]
async fn a_booking_is_one_trace_from_its_request_through_its_workflows_to_the_vendors() {
    let collector = Listener::start().await;
    let endpoint = format!("http://{}", collector.address);
    let with = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)];
    let visit = visit_with(Setup { with, ..Setup::default() }).await;
    let (customer, order) = (visit.customer(), Order::new(&visit).free());
    let answer = customer.orders(&order, &Customer::key()).await;
    let (trace, booking) = (answer.header("x-trace-id"), answer.body["id"].as_str().unwrap());
    assert_eq!(trace.len(), 32, "{answer:?}");

    let whole = || async {
        let spans = Spans::of(&collector, trace);
        // The last two to end.
        let there =
            ["issue_ticket", "POST /api/v1/orders"].iter().all(|name| spans.named(name).is_some());
        there.then_some(spans)
    };
    let spans = until("the whole trace at the collector", whole).await;
    let request = spans.named("POST /api/v1/orders").unwrap();
    assert_eq!(request.parent_span_id, [0; 0], "the request begins the trace");
    for (step, operation) in [
        ("create_order", "create_order"),
        ("hold_seats", "set_tickets"),
        ("confirm_order", "pay_order"),
    ] {
        let step = spans.named(step).unwrap();
        assert_eq!(step.parent_span_id, request.span_id, "{step:?}");
        let asked = spans.call(operation, step).unwrap();
        assert!(attribute(asked, "status").is_some(), "{asked:?}");
    }
    assert_eq!(spans.named("issue_ticket").unwrap().parent_span_id, request.span_id);

    let told = || async {
        lines_of(&collector, trace).into_iter().find(|line| says(line, "is ticket_coming"))
    };
    let line = until("the line at the collector", told).await;
    assert!(line.attributes.iter().any(|said| said.key == "booking.id"), "{line:?}");
    let step = spans.named("confirm_order").unwrap();
    assert_eq!(line.span_id, step.span_id);

    let line = own_line(&visit.system, "is ticket_coming").unwrap();
    for (name, value) in [("trace_id", trace), ("booking.id", booking), ("step", "confirm_order")] {
        assert_eq!(line[name], value, "{line}");
    }
    assert_eq!((&line["stage"], &line["status"]), (&"ticket_coming".into(), &"CONFIRMED".into()));
    assert_eq!((&line["workflow"], &line["key"]), (&"Booking".into(), &booking[3..].into()));
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_collector_that_is_away_holds_nobody_up_and_what_it_misses_is_counted() {
    let with = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9".to_owned())];
    let visit = visit_with(Setup { with, ..Setup::default() }).await;
    visit.customer().books(Order::new(&visit).free()).await.until_ticket().await;
    let counted = || async {
        let text = reqwest::get(&visit.system.metrics).await.ok()?.text().await.ok()?;
        let line = text.lines().find_map(|line| {
            line.strip_prefix("usher_telemetry_dropped_total{signal=\"spans\"} ").map(str::to_owned)
        })?;
        (line != "0").then_some(())
    };
    until("a count of lost spans", counted).await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_trace_that_comes_in_is_not_taken_over_and_every_problem_names_its_own() {
    let visit = visit().await;
    let theirs = "4bf92f3577b34da6a3ce929d0e0e4736";
    let header = format!("00-{theirs}-00f067aa0ba902b7-01");
    let asked = visit.customer().request(Method::GET, "/api/v1/orders/bk_1");
    let answer =
        harness::Answer::read(asked.header("traceparent", header).send().await.unwrap()).await;
    answer.assert_problem(404, "not_found");
    let ours = answer.header("x-trace-id");
    assert_eq!(answer.body["trace_id"], ours);
    assert_ne!(ours, theirs);
}

/// The spans of one trace, as the collector has them.
struct Spans(Vec<Span>);

impl Spans {
    fn of(collector: &Listener, trace: &str) -> Self {
        let trace = HEXLOWER.decode(trace.as_bytes()).unwrap();
        let requests = collector.heard("/v1/traces").into_iter();
        let spans = requests
            .map(|body| ExportTraceServiceRequest::decode(&*body).unwrap())
            .flat_map(|request| request.resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans);
        Self(spans.filter(|span| span.trace_id == trace).collect())
    }

    fn named(&self, name: &str) -> Option<&Span> {
        self.0.iter().find(|span| span.name == name)
    }

    /// The vendor call of this operation, within this step.
    fn call(&self, operation: &str, step: &Span) -> Option<&Span> {
        let asks = |span: &&Span| {
            span.parent_span_id == step.span_id && attribute(span, "operation") == Some(operation)
        };
        self.0.iter().find(asks)
    }
}

fn attribute<'a>(span: &'a Span, name: &str) -> Option<&'a str> {
    let found = span.attributes.iter().find(|attribute| attribute.key == name)?;
    // What is no text is there, at least.
    let said = found.value.as_ref()?.value.as_ref()?;
    Some(if let Said::StringValue(text) = said { text } else { "" })
}

fn lines_of(collector: &Listener, trace: &str) -> Vec<LogRecord> {
    let trace = HEXLOWER.decode(trace.as_bytes()).unwrap();
    let requests = collector.heard("/v1/logs").into_iter();
    let lines = requests
        .map(|body| ExportLogsServiceRequest::decode(&*body).unwrap())
        .flat_map(|request| request.resource_logs)
        .flat_map(|resource| resource.scope_logs)
        .flat_map(|scope| scope.log_records);
    lines.filter(|line| line.trace_id == trace).collect()
}

fn says(line: &LogRecord, words: &str) -> bool {
    let body = line.body.as_ref().and_then(|body| body.value.as_ref());
    matches!(body, Some(Said::StringValue(text)) if text.contains(words))
}

/// What Usher has written itself: every line is JSON.
fn own_line(system: &System, words: &str) -> Option<Value> {
    let text = fs::read_to_string(system.log()).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.find(|line| line["message"].as_str().is_some_and(|message| message.contains(words)))
}

/// One word for where a booking stands, for the app and for the log: each change is a line, in order.
#[tokio::test]
async fn every_change_of_a_booking_is_a_line_with_the_word_that_the_app_has() {
    let visit = visit().await;
    let sold = visit.customer().books(Order::new(&visit)).await;
    sold.pays().await;
    let view = sold.until_ticket().await;
    let way = ["to_pay", "confirming", "ticket_coming", "ticket_ready"];
    assert_eq!(view["standing"]["what"], way[3]);
    until("the whole way in the log", || async { (way_in_log(&sold) == way).then_some(()) }).await;

    let late = visit.customer().books(Order::new(&visit)).await;
    let page = late.opens_payment().await;
    late.cancels().await;
    page.shopper(Shopper::Approves).await;
    let view = late.until_refunded().await;
    let way = ["to_pay", "cancelled", "paid_too_late", "refunded"];
    assert_eq!(view["standing"]["what"], way[3]);
    until("the whole way in the log", || async { (way_in_log(&late) == way).then_some(()) }).await;
    visit.assert_balanced().await;
}

/// Where a booking has stood, as the log tells it. A line may be written twice, or say the same word once more.
fn way_in_log(booking: &Booking) -> Vec<String> {
    let text = fs::read_to_string(booking.customer.visit.system.log()).unwrap();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_it = lines.filter(|line| line["booking.id"] == booking.id && line["stage"].is_string());
    let mut way: Vec<String> = of_it
        .inspect(|line| assert_eq!(line["trace_id"].as_str().map(str::len), Some(32), "{line}"))
        .map(|line| line["stage"].as_str().unwrap().to_owned())
        .collect();
    way.dedup();
    way
}

/// Every line within a step says which trace, step and thing it is about.
#[tokio::test]
async fn every_line_of_a_step_says_what_it_is_about() {
    let visit = visit().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    booking.pays().await;
    booking.until_ticket().await;
    let text = fs::read_to_string(visit.system.log()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let steps: Vec<Value> = lines.filter(|line| line["step"].is_string()).collect();
    assert!(!steps.is_empty());
    let complete = |line: &Value| {
        let names = ["trace_id", "key", "workflow", "message", "timestamp", "level"];
        names.iter().all(|name| line[name].as_str().is_some_and(|text| !text.is_empty()))
    };
    let bad: BTreeSet<String> =
        steps.iter().filter(|line| !complete(line)).map(ToString::to_string).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    visit.assert_balanced().await;
}
