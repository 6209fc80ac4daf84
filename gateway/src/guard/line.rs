//! One connection, and how long its other end may keep us waiting: with a head that does not end, with nothing at all,
//! or with answers that it does not read.

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

/// How long the other end may keep us waiting.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// From the first byte of a request to the end of its head.
    head: Duration,
    /// Between two requests. Longer than the proxies in front of us keep a connection, so that they close it, not we.
    idle: Duration,
    /// Without a byte of an answer being taken. A stream's heartbeats are answers, too.
    stall: Duration,
}

pub(super) const PATIENCE: Patience = Patience {
    head: Duration::from_secs(10),
    idle: Duration::from_secs(75),
    stall: Duration::from_secs(30),
};

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// For a request.
    Idle,
    /// For the rest of its head.
    Head,
    /// For us, until the answer has ended. The body has a time of its own (`body.rs`).
    Busy,
}

/// What is waited for, and since when; known to the connection and to whoever serves it.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<(Phase, Instant)>>);

impl Progress {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new((Phase::Idle, Instant::now()))))
    }

    /// A request has arrived as far as its head goes.
    pub(super) fn request(&self) {
        self.turn(Phase::Busy);
    }

    /// Nobody is served any more; the end of the answer may still be on its way.
    fn answered(&self) {
        self.turn(Phase::Idle);
    }

    /// Something was written. While somebody is served that is a part of an answer, or "100 Continue".
    fn wrote(&self) {
        let (phase, since) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *phase != Phase::Busy {
            (*phase, *since) = (Phase::Idle, Instant::now());
        }
    }

    fn now(&self) -> (Phase, Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, phase: Phase) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (phase, Instant::now());
    }
}

/// The body of an answer. When it is gone the answer has ended, and the next request is waited for.
pub(super) struct Answer {
    body: Body,
    progress: Progress,
}

impl Answer {
    pub(super) const fn new(body: Body, progress: Progress) -> Self {
        Self { body, progress }
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.progress.answered();
    }
}

/// A connection that does not wait for ever.
pub(super) struct Line {
    stream: TcpStream,
    progress: Progress,
    patience: Patience,
    waiting: Pin<Box<Sleep>>,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Line {
    pub(super) fn new(stream: TcpStream, progress: Progress, patience: Patience) -> Self {
        let waiting = Box::pin(sleep(patience.idle));
        Self { stream, progress, patience, waiting, stalled: None }
    }

    /// Nothing has come: whether that has been so for too long.
    fn waits(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (phase, since) = self.progress.now();
        let most = match phase {
            Phase::Busy => return Poll::Pending,
            Phase::Head => self.patience.head,
            Phase::Idle => self.patience.idle,
        };
        let deadline = since.checked_add(most).unwrap_or(since);
        if self.waiting.deadline() != deadline {
            self.waiting.as_mut().reset(deadline);
        }
        ready!(self.waiting.as_mut().poll(cx));
        Poll::Ready(match phase {
            // As if the other end had closed it.
            Phase::Idle | Phase::Busy => Ok(()),
            Phase::Head => Err(slow("head")),
        })
    }

    /// What became of a write, and whether it has been nothing for too long.
    fn wrote(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            self.progress.wrote();
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience.stall)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(slow("reader")))
    }
}

fn slow(what: &'static str) -> io::Error {
    metrics::counter!("usher_rate_limited_total", "limit" => format!("slow_{what}")).increment(1);
    io::Error::from(io::ErrorKind::TimedOut)
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {
                let (phase, since) = self.progress.now();
                match phase {
                    Phase::Idle => self.progress.turn(Phase::Head),
                    Phase::Head if since.elapsed() > self.patience.head => {
                        return Poll::Ready(Err(slow("head")));
                    }
                    Phase::Head | Phase::Busy => {}
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(ended) => Poll::Ready(ended),
            Poll::Pending => self.waits(cx),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.wrote(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// How many connections there are, of everybody and of each address.
#[derive(Clone)]
pub(super) struct Places(Arc<Mutex<Taken>>);

struct Taken {
    all: usize,
    of: std::collections::HashMap<IpAddr, usize>,
    most: usize,
    most_of_one: usize,
}

/// One connection's place, given back when it ends.
pub(super) struct Place {
    places: Places,
    address: IpAddr,
}

impl Places {
    pub(super) fn new(most: usize, most_of_one: usize) -> Self {
        let of = std::collections::HashMap::new();
        Self(Arc::new(Mutex::new(Taken { all: 0, of, most, most_of_one })))
    }

    /// `None`: there is none left, or none for this address.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = taken.of.get(&address).copied().unwrap_or(0);
        if taken.all >= taken.most || of_one >= taken.most_of_one {
            return None;
        }
        taken.all = taken.all.saturating_add(1);
        taken.of.insert(address, of_one.saturating_add(1));
        Some(Place { places: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        let left = taken.of.get(&self.address).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            taken.of.remove(&self.address);
        } else {
            taken.of.insert(self.address, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// A line that is patient for a moment, and its other end.
    async fn pair() -> (Line, Progress, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let theirs = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (ours, _) = listener.accept().await.unwrap();
        let progress = Progress::new();
        let moment = Duration::from_millis(50);
        let patience = Patience { head: moment, idle: moment, stall: moment };
        (Line::new(ours, progress.clone(), patience), progress, theirs)
    }

    #[tokio::test]
    async fn a_head_that_does_not_end_is_cut() {
        let (mut line, _, mut theirs) = pair().await;
        theirs.write_all(b"G").await.unwrap();
        assert_eq!(line.read_u8().await.unwrap(), b'G');
        assert_eq!(line.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn an_idle_line_ends_quietly_and_one_that_waits_for_us_does_not() {
        let (mut line, progress, mut theirs) = pair().await;
        progress.request();
        let patient = tokio::time::timeout(Duration::from_millis(200), line.read_u8()).await;
        assert!(patient.is_err(), "we are the ones who take long");
        // An answer, and what comes next.
        line.write_all(b"a").await.unwrap();
        drop(Answer::new(Body::empty(), progress.clone()));
        theirs.write_all(b"G").await.unwrap();
        assert_eq!(line.read_u8().await.unwrap(), b'G');
        progress.request();
        drop(Answer::new(Body::empty(), progress.clone()));
        line.write_all(b"a").await.unwrap();
        assert_eq!(line.read_u8().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn who_is_told_to_go_on_is_still_served() {
        let (mut line, progress, mut theirs) = pair().await;
        progress.request();
        line.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
        theirs.write_all(b"ab").await.unwrap();
        assert_eq!(line.read_u8().await.unwrap(), b'a');
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(line.read_u8().await.unwrap(), b'b', "the body may take longer than a head");
        let patient = tokio::time::timeout(Duration::from_millis(200), line.read_u8()).await;
        assert!(patient.is_err(), "we are the ones who take long");
    }

    #[tokio::test]
    async fn who_does_not_read_is_cut() {
        let (mut line, _, _theirs) = pair().await;
        let flood = vec![0; 1024 * 1024];
        let cut = loop {
            if let Err(error) = line.write_all(&flood).await {
                break error;
            }
        };
        assert_eq!(cut.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn places_are_given_back() {
        let (places, one, other) = (Places::new(3, 2), [1, 1, 1, 1], [2, 2, 2, 2]);
        let kept = [places.take(one.into()), places.take(one.into())];
        assert!(kept.iter().all(Option::is_some) && places.take(one.into()).is_none());
        let third = places.take(other.into());
        assert!(third.is_some() && places.take(other.into()).is_none(), "all are taken");
        drop(kept);
        assert!(places.take(one.into()).is_some());
    }
}
