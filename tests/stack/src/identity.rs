//! Who the engine is: an Ed25519 key that it signs its calls with, so that the workflows answer nobody else.

use crate::error::Error;
use crate::folder::write_private;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::BASE64;
use std::fs;
use std::path::{Path, PathBuf};

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// A key pair of an engine: its two halves, as each side wants its own.
pub struct Identity {
    /// PKCS#8 in PEM: a secret of the engine's alone.
    pub private_pem: String,
    /// `publickeyv1_…`, for whoever is called.
    pub public_key: String,
}

impl Identity {
    /// A new one.
    pub fn generate() -> Result<Self, Error> {
        let pair = Ed25519KeyPair::generate().map_err(|_| Error::Identity)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| Error::Identity)?;
        let private_pem = format!("{BEGIN}\n{}\n{END}\n", BASE64.encode(der.as_ref()));
        Ok(Self { private_pem, public_key: public_key(&pair) })
    }

    /// What is kept in a file; made at the first start.
    pub(crate) fn kept(path: PathBuf) -> Result<(PathBuf, String), Error> {
        if !path.exists() {
            write_private(&path, &Self::generate()?.private_pem)?;
        }
        let public_key = read(&path)?;
        Ok((path, public_key))
    }
}

fn read(path: &Path) -> Result<String, Error> {
    let pem = fs::read_to_string(path).map_err(Error::at(path))?;
    let inner = pem.trim().trim_start_matches(BEGIN).trim_end_matches(END).trim();
    let der = BASE64.decode(inner.as_bytes()).map_err(|_| Error::Identity)?;
    let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|_| Error::Identity)?;
    Ok(public_key(&pair))
}

fn public_key(pair: &Ed25519KeyPair) -> String {
    format!("publickeyv1_{}", bs58::encode(pair.public_key()).into_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_identity_stays_the_same_and_nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("usher-identity-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        let (_, first) = Identity::kept(path.clone()).unwrap();
        let (_, again) = Identity::kept(path.clone()).unwrap();
        assert_eq!(first, again);
        assert_ne!(first, Identity::generate().unwrap().public_key);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(path).unwrap();
    }
}
