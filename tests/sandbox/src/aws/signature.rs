//! What a signed call (AWS Signature Version 4) must carry: who asks, for which service of which region, about this body.
//!
//! The signature itself is looked at, not computed again: the client's comes from a library that does it for many.

use super::{KEY_ID, Refusal};
use axum::http::{HeaderMap, StatusCode};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// What a signature was made for.
pub(super) struct Scope {
    pub region: String,
    pub service: String,
}

pub(super) fn check(headers: &HeaderMap, body: &[u8]) -> Result<Scope, Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let missing = || refuse("MissingAuthenticationTokenException", "Missing Authentication Token");
    let authorization = header("authorization").ok_or_else(missing)?;
    let date = header("x-amz-date").ok_or_else(missing)?;
    let incomplete = || refuse("IncompleteSignatureException", "the signature is not whole");
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(incomplete)?;
    let field = |name: &str| {
        let mut fields = fields.split(',').map(str::trim);
        fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('=')).ok_or_else(incomplete)
    };
    let credential: Vec<&str> = field("Credential")?.split('/').collect();
    let [key, day, region, service, "aws4_request"] = credential[..] else {
        return Err(incomplete());
    };
    if key != KEY_ID {
        return Err(refuse("UnrecognizedClientException", "The security token is invalid."));
    }
    let signed: Vec<&str> = field("SignedHeaders")?.split(';').collect();
    let all_signed =
        ["host", "x-amz-date", "x-amz-target"].iter().all(|name| signed.contains(name));
    let hex = |text: &str| HEXLOWER.decode(text.as_bytes()).is_ok_and(|bytes| bytes.len() == 32);
    if !all_signed || !hex(field("Signature")?) || !date.starts_with(day) {
        return Err(incomplete());
    }
    let digest = HEXLOWER.encode(&Sha256::digest(body));
    if header("x-amz-content-sha256") != Some(digest.as_str()) {
        return Err(refuse("InvalidSignatureException", "the body is not the one that was signed"));
    }
    Ok(Scope { region: region.to_owned(), service: service.to_owned() })
}

fn refuse(kind: &'static str, message: &str) -> Refusal {
    Refusal { status: StatusCode::FORBIDDEN, ..Refusal::new(kind, message) }
}
