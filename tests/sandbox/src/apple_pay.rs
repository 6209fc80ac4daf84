//! Apple's gateway for merchant sessions, played: a TLS server that speaks to nobody without a certificate it knows.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::Value;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What it answers, to the byte: white space and the order of fields included.
pub const SESSION: &str = "{\"epochTimestamp\":1795255200000,\"expiresAt\":1795258800000, \
    \"merchantSessionIdentifier\":\"SSH0123456789ABCDEF\",\"nonce\":\"0a1b2c3d\",\
    \"merchantIdentifier\":\"0F1E2D3C\",\"domainName\":\"shop.example.sa\",\"displayName\":\"سينما\",\
    \"signature\":\"308006092a864886f70d010702a080\",\"retries\":0,\"pspId\":\"0F1E2D3C\"}";

const PATIENCE: Duration = Duration::from_secs(10);
const BODY_LIMIT: usize = 64 * 1024;

/// Who believes whom, in PEM.
#[derive(Clone, Debug)]
pub struct Papers {
    /// Whose word counts, on both sides.
    pub root: String,
    /// The merchant's certificate and key.
    pub identity: String,
    server_certificate: String,
    server_key: String,
}

impl Papers {
    pub fn draw_up() -> Result<Self, rcgen::Error> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "Stand-in for Apple's authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let signed = |name: &str, purpose| {
            let mut params = CertificateParams::new(vec![name.to_owned()])?;
            params.extended_key_usages = vec![purpose];
            let key = KeyPair::generate()?;
            let certificate = params.signed_by(&key, &authority)?;
            Ok::<_, rcgen::Error>((certificate.pem(), key.serialize_pem()))
        };
        let server = signed("127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth)?;
        let merchant = signed("merchant.sa.example", ExtendedKeyUsagePurpose::ClientAuth)?;
        Ok(Self {
            root: authority.pem(),
            identity: format!("{}{}", merchant.0, merchant.1),
            server_certificate: server.0,
            server_key: server.1,
        })
    }

    fn tls(&self) -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.root.as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let chain = vec![CertificateDer::from_pem_slice(self.server_certificate.as_bytes())?];
        let key = PrivateKeyDer::from_pem_slice(self.server_key.as_bytes())?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier.build()?);
        Ok(config.with_single_cert(chain, key)?)
    }
}

/// How it answers everybody whom it speaks to.
#[derive(Clone, Copy, Debug)]
pub enum Plays {
    Session,
    /// 400: not registered; 417; sporadic 403; 5xx.
    Status(u16),
    /// To an address inside, which nobody may follow.
    Redirect,
    /// Two megabytes.
    TooMuch,
    /// 200 with this.
    Body(&'static str),
}

/// Serves until it is dropped.
pub struct Gateway {
    pub url: String,
    asked: Arc<Mutex<Vec<Value>>>,
    serving: JoinHandle<()>,
}

impl Gateway {
    pub async fn start(papers: &Papers, plays: Plays) -> io::Result<Self> {
        let acceptor = TlsAcceptor::from(Arc::new(papers.tls().map_err(io::Error::other)?));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://{}", listener.local_addr()?);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let memory = Arc::clone(&asked);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let one = answer(&acceptor, stream, plays, &memory);
                if let Ok(Err(error)) = tokio::time::timeout(PATIENCE, one).await {
                    tracing::debug!(%error, "nobody Apple would speak to");
                }
            }
        });
        Ok(Self { url, asked, serving })
    }

    /// What it was asked, by those whom it speaks to.
    pub fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One request on one connection.
async fn answer(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    plays: Plays,
    asked: &Mutex<Vec<Value>>,
) -> io::Result<()> {
    let mut stream = BufReader::new(acceptor.accept(stream).await?);
    let mut head = String::new();
    while stream.read_line(&mut head).await? > 2 && head.len() < BODY_LIMIT {}
    let said = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let length = said("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; BODY_LIMIT.min(length)];
    stream.read_exact(&mut body).await?;
    let rightly = head.starts_with("POST /paymentservices/paymentSession HTTP/1.1");
    if let Ok(body) = serde_json::from_slice(&body) {
        asked.lock().unwrap_or_else(PoisonError::into_inner).push(body);
    }
    let (status, body) = match plays {
        Plays::Session if !rightly => (404, String::new()),
        Plays::Session => (200, SESSION.to_owned()),
        Plays::Status(status) => {
            let why = "Payment Services Exception merchantId=x not registered for domain=y";
            (status, format!("{{\"statusMessage\":\"{why}\",\"statusCode\":\"{status}\"}}"))
        }
        Plays::Redirect => (302, String::new()),
        Plays::TooMuch => (200, format!("{{\"nonce\":\"{}\"}}", "0".repeat(2 * 1024 * 1024))),
        Plays::Body(body) => (200, body.to_owned()),
    };
    let location = "location: https://127.0.0.1:1/paymentservices/paymentSession";
    let head = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\n{location}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
