//! A batch as stored → its verified text.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use reader::{BatchEntry, sha256};

/// Bytes of a batch's text at most. The collector ends a batch at 10,000 lines or 2 MiB compressed.
const MOST_TEXT: u64 = 1 << 30;

/// Decompresses a batch, if it is the one that its manifest names.
///
/// # Errors
/// The difference from the manifest, in words.
pub fn open(expected: &BatchEntry, stored: &[u8]) -> Result<Vec<u8>, String> {
    if stored.len() as u64 != expected.bytes {
        return Err(format!(
            "is {} bytes, the manifest says {}",
            stored.len(),
            expected.bytes
        ));
    }
    let found = sha256(stored);
    if found != expected.sha256 {
        return Err(format!(
            "has SHA-256 {found}, the manifest says {}",
            expected.sha256
        ));
    }
    let mut text = Vec::new();
    let read = MultiGzDecoder::new(stored)
        .take(MOST_TEXT)
        .read_to_end(&mut text);
    read.map_err(|error| format!("does not decompress: {error}"))?;
    Ok(text)
}

/// The lines of a batch's text with their numbers from 1, last first.
pub fn lines(text: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    (1..).zip(lines).collect::<Vec<_>>().into_iter().rev()
}
