//! Apple's certificate authority, played: certificates for wallet passes, of which no phone knows the root.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, date_time_ymd,
};
use serde::{Deserialize, Serialize};

/// Everything that a pass is signed with, in PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassCertificate {
    /// Who vouches for the certificate: what Apple calls WWDR. Here it is its own root.
    pub intermediate: String,
    pub certificate: String,
    pub key: String,
}

/// A certificate for passes of this type, of this team, from the first of January of one year to that of another.
pub fn pass_certificate(
    pass_type: &str,
    team: &str,
    (from, to): (i32, i32),
) -> Result<PassCertificate, rcgen::Error> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name = named(&[(DnType::CommonName, "Stand-in for Apple's authority")]);
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority.not_before = date_time_ymd(2020, 1, 1);
    authority.not_after = date_time_ymd(2100, 1, 1);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
    let mut pass = CertificateParams::default();
    pass.distinguished_name = named(&[
        (DnType::CustomDnType(USER_ID.to_vec()), pass_type),
        (DnType::CommonName, &format!("Pass Type ID: {pass_type}")),
        (DnType::OrganizationalUnitName, team),
    ]);
    pass.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    pass.not_before = date_time_ymd(from, 1, 1);
    pass.not_after = date_time_ymd(to, 1, 1);
    let certificate = pass.signed_by(&key, &authority)?;
    Ok(PassCertificate {
        intermediate: authority.pem(),
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

/// The attribute that names a pass type.
const USER_ID: [u64; 7] = [0, 9, 2342, 19_200_300, 100, 1, 1];

fn named(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, text) in parts {
        name.push(kind.clone(), *text);
    }
    name
}
