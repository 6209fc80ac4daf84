//! The connection itself: it can hang up without a word, cut an answer short, let it drip, and see how a header was
//! spelled.

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;

const OPEN: u8 = 0;
const HANG_UP: u8 = 1;
const RESET: u8 = 2;
const TRUNCATE: u8 = 3;
const BROKEN: u8 = 4;
const STALL: u8 = 5;
const DRIP: u8 = 6;

/// How many bytes of a truncated or stalled answer never leave.
const CUT: usize = 24;
/// How many pieces an answer drips in, at most.
const PIECES: u8 = 16;
const TITLE_CASE: &[u8] = b"\nConnectapitoken:";

/// What a handler may do to the connection its request came on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Arc<Wiring>);

#[derive(Debug, Default)]
struct Wiring {
    mode: AtomicU8,
    wait_ms: AtomicU64,
    title_case: AtomicBool,
}

impl Line {
    /// Nothing of the answer is sent; the connection closes.
    pub(crate) fn hang_up(&self) {
        self.0.mode.store(HANG_UP, Ordering::Release);
    }

    /// As `hang_up`, with a TCP reset.
    pub(crate) fn reset(&self) {
        self.0.mode.store(RESET, Ordering::Release);
    }

    /// The answer's last bytes are never sent; the connection closes.
    pub(crate) fn truncate(&self) {
        self.0.mode.store(TRUNCATE, Ordering::Release);
    }

    /// As `truncate`, but the connection closes only after a while.
    pub(crate) fn stall(&self, wait: Duration) {
        self.wait(wait, STALL);
    }

    /// The answer leaves in pieces, all of it within about this time.
    pub(crate) fn drip(&self, over: Duration) {
        self.wait(over, DRIP);
    }

    fn wait(&self, wait: Duration, mode: u8) {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.0.wait_ms.store(wait, Ordering::Release);
        self.0.mode.store(mode, Ordering::Release);
    }

    fn waits(&self) -> Duration {
        Duration::from_millis(self.0.wait_ms.load(Ordering::Acquire))
    }

    /// Whether the token's header name came Title-Cased.
    pub(crate) fn title_cased(&self) -> bool {
        self.0.title_case.load(Ordering::Acquire)
    }
}

pub(crate) struct Port(pub TcpListener);

impl Listener for Port {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, from)) => {
                    let _ = stream.set_nodelay(true);
                    return (Socket::new(stream), from);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Port>> for Line {
    fn connect_info(stream: IncomingStream<'_, Port>) -> Self {
        stream.io().line.clone()
    }
}

pub(crate) struct Socket {
    stream: TcpStream,
    line: Line,
    tail: Vec<u8>,
    /// Until when nothing is sent.
    pause: Option<Pin<Box<Sleep>>>,
    /// The length of a piece of a dripping answer.
    piece: usize,
}

impl Socket {
    fn new(stream: TcpStream) -> Self {
        Self { stream, line: Line::default(), tail: Vec::new(), pause: None, piece: 0 }
    }

    fn pause_for(&mut self, wait: Duration) {
        self.pause = Some(Box::pin(tokio::time::sleep(wait)));
    }

    /// Sends all but the last bytes; what comes after that is up to `next`.
    fn poll_cut(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
        next: u8,
    ) -> Poll<io::Result<usize>> {
        let sent = bytes.get(..bytes.len().saturating_sub(CUT)).unwrap_or_default();
        let polled = Pin::new(&mut self.stream).poll_write(context, sent);
        if polled.is_ready() {
            self.line.0.mode.store(next, Ordering::Release);
        }
        polled
    }

    /// Sends a piece, and is in no hurry with the next one.
    fn poll_drip(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.piece == 0 {
            self.piece = bytes.len().div_ceil(usize::from(PIECES)).max(1);
        }
        let piece = bytes.get(..self.piece).unwrap_or(bytes);
        let polled = Pin::new(&mut self.stream).poll_write(context, piece);
        if let Poll::Ready(Ok(sent)) = &polled {
            if *sent == bytes.len() {
                self.piece = 0;
                self.line.0.mode.store(OPEN, Ordering::Release);
            } else {
                let wait = self.line.waits() / u32::from(PIECES);
                self.pause_for(wait);
            }
        }
        polled
    }

    fn look_at_header_names(&mut self, fresh: &[u8]) {
        self.tail.extend_from_slice(fresh);
        if self.tail.windows(TITLE_CASE.len()).any(|window| window == TITLE_CASE) {
            self.line.0.title_case.store(true, Ordering::Release);
        }
        let keep = self.tail.len().min(TITLE_CASE.len() - 1);
        self.tail.drain(..self.tail.len() - keep);
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Some(fresh) = buffer.filled().get(before..)
            && !fresh.is_empty()
        {
            self.look_at_header_names(fresh);
        }
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let broken = || Poll::Ready(Err(io::Error::from(io::ErrorKind::BrokenPipe)));
        if let Some(pause) = self.pause.as_mut() {
            if pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.pause = None;
        }
        match self.line.0.mode.load(Ordering::Acquire) {
            OPEN => Pin::new(&mut self.stream).poll_write(context, bytes),
            TRUNCATE => self.poll_cut(context, bytes, BROKEN),
            STALL => {
                let polled = self.poll_cut(context, bytes, BROKEN);
                if polled.is_ready() {
                    let wait = self.line.waits();
                    self.pause_for(wait);
                }
                polled
            }
            DRIP => self.poll_drip(context, bytes),
            RESET => {
                let _ = self.stream.set_zero_linger();
                broken()
            }
            _ => broken(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    /// Head and body leave in one buffer, so that `truncate` cuts the body's end.
    fn is_write_vectored(&self) -> bool {
        false
    }
}
