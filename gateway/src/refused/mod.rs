//! Deliveries that began nothing are written down by one task, redacted, and nobody waits for it.
//!
//! Whoever floods us must neither fill the disk nor slow a genuine delivery: of each vendor so many a minute are kept, a
//! handful may wait to be written, and what is beyond that is only counted. What waits when this process ends, or cannot
//! be written, is gone: it began nothing. Those that come too often to be looked at (429) are counted there.
//!
//! The counts are of this process, as the guard's are.

mod excerpt;

use crate::guard::{Allowance, Rate};
use axum::{
    body::Bytes,
    http::{HeaderMap, header},
};
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use metrics::counter;
use schema::{
    Db,
    provider::Provider,
    states::Refusal,
    webhooks::refused::{self, Refused},
};
use sha2::{Digest, Sha256};
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::interval,
};

/// Of each vendor.
const KEPT: Rate = Rate { count: 60, per: Duration::from_mins(1) };
/// How many may wait to be written. Each has a body of 64 KiB at most.
const WAITING: usize = 64;
/// Between two looks for what is old, or too much.
const PRUNE_EVERY: Duration = Duration::from_hours(1);

/// Where they are put. Cheap to clone; the writer ends with the last one.
#[derive(Clone)]
pub struct Refusals {
    waiting: Sender<Waiting>,
    allowance: Arc<Allowance<&'static str>>,
}

/// A delivery, as far as it was read.
pub(crate) struct Knock<'a> {
    pub provider: Provider,
    pub headers: &'a HeaderMap,
    /// None: it was not read to its end.
    pub body: Option<&'a Bytes>,
    pub address: IpAddr,
}

/// One that waits to be written.
struct Waiting {
    provider: Provider,
    refusal: Refusal,
    reason: &'static str,
    header_names: Vec<String>,
    said_bytes: Option<i64>,
    body: Option<Bytes>,
    address: IpAddr,
    received_at: DateTime<Utc>,
}

impl Refusals {
    /// Starts the writer.
    pub fn new(db: Db) -> Self {
        let (waiting, to_write) = mpsc::channel(WAITING);
        tokio::spawn(write_all(db, to_write));
        Self { waiting, allowance: Arc::new(Allowance::new(KEPT)) }
    }

    /// Keeps it, or counts it. Waits for nothing. `reason` is ours.
    pub(crate) fn keep(&self, knock: &Knock<'_>, refusal: Refusal, reason: &'static str) {
        let provider = knock.provider;
        let begins = || Waiting {
            provider,
            refusal,
            reason,
            header_names: excerpt::header_names(knock.headers),
            said_bytes: said_bytes(knock.headers),
            body: knock.body.cloned(),
            address: knock.address,
            received_at: Utc::now(),
        };
        let allowed = self.allowance.take(&provider.name()).is_ok();
        if !(allowed && self.waiting.try_send(begins()).is_ok()) {
            count(provider, refusal, "no");
        }
    }
}

impl Waiting {
    fn redacted(self) -> Refused {
        let body = self.body.as_deref();
        Refused {
            provider: self.provider,
            refusal: self.refusal,
            reason: self.reason.to_owned(),
            body_sha256: body.map(|body| HEXLOWER.encode(&Sha256::digest(body))),
            body_bytes: body.map_or(self.said_bytes, |body| i64::try_from(body.len()).ok()),
            header_names: self.header_names,
            excerpt: body.and_then(excerpt::of),
            address: self.address.to_string(),
            received_at: self.received_at,
        }
    }
}

/// What the head says of the body.
fn said_bytes(headers: &HeaderMap) -> Option<i64> {
    let said = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    (said >= 0).then_some(said)
}

async fn write_all(db: Db, mut to_write: Receiver<Waiting>) {
    let mut prunes = interval(PRUNE_EVERY);
    loop {
        tokio::select! {
            next = to_write.recv() => match next {
                Some(waiting) => write(&db, waiting).await,
                None => return,
            },
            _ = prunes.tick() => {
                if let Err(error) = refused::prune(&db).await {
                    tracing::warn!(%error, "refused deliveries stay longer than they should: {error}");
                }
            }
        }
    }
}

