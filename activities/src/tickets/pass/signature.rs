//! The signature over a pass's manifest: CMS, detached, with the time of signing, as the wallet wants it.

use super::{NoPass, certificates::Signer};
use chrono::{DateTime, Utc};
use cms::{
    cert::{CertificateChoices, IssuerAndSerialNumber},
    content_info::{CmsVersion, ContentInfo},
    signed_data::{
        CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo,
        SignerInfos,
    },
};
use sha2::{Digest, Sha256};
use std::time::Duration;
use x509_cert::{
    attr::Attribute,
    der::{
        self, Any, Encode, Tag,
        asn1::{OctetString, SetOfVec, UtcTime},
        oid::ObjectIdentifier,
    },
    spki::AlgorithmIdentifierOwned,
};

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// The DER of a detached signature over exactly these bytes.
pub(super) fn detached(
    signer: &Signer,
    bytes: &[u8],
    at: DateTime<Utc>,
) -> Result<Vec<u8>, NoPass> {
    let attributes = signed_attributes(bytes, at).map_err(broken)?;
    // What is signed is the set of attributes, in the order that DER gives them.
    let (algorithm, signature) = signer
        .sign(&attributes.to_der().map_err(broken)?)
        .ok_or_else(|| NoPass::Broken("the key does not sign".to_owned()))?;
    signed_data(signer, attributes, algorithm, signature).map_err(broken)
}

fn signed_attributes(bytes: &[u8], at: DateTime<Utc>) -> der::Result<SetOfVec<Attribute>> {
    let digest = OctetString::new(Sha256::digest(bytes).to_vec())?;
    let at = UtcTime::from_unix_duration(Duration::from_secs(
        u64::try_from(at.timestamp()).unwrap_or(0),
    ))?;
    let attribute = |oid, value: Any| -> der::Result<Attribute> {
        Ok(Attribute { oid, values: SetOfVec::try_from(vec![value])? })
    };
    SetOfVec::try_from(vec![
        attribute(CONTENT_TYPE, Any::encode_from(&DATA)?)?,
        attribute(MESSAGE_DIGEST, Any::encode_from(&digest)?)?,
        attribute(SIGNING_TIME, Any::encode_from(&at)?)?,
    ])
}

fn signed_data(
    signer: &Signer,
    attributes: SetOfVec<Attribute>,
    algorithm: ObjectIdentifier,
    signature: Vec<u8>,
) -> der::Result<Vec<u8>> {
    let sha256 = AlgorithmIdentifierOwned { oid: SHA256, parameters: None };
    // RSA's parameters are a NULL; ECDSA has none.
    let null = (algorithm == super::certificates::RSA)
        .then(|| Any::new(Tag::Null, Vec::new()))
        .transpose()?;
    let about = &signer.certificate.tbs_certificate;
    let info = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: about.issuer.clone(),
            serial_number: about.serial_number.clone(),
        }),
        digest_alg: sha256.clone(),
        signed_attrs: Some(attributes),
        signature_algorithm: AlgorithmIdentifierOwned { oid: algorithm, parameters: null },
        signature: OctetString::new(signature)?,
        unsigned_attrs: None,
    };
    let certificates = vec![
        CertificateChoices::Certificate(signer.certificate.clone()),
        CertificateChoices::Certificate(signer.intermediate.clone()),
    ];
    let data = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from(vec![sha256])?,
        encap_content_info: EncapsulatedContentInfo { econtent_type: DATA, econtent: None },
        certificates: Some(CertificateSet(SetOfVec::try_from(certificates)?)),
        crls: None,
        signer_infos: SignerInfos(SetOfVec::try_from(vec![info])?),
    };
    ContentInfo { content_type: SIGNED_DATA, content: Any::encode_from(&data)? }.to_der()
}

fn broken(error: der::Error) -> NoPass {
    NoPass::Broken(error.to_string())
}
