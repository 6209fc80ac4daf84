//! Deliveries that began nothing are written down by one task, redacted, and nobody waits for it.
//!
//! Whoever floods us must neither fill the disk nor slow a genuine delivery, nor hide what else is refused: of each vendor
//! and verdict so many a minute are kept, a handful may wait to be written, and what is beyond that is only counted. What
//! waits when this process is asked to stop is written first; what waits when it is killed, or cannot be written, is gone:
//! it began nothing. Those that come too often to be looked at (429) are counted there.
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
    sync::{
        mpsc::{self, Receiver, Sender},
        oneshot,
    },
    task::JoinHandle,
    time::{interval, timeout},
};

/// Of each vendor and verdict. As many at once leave room in the queue for others.
const KEPT: Rate = Rate { count: 20, per: Duration::from_mins(1) };
/// How many may wait to be written. Each has a body of 64 KiB at most.
const WAITING: usize = 64;
/// How long the last ones may take to be written.
const LAST_WRITES: Duration = Duration::from_secs(5);
/// Between two looks for what is old, or too much.
const PRUNE_EVERY: Duration = Duration::from_hours(1);

/// Where they are put. Cheap to clone; the writer ends with the last one.
#[derive(Clone)]
pub struct Refusals {
    waiting: Sender<Waiting>,
    allowance: Arc<Allowance<(&'static str, Refusal)>>,
}

/// The one who writes them. Dropped, it takes no more.
pub struct Writer {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Writer {
    /// Takes no more, writes what waits, and ends. What a silent database keeps from being written within a few seconds is
    /// gone.
    pub async fn finish(self) {
        // A writer that hears nobody has ended.
        let _ = self.stop.send(());
        if timeout(LAST_WRITES, self.task).await.is_err() {
            tracing::warn!(
                "the last refused deliveries are not kept: the database does not answer"
            );
        }
    }
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
    pub fn new(db: Db) -> (Self, Writer) {
        let (waiting, to_write) = mpsc::channel(WAITING);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(write_all(db, to_write, stopped));
        (Self { waiting, allowance: Arc::new(Allowance::new(KEPT)) }, Writer { task, stop })
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
        let allowed = self.allowance.take(&(provider.name(), refusal)).is_ok();
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

/// Until nobody can put anything any more, or is to; then what is left.
async fn write_all(db: Db, mut to_write: Receiver<Waiting>, mut stopped: oneshot::Receiver<()>) {
    let mut prunes = interval(PRUNE_EVERY);
    loop {
        tokio::select! {
            next = to_write.recv() => match next {
                Some(waiting) => write(&db, waiting).await,
                None => return,
            },
            // A channel that is closed gives what is in it, and then nothing.
            _ = &mut stopped, if !to_write.is_closed() => to_write.close(),
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
    use schema::webhooks;

    fn refusals() -> (Refusals, Receiver<Waiting>) {
        let (waiting, to_write) = mpsc::channel(WAITING);
        (Refusals { waiting, allowance: Arc::new(Allowance::new(KEPT)) }, to_write)
    }

    fn knocks(refusals: &Refusals, provider: Provider, refusal: Refusal, times: usize) {
        let (headers, body) = (HeaderMap::new(), Bytes::from_static(b"{\"a\":1}"));
        let address = IpAddr::from([10, 0, 0, 1]);
        let knock = Knock { provider, headers: &headers, body: Some(&body), address };
        for _ in 0..times {
            refusals.keep(&knock, refusal, "no key of ours");
        }
    }

    #[test]
    fn a_flood_is_counted_and_leaves_room_for_other_vendors_and_other_verdicts() {
        let (refusals, mut to_write) = refusals();
        knocks(&refusals, Provider::HyperPay, Refusal::Forged, 100_000);
        // An allowance comes back while we knock: one in three seconds.
        assert!((20..40).contains(&to_write.len()), "{}", to_write.len());
        while to_write.try_recv().is_ok() {}
        for (provider, refusal) in
            [(Provider::HyperPay, Refusal::Unreadable), (Provider::Tabby, Refusal::Forged)]
        {
            knocks(&refusals, provider, refusal, 1);
            let kept = to_write.try_recv().unwrap();
            assert_eq!((kept.provider, kept.refusal), (provider, refusal));
        }
        for refusal in Refusal::ALL {
            knocks(&refusals, Provider::PayFort, *refusal, WAITING);
        }
        assert_eq!(to_write.len(), WAITING, "nobody writes, and nobody waits");
    }

    #[tokio::test]
    async fn what_waits_is_written_before_the_end() {
        let cache = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../.usher");
        let postgres = stack::Postgres::start(&stack::Options::throwaway(cache)).await.unwrap();
        let db = Db::connect(&postgres.database_url(), 1).await.unwrap();
        db.migrate().await.unwrap();
        // Nothing is awaited in between: not one of them is written yet.
        let (refusals, writer) = Refusals::new(db.clone());
        knocks(&refusals, Provider::Tabby, Refusal::Forged, 10);
        knocks(&refusals, Provider::Tabby, Refusal::Unreadable, 10);
        writer.finish().await;
        let kept = webhooks::list(&db, &webhooks::Filter::default(), 100).await.unwrap();
        assert_eq!(kept.len(), 20);
        knocks(&refusals, Provider::Tabby, Refusal::TooLarge, 1);
        assert!(refusals.waiting.is_closed(), "who comes later is only counted");
        postgres.stop().await.unwrap();
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
