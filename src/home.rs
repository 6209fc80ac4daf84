//! The folder `.usher`: data, development keys, and where the running system is.

use data_encoding::HEXLOWER;
use rand::Rng;
use sandbox::{
    apple::{PassCertificate, pass_certificate},
    nearpay::{LoginKey, login_key},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs, io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The development system's passes.
pub(crate) const PASS_TYPE: &str = "pass.sa.usher.development";
pub(crate) const PASS_TEAM: &str = "DEVELOPMNT";

/// `.usher` in the current folder; for this user's eyes only.
pub(crate) struct Home(PathBuf);

/// Keys of this folder's development system. Made here, never leave it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Keys {
    pub id_key: String,
    pub jwt_secret: String,
    pub hyperpay_webhook_key: String,
    /// What the phrases of `PayFort`'s channels begin with.
    #[serde(default = "random_hex")]
    pub payfort_phrase: String,
    #[serde(default = "random_hex")]
    pub checkout_webhook_key: String,
    #[serde(default = "random_hex")]
    pub checkout_webhook_authorization: String,
    /// Keys of an earlier build have none.
    #[serde(default = "random_hex")]
    pub tabby_webhook_secret: String,
    #[serde(default = "random_hex")]
    pub pass_key: String,
    #[serde(default = "random_hex")]
    pub nearpay_webhook_secret: String,
}

/// Where the running system is.
#[derive(Serialize, Deserialize)]
pub(crate) struct Running {
    pub gateway_url: String,
    pub sandbox_url: String,
}

/// Ports that are kept from one start to the next: the engine remembers where the workflows were.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Places {
    pub workflows_port: Option<u16>,
}

impl Home {
    pub(crate) fn open() -> io::Result<Self> {
        let path = std::env::current_dir()?.join(".usher");
        fs::create_dir_all(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// This folder's keys; made at the first start.
    pub(crate) fn keys(&self) -> io::Result<Keys> {
        if let Some(keys) = self.read("keys.json")? {
            // With what an earlier build did not have.
            self.write("keys.json", &keys)?;
            return Ok(keys);
        }
        let keys = Keys {
            id_key: random_hex(),
            jwt_secret: random_hex(),
            hyperpay_webhook_key: random_hex(),
            payfort_phrase: random_hex(),
            checkout_webhook_key: random_hex(),
            checkout_webhook_authorization: random_hex(),
            tabby_webhook_secret: random_hex(),
            pass_key: random_hex(),
            nearpay_webhook_secret: random_hex(),
        };
        self.write("keys.json", &keys)?;
        Ok(keys)
    }

    /// This folder's certificate for wallet passes, by a stand-in of Apple's authority; made at the first start. No phone
    /// takes it for Apple's.
    pub(crate) fn pass_certificate(&self) -> io::Result<PassCertificate> {
        if let Some(known) = self.read("pass-certificate.json")? {
            return Ok(known);
        }
        let made =
            pass_certificate(PASS_TYPE, PASS_TEAM, (2026, 2099)).map_err(io::Error::other)?;
        self.write("pass-certificate.json", &made)?;
        Ok(made)
    }

    /// This folder's key that kiosks' terminals sign in by; made at the first start.
    pub(crate) fn login_key(&self) -> io::Result<LoginKey> {
        if let Some(known) = self.read("login-key.json")? {
            return Ok(known);
        }
        let made = login_key().map_err(io::Error::other)?;
        self.write("login-key.json", &made)?;
        Ok(made)
    }

    pub(crate) fn running(&self) -> io::Result<Option<Running>> {
        self.read("running.json")
    }

    pub(crate) fn set_running(&self, running: &Running) -> io::Result<()> {
        self.write("running.json", running)
    }

    pub(crate) fn forget_running(&self) {
        let _ = fs::remove_file(self.path("running.json"));
    }

    pub(crate) fn places(&self) -> io::Result<Places> {
        Ok(self.read("places.json")?.unwrap_or_default())
    }

    pub(crate) fn set_places(&self, places: &Places) -> io::Result<()> {
        self.write("places.json", places)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match fs::read(self.path(name)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whole or not at all.
    fn write<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        let temporary = self.path(&format!("{name}.new"));
        write_private(&temporary, &serde_json::to_vec_pretty(value)?)?;
        fs::rename(temporary, self.path(name))
    }
}

/// For this user's eyes only.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    io::Write::write_all(&mut file, bytes)
}

/// 32 random bytes as hex.
pub(crate) fn random_hex() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    HEXLOWER.encode(&bytes)
}
