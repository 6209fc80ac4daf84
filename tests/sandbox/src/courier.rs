//! Carries the vendors' webhooks to the merchant, and writes down how each attempt went.

use crate::clock;
use crate::outbox::{Letter, Parcel};
use crate::world::World;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

const PARALLEL: usize = 32;
/// A merchant who has not answered by then has not received it.
const PATIENCE: Duration = Duration::from_secs(30);
const IDLE_MS: i64 = 1_000;

pub(crate) async fn keep_delivering(world: Arc<World>) {
    let Some(client) = client() else { return };
    let permits = Arc::new(Semaphore::new(PARALLEL));
    loop {
        let now = clock::now_ms();
        let mut wait = IDLE_MS;
        for name in world.names() {
            let free = permits.available_permits();
            let Some(mut vendor) = world.vendor(name) else { continue };
            let letters = vendor.desk_mut().outbox.take_due(now, free);
            if let Some(due) = vendor.desk().outbox.next_due() {
                wait = wait.min((due - now).max(2));
            }
            drop(vendor);
            for letter in letters {
                let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else { continue };
                let (world, client) = (Arc::clone(&world), client.clone());
                tokio::spawn(async move {
                    carry(&world, name, &client, &letter).await;
                    drop(permit);
                    world.touch();
                });
            }
        }
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(1));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = world.post.notified() => {}
            () = world.stop() => return,
        }
    }
}

/// Sends a letter again, now, as often as asked; answers with each status.
pub(crate) async fn redeliver(
    world: &Arc<World>,
    vendor: &'static str,
    letter: &Letter,
    times: u32,
    parallel: bool,
) -> Vec<Option<u16>> {
    let Some(client) = client() else { return Vec::new() };
    let mut statuses = Vec::new();
    let mut running = Vec::new();
    for _ in 0..times {
        let (world, client, letter) = (Arc::clone(world), client.clone(), letter.clone());
        let sending = tokio::spawn(async move { carry(&world, vendor, &client, &letter).await });
        if parallel {
            running.push(sending);
        } else {
            statuses.push(sending.await.ok().flatten());
        }
    }
    for sending in running {
        statuses.push(sending.await.ok().flatten());
    }
    statuses
}

fn client() -> Option<reqwest::Client> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build();
    client.inspect_err(|error| tracing::warn!(%error, "no webhooks can be sent")).ok()
}

async fn carry(
    world: &World,
    name: &'static str,
    client: &reqwest::Client,
    letter: &Letter,
) -> Option<u16> {
    let parcel = world.vendor(name).and_then(|vendor| vendor.seal(letter));
    let mut vector = None;
    let outcome = match parcel {
        Some(parcel) => {
            vector = Some(parcel.vector.clone());
            send(client, parcel).await
        }
        None => Err("no webhook_url is set".to_owned()),
    };
    let status = outcome.as_ref().ok().copied();
    if let Some(mut vendor) = world.vendor(name) {
        vendor.desk_mut().outbox.record(letter.id, vector, outcome, &world.clock);
    }
    status
}

async fn send(client: &reqwest::Client, parcel: Parcel) -> Result<u16, String> {
    let mut request = client.post(&parcel.url).body(parcel.body);
    if let Some(patience) = parcel.patience_ms {
        request = request.timeout(Duration::from_millis(patience));
    }
    for (name, value) in parcel.headers {
        request = request.header(name, value);
    }
    let response = request.send().await.map_err(|error| error.without_url().to_string())?;
    Ok(response.status().as_u16())
}
