//! What is worth trying again, by the engine, without limit. Everything else is a value.

/// Our own ground gave way (the database is away, a stored value cannot be read). Deliberately not a
/// `std::error::Error`: no stray `?` may turn a decline into something that is tried again.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    pub fn reason(&self) -> &str {
        &self.0
    }
}

impl From<schema::Error> for Error {
    fn from(error: schema::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self(format!("a stored answer is unreadable: {error}"))
    }
}
