//! Passes as a phone checks them: every file in the manifest, the manifest signed, the certificate Apple's and ours.

use super::*;
use cms::{cert::CertificateChoices, content_info::ContentInfo, signed_data::SignedData};
use sandbox::apple::{PassCertificate, pass_certificate};
use schema::{
    money::Money,
    tickets::{Bilingual, Facts, TicketCount},
};
use serde_json::Value;
use sha1::{Digest, Sha1};
use std::{collections::BTreeMap, fs, io::Read, process::Command};
use x509_cert::der::Decode;

const TYPE: &str = "pass.sa.example.ticket";
const TEAM: &str = "A1B2C3D4E5";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    at("2026-11-21T15:00:00Z")
}

fn signed_from(from: i32, to: i32) -> PassCertificate {
    pass_certificate(TYPE, TEAM, (from, to)).unwrap()
}

fn passes(signers: &[&PassCertificate]) -> Passes {
    let pairs = signers.iter().map(|signer| (&*signer.certificate, &*signer.key));
    let certificates = Certificates::read(TYPE, TEAM, pairs, &signers[0].intermediate).unwrap();
    Passes::new(Config {
        pass_type: TYPE.to_owned(),
        team: TEAM.to_owned(),
        organization: "Usher Cinemas".to_owned(),
        web_service_url: "https://api.example".to_owned(),
        token_key: SecretSlice::from(vec![7; 32]),
        certificates,
    })
    .unwrap()
}

fn pass() -> Pass {
    let both = |en: &str, ar: &str| Bilingual { en: en.to_owned(), ar: ar.to_owned() };
    let facts = Facts {
        booking: "bk_01K9BBBBBBBBBBBBBBBBBBBBBB".parse().unwrap(),
        vista_booking_id: "WNZW39Q".to_owned(),
        film: both("The \"Long\" Dune\n", "الكثيب الطويل"),
        rating: None,
        minutes: Some(127),
        cinema: both("Riyadh Park", "الرياض بارك"),
        hall: both("Screen 5", "شاشة 5"),
        starts_at: at("2026-11-21T18:30:00Z"),
        seats: vec!["A1".to_owned(), "AA12".to_owned()],
        tickets: vec![TicketCount { name: both("Adult", "بالغ"), count: 2 }],
        total: Money::sar(11_500),
        paid_at: at("2026-11-21T14:05:09Z"),
    };
    Pass { facts, is_void: false, changed_at: at("2026-11-21T14:05:10Z") }
}

async fn files(passes: &Passes, pass: &Pass) -> BTreeMap<String, Vec<u8>> {
    let bytes = passes.make(pass.clone(), now()).await.unwrap();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        files.insert(file.name().unwrap().into_owned(), bytes);
    }
    files
}

fn json(files: &BTreeMap<String, Vec<u8>>) -> Value {
    serde_json::from_slice(&files["pass.json"]).unwrap()
}

/// The certificates in a pass's signature, as DER.
fn certificates_in(files: &BTreeMap<String, Vec<u8>>) -> Vec<Vec<u8>> {
    let info = ContentInfo::from_der(&files["signature"]).unwrap();
    let signed: SignedData = info.content.decode_as().unwrap();
    let all = signed.certificates.unwrap().0.into_vec();
    all.into_iter()
        .map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => {
                x509_cert::der::Encode::to_der(&certificate).unwrap()
            }
            CertificateChoices::Other(_) => panic!("no certificate"),
        })
        .collect()
}

