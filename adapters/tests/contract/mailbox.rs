//! Somebody who takes what a stand-in posts to its merchant.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

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
