//! Somebody who listens: a server that takes every request, and remembers what was sent where.

use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A head or a body that is longer is not meant for us.
const LIMIT: usize = 16 * 1024 * 1024;

#[derive(Clone)]
pub(crate) struct Listener {
    /// `host:port`
    pub(crate) address: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

/// One request.
#[derive(Clone)]
struct Heard {
    path: String,
    body: Vec<u8>,
}

impl Listener {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = Arc::default();
        let all = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(listen(connection, Arc::clone(&all)));
            }
        });
        Self { address, heard }
    }

    /// Everything that was sent to this path, in the order it came.
    pub(crate) fn heard(&self, path: &str) -> Vec<Vec<u8>> {
        self.heard_after(path, 0)
    }

    /// The same, without the first so many.
    pub(crate) fn heard_after(&self, path: &str, many: usize) -> Vec<Vec<u8>> {
        let heard = self.heard.lock().unwrap();
        let there = heard.iter().filter(|heard| heard.path == path).skip(many);
        there.map(|heard| heard.body.clone()).collect()
    }
}

/// Until the other side has nothing more to say, or says something that is no request.
async fn listen(connection: TcpStream, all: Arc<Mutex<Vec<Heard>>>) {
    let mut connection = BufReader::new(connection);
    while let Some(heard) = request(&mut connection).await {
        all.lock().unwrap().push(heard);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        if connection.write_all(answer).await.is_err() {
            return;
        }
    }
}

async fn request(connection: &mut BufReader<TcpStream>) -> Option<Heard> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.ok()?);
        (head.len() < LIMIT).then_some(())?;
    }
    let head = String::from_utf8(head).ok()?;
    let path = head.split_whitespace().nth(1)?.to_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let length = length.filter(|length| *length < LIMIT)?;
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.ok()?;
    Some(Heard { path, body })
}
