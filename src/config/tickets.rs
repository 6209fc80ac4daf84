//! Tickets: who sells, where pictures are kept, and who signs the passes for Apple's wallet.

use super::reader::Reader;
use activities::tickets::{
    pass::{self, Certificates},
    zatca::Seller,
};
use adapters::storage::{AWS_NAMES, Options};
use data_encoding::HEXLOWER_PERMISSIVE;
use secrecy::SecretSlice;

/// Where pictures are kept.
pub(crate) struct StoreConfig {
    pub url: String,
    pub options: Options,
}

/// None only when it was complained about.
pub(super) fn seller(from: &mut Reader) -> Option<Seller> {
    let name = from.required("ZATCA_SELLER_NAME", "who sells, as on the tax invoice");
    let number = from.required("ZATCA_VAT_NUMBER", "the seller's 15 digits");
    if name.is_empty() || number.is_empty() {
        return None;
    }
    match Seller::new(&name, &number) {
        Ok(seller) => Some(seller),
        Err(wrong) => {
            from.complain(format!("ZATCA_SELLER_NAME, ZATCA_VAT_NUMBER: {wrong}"));
            None
        }
    }
}

pub(super) fn store(from: &mut Reader) -> StoreConfig {
    let bucket = from.optional("S3_BUCKET").map(|bucket| format!("s3://{bucket}"));
    let url = match (from.optional("USHER_STORE_URL"), bucket) {
        (Some(url), _) | (None, Some(url)) => url,
        (None, None) => from.required(
            "USHER_STORE_URL",
            "file:///folder or s3://bucket/prefix, for tickets' pictures",
        ),
    };
    let mut aws: Vec<(String, String)> = AWS_NAMES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), from.optional(name)?)))
        .collect();
    if let Some(region) = from.optional("S3_REGION") {
        aws.push(("AWS_REGION".to_owned(), region));
    }
    StoreConfig { url, options: Options { aws } }
}

/// On when the pass type is set; then everything else of it must be, too. Certificates and keys are PEM, by value or as a
/// file's name; several of them with a comma between, while one replaces the other.
pub(super) fn passes(from: &mut Reader, public_url: &str) -> Option<pass::Config> {
    let pass_type = from.optional("APPLE_WALLET_PASS_TYPE_IDENTIFIER")?;
    let team = from.required("APPLE_WALLET_TEAM_IDENTIFIER", "Apple's id of the developer's team");
    let certificates = pems(from, "APPLE_WALLET_CER_FILE_NAME", "the pass type's certificates");
    let keys = pems(from, "APPLE_WALLET_KEY_FILE_NAME", "their keys, in the same order");
    let intermediate = pems(from, "APPLE_WALLET_WWDR_FILE_NAME", "Apple's WWDR certificate");
    let token_key = token_key(from)?;
    let intermediate = intermediate.first()?;
    if certificates.len() != keys.len() {
        from.complain("APPLE_WALLET_KEY_FILE_NAME: each certificate needs its key");
        return None;
    }
    let pairs = certificates.iter().map(String::as_str).zip(keys.iter().map(String::as_str));
    let certificates = match Certificates::read(&pass_type, &team, pairs, intermediate) {
        Ok(certificates) => certificates,
        Err(unusable) => {
            from.complain(format!("APPLE_WALLET_CER_FILE_NAME: {unusable}"));
            return None;
        }
    };
    let web_service_url =
        from.optional("APPLE_WALLET_WEB_SERVICE_URL").unwrap_or_else(|| public_url.to_owned());
    let organization = from
        .optional("APPLE_WALLET_ORGANIZATION_NAME")
        .unwrap_or_else(|| from.optional("ZATCA_SELLER_NAME").unwrap_or_default());
    Some(pass::Config { pass_type, team, organization, web_service_url, token_key, certificates })
}

fn token_key(from: &mut Reader) -> Option<SecretSlice<u8>> {
    let meaning = "64 hex digits, the same for ever: passes' tokens are derived with it";
    let text = from.required("USHER_PASS_KEY", meaning);
    match HEXLOWER_PERMISSIVE.decode(text.as_bytes()) {
        Ok(key) if key.len() == 32 => Some(SecretSlice::from(key)),
        _ => {
            if !text.is_empty() {
                from.complain(format!("USHER_PASS_KEY is no key: {meaning}"));
            }
            None
        }
    }
}

/// PEMs by value, or in files. What cannot be read is complained about.
pub(super) fn pems(from: &mut Reader, name: &str, meaning: &str) -> Vec<String> {
    let said = from.required(name, meaning);
    let mut read = Vec::new();
    for one in said.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        // Tools write remarks before it.
        if let Some(begins) = one.find("-----BEGIN") {
            read.push(one.get(begins..).unwrap_or_default().to_owned());
            continue;
        }
        match std::fs::read_to_string(one) {
            Ok(pem) => read.push(pem),
            // What was said is not repeated: it may be a key after all.
            Err(error) => {
                from.complain(format!("{name} names a file that cannot be read: {error}"));
            }
        }
    }
    read
}
