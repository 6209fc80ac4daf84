//! A system whose collector, Sentry and Prometheus are ours: what it tells them has left the house, and is searched, too.

use crate::{sweep::Plan, telemetry::listener::Listener};
use data_encoding::HEXLOWER;
use harness::{Setup, Visit, until, visit_with};
use reqwest::Method;
use std::sync::Arc;

const SPANS: &str = "/v1/traces";
const LINES: &str = "/v1/logs";
const ENVELOPES: &str = "/api/7/envelope/";

pub(super) struct Overheard {
    pub(super) visit: Arc<Visit>,
    listener: Listener,
    plan: Plan,
}

impl Overheard {
    /// With this in its environment, too.
    pub(super) async fn start(with: Vec<(&'static str, String)>) -> Self {
        let (listener, plan) = (Listener::start().await, Plan::new());
        let told = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", listener.address)),
            ("SENTRY_DSN", format!("http://key@{}/7", listener.address)),
            ("SABOTAGE_PLAN", plan.folder()),
        ];
        let with = with.into_iter().chain(told).collect();
        let overheard =
            Self { visit: visit_with(Setup { with, ..Setup::default() }).await, listener, plan };
        overheard.something_breaks();
        overheard
    }

    /// The next booking whose seats are held sees a mistake of ours: Sentry hears of it, with Vista's answer at hand.
    pub(super) fn something_breaks(&self) {
        self.plan.add_one("hold_seats.after.panic");
    }

    /// Whatever has been told until now, by receiver and signal. Spans and lines come in order: once a request of ours
    /// has arrived, all before it have. What has broken is waited for, too.
    pub(super) async fn told(&self) -> Vec<(String, Vec<u8>)> {
        let broken = || async { self.plan.left().is_empty().then_some(()) };
        until("a mistake of ours", broken).await;
        self.until_arrived().await;
        let struck = self.plan.struck().len();
        let heard = || async { (self.listener.heard(ENVELOPES).len() >= struck).then_some(()) };
        until("an envelope for each mistake", heard).await;

        let metrics = reqwest::get(&self.visit.system.metrics).await.unwrap();
        let metrics = ("the metrics".to_owned(), metrics.bytes().await.unwrap().to_vec());
        let signal = |path: &str| (format!("told at {path}"), self.listener.heard(path).concat());
        [SPANS, LINES, ENVELOPES].map(signal).into_iter().chain([metrics]).collect()
    }

    async fn until_arrived(&self) {
        let before = [SPANS, LINES].map(|signal| (signal, self.listener.heard(signal).len()));
        let asked = self.visit.customer().request(Method::POST, "/nothing").send().await.unwrap();
        let trace = HEXLOWER.decode(asked.headers()["x-trace-id"].as_bytes()).unwrap();
        for (signal, many) in before {
            let look = || async {
                let news = self.listener.heard_after(signal, many).concat();
                news.windows(trace.len()).any(|bytes| bytes == trace).then_some(())
            };
            until(&format!("our request at {signal}"), look).await;
        }
    }
}
