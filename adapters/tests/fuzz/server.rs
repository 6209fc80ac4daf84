//! A server that says what it is told to say, byte for byte.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// What is answered to requests whose line has `to` in it.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) to: &'static str,
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    says: Arc<Mutex<Says>>,
    /// How much of endless answers was sent.
    pub(crate) sent: Arc<AtomicU64>,
}

#[derive(Default)]
struct Says {
    answers: Vec<Answer>,
    endless: bool,
}

impl Server {
    /// It lives as long as the runtime that it is started in.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, says: Arc::default(), sent: Arc::default() };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.converse(stream).await });
            }
        });
        server
    }

    /// From now on. What nothing is said to is not found.
    pub(crate) fn says(&self, answers: Vec<Answer>) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) =
            Says { answers, endless: false };
    }

    /// From now on every answer begins like honest JSON and never ends.
    pub(crate) fn never_ends(&self) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) =
            Says { answers: Vec::new(), endless: true };
    }

    async fn converse(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(line) = request(&mut stream).await {
            let (status, body, endless) = {
                let says = self.says.lock().unwrap_or_else(PoisonError::into_inner);
                let found = says.answers.iter().find(|answer| line.contains(answer.to));
                let (status, body) =
                    found.map_or((404, Vec::new()), |it| (it.status, it.body.clone()));
                (status, body, says.endless)
            };
            if endless {
                return self.floods(stream.into_inner()).await;
            }
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
            let written = stream.get_mut().write_all(&[head.as_bytes(), &body].concat()).await;
            if written.is_err() {
                return;
            }
        }
    }

    async fn floods(&self, mut stream: TcpStream) {
        let mut next = b"HTTP/1.1 200 OK\r\n\r\n{\"a\":\"".to_vec();
        while stream.write_all(&next).await.is_ok() {
            self.sent.fetch_add(u64::try_from(next.len()).unwrap_or(0), Ordering::Relaxed);
            next = vec![b'a'; 64 * 1024];
        }
    }
}

/// The first line of a request that was read to its end. None: there are no more.
async fn request(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.ok().filter(|read| *read > 0)?;
        if header == "\r\n" {
            break;
        }
        if let Some(said) = header.strip_prefix("content-length: ") {
            length = said.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(line)
}
