//! The ceiling: what the engine alone makes of sagas with as many journal entries as a booking, that do nothing.

mod saga;
mod script;

use crate::{
    figures::{Figures, Milli},
    kiosk::Kiosk,
    pace::{self, Until},
};
use reqwest::Client;
use restate_sdk::{
    ingress::ReqwestClient,
    prelude::{Endpoint, HttpServer, Json},
};
use saga::{Ceiling, CeilingIngressClient, Tally, key};
pub(crate) use script::{Script, learn};
use serde_json::json;
use std::{collections::BTreeMap, future::pending, io, net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpSocket},
    time::timeout,
};

const BACKLOG: u32 = 1_024;
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// A saga that gets nowhere for so long ends the bench.
const PATIENCE: Duration = Duration::from_mins(1);

/// Plays the script as fast as the engine can, on the engine that Usher runs on. Sagas a second, by how many at a time.
pub(crate) async fn measure(
    kiosk: &Arc<Kiosk>,
    script: &Arc<Script>,
    lasting: Duration,
) -> (Figures, BTreeMap<usize, Milli>) {
    let engines = &kiosk.visit.system.engines;
    let tally = Arc::new(Tally::default());
    let listener = listen().unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let endpoint = Endpoint::builder().bind(Ceiling::new(Arc::clone(&tally))).build();
    let serving = HttpServer::new(endpoint).serve_with_cancel(listener, pending::<()>());
    let serving = tokio::spawn(serving);
    register(&engines.restate_admin_url(), &address).await;

    let mut figures = Figures::of("ceiling");
    let entries = script.entries;
    let entries = Milli::whole(u64::try_from(entries).unwrap());
    figures.add("journal entries of a booking", entries, "");
    let invocations = Milli::whole(u64::try_from(script.invocations()).unwrap());
    figures.add("invocations of a booking", invocations, "");
    let client = client(&engines.restate_ingress_url());
    let mut rates = BTreeMap::new();
    let mut first = 0;
    for busy in [16, 64] {
        let (client, script, tally) = (client.clone(), Arc::clone(script), Arc::clone(&tally));
        let one = move |number| {
            let (client, script, tally) = (client.clone(), Arc::clone(&script), Arc::clone(&tally));
            async move { play(&client, &script, &tally, first + number).await }
        };
        let sustained = pace::closed(busy, Until::Over(lasting), one).await;
        // A number is a saga's for ever: the engine remembers them.
        first += u64::try_from(sustained.each.len()).unwrap() + 1_000;
        let rate = Milli::rate(sustained.done, sustained.lasted);
        figures.add(format!("sagas a second on the engine alone, {busy} at a time"), rate, "/s");
        rates.insert(busy, rate);
    }
    serving.abort();
    (figures, rates)
}

/// One saga, to the end of all its parts.
async fn play(client: &ReqwestClient, script: &Script, tally: &Tally, saga: u64) {
    let done = tally.expect(saga, script.invocations());
    for part in &script.roots {
        let client = CeilingIngressClient::from_client(client.clone(), key(saga, &part.service));
        let sent = if part.beside {
            client.beside(Json(part.clone())).send().await
        } else {
            client.run(Json(part.clone())).send().await
        };
        sent.unwrap();
    }
    timeout(PATIENCE, done).await.unwrap().unwrap();
}

fn client(url: &str) -> ReqwestClient {
    let http = Client::builder().no_proxy().timeout(ANSWER_WITHIN).build().unwrap();
    ReqwestClient::new(url.parse().unwrap(), http).unwrap()
}

async fn register(admin: &str, address: &str) {
    let http = Client::builder().no_proxy().timeout(ANSWER_WITHIN).build().unwrap();
    let asked = http.post(format!("{admin}/deployments")).json(&json!({ "uri": address }));
    asked.send().await.unwrap().error_for_status().unwrap();
}

/// As Usher listens: small answers leave at once.
fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_nodelay(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    socket.listen(BACKLOG)
}
