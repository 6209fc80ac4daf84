//! The files of a pass, their manifest, and the ZIP around them.

use super::NoPass;
use data_encoding::HEXLOWER;
use sha1::{Digest, Sha1};
use std::{
    collections::BTreeMap,
    io::{Cursor, Write},
};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// A file in the pass. At the root, or in a language's folder.
#[derive(Clone)]
pub(super) struct File {
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

impl File {
    pub(super) const fn new(name: &'static str, bytes: Vec<u8>) -> Self {
        Self { name, bytes }
    }
}

/// Each file's SHA-1, which is what the wallet wants. The signature over this stands for all of them.
pub(super) fn manifest(files: &[File]) -> Result<Vec<u8>, NoPass> {
    let entry = |file: &File| (file.name, HEXLOWER.encode(&Sha1::digest(&file.bytes)));
    let hashes: BTreeMap<&str, String> = files.iter().map(entry).collect();
    Ok(serde_json::to_vec(&hashes)?)
}

/// The same files are the same bytes: every one has the same date.
pub(super) fn zip(files: &[File]) -> Result<Vec<u8>, NoPass> {
    let broken = |error: String| NoPass::Broken(error);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        zip.start_file(file.name, options).map_err(|error| broken(error.to_string()))?;
        zip.write_all(&file.bytes).map_err(|error| broken(error.to_string()))?;
    }
    Ok(zip.finish().map_err(|error| broken(error.to_string()))?.into_inner())
}
