//! Where pictures are kept: a folder here, or a bucket at S3. What is put under a name stays: the content decides the
//! name, so whoever comes second has brought the same bytes.

use crate::{error::Error, watched};
use object_store::{
    ClientOptions, Error as StoreError, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    local::LocalFileSystem,
    path::Path,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Longer than any picture.
const OBJECT_MAX: u64 = 8 * 1024 * 1024;
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
}

/// What the address of a store does not say. There are secrets in it, so nobody can print it.
#[derive(Clone, Default)]
pub struct Options {
    /// Names and values as AWS's own tools read them from the environment: `AWS_REGION`, `AWS_ACCESS_KEY_ID`, …
    pub aws: Vec<(String, String)>,
}

/// The names in `Options::aws` that are understood.
pub const AWS_NAMES: [&str; 12] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ALLOW_HTTP",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
];

impl Store {
    /// `file:///absolute/folder`, which is made if it is not there, or `s3://bucket/prefix`.
    pub fn open(url: &str, options: &Options) -> Result<Self, Error> {
        let broken = |why: String| Error::refused("configuration", format!("the store: {why}"));
        if let Some(folder) = url.strip_prefix("file://") {
            if !folder.starts_with('/') {
                return Err(broken("file:// takes an absolute folder".to_owned()));
            }
            std::fs::create_dir_all(folder).map_err(|error| broken(error.to_string()))?;
            let files = LocalFileSystem::new_with_prefix(folder)
                .map_err(|error| broken(error.to_string()))?;
            return Ok(Self { objects: Arc::new(files), prefix: Path::default() });
        }
        let Some(place) = url.strip_prefix("s3://") else {
            return Err(broken("it is file:///folder or s3://bucket/prefix".to_owned()));
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err(broken("s3:// takes a bucket".to_owned()));
        }
        // The life of a step repeats, and nothing else.
        let once = RetryConfig { max_retries: 0, retry_timeout: TIMEOUT, ..RetryConfig::default() };
        let client =
            ClientOptions::new().with_timeout(TIMEOUT).with_connect_timeout(CONNECT_TIMEOUT);
        let mut builder = AmazonS3Builder::new()
            .with_client_options(client)
            .with_retry(once)
            .with_bucket_name(bucket);
        for (name, value) in &options.aws {
            let key: AmazonS3ConfigKey = name
                .to_lowercase()
                .parse()
                .map_err(|_| broken(format!("{name} means nothing to it")))?;
            builder = builder.with_config(key, value);
        }
        let bucket = builder.build().map_err(|error| broken(error.to_string()))?;
        Ok(Self { objects: Arc::new(bucket), prefix: Path::from(prefix) })
    }

    /// Puts it there, or finds it there. Safe to repeat, from anywhere, at once.
    pub async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let began = Instant::now();
        let ended = self.brought(name, bytes).await;
        watched::count_store("put", &ended, began.elapsed());
        ended
    }

    /// What is there under this name. None: nothing.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let began = Instant::now();
        let ended = self.fetched(name).await;
        watched::count_store("get", &ended, began.elapsed());
        ended
    }

    async fn brought(&self, name: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.objects.put_opts(&self.path(name), bytes.into(), create).await {
            Ok(_) | Err(StoreError::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(away(&error)),
        }
    }

    async fn fetched(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let found = match self.objects.get(&self.path(name)).await {
            Ok(found) => found,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(away(&error)),
        };
        if found.meta.size > OBJECT_MAX {
            return Err(Error::unknown("the store: larger than anything we put there"));
        }
        Ok(Some(found.bytes().await.map_err(|error| away(&error))?.into()))
    }

    fn path(&self, name: &str) -> Path {
        self.prefix.parts().chain(Path::from(name).parts()).collect()
    }
}

/// Putting is harmless to repeat, so whatever went wrong, it may be tried again; but who we are does not get better by
/// itself. Why is told without addresses and keys.
fn away(error: &StoreError) -> Error {
    if matches!(error, StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. }) {
        tracing::warn!(%error, "the store refuses our credentials");
        return Error::refused("credentials", "the store: it refuses our credentials");
    }
    tracing::warn!(%error, "the store does not answer as it should");
    Error::unavailable("the store: it does not answer as it should")
}

#[cfg(test)]
mod tests;
