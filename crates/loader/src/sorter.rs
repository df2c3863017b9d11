//! Pieces on their way from the order of streams to the order of keys.
//!
//! They lie in 256 partitions per kind, by the fingerprint of their key. Up to 32 MiB of them stay in memory; beyond
//! that they go to temporary files, compressed. One partition at a time is read back, so that memory does not grow
//! with the org.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::path::PathBuf;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use fold::{Kind, Piece, fingerprint};
use tempfile::TempDir;

use crate::failure::Failure;

/// Bytes of pieces that are held in memory.
const MOST_HELD: usize = 32 << 20;
/// Partitions of each kind.
pub const PARTITIONS: u16 = 256;

#[derive(Default)]
struct Partition {
    held: Vec<u8>,
    on_disk: bool,
}

/// Pieces by kind and partition.
#[derive(Default)]
pub struct Sorter {
    folder: Option<TempDir>,
    partitions: BTreeMap<(Kind, u16), Partition>,
    held_bytes: usize,
    most_held: usize,
    /// Bytes written to temporary files.
    pub spilled_bytes: u64,
}

impl Sorter {
    /// No piece yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            most_held: MOST_HELD,
            ..Self::default()
        }
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// `SpillFailed`: the temporary directory is full or not writable.
    pub fn add(&mut self, kind: Kind, piece: &Piece) -> Result<(), Failure> {
        let number = u16::try_from(fingerprint(&piece.key) % u128::from(PARTITIONS))
            .expect("the rest of 256");
        let partition = self.partitions.entry((kind, number)).or_default();
        let before = partition.held.len();
        serde_json::to_writer(&mut partition.held, piece)
            .expect("plain structs with text keys always serialize");
        partition.held.push(b'\n');
        self.held_bytes += partition.held.len() - before;
        if self.held_bytes > self.most_held {
            self.flush().map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.folder.is_none() {
            self.folder = Some(tempfile::tempdir()?);
        }
        let folder = self.folder.as_ref().expect("it was made just now").path();
        for (place, partition) in self
            .partitions
            .iter_mut()
            .filter(|(_, partition)| !partition.held.is_empty())
        {
            let file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(folder.join(name(*place)))?;
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(&std::mem::take(&mut partition.held))?;
            let packed = packed.finish()?;
            (&file).write_all(&packed)?;
            self.spilled_bytes += packed.len() as u64;
            partition.on_disk = true;
        }
        self.held_bytes = 0;
        Ok(())
    }

    /// The pieces of a partition by their key, in the keys' order.
    ///
    /// # Errors
    /// `SpillFailed`: a temporary file cannot be read back.
    pub fn read(&self, kind: Kind, number: u16) -> Result<BTreeMap<String, Vec<Piece>>, Failure> {
        let Some(partition) = self.partitions.get(&(kind, number)) else {
            return Ok(BTreeMap::new());
        };
        let mut text = Vec::new();
        if let Some(path) = self.path((kind, number)).filter(|_| partition.on_disk) {
            let file = File::open(path).map_err(|error| failed(&error))?;
            let read = MultiGzDecoder::new(BufReader::new(file)).read_to_end(&mut text);
            read.map_err(|error| failed(&error))?;
        }
        text.extend_from_slice(&partition.held);
        let mut by_key: BTreeMap<String, Vec<Piece>> = BTreeMap::new();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let piece: Piece =
                serde_json::from_slice(line).map_err(|error| failed(&error.into()))?;
            by_key.entry(piece.key.clone()).or_default().push(piece);
        }
        Ok(by_key)
    }

    fn path(&self, place: (Kind, u16)) -> Option<PathBuf> {
        self.folder
            .as_ref()
            .map(|folder| folder.path().join(name(place)))
    }
}

fn name((kind, number): (Kind, u16)) -> String {
    format!("{}-{number}", kind.name())
}

/// The failure of the temporary directory.
#[must_use]
pub fn failed(error: &std::io::Error) -> Failure {
    Failure::new(
        "SpillFailed",
        format!(
            "the temporary directory takes no more: {error}; give the function more ephemeral storage"
        ),
    )
}

#[cfg(test)]
mod tests {
    use fold::{Place, Role};
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_spilled_comes_back_as_what_was_held() {
        let piece = |number: u32| Piece {
            key: format!("00u{}", number % 700),
            place: Place(1, 0, number),
            stream: "users".into(),
            role: Role::Defines,
            touched: number.is_multiple_of(2),
            item: json!({"uniqueId": number}).as_object().unwrap().clone(),
        };
        let read = |most_held: usize| {
            let mut sorter = Sorter {
                most_held,
                ..Sorter::new()
            };
            (0..2_000).for_each(|number| sorter.add(Kind::Users, &piece(number)).unwrap());
            let parts: Vec<_> = (0..PARTITIONS)
                .map(|number| sorter.read(Kind::Users, number).unwrap())
                .collect();
            (parts, sorter.spilled_bytes)
        };
        let (held, none) = read(MOST_HELD);
        let (spilled, some) = read(1_000);
        assert_eq!(held, spilled);
        assert!(none == 0 && some > 0);
        assert_eq!(
            held.iter()
                .flatten()
                .map(|(_, pieces)| pieces.len())
                .sum::<usize>(),
            2_000
        );
    }
}
