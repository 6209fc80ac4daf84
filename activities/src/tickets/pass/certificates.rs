//! Who signs: several certificates with their keys, of which the newest that is valid now signs. So a new one can be added
//! beside the old one, and nobody has to be quick on the day.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256},
};
use chrono::{DateTime, TimeDelta, Utc};
use x509_cert::{
    Certificate,
    der::{
        asn1::{PrintableStringRef, Utf8StringRef},
        oid::ObjectIdentifier,
        pem,
    },
    time::Time,
};

const UID: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1");
const UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
pub(super) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(super) const ECDSA_SHA256: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// Operations hears of a certificate that ends within this.
const SOON: TimeDelta = TimeDelta::days(30);

/// Why a certificate or its key is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("no certificate in PEM: {0}")]
    Certificate(String),
    #[error("the key is no RSA or P-256 key in PEM, unencrypted")]
    Key,
    #[error("the key is not the certificate's")]
    AnothersKey,
    #[error("its UID is not the pass type, or its OU not the team")]
    AnothersPass,
}

/// The certificates that may sign.
pub struct Certificates {
    signers: Vec<Signer>,
}

/// One certificate with its key, and the authority between it and Apple's root.
pub(super) struct Signer {
    pub(super) certificate: Certificate,
    pub(super) intermediate: Certificate,
    key: Key,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
}

enum Key {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

impl Certificates {
    /// `pairs` of PEM: a pass certificate, and its key. All must be for this pass type and team. `intermediate`: Apple's
    /// WWDR certificate, in PEM.
    pub fn read<'a>(
        pass_type: &str,
        team: &str,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        intermediate: &str,
    ) -> Result<Self, Unusable> {
        let intermediate = certificate(intermediate)?;
        let signer = |(its, key): (&str, &str)| {
            let read = certificate(its)?;
            let named = |oid, wanted: &str| said(&read, oid).iter().any(|said| said == wanted);
            if !named(UID, pass_type) || !named(UNIT, team) {
                return Err(Unusable::AnothersPass);
            }
            Signer::new(read, intermediate.clone(), key)
        };
        Ok(Self { signers: pairs.into_iter().map(signer).collect::<Result<_, _>>()? })
    }

    /// The one that began last, of those that are valid now.
    pub(super) fn newest(&self, now: DateTime<Utc>) -> Option<&Signer> {
        let valid =
            self.signers.iter().filter(|signer| signer.not_before <= now && now < signer.not_after);
        valid.max_by_key(|signer| signer.not_before)
    }

    /// What operations should hear: when signing ends, if that is soon, or is past.
    pub fn ends_soon(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let last = self.signers.iter().map(|signer| signer.not_after).max()?;
        (last < now + SOON).then_some(last)
    }
}

impl Signer {
    fn new(
        certificate: Certificate,
        intermediate: Certificate,
        key: &str,
    ) -> Result<Self, Unusable> {
        let key = Key::read(key)?;
        let public = &certificate.tbs_certificate.subject_public_key_info.subject_public_key;
        if public.as_bytes() != Some(&*key.public()) {
            return Err(Unusable::AnothersKey);
        }
        let validity = certificate.tbs_certificate.validity;
        let (not_before, not_after) = (at(validity.not_before)?, at(validity.not_after)?);
        Ok(Self { certificate, intermediate, key, not_before, not_after })
    }

    pub(super) const fn not_before(&self) -> DateTime<Utc> {
        self.not_before
    }

    /// How it signs, and the signature. None: the machine has no randomness, or memory.
    pub(super) fn sign(&self, message: &[u8]) -> Option<(ObjectIdentifier, Vec<u8>)> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some((RSA, signature))
            }
            Key::P256(key) => {
                Some((ECDSA_SHA256, key.sign(&random, message).ok()?.as_ref().to_vec()))
            }
        }
    }
}

impl Key {
    fn read(text: &str) -> Result<Self, Unusable> {
        let (label, bytes) = pem::decode_vec(text.trim().as_bytes()).map_err(|_| Unusable::Key)?;
        if label == "RSA PRIVATE KEY" {
            return RsaKeyPair::from_der(&bytes).map(Self::Rsa).map_err(|_| Unusable::Key);
        }
        if let Ok(key) = RsaKeyPair::from_pkcs8(&bytes) {
            return Ok(Self::Rsa(key));
        }
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &bytes);
        key.map(Self::P256).map_err(|_| Unusable::Key)
    }

    fn public(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key) => key.public_key().as_ref().to_vec(),
            Self::P256(key) => key.public_key().as_ref().to_vec(),
        }
    }
}

fn at(time: Time) -> Result<DateTime<Utc>, Unusable> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok();
    let at = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    at.ok_or_else(|| Unusable::Certificate("its validity is no time".to_owned()))
}

fn certificate(text: &str) -> Result<Certificate, Unusable> {
    let read = Certificate::load_pem_chain(text.trim().as_bytes());
    let mut read = read.map_err(|error| Unusable::Certificate(error.to_string()))?;
    if read.is_empty() {
        return Err(Unusable::Certificate("there is none".to_owned()));
    }
    Ok(read.swap_remove(0))
}

/// What a certificate's subject says under this name.
fn said(certificate: &Certificate, name: ObjectIdentifier) -> Vec<String> {
    let parts = certificate.tbs_certificate.subject.0.iter();
    let named = parts.flat_map(|part| part.0.iter()).filter(|part| part.oid == name);
    named
        .filter_map(|part| {
            let utf8 =
                part.value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
            utf8.or_else(|_| {
                part.value
                    .decode_as::<PrintableStringRef<'_>>()
                    .map(|text| text.as_str().to_owned())
            })
            .ok()
        })
        .collect()
}
