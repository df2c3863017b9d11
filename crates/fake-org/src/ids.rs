//! Ids in Okta's shapes, a pure function of the seed and of how many were drawn before.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_CHARS: usize = 20;

/// A stream of ids.
#[derive(Debug)]
pub(crate) struct Ids(StdRng);

impl Ids {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// An id of 20 characters such as `00u1a2B3c4D5e6F7g8H9`.
    pub(crate) fn next(&mut self, prefix: &str) -> String {
        let mut id = String::from(prefix);
        while id.len() < ID_CHARS {
            id.push(char::from(BASE62[self.0.random_range(0..BASE62.len())]));
        }
        id
    }

    pub(crate) fn uuid(&mut self) -> String {
        let n = self.0.random::<u128>();
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            n >> 96,
            (n >> 80) & 0xffff,
            (n >> 64) & 0xfff,
            (n >> 52) & 0xfff,
            n & 0xffff_ffff_ffff
        )
    }

    /// An id of something that happens at `at_ms`: a program that starts again with the same seed
    /// does not repeat it.
    pub(crate) fn uuid_at(&mut self, at_ms: i64) -> String {
        Self::seeded(self.0.random::<u64>() ^ at_ms.cast_unsigned()).uuid()
    }

    /// Puts items into an order that is drawn.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        items.shuffle(&mut self.0);
    }

    /// An opaque token of `chars` characters.
    pub(crate) fn token(&mut self, chars: usize) -> String {
        (0..chars)
            .map(|_| char::from(BASE62[self.0.random_range(0..BASE62.len())]))
            .collect()
    }
}
