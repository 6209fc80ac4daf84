//! Apple Pay on the web: the merchant session that a browser's payment sheet opens with.
//!
//! Apple knows us by a certificate of ours (mutual TLS), one for each merchant id. What it answers is opaque and goes to
//! the browser as it is, once: a sheet needs a fresh one (Apple, "Requesting an Apple Pay Payment Session"). No money
//! moves here, and whatever goes wrong, the sheet does not open.

mod hosts;

use crate::{error::Error, watched};
pub use hosts::is_validation_url;
use reqwest::{Certificate, Client, Identity, StatusCode, Url, redirect, retry, tls::Version};
use schema::provider::Provider;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

/// Apple's are about 5 KiB.
const SESSION_LIMIT: usize = 64 * 1024;
/// The sheet gives up at thirty seconds.
const WITHIN: Duration = Duration::from_secs(8);
const PATH: &str = "/paymentservices/paymentSession";

#[derive(Clone, Debug)]
pub struct Config {
    /// `https://apple-pay-gateway.apple.com`, or another of Apple's list; with the path of sessions, or without.
    pub gateway: String,
    /// Who is believed to be Apple, in PEM, instead of the public authorities: a stand-in on this machine, and no other.
    pub stand_in: Option<String>,
    /// What the sheet shows: 1 to 64 bytes.
    pub display_name: String,
    /// The domain that the page is served from, registered with Apple. Never the request's own word.
    pub domain: String,
    /// Through whom Apple Pay is taken, and as whom.
    pub merchants: BTreeMap<Provider, Merchant>,
}

/// A merchant id, and what proves that it is us.
#[derive(Clone, Debug)]
pub struct Merchant {
    /// `merchant.sa.example`
    pub id: String,
    /// PEM: the Merchant Identity certificate and its key.
    pub identity: SecretString,
}

pub struct ApplePay {
    url: Url,
    display_name: String,
    domain: String,
    merchants: BTreeMap<Provider, (String, Client)>,
}

impl ApplePay {
    pub fn new(config: &Config) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::refused("configuration", format!("apple pay: {reason}"));
        let url = Url::parse(&config.gateway).map_err(|_| wrong("the gateway is no address"))?;
        let host = url.host_str().unwrap_or_default();
        let here = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let allowed = match config.stand_in {
            Some(_) => here,
            None => hosts::is_apples(host) && url.port().is_none(),
        };
        let bare = matches!(url.path(), "" | "/" | PATH) && url.query().is_none();
        if !allowed || url.scheme() != "https" || !bare || !url.username().is_empty() {
            return Err(wrong("the gateway is none of Apple's"));
        }
        if !(1..=64).contains(&config.display_name.len()) || config.domain.is_empty() {
            return Err(wrong("the display name has 1 to 64 bytes, and the domain is needed"));
        }
        let merchants = config.merchants.iter().map(|(provider, merchant)| {
            let client = client(merchant, config.stand_in.as_deref());
            let client = client.map_err(|_| wrong("an identity is no PEM of certificate and key"));
            Ok((*provider, (merchant.id.clone(), client?)))
        });
        Ok(Self {
            url: url.join(PATH).map_err(|_| wrong("the gateway is no address"))?,
            display_name: config.display_name.clone(),
            domain: config.domain.clone(),
            merchants: merchants.collect::<Result<_, Error>>()?,
        })
    }

    /// A fresh session for the sheet of one customer, in Apple's own bytes. None: this vendor takes no Apple Pay here.
    pub async fn session(&self, provider: Provider) -> Option<Result<Vec<u8>, Error>> {
        let (merchant, client) = self.merchants.get(&provider)?;
        let asked = Instant::now();
        let session = self.ask(merchant, client).await;
        watched::count_apple_pay(&session, asked.elapsed());
        Some(session)
    }

    async fn ask(&self, merchant: &str, client: &Client) -> Result<Vec<u8>, Error> {
        let body = json!({"merchantIdentifier": merchant, "displayName": self.display_name,
            "initiative": "web", "initiativeContext": self.domain});
        let sent = client.post(self.url.clone()).json(&body).send().await;
        let mut answer = sent.map_err(|error| failed(&error))?;
        let mut session = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
            if session.len() + chunk.len() > SESSION_LIMIT {
                return Err(Error::unknown("apple pay: the answer is too large"));
            }
            session.extend_from_slice(&chunk);
        }
        let status = answer.status();
        if status != StatusCode::OK {
            let reason = format!("apple pay: HTTP {}", status.as_u16());
            // Which it is, Apple's sentence says; it names our merchant and our domain, and is not repeated.
            return Err(if status.is_client_error() {
                Error::refused(status.as_u16().to_string(), reason)
            } else {
                Error::unknown(reason)
            });
        }
        match serde_json::from_slice(&session) {
            Ok(Value::Object(_)) => Ok(session),
            Ok(_) | Err(_) => Err(Error::unknown("apple pay: the answer is no session")),
        }
    }
}

/// Shows our identity to nobody but the gateway: no redirect, no proxy, nothing repeated.
fn client(merchant: &Merchant, stand_in: Option<&str>) -> reqwest::Result<Client> {
    let identity = Identity::from_pem(merchant.identity.expose_secret().as_bytes())?;
    let client = Client::builder()
        .identity(identity)
        .https_only(true)
        .tls_version_min(Version::TLS_1_2)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .connect_timeout(Duration::from_secs(3))
        .timeout(WITHIN);
    match stand_in {
        Some(root) => client.tls_certs_only([Certificate::from_pem(root.as_bytes())?]).build(),
        None => client.build(),
    }
}

fn failed(error: &reqwest::Error) -> Error {
    let what = if error.is_timeout() { "timed out" } else { "failed" };
    if error.is_connect() {
        return Error::unavailable(format!("apple pay: {what}"));
    }
    Error::unknown(format!("apple pay: {what}"))
}

#[cfg(test)]
mod tests;
