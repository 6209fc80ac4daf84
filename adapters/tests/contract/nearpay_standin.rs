//! The stand-ins on a free port, and short words for their control plane.

use reqwest::{Client, Method};
use sandbox::{Config, serve};
use serde_json::{Value, json};
use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

/// Stops when it is dropped.
pub(crate) struct Standin {
    pub(crate) base: String,
    pub(crate) client: Client,
    vendor: &'static str,
    _stop: oneshot::Sender<()>,
}

impl Standin {
    /// Its time passes `factor` times faster.
    pub(crate) async fn start(vendor: &'static str, factor: u32) -> Self {
        Self::with(vendor, |config| config.factor = factor).await
    }

    pub(crate) async fn with(vendor: &'static str, change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut config = Config::new(listener);
        change(&mut config);
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(serve(config, async move {
            let _ = stopped.await;
        }));
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        Self { base, client, vendor, _stop: stop }
    }

    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("{}/_sim/{}/{path}", self.base, self.vendor);
        let request = self.client.request(method, url);
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn fault(&self, op: &str, fault: &str) {
        let rule = json!({"match": {"op": op}, "fault": fault, "delay_ms": 20});
        let answer = self.control(Method::POST, "faults", rule).await;
        assert_eq!(answer["added"], true, "{answer}");
    }

    pub(crate) async fn switch(&self, name: &str, position: &str) {
        let answer = self.control(Method::POST, "switches", json!({name: position})).await;
        assert_eq!(answer[name], position, "{answer}");
    }

    /// The kinds of what the vendor did under a reference, oldest first.
    pub(crate) async fn did(&self, reference: &str) -> Vec<String> {
        let path = format!("ledger?reference={reference}");
        let entries = self.control(Method::GET, &path, Value::Null).await;
        let kind = |entry: &Value| entry["kind"].as_str().unwrap().to_owned();
        entries.as_array().unwrap().iter().map(kind).collect()
    }
}

/// The head of a request, and its body.
pub(crate) type Letter = (String, Vec<u8>);

/// What the stand-in has posted.
pub(crate) struct Mailbox {
    pub(crate) address: String,
    letters: Arc<Mutex<Vec<Letter>>>,
}

impl Mailbox {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let letters = Arc::new(Mutex::new(Vec::new()));
        let received = Arc::clone(&letters);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let letter = receive(stream).await.unwrap();
                received.lock().unwrap().push(letter);
            }
        });
        Self { address, letters }
    }

    /// The letters, once there are so many.
    pub(crate) async fn letters(&self, count: usize) -> Vec<Letter> {
        for _ in 0..200 {
            let letters = self.letters.lock().unwrap().clone();
            if letters.len() >= count {
                return letters;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{count} letters did not come within five seconds");
    }
}

async fn receive(stream: TcpStream) -> io::Result<Letter> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while stream.read_line(&mut head).await? > 2 {}
    let length = head.to_ascii_lowercase();
    let length = length.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.and_then(|it| it.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(answer).await?;
    stream.shutdown().await?;
    Ok((head, body))
}
