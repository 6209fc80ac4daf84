//! Who may call whom: the workflows answer their own engine alone, and the engine listens on loopback alone.

use harness::{Visit, visit};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Client, StatusCode};
use serde_json::json;
use stack::{Engine, Identity};
use std::{
    collections::BTreeSet,
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

const PATHS: [&str; 4] = ["/health", "/discover", "/invoke/Booking/run", "/invoke/Refund/run"];

/// A call of the workflow endpoint, as the engine with this key would sign it; unsigned without one.
async fn call(visit: &Visit, path: &str, private_pem: Option<&str>) -> StatusCode {
    // Restate's endpoints speak HTTP/2 from the first byte.
    let http = Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let mut call = http.get(format!("{}{path}", visit.system.workflows));
    call = match private_pem {
        None => call.header("x-restate-signature-scheme", "unsigned"),
        Some(pem) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            let claims = json!({ "aud": path, "iat": now, "nbf": now - 1, "exp": now + 60 });
            let key = EncodingKey::from_ed_pem(pem.as_bytes()).unwrap();
            let token = encode(&Header::new(Algorithm::EdDSA), &claims, &key).unwrap();
            let call = call.header("x-restate-signature-scheme", "v1");
            call.header("x-restate-jwt-v1", token)
        }
    };
    call.send().await.unwrap().status()
}

#[tokio::test]
async fn the_workflows_answer_only_calls_that_their_own_engine_has_signed() {
    let visit = visit().await;
    let stranger = Identity::generate().unwrap().private_pem;
    for path in PATHS {
        assert_eq!(call(&visit, path, None).await, StatusCode::UNAUTHORIZED, "{path}");
        let signed = call(&visit, path, Some(&stranger)).await;
        assert_eq!(signed, StatusCode::UNAUTHORIZED, "{path}");
    }
    // The engine's own signature opens: so it is the signature that the others lack.
    let own = visit.system.engines.restate.data().with_file_name("restate.pem");
    let own = fs::read_to_string(own).unwrap();
    assert_eq!(call(&visit, "/health", Some(&own)).await, StatusCode::OK);
}

/// `address:port` of every listening socket of a process, as `/proc` has them: `0100007F` is 127.0.0.1.
fn listens_on(pid: u32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    let sockets: BTreeSet<String> = links
        .filter_map(|link| {
            let link = link.to_string_lossy().into_owned();
            Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let tables =
        ["tcp", "tcp6"].map(|table| fs::read_to_string(format!("/proc/{pid}/net/{table}")));
    let tables = tables.map(Result::unwrap).concat();
    let rows = tables.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    let listening = rows.filter(|row| row.get(3) == Some(&"0A"));
    let ours = listening.filter(|row| row.get(9).is_some_and(|inode| sockets.contains(*inode)));
    ours.map(|row| row[1].to_owned()).collect()
}

#[tokio::test]
async fn the_engines_listen_on_loopback_alone() {
    let visit = visit().await;
    let engines = &visit.system.engines;
    let listening = async |engine: &Engine| listens_on(engine.pid().await.unwrap());
    let restate = listening(&engines.restate).await;
    // Ingress, admin, and the nodes' own.
    assert_eq!(restate.len(), 3, "{restate:?}");
    for socket in restate.iter().chain(&listening(&engines.postgres).await) {
        assert!(socket.starts_with("0100007F:"), "{socket} is not on loopback");
    }
}