async fn write(db: &Db, waiting: Waiting) {
    let (provider, refusal) = (waiting.provider, waiting.refusal);
    match refused::keep(db, &waiting.redacted()).await {
        Ok(()) => count(provider, refusal, "yes"),
        Err(error) => {
            count(provider, refusal, "no");
            tracing::warn!(%error, "a refused delivery of {provider} is not kept: {error}");
        }
    }
}

fn count(provider: Provider, refusal: Refusal, kept: &'static str) {
    let labels = [("vendor", provider.name()), ("verdict", refusal.name()), ("kept", kept)];
    counter!("usher_webhook_refusals_total", &labels).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals() -> (Refusals, Receiver<Waiting>) {
        let (waiting, to_write) = mpsc::channel(WAITING);
        (Refusals { waiting, allowance: Arc::new(Allowance::new(KEPT)) }, to_write)
    }

    fn knocks(refusals: &Refusals, provider: Provider, times: usize) {
        let (headers, body) = (HeaderMap::new(), Bytes::from_static(b"{\"a\":1}"));
        let address = IpAddr::from([10, 0, 0, 1]);
        let knock = Knock { provider, headers: &headers, body: Some(&body), address };
        for _ in 0..times {
            refusals.keep(&knock, Refusal::Forged, "no key of ours");
        }
    }

    #[test]
    fn a_flood_is_counted_and_leaves_room_for_the_other_vendors() {
        let (refusals, mut to_write) = refusals();
        knocks(&refusals, Provider::HyperPay, 100_000);
        let mut kept = 0;
        while to_write.try_recv().is_ok() {
            kept += 1;
        }
        // An allowance comes back while we knock: one a second.
        assert!((60..=WAITING).contains(&kept), "{kept}");
        knocks(&refusals, Provider::Tabby, 1);
        assert_eq!(to_write.try_recv().unwrap().provider, Provider::Tabby);
        knocks(&refusals, Provider::HyperPay, WAITING * 2);
        knocks(&refusals, Provider::PayFort, WAITING * 2);
        knocks(&refusals, Provider::Checkout, WAITING * 2);
        assert_eq!(to_write.len(), WAITING, "nobody writes, and nobody waits");
    }

    #[test]
    fn what_is_kept_says_nothing_that_was_said() {
        let (refusals, mut to_write) = refusals();
        let mut headers = HeaderMap::new();
        headers.insert("cko-signature", "00ff".parse().unwrap());
        headers.insert("x-4111111111111111", "1".parse().unwrap());
        let body = Bytes::from_static(b"{\"name\":\"Sara\",\"4111111111111111\":{\"x\":[1,2]}}");
        let address = IpAddr::from([10, 0, 0, 1]);
        let knock =
            Knock { provider: Provider::Checkout, headers: &headers, body: Some(&body), address };
        refusals.keep(&knock, Refusal::Forged, "no key of ours");
        let kept = to_write.try_recv().unwrap().redacted();
        assert_eq!(kept.header_names, ["cko-signature", "*"]);
        assert_eq!(kept.excerpt.as_deref(), Some(r#"{"*":{"x":["*","*"]},"name":"*"}"#));
        assert_eq!(kept.body_bytes, i64::try_from(body.len()).ok());
        assert_eq!((kept.address.as_str(), kept.reason.as_str()), ("10.0.0.1", "no key of ours"));
        let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, "70000".parse().unwrap())]);
        let unread = Knock { body: None, headers: &headers, ..knock };
        refusals.keep(&unread, Refusal::TooLarge, "more than 64 KiB");
        let kept = to_write.try_recv().unwrap().redacted();
        assert_eq!((kept.body_bytes, kept.body_sha256, kept.excerpt), (Some(70_000), None, None));
    }
}