#[tokio::test]
async fn a_pass_says_what_the_ticket_says() {
    let signer = signed_from(2026, 2028);
    let passes = passes(&[&signer]);
    let files = files(&passes, &pass()).await;
    let json = json(&files);
    assert_eq!(json["barcodes"][0]["message"], "WNZW39Q");
    assert_eq!(json["serialNumber"], "01K9BBBBBBBBBBBBBBBBBBBBBB");
    assert_eq!(json["relevantDate"], "2026-11-21T21:30:00+03:00");
    assert_eq!(json["semantics"]["eventEndDate"], "2026-11-21T23:37:00+03:00");
    assert_eq!(json["semantics"]["seats"][1]["seatRow"], "AA");
    assert_eq!(json["webServiceURL"], "https://api.example");
    assert_eq!(json.get("voided"), None);
    let token = json["authenticationToken"].as_str().unwrap();
    assert!(token.len() >= 16 && passes.is_token(pass().facts.booking, token));
    assert!(!passes.is_token(pass().facts.booking, &token.replace(&token[..1], "x")));

    let strings = |language: &str| {
        String::from_utf8(files[&format!("{language}.lproj/pass.strings")].clone()).unwrap()
    };
    let (arabic, english) = (strings("ar"), strings("en"));
    assert!(english.contains(r#""film_value" = "The \"Long\" Dune";"#), "{english}");
    assert!(arabic.contains("\"hall_value\" = \"شاشة 5\";"), "{arabic}");
    // Every word that a field uses is there.
    for group in json["eventTicket"].as_object().unwrap().values() {
        for field in group.as_array().unwrap() {
            for word in ["label", "value"].map(|part| field[part].as_str().unwrap()) {
                let known = english.contains(&format!("\"{word}\" = "))
                    && arabic.contains(&format!("\"{word}\" = "));
                assert!(known || word.chars().any(|c| c.is_ascii_uppercase()), "{word}");
            }
        }
    }

    let void = Pass { is_void: true, ..pass() };
    assert_eq!(self::json(&self::files(&passes, &void).await)["voided"], true);
}

#[tokio::test]
async fn every_file_is_in_the_manifest_and_the_manifest_is_signed() {
    let signer = signed_from(2026, 2028);
    let files = files(&passes(&[&signer]), &pass()).await;
    let manifest: BTreeMap<String, String> =
        serde_json::from_slice(&files["manifest.json"]).unwrap();
    let of_files: BTreeMap<String, String> = files
        .iter()
        .filter(|(name, _)| !["manifest.json", "signature"].contains(&name.as_str()))
        .map(|(name, bytes)| (name.clone(), HEXLOWER.encode(&Sha1::digest(bytes))))
        .collect();
    assert_eq!(manifest, of_files);
    assert!(manifest.contains_key("icon.png") && manifest.contains_key("logo@2x.png"));

    let folder = std::env::temp_dir().join(format!("pass-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    for name in ["manifest.json", "signature"] {
        fs::write(folder.join(name), &files[name]).unwrap();
    }
    fs::write(folder.join("ca.pem"), &signer.intermediate).unwrap();
    let verify = |manifest: &str| {
        let (content, signature, authority) = (path(manifest), path("signature"), path("ca.pem"));
        Command::new("openssl")
            .args([
                "cms", "-verify", "-binary", "-inform", "DER", "-in", &signature, "-content",
                &content,
            ])
            .args(["-CAfile", &authority, "-purpose", "any", "-out", "/dev/null"])
            .output()
    };
    let verified = verify("manifest.json");
    let tampered =
        fs::write(folder.join("tampered.json"), b"{}").and_then(|()| verify("tampered.json"));
    fs::remove_dir_all(&folder).unwrap();
    // A machine without openssl has our own reading below.
    if let (Ok(verified), Ok(tampered)) = (verified, tampered) {
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        assert!(!tampered.status.success());
    }
    assert!(signs(&files["signature"], &files["manifest.json"]));
    assert!(!signs(&files["signature"], b"{}"));
}

/// Whether it is a signature over these bytes, by the specification (RFC 5652, 5.4 and 5.6).
fn signs(signature: &[u8], bytes: &[u8]) -> bool {
    use x509_cert::der::{Encode, asn1::OctetString};
    let signed: SignedData = ContentInfo::from_der(signature).unwrap().content.decode_as().unwrap();
    let [info] = signed.signer_infos.0.as_slice() else { panic!("one signer") };
    let attributes = info.signed_attrs.clone().unwrap();
    let digest = attributes.iter().find(|it| it.oid.to_string() == "1.2.840.113549.1.9.4").unwrap();
    let digest: OctetString = digest.values.as_slice()[0].decode_as().unwrap();
    let times = attributes.iter().filter(|it| it.oid.to_string() == "1.2.840.113549.1.9.5");
    assert_eq!(times.count(), 1, "the time of signing");
    let all = signed.certificates.unwrap().0.into_vec();
    let pass = all.iter().find_map(|choice| match choice {
        CertificateChoices::Certificate(it) => {
            let its = &it.tbs_certificate;
            its.subject.to_string().contains("Pass Type ID").then_some(its)
        }
        CertificateChoices::Other(_) => None,
    });
    let key = pass.unwrap().subject_public_key_info.subject_public_key.as_bytes().unwrap();
    let algorithm = &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
    let key = aws_lc_rs::signature::UnparsedPublicKey::new(algorithm, key);
    let by_key = key.verify(&attributes.to_der().unwrap(), info.signature.as_bytes());
    let of_bytes = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    by_key.is_ok() && digest.as_bytes() == of_bytes.as_ref()
}

#[tokio::test]
async fn asked_for_twice_it_is_the_same_pass() {
    let signer = signed_from(2026, 2028);
    let (one, other) = (passes(&[&signer]), passes(&[&signer]));
    assert_eq!(one.make(pass(), now()).await.unwrap(), other.make(pass(), now()).await.unwrap());
}

#[tokio::test]
async fn the_newest_certificate_that_is_valid_now_signs() {
    let (old, new, future) =
        (signed_from(2025, 2027), signed_from(2026, 2028), signed_from(2027, 2029));
    let is_signed_by = async |all: &[&PassCertificate], signer: &PassCertificate| {
        let files = files(&passes(all), &pass()).await;
        let wanted = x509_cert::der::pem::decode_vec(signer.certificate.as_bytes()).unwrap().1;
        certificates_in(&files).contains(&wanted)
    };
    assert!(is_signed_by(&[&old, &future], &old).await);
    assert!(is_signed_by(&[&future, &new, &old], &new).await);
    let expired = passes(&[&signed_from(2020, 2021)]).make(pass(), now()).await;
    assert!(matches!(expired, Err(NoPass::NoCertificate)));
}

#[test]
fn operations_hear_of_a_certificate_that_ends_soon() {
    let read = |signer: &PassCertificate| {
        Certificates::read(TYPE, TEAM, [(&*signer.certificate, &*signer.key)], &signer.intermediate)
            .unwrap()
    };
    let certificates = read(&signed_from(2026, 2027));
    assert_eq!(certificates.ends_soon(now()), None);
    assert_eq!(
        certificates.ends_soon(at("2026-12-20T00:00:00Z")),
        Some(at("2027-01-01T00:00:00Z"))
    );
}

#[test]
fn what_apple_would_refuse_is_refused_at_the_start() {
    let (ours, other) = (signed_from(2026, 2028), signed_from(2026, 2028));
    let read = |pass_type, team, certificate: &str, key: &str| {
        Certificates::read(pass_type, team, [(certificate, key)], &ours.intermediate).err()
    };
    let PassCertificate { certificate, key, .. } = &ours;
    assert!(read(TYPE, TEAM, certificate, key).is_none());
    assert!(matches!(read("pass.other", TEAM, certificate, key), Some(Unusable::AnothersPass)));
    assert!(matches!(read(TYPE, "OTHER", certificate, key), Some(Unusable::AnothersPass)));
    assert!(matches!(read(TYPE, TEAM, certificate, &other.key), Some(Unusable::AnothersKey)));
    assert!(matches!(read(TYPE, TEAM, certificate, certificate), Some(Unusable::Key)));
    assert!(matches!(read(TYPE, TEAM, "nothing", key), Some(Unusable::Certificate(_))));
}
