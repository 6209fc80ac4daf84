//! A connection on which anything can be said, however wrong, however slowly.

use harness::Visit;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

pub(super) struct Raw(pub TcpStream);

impl Raw {
    /// From `127.0.0.{host}`.
    pub(super) async fn open(visit: &Visit, host: u8) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, host], 0).into()).unwrap();
        let address = visit.system.gateway.trim_start_matches("http://").parse().unwrap();
        Self(socket.connect(address).await.unwrap())
    }

    pub(super) async fn says(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Everything that comes until the server hangs up.
    pub(super) async fn hears(&mut self) -> String {
        let mut heard = Vec::new();
        // A reset is an end, too.
        let _ = self.0.read_to_end(&mut heard).await;
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// Says this and hears the status of the answer; 0 if there is none.
    pub(super) async fn is_answered(visit: &Visit, host: u8, bytes: &[u8]) -> u16 {
        let mut raw = Self::open(visit, host).await;
        // It may hang up in the middle.
        let _ = raw.0.write_all(bytes).await;
        let heard = raw.hears().await;
        heard.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}
