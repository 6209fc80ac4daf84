//! The pass in a phone's wallet (`.pkpass`): made whenever somebody asks, from what the ticket says and what has become of
//! its booking. So a pass is never out of date, a taken-back booking's is void at once, and new certificates sign at once.

mod bundle;
mod certificates;
mod contents;
mod images;
mod signature;
#[cfg(test)]
mod tests;

use super::picture::Press;
use aws_lc_rs::hmac;
use bundle::File;
pub use certificates::{Certificates, Unusable};
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use images::Images;
use schema::{ids::BookingId, passes::Pass};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use std::sync::Arc;

/// Who issues passes, and where phones ask for newer ones.
pub struct Config {
    /// `pass.sa.example.ticket`, as Apple has registered it.
    pub pass_type: String,
    /// Apple's id of the developer's team.
    pub team: String,
    /// Who is named on the pass.
    pub organization: String,
    /// Where `/v1/…` is: `https://api.example`.
    pub web_service_url: String,
    /// Phones' tokens are derived with it. Never rotated: a pass keeps its token for ever.
    pub token_key: SecretSlice<u8>,
    pub certificates: Certificates,
}

/// Makes passes. Cheap to clone.
#[derive(Clone)]
pub struct Passes(Arc<Inner>);

struct Inner {
    config: Config,
    token_key: hmac::Key,
    images: Images,
}

/// Why there is no pass now.
#[derive(Debug, thiserror::Error)]
pub enum NoPass {
    #[error("no certificate is valid now")]
    NoCertificate,
    #[error("a pass could not be made: {0}")]
    Broken(String),
}

impl Passes {
    /// Draws the images that every pass has.
    pub fn new(config: Config) -> Result<Self, NoPass> {
        let images = Images::draw(&Press::new(), &config.organization);
        let images = images.map_err(|error| NoPass::Broken(error.to_string()))?;
        let token_key = hmac::Key::new(hmac::HMAC_SHA256, config.token_key.expose_secret());
        Ok(Self(Arc::new(Inner { config, token_key, images })))
    }

    pub fn is_of_type(&self, pass_type: &str) -> bool {
        self.0.config.pass_type == pass_type
    }

    /// The pass as a file. The same pass under the same RSA certificate is the same bytes.
    pub async fn make(&self, pass: Pass, now: DateTime<Utc>) -> Result<Vec<u8>, NoPass> {
        let maker = self.clone();
        // A signature takes a millisecond or two of somebody's core.
        let made = tokio::task::spawn_blocking(move || maker.sign(&pass, now)).await;
        made.unwrap_or_else(|error| Err(NoPass::Broken(error.to_string())))
    }

    fn sign(&self, pass: &Pass, now: DateTime<Utc>) -> Result<Vec<u8>, NoPass> {
        let Inner { config, images, .. } = &*self.0;
        let signer = config.certificates.newest(now).ok_or(NoPass::NoCertificate)?;
        let token = self.token(pass.facts.booking);
        let mut files = contents::files(config, &token, pass)?;
        files.extend(images.files());
        let manifest = bundle::manifest(&files)?;
        // Not the moment of asking, so that asking twice gives the same pass.
        let signed_at = pass.changed_at.max(signer.not_before());
        let signature = signature::detached(signer, &manifest, signed_at)?;
        files.push(File::new("manifest.json", manifest));
        files.push(File::new("signature", signature));
        bundle::zip(&files)
    }

    /// What a phone shows to be given a newer pass, or to be told of one.
    fn token(&self, booking: BookingId) -> SecretString {
        HEXLOWER.encode(hmac::sign(&self.0.token_key, &named(booking)).as_ref()).into()
    }

    /// Whether this is the token of this booking's pass; it takes as long for a wrong one.
    pub fn is_token(&self, booking: BookingId, token: &str) -> bool {
        let tag = HEXLOWER.decode(token.as_bytes()).unwrap_or_default();
        hmac::verify(&self.0.token_key, &named(booking), &tag).is_ok()
    }
}

fn named(booking: BookingId) -> Vec<u8> {
    format!("pass:{}", booking.bare()).into_bytes()
}

impl From<serde_json::Error> for NoPass {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(error.to_string())
    }
}
