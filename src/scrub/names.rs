//! Names that are withheld. A keyed hash stands in their place, so that distinct names stay distinct and can be
//! counted, and nobody who reads the bucket can try which name it was.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The text before the hash, and alone if there is no key.
const WITHHELD: &str = "withheld:";
/// Half of the hash: two names of one org never meet, and a line stays short.
const HASH_BYTES: usize = 16;
/// So that the key serves this alone, apart from other keys derived from the credential.
const PURPOSE: &[u8] = b"okta-authomize: withheld names, 1";

/// The key of the hashes, derived from the integration's credential. It is written nowhere and does not print; with
/// another credential the same name has another hash.
#[derive(Clone)]
pub struct NameKey(Hmac<Sha256>);

impl fmt::Debug for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameKey")
    }
}

impl NameKey {
    /// The key that belongs to a client secret, a private key or a token.
    ///
    /// # Panics
    /// Never: HMAC takes a key of any length.
    #[must_use]
    pub fn of(credential: &str) -> Self {
        let mac = |key: &[u8]| {
            Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length")
        };
        let key = mac(credential.as_bytes()).chain_update(PURPOSE).finalize();
        Self(mac(&key.into_bytes()))
    }

    fn hash(&self, name: &str) -> String {
        let hash = self.0.clone().chain_update(name).finalize().into_bytes();
        hex::encode(&hash[..HASH_BYTES])
    }
}

/// `withheld:` and the hash of a name; without a key there is no hash, for one without a key could be tried.
pub(super) fn withheld(name: &str, key: Option<&NameKey>) -> String {
    let hash = key.map(|key| key.hash(name)).unwrap_or_default();
    format!("{WITHHELD}{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_hash_a_credential_and_no_two_names_share_one() {
        let (key, other) = (NameKey::of("hush"), NameKey::of("hush2"));
        let hash = withheld("Winter2026!", Some(&key));
        assert_eq!(hash, withheld("Winter2026!", Some(&NameKey::of("hush"))));
        assert_ne!(hash, withheld("Winter2026", Some(&key)));
        assert_ne!(hash, withheld("Winter2026!", Some(&other)));
        assert_eq!(hash.len(), WITHHELD.len() + 2 * HASH_BYTES);
        assert_eq!(withheld("Winter2026!", None), WITHHELD);
    }

    #[test]
    fn neither_a_plain_hash_of_the_name_nor_one_keyed_with_the_credential_is_written() {
        use sha2::Digest;
        let hash = withheld("ada", Some(&NameKey::of("hush")));
        let keyed = Hmac::<Sha256>::new_from_slice(b"hush").unwrap();
        let keyed = hex::encode(keyed.chain_update("ada").finalize().into_bytes());
        for known in [hex::encode(Sha256::digest("ada")), keyed] {
            assert!(!hash.contains(&known[..2 * HASH_BYTES]));
        }
    }

    #[test]
    fn a_key_does_not_print() {
        assert_eq!(format!("{:?}", NameKey::of("hush")), "NameKey");
    }
}
