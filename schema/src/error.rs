//! What a query can fail with.

/// A query found the database in another state than it may be in, or the database did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database: {0}")]
    Sql(#[from] sqlx::Error),
    #[error("migrating the database: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("stored as {what}, unreadable: {reason}")]
    Unreadable { what: &'static str, reason: String },
    #[error("{0} is missing")]
    Missing(String),
}

/// Reads a stored jsonb value.
pub(crate) fn read<T: serde::de::DeserializeOwned>(
    what: &'static str,
    stored: serde_json::Value,
) -> Result<T, Error> {
    serde_json::from_value(stored)
        .map_err(|error| Error::Unreadable { what, reason: error.to_string() })
}

/// Writes a value as jsonb. Our own types always can be.
pub(crate) fn write<T: serde::Serialize>(
    what: &'static str,
    value: &T,
) -> Result<serde_json::Value, Error> {
    serde_json::to_value(value)
        .map_err(|error| Error::Unreadable { what, reason: error.to_string() })
}
